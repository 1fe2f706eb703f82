//! Keeps what failing trials need: workspaces are copied before anything boots, and go into the evidence and the store when a trial does not pass.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use adamant_core::case::ManifestSource;
use adamant_core::discover::{PlannedTrial, SubjectFile};
use adamant_core::report::{Event, Reporter, TrialReport};
use adamant_core::run::Verdict;
use adamant_store::Key;
use adamant_store::archive::{self, Accept, Policy};
use adamant_store::objects::Snapshots;
use tempfile::TempDir;

use super::{FILE, FORM, ORGANISATION, Record, TREE, TRIAL};
use crate::command::Failure;
use crate::standard;

/// A reporter that keeps bundles.
#[derive(Debug)]
pub struct Keeper {
    runs: PathBuf,
    run: String,
    store: Option<Snapshots>,
    /// The inputs of each subject, by its name.
    staged: BTreeMap<String, Staged>,
    /// The texts of the cases, by their ids.
    cases: BTreeMap<String, String>,
    troubles: Vec<String>,
}

/// The inputs of one subject as they were before the run.
#[derive(Debug)]
struct Staged {
    dir: TempDir,
    /// The subject file, below the tree.
    subject: String,
}

impl Keeper {
    /// Copies the inputs of every subject of the plan; the environment says whether there is a store too.
    ///
    /// # Errors
    /// When an input cannot be kept, or half a store is configured.
    pub fn open(trials: &[PlannedTrial], reports: &Path, run: &str) -> Result<Self, Failure> {
        let store = Snapshots::from_env().map_err(Failure::input)?;
        let mut staged = BTreeMap::new();
        let mut cases = BTreeMap::new();
        for trial in trials {
            let name = &trial.subject.subject.name;
            if !staged.contains_key(name) {
                staged.insert(name.clone(), stage(&trial.subject)?);
            }
            if !cases.contains_key(&trial.case.id) {
                let text = standard::CASES
                    .iter()
                    .find(|(path, _)| path.strip_suffix(".yaml") == Some(&trial.case.id))
                    .map(|(_, text)| Ok((*text).to_owned()));
                let text = text.unwrap_or_else(|| fs_err::read_to_string(&trial.case.path));
                cases.insert(trial.case.id.clone(), text.map_err(Failure::input)?);
            }
        }
        Ok(Self {
            runs: reports.join("runs"),
            run: run.to_owned(),
            store,
            staged,
            cases,
            troubles: Vec::new(),
        })
    }

    fn keep(&self, report: &TrialReport) -> Result<(), String> {
        let staged = self.staged.get(&report.subject);
        let staged = staged.ok_or_else(|| format!("`{}` was not planned", report.subject))?;
        let findings = report.outcome.findings().iter();
        let record = Record {
            form: FORM,
            name: report.name.clone(),
            engine: report.engine.to_owned(),
            subject: staged.subject.clone(),
            case: report.case.clone(),
            case_text: self.cases.get(&report.case).cloned().unwrap_or_default(),
            image: report.image_source.clone(),
            image_id: report.image.clone(),
            findings: findings.map(|f| f.finding.code.to_string()).collect(),
        };
        let told = |error: std::io::Error| error.to_string();
        let text = serde_json::to_string_pretty(&record).map_err(|e| e.to_string())?;
        fs_err::write(staged.dir.path().join(TRIAL), text).map_err(told)?;
        let dir = self.runs.join(&report.path);
        fs_err::create_dir_all(&dir).map_err(told)?;
        let file = dir.join(FILE);
        let mut out = std::io::BufWriter::new(fs_err::File::create(&file).map_err(told)?);
        archive::write(staged.dir.path(), &policy(), &mut out).map_err(|e| e.told())?;
        out.flush().map_err(told)?;
        let Some(store) = &self.store else {
            anstream::eprintln!("kept: adamant reproduce {}", dir.display());
            return Ok(());
        };
        let key = self.key(report)?;
        let from = fs_err::File::open(&file).map_err(told)?;
        store.put(&key, from).map_err(|e| adamant_store::told(&e))?;
        let name = key.path().trim_end_matches(".tar");
        anstream::eprintln!("kept: adamant reproduce {name}");
        Ok(())
    }

    fn key(&self, report: &TrialReport) -> Result<Key, String> {
        let parts: Vec<&str> = report.name.split("::").collect();
        let branch: Vec<&str> = std::iter::once(self.run.as_str())
            .chain(parts.iter().copied().filter(|part| *part != report.subject))
            .collect();
        Key::new(ORGANISATION, &report.subject, &branch.join("/")).map_err(|e| e.to_string())
    }
}

impl Reporter for Keeper {
    fn event(&mut self, event: &Event) {
        let Event::TrialFinished(report) = event else {
            return;
        };
        if matches!(report.outcome.verdict(), Verdict::Passed | Verdict::Skipped) {
            return;
        }
        if let Err(why) = self.keep(report) {
            let trial = &report.name;
            self.troubles
                .push(format!("the workspace of `{trial}` is not kept: {why}"));
        }
    }

    fn errors(&self) -> Vec<String> {
        self.troubles.clone()
    }
}

/// What was ours stays ours: nothing is refused that a host may have, for it is not a stranger's.
pub(super) fn policy() -> Policy {
    Policy {
        accept: Accept {
            foreign_owners: true,
            case_collisions: true,
            outward_links: true,
        },
        ..Policy::default()
    }
}

/// Copies the subject file and everything of the host that it refers to, as they lie relative to each other.
fn stage(file: &SubjectFile) -> Result<Staged, Failure> {
    let wrong = |path: &Path, error: std::io::Error| {
        Failure::input(format!("`{}` cannot be kept: {error}", path.display()))
    };
    let subject = fs_err::canonicalize(&file.path).map_err(|e| wrong(&file.path, e))?;
    let base = subject.parent().unwrap_or(Path::new("/")).to_owned();
    let mut inputs = vec![subject.clone()];
    for input in referred(file) {
        if input.is_absolute() {
            let mut failure = Failure::input(format!(
                "`{}` cannot be kept: an absolute path is another file on another machine",
                input.display()
            ));
            failure.hint = Some("name it relative to the subject file".into());
            return Err(failure);
        }
        // Not resolved: where it lies is what the subject file says.
        inputs.push(plain(&base.join(input)));
    }
    let root = common(&inputs);
    let dir = tempfile::tempdir().map_err(Failure::broken)?;
    for input in &inputs {
        let below = input.strip_prefix(&root).unwrap_or(input);
        copy(input, &dir.path().join(TREE).join(below)).map_err(|e| wrong(input, e))?;
    }
    let subject = subject.strip_prefix(&root).unwrap_or(&subject);
    Ok(Staged {
        subject: subject.to_string_lossy().into_owned(),
        dir,
    })
}

/// The paths of the host that a subject file names, as it names them.
fn referred(file: &SubjectFile) -> Vec<PathBuf> {
    let subject = &file.subject;
    let compose = subject.compose.as_ref();
    let compose = compose.and_then(|at| at.value.split_once('#').map(|(file, _)| file.into()));
    let manifest = match &subject.manifest {
        Some(ManifestSource::Host(path)) => Some(PathBuf::from(path)),
        _ => None,
    };
    let mounts = subject.run.mounts.iter().map(|at| at.value.source.clone());
    compose.into_iter().chain(manifest).chain(mounts).collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The directory that all paths have in common.
fn common(paths: &[PathBuf]) -> PathBuf {
    let mut root = paths[0].parent().unwrap_or(Path::new("/")).to_owned();
    while !paths
        .iter()
        .all(|path| path.starts_with(&root) && *path != root)
    {
        if !root.pop() {
            break;
        }
    }
    root
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let above = to.parent().unwrap_or(to);
    fs_err::create_dir_all(above)?;
    if !from.is_dir() {
        return fs_err::copy(from, to).map(drop);
    }
    // By way of an archive: owners, modes, times and links stay as they are.
    let mut tar = tempfile::tempfile()?;
    let told = |error: archive::ArchiveError| std::io::Error::other(error.told());
    archive::write(from, &policy(), &mut tar).map_err(told)?;
    std::io::Seek::rewind(&mut tar)?;
    fs_err::create_dir_all(to)?;
    archive::extract(std::io::BufReader::new(tar), to, &policy())
        .map(drop)
        .map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain_and_have_a_directory_in_common() {
        assert_eq!(plain(Path::new("/a/./b/../c")), Path::new("/a/c"));
        let paths = ["/a/b/adamant.yaml", "/a/b/work", "/a/other"].map(PathBuf::from);
        assert_eq!(common(&paths), Path::new("/a"));
        assert_eq!(common(&paths[..2]), Path::new("/a/b"));
        // A directory that holds the subject file itself has to be named in the archive.
        let paths = ["/a/b/adamant.yaml", "/a/b"].map(PathBuf::from);
        assert_eq!(common(&paths), Path::new("/a"));
    }
}
