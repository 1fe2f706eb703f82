//! The closing table: for each subject every case, what it needs, and why something was not judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::{FAINT, Paint, WIDTH, lines, wrapped};
use super::tally::{Row, Standing, artifacts};
use super::text;
use crate::case::Day;

const INDENT: &str = "  ";

/// The table of all subjects, each with an empty line behind it.
pub(super) fn render(rows: &[Row], paint: Paint) -> String {
    let mut subjects: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        subjects
            .entry((&row.subject, row.engine))
            .or_default()
            .push(row);
    }
    let spec = rows
        .iter()
        .map(|r| r.spec.len())
        .chain(["skipped".len(), "waivers".len()])
        .max()
        .unwrap_or_default();
    let word = rows
        .iter()
        .map(|r| text::standing_word(r.standing).0.len())
        .max()
        .unwrap_or_default();
    let columns = Columns { spec, word, paint };
    let mut out = String::new();
    for ((subject, engine), mut rows) in subjects {
        rows.sort_by(|a, b| (&a.spec, &a.case, &a.variant).cmp(&(&b.spec, &b.case, &b.variant)));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{subject} on {engine}   {}",
            paint.with(FAINT, &image(&rows))
        );
        columns.cases(&mut out, &rows);
        columns.needs(&mut out, &rows);
        columns.waivers(&mut out, &rows);
        columns.skips(&mut out, &rows);
        out.push('\n');
    }
    out
}

/// The image as the subject names it, then what was found under that name.
fn image(rows: &[&Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let id =
        rows.iter()
            .find_map(|r| r.image.as_deref())
            .map(|id| match id.strip_prefix("sha256:") {
                Some(hex) => format!("sha256:{}", hex.chars().take(12).collect::<String>()),
                None => id.to_owned(),
            });
    let found: Vec<String> = id
        .into_iter()
        .chain(rows.iter().find_map(|r| r.platform.clone()))
        .collect();
    if found.is_empty() {
        first.image_source.clone()
    } else {
        format!("{} ({})", first.image_source, found.join(", "))
    }
}

struct Columns {
    spec: usize,
    word: usize,
    paint: Paint,
}

impl Columns {
    fn cases(&self, out: &mut String, rows: &[&Row]) {
        let mut last = "";
        for group in rows.chunk_by(|a, b| a.case == b.case) {
            let (row, standing) = (
                group[0],
                group
                    .iter()
                    .map(|r| r.standing)
                    .min()
                    .unwrap_or(group[0].standing),
            );
            let (word, style) = text::standing_word(standing);
            let spec = if row.spec == last { "" } else { &row.spec };
            last = &row.spec;
            let word = self.paint.with(style, word) + &" ".repeat(self.word - word.len());
            let _ = writeln!(
                out,
                "{INDENT}{spec:<width$}  {word}  {}{}",
                row.stem,
                proven(group),
                width = self.spec
            );
        }
    }

    fn needs(&self, out: &mut String, rows: &[&Row]) {
        let needs: Vec<String> = rows
            .first()
            .iter()
            .flat_map(|r| &r.needs)
            .map(text::need)
            .collect();
        self.noted(out, "needs", &needs);
    }

    /// Each waiver of the subject, what it accepts or accepts nothing: none may be forgotten.
    fn waivers(&self, out: &mut String, rows: &[&Row]) {
        let today = Day::today();
        let waivers = rows.first().map_or(&[][..], |row| &row.waivers);
        let notes: Vec<String> = waivers
            .iter()
            .enumerate()
            .map(|(index, (waiver, _))| {
                let accepted = rows.iter().filter_map(|row| row.waivers.get(index));
                text::waiver(waiver, accepted.map(|(_, n)| n).sum(), today)
            })
            .collect();
        self.noted(out, "waivers", &notes);
    }

    fn skips(&self, out: &mut String, rows: &[&Row]) {
        let mut reasons: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for row in rows {
            if let Some(reason) = &row.skipped {
                *reasons
                    .entry(reason)
                    .or_default()
                    .entry(&row.spec)
                    .or_default() += 1;
            }
        }
        let count = |(spec, count): (&str, usize)| {
            if count == 1 {
                spec.to_owned()
            } else {
                format!("{spec} ×{count}")
            }
        };
        let skips: Vec<String> = reasons
            .into_iter()
            .map(|(reason, specs)| {
                format!(
                    "{reason} [{}]",
                    specs.into_iter().map(count).collect::<Vec<_>>().join(", ")
                )
            })
            .collect();
        self.noted(out, "skipped", &skips);
    }

    /// Notes below the cases, under one label in the specs' column.
    fn noted(&self, out: &mut String, label: &str, notes: &[String]) {
        let indent = INDENT.len() + self.spec + 2;
        let text: Vec<String> = notes
            .iter()
            .flat_map(|n| wrapped(n, WIDTH - indent))
            .collect();
        let first = format!(
            "{INDENT}{}{}",
            self.paint.with(FAINT, label),
            " ".repeat(self.spec + 2 - label.len())
        );
        lines(out, &first, indent, &text);
    }
}

/// For a case with a fault: on how many artifacts it was proven, and on which it was not.
fn proven(group: &[&Row]) -> String {
    let fault = group.first().and_then(|r| r.fault);
    let counted = artifacts(group.iter().copied(), fault);
    if counted.of == 0 {
        return String::new();
    }
    let names = |standing: Standing| {
        let names: Vec<&str> = group
            .iter()
            .filter(|r| r.standing == standing)
            .filter_map(|r| r.variant.as_deref())
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(
                "; {}: {}",
                text::standing_word(standing).0,
                names.join(", ")
            )
        }
    };
    let others = [Standing::Failed, Standing::Broken, Standing::Expected]
        .map(names)
        .concat();
    format!(": {}{others}", text::proven(fault, counted))
}
