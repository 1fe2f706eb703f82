//! Writes what was observed as a subject file with its reasons.

use std::collections::{BTreeMap, BTreeSet};

use adamant_probe::{CommandResult, Entry, Kind, Process, Target};

use super::artifact::{self, Absent, Candidate, Ended};
use super::observe::{departures, events_stream, ran};
use super::ready::{self, Choice, Readiness};
use super::tree::Tree;
use super::yaml::{Page, list, scalar};
use super::{Look, Observation, process_name};
use crate::case::Subject;
use crate::check::is_under;
use crate::engine::{Change, ChangeKind, Stream};
use crate::report::text;

/// Files that the boot left are claimed up to this number; the rest is counted.
const MOST_WRITES: usize = 4;
const MOST_PROGRAMS: usize = 12;

/// A subject file, and what a person should hear beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The file.
    pub text: String,
    /// What was seen against the contract, one sentence each.
    pub faults: Vec<String>,
    /// What could not be told, one sentence each.
    pub open: Vec<String>,
}

/// What an observation says; the error is why nothing can be proposed.
pub fn propose(observation: &Observation) -> Result<Proposal, String> {
    let look = &observation.open;
    if let Some(exit) = look.exit.as_ref().filter(|exit| exit.code != 0) {
        let why = match &exit.refused {
            Some(words) => format!("it could not be started: {words}"),
            None => format!(
                "process 1 ended by itself with {} after {}",
                exit.code,
                text::duration(exit.after_ms)
            ),
        };
        return Err(why);
    }
    let mut writer = Writer {
        observation,
        tree: Tree::of(observation),
        choice: ready::choose(&observation.image, look),
        page: Page::default(),
        faults: Vec::new(),
        open: Vec::new(),
    };
    writer.find_faults();
    writer.head();
    writer.run();
    writer.directories();
    writer.readiness();
    writer.events();
    writer.artifacts();
    writer.programs();
    writer.stop();
    writer.writes();
    writer.rest();
    let proposal = Proposal {
        text: writer.page.finish(),
        faults: writer.faults,
        open: writer.open,
    };
    // What is written here and cannot be read again would be our own mistake, and is told as such.
    let read: Result<Subject, _> =
        crate::case::parse_text(&proposal.text, std::path::Path::new("adamant.yaml"));
    let subject = read.map_err(|error| format!("the proposal cannot be read again: {error}"))?;
    subject
        .validate()
        .map_err(|wrong| format!("the proposal contradicts itself: {}", wrong.value))?;
    Ok(proposal)
}

struct Writer<'o> {
    observation: &'o Observation,
    tree: Tree,
    choice: Option<Choice>,
    page: Page,
    faults: Vec<String>,
    open: Vec<String>,
}

impl Writer<'_> {
    fn find_faults(&mut self) {
        self.faults.append(&mut self.tree.faults);
        let mut gone = BTreeSet::new();
        for look in self.observation.looks() {
            gone.extend(departures(look));
        }
        self.faults.extend(gone);
        if let (Some(choice), Some(sealed)) = (&self.choice, &self.observation.sealed)
            && sealed.ready_ms.is_none()
        {
            let how = match &sealed.exit {
                Some(exit) => format!("process 1 ended with {}", exit.code),
                None => "it was not ready in time".to_owned(),
            };
            let mut lines = sealed.log.head.lines().chain(sealed.log.tail.lines());
            let last = lines.rfind(|line| !line.trim().is_empty());
            let last = last.map_or(String::new(), |line| {
                format!("; its last words: {}", line.trim())
            });
            self.faults.push(format!(
                "without a network and on a read-only root, {how}{last}; with a network and a writable root {}",
                if matches!(choice.target, Readiness::Exit(_)) {
                    "it did its work"
                } else {
                    "it was ready"
                }
            ));
        }
        let stopped = self
            .observation
            .sealed
            .as_ref()
            .and_then(|s| s.stopped.as_ref());
        if let Some(stopped) = stopped.filter(|stopped| stopped.killed) {
            self.faults.push(format!(
                "{} did not end it within {}: it had to be killed",
                self.signal(),
                text::duration(stopped.took_ms)
            ));
        }
        for absent in &self.observation.without {
            let id = &absent.candidate.id;
            if let Ended::Exit { exit, .. } = &absent.ended
                && exit.code == 0
                && !matches!(
                    self.choice.as_ref().map(|c| &c.target),
                    Some(Readiness::Exit(_))
                )
            {
                self.faults.push(format!(
                    "without `{id}` it ended with 0, as if all were well"
                ));
            }
        }
    }

    fn signal(&self) -> &str {
        let signal = self.observation.image.config.stop_signal.as_deref();
        signal.unwrap_or("SIGTERM")
    }

    fn head(&mut self) {
        let observation = self.observation;
        self.page.comment(&format!(
            "Proposed by `adamant init` from {} on {}.",
            text::count(observation.looks().len(), "boot"),
            observation.engine,
        ));
        self.page
            .comment("Each line says what was seen; read it, correct it, keep it.");
        if let Some(why) = &observation.blind {
            self.open.push(format!(
                "no process was watched, so attempts that failed were not seen: {why}"
            ));
        }
        for look in observation.looks() {
            if !look.settled {
                self.open.push(format!(
                    "it still changed when it had been watched for {}: what came later was not seen",
                    text::duration(look.watched_ms)
                ));
                break;
            }
        }
        for open in self.open.clone() {
            self.page.comment(&format!("Could not tell: {open}."));
        }
        if !self.faults.is_empty() {
            self.page.gap();
            self.page.comment("Seen, and against the contract:");
            for fault in self.faults.clone() {
                self.page.comment(&format!("- {fault}"));
            }
        }
        self.page.gap();
        let id = observation.image.id.get(..19).unwrap_or_default();
        let why = format!("{}, {id}", observation.image.platform);
        self.page
            .line(&format!("image: {}", scalar(&observation.named)), &why);
    }

    fn run(&mut self) {
        let observation = self.observation;
        if observation.args.is_none() && observation.env.is_empty() {
            return;
        }
        let mut parts = Vec::new();
        if let Some(args) = &observation.args {
            parts.push(format!("args: {}", list(args)));
        }
        if !observation.env.is_empty() {
            let pairs: Vec<String> = observation
                .env
                .iter()
                .map(|(name, value)| format!("{}: {}", scalar(name), quoted(value)))
                .collect();
            parts.push(format!("env: {{ {} }}", pairs.join(", ")));
        }
        self.page.line(
            &format!("run: {{ {} }}", parts.join(", ")),
            "as given to `adamant init`",
        );
    }

    fn directories(&mut self) {
        for (key, claims) in [
            ("immutable", self.tree.immutable.clone()),
            ("writable", self.tree.writable.clone()),
        ] {
            self.page.gap();
            if claims.is_empty() {
                let what = if key == "immutable" {
                    "no file of the image was seen to run or to be named outside what is written"
                } else {
                    "nothing was written while it was watched"
                };
                self.page.comment(&format!("not claimed: `{key}`: {what}."));
                continue;
            }
            self.page.line(&format!("{key}:"), "");
            for claim in claims {
                self.page
                    .line(&format!("  - {}", scalar(&claim.path)), &claim.why);
            }
        }
    }

    fn readiness(&mut self) {
        self.page.gap();
        let image = &self.observation.image;
        let Some(choice) = self.choice.clone() else {
            self.not_claimed(
                "ready",
                "nothing listened, and process 1 did not end: say which line of its output means ready, `ready: { output: { matches: … }, within: … }`",
            );
            return;
        };
        let target = match &choice.target {
            Readiness::Exit(code) => format!("exit: {{ code: {code} }}"),
            Readiness::Output(pattern) => {
                format!("output: {{ matches: {} }}", quoted(pattern.as_str()))
            }
            Readiness::Target(Target::Http { port, path, status }) => format!(
                "http: {{ port: {port}, path: {}, status: {status} }}",
                scalar(path)
            ),
            Readiness::Target(Target::Tcp { port }) => format!("tcp: {{ port: {port} }}"),
            Readiness::Target(Target::Unix { path }) => {
                format!("unix: {{ path: {} }}", scalar(path))
            }
        };
        let sealed = self.observation.sealed.as_ref();
        let seen = sealed.and_then(|look| look.ready_ms);
        let (within, when) = match seen {
            Some(ms) => (
                ready::with_margin(ms, 10),
                "; `within` leaves five times what it took, at least 10s",
            ),
            None => (
                ready::with_margin(self.observation.open.watched_ms, 30),
                "; how long it takes was not seen",
            ),
        };
        self.page.line(
            &format!("ready: {{ {target}, within: {within} }}"),
            &format!("{}{when}", choice.why),
        );
        let look = sealed
            .filter(|look| !look.services.is_empty())
            .unwrap_or(&self.observation.open);
        for (key, found) in [
            ("livez", ready::livez(image, look)),
            ("metrics", ready::metrics(image, look)),
        ] {
            match found {
                Some((port, path, status)) => {
                    let status = if status == 200 {
                        String::new()
                    } else {
                        format!(", status: {status}")
                    };
                    self.page.line(
                        &format!("{key}: {{ port: {port}, path: {}{status} }}", scalar(path)),
                        "it answered",
                    );
                }
                None if look.services.iter().any(|s| !s.answers.is_empty()) => {
                    self.not_claimed(key, "no port answered at the usual path");
                }
                None => {}
            }
        }
    }

    /// Something that was looked for and not seen.
    fn not_claimed(&mut self, key: &str, why: &str) {
        self.page.comment(&format!("not claimed: `{key}`: {why}."));
        self.open.push(format!("`{key}`: {why}"));
    }

    fn events(&mut self) {
        let log = &self.observation.open.log;
        let lines: Vec<serde_json::Map<String, serde_json::Value>> = log
            .head
            .lines()
            .filter_map(|line| serde_json::from_str(line.trim()).ok())
            .collect();
        self.page.gap();
        let names = |wanted: &str| {
            let is_it = |value: &serde_json::Value| value.as_str() == Some(wanted);
            lines
                .iter()
                .find_map(|line| line.iter().find(|(_, value)| is_it(value)))
                .map(|(key, _)| key.clone())
        };
        let key = names("BootstrapStarted")
            .filter(|key| names("BootstrapCompleted").as_ref() == Some(key));
        if let (Some(key), Some(stream)) = (key, events_stream(log)) {
            let stream = match stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            };
            self.page.line(
                &format!(
                    "events: {{ stream: {stream}, format: json, name: {} }}",
                    scalar(&key)
                ),
                "BootstrapStarted to BootstrapCompleted were seen",
            );
            if names("CapabilityValidated").is_some() {
                self.page.comment(
                    "not claimed: `events.capability`: CapabilityValidated was seen; name the key that carries the artifact's id if each artifact is announced.",
                );
            }
            return;
        }
        let why = if lines.is_empty() {
            "no line of its output was a JSON object".to_owned()
        } else {
            format!(
                "{} of its output were JSON, none of them BootstrapStarted and BootstrapCompleted",
                text::count(lines.len(), "line")
            )
        };
        self.page.comment(&format!("not claimed: `events`: {why}."));
    }

    fn artifacts(&mut self) {
        self.page.gap();
        let (_, tools) = artifact::candidates(self.observation);
        let (mut claimed, mut refused) = (Vec::new(), Vec::new());
        for absent in &self.observation.without {
            match entry(absent, &self.observation.versions) {
                Ok(line) => claimed.push(line),
                Err(why) => refused.push((absent.candidate.clone(), why)),
            }
        }
        if claimed.is_empty() && refused.is_empty() {
            self.page.comment("not claimed: `artifacts`: no file was seen to run that the boot can be tried without.");
        } else if !claimed.is_empty() {
            self.page.line("artifacts:", "");
            for (line, why) in claimed {
                self.page.line(&format!("  {line}"), &why);
            }
        }
        for (candidate, why) in refused {
            let Candidate { id, path, .. } = candidate;
            self.page
                .comment(&format!("not claimed: artifact `{id}` ({path}): {why}."));
            self.open.push(format!("artifact `{id}`: {why}"));
        }
        if !tools.is_empty() {
            self.page.comment(&format!(
                "The boot also ran {} of the system: {}.",
                text::count(tools.len(), "command"),
                tools.join(", ")
            ));
        }
    }

    fn programs(&mut self) {
        self.page.gap();
        let mut ids = BTreeSet::new();
        let mut lines = Vec::new();
        let Some(sealed) = self
            .observation
            .sealed
            .as_ref()
            .filter(|s| s.ready_ms.is_some())
        else {
            self.page
                .comment("not claimed: `programs`: no boot was watched after readiness.");
            return;
        };
        for process in stayed(&self.observation.open, sealed) {
            let line = process.argv.join(" ");
            // A `-` means nothing outside of brackets.
            let pattern = format!("^{}", regex::escape(line.trim_end()).replace(r"\-", "-"));
            // `nginx: worker process` says best who it is behind its colon.
            let title = process.argv[0].split_once(": ");
            let title = title.and_then(|(_, title)| title.split(' ').next());
            let name = title.map_or_else(|| process_name(&process.argv), str::to_owned);
            let mut id: String = name.chars().filter(|c| !c.is_whitespace()).collect();
            // Programs that differ by what they run are named by that.
            let named = process.argv.iter().skip(1).find(|w| w.starts_with('/'));
            if let Some(file) = named.filter(|file| artifact::name_of(file) != artifact_stem(file))
            {
                id = artifact::name_of(file);
            }
            let plain = id.clone();
            let mut number = 2;
            while !ids.insert(id.clone()) {
                id = format!("{plain}-{number}");
                number += 1;
            }
            lines.push(format!(
                "  - {{ id: {}, matches: {} }}",
                scalar(&id),
                quoted(&pattern)
            ));
        }
        if lines.is_empty() {
            self.page.comment("not claimed: `programs`: no process stayed the same, with the same arguments in both boots.");
            return;
        }
        self.page.line(
            "programs:",
            "ran in both boots, and were the same process from readiness to the end",
        );
        let more = lines.len().saturating_sub(MOST_PROGRAMS);
        for line in lines.iter().take(MOST_PROGRAMS) {
            self.page.line(line, "");
        }
        if more > 0 {
            self.page
                .comment(&format!("not claimed: {more} more of them."));
        }
    }

    fn stop(&mut self) {
        self.page.gap();
        let sealed = self.observation.sealed.as_ref();
        let signal = self.signal().to_owned();
        match sealed.and_then(|look| look.stopped.as_ref()) {
            Some(stopped) if !stopped.killed => {
                let within = ready::with_margin(stopped.took_ms, 10);
                let why = format!("{signal} ended it in time, with {}", stopped.exit.code);
                self.page.line(
                    &format!(
                        "stop: {{ signal: {signal}, within: {within}, code: {} }}",
                        stopped.exit.code
                    ),
                    &why,
                );
            }
            Some(_) => self.not_claimed("stop", &format!("{signal} did not end it")),
            None => self
                .page
                .comment("not claimed: `stop`: it had ended by itself, or was never ready."),
        }
    }

    /// Files that both boots left; those that only their owner can read and that differ are secrets.
    fn writes(&mut self) {
        let Some(sealed) = &self.observation.sealed else {
            return;
        };
        let tree = &self.tree;
        let made = |changes: &[Change]| -> BTreeMap<String, Entry> {
            let files = changes.iter().filter(|c| c.kind == ChangeKind::Added);
            let files = files.filter_map(|c| Some((c.path.clone(), c.now.clone()?)));
            let holds = |path: &str| tree.writable.iter().any(|w| is_under(path, &w.path));
            files
                .filter(|(path, entry)| entry.kind == Kind::File && holds(path))
                .collect()
        };
        let (first, second) = (made(&self.observation.open.changes), made(&sealed.at_ready));
        let both: Vec<(&String, &Entry, &Entry)> = first
            .iter()
            .filter_map(|(path, entry)| Some((path, entry, second.get(path)?)))
            .collect();
        if both.is_empty() {
            return;
        }
        let names = both.iter().map(|(path, ..)| path).take(MOST_WRITES);
        self.page
            .line(&format!("writes: {}", list(names)), "both boots left them");
        let more = both.len().saturating_sub(MOST_WRITES);
        if more > 0 {
            let more = text::count(more, "more file");
            self.page
                .comment(&format!("not claimed: {more} that both boots left."));
        }
        let is_secret = |first: &Entry, second: &Entry| {
            let differs = first.sha256.is_some() && first.sha256 != second.sha256;
            differs && second.sha256.is_some() && (first.mode | second.mode) & 0o077 == 0
        };
        let secrets: Vec<&String> = both
            .iter()
            .filter(|(_, first, second)| is_secret(first, second))
            .map(|(path, ..)| *path)
            .collect();
        if !secrets.is_empty() {
            let why = "only its owner can read it, and each boot left another";
            self.page.line(&format!("secrets: {}", list(secrets)), why);
        }
    }

    fn rest(&mut self) {
        let observation = self.observation;
        self.page.gap();
        let look = observation.sealed.as_ref().unwrap_or(&observation.open);
        let root: BTreeSet<String> = look
            .processes
            .iter()
            .filter(|p| p.uid.contains(&0))
            .map(|p| process_name(&p.argv))
            .collect();
        let users: BTreeSet<u32> = look.processes.iter().map(|p| p.uid[1]).collect();
        if !root.is_empty() {
            let names: Vec<String> = root.into_iter().collect();
            self.page.comment(&format!(
                "Runs as root: {}. RC-003-09 asks for another USER; if it must be, say why: `needs: [{{ root: true, reason: … }}]`.",
                names.join(", ")
            ));
        } else if !users.is_empty() {
            let users: Vec<String> = users.iter().map(u32::to_string).collect();
            self.page.comment(&format!(
                "Runs as uid {}; no process as root.",
                users.join(", ")
            ));
        }
        if observation.blind.is_none() && ran(&observation.open) == 0 {
            self.page
                .comment("No program was seen to start: what the boot runs is not known.");
        }
        self.page.comment(
            "Boots do not show these; claim them if they hold: `external` (an endpoint needed after readiness), `manifest` with `when` (features that switch artifacts on).",
        );
    }
}

/// The name of a file without what follows its first dot.
fn artifact_stem(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    base.split('.').next().unwrap_or(base).to_owned()
}

/// Single quotes whatever is in it: patterns and values read alike.
fn quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return scalar(text);
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// An artifact as a line, and why; the error is why it is not claimed.
fn entry(
    absent: &Absent,
    versions: &BTreeMap<String, CommandResult>,
) -> Result<(String, String), String> {
    let candidate = &absent.candidate;
    let said = candidate
        .command
        .as_ref()
        .and_then(|command| versions.get(command));
    let (required, came) = match &absent.ended {
        Ended::Ready => (false, "ready without it, too"),
        Ended::Exit { exit, .. } if exit.code == 0 => {
            return Err("without it the boot ended with 0".to_owned());
        }
        Ended::Exit {
            fatal: None,
            last,
            exit,
            ..
        } => {
            let last = last
                .as_ref()
                .map_or("nothing".to_owned(), |line| format!("“{line}”"));
            return Err(format!(
                "without it the boot ended with {}, and no line names it as `fatal` asks; it said {last} — claim your own `fatal: {{ matches: … }}`, then this",
                exit.code
            ));
        }
        Ended::Exit {
            events: Some(missing),
            ..
        } => {
            return Err(format!(
                "without it the boot ended, and no event said so: {missing} missing"
            ));
        }
        Ended::Exit { .. } => (true, "without it the boot ended and named it"),
        Ended::Neither(ms) => {
            return Err(format!(
                "without it the boot was neither ready nor ended within {}",
                text::duration(*ms)
            ));
        }
        Ended::Untried(why) => return Err(format!("a boot without it could not be tried: {why}")),
    };
    let mut parts = vec![format!("id: {}", scalar(&candidate.id))];
    match said {
        Some(said) => {
            parts.push(format!("command: {}", list(&said.argv)));
            if let Some(version) = version_of(said) {
                parts.push(format!("version: {}", quoted(&version_pattern(&version))));
            }
        }
        // What does not tell its version may do anything when it is run: its file is claimed.
        None => parts.push(format!("path: {}", scalar(&candidate.path))),
    }
    if !required {
        parts.push("required: false".to_owned());
    }
    Ok((
        format!("- {{ {} }}", parts.join(", ")),
        format!("{}; {came}", candidate.why),
    ))
}

/// The first version number in what a command said.
pub(super) fn version_of(said: &CommandResult) -> Option<String> {
    let number = regex::Regex::new(r"[0-9]+(\.[0-9]+)+").expect("a valid pattern");
    [&said.stdout, &said.stderr]
        .into_iter()
        .find_map(|text| number.find(text))
        .map(|found| found.as_str().to_owned())
}

/// A pattern for versions of the same form: the next release must not break the claim.
fn version_pattern(version: &str) -> String {
    let parts: Vec<&str> = version.split('.').map(|_| r"\d+").collect();
    parts.join(r"\.")
}

/// The processes that were the same from readiness to the end, and ran with the same arguments in the other boot.
fn stayed<'l>(open: &Look, sealed: &'l Look) -> Vec<&'l Process> {
    let shell = |argv: &[String]| {
        let name = argv
            .first()
            .map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        matches!(
            name.trim_start_matches('-'),
            "sh" | "ash" | "bash" | "dash" | "ksh" | "zsh" | "busybox"
        )
    };
    let mut known = BTreeSet::new();
    sealed
        .processes
        .iter()
        .filter(|p| p.state != "Z" && !p.argv.is_empty() && !shell(&p.argv))
        .filter(|p| {
            let same = |q: &&Process| q.pid == p.pid && q.start_ticks == p.start_ticks;
            sealed.ready_processes.iter().any(|q| same(&q))
        })
        .filter(|p| open.processes.iter().any(|q| q.argv == p.argv))
        .filter(|p| known.insert(p.argv.clone()))
        .collect()
}
