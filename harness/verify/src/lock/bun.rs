//! `bun.lock`, the text form: packages by the path of names at which they were resolved, and what each of them asks for.

use std::collections::BTreeMap;

use adamant_modules::path;
use serde_json::{Map, Value};

use super::graph::{Graph, Id, Need, Node, Root};
use super::list;

/// Reads a lock file that lies in `dir`; the error says what it is not.
pub(super) fn read(dir: &str, file: &str, text: &str) -> Result<Graph, String> {
    // JSON with commas before a bracket, which is a YAML flow.
    let lock: Value = serde_saphyr::from_str(text)
        .map_err(|error| format!("it is no lock file of Bun: {error}"))?;
    let packages = lock.get("packages").and_then(Value::as_object);
    let Some(packages) = packages.filter(|_| lock.get("lockfileVersion").is_some()) else {
        return Err("it has no `lockfileVersion` and `packages`".to_owned());
    };
    let mut graph = Graph {
        file: file.to_owned(),
        command: "bun install --frozen-lockfile",
        ..Graph::default()
    };
    let ids: BTreeMap<&str, Option<Id>> = packages
        .iter()
        .map(|(key, package)| (key.as_str(), id_of(package)))
        .collect();
    for (key, package) in packages {
        let Some(id) = ids.get(key.as_str()).cloned().flatten() else {
            let name = key.rsplit_once('/').map_or(key.as_str(), |(_, name)| name);
            graph.free.extend([name.to_owned(), key.clone()]);
            continue;
        };
        // Name and version, registry, what it asks for, digest; others have no registry.
        let about = package
            .as_array()
            .into_iter()
            .flatten()
            .find(|part| part.is_object());
        let about = about.cloned().unwrap_or_default();
        let mut all = needs(&ids, key, &about, "dependencies", false);
        all.extend(needs(&ids, key, &about, "optionalDependencies", true));
        let node: &mut Node = graph.packages.entry(id).or_default();
        node.platforms = [
            list(&about, "os"),
            list(&about, "cpu"),
            list(&about, "libc"),
        ];
        node.line = node.line.or_else(|| super::line_of(text, key));
        if !node.variants.contains(&all) {
            node.variants.push(all);
        }
    }
    for (at, asked) in lock
        .get("workspaces")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let home = path::resolve(if dir.is_empty() { "/" } else { dir }, at);
        let name = asked
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        graph.free.insert(name.to_owned());
        let from = if at.is_empty() { "" } else { name };
        let mut root = Root {
            dir: home.trim_end_matches('/').to_owned(),
            needs: needs(&ids, from, asked, "dependencies", false),
            dev: needs(&ids, from, asked, "devDependencies", false),
        };
        root.needs
            .extend(needs(&ids, from, asked, "optionalDependencies", true));
        graph.roots.push(root);
    }
    Ok(graph)
}

/// `["name@version", …]`; a workspace, a link or a file has no version.
fn id_of(package: &Value) -> Option<Id> {
    let text = package.get(0)?.as_str()?;
    let at = text.get(1..)?.find('@')? + 1;
    let (name, version) = (&text[..at], &text[at + 1..]);
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    is_version.then(|| (name.to_owned(), version.to_owned()))
}

/// What stands under one key, resolved from the path of names inwards out: `a/b/c`, then `a/c`, then `c`.
fn needs(
    ids: &BTreeMap<&str, Option<Id>>,
    from: &str,
    of: &Value,
    key: &str,
    optional: bool,
) -> Vec<Need> {
    let empty = Map::new();
    let asked = of.get(key).and_then(Value::as_object).unwrap_or(&empty);
    let names = asked.keys();
    names
        .filter_map(|alias| {
            let mut at = from;
            let found = loop {
                let key = if at.is_empty() {
                    alias.clone()
                } else {
                    format!("{at}/{alias}")
                };
                match ids.get(key.as_str()) {
                    Some(id) => break Some(id.clone()),
                    None if at.is_empty() => break None,
                    None => at = at.rfind('/').map_or("", |slash| &at[..slash]),
                }
            };
            let known = Need {
                alias: alias.clone(),
                id: found?,
                optional,
            };
            Some(known)
        })
        .collect()
}
