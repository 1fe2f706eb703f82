//! Shared libraries as the loaders of glibc and musl find them, and the symbol versions that they must have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adamant_probe::{Entry, Kind};

use super::cache;
use crate::elf::{Elf, is_elf};
use crate::programs::{absolute, base};
use crate::subject::Target;

/// The most files of one closure.
const MOST: usize = 4_096;
/// Names under which musl is asked for and answers itself.
const MUSL_OWN: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

/// A library that no directory has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) name: String,
    pub(crate) needed_by: String,
    /// Where the loader looks, in order.
    pub(crate) looked: Vec<String>,
    /// What to do when it is in the image, but where nobody looks.
    pub(crate) elsewhere: Option<String>,
}

/// A version that a library does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingVersion {
    pub(crate) version: String,
    pub(crate) library: String,
    pub(crate) needed_by: String,
    /// What the library has, of the same family.
    has: Vec<String>,
}

impl MissingVersion {
    /// The newest version of the family that is there, for a person.
    pub(crate) fn newest(&self) -> String {
        let newest = self.has.iter().max_by_key(|version| numbers(version));
        newest.map_or_else(
            || "it has none of that family".into(),
            |v| format!("the image has at most {v}"),
        )
    }
}

fn numbers(version: &str) -> Vec<u32> {
    let digits = version.rsplit('_').next().unwrap_or_default();
    digits.split('.').map(|n| n.parse().unwrap_or(0)).collect()
}

/// All that is loaded with a file.
#[derive(Debug, Default)]
pub(crate) struct LibraryClosure {
    /// Each file that is loaded, the first included.
    pub(crate) loaded: BTreeMap<String, Arc<Elf>>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) versions: Vec<MissingVersion>,
    /// Files that could not be read, and why.
    pub(crate) unread: Vec<(String, String)>,
    /// Whether the loader is musl's.
    pub(crate) musl: bool,
}

impl LibraryClosure {
    /// Whether any file of the closure offers a symbol.
    pub(crate) fn exports(&self, symbol: &str) -> bool {
        self.loaded.values().any(|elf| elf.exports.contains(symbol))
    }
}

/// Whether the image's C library is musl, by the loader that a program names, or by the loaders that are there.
pub(crate) fn is_musl(target: &Target, elf: &Elf) -> bool {
    if let Some(loader) = &elf.interpreter {
        return base(loader).starts_with("ld-musl-");
    }
    let is = |start: &str| {
        let names = target.tree.names("/lib").chain(target.tree.names("/lib64"));
        names.into_iter().any(|name| name.starts_with(start))
    };
    elf.needed.iter().any(|name| name.starts_with("libc.musl-"))
        || is("ld-musl-") && !is("ld-linux")
}

/// What is loaded with `entry`, breadth first, as the loader does it.
pub(crate) fn closure(target: &Target, entry: &Entry, elf: &Arc<Elf>) -> LibraryClosure {
    closure_by(target, entry, elf, is_musl(target, elf))
}

/// The same, by the loader of the process that it is loaded into: musl's or glibc's, whatever the file was built for.
pub(crate) fn closure_by(
    target: &Target,
    entry: &Entry,
    elf: &Arc<Elf>,
    musl: bool,
) -> LibraryClosure {
    let search = Search::new(target, elf, musl);
    let mut closure = LibraryClosure {
        musl: search.musl,
        ..LibraryClosure::default()
    };
    closure.loaded.insert(entry.path.clone(), elf.clone());
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    // With each file the run paths of those that led to it, which DT_RPATH hands down.
    let mut queue =
        std::collections::VecDeque::from([(entry.path.clone(), elf.clone(), Vec::new())]);
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    while let Some((path, elf, inherited)) = queue.pop_front() {
        let mut handed = inherited.clone();
        handed.extend(elf.rpath.iter().map(|dir| expand(dir, &path, target)));
        for name in &elf.needed {
            if search.musl && musl_itself(name) || by_name.contains_key(name) {
                continue;
            }
            if !wanted.insert((path.clone(), name.clone())) || closure.loaded.len() > MOST {
                continue;
            }
            match search.find(name, &path, &elf, &inherited) {
                Ok((found, found_elf)) => {
                    by_name.insert(name.clone(), found.clone());
                    by_name.extend(
                        found_elf
                            .soname
                            .clone()
                            .map(|soname| (soname, found.clone())),
                    );
                    if !closure.loaded.contains_key(&found) {
                        closure.loaded.insert(found.clone(), found_elf.clone());
                        queue.push_back((found, found_elf, handed.clone()));
                    }
                }
                Err(NotFound { looked, unread }) => {
                    closure.unread.extend(unread);
                    let elsewhere = elsewhere(target, name, &search);
                    closure.missing.push(Missing {
                        name: name.clone(),
                        needed_by: path.clone(),
                        looked,
                        elsewhere,
                    });
                }
            }
        }
    }
    if !search.musl {
        closure.versions = versions(&closure, &by_name);
    }
    closure
}

/// Versions that the libraries found do not define; musl does not look at them.
fn versions(closure: &LibraryClosure, by_name: &BTreeMap<String, String>) -> Vec<MissingVersion> {
    let mut missing = Vec::new();
    for (needed_by, elf) in &closure.loaded {
        for (library, version) in &elf.versions_needed {
            let Some(provider) = by_name
                .get(library)
                .and_then(|path| closure.loaded.get(path))
            else {
                continue;
            };
            // A library without any version is taken as it is, with a warning.
            if provider.versions.is_empty() || provider.versions.contains(version) {
                continue;
            }
            let family = version.split('_').next().unwrap_or_default();
            let has = provider
                .versions
                .iter()
                .filter(|v| v.split('_').next() == Some(family) && numbers(v) != [0]);
            missing.push(MissingVersion {
                version: version.clone(),
                library: library.clone(),
                needed_by: needed_by.clone(),
                has: has.cloned().collect(),
            });
        }
    }
    missing
}

fn musl_itself(name: &str) -> bool {
    let own = |rest: &str| {
        MUSL_OWN
            .iter()
            .any(|own| rest.strip_prefix(own).is_some_and(|r| r.starts_with('.')))
    };
    name.starts_with("libc.musl-")
        || name.starts_with("ld-musl-")
        || name.strip_prefix("lib").is_some_and(own)
}

/// `$ORIGIN` and its kin, as the loader fills them in.
fn expand(dir: &str, of: &str, target: &Target) -> String {
    let origin = of
        .rsplit_once('/')
        .map_or("/", |(dir, _)| if dir.is_empty() { "/" } else { dir });
    let platform = match target.architecture() {
        "arm64" => "aarch64",
        _ => "x86_64",
    };
    let lib = format!("lib/{platform}-linux-gnu");
    let mut dir = dir.to_owned();
    for (name, value) in [("ORIGIN", origin), ("LIB", &lib), ("PLATFORM", platform)] {
        dir = dir
            .replace(&format!("${{{name}}}"), value)
            .replace(&format!("${name}"), value);
    }
    absolute(&dir, "/")
}

struct NotFound {
    looked: Vec<String>,
    unread: Vec<(String, String)>,
}

/// Where one loader looks.
struct Search<'t> {
    target: &'t Target,
    musl: bool,
    machine: u16,
    is_64: bool,
    environment: Vec<String>,
    cache: Option<BTreeMap<String, Vec<String>>>,
    system: Vec<String>,
}

impl<'t> Search<'t> {
    fn new(target: &'t Target, elf: &Elf, musl: bool) -> Self {
        let environment = target.env().get("LD_LIBRARY_PATH").map(|paths| {
            let dirs = paths.split([':', ';']).filter(|dir| dir.starts_with('/'));
            dirs.map(str::to_owned).collect()
        });
        let cache = || {
            let content = target.image.content("/etc/ld.so.cache")?;
            cache::parse(&content.ok()?)
        };
        Self {
            target,
            musl,
            machine: elf.machine,
            is_64: elf.is_64,
            environment: environment.unwrap_or_default(),
            cache: if musl { None } else { cache() },
            system: if musl {
                musl_directories(target)
            } else {
                glibc_directories(target)
            },
        }
    }

    fn find(
        &self,
        name: &str,
        by: &str,
        elf: &Elf,
        inherited: &[String],
    ) -> Result<(String, Arc<Elf>), NotFound> {
        let mut missing = NotFound {
            looked: Vec::new(),
            unread: Vec::new(),
        };
        if name.contains('/') {
            let path = absolute(name, "/");
            missing.looked.push(path.clone());
            return self.fits(&path, &mut missing).ok_or(missing);
        }
        let own = |dirs: &[String]| -> Vec<String> {
            dirs.iter()
                .map(|dir| expand(dir, by, self.target))
                .collect()
        };
        let mut dirs: Vec<String> = Vec::new();
        if elf.runpath.is_empty() || self.musl {
            dirs.extend(own(&elf.rpath));
            dirs.extend_from_slice(inherited);
        }
        dirs.extend(self.environment.iter().cloned());
        dirs.extend(own(&elf.runpath));
        for dir in &dirs {
            if let Some(found) = self.fits(
                &format!("{}/{name}", dir.trim_end_matches('/')),
                &mut missing,
            ) {
                return Ok(found);
            }
        }
        missing.looked = dirs;
        if let Some(cache) = &self.cache {
            missing.looked.push("/etc/ld.so.cache".to_owned());
            for path in cache.get(name).into_iter().flatten() {
                if let Some(found) = self.fits(path, &mut missing) {
                    return Ok(found);
                }
            }
        }
        for dir in &self.system {
            if let Some(found) = self.fits(&format!("{dir}/{name}"), &mut missing) {
                return Ok(found);
            }
        }
        missing.looked.extend(self.system.iter().cloned());
        Err(missing)
    }

    /// A file that the loader would take: one for another machine is passed over.
    fn fits(&self, path: &str, missing: &mut NotFound) -> Option<(String, Arc<Elf>)> {
        let entry = self
            .target
            .image
            .resolve(path)
            .filter(|e| e.kind == Kind::File)?;
        let head = self.target.head(entry);
        if head.as_ref().is_ok_and(|head| !is_elf(head)) {
            return None;
        }
        match self.target.elf(entry) {
            Ok(elf) if elf.machine == self.machine && elf.is_64 == self.is_64 => {
                Some((entry.path.clone(), elf))
            }
            Ok(_) => None,
            Err(why) => {
                missing.unread.push((entry.path.clone(), why));
                None
            }
        }
    }
}

/// The directories that are compiled into glibc's loader, of Debian and of the others.
fn glibc_directories(target: &Target) -> Vec<String> {
    let triplet = match target.architecture() {
        "arm64" => "aarch64-linux-gnu",
        "386" => "i386-linux-gnu",
        "arm" => "arm-linux-gnueabihf",
        _ => "x86_64-linux-gnu",
    };
    let own = [format!("/lib/{triplet}"), format!("/usr/lib/{triplet}")].into_iter();
    let all = own.chain(["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(str::to_owned));
    all.filter(|dir| target.image.resolve(dir).is_some())
        .collect()
}

fn musl_directories(target: &Target) -> Vec<String> {
    let file = target
        .tree
        .names("/etc")
        .find(|name| name.starts_with("ld-musl-") && name.ends_with(".path"));
    if let Some(file) = file
        && let Ok(text) = target.text(&format!("/etc/{file}"))
    {
        let dirs = text.split([':', '\n']).filter(|dir| dir.starts_with('/'));
        return dirs.map(str::to_owned).collect();
    }
    ["/lib", "/usr/local/lib", "/usr/lib"]
        .map(str::to_owned)
        .to_vec()
}

/// The library is in the image, but where no loader looks.
fn elsewhere(target: &Target, name: &str, search: &Search<'_>) -> Option<String> {
    let end = format!("/{name}");
    let path = target
        .image
        .entries
        .keys()
        .find(|path| path.ends_with(&end))?;
    let dir = path.strip_suffix(&end)?;
    let why = if search.cache.is_none() && !search.musl {
        "run `ldconfig` when the image is built (there is no /etc/ld.so.cache), or set LD_LIBRARY_PATH"
    } else {
        "add its directory to the loader's configuration and run `ldconfig`, or set LD_LIBRARY_PATH"
    };
    Some(format!(
        "`{name}` is in {dir}, where the loader does not look: {why}"
    ))
}
