//! `pnpm-lock.yaml` of the versions 5 to 9: importers, packages and what each of them asks for.

use adamant_modules::path;
use serde_json::{Map, Value};

use super::graph::{Graph, Id, Need, Node, Root};
use super::list;

/// Reads a lock file that lies in `dir`; the error says what it is not.
pub(super) fn read(dir: &str, file: &str, text: &str) -> Result<Graph, String> {
    let lock: Value =
        serde_saphyr::from_str(text).map_err(|error| format!("it is not YAML: {error}"))?;
    let version = lock.get("lockfileVersion");
    let version = version.and_then(|v| {
        v.as_f64().or_else(|| {
            v.as_str()?
                .trim_end_matches("-inlineSpecifiers")
                .parse()
                .ok()
        })
    });
    match version {
        Some(version) if (5.0..10.0).contains(&version) => {}
        Some(version) => {
            return Err(format!(
                "its `lockfileVersion` is {version}; 5 to 9 are read"
            ));
        }
        None => return Err("it has no `lockfileVersion`".to_owned()),
    }
    let mut graph = Graph {
        file: file.to_owned(),
        command: "pnpm install --frozen-lockfile",
        ..Graph::default()
    };
    packages(&lock, text, &mut graph);
    let importers = object(&lock, "importers");
    let single = importers.is_none().then_some((".", &lock));
    let all = importers
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.as_str(), v));
    for (importer, asked) in all.chain(single) {
        let home = path::resolve(if dir.is_empty() { "/" } else { dir }, importer);
        let mut root = Root {
            dir: home.trim_end_matches('/').to_owned(),
            ..Root::default()
        };
        root.needs = needs(&lock, asked, "dependencies", false);
        root.needs
            .extend(needs(&lock, asked, "optionalDependencies", true));
        root.dev = needs(&lock, asked, "devDependencies", false);
        graph.roots.push(root);
    }
    let linked = graph
        .roots
        .iter()
        .flat_map(|root| root.needs.iter().chain(&root.dev));
    graph.free = linked
        .filter(|need| need.id.is_none())
        .map(|need| need.alias.clone())
        .collect();
    Ok(graph)
}

fn object<'a>(value: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    value.get(key)?.as_object()
}

/// Every package with its variants: `snapshots` of version 9, the keys of `packages` before.
fn packages(lock: &Value, text: &str, graph: &mut Graph) {
    for (key, package) in object(lock, "packages").into_iter().flatten() {
        let Some(id) = id_of(lock, key) else { continue };
        let node = graph.packages.entry(id).or_default();
        node.platforms = [
            list(package, "os"),
            list(package, "cpu"),
            list(package, "libc"),
        ];
        node.line = node.line.or_else(|| line_of(text, key));
        if object(lock, "snapshots").is_none() {
            variant(lock, package, node);
        }
    }
    for (key, snapshot) in object(lock, "snapshots").into_iter().flatten() {
        if let Some(id) = id_of(lock, key) {
            variant(lock, snapshot, graph.packages.entry(id).or_default());
        }
    }
}

fn variant(lock: &Value, package: &Value, node: &mut Node) {
    let mut all = needs(lock, package, "dependencies", false);
    all.extend(needs(lock, package, "optionalDependencies", true));
    all.sort();
    if !node.variants.contains(&all) {
        node.variants.push(all);
    }
}

/// What an importer or a package asks for under one key.
fn needs(lock: &Value, of: &Value, key: &str, optional: bool) -> Vec<Need> {
    let asked = object(of, key).into_iter().flatten();
    asked
        .map(|(alias, wanted)| {
            let version = wanted.as_str().or_else(|| wanted.get("version")?.as_str());
            let version = version.unwrap_or_default();
            Need {
                alias: alias.clone(),
                id: reference(lock, alias, version),
                optional,
            }
        })
        .collect()
}

/// The package that `version` means for `alias`: `1.0.0(peer@2)`, `/other@1.0.0`, `other@1.0.0`, `link:../x`.
fn reference(lock: &Value, alias: &str, version: &str) -> Option<Id> {
    if version.starts_with("link:") || version.starts_with("file:") {
        return None;
    }
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        return Some((alias.to_owned(), bare(version).to_owned()));
    }
    id_of(lock, version)
}

/// Name and version of a package by its key: `/@a/b@1.0.0(c@2)`, `/@a/b/1.0.0_c@2`, `a@1.0.0`.
fn id_of(lock: &Value, key: &str) -> Option<Id> {
    // What does not come from a registry says its name and version itself.
    let package = lock.get("packages").and_then(|packages| packages.get(key));
    let own = |field: &str| package?.get(field)?.as_str().map(str::to_owned);
    if let (Some(name), Some(version)) = (own("name"), own("version")) {
        return Some((name, version));
    }
    let plain = key.trim_start_matches('/');
    let plain = plain.split('(').next().unwrap_or(plain);
    let from = usize::from(plain.starts_with('@'));
    let scope = if from == 1 { plain.find('/')? + 1 } else { 0 };
    let rest = &plain[scope..];
    let (end, version) = match rest.find('@').filter(|at| *at > 0) {
        // A peer behind `_` has an `@` of its own; then the version stands before it.
        Some(at) if !rest[..at].contains('/') => (scope + at, &rest[at + 1..]),
        _ => {
            let slash = rest.find('/')?;
            (scope + slash, &rest[slash + 1..])
        }
    };
    let version = own("version").unwrap_or_else(|| bare(version).to_owned());
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    is_version.then(|| (plain[..end].to_owned(), version))
}

/// A version without its peers.
fn bare(version: &str) -> &str {
    version.split(['(', '_']).next().unwrap_or(version)
}

fn line_of(text: &str, key: &str) -> Option<u32> {
    let wanted = [
        format!("  {key}:"),
        format!("  '{key}':"),
        format!("  \"{key}\":"),
    ];
    let number = text
        .lines()
        .position(|line| wanted.iter().any(|w| line.starts_with(w.as_str())))?;
    u32::try_from(number + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_of_any_version_is_a_name_and_a_version() {
        let lock = json!({ "packages": { "tar@https://x.org/a.tgz": { "version": "1.2.0" } } });
        for (key, name, version) in [
            ("/@a/b@1.0.0(c@2.0.0)", "@a/b", "1.0.0"),
            ("/a@1.0.0", "a", "1.0.0"),
            ("a@1.0.0(@x/c@2.0.0)(d@1)", "a", "1.0.0"),
            ("@a/b@1.0.0-rc.1", "@a/b", "1.0.0-rc.1"),
            ("/@a/b/1.0.0", "@a/b", "1.0.0"),
            ("/a/1.0.0_c@2.0.0", "a", "1.0.0"),
            ("/a/1.0.0_@x+c@2.0.0", "a", "1.0.0"),
            ("tar@https://x.org/a.tgz", "tar", "1.2.0"),
        ] {
            let wanted = Some((name.to_owned(), version.to_owned()));
            assert_eq!(id_of(&lock, key), wanted, "{key}");
        }
        assert_eq!(id_of(&lock, "github.com/a/b/0123"), None);
        assert_eq!(id_of(&lock, ""), None);
    }
}
