//! Case files: every `.yaml` below a folder, in the order of their paths.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::case::{Case, ParseError, parse_text, read};

/// A case and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseFile {
    /// Its path below the folder without `.yaml`: `rc-002/01-no-network-boot`.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub case: Case,
}

impl CaseFile {
    /// The file's stem without its leading number: the case's part of a trial name.
    #[must_use]
    pub fn stem(&self) -> &str {
        case_stem(&self.id)
    }
}

/// The last part of a case's id without its leading number.
pub(crate) fn case_stem(id: &str) -> &str {
    let name = id.rsplit('/').next().unwrap_or(id);
    let bare = name.trim_start_matches(|c: char| c.is_ascii_digit());
    if bare.len() < name.len() {
        bare.trim_start_matches('-')
    } else {
        name
    }
}

/// Parses cases whose texts are at hand: `(path below cases/, text)`, in the order of their paths.
pub fn parse_cases(texts: &[(&str, &str)]) -> Result<Vec<Arc<CaseFile>>, Vec<ParseError>> {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    let parsed = texts.iter().map(|(id, text)| {
        let path = Path::new("cases").join(id);
        one(parse_text(text, &path), &path, Path::new("cases"))
    });
    collect(parsed)
}

fn one(
    parsed: Result<Case, ParseError>,
    path: &Path,
    root: &Path,
) -> Result<Arc<CaseFile>, ParseError> {
    let case = parsed?;
    case.validate()
        .map_err(|message| ParseError::file(path, message))?;
    let id = path
        .strip_prefix(root)
        .unwrap_or(path)
        .with_extension("")
        .to_string_lossy()
        .into_owned();
    Ok(Arc::new(CaseFile {
        id,
        path: path.to_owned(),
        case,
    }))
}

fn collect(
    parsed: impl Iterator<Item = Result<Arc<CaseFile>, ParseError>>,
) -> Result<Vec<Arc<CaseFile>>, Vec<ParseError>> {
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    for result in parsed {
        match result {
            Ok(case) => cases.push(case),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(cases)
    } else {
        Err(errors)
    }
}

/// Reads every case below `root`; all errors, not only the first.
pub fn read_cases(root: &Path) -> Result<Vec<Arc<CaseFile>>, Vec<ParseError>> {
    let files = yaml_files(root).map_err(|error| vec![error])?;
    collect(files.iter().map(|path| one(read(path), path, root)))
}

/// Every `.yaml` below `root`, in order; none at all is an error.
pub(crate) fn yaml_files(root: &Path) -> Result<Vec<PathBuf>, ParseError> {
    let mut files = Vec::new();
    walk(root, &mut files)
        .map_err(|error| ParseError::file(root, format!("cannot be read: {}", error.kind())))?;
    files.sort();
    if files.is_empty() {
        return Err(ParseError::file(root, "has no case (`*.yaml`) below it"));
    }
    Ok(files)
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        // Symlinks are not followed: a loop of folders would never end.
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    Ok(())
}
