//! `before-ready: [BootstrapCompleted]` — readiness is never shown before these events are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::{Event, LineMatch, Reached, Watch};

/// How much later than readiness an event may arrive here, where the two come by different ways (decision 7).
const SLACK_NS: u64 = 250_000_000;

/// Every event of these names comes before readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BeforeReady(pub Vec<String>);

impl Check for BeforeReady {
    fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Err("it names no event".into())
        } else {
            Ok(())
        }
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        subject.ready.as_ref().ok_or("ready")?;
        subject
            .events
            .as_ref()
            .map(drop)
            .ok_or_else(|| "events".into())
    }

    fn settled(&self, context: &Context<'_>, boot: &Boot) -> bool {
        self.judge(context, boot)
            .is_ok_and(|findings| findings.is_empty())
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let Some(Reached::Ready { at_ns, .. }) = boot.reached else {
            return Err(Unanswered("the boot was never ready".into()));
        };
        let line = ready_line(context.subject, boot)?;
        // Lines of one stream have an order of their own; anything else is compared by its arrival here.
        let is_late = |event: &&Event| match line {
            Some(line) if line.stream == event.stream => event.line > line.line,
            _ => event.at_ns > at_ns.saturating_add(SLACK_NS),
        };
        let ready_ms = boot.since_start_ms(at_ns);
        let mut findings = Vec::new();
        for name in &self.0 {
            let mut written = boot
                .log
                .events
                .iter()
                .filter(|e| e.name == *name)
                .peekable();
            let expected = format!("ready only after every `{name}`");
            if written.peek().is_none() {
                findings.push(
                    Finding::new(
                        expected,
                        format!("ready after {ready_ms} ms, `{name}` not written by then"),
                    )
                    .coded("before-ready/too-early"),
                );
                continue;
            }
            if let Some(late) = written.find(is_late) {
                let seen = match line {
                    Some(line) if line.stream == late.stream => format!(
                        "ready with line {} of {}, but `{name}` is line {}",
                        line.line, line.stream, late.line
                    ),
                    _ => format!(
                        "ready after {ready_ms} ms, but `{name}` (line {}) came after {} ms",
                        late.line,
                        boot.since_start_ms(late.at_ns)
                    ),
                };
                findings.push(Finding::new(expected, seen).coded("before-ready/too-early"));
            }
        }
        Ok(findings)
    }
}

/// The line that shows readiness, when it is claimed as a line of output.
fn ready_line<'b>(subject: &Subject, boot: &'b Boot) -> Result<Option<&'b LineMatch>, Unanswered> {
    let output = subject.ready.as_ref().and_then(|r| r.output.as_ref());
    let Some(output) = output else {
        return Ok(None);
    };
    let watch = Watch {
        stream: output.stream.stream(),
        pattern: output.matches.0.clone(),
    };
    Ok(boot.matches(&watch)?.1.first())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case::parse_text;
    use crate::engine::{Image, LogCapture, Stream};

    /// What is found when a subject is ready by a line of output, and these lines come at once.
    fn found(lines: &[(Stream, &str)]) -> Vec<String> {
        let text = "name: s\nimage: x\nevents: { name: event }\nready: { output: { matches: '^up$' }, within: 1s }\n";
        let subject: Subject =
            parse_text(text, std::path::Path::new("adamant.yaml")).expect("a valid subject");
        let watch = Watch {
            stream: None,
            pattern: regex::Regex::new("^up$").expect("a test pattern"),
        };
        let log = LogCapture::new(vec![watch], Some((None, "event".into())));
        for (stream, line) in lines {
            log.push(*stream, format!("{line}\n").as_bytes(), 1000);
        }
        let boot = Boot {
            reached: Some(Reached::Ready {
                at_ns: 1000,
                observed: Vec::new(),
            }),
            log: log.snapshot(),
            watches: log.watches().to_vec(),
            ..Boot::default()
        };
        let (image, enabled) = (Image::default(), BTreeSet::new());
        let context = Context {
            subject: &subject,
            image: &image,
            enabled: &enabled,
            fault: None,
        };
        let findings = BeforeReady(vec!["Done".into()]).judge(&context, &boot);
        let findings = findings.expect("it is judged");
        findings.into_iter().map(|f| f.seen).collect()
    }

    #[test]
    fn lines_of_one_stream_are_compared_by_their_order_alone() {
        use Stream::{Stderr, Stdout};
        let done = r#"{"event":"Done"}"#;
        assert!(found(&[(Stdout, done), (Stdout, "up")]).is_empty());
        assert_eq!(
            found(&[(Stdout, "up"), (Stdout, done)]),
            ["ready with line 1 of stdout, but `Done` is line 2"]
        );
        // Nobody knows the order of two streams closer than their arrival.
        assert!(found(&[(Stdout, "up"), (Stderr, done)]).is_empty());
    }
}
