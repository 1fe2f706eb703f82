//! Chooses what must be in the image: what ran and stayed, what came from the application's own trees, what was named.

use std::collections::{BTreeMap, BTreeSet};

use adamant_probe::{Action, Kind};

use super::tree::{is_system, root_of, used_files};
use super::{Look, Observation, process_name};
use crate::case::Artifact;
use crate::engine::{Exit, Image};

/// So many artifacts are tried to be left out; each takes a boot.
const MOST: usize = 12;
/// So many files of one tree that were only read: what an application begins with, and not each of its parts.
const READ_MOST: usize = 3;
/// Directories whose files are parts of a package, which is not named by them.
const PACKAGES: [&str; 5] = [
    "node_modules",
    "site-packages",
    "dist-packages",
    "vendor",
    "__pycache__",
];

/// Something that the boot used.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name in the subject file.
    pub id: String,
    /// Where it was met.
    pub path: String,
    /// Its name, when `PATH` finds it by that.
    pub command: Option<String>,
    /// What was seen of it.
    pub why: String,
}

impl Candidate {
    /// As an entry of a subject file; `said` is the command line by which it told its version.
    #[must_use]
    pub fn artifact(&self, said: Option<&[String]>) -> Artifact {
        Artifact {
            id: self.id.clone(),
            path: said.is_none().then(|| self.path.clone()),
            command: said.map(<[String]>::to_vec),
            glob: None,
            version: None,
            load: None,
            tcp: None,
            unix: None,
            mcp: None,
            required: true,
            when: None,
        }
    }
}

/// What became of a boot without an artifact.
#[derive(Debug, Clone, PartialEq)]
pub struct Absent {
    /// The artifact.
    pub candidate: Candidate,
    /// What came of it.
    pub ended: Ended,
}

/// How a boot without an artifact went.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// It was ready all the same.
    Ready,
    /// Process 1 ended.
    Exit {
        /// How.
        exit: Exit,
        /// The line that names the artifact and that the contract takes for fatal.
        fatal: Option<String>,
        /// The last line of output.
        last: Option<String>,
        /// What of the bootstrap's events is missing, where it has events.
        events: Option<String>,
    },
    /// Neither in so many milliseconds.
    Neither(u64),
    /// It could not be tried: why.
    Untried(String),
}

/// What the boots used, what matters most first, and the names of the tools beside it.
pub(super) fn candidates(observation: &Observation) -> (Vec<Candidate>, Vec<String>) {
    let image = &observation.image;
    let looks = observation.looks();
    let mut chosen = Chosen {
        image,
        all: Vec::new(),
        ids: BTreeSet::new(),
    };
    let mut ran: Vec<String> = Vec::new();
    for look in &looks {
        // What each process became last.
        let mut became: BTreeMap<i32, String> = BTreeMap::new();
        for event in &look.events {
            if let Action::Exec {
                path,
                argv,
                refused: None,
                ..
            } = &event.action
            {
                let path = asked_for(image, path, argv);
                if event.actor.pid == 1 && !became.contains_key(&1) {
                    chosen.add(&path, "process 1 begins with it");
                }
                became.insert(event.actor.pid, path.clone());
                ran.push(path);
            }
        }
        for process in look.processes.iter().filter(|p| p.state != "Z") {
            if let Some(path) = became.get(&process.pid) {
                chosen.add(path, "it ran until the end");
            }
        }
    }
    let used = used_files(image, &looks);
    let place = |path: &str| image.resolve(path).map(|entry| entry.path.clone());
    let executed: BTreeSet<String> = ran.iter().filter_map(|path| place(path)).collect();
    for path in used.iter().filter(|path| !is_system(image, path)) {
        let why = if executed.contains(path) {
            "it ran during the boot"
        } else {
            "a command line named it"
        };
        chosen.add(path, why);
    }
    for path in used.iter().filter(|path| path.starts_with("/etc/")) {
        chosen.add(path, "a command line named it");
    }
    for path in read_files(image, &looks) {
        chosen.add(&path, "it was read during the boot");
    }
    let tools: BTreeSet<String> = ran
        .iter()
        .filter(|path| is_system(image, path) && !chosen.has(path))
        .map(|path| process_name(std::slice::from_ref(path)))
        .collect();
    chosen.all.truncate(MOST);
    (chosen.all, tools.into_iter().collect())
}

/// What the application's own trees gave to be read first, and the settings of what runs: a program that an interpreter runs
/// is seen in no command line when its path is relative.
fn read_files(image: &Image, looks: &[&Look]) -> Vec<String> {
    let running = looks.iter().flat_map(|look| &look.processes);
    let running: BTreeSet<String> = running.map(|process| process_name(&process.argv)).collect();
    let mut of_tree: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for event in looks.iter().flat_map(|look| &look.events) {
        let Action::Read { path } = &event.action else {
            continue;
        };
        let Some(entry) = image.resolve(path).filter(|entry| entry.kind == Kind::File) else {
            continue;
        };
        let path = &entry.path;
        let settings = path
            .strip_prefix("/etc/")
            .and_then(|rest| rest.split_once('/'));
        let tree = match settings {
            Some((owner, _)) if running.contains(owner) => format!("/etc/{owner}"),
            Some(_) => continue,
            None if is_system(image, path) => continue,
            None => root_of(image, path).unwrap_or_default(),
        };
        let is_part = path.split('/').any(|part| PACKAGES.contains(&part)) || path.contains(".so");
        if is_part || found.contains(path) {
            continue;
        }
        let count = of_tree.entry(tree).or_default();
        if *count < READ_MOST {
            *count += 1;
            found.push(path.clone());
        }
    }
    found
}

struct Chosen<'i> {
    image: &'i Image,
    all: Vec<Candidate>,
    ids: BTreeSet<String>,
}

impl Chosen<'_> {
    /// Adds a file of the image, once.
    fn add(&mut self, path: &str, why: &str) {
        let is_file = |e: &&adamant_probe::Entry| e.kind == Kind::File;
        if self.has(path) || self.image.resolve(path).filter(is_file).is_none() {
            return;
        }
        let command = command_of(self.image, path);
        self.all.push(Candidate {
            id: id(path, &mut self.ids),
            path: path.to_owned(),
            command,
            why: why.to_owned(),
        });
    }

    /// A program of many names is as many commands; any other file is one, by whatever name it was met.
    fn has(&self, path: &str) -> bool {
        let place = |path: &str| self.image.resolve(path).map(|entry| &entry.path);
        let command = command_of(self.image, path);
        self.all
            .iter()
            .any(|known| match (&known.command, &command) {
                (Some(known), Some(name)) => known == name,
                // The file behind a command is the command's.
                _ => place(&known.path) == place(path),
            })
    }
}

/// The name by which `PATH` finds exactly this file first.
fn command_of(image: &Image, path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let found = image.find_command(name);
    let place = |path: &str| image.resolve(path).map(|entry| &entry.path);
    let first = found.first()?;
    (place(first) == place(path)).then(|| name.to_owned())
}

/// The name by which a program was asked for, where the trace shows the file that its links lead to.
fn asked_for(image: &Image, path: &str, argv: &[String]) -> String {
    let place = |path: &str| image.resolve(path).map(|entry| &entry.path);
    let same = |name: &String| place(name).is_some() && place(name) == place(path);
    let Some(first) = argv.first() else {
        return path.to_owned();
    };
    let mut names = image
        .find_command(first.trim_start_matches('-'))
        .into_iter();
    names
        .find(|name| same(name))
        .unwrap_or_else(|| path.to_owned())
}

/// A name that says something and that no other artifact has.
fn id(path: &str, ids: &mut BTreeSet<String>) -> String {
    let mut plain = name_of(path);
    let mut name = plain.clone();
    let ending = path
        .rsplit('/')
        .next()
        .and_then(|base| base.rsplit_once('.'));
    if let Some((_, ending)) = ending.filter(|_| ids.contains(&name)) {
        plain = format!("{plain}-{ending}");
        name.clone_from(&plain);
    }
    let mut number = 2;
    while !ids.insert(name.clone()) {
        name = format!("{plain}-{number}");
        number += 1;
    }
    name
}

/// The name of a file for a person: its own, or that of its directories where its own is every file's.
pub(super) fn name_of(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let base = parts.pop().unwrap_or(path);
    let stem = base.split_once('.').map_or(base, |(stem, _)| stem);
    let stem = if stem.is_empty() { base } else { stem };
    let says_nothing = matches!(
        stem,
        "index" | "main" | "app" | "server" | "run" | "start" | "cli" | "__main__"
    );
    let name = if says_nothing && base.contains('.') {
        // Below the application's own directory, and without those that every project has.
        let usual = ["dist", "src", "lib", "bin", "build", "out", "app"];
        let telling = |part: &&&str| !usual.contains(*part);
        let dirs: Vec<&str> = parts.iter().skip(2).filter(telling).copied().collect();
        let last = &dirs[dirs.len().saturating_sub(2)..];
        match last {
            [] => {
                let made = ["dist", "src", "lib", "bin", "build", "out"];
                let own = parts.iter().rev().find(|part| !made.contains(*part));
                own.map_or(stem, |dir| dir).to_owned()
            }
            dirs => dirs.join("-"),
        }
    } else {
        stem.to_owned()
    };
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_file_is_named_by_what_tells_it_from_others() {
        for (path, name) in [
            ("/usr/sbin/nginx", "nginx"),
            ("/opt/box/management-api/index.js", "management-api"),
            (
                "/opt/box/skills/lazy/mcp-server/dist/index.js",
                "lazy-mcp-server",
            ),
            ("/app/server.js", "app"),
            ("/app/dist/main.js", "app"),
            ("/etc/app/app.conf", "app"),
            ("/entrypoint.sh", "entrypoint"),
        ] {
            assert_eq!(name_of(path), name, "{path}");
        }
    }
}
