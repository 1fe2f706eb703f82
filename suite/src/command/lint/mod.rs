//! `adamant lint`: what entrypoint scripts install, fetch or swallow, told for people, machines, code scanning or a pull request.

mod beside;
mod gather;
mod parallel;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use adamant_core::check::boot_lints;
use adamant_core::env;
use adamant_core::report::remark::Remark;
use adamant_core::report::{annotation, sarif, script, text};
use adamant_core::run::Cancel;
use adamant_core::shell::{self, Class, Lint, Smell, Unparsed};

use super::{Done, Failure, target};
use crate::cli::{Colour, LintArgs, LintFormat};
use crate::{exit, signal};
use beside::Beside;
use gather::{Gathered, Input};

/// What came of all scripts.
#[derive(Debug, Default)]
struct Judged {
    smells: Vec<Smell>,
    unread: Vec<Unparsed>,
}

/// Lints.
pub fn run(args: &LintArgs, colour: Colour) -> Done {
    let seen: BTreeSet<Class> = shell::control()
        .smells
        .iter()
        .map(|smell| smell.class)
        .collect();
    if seen.len() < 3 {
        return Err(Failure::broken(
            "the lint is blind: it does not find what is wrong with its own bad sample",
        ));
    }
    let (gathered, judged, signal) = match &args.image {
        Some(what) => {
            let cancel = Cancel::default();
            signal::watch(&cancel).map_err(Failure::broken)?;
            let (gathered, judged) = image(what, args, &cancel)?;
            (gathered, judged, cancel.signal())
        }
        None => {
            // Nothing here waits that a signal would have to wake.
            let noted = signal::note().map_err(Failure::broken)?;
            let mut gathered = gather::gather(&args.paths)?;
            let judged = judge(&mut gathered);
            (gathered, judged, noted.signal())
        }
    };
    if let Some(number) = signal {
        return Ok(exit::signal(number));
    }
    write(args.format, colour, &gathered, &judged).map_err(Failure::broken)?;
    for (file, why) in &gathered.others {
        anstream::eprintln!("not {}: {file}: {why}", gathered.verb());
    }
    for unread in &judged.unread {
        let message = script::unread(unread).message;
        anstream::eprintln!("not read: {}:{}: {message}", unread.file, unread.line);
    }
    anstream::eprintln!("{}", summary(&gathered, &judged));
    Ok(match () {
        () if !judged.unread.is_empty() || gathered.scripts.is_empty() => exit::COULD_NOT_JUDGE,
        () if !judged.smells.is_empty() => exit::FINDINGS,
        () => exit::HELD,
    })
}

/// Each script by itself, and what shows only where one of a directory calls another.
fn judge(gathered: &mut Gathered) -> Judged {
    let late: Vec<usize> = (0..)
        .zip(&gathered.scripts)
        .filter(|(_, input)| input.alone.is_none())
        .map(|(at, _)| at)
        .collect();
    let scripts = &gathered.scripts;
    // What is linted is more work than what is only searched, however short it is.
    let size = |at: &usize| parallel::LEAST + scripts.get(*at).map_or(0, |input| input.text.len());
    let told = parallel::each(&late, size, |at| {
        let input = scripts.get(*at)?;
        Some(shell::script(&input.name, &input.text))
    });
    for (at, lint) in late.into_iter().zip(told) {
        if let Some(input) = gathered.scripts.get_mut(at) {
            input.alone = lint;
        }
    }
    let beside = Beside::of(&gathered.scripts);
    let calls = parallel::each(
        beside.scripts(),
        |(_, input)| input.text.len(),
        |(path, input)| beside.calls(path, input),
    );
    let callers: Vec<_> = beside
        .scripts()
        .iter()
        .zip(calls)
        .filter_map(|(script, calls)| calls.then_some(script))
        .collect();
    let chains = parallel::each(
        &callers,
        |(_, input)| parallel::LEAST + input.text.len(),
        |(path, _)| beside.chain(path),
    );
    let mut judged = Judged::default();
    for input in &mut gathered.scripts {
        if let Some(lint) = input.alone.take() {
            judged.take(lint);
        }
    }
    for lint in chains.into_iter().flatten() {
        judged.take(lint);
    }
    judged.settle(gathered);
    judged
}

/// The boot of an image, through all of its scripts.
fn image(what: &str, args: &LintArgs, cancel: &Cancel) -> Result<(Gathered, Judged), Failure> {
    let (subject, image) = target::find(what, None, &args.sourcing.sourcing(), cancel)?;
    let mut gathered = Gathered {
        of_image: true,
        ..Gathered::default()
    };
    let mut judged = Judged::default();
    for lint in boot_lints(&subject, &image) {
        for path in &lint.read {
            let text = image.text(path).unwrap_or_default().to_vec();
            if !gathered.scripts.iter().any(|known| known.name == *path) {
                let name = path.clone();
                gathered.scripts.push(Input {
                    name,
                    text,
                    alone: None,
                });
            }
        }
        for other in &lint.not_followed {
            if !gathered.others.contains(other) {
                gathered.others.push(other.clone());
            }
        }
        judged.take(lint);
    }
    judged.settle(&gathered);
    Ok((gathered, judged))
}

impl Judged {
    /// Adds what another reading found.
    fn take(&mut self, lint: Lint) {
        self.smells.extend(lint.smells);
        for unread in lint.unparsed {
            if !self.unread.contains(&unread) {
                self.unread.push(unread);
            }
        }
    }

    /// Sorts by the order in which the scripts were given, then by line; of several readings that tell of the same command by the
    /// same rule the first one stays.
    fn settle(&mut self, gathered: &Gathered) {
        let order: BTreeMap<&str, usize> = gathered
            .scripts
            .iter()
            .enumerate()
            .map(|(at, input)| (input.name.as_str(), at))
            .collect();
        let key = |smell: &Smell| {
            let at = order.get(smell.file.as_str()).copied();
            (at.unwrap_or(0), smell.line, smell.column)
        };
        self.smells.sort_by_cached_key(key);
        let mut told: Vec<Smell> = Vec::with_capacity(self.smells.len());
        for smell in self.smells.drain(..) {
            let place = (smell.line, smell.column);
            let near = told.iter().rev();
            let mut near = near.take_while(|known| (known.line, known.column) == place);
            if !near.any(|known| (known.rule, &known.file) == (smell.rule, &smell.file)) {
                told.push(smell);
            }
        }
        self.smells = told;
    }
}

fn write(
    format: LintFormat,
    colour: Colour,
    gathered: &Gathered,
    judged: &Judged,
) -> std::io::Result<()> {
    let stdout = std::io::stdout();
    let colour = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            stdout.is_terminal() && env::host(env::NO_COLOR).is_none_or(|value| value.is_empty())
        }
    };
    let mut out = std::io::BufWriter::with_capacity(1 << 16, stdout.lock());
    match format {
        LintFormat::Text => {
            let files: BTreeSet<&str> = judged.smells.iter().map(|smell| &*smell.file).collect();
            let with_finding = gathered.scripts.iter();
            let with_finding = with_finding.filter(|input| files.contains(&*input.name));
            let texts: BTreeMap<&str, Cow<'_, str>> = with_finding
                .map(|input| (&*input.name, String::from_utf8_lossy(&input.text)))
                .collect();
            for smell in &judged.smells {
                let source = texts.get(&*smell.file).map(|text| &**text);
                writeln!(out, "{}", script::finding(smell, source, colour))?;
            }
        }
        LintFormat::Jsonl => {
            for smell in &judged.smells {
                serde_json::to_writer(&mut out, &script::json(smell))?;
                writeln!(out)?;
            }
        }
        LintFormat::Github => {
            for remark in remarks(judged).iter().chain(&unread(judged)) {
                writeln!(out, "{}", annotation(remark))?;
            }
        }
        LintFormat::Sarif => {
            let rules: Vec<_> = shell::rules().map(script::rule_text).collect();
            let version = env!("CARGO_PKG_VERSION");
            let log = sarif::log(version, &rules, &remarks(judged), &unread(judged));
            writeln!(out, "{log:#}")?;
        }
    }
    out.flush()
}

fn remarks(judged: &Judged) -> Vec<Remark> {
    judged.smells.iter().map(script::remark).collect()
}

fn unread(judged: &Judged) -> Vec<Remark> {
    judged.unread.iter().map(script::unread).collect()
}

/// `3 findings in 2 of 14 scripts: 1 install, 2 swallows; 1 script was not read whole`.
fn summary(gathered: &Gathered, judged: &Judged) -> String {
    let files: BTreeSet<&str> = judged
        .smells
        .iter()
        .map(|smell| smell.file.as_str())
        .collect();
    // Writing to a string cannot fail.
    let mut line = format!(
        "{} in {} of {}",
        text::count(judged.smells.len(), "finding"),
        files.len(),
        text::count(gathered.scripts.len(), "script")
    );
    let of = |class: Class| {
        judged
            .smells
            .iter()
            .filter(|smell| smell.class == class)
            .count()
    };
    let parts: Vec<String> = [
        (of(Class::Install), "install"),
        (of(Class::Fetch), "fetch"),
        (of(Class::Swallow), "swallow"),
    ]
    .iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, class)| format!("{number} {class}"))
    .collect();
    if !parts.is_empty() {
        line.push_str(": ");
        line.push_str(&parts.join(", "));
    }
    let unread: BTreeSet<&str> = judged
        .unread
        .iter()
        .map(|unread| unread.file.as_str())
        .collect();
    if !unread.is_empty() {
        let _ = write!(
            line,
            "; {} not read whole",
            text::count(unread.len(), "script")
        );
    }
    if !gathered.others.is_empty() {
        let _ = write!(
            line,
            "; {} not {}",
            text::count(gathered.others.len(), "file"),
            if gathered.of_image {
                "followed"
            } else {
                "shell"
            }
        );
    }
    line
}
