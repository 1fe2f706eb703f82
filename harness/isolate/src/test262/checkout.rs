//! A checkout of test262 on disk: its tests, its commit, and the tree that the loader sees.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adamant_modules::{DirEntry, DirectoryTree, FileType, Metadata, Tree};

/// Where module tests are, below the root.
const FOLDERS: &[&str] = &[
    "test/language/export",
    "test/language/expressions/dynamic-import",
    "test/language/expressions/import.meta",
    "test/language/import",
    "test/language/module-code",
];

/// Why a directory is not a checkout that can be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// It cannot be looked at.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has no harness, or no module tests.
    #[error("`{root}` is no checkout of test262: it has no `{missing}`", root = root.display())]
    Missing {
        /// What was taken for a checkout.
        root: PathBuf,
        /// What it lacks.
        missing: &'static str,
    },
}

/// A checkout of test262.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// Looks whether `root` is one.
    pub fn open(root: &Path) -> Result<Self, CheckoutError> {
        let read = |source| CheckoutError::Read {
            path: root.to_owned(),
            source,
        };
        let root = fs_err::canonicalize(root).map_err(read)?;
        let missing = |missing| CheckoutError::Missing {
            root: root.clone(),
            missing,
        };
        if !root.join("harness/assert.js").is_file() {
            return Err(missing("harness/assert.js"));
        }
        if !FOLDERS.iter().any(|folder| root.join(folder).is_dir()) {
            return Err(missing("test/language/module-code"));
        }
        Ok(Self { root })
    }

    /// Its root, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The module tests, sorted: paths below the root, as `test/language/import/…`.
    pub fn tests(&self) -> Result<Vec<String>, CheckoutError> {
        let mut tests = Vec::new();
        for folder in FOLDERS {
            if self.root.join(folder).is_dir() {
                self.walk(folder, &mut tests)?;
            }
        }
        tests.sort_unstable();
        Ok(tests)
    }

    fn walk(&self, folder: &str, tests: &mut Vec<String>) -> Result<(), CheckoutError> {
        let path = self.root.join(folder);
        let read = |source| CheckoutError::Read {
            path: path.clone(),
            source,
        };
        for entry in fs_err::read_dir(&path).map_err(read)? {
            let entry = entry.map_err(read)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let below = format!("{folder}/{name}");
            if entry.file_type().map_err(read)?.is_dir() {
                self.walk(&below, tests)?;
            } else if is_test(&name) {
                tests.push(below);
            }
        }
        Ok(())
    }

    /// The commit that is checked out, where git says so.
    #[must_use]
    pub fn commit(&self) -> Option<String> {
        let mut git = self.root.join(".git");
        if let Ok(link) = fs_err::read_to_string(&git) {
            // A worktree's `.git` is a file that says where the real one is.
            git = self.root.join(link.strip_prefix("gitdir:")?.trim());
        }
        let head = fs_err::read_to_string(git.join("HEAD")).ok()?;
        let Some(reference) = head.trim().strip_prefix("ref:").map(str::trim) else {
            return hash(&head);
        };
        let common = match fs_err::read_to_string(git.join("commondir")) {
            Ok(common) => git.join(common.trim()),
            Err(_) => git,
        };
        if let Ok(loose) = fs_err::read_to_string(common.join(reference)) {
            return hash(&loose);
        }
        let packed = fs_err::read_to_string(common.join("packed-refs")).ok()?;
        let line = packed
            .lines()
            .find(|line| line.ends_with(&format!(" {reference}")))?;
        hash(line.split(' ').next()?)
    }

    /// The checkout as the loader sees it.
    pub(super) fn tree(&self) -> io::Result<Arc<dyn Tree>> {
        Ok(Arc::new(ModuleTree(DirectoryTree::open(&self.root)?)))
    }
}

/// Files with `_FIXTURE` in their name are only there to be imported.
fn is_test(name: &str) -> bool {
    name.ends_with(".js") && !name.contains("_FIXTURE")
}

fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    let whole = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then(|| text.to_owned())
}

/// A checkout whose every `.js` is a module when it is imported, as test262 wants it: the package says `"type": "module"`.
#[derive(Debug)]
struct ModuleTree(DirectoryTree);

const MANIFEST: &str = "/package.json";
const MANIFEST_TEXT: &[u8] = br#"{"type":"module"}"#;

fn manifest_metadata() -> Metadata {
    Metadata {
        file_type: FileType::File,
        len: MANIFEST_TEXT.len() as u64,
        mode: 0o100_444,
        ino: 0,
        nlink: 1,
        mtime_ns: 0,
    }
}

impl Tree for ModuleTree {
    fn metadata(&self, path: &str) -> io::Result<Metadata> {
        if path == MANIFEST {
            Ok(manifest_metadata())
        } else {
            self.0.metadata(path)
        }
    }

    fn symlink_metadata(&self, path: &str) -> io::Result<Metadata> {
        if path == MANIFEST {
            Ok(manifest_metadata())
        } else {
            self.0.symlink_metadata(path)
        }
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        if path == MANIFEST {
            Ok(Arc::from(MANIFEST_TEXT))
        } else {
            self.0.read(path)
        }
    }

    fn read_at(&self, path: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        if path != MANIFEST {
            return self.0.read_at(path, offset, len);
        }
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(MANIFEST_TEXT.len());
        Ok(MANIFEST_TEXT
            .iter()
            .skip(start)
            .take(len)
            .copied()
            .collect())
    }

    fn read_dir(&self, path: &str) -> io::Result<Vec<DirEntry>> {
        self.0.read_dir(path)
    }

    fn read_link(&self, path: &str) -> io::Result<String> {
        self.0.read_link(path)
    }

    fn real_path(&self, path: &str) -> io::Result<String> {
        if path == MANIFEST {
            Ok(path.to_owned())
        } else {
            self.0.real_path(path)
        }
    }
}
