//! `yarn.lock`, of Yarn 1 and of Berry: which version each range was resolved to, and what the resolved packages ask for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::graph::{Graph, Id, Need, Node, Root};

/// One resolved package.
#[derive(Debug, Default, Clone, PartialEq)]
struct Entry {
    /// `name@range`, each range that came to it.
    keys: Vec<String>,
    name: String,
    version: String,
    /// Whether it is a project of this checkout, or otherwise without a version of its own.
    local: bool,
    dependencies: Vec<(String, String)>,
    optional: Vec<(String, String)>,
    platforms: [Vec<String>; 3],
    line: u32,
}

/// Reads a lock file in `dir`, where `package` is what the `package.json` beside it says; the error says what it is not.
pub(super) fn read(dir: &str, file: &str, text: &str, package: &Value) -> Result<Graph, String> {
    let is_berry = text.lines().any(|line| line.starts_with("__metadata:"));
    let entries = if is_berry {
        berry(text)?
    } else {
        classic(text)?
    };
    let mut graph = Graph {
        file: file.to_owned(),
        command: if is_berry {
            "yarn install --immutable"
        } else {
            "yarn install --frozen-lockfile"
        },
        ..Graph::default()
    };
    let by_key: BTreeMap<&str, &Entry> = entries
        .iter()
        .flat_map(|entry| entry.keys.iter().map(move |key| (key.as_str(), entry)))
        .collect();
    let need = |(alias, range): &(String, String), optional: bool| -> Need {
        let found = resolved(&by_key, package, alias, range);
        Need {
            alias: alias.clone(),
            id: found
                .filter(|e| !e.local)
                .map(|e| (e.name.clone(), e.version.clone())),
            optional,
        }
    };
    for entry in &entries {
        if entry.local {
            graph.free.insert(entry.name.clone());
            continue;
        }
        let wanted = entry
            .dependencies
            .iter()
            .map(|d| need(d, entry.optional.contains(d)));
        let optional = entry
            .optional
            .iter()
            .filter(|d| !entry.dependencies.contains(d));
        let variant: Vec<Need> = wanted
            .chain(optional.map(|d| need(d, true)))
            // Of a range that stands nowhere nothing is known.
            .filter(|need| need.id.is_some())
            .collect();
        let id: Id = (entry.name.clone(), entry.version.clone());
        let node: &mut Node = graph.packages.entry(id).or_default();
        node.platforms.clone_from(&entry.platforms);
        node.line.get_or_insert(entry.line);
        if !node.variants.contains(&variant) {
            node.variants.push(variant);
        }
    }
    let asked = |key: &str, optional| -> Vec<Need> {
        let all = package.get(key).and_then(Value::as_object);
        all.into_iter()
            .flat_map(pairs)
            .map(|d| need(&d, optional))
            .collect()
    };
    let mut root = Root {
        dir: dir.to_owned(),
        needs: asked("dependencies", false),
        dev: asked("devDependencies", false),
    };
    let optional = asked("optionalDependencies", true);
    // What stands under both is optional.
    root.needs
        .retain(|need| !optional.iter().any(|o| o.alias == need.alias));
    root.needs.extend(optional);
    graph.roots.push(root);
    Ok(graph)
}

fn pairs(object: &Map<String, Value>) -> impl Iterator<Item = (String, String)> {
    object
        .iter()
        .filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned())))
}

/// The entry of a range: as it stands, as Berry writes it, or as `resolutions` replaces it.
fn resolved<'a>(
    by_key: &BTreeMap<&str, &'a Entry>,
    package: &Value,
    alias: &str,
    range: &str,
) -> Option<&'a Entry> {
    let replaced = package
        .get("resolutions")
        .and_then(|all| all.get(alias).or_else(|| all.get(format!("**/{alias}"))))
        .and_then(Value::as_str);
    let of = |range: &str| {
        let plain = format!("{alias}@{range}");
        let npm = format!("{alias}@npm:{range}");
        by_key
            .get(plain.as_str())
            .or_else(|| by_key.get(npm.as_str()))
            .copied()
    };
    of(range).or_else(|| of(replaced?)).or_else(|| {
        // A patch or a workspace: the only entry of that name.
        let start = format!("{alias}@");
        let mut same = by_key
            .range(start.as_str()..)
            .take_while(|(key, _)| key.starts_with(&start));
        let (_, first) = same.next()?;
        same.all(|(_, other)| std::ptr::eq(*other, *first))
            .then_some(*first)
    })
}

/// The form of Yarn 1: blocks of a key line and indented fields, which is nearly YAML.
fn classic(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = "";
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        match line.len() - line.trim_start().len() {
            0 => {
                let keys = body
                    .strip_suffix(':')
                    .ok_or_else(|| wrong("a key line ends in `:`"))?;
                let keys: Vec<String> =
                    keys.split(',').map(|key| unquote(key).to_owned()).collect();
                let name = name_of(&keys[0]).ok_or_else(|| wrong("a key is `name@range`"))?;
                entries.push(Entry {
                    name: name.to_owned(),
                    line: u32::try_from(number + 1).unwrap_or(u32::MAX),
                    keys,
                    ..Entry::default()
                });
                section = "";
            }
            indent => {
                let entry = entries
                    .last_mut()
                    .ok_or_else(|| wrong("a field before any key"))?;
                if indent <= 2 {
                    section = body.strip_suffix(':').unwrap_or_default();
                    if let Some(version) = body.strip_prefix("version ") {
                        unquote(version).clone_into(&mut entry.version);
                    }
                    continue;
                }
                let Some((name, range)) = field(body) else {
                    return Err(wrong("a dependency has a name and a range"));
                };
                match section {
                    "dependencies" => entry.dependencies.push((name, range)),
                    "optionalDependencies" => entry.optional.push((name, range)),
                    _ => {}
                }
            }
        }
    }
    for entry in &mut entries {
        // An alias is another package under this name.
        let range = entry.keys[0]
            .get(entry.name.len() + 1..)
            .unwrap_or_default();
        if let Some(other) = range.strip_prefix("npm:").and_then(name_of) {
            entry.name = other.to_owned();
        }
        entry.local = range.starts_with("file:") || range.starts_with("link:");
    }
    let known = text.contains("# yarn lockfile v1");
    match entries.iter().find(|entry| entry.version.is_empty()) {
        Some(entry) => Err(format!(
            "line {}: `{}` has no version",
            entry.line, entry.keys[0]
        )),
        None if entries.is_empty() && !known => Err("it is no lock file of Yarn".to_owned()),
        None => Ok(entries),
    }
}

/// `"@a/b" "^1.0.0"`, or without quotation marks.
fn field(body: &str) -> Option<(String, String)> {
    let (name, range) = match body.strip_prefix('"') {
        Some(rest) => rest.split_once('"')?,
        None => body.split_once(' ')?,
    };
    Some((name.to_owned(), unquote(range).to_owned()))
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// The name before the range.
fn name_of(key: &str) -> Option<&str> {
    let at = key.get(1..)?.find('@')? + 1;
    key.get(..at)
}

/// The form of Berry: YAML whose keys are lists of descriptors.
fn berry(text: &str) -> Result<Vec<Entry>, String> {
    let lock: Map<String, Value> =
        serde_saphyr::from_str(text).map_err(|error| format!("it is not YAML: {error}"))?;
    let lines: BTreeMap<&str, u32> = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.starts_with([' ', '#']))
        .map(|(line, number)| (line.trim_end_matches(':').trim_matches('"'), number))
        .collect();
    let mut entries = Vec::new();
    for (keys, entry) in lock.iter().filter(|(key, _)| *key != "__metadata") {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let resolution = text("resolution");
        let name = name_of(resolution).ok_or_else(|| format!("`{keys}` has no `resolution`"))?;
        let reference = &resolution[name.len() + 1..];
        let deps = |key: &str| -> Vec<(String, String)> {
            entry
                .get(key)
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(pairs)
                .collect()
        };
        let meta = entry.get("dependenciesMeta").and_then(Value::as_object);
        let is_optional = |name: &String| {
            let of = meta.and_then(|meta| meta.get(name)?.get("optional")?.as_bool());
            of.unwrap_or(false)
        };
        let dependencies = deps("dependencies");
        let optional = dependencies.iter().filter(|(name, _)| is_optional(name));
        entries.push(Entry {
            keys: keys.split(", ").map(str::to_owned).collect(),
            name: name.to_owned(),
            version: text("version").to_owned(),
            local: text("linkType") == "soft" || reference.starts_with("workspace:"),
            optional: optional.cloned().collect(),
            dependencies,
            platforms: conditions(text("conditions")),
            line: lines.get(keys.as_str()).copied().unwrap_or(1),
        });
    }
    Ok(entries)
}

/// `os=linux & cpu=x64 & libc=glibc`.
fn conditions(text: &str) -> [Vec<String>; 3] {
    let of = |key: &str| -> Vec<String> {
        let parts = text
            .split('&')
            .map(|part| part.trim().trim_matches(['(', ')']));
        let any = parts.flat_map(|part| part.split('|'));
        let values = any.filter_map(|one| one.trim().strip_prefix(key)?.strip_prefix('='));
        values.map(str::to_owned).collect()
    };
    [of("os"), of("cpu"), of("libc")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let one = "# yarn lockfile v1\n\n\n\"@a/b@^1.0.0\", \"@a/b@^1.1.0\":\n  version \"1.2.0\"\n  resolved \"x\"\n  dependencies:\n    c \"~2.0.0\"\n  optionalDependencies:\n    fsevents \"~2.3.2\"\n\nc@~2.0.0:\n  version \"2.0.1\"\n";
        let entries = classic(one).expect("a lock");
        assert_eq!(entries[0].keys, ["@a/b@^1.0.0", "@a/b@^1.1.0"]);
        assert_eq!(
            (entries[0].name.as_str(), entries[0].version.as_str()),
            ("@a/b", "1.2.0")
        );
        assert_eq!(entries[0].optional[0].0, "fsevents");
        let two = "__metadata:\n  version: 8\n\n\"@a/b@npm:^1.0.0, @a/b@npm:^1.1.0\":\n  version: 1.2.0\n  resolution: \"@a/b@npm:1.2.0\"\n  dependencies:\n    c: \"npm:~2.0.0\"\n  linkType: hard\n  conditions: os=darwin & cpu=x64\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  linkType: soft\n";
        let entries = berry(two).expect("a lock");
        assert_eq!(
            entries[0].dependencies,
            [("c".to_owned(), "npm:~2.0.0".to_owned())]
        );
        assert_eq!(entries[0].platforms[0], ["darwin"]);
        assert!(entries[1].local);
        for bad in [
            "",
            "x\n",
            "  version \"1\"\n",
            "a@1:\n",
            "a:\n  version \"1\"\n",
        ] {
            assert!(classic(bad).is_err(), "{bad:?}");
        }
        assert!(berry("__metadata:\n  version: 8\na@1:\n  version: 1\n").is_err());
    }
}
