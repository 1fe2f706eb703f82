//! Chains among the scripts of a directory: what shows only where one sources or calls another that lies beside it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use adamant_core::shell::{File, Lint, boot_chain};

use super::gather::Input;

/// Where the commands are that no script of the directory stands for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The scripts by their paths, and by the last component of these.
pub(super) struct Beside<'a> {
    scripts: Vec<(String, &'a Input)>,
    by_path: BTreeMap<String, &'a Input>,
    by_name: HashMap<String, Vec<String>>,
    shapes: Shapes,
}

impl<'a> Beside<'a> {
    pub(super) fn of(scripts: &'a [Input]) -> Self {
        let here = here();
        let scripts: Vec<(String, &Input)> = scripts
            .iter()
            .filter(|script| script.name != "-")
            .map(|script| (absolute(&script.name, &here), script))
            .collect();
        let by_path: BTreeMap<String, &Input> = scripts.iter().cloned().collect();
        let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
        for path in by_path.keys() {
            by_name
                .entry(last(path).to_owned())
                .or_default()
                .push(path.clone());
        }
        let shapes = Shapes::of(by_name.keys().map(String::as_str));
        Self {
            scripts,
            by_path,
            by_name,
            shapes,
        }
    }

    /// The scripts, but for standard input, each with its path.
    pub(super) fn scripts(&self) -> &[(String, &'a Input)] {
        &self.scripts
    }

    /// Whether a script may reach another one: its text has that one's name, or it calls what is named so. The others say
    /// alone all that they have to say, and are not read twice.
    pub(super) fn calls(&self, path: &str, input: &Input) -> bool {
        let another = |name: &str| {
            let named = self.by_name.get(name);
            named.is_some_and(|paths| paths.iter().any(|other| *other != path))
        };
        let mut calls = input.alone.iter().flat_map(|lint| &lint.calls);
        calls.any(|call| another(call))
            || names(&input.text)
                .filter(|word| self.shapes.may_have(word))
                .filter_map(|word| std::str::from_utf8(word).ok())
                .any(another)
    }

    /// The reading of a script as a boot that may reach the others; nothing but what was gathered is read.
    pub(super) fn chain(&self, path: &str) -> Option<Lint> {
        let directory = directory(path);
        let files = |path: &str| {
            let (path, input) = match self.by_path.get_key_value(path) {
                Some(found) => found,
                None => self.elsewhere(path, directory)?,
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

    /// A script has another place in its image than in its checkout: the only one here of which the path has the same end. Where that is
    /// no more than its name, it lies above or below `from`, where the boot begins: checkouts of several projects have names in common.
    fn elsewhere(&self, path: &str, from: &str) -> Option<(&String, &&'a Input)> {
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
        let near = is_script && is_along(directory(first), from);
        let enough = if near { 1 } else { 2 };
        let found = (most >= enough && same.next().is_none()).then_some(first)?;
        self.by_path.get_key_value(*found)
    }
}

/// The lengths and the first bytes of names: nearly every word of a text differs from all of them in one or the other, and need
/// not be looked up.
struct Shapes {
    firsts: [bool; 256],
    lengths: [bool; 256],
}

impl Shapes {
    fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut shapes = Self {
            firsts: [false; 256],
            lengths: [false; 256],
        };
        for name in names {
            if let Some(first) = name.bytes().next() {
                shapes.firsts[usize::from(first)] = true;
                shapes.lengths[name.len() % 256] = true;
            }
        }
        shapes
    }

    fn may_have(&self, word: &[u8]) -> bool {
        let first = word.first().is_some_and(|b| self.firsts[usize::from(*b)]);
        first && self.lengths[word.len() % 256]
    }
}

/// The working directory, from which names are seen; the root where there is none.
fn here() -> String {
    let here = std::path::absolute(".").unwrap_or_else(|_no_directory| "/".into());
    here.to_string_lossy().into_owned()
}

/// The path of a name from the root, without `.`, `..` and double slashes.
fn absolute(name: &str, here: &str) -> String {
    let mut path = String::with_capacity(here.len() + name.len() + 1);
    let from = if name.starts_with('/') { "" } else { here };
    for part in from.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => path.truncate(path.rfind('/').unwrap_or_default()),
            part => {
                path.push('/');
                path.push_str(part);
            }
        }
    }
    if path.is_empty() {
        path.push('/');
    }
    path
}

/// Where a path lies.
fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Whether one directory lies in the other, or is it.
fn is_along(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(one, other) || within(other, one)
}

/// The last component of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a byte may be one of a file's name in a text.
const IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = byte >= 0x80
            || (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'.' | b'_' | b'-' | b'+' | b'@');
        byte += 1;
    }
    table
};

/// What may be the name of a file in a text.
fn names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !IN_NAME[usize::from(*byte)])
        .filter(|word| !word.is_empty())
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
                alone: Some(shell::script(name, text.as_bytes())),
            })
            .collect();
        let beside = Beside::of(&scripts);
        let callers = beside.scripts().iter();
        let callers = callers.filter(|(path, input)| beside.calls(path, input));
        let lints: Vec<Lint> = callers.filter_map(|(path, _)| beside.chain(path)).collect();
        let smells = lints.iter().flat_map(|lint| &lint.smells);
        let mut told: Vec<String> = smells
            .map(|smell| format!("{}:{} {}", smell.file, smell.line, smell.rule))
            .collect();
        told.sort();
        told.dedup();
        told
    }

    #[test]
    fn a_path_begins_at_the_root() {
        for (name, path) in [
            ("a.sh", "/here/there/a.sh"),
            ("./b/../a.sh", "/here/there/a.sh"),
            ("../../../a.sh", "/a.sh"),
            ("//x/./y//a.sh", "/x/y/a.sh"),
            ("..", "/here"),
            ("/", "/"),
        ] {
            assert_eq!(absolute(name, "/here/there"), path, "{name}");
        }
    }

    #[test]
    fn a_name_in_a_text_is_found_by_its_shape() {
        let shapes = Shapes::of(["start.sh", "é"].into_iter());
        let known = |text: &'static str| {
            let words = names(text.as_bytes()).filter(|word| shapes.may_have(word));
            words.map(|word| String::from_utf8_lossy(word).into_owned())
        };
        let text = "exec \"$DIR\"/start.sh stop.sh start (é)";
        assert_eq!(known(text).collect::<Vec<_>>(), ["start.sh", "é"]);
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
        // Above and below, but not in another project; there more than the name must be the same.
        for (caller, callee, is_meant) in [
            ("a/start.sh", "a/docker/setup.sh", true),
            ("a/docker/start.sh", "a/setup.sh", true),
            ("a/start.sh", "b/setup.sh", false),
            ("a/start.sh", "ab/setup.sh", false),
            ("a/docker/start.sh", "a/lib/setup.sh", true),
        ] {
            let told = lint(&[(caller, start), (callee, setup)]);
            assert_eq!(told.len(), usize::from(is_meant), "{caller} {callee}");
        }
    }
}
