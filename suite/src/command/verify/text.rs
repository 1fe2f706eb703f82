//! A verification for people: each finding with its cause and fix, what was not judged, and a table of the rooms.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use adamant_core::report::text::count;
use adamant_verify::{Finding, Report, Room};
use anstyle::{AnsiColor, Style};

use super::waive::Waived;

/// The whole text.
pub(super) fn report(
    title: &str,
    rooms: &[Room],
    report: &Report,
    waived: &[Waived],
    colour: bool,
) -> String {
    let mut text = format!("verify {title}\n");
    let paint = Paint(colour);
    let mut by_rule: BTreeMap<(Room, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        by_rule
            .entry((finding.room, finding.rule))
            .or_default()
            .push(finding);
    }
    for ((_, rule), findings) in &by_rule {
        let head = paint.bold(AnsiColor::Red, rule);
        let clause = findings.first().map_or("", |f| f.clause);
        let _ = writeln!(text, "\n{head}  {clause}");
        for finding in findings {
            let _ = writeln!(
                text,
                "  {}",
                paint.bold(AnsiColor::Cyan, &finding.place.to_string())
            );
            for (key, value) in [
                ("expected", &finding.expected),
                ("seen", &finding.seen),
                ("cause", &finding.cause),
                ("fix", &finding.fix),
            ] {
                if !value.is_empty() {
                    let _ = writeln!(text, "    {key:<9} {value}");
                }
            }
        }
    }
    if !waived.is_empty() {
        let _ = writeln!(text, "\n{}", paint.bold(AnsiColor::Yellow, "waived"));
    }
    for Waived { finding, waiver } in waived {
        let _ = writeln!(
            text,
            "  {} {}: {}",
            finding.rule, finding.place, finding.seen
        );
        let _ = writeln!(text, "    waiver    {waiver}");
    }
    unjudged(&mut text, report, paint);
    table(&mut text, rooms, report);
    last_line(&mut text, report, by_rule.len(), waived.len());
    text
}

fn unjudged(text: &mut String, report: &Report, paint: Paint) {
    if report.unjudged.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", paint.bold(AnsiColor::Yellow, "not judged"));
    for unjudged in &report.unjudged {
        let mark = if unjudged.broken {
            "could not be judged: "
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "  {:<12} {}: {mark}{}",
            unjudged.room.name(),
            unjudged.what,
            unjudged.why
        );
    }
}

fn table(text: &mut String, rooms: &[Room], report: &Report) {
    let rows: Vec<(&str, String, usize)> = rooms
        .iter()
        .map(|room| {
            let judged = report
                .judged
                .iter()
                .filter(|j| j.room == *room && j.count > 0);
            let judged: Vec<String> = judged.map(|j| counted(j.count, j.noun)).collect();
            let judged = if judged.is_empty() {
                "nothing to judge".to_owned()
            } else {
                judged.join(", ")
            };
            let found = report.findings.iter().filter(|f| f.room == *room).count();
            (room.name(), judged, found)
        })
        .collect();
    let width = rows
        .iter()
        .map(|(_, judged, _)| judged.len())
        .max()
        .unwrap_or(0)
        .max(6);
    let _ = writeln!(text, "\n  {:<12} {:<width$}  findings", "room", "judged");
    for (room, judged, found) in rows {
        let _ = writeln!(text, "  {room:<12} {judged:<width$}  {found}");
    }
}

/// `2 packages with addons`: the noun is what stands first.
fn counted(number: usize, noun: &str) -> String {
    match noun.split_once(' ') {
        Some((first @ "package", rest)) => {
            format!("{} {rest}", count(number, first))
        }
        _ => count(number, noun),
    }
}

fn last_line(text: &mut String, report: &Report, rules: usize, waived: usize) {
    let broken = report.unjudged.iter().filter(|u| u.broken).count();
    let nothing = report.judged.iter().all(|judged| judged.count == 0);
    let line = match report.findings.len() {
        0 if nothing => {
            "nothing was judged: the image claims nothing that could be verified".to_owned()
        }
        0 => "no findings".to_owned(),
        found => format!("{} by {}", count(found, "finding"), count(rules, "rule")),
    };
    let line = if broken > 0 {
        format!("{line}; {} could not be judged", count(broken, "thing"))
    } else {
        line
    };
    let line = if waived > 0 {
        format!("{line}; {} waived", count(waived, "finding"))
    } else {
        line
    };
    let _ = writeln!(text, "\n{line}");
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn bold(self, colour: AnsiColor, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let style = Style::new().bold().fg_color(Some(colour.into()));
        format!("{style}{text}{style:#}")
    }
}
