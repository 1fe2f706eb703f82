//! Paths of a container's root, followed as the container would follow them: no link leads out.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, open, openat2};
use rustix::io::Errno;

use crate::trouble::{Trouble, while_doing};

const DIR: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Opens the root itself.
pub(crate) fn root(path: &Path) -> Result<OwnedFd, Trouble> {
    open(path, DIR, Mode::empty()).map_err(while_doing(format!("open `{}`", path.display())))
}

/// Opens a directory below `root`; `None` when there is none.
pub(crate) fn dir(root: impl AsFd, path: &str) -> Result<Option<OwnedFd>, Trouble> {
    match openat2(root, path, DIR, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(dir) => Ok(Some(dir)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(Trouble::new(format!("open `{path}` of the image"), errno)),
    }
}

/// Opens whatever is at a path below `root`, links followed, only to point at it; `None` when nothing is there.
pub(crate) fn found(root: impl AsFd, path: &str) -> Result<Option<OwnedFd>, Trouble> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(Trouble::new(
            format!("look at `{path}` in the container"),
            errno,
        )),
    }
}

/// What to mount at below `root`, and whether it had to be made: a directory, or an empty file.
pub(crate) fn target(
    root: impl AsFd,
    path: &str,
    is_dir: bool,
) -> Result<(OwnedFd, bool), Trouble> {
    if let Some(found) = found(&root, path)? {
        return Ok((found, false));
    }
    if is_dir {
        make_dirs(&root, path)?;
    } else {
        let (above, _) = path.rsplit_once('/').unwrap_or(("", path));
        make_dirs(&root, above)?;
        // Where the path is a link to nothing, that is what is made.
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        openat2(
            &root,
            path,
            flags,
            Mode::from_raw_mode(0o644),
            ResolveFlags::IN_ROOT,
        )
        .map_err(while_doing(format!("make `{path}` in the container")))?;
    }
    let made = found(&root, path)?;
    let made = made.ok_or_else(|| Trouble::new(format!("make `{path}`"), "it is not there"))?;
    Ok((made, true))
}

/// Makes a directory below `root` with its parents.
pub(crate) fn make_dirs(root: impl AsFd, path: &str) -> Result<(), Trouble> {
    let mut above = String::from("/");
    let mut parent = open_dir(&root, &above)?;
    for name in path
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
    {
        above = format!("{}/{name}", above.trim_end_matches('/'));
        parent = match open_dir(&root, &above) {
            Ok(dir) => dir,
            Err(_) => {
                let doing = || while_doing(format!("make `{above}` in the container"));
                match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(doing()(errno)),
                }
                open_dir(&root, &above)?
            }
        };
    }
    Ok(())
}

/// Removes what is at a path below `root`, a link itself and not what it leads to.
pub(crate) fn remove(root: impl AsFd, path: &str) -> Result<(), Trouble> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = open_dir(root, &format!("{above}/"))?;
    // The parent is held open: its name cannot lead elsewhere any more.
    let at = format!("/proc/self/fd/{}/{name}", parent.as_raw_fd());
    let removed = match std::fs::symlink_metadata(&at) {
        Ok(about) if about.is_dir() => std::fs::remove_dir_all(&at),
        Ok(_) => std::fs::remove_file(&at),
        Err(error) => Err(error),
    };
    removed.map_err(while_doing(format!(
        "take `{path}` away from the container"
    )))
}

fn open_dir(root: impl AsFd, path: &str) -> Result<OwnedFd, Trouble> {
    openat2(root, path, DIR, Mode::empty(), ResolveFlags::IN_ROOT)
        .map_err(while_doing(format!("open `{path}` in the container")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_inside() {
        let base = std::env::temp_dir().join(format!("adamant-place-{}", std::process::id()));
        std::fs::create_dir_all(base.join("real")).expect("made");
        symlink("/real", base.join("link")).expect("linked");
        symlink("../../../..", base.join("up")).expect("linked");
        let fd = root(&base).expect("opens");
        make_dirs(&fd, "/link/a/b").expect("made");
        make_dirs(&fd, "/up/c").expect("made");
        assert!(base.join("real/a/b").is_dir() && base.join("c").is_dir());
        assert!(dir(&fd, "/none").expect("looks").is_none());
        remove(&fd, "/link/a").expect("removed");
        remove(&fd, "/up").expect("removed");
        assert!(
            base.join("c").is_dir() && !base.join("real/a").exists() && !base.join("up").exists()
        );
        std::fs::remove_dir_all(base).expect("removed");
    }
}
