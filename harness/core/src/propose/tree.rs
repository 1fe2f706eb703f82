//! Divides the file system into what holds the application and what it writes, by what ran and what was written.

use std::collections::{BTreeMap, BTreeSet};

use adamant_probe::{Action, Kind};

use super::{Look, Observation, process_name};
use crate::check::is_under;
use crate::engine::{ChangeKind, Image};

/// A path with what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) path: String,
    pub(super) why: String,
}

/// The division.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) immutable: Vec<Claim>,
    pub(super) writable: Vec<Claim>,
    /// What was seen against the contract.
    pub(super) faults: Vec<String>,
}

/// Who wrote what: paths with the names of processes, where they are known.
type Writes = BTreeMap<String, BTreeSet<String>>;

/// Directories that hold too much to be written as a whole.
const BROAD: [&str; 19] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/sbin",
    "/srv",
    "/usr",
    "/usr/local",
    "/usr/src",
    "/var",
    "/var/lib",
    "/var/log",
];
/// Below these a directory of its own is an application's.
const HOMES: [&str; 7] = [
    "/opt", "/srv", "/usr/src", "/var/lib", "/var", "/home", "/mnt",
];
/// Whole trees of the distribution.
const SYSTEM: [&str; 6] = ["/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64"];
/// Nothing that runs from here was shipped to stay.
const PASSING: [&str; 5] = ["/tmp", "/run", "/var/tmp", "/var/run", "/dev"];

impl Tree {
    /// By everything that was observed.
    pub(super) fn of(observation: &Observation) -> Self {
        let image = &observation.image;
        let looks = observation.looks();
        let mut tree = Self::default();
        let writes = writes(image, &looks);
        tree.find_application(image, &looks, &writes);
        for (path, who) in &writes {
            tree.take_write(image, path, who);
        }
        for volume in &image.config.volumes {
            let place = image.place(volume);
            if let Some(inside) = tree.immutable_above(&place) {
                let told = format!("VOLUME {volume} lies in {inside}, which holds the application");
                tree.faults.push(told);
            } else if !tree.writable.iter().any(|w| is_under(&place, &w.path)) {
                tree.writable.push(Claim {
                    path: volume.trim_end_matches('/').to_owned(),
                    why: "a VOLUME of the image; not written while it was watched".to_owned(),
                });
            }
        }
        tree.tidy();
        tree
    }

    /// The trees from which something ran, or whose files a command line named.
    fn find_application(&mut self, image: &Image, looks: &[&Look], writes: &Writes) {
        let mut roots: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in used_files(image, looks) {
            if let Some(root) = root_of(image, &path) {
                roots.entry(root).or_default().insert(path);
            }
        }
        let workdir = image.place(&image.config.workdir);
        let holds = |dir: &str| {
            let inside = |(path, entry): (&String, &adamant_probe::Entry)| {
                is_under(path, dir) && entry.kind == Kind::File
            };
            image.entries.iter().any(inside)
        };
        let written = |dir: &str| writes.keys().any(|path| is_under(path, dir));
        if !BROAD.contains(&workdir.as_str()) && holds(&workdir) && !written(&workdir) {
            roots.entry(workdir).or_default();
        }
        for (root, files) in roots {
            let mut names: Vec<&str> = files.iter().map(String::as_str).collect();
            let more = names.len().saturating_sub(2);
            names.truncate(2);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let why = match names.as_slice() {
                [] => "WORKDIR; it holds files, and nothing was written in it".to_owned(),
                _ => format!(
                    "ran or was named on a command line: {}{more}",
                    names.join(", ")
                ),
            };
            self.immutable.push(Claim { path: root, why });
        }
    }

    fn immutable_above(&self, path: &str) -> Option<String> {
        let above = self
            .immutable
            .iter()
            .find(|claim| is_under(path, &claim.path));
        above.map(|claim| claim.path.clone())
    }

    fn take_write(&mut self, image: &Image, path: &str, who: &BTreeSet<String>) {
        let by = by(who);
        if let Some(root) = self.immutable_above(path) {
            self.faults.push(format!(
                "{path} was written{by}, in {root}, which holds the application: write instance state to a directory of its own"
            ));
            return;
        }
        let Some(dir) = directory(image, path) else {
            self.faults.push(format!(
                "{path} was written{by}, and its directory is too much to be writable: write to a directory of its own"
            ));
            return;
        };
        if let Some(claim) = self.writable.iter_mut().find(|claim| claim.path == dir) {
            if !claim.why.contains(path) && claim.why.matches(", ").count() < 2 {
                claim.why = format!("{}, {path}{by}", claim.why);
            }
            return;
        }
        self.writable.push(Claim {
            path: dir,
            why: format!("written: {path}{by}"),
        });
    }

    /// Nothing twice, and nothing below itself.
    fn tidy(&mut self) {
        let keep = |claims: &mut Vec<Claim>| {
            let paths: Vec<String> = claims.iter().map(|claim| claim.path.clone()).collect();
            let below = |path: &str| paths.iter().any(|p| p != path && is_under(path, p));
            claims.retain(|claim| !below(&claim.path));
            claims.sort_by(|a, b| a.path.cmp(&b.path));
            claims.dedup_by(|a, b| a.path == b.path);
        };
        keep(&mut self.immutable);
        keep(&mut self.writable);
        let writable = &self.writable;
        self.immutable
            .retain(|claim| !writable.iter().any(|w| is_under(&claim.path, &w.path)));
        self.faults.sort_unstable();
        self.faults.dedup();
    }
}

fn by(who: &BTreeSet<String>) -> String {
    let names: Vec<&str> = who.iter().map(String::as_str).take(2).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(" by {}", names.join(" and ")),
    }
}

/// Every path that was written or that somebody tried to write, where links lead.
fn writes(image: &Image, looks: &[&Look]) -> Writes {
    let mut writes = Writes::new();
    let mut note = |path: &str, who: Option<String>| {
        let path = image.place(path);
        if is_ours(&path) {
            return;
        }
        writes.entry(path).or_default().extend(who);
    };
    for look in looks {
        for event in &look.events {
            if let Action::Write { call, path, from } = &event.action {
                let who = process_name(&event.actor.argv);
                let makes = call.starts_with("mkdir");
                let is_dir = |e: &adamant_probe::Entry| e.kind == Kind::Dir;
                if makes && (path == "/" || image.resolve(path).is_some_and(is_dir)) {
                    // `mkdir -p` asks for what is there.
                    continue;
                }
                note(path, Some(who.clone()));
                if let Some(from) = from.as_ref().filter(|_| call.starts_with("rename")) {
                    note(from, Some(who));
                }
            }
        }
        for change in &look.changes {
            if change.kind != ChangeKind::Touched {
                note(&change.path, None);
            }
        }
    }
    // What was only made on the way to a file says nothing that the file does not say.
    let named: Vec<String> = writes.keys().cloned().collect();
    writes.retain(|path, who| {
        let holds_another = named.iter().any(|p| p != path && is_under(p, path));
        !(who.is_empty() && holds_another)
    });
    writes
}

/// What the kernel, the engine or this harness has there.
fn is_ours(path: &str) -> bool {
    let device = is_under(path, "/dev") && !is_under(path, "/dev/shm");
    device
        || ["/proc", "/sys", "/.adamant"]
            .iter()
            .any(|p| is_under(path, p))
        || path.starts_with("/.adamant")
}

/// The directory that has to be writable for a path; `None` where it would be too much.
fn directory(image: &Image, path: &str) -> Option<String> {
    let is_dir = |path: &str| {
        image
            .resolve(path)
            .is_some_and(|entry| entry.kind == Kind::Dir)
    };
    let mut dir = if is_dir(path) {
        path.to_owned()
    } else {
        parent(path).to_owned()
    };
    let mut below = None;
    while dir != "/" && !is_dir(&dir) && dir != "/dev/shm" {
        let up = parent(&dir).to_owned();
        below = Some(std::mem::replace(&mut dir, up));
    }
    if !BROAD.contains(&dir.as_str()) {
        return Some(dir);
    }
    // A directory that the boot makes by itself can be mounted in its place.
    below
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// Every file of the image that ran, or that a command line named.
pub(super) fn used_files(image: &Image, looks: &[&Look]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut note = |path: &str| {
        if let Some(entry) = image.resolve(path).filter(|e| e.kind == Kind::File) {
            used.insert(entry.path.clone());
        }
    };
    for look in looks {
        for event in &look.events {
            if let Action::Exec {
                path,
                argv,
                refused: None,
                ..
            } = &event.action
            {
                note(path);
                argv.iter()
                    .skip(1)
                    .filter(|w| w.starts_with('/'))
                    .for_each(|w| note(w));
            }
        }
        for process in &look.processes {
            let words = process.argv.iter();
            words.filter(|w| w.starts_with('/')).for_each(|w| note(w));
        }
    }
    let config = &image.config;
    for word in config.entrypoint.iter().chain(&config.cmd) {
        note(word);
    }
    used
}

/// The tree that a file belongs to as a part of an application or of the distribution.
pub(super) fn root_of(image: &Image, path: &str) -> Option<String> {
    if PASSING.iter().any(|passing| is_under(path, passing)) {
        return None;
    }
    let first_below = |dir: &str| {
        let rest = path.strip_prefix(dir)?.strip_prefix('/')?;
        let (name, _) = rest.split_once('/')?;
        Some(format!("{dir}/{name}"))
    };
    // `/usr/src/app` is an application's, `/usr/bin` the distribution's; `/var/lib/x` before `/var`.
    if let Some(root) = HOMES.iter().find_map(|home| first_below(home)) {
        return Some(root);
    }
    if let Some(system) = SYSTEM.iter().find(|system| is_under(path, system)) {
        return Some((*system).to_owned());
    }
    let top = format!("/{}", path.split('/').nth(1)?);
    image.resolve(&top).map(|_| top)
}

/// Whether a path belongs to the distribution, not to an application.
pub(super) fn is_system(image: &Image, path: &str) -> bool {
    root_of(image, path).is_none_or(|root| SYSTEM.contains(&root.as_str()))
}
