//! What `fixtures/tools/NAME/tool.yaml` says: a tool of npm, how it is run, and what must be seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use adamant_core::module::wire::Terminal;
use serde::Deserialize;

/// A tool. Its packages are those of the `package-lock.json` beside the file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Tool {
    /// What it is, in one sentence.
    pub(crate) about: String,
    /// The folder's name.
    #[serde(skip)]
    pub(crate) name: String,
    /// The folder.
    #[serde(skip)]
    pub(crate) dir: PathBuf,
    /// A change to the tool that exists only in the tree of one trial: whoever runs another copy does not show it.
    pub(crate) nonce: Nonce,
    /// The user's files, by absolute guest path, in every run.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Paths below which files are kept that are left out otherwise (declarations, maps, texts, native addons).
    #[serde(default)]
    pub(crate) keep: Vec<String>,
    /// Paths below which neither runtime gets anything.
    #[serde(default)]
    pub(crate) leave_out: Vec<String>,
    /// The isolate's heap: Node takes its own from the machine.
    #[serde(default = "heap")]
    pub(crate) heap_mib: u64,
    /// At least one.
    pub(crate) runs: Vec<Run>,
}

/// A change to one file of the tool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Nonce {
    /// The file.
    pub(crate) file: String,
    /// A text that stands in it exactly once.
    pub(crate) find: String,
    /// What takes its place; `@NONCE@` is a word that is new in each trial.
    pub(crate) put: String,
    /// The run whose output must have the word.
    pub(crate) shows_in: String,
}

/// One command line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Run {
    /// Its name in the trial's.
    pub(crate) name: String,
    /// The script, by absolute guest path.
    pub(crate) entry: String,
    /// Its arguments.
    #[serde(default)]
    pub(crate) argv: Vec<String>,
    /// Its environment beside `HOME`, which is a directory that is not there.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// What it reads from its standard input.
    #[serde(default)]
    pub(crate) stdin: Option<String>,
    /// The terminal that it runs on, and what the person there does.
    #[serde(default)]
    pub(crate) terminal: Option<Terminal>,
    /// Whether a model's endpoint on loopback answers, whose address is `@MOCK@` in the environment and in files.
    #[serde(default)]
    pub(crate) mock: bool,
    /// Further files.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// What it ends with, on both: two that fail alike would be equal too.
    #[serde(default)]
    pub(crate) exit_code: i32,
    /// Texts that stand in what it prints to standard output or standard error.
    pub(crate) shows: Vec<String>,
    /// What differs from one run of Node to the next, as patterns of lines.
    #[serde(default)]
    pub(crate) volatile: Vec<Volatile>,
    /// Why it cannot run inside: Node is not asked, and the isolate must end it with the exit code and the texts.
    #[serde(default)]
    pub(crate) refused: Option<String>,
    /// A known difference: if there is none, that is a failure.
    #[serde(default)]
    pub(crate) expect_fail: Option<String>,
}

/// Output that cannot be compared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Volatile {
    /// What it looks like; it must be there.
    pub(crate) pattern: String,
    /// Why it is not the same twice.
    pub(crate) reason: String,
}

fn heap() -> u64 {
    256
}

impl Tool {
    /// Refuses what would make a trial that judges nothing.
    pub(crate) fn checked(mut self, dir: &Path) -> Result<Self, String> {
        self.name = super::name(dir);
        dir.clone_into(&mut self.dir);
        let file = dir.join("tool.yaml");
        let wrong = |why: String| Err(format!("{}: {why}", file.display()));
        if self.about.trim().is_empty() || self.runs.is_empty() {
            return wrong("`about` and one of `runs` are needed".to_owned());
        }
        if !self.nonce.put.contains(NONCE) || self.nonce.find.is_empty() {
            return wrong(format!(
                "`nonce` needs a text to find, and `{NONCE}` in what it puts"
            ));
        }
        let names: BTreeSet<&str> = self.runs.iter().map(|r| r.name.as_str()).collect();
        if names.len() != self.runs.len() || !names.contains(self.nonce.shows_in.as_str()) {
            return wrong(
                "the runs need names of their own, and `shows-in` is one of them".to_owned(),
            );
        }
        for run in &self.runs {
            if run.shows.is_empty() || run.shows.iter().any(String::is_empty) {
                return wrong(format!("`{}` needs a text in `shows`", run.name));
            }
            let told = [&run.refused, &run.expect_fail];
            if told
                .iter()
                .any(|why| why.as_deref().is_some_and(|w| w.trim().is_empty()))
            {
                return wrong(format!("`{}` has an empty reason", run.name));
            }
            if run.volatile.iter().any(|v| v.reason.trim().is_empty()) {
                return wrong(format!(
                    "`{}` has something volatile without a reason",
                    run.name
                ));
            }
        }
        Ok(self)
    }
}

/// Stands for the word of the trial.
pub(crate) const NONCE: &str = "@NONCE@";

/// Stands for `127.0.0.1:PORT` of the run's [`super::mock::Mock`].
pub(crate) const MOCK: &str = "@MOCK@";
