//! Remarks as GitHub's workflow commands: lines on stdout that become annotations of a pull request.

use super::remark::{Level, Remark};
use super::sarif::ON_HOST;

/// One workflow command for a remark, without the newline.
#[must_use]
pub fn annotation(remark: &Remark) -> String {
    let command = match remark.level {
        Level::Error if remark.waiver.is_none() => "error",
        Level::Warning => "warning",
        Level::Error | Level::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = &remark.place {
        let file = place.file.strip_prefix(ON_HOST).unwrap_or(&place.file);
        properties.push(format!("file={}", property(file)));
        properties.push(format!("line={}", place.line));
        properties.push(format!("endLine={}", place.end_line));
        properties.extend(place.column.map(|column| format!("col={column}")));
    }
    if !remark.rule.is_empty() {
        properties.push(format!("title={}", property(&remark.rule)));
    }
    let mut message = remark.message.clone();
    if !remark.reached_by.is_empty() {
        message.push_str("\nreached by ");
        message.push_str(&remark.reached_by.join(", "));
    }
    if let Some(waiver) = &remark.waiver {
        message.push_str("\nwaived: ");
        message.push_str(&waiver.reason);
    }
    let properties = properties.join(",");
    let space = if properties.is_empty() { "" } else { " " };
    format!("::{command}{space}{properties}::{}", data(&message))
}

/// The escapes of a message: a newline would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The escapes of a property, where a comma or a colon would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::remark::{Place, Waiver};
    use super::*;

    fn remark() -> Remark {
        Remark {
            rule: "install/npm".into(),
            level: Level::Error,
            message: "100%\nsure: a, b".into(),
            place: Some(Place {
                file: "a,b:c/50%.sh".into(),
                line: 3,
                end_line: 4,
                column: Some(7),
            }),
            reached_by: vec!["a.sh:1 → f()".into()],
            waiver: None,
        }
    }

    #[test]
    fn nothing_in_a_text_ends_the_command() {
        assert_eq!(
            annotation(&remark()),
            "::error file=a%2Cb%3Ac/50%25.sh,line=3,endLine=4,col=7,title=install/npm::\
             100%25%0Asure: a, b%0Areached by a.sh:1 → f()"
        );
    }

    #[test]
    fn a_waived_remark_is_a_notice_with_its_reason() {
        let waiver = Waiver {
            reason: "until the move, ops, 2027-01-01".into(),
        };
        let waived = Remark {
            waiver: Some(waiver),
            place: None,
            ..remark()
        };
        let line = annotation(&waived);
        assert!(line.starts_with("::notice title=install/npm::"), "{line}");
        assert!(
            line.ends_with("%0Awaived: until the move, ops, 2027-01-01"),
            "{line}"
        );
    }
}
