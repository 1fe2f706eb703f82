//! What a lock file without places promises: each installed package finds, by Node's own search, the versions that were locked for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use adamant_probe::Kind;
use serde_json::Value;

use super::{MOST, is_for, packages_in};
use crate::finding::{Finding, Place};
use crate::rule::{self, Rule};
use crate::subject::Target;

/// A package by its own name and version.
pub(super) type Id = (String, String);

/// What a package asks for.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    /// The name that it imports: the directory below `node_modules`.
    pub(super) alias: String,
    /// The package that the lock file has for it; `None` for a link or a file, which has no version of its own.
    pub(super) id: Option<Id>,
    pub(super) optional: bool,
}

/// A package of the lock file.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    /// What it asks for: a set for each variant of its peers.
    pub(super) variants: Vec<Vec<Need>>,
    /// `os`, `cpu` and `libc`, where it says them.
    pub(super) platforms: [Vec<String>; 3],
    pub(super) line: Option<u32>,
}

/// A project that the lock file is about.
#[derive(Debug, Default)]
pub(super) struct Root {
    /// Its directory in the image.
    pub(super) dir: String,
    pub(super) needs: Vec<Need>,
    /// What it asks for when it is developed; judged where any of it is installed.
    pub(super) dev: Vec<Need>,
}

/// A lock file.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Its path.
    pub(super) file: String,
    pub(super) roots: Vec<Root>,
    pub(super) packages: BTreeMap<Id, Node>,
    /// Names that may be there in any version: links, files, workspaces.
    pub(super) free: BTreeSet<String>,
    /// The command that installs from it.
    pub(super) command: &'static str,
}

/// A place where a need is looked up.
struct Step<'a> {
    from: String,
    by: String,
    need: &'a Need,
}

/// What is wrong between a lock file and what is installed, and how many packages were reached.
pub(super) fn judge(target: &Target, graph: &Graph) -> (Vec<Finding>, usize) {
    let mut walk = Walk {
        target,
        graph,
        findings: BTreeMap::new(),
        reached: BTreeSet::new(),
        queue: VecDeque::new(),
    };
    for root in &graph.roots {
        let by = format!("`{}/package.json`", root.dir);
        let installed = root.dev.iter().filter(|need| !need.optional);
        let dev = installed
            .clone()
            .any(|need| walk.find(&root.dir, &need.alias).is_some());
        let asked = root
            .needs
            .iter()
            .chain(root.dev.iter().filter(move |_| dev));
        walk.queue.extend(asked.map(|need| Step {
            from: root.dir.clone(),
            by: by.clone(),
            need,
        }));
    }
    while let Some(step) = walk.queue.pop_front() {
        walk.step(&step);
    }
    let count = walk.reached.len();
    let mut findings: Vec<Finding> = walk.findings.into_values().collect();
    findings.extend(extra(target, graph));
    (findings, count)
}

struct Walk<'a> {
    target: &'a Target,
    graph: &'a Graph,
    /// One for each package that a place misses.
    findings: BTreeMap<(String, String), Finding>,
    /// Installed directories whose needs were looked up.
    reached: BTreeSet<String>,
    queue: VecDeque<Step<'a>>,
}

impl<'a> Walk<'a> {
    fn step(&mut self, step: &Step<'a>) {
        let Step { from, by, need } = step;
        let found = self.find(from, &need.alias);
        let Some(id) = &need.id else {
            if found.is_none() && !need.optional {
                let seen = format!("`{}` is not found from `{from}`", need.alias);
                self.wrong(&rule::LOCK_MISSING, step, None, seen);
            }
            return;
        };
        let node = self.graph.packages.get(id);
        let Some((place, version)) = found else {
            let wanted = node.is_some_and(|node| is_for(self.target, &node.platforms));
            if !need.optional || wanted {
                let seen = format!(
                    "`{}` is not found from `{from}`; the lock file has {} {}",
                    need.alias, id.0, id.1
                );
                self.wrong(&rule::LOCK_MISSING, step, node, seen);
            }
            return;
        };
        if !version.is_empty() && version != id.1 {
            let seen = format!(
                "`{place}` is {version}; the lock file has {} for {by}",
                id.1
            );
            return self.wrong(&rule::LOCK_VERSION, step, node, seen);
        }
        if self.reached.len() >= MOST || !self.reached.insert(place.clone()) {
            return;
        }
        let by = format!("`{} {}`", id.0, id.1);
        for need in node
            .map(|node| self.variant(node, &place))
            .unwrap_or_default()
        {
            self.queue.push_back(Step {
                from: place.clone(),
                by: by.clone(),
                need,
            });
        }
    }

    /// The variant of a package that is installed here: that of which most is found.
    fn variant(&self, node: &'a Node, place: &str) -> &'a [Need] {
        let fits = |needs: &&'a Vec<Need>| {
            let right = |need: &&Need| {
                let found = self.find(place, &need.alias);
                let version = need.id.as_ref().map(|id| &id.1);
                found.is_some_and(|(_, seen)| version.is_none_or(|v| *v == seen || seen.is_empty()))
            };
            let wrong = needs
                .iter()
                .filter(|need| !need.optional && !right(need))
                .count();
            (wrong, usize::MAX - needs.len())
        };
        node.variants
            .iter()
            .min_by_key(fits)
            .map_or(&[], Vec::as_slice)
    }

    /// The directory, links followed, and the version that an import from `dir` comes to.
    fn find(&self, dir: &str, name: &str) -> Option<(String, String)> {
        let mut at = dir.trim_end_matches('/');
        loop {
            // A directory of packages is not itself looked into for another one.
            if !at.ends_with("/node_modules") {
                let here = format!("{at}/node_modules/{name}");
                if let Some(entry) = self.target.image.resolve(&here) {
                    return version(self.target, &entry.path).map(|v| (entry.path.clone(), v));
                }
            }
            at = &at[..at.rfind('/')?];
        }
    }

    fn wrong(&mut self, rule: &'static Rule, step: &Step<'_>, node: Option<&Node>, seen: String) {
        let key = (step.from.clone(), step.need.alias.clone());
        let place = Place {
            file: self.graph.file.clone(),
            line: node.and_then(|node| node.line),
        };
        let cause = if step.need.optional {
            format!("{} asks for it, and it is for this very platform", step.by)
        } else {
            format!("{} asks for it", step.by)
        };
        let finding = Finding::new(rule, place, seen).because(cause);
        self.findings.insert(key, finding.fix(fix(self.graph)));
    }
}

fn fix(graph: &Graph) -> String {
    format!(
        "install from the lock file when the image is built: `{}`",
        graph.command
    )
}

/// The version that a directory's `package.json` says; `None` when there is none.
fn version(target: &Target, dir: &str) -> Option<String> {
    Some(name_and_version(target, dir)?.1)
}

fn name_and_version(target: &Target, dir: &str) -> Option<Id> {
    let text = target.text(&format!("{dir}/package.json")).ok()?;
    let package: Value = serde_json::from_str(&text).unwrap_or_default();
    let key = |name: &str| package.get(name)?.as_str().map(str::to_owned);
    Some((
        key("name").unwrap_or_default(),
        key("version").unwrap_or_default(),
    ))
}

/// Packages that are installed and that the lock file does not know in this version.
fn extra(target: &Target, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut pending: Vec<String> = graph
        .roots
        .iter()
        .map(|root| format!("{}/node_modules", root.dir))
        .collect();
    while let Some(modules) = pending.pop() {
        if !seen.insert(modules.clone()) || seen.len() > MOST {
            continue;
        }
        // The stores of pnpm and bun: a directory for each package, with its own `node_modules`.
        for store in [".pnpm", ".bun"] {
            let store = format!("{modules}/{store}");
            let inner = target.tree.names(&store);
            pending.extend(inner.map(|name| format!("{store}/{name}/node_modules")));
        }
        for at in packages_in(target, &modules) {
            let entry = target.image.entries.get(&at);
            if entry.is_none_or(|e| e.kind != Kind::Dir) {
                continue;
            }
            pending.push(format!("{at}/node_modules"));
            let Some((mut name, version)) = name_and_version(target, &at) else {
                continue;
            };
            if name.is_empty() {
                at[modules.len() + 1..].clone_into(&mut name);
            }
            let is_free = graph.free.contains(&name);
            if version.is_empty()
                || is_free
                || graph
                    .packages
                    .contains_key(&(name.clone(), version.clone()))
            {
                continue;
            }
            let text = format!("`{at}` is {name} {version}, which is not in the lock file");
            let finding = Finding::new(&rule::LOCK_EXTRA, Place::file(&graph.file), text);
            findings.push(
                finding
                    .because(
                        "it was installed beside the lock file, in a version that nobody fixed",
                    )
                    .fix(fix(graph)),
            );
        }
    }
    findings
}
