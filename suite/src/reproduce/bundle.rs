//! A bundle that was kept: found in evidence or in the store, laid out, and planned as the one trial that it is about.

use std::io::{BufReader, Seek as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use adamant_core::case::ParseError;
use adamant_core::discover::{PlannedTrial, parse_cases, plan, read_subject};
use adamant_store::archive::{self, ArchiveError};
use adamant_store::objects::{Snapshots, StoreError};
use adamant_store::{Key, KeyError};
use tempfile::TempDir;
use thiserror::Error;

use super::keep::policy;
use super::{FILE, FORM, Record, TREE, TRIAL};

/// Why nothing can be reproduced.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Neither evidence nor a key.
    #[error("`{0}` is neither the evidence of a trial with its `{FILE}` nor a key of a store")]
    Neither(String, #[source] KeyError),
    /// Evidence without a bundle.
    #[error("`{}` has no `{FILE}`", .0.display())]
    NotKept(PathBuf),
    /// A key, and no store.
    #[error("`{0}` is not here, and no store is configured that could have it")]
    NoStore(String),
    /// A key that nothing is stored under.
    #[error("nothing is stored under `{0}`")]
    Nothing(Key),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive.
    #[error("`{from}` is no bundle")]
    Archive {
        /// Where it came from.
        from: String,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// What it says.
    #[error("`{from}` is no bundle: {why}")]
    Content {
        /// Where it came from.
        from: String,
        /// What is wrong with it.
        why: String,
    },
    /// The subject file or the case in it.
    #[error("{0}")]
    Parse(String),
    /// The file system of this host.
    #[error("cannot lay out a bundle")]
    Host(#[from] std::io::Error),
}

impl BundleError {
    /// Whether what was typed, set or kept is at fault.
    #[must_use]
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Host(_))
            && !matches!(self, Self::Store(error) if !matches!(error, StoreError::Config(_)))
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotKept(_) | Self::Neither(..) => Some(
                "`adamant run --keep-workspaces …` keeps it for every trial that does not pass"
                    .into(),
            ),
            Self::NoStore(_) => {
                Some("set `SANDBOX_SNAPSHOTS_BUCKET` for S3, or `DATA_DIR` for a directory".into())
            }
            Self::Store(error) => error.hint().map(str::to_owned),
            _ => None,
        }
    }
}

impl From<ParseError> for BundleError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error.to_string())
    }
}

/// A bundle, laid out until this is dropped.
#[derive(Debug)]
pub struct Bundle {
    dir: TempDir,
    from: String,
    /// What it is about.
    pub record: Record,
}

impl Bundle {
    /// Finds a bundle by the folder of a trial's evidence, by its file, or by its key in the store of the environment.
    ///
    /// # Errors
    /// When there is none, or it is not as it was kept.
    pub fn find(what: &str) -> Result<Self, BundleError> {
        let path = Path::new(what);
        let file = if path.is_dir() {
            path.join(FILE)
        } else {
            path.to_owned()
        };
        if file.is_file() {
            let tar = fs_err::File::open(&file)?.into_parts().0;
            return Self::lay_out(tar, file.display().to_string());
        }
        if path.is_dir() {
            return Err(BundleError::NotKept(path.to_owned()));
        }
        let key: Key = what
            .parse()
            .map_err(|error| BundleError::Neither(what.to_owned(), error))?;
        let store = Snapshots::from_env()?.ok_or_else(|| BundleError::NoStore(what.to_owned()))?;
        let mut tar = tempfile::tempfile()?;
        if store.get(&key, &mut tar)?.is_none() {
            return Err(BundleError::Nothing(key));
        }
        tar.rewind()?;
        Self::lay_out(tar, key.path().to_owned())
    }

    fn lay_out(tar: std::fs::File, from: String) -> Result<Self, BundleError> {
        let dir = tempfile::Builder::new()
            .prefix("adamant-reproduce-")
            .tempdir()?;
        archive::extract(BufReader::new(tar), dir.path(), &policy()).map_err(|source| {
            BundleError::Archive {
                from: from.clone(),
                source,
            }
        })?;
        let wrong = |why: String| BundleError::Content {
            from: from.clone(),
            why,
        };
        let text = fs_err::read_to_string(dir.path().join(TRIAL))
            .map_err(|_missing| wrong(format!("it has no `{TRIAL}`")))?;
        let record: Record =
            serde_json::from_str(&text).map_err(|e| wrong(format!("`{TRIAL}`: {e}")))?;
        if record.form != FORM {
            return Err(wrong(format!(
                "it has form {}, and this Adamant reads {FORM}",
                record.form
            )));
        }
        let below = |path: &str| {
            Path::new(path)
                .components()
                .all(|c| matches!(c, Component::Normal(_)))
        };
        if !below(&record.subject) || !below(&record.case) {
            return Err(wrong("its subject or its case lies elsewhere".into()));
        }
        Ok(Self { dir, from, record })
    }

    /// The trial on these engines, with this image in place of the one that failed.
    ///
    /// # Errors
    /// When its subject or its case cannot be read any more.
    pub fn plan(
        &self,
        engines: &[&'static str],
        image: Option<&str>,
    ) -> Result<Vec<PlannedTrial>, BundleError> {
        let record = &self.record;
        let subject = self.dir.path().join(TREE).join(&record.subject);
        let mut subject = read_subject(&subject, Some(image.unwrap_or(&record.image)))?;
        let parts: Vec<&str> = record.name.splitn(3, "::").collect();
        if let [_, name, _] = parts[..] {
            // Its name may have come from a folder that is not here.
            name.clone_into(&mut Arc::make_mut(&mut subject).subject.name);
        }
        let case = format!("{}.yaml", record.case);
        let cases = parse_cases(&[(&case, &record.case_text)]).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            BundleError::Parse(errors.join("\n"))
        })?;
        let mut trials = plan(engines, &[subject], &cases);
        let own = |name: &str| name.splitn(3, "::").nth(2).map(str::to_owned);
        trials.retain(|trial| own(&trial.name) == own(&record.name));
        if trials.is_empty() {
            return Err(BundleError::Content {
                from: self.from.clone(),
                why: format!("its subject and its case make no trial `{}`", record.name),
            });
        }
        Ok(trials)
    }
}
