//! Chains among the scripts of a directory: what shows only where one sources or calls another that lies beside it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use adamant_core::shell::{File, Lint, boot_chain};

use super::gather::Input;

/// Where the commands are that no script of the directory stands for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The scripts by their paths, and by the last component of these.
pub(super) struct Beside<'a> {
    by_path: BTreeMap<String, &'a Input>,
    by_name: HashMap<String, Vec<String>>,
}

impl<'a> Beside<'a> {
    pub(super) fn of(scripts: &'a [Input]) -> Self {
        let by_path: BTreeMap<String, &Input> = scripts
            .iter()
            .filter(|script| script.name != "-")
            .map(|script| (absolute(&script.name), script))
            .collect();
        let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
        for path in by_path.keys() {
            by_name
                .entry(last(path).to_owned())
                .or_default()
                .push(path.clone());
        }
        Self { by_path, by_name }
    }

    /// The path of a script that may reach another one: its text has that one's name, or it calls what is named so. The others say
    /// alone all that they have to say, and are not read twice.
    pub(super) fn caller(&self, input: &Input, alone: &Lint) -> Option<String> {
        let path = absolute(&input.name);
        let another = |name: &str| {
            let named = self.by_name.get(name);
            named.is_some_and(|paths| paths.iter().any(|other| *other != path))
        };
        let reaches =
            alone.calls.iter().any(|call| another(call)) || names(&input.text).any(another);
        (self.by_path.contains_key(&path) && reaches).then_some(path)
    }

    /// The reading of a script as a boot that may reach the others; nothing but what was gathered is read.
    pub(super) fn chain(&self, path: &str) -> Option<Lint> {
        let files = |path: &str| {
            let (path, input) = match self.by_path.get_key_value(path) {
                Some(found) => found,
                None => self.elsewhere(path)?,
            };
            Some(File {
                text: input.text.clone(),
                path: path.clone(),
                executable: true,
            })
        };
        let mut lint = boot_chain(&[path.to_owned()], &files, PATH);
        // A script that reaches no other one says what it says by itself.
        if lint.read.len() < 2 {
            return None;
        }
        for smell in &mut lint.smells {
            self.shown(&mut smell.file);
            for hop in &mut smell.reached_by {
                // Only what was read can be in a trail.
                for path in &lint.read {
                    if let Some(input) = self.by_path.get(path) {
                        *hop = hop.replace(path, &input.name);
                    }
                }
            }
        }
        for unread in &mut lint.unparsed {
            self.shown(&mut unread.file);
        }
        lint.smells.retain(|smell| smell.file != "argv");
        Some(lint)
    }

    /// The name under which a file was given.
    fn shown(&self, file: &mut String) {
        if let Some(input) = self.by_path.get(file) {
            file.clone_from(&input.name);
        }
    }

    /// A script has another place in its image than in its checkout: the only one here of which the path has the same end.
    fn elsewhere(&self, path: &str) -> Option<(&String, &&'a Input)> {
        let parts = |path: &'_ str| -> Vec<String> {
            let parts = path.rsplit('/').filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let wanted = parts(path);
        let common = |other: &str| {
            let pairs = wanted.iter().zip(parts(other));
            pairs.take_while(|(a, b)| *a == b).count()
        };
        let named: Vec<(usize, &String)> = self
            .by_name
            .get(wanted.first()?)?
            .iter()
            .map(|other| (common(other), other))
            .collect();
        let most = named.iter().map(|(common, _)| *common).max()?;
        let mut same = named.iter().filter(|(common, _)| *common == most);
        let (_, first) = same.next()?;
        // A bare name is any tool's; one that ends as a script does, or lies in the same directory, is meant.
        let is_script = Path::new(path)
            .extension()
            .is_some_and(|e| e == "sh" || e == "bash");
        let enough = if is_script { 1 } else { 2 };
        let found = (most >= enough && same.next().is_none()).then_some(first)?;
        self.by_path.get_key_value(*found)
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

/// The last component of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What may be the name of a file in a text.
fn names(text: &[u8]) -> impl Iterator<Item = &str> {
    let in_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(byte) || *byte >= 0x80;
    text.split(move |byte| !in_name(byte))
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use adamant_core::shell;

    fn lint(files: &[(&str, &str)]) -> Vec<String> {
        let scripts: Vec<Input> = files
            .iter()
            .map(|(name, text)| Input {
                name: (*name).to_owned(),
                text: text.as_bytes().to_vec(),
            })
            .collect();
        let alone: Vec<Lint> = scripts
            .iter()
            .map(|input| shell::script(&input.name, &input.text))
            .collect();
        let beside = Beside::of(&scripts);
        let callers = scripts.iter().zip(&alone);
        let callers = callers.filter_map(|(input, lint)| beside.caller(input, lint));
        let lints: Vec<Lint> = callers.filter_map(|path| beside.chain(&path)).collect();
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
