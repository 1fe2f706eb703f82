//! `node_modules` against its lock file: npm's by place; pnpm's, Yarn's and Bun's by what every package finds.

mod bun;
mod graph;
mod pnpm;
mod yarn;

use std::collections::{BTreeMap, BTreeSet};

use adamant_modules::path;
use adamant_probe::Kind;
use serde_json::Value;

use crate::closure::library;
use crate::elf::Elf;
use crate::finding::{Finding, Place, Report, Room};
use crate::rule;
use crate::subject::Target;
use graph::Graph;

const LOCKS: [&str; 6] = [
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
];
/// What npm writes about what it installed.
const HIDDEN: &str = "node_modules/.package-lock.json";
/// The most packages that are looked at under one lock file.
const MOST: usize = 200_000;
/// The most findings about one lock file; the rest is counted.
const SHOWN: usize = 20;

/// A package as a lock file has it, by its place.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Locked {
    version: Option<String>,
    optional: bool,
    dev: bool,
    /// It is asked for when the project is developed, and optional to something else: it is installed with either.
    dev_optional: bool,
    /// The place that it links to.
    link: Option<String>,
    /// `os`, `cpu` and `libc`, where it says them.
    platforms: [Vec<String>; 3],
    line: Option<u32>,
}

/// Judges every lock file of the image that lies beside a `node_modules`.
pub(crate) fn judge(target: &Target, report: &mut Report) {
    let mut packages = 0;
    let mut dirs = target.directories_with(&LOCKS);
    // What npm installed is known even when its lock file was not shipped.
    for path in target.image.entries.keys() {
        if let Some(dir) = path
            .strip_suffix(HIDDEN)
            .and_then(|dir| dir.strip_suffix('/'))
            && !dir.contains("/node_modules")
        {
            dirs.insert(dir.to_owned());
        }
    }
    for dir in dirs {
        let in_dir = |name: &str| format!("{dir}/{name}");
        let has = |name: &str| target.image.resolve(&in_dir(name)).is_some();
        if !has("node_modules") {
            // Whether anything is missing shows where something is imported.
            let lock = LOCKS.iter().find(|lock| has(lock));
            if let Some(lock) = lock {
                report.note(Room::Closure, in_dir(lock), "there is no `node_modules` beside it: nothing was installed here, or all of it is bundled");
            }
            continue;
        }
        for lock in LOCKS.iter().filter(|lock| has(lock)) {
            let file = in_dir(lock);
            packages += match *lock {
                "pnpm-lock.yaml" => {
                    searched(target, &file, |text| pnpm::read(&dir, &file, text), report)
                }
                "yarn.lock" => {
                    let package = target.text(&in_dir("package.json"));
                    let package = package
                        .and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()));
                    match package {
                        Ok(package) => {
                            let package: Value = package;
                            if package.get("workspaces").is_some() {
                                report.note(Room::Closure, &file, "what the workspaces themselves ask for was not compared with it, only what the project does");
                            }
                            searched(
                                target,
                                &file,
                                |text| yarn::read(&dir, &file, text, &package),
                                report,
                            )
                        }
                        Err(why) => {
                            report.note(Room::Closure, &file, format!("the `package.json` beside it cannot be read, which says what is asked for: {why}"));
                            0
                        }
                    }
                }
                "bun.lock" => searched(target, &file, |text| bun::read(&dir, &file, text), report),
                "bun.lockb" => {
                    report.note(Room::Closure, &file, "the binary form of Bun's lock file is not read: `bun install --save-text-lockfile` writes the text");
                    0
                }
                _ => npm(target, &dir, &file, report),
            };
        }
        let foreign = LOCKS[2..].iter().any(|lock| has(lock));
        if !foreign && !has(LOCKS[0]) && !has(LOCKS[1]) && has(HIDDEN) {
            packages += npm(target, &dir, &in_dir(HIDDEN), report);
        }
    }
    if packages > 0 {
        report.count(Room::Closure, "locked package", packages);
    }
}

fn npm(target: &Target, dir: &str, file: &str, report: &mut Report) -> usize {
    let read = target.text(file).and_then(|text| {
        let value: Value =
            serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))?;
        locked(&value, &text).map(|locked| (text, locked))
    });
    let (_, locked) = match read {
        Ok(read) => read,
        Err(why) => {
            unreadable(file, why, report);
            return 0;
        }
    };
    let mut findings = Vec::new();
    let dev_installed = locked
        .iter()
        .filter(|(_, l)| l.dev && !l.optional && !l.dev_optional)
        .any(|(at, _)| version_at(target, dir, at).is_some());
    for (at, package) in &locked {
        findings.extend(compare(target, dir, file, at, package, dev_installed));
    }
    findings.extend(extra(target, dir, file, &locked));
    add(findings, report);
    locked.len()
}

/// The packages of a lock file of version 1, 2 or 3 by their place below its directory.
fn locked(lock: &Value, text: &str) -> Result<BTreeMap<String, Locked>, String> {
    let mut found = BTreeMap::new();
    if let Some(packages) = lock.get("packages").and_then(Value::as_object) {
        for (at, package) in packages.iter().take(MOST) {
            let at = path::resolve("/", at).trim_start_matches('/').to_owned();
            // The package itself, and workspaces in their own directories, which links lead to.
            if !at.split('/').any(|part| part == "node_modules") {
                continue;
            }
            let line = line_of(text, &at);
            found.insert(at, read(package, line));
        }
        return Ok(found);
    }
    let Some(dependencies) = lock.get("dependencies") else {
        let version = lock.get("lockfileVersion").and_then(Value::as_u64);
        return match version {
            Some(1..=3) => Ok(found),
            _ => Err("it has neither `packages` nor `dependencies`, nor a `lockfileVersion` of 1, 2 or 3".into()),
        };
    };
    let mut pending = vec![(String::new(), dependencies)];
    while let Some((below, dependencies)) = pending.pop() {
        for (name, package) in dependencies.as_object().into_iter().flatten() {
            let at = format!("{below}node_modules/{name}");
            let at = path::resolve("/", &at).trim_start_matches('/').to_owned();
            if let Some(inner) = package.get("dependencies") {
                pending.push((format!("{at}/"), inner));
            }
            if found.len() < MOST && below.len() < 4096 {
                found.insert(at, read(package, None));
            }
        }
    }
    Ok(found)
}

fn read(package: &Value, line: Option<u32>) -> Locked {
    let flag = |name: &str| package.get(name).and_then(Value::as_bool).unwrap_or(false);
    let text = |name: &str| package.get(name).and_then(Value::as_str).map(str::to_owned);
    // A version 1 lock may have a URL for its version.
    let version = text("version").filter(|v| v.starts_with(|c: char| c.is_ascii_digit()));
    Locked {
        version,
        optional: flag("optional") || flag("devOptional") && flag("peer"),
        dev: flag("dev") || flag("devOptional"),
        dev_optional: flag("devOptional"),
        link: if flag("link") { text("resolved") } else { None },
        platforms: [
            list(package, "os"),
            list(package, "cpu"),
            list(package, "libc"),
        ],
        line,
    }
}

fn line_of(text: &str, at: &str) -> Option<u32> {
    let key = format!("\"{at}\":");
    let start = memchr::memmem::find(text.as_bytes(), key.as_bytes())?;
    u32::try_from(memchr::memchr_iter(b'\n', &text.as_bytes()[..start]).count() + 1).ok()
}

/// The version of the package that is installed at a place; empty when it does not say one.
fn version_at(target: &Target, dir: &str, at: &str) -> Option<String> {
    let package = target.text(&format!("{dir}/{at}/package.json")).ok()?;
    let package: Value = serde_json::from_str(&package).unwrap_or_default();
    Some(
        package
            .get("version")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    )
}

fn compare(
    target: &Target,
    dir: &str,
    file: &str,
    at: &str,
    package: &Locked,
    dev_installed: bool,
) -> Option<Finding> {
    let place = Place {
        file: file.to_owned(),
        line: package.line,
    };
    let here = format!("{dir}/{at}");
    if let Some(link) = &package.link {
        let gone = target.image.resolve(&here).is_none();
        let may = package.optional || package.dev && !dev_installed;
        return (gone && !may).then(|| {
            let seen = format!("`{here}` is not there; the lock file links it to `{link}`");
            Finding::new(&rule::LOCK_MISSING, place, seen)
                .because("who imports it will not find it")
        });
    }
    match version_at(target, dir, at) {
        None => {
            let may = package.dev && !dev_installed
                || package.optional && !is_for(target, &package.platforms);
            if may {
                return None;
            }
            let version = package.version.as_deref().unwrap_or("any version");
            let seen = format!("`{here}` is not there; the lock file has {version}");
            let cause = if package.optional {
                "it is optional, but for this very platform: the package that asks for it will fail when it loads it"
            } else {
                "who imports it will not find it"
            };
            Some(Finding::new(&rule::LOCK_MISSING, place, seen).because(cause))
        }
        Some(version) => {
            let locked = package.version.as_ref()?;
            (!version.is_empty() && version != *locked).then(|| {
                let seen = format!("`{here}` is {version}; the lock file has {locked}");
                Finding::new(&rule::LOCK_VERSION, place, seen)
                    .because("the image does not hold what was tested and locked")
            })
        }
    }
}

/// Whether a package says that it is for the platform of this image, and says it at all.
fn is_for(target: &Target, platforms: &[Vec<String>; 3]) -> bool {
    let cpu = match target.architecture() {
        "amd64" => "x64",
        "386" => "ia32",
        other => other,
    };
    let libc = if library::is_musl(target, &Elf::default()) {
        "musl"
    } else {
        "glibc"
    };
    let says = |list: &[String], own: &str| {
        list.iter().any(|x| x == own)
            || !list.is_empty() && list.iter().all(|x| x.starts_with('!') && x[1..] != *own)
    };
    let [os, cpus, libcs] = platforms;
    says(os, "linux")
        && (cpus.is_empty() || says(cpus, cpu))
        && (libcs.is_empty() || says(libcs, libc))
}

/// Packages that are installed and that the lock file does not know.
fn extra(
    target: &Target,
    dir: &str,
    file: &str,
    locked: &BTreeMap<String, Locked>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let known: BTreeSet<&str> = locked.keys().map(String::as_str).collect();
    let mut pending = vec![format!("{dir}/node_modules")];
    while let Some(modules) = pending.pop() {
        for at in packages_in(target, &modules) {
            let inner = format!("{at}/node_modules");
            let is_link = target
                .image
                .entries
                .get(&at)
                .is_some_and(|e| e.kind == Kind::Symlink);
            if !is_link && target.image.entries.contains_key(&inner) {
                pending.push(inner);
            }
            let place = at.strip_prefix(&format!("{dir}/")).unwrap_or(&at);
            if known.contains(place) || target.text(&format!("{at}/package.json")).is_err() {
                continue;
            }
            let seen = format!("`{at}` is not in the lock file");
            findings.push(
                Finding::new(&rule::LOCK_EXTRA, Place::file(file), seen).because(
                    "it was installed beside the lock file, in a version that nobody fixed",
                ),
            );
        }
    }
    findings
}

/// The directories of the packages in a `node_modules`, links not followed.
pub(crate) fn packages_in(target: &Target, modules: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in target.tree.names(modules) {
        if name.starts_with('.') {
            continue;
        }
        let at = format!("{modules}/{name}");
        if name.starts_with('@') {
            found.extend(target.tree.names(&at).map(|inner| format!("{at}/{inner}")));
        } else {
            found.push(at);
        }
    }
    found
}

/// A lock file that does not say where a package lies: judged by what every package finds.
fn searched(
    target: &Target,
    file: &str,
    read: impl FnOnce(&str) -> Result<Graph, String>,
    report: &mut Report,
) -> usize {
    match target.text(file).and_then(|text| read(&text)) {
        Ok(lock) => {
            let (findings, count) = graph::judge(target, &lock);
            add(findings, report);
            count
        }
        Err(why) => {
            unreadable(file, why, report);
            0
        }
    }
}

fn unreadable(file: &str, why: String, report: &mut Report) {
    report.add(
        Finding::new(&rule::LOCK_UNREADABLE, Place::file(file), why)
            .because("nobody can tell whether `node_modules` is what was built"),
    );
}

/// The first findings, the last of which tells how many more there are.
fn add(mut findings: Vec<Finding>, report: &mut Report) {
    let rest = findings.len().saturating_sub(SHOWN);
    findings.truncate(SHOWN);
    if rest > 0
        && let Some(last) = findings.last_mut()
    {
        last.seen = format!("{} (and {rest} more packages differ)", last.seen);
    }
    report.findings.extend(findings);
}

/// The texts under a key: a list, or a single one.
fn list(package: &Value, name: &str) -> Vec<String> {
    let value = package.get(name);
    let all = value.and_then(Value::as_array).into_iter().flatten();
    let texts = all.chain(value.filter(|one| one.is_string()));
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_versions_of_npm_are_read_by_place() {
        let three = r#"{"lockfileVersion":3,"packages":{"":{"name":"app"},
  "node_modules/a":{"version":"1.0.0"},
  "node_modules/a/node_modules/b":{"version":"2.0.0","optional":true,"os":["darwin"]},
  "node_modules/w":{"resolved":"packages/w","link":true},"packages/w":{"version":"1.0.0"},
  "../../../etc":{"version":"1.0.0"}}}"#;
        let found = locked(&serde_json::from_str(three).expect("JSON"), three).expect("reads");
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            [
                "node_modules/a",
                "node_modules/a/node_modules/b",
                "node_modules/w"
            ]
        );
        assert_eq!(found["node_modules/a"].line, Some(2));
        assert_eq!(found["node_modules/w"].link.as_deref(), Some("packages/w"));
        let one = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0","dev":true}}}}}"#;
        let found = locked(&serde_json::from_str(one).expect("JSON"), one).expect("reads");
        assert!(found["node_modules/a/node_modules/b"].dev);
        assert!(
            locked(&serde_json::json!({"lockfileVersion": 3}), "")
                .expect("empty")
                .is_empty()
        );
        assert!(locked(&serde_json::json!([]), "").is_err());
    }
}
