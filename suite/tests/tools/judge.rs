//! Whether a tool told the same inside of the VM as on Node, and ran nowhere else; and the planted pairs that must be caught.

use std::collections::BTreeMap;

use adamant_core::module::wire::{Answer, Chunk, Ended, Stream};
use adamant_core::module::{HostTrace, ProcessSeen, Sight};
use libtest_mimic::{Failed, Trial};
use regex::Regex;

use super::form::{NONCE, Run, Volatile};
use super::run::Verdict;

/// What one run showed.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// What was claimed.
    pub(crate) run: &'a Run,
    /// What our isolate answered.
    pub(crate) isolate: &'a Answer,
    /// What Node answered, unless the run is one that is refused.
    pub(crate) node: Option<&'a Answer>,
    /// Which processes our runtime made.
    pub(crate) sight: &'a Sight,
    /// The word of the trial.
    pub(crate) word: &'a str,
    /// Whether this run shows it by the change that was made to the tool.
    pub(crate) shows_word: bool,
    /// What a decoy would have printed.
    pub(crate) decoy_says: &'a str,
    /// How often the isolate and Node asked the model, where there is one.
    pub(crate) asked: Option<(usize, usize)>,
}

/// The verdict, with every finding in its text.
pub(crate) fn judge(seen: &Seen<'_>) -> Verdict {
    // What is claimed of Node must hold whatever is declared of the isolate: else the claim is wrong.
    let mut findings = seen
        .node
        .map_or_else(Vec::new, |node| broken("Node", node, seen));
    let mut own = broken("isolate", seen.isolate, seen);
    own.extend(differences(seen));
    match &seen.run.expect_fail {
        Some(reason) if own.is_empty() => {
            findings.push(format!("declared to differ ({reason}), but it does not"));
        }
        Some(_) => {}
        None => findings.append(&mut own),
    }
    match proof(seen) {
        Proof::Holds => {}
        Proof::Findings(more) => findings.extend(more),
        // What is wrong is told, whoever could not look at the rest.
        Proof::Blind(why) if findings.is_empty() => return Verdict::Unjudged(why),
        Proof::Blind(why) => findings.push(why),
    }
    if findings.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Wrong(findings.join("\n"))
    }
}

/// What the run claims of every answer, and this one does not keep.
fn broken(who: &str, answer: &Answer, seen: &Seen<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    if answer.truncated || answer.output.is_none() {
        findings.push(format!("{who}: not all of the output was told"));
    }
    if answer.exit_code != Some(seen.run.exit_code) {
        let code = answer.exit_code.map(|code| code.to_string());
        let detail = answer.detail.as_deref().filter(|detail| !detail.is_empty());
        findings.push(format!(
            "{who}: expected exit code {}, seen {} ({}{}){}",
            seen.run.exit_code,
            code.as_deref().unwrap_or("none"),
            answer.outcome,
            detail.map(|d| format!(": {d}")).unwrap_or_default(),
            tail(&answer.text(Stream::Stderr).unwrap_or_default()),
        ));
    }
    let all = all(answer);
    for text in &seen.run.shows {
        let text = text.replace(NONCE, seen.word);
        if !all.contains(&text) {
            findings.push(format!("{who}: nothing of its output says `{text}`"));
        }
    }
    findings
}

/// Where the two answers differ.
fn differences(seen: &Seen<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let Some(node) = seen.node else {
        return findings;
    };
    for stream in [Stream::Stdout, Stream::Stderr] {
        let told = |answer: &Answer| settled(&answer.text(stream).unwrap_or_default(), seen.run);
        let (inside, oracle) = (told(seen.isolate), told(node));
        if inside != oracle {
            findings.push(first_difference(stream, &oracle, &inside));
        }
    }
    match seen.asked {
        Some((_, 0)) => findings.push("Node never asked the model".to_owned()),
        Some((inside, oracle)) if inside != oracle => findings.push(format!(
            "the model was asked {inside} times by the isolate and {oracle} times by Node"
        )),
        _ => {}
    }
    let both = format!("{}{}", all(seen.isolate), all(node));
    for volatile in &seen.run.volatile {
        match pattern(volatile) {
            Err(why) => findings.push(why),
            Ok(pattern) if !pattern.is_match(&both) => findings.push(format!(
                "nothing looks like `{}`, which is declared volatile",
                volatile.pattern
            )),
            Ok(_) => {}
        }
    }
    findings
}

enum Proof {
    Holds,
    Findings(Vec<String>),
    Blind(String),
}

/// That the tool ran in the VM, and nothing on the host in its place.
fn proof(seen: &Seen<'_>) -> Proof {
    let mut findings = Vec::new();
    let inside = all(seen.isolate);
    if seen.shows_word && !inside.contains(seen.word) {
        findings.push(format!(
            "isolate: the output has not the word `{}`, which only the changed copy of the tool says",
            seen.word
        ));
    }
    if inside.contains(seen.decoy_says) {
        findings.push(format!("isolate: {}", seen.decoy_says));
    }
    match seen.sight {
        Sight::Seen(trace) => {
            for process in &trace.processes {
                findings.push(match &process.exec {
                    Some(exec) => format!(
                        "isolate: process {} started `{}` on the host",
                        process.pid,
                        exec.join(" ")
                    ),
                    None => format!(
                        "isolate: process {} was made on the host, running `{}`",
                        process.pid,
                        process.argv.join(" ")
                    ),
                });
            }
        }
        Sight::Blind(why) => {
            return Proof::Blind(format!(
                "nobody could see which processes the runtime made: {why}"
            ));
        }
        Sight::Native => findings.push("isolate: it ran as a process of the host".to_owned()),
    }
    if findings.is_empty() {
        Proof::Holds
    } else {
        Proof::Findings(findings)
    }
}

fn all(answer: &Answer) -> String {
    [Stream::Stdout, Stream::Stderr]
        .map(|stream| answer.text(stream).unwrap_or_default())
        .concat()
}

fn pattern(volatile: &Volatile) -> Result<Regex, String> {
    Regex::new(&volatile.pattern).map_err(|error| error.to_string())
}

fn settled(text: &str, run: &Run) -> String {
    run.volatile
        .iter()
        .filter_map(|volatile| pattern(volatile).ok())
        .fold(text.to_owned(), |text, pattern| {
            pattern.replace_all(&text, "[VOLATILE]").into_owned()
        })
}

fn first_difference(stream: Stream, oracle: &str, inside: &str) -> String {
    let (mut expected, mut seen) = (oracle.lines(), inside.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (expected.next(), seen.next()) {
            (None, None) => {
                return format!("{stream:?}: the ends of the last line differ");
            }
            (left, right) if left == right => {}
            (left, right) => {
                let shown = |line: Option<&str>| {
                    line.map_or_else(|| "its end".to_owned(), |l| format!("`{}`", short(l)))
                };
                return format!(
                    "{stream:?}, line {number}: Node tells {}, the isolate {}",
                    shown(left),
                    shown(right)
                );
            }
        }
    }
}

fn short(line: &str) -> String {
    line.chars().take(300).collect()
}

fn tail(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.trim_end().lines().collect();
    let last = &lines[lines.len().saturating_sub(12)..];
    last.iter()
        .map(|line| format!("\n    {}", short(line)))
        .collect()
}

/// Pairs of answers that must be caught, each by its words, and those that must not.
pub(crate) fn controls() -> Vec<Trial> {
    let samples = [unlike(), not_inside(), declared()].concat();
    samples.into_iter().map(control).collect()
}

fn good() -> Answer {
    said("hi n1", "", 0)
}

fn calm() -> Sight {
    Sight::Seen(HostTrace::default())
}

/// Answers that differ, or are equal and wrong.
fn unlike() -> Vec<Sample> {
    let (failed, silent) = (said("hi n1", "", 1), said("", "", 0));
    let sample = |name, isolate, node, wanted| (name, isolate, node, calm(), false, wanted);
    let (other, louder) = (said("hi n1!", "", 0), said("hi n1", "oh", 0));
    let code = "expected exit code 0, seen 1";
    let fails = "Node: expected exit code 0";
    let silence = "nothing of its output says `hi`";
    vec![
        sample("equal answers hold", good(), good(), None),
        sample(
            "another standard output",
            other,
            good(),
            Some("Node tells `hi n1`"),
        ),
        sample(
            "another standard error",
            louder,
            good(),
            Some("Stderr, line 1"),
        ),
        sample("another exit code", failed.clone(), good(), Some(code)),
        sample("two that fail alike", failed.clone(), failed, Some(fails)),
        sample(
            "two that print nothing",
            silent.clone(),
            silent,
            Some(silence),
        ),
    ]
}

/// Answers that something else than the isolate gave.
fn not_inside() -> Vec<Sample> {
    let busy = Sight::Seen(HostTrace {
        processes: vec![ProcessSeen {
            pid: 7,
            argv: vec!["sh".to_owned()],
            exec: Some(vec!["/bin/tool".to_owned()]),
        }],
        idle_cpu: None,
    });
    let (kept, decoy) = (said("hi n0", "", 0), said("hi n1 quack", "", 0));
    let dark = Sight::Blind("dark".to_owned());
    let both = |name, answer: Answer, sight, wanted| {
        (name, answer.clone(), answer, sight, false, Some(wanted))
    };
    vec![
        both(
            "an answer that was kept",
            kept,
            calm(),
            "has not the word `n1`",
        ),
        both("a program of the host", good(), busy, "started `/bin/tool`"),
        both("a decoy", decoy, calm(), "isolate: quack"),
        both(
            "a runtime of the host",
            good(),
            Sight::Native,
            "process of the host",
        ),
        both("nobody looked", good(), dark, "nobody could see"),
    ]
}

/// Differences that are declared.
fn declared() -> Vec<Sample> {
    let (other, failed) = (said("hi n1!", "", 0), said("hi n1", "", 1));
    let sample = |name, isolate, node, wanted| (name, isolate, node, calm(), true, wanted);
    let fails = "Node: expected exit code 0";
    vec![
        sample("a declared difference holds", other, good(), None),
        sample(
            "a declared difference that is none",
            good(),
            good(),
            Some("but it does not"),
        ),
        sample(
            "a Node that fails is not declared",
            good(),
            failed,
            Some(fails),
        ),
    ]
}

/// A name, two answers, what was seen of the host, whether a difference is declared, and the words that catch it.
type Sample = (
    &'static str,
    Answer,
    Answer,
    Sight,
    bool,
    Option<&'static str>,
);

fn control((name, isolate, node, sight, declared, wanted): Sample) -> Trial {
    Trial::test(format!("control::{name}"), move || {
        let run = Run {
            name: "control".to_owned(),
            entry: "/main.js".to_owned(),
            argv: Vec::new(),
            env: BTreeMap::new(),
            stdin: None,
            terminal: None,
            mock: false,
            files: BTreeMap::new(),
            exit_code: 0,
            shows: vec!["hi".to_owned()],
            volatile: Vec::new(),
            refused: None,
            expect_fail: declared.then(|| "a reason".to_owned()),
        };
        let verdict = judge(&Seen {
            run: &run,
            isolate: &isolate,
            node: Some(&node),
            sight: &sight,
            word: "n1",
            shows_word: true,
            decoy_says: "quack",
            asked: None,
        });
        match (wanted, &verdict) {
            (None, Verdict::Holds) => Ok(()),
            (Some(wanted), Verdict::Wrong(why) | Verdict::Unjudged(why))
                if why.contains(wanted) =>
            {
                Ok(())
            }
            _ => Err(Failed::from(format!(
                "expected {wanted:?}, seen {verdict:?}"
            ))),
        }
    })
}

fn said(stdout: &str, stderr: &str, code: i32) -> Answer {
    let ended = if code == 0 {
        Ended::Returned
    } else {
        Ended::Exited
    };
    let mut answer = Answer::ended(1, ended, String::new());
    answer.exit_code = Some(code);
    answer.output = Some(
        [(Stream::Stdout, stdout), (Stream::Stderr, stderr)]
            .map(|(stream, text)| Chunk {
                stream,
                text: text.to_owned(),
            })
            .into(),
    );
    answer
}
