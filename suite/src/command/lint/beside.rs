//! Chains among the scripts of a directory: what shows only where one sources or calls another that lies beside it.

use std::collections::BTreeMap;
use std::path::Path;

use adamant_core::shell::{File, Lint, boot_chain};

use super::gather::Input;

/// Where the commands are that no script of the directory stands for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The reading of each script as a boot that may reach the others. Nothing but what was gathered is read; a single script has
/// nobody beside it.
pub(super) fn chains(scripts: &[Input]) -> Vec<Lint> {
    if scripts.len() < 2 {
        return Vec::new();
    }
    let by_path: BTreeMap<String, &Input> = scripts
        .iter()
        .filter(|script| script.name != "-")
        .map(|script| (absolute(&script.name), script))
        .collect();
    let files = |path: &str| {
        let (path, input) = match by_path.get_key_value(path) {
            Some(found) => found,
            None => elsewhere(&by_path, path)?,
        };
        Some(File {
            text: input.text.clone(),
            path: path.clone(),
            executable: true,
        })
    };
    let mut lints = Vec::new();
    for path in by_path.keys() {
        let mut lint = boot_chain(std::slice::from_ref(path), &files, PATH);
        // A script that reaches no other one says what it says by itself.
        if lint.read.len() < 2 {
            continue;
        }
        for smell in &mut lint.smells {
            shown(&by_path, &mut smell.file);
            for hop in &mut smell.reached_by {
                *hop = by_path.iter().fold(hop.clone(), |hop, (path, input)| {
                    hop.replace(path, &input.name)
                });
            }
        }
        for unread in &mut lint.unparsed {
            shown(&by_path, &mut unread.file);
        }
        lint.smells.retain(|smell| smell.file != "argv");
        lints.push(lint);
    }
    lints
}

/// The name under which a file was given.
fn shown(by_path: &BTreeMap<String, &Input>, file: &mut String) {
    if let Some(input) = by_path.get(file) {
        file.clone_from(&input.name);
    }
}

fn absolute(name: &str) -> String {
    let path = std::path::absolute(name).unwrap_or_else(|_no_directory| Path::new("/").join(name));
    let mut clean: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(part) => clean.push(part.to_string_lossy().into_owned()),
            std::path::Component::ParentDir => drop(clean.pop()),
            _ => {}
        }
    }
    format!("/{}", clean.join("/"))
}

/// A script has another place in its image than in its checkout: the only one here of which the path has the same end.
fn elsewhere<'a>(
    by_path: &'a BTreeMap<String, &'a Input>,
    path: &str,
) -> Option<(&'a String, &'a &'a Input)> {
    let parts: Vec<&str> = path.rsplit('/').filter(|part| !part.is_empty()).collect();
    let common = |other: &str| {
        let others = other.rsplit('/').filter(|part| !part.is_empty());
        parts
            .iter()
            .zip(others)
            .take_while(|(a, b)| **a == *b)
            .count()
    };
    let most = by_path.keys().map(|other| common(other)).max()?;
    let mut same = by_path.iter().filter(|(other, _)| common(other) == most);
    let first = same.next()?;
    // A bare name is any tool's; one that ends as a script does, or lies in the same directory, is meant.
    let is_script = Path::new(path)
        .extension()
        .is_some_and(|e| e == "sh" || e == "bash");
    let enough = if is_script { 1 } else { 2 };
    (most >= enough && same.next().is_none()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lint(files: &[(&str, &str)]) -> Vec<String> {
        let scripts: Vec<Input> = files
            .iter()
            .map(|(name, text)| Input {
                name: (*name).to_owned(),
                text: text.as_bytes().to_vec(),
            })
            .collect();
        let lints = chains(&scripts);
        let smells = lints.iter().flat_map(|lint| &lint.smells);
        let mut told: Vec<String> = smells
            .map(|smell| format!("{}:{} {}", smell.file, smell.line, smell.rule))
            .collect();
        told.sort();
        told.dedup();
        told
    }

    #[test]
    fn what_a_caller_says_is_known_in_the_script_that_it_calls() {
        let start = "#!/bin/sh\nset -e\nTOOL=npm\n. \"$(dirname \"$0\")/lib/setup.sh\"\nprepare\n";
        let setup = "prepare() {\n  $TOOL install\n}\n";
        assert_eq!(
            lint(&[("boot/start.sh", start), ("boot/lib/setup.sh", setup)]),
            ["boot/lib/setup.sh:2 install/npm"]
        );
        // By the place that it has in the image; of two that could be meant, none is.
        let start = "#!/bin/sh\nTOOL=npm\n. /opt/lib/setup.sh\nprepare\n";
        assert_eq!(
            lint(&[("a/start.sh", start), ("a/setup.sh", setup)]),
            ["a/setup.sh:2 install/npm"]
        );
        let three = [
            ("a/start.sh", start),
            ("a/setup.sh", setup),
            ("b/setup.sh", setup),
        ];
        assert_eq!(lint(&three), [""; 0]);
        assert_eq!(lint(&[("setup.sh", setup)]), [""; 0]);
    }
}
