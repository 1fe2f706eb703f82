//! How two runtimes differ in what they answer to the same execution.

use super::driver::take_exports;
use super::wire::{Answer, Stream};

/// One part of an answer in which two runtimes differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The part.
    pub what: &'static str,
    /// What the first said.
    pub first: String,
    /// What the second said.
    pub second: String,
}

/// Every difference that a package's user could notice. What a runtime prints for an uncaught error is its own affair: there
/// standard error is left out, and the error itself is compared.
#[must_use]
pub fn differences(first: &Answer, second: &Answer, nonce: &str) -> Vec<Difference> {
    let (mut first, mut second) = (first.clone(), second.clone());
    let exports = [
        take_exports(&mut first, nonce),
        take_exports(&mut second, nonce),
    ];
    let mut found = Vec::new();
    let mut compare = |what, [first, second]: [String; 2]| {
        if first != second {
            found.push(Difference {
                what,
                first,
                second,
            });
        }
    };
    compare(
        "end",
        [first.outcome.to_string(), second.outcome.to_string()],
    );
    compare(
        "exit code",
        [&first, &second].map(|a| told(a.exit_code.map(|c| c.to_string()))),
    );
    compare("exports", exports.map(|e| told(e.map(|e| e.to_string()))));
    compare(
        "standard output",
        [&first, &second].map(|a| told(a.text(Stream::Stdout))),
    );
    let threw = first.error.is_some() || second.error.is_some();
    if !threw {
        compare(
            "standard error",
            [&first, &second].map(|a| told(a.text(Stream::Stderr))),
        );
    }
    let error = |part: fn(&super::wire::Thrown) -> Option<String>| {
        [&first, &second].map(|a| told(a.error.as_ref().and_then(part)))
    };
    compare("error name", error(|e| e.name.clone()));
    compare("error code", error(|e| e.code.clone()));
    compare("error message", error(|e| Some(e.message.clone())));
    compare(
        "response",
        [&first, &second].map(|a| told(a.response.as_ref().map(|r| format!("{r:?}")))),
    );
    found
}

fn told(value: Option<String>) -> String {
    value.unwrap_or_else(|| "(none)".into())
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Chunk, Ended, Thrown};
    use super::*;

    #[test]
    fn answers_differ_in_what_a_user_could_notice() {
        let answer = |text: &str, stderr: &str| {
            let mut answer = Answer::ended(1, Ended::Threw, String::new());
            let chunk = |stream, text: &str| Chunk {
                stream,
                text: text.to_owned(),
            };
            answer.output = Some(vec![
                chunk(Stream::Stdout, text),
                chunk(Stream::Stderr, stderr),
            ]);
            answer.error = Some(Thrown {
                message: text.to_owned(),
                ..Thrown::default()
            });
            answer
        };
        assert_eq!(differences(&answer("a", "x"), &answer("a", "y"), "n"), []);
        let found = differences(&answer("a", ""), &answer("b", ""), "n");
        let parts: Vec<&str> = found.iter().map(|d| d.what).collect();
        assert_eq!(parts, ["standard output", "error message"]);
    }
}
