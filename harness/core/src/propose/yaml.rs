//! Scalars and comments of a YAML file that a person is to read.

use std::fmt::Write as _;

/// A string as YAML takes it, quoted where it must be.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./@%+=~^-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    // A reference has colons, which mean nothing where no space follows.
    let reference = text.chars().all(|c| plain(c) || c == ':') && !text.ends_with(':');
    if begins && !word && reference {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        // What JSON can write, YAML can read.
        return serde_json::Value::from(text).to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A list on one line.
pub(super) fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| scalar(i.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// Text for a comment: one line, nothing that a terminal obeys, at most so many characters.
pub(super) fn words(text: &str, most: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut words: String = clean.clone().take(most).collect();
    if clean.count() > most {
        words.push('…');
    }
    words
}

/// A file under construction.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// A comment, broken into lines.
    pub(super) fn comment(&mut self, text: &str) {
        const WIDTH: usize = 116;
        let text = words(text, 700);
        let mut line = String::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() && line.chars().count() + word.chars().count() + 1 > WIDTH {
                let _ = writeln!(self.0, "# {line}");
                line = "  ".to_owned();
            }
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(self.0, "# {line}");
    }

    /// A line, with its reason behind it.
    pub(super) fn line(&mut self, line: &str, why: &str) {
        if why.is_empty() {
            let _ = writeln!(self.0, "{line}");
        } else {
            let _ = writeln!(self.0, "{line}   # {}", words(why, 240));
        }
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.0.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_reads_back_as_it_was() {
        for text in [
            "a",
            "a/b:1",
            "/opt/x",
            "no",
            "on",
            "1",
            "0x1f",
            "",
            "it's",
            "a: b",
            "a #b",
            "-x",
            "*a",
            "a\nb",
            "${X}",
            "[a]",
            "{a}",
            "é",
            "host:",
            "~",
            "null",
            "1e3",
            "\u{1b}[31m",
            "'",
            "\"",
            "a,b",
            "!x",
            "%x",
        ] {
            let read: Vec<String> = serde_saphyr::from_str(&list([text])).expect("reads");
            assert_eq!(read, [text], "{}", list([text]));
        }
    }

    #[test]
    fn a_comment_stays_one_whatever_is_in_it() {
        let mut page = Page::default();
        page.comment(&"word\nimage: evil ".repeat(20));
        page.line("a: 1", "said \u{1b}[2Jx\nimage: evil");
        let text = page.finish();
        assert!(
            text.lines()
                .all(|l| l.starts_with('#') || l.starts_with("a: 1   # said")),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
    }
}
