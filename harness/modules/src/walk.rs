//! The one walk along a path, links followed, that both trees share: it cannot leave the root, because it only ever steps
//! from a directory to an entry in it and back to directories it came through.

use std::io;

use rustix::io::Errno;

/// As many links as Linux follows before it says `ELOOP`.
const MAX_LINKS: usize = 40;
/// `PATH_MAX` and `NAME_MAX` of Linux.
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

/// What a name in a directory is.
pub(crate) enum Step<D> {
    /// A directory, to step into.
    Directory(D),
    /// A symbolic link with its text.
    Link(String),
    /// Anything else: an end.
    Leaf,
}

/// Something with directories in it.
pub(crate) trait Directories {
    /// A directory, held so that it stays the same one whatever happens to its name.
    type Handle: Clone;
    /// The root.
    fn root(&self) -> Self::Handle;
    /// The entry `name` of `directory`; the name is neither `.` nor `..` and has no slash.
    fn step(&self, directory: &Self::Handle, name: &str) -> io::Result<Step<Self::Handle>>;
}

/// Where a walk ended.
pub(crate) struct Place<D> {
    /// The directory of the entry; for a directory that was reached through itself, that directory.
    pub(crate) parent: D,
    /// The name in `parent`; `None` if the walk ended at `parent` itself.
    pub(crate) name: Option<String>,
    /// The path without links, `.` and `..`.
    pub(crate) real: String,
    /// The link's text, if a link was not followed.
    pub(crate) link: Option<String>,
}

/// Where a name that is still to be stepped through was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// In the path that was asked for: `..` at the root stays there, as for every process in its root.
    Path,
    /// In a relative link: it may climb, but not above the root.
    RelativeLink,
    /// In an absolute link: it is read inside the root, and if that leads nowhere it pointed outside.
    AbsoluteLink,
}

/// Walks `path`; a link at the very end is followed only with `follow_last`.
pub(crate) fn walk<T: Directories>(
    tree: &T,
    path: &str,
    follow_last: bool,
) -> io::Result<Place<T::Handle>> {
    check(path)?;
    let mut trail: Vec<(String, T::Handle)> = Vec::new();
    let mut pending = names(path, Source::Path);
    let mut leaf: Option<String> = None;
    let mut links = 0;
    while let Some((name, source)) = pending.pop() {
        if leaf.is_some() {
            return Err(Errno::NOTDIR.into());
        }
        if name == "." {
            continue;
        }
        if name == ".." {
            if trail.pop().is_none() && source == Source::RelativeLink {
                return Err(Errno::ACCESS.into());
            }
            continue;
        }
        if name.len() > MAX_NAME {
            return Err(Errno::NAMETOOLONG.into());
        }
        let here = trail
            .last()
            .map_or_else(|| tree.root(), |(_, handle)| handle.clone());
        match tree
            .step(&here, &name)
            .map_err(|error| refusal(error, source))?
        {
            Step::Directory(handle) => trail.push((name, handle)),
            Step::Leaf => leaf = Some(name),
            Step::Link(target) if pending.is_empty() && !follow_last => {
                let real = real_path(&trail, Some(&name));
                return Ok(Place {
                    parent: here,
                    name: Some(name),
                    real,
                    link: Some(target),
                });
            }
            Step::Link(target) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                check(&target)?;
                let source = if target.starts_with('/') {
                    trail.clear();
                    Source::AbsoluteLink
                } else {
                    Source::RelativeLink
                };
                pending.extend(names(&target, source));
                if pending.len() > MAX_PATH {
                    return Err(Errno::NAMETOOLONG.into());
                }
            }
        }
    }
    let real = real_path(&trail, leaf.as_deref());
    let parent = trail
        .pop()
        .map_or_else(|| tree.root(), |(_, handle)| handle);
    Ok(Place {
        parent,
        name: leaf,
        real,
        link: None,
    })
}

fn refusal(error: io::Error, source: Source) -> io::Error {
    let missing = error.raw_os_error() == Some(Errno::NOENT.raw_os_error());
    if missing && source == Source::AbsoluteLink {
        Errno::ACCESS.into()
    } else {
        error
    }
}

/// The names of a path, last first; a slash at the end asks for a directory, which is what `.` asks for too.
fn names(path: &str, source: Source) -> Vec<(String, Source)> {
    let slash = path.ends_with('/').then_some(".");
    let mut names: Vec<_> = path
        .split('/')
        .filter(|name| !name.is_empty())
        .chain(slash)
        .map(|name| (name.to_owned(), source))
        .collect();
    names.reverse();
    names
}

fn check(path: &str) -> io::Result<()> {
    if path.contains('\0') {
        return Err(Errno::INVAL.into());
    }
    if path.len() >= MAX_PATH {
        return Err(Errno::NAMETOOLONG.into());
    }
    if path.is_empty() {
        return Err(Errno::NOENT.into());
    }
    Ok(())
}

fn real_path<D>(trail: &[(String, D)], leaf: Option<&str>) -> String {
    let mut path = String::new();
    for name in trail.iter().map(|(name, _)| name.as_str()).chain(leaf) {
        path.push('/');
        path.push_str(name);
    }
    if path.is_empty() {
        "/".to_owned()
    } else {
        path
    }
}
