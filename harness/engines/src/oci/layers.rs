//! Layers as directories, in the form in which overlayfs takes them: unpacked once each, under the user's cache.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use adamant_core::env;
use fs_err as fs;
use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
    chownat, fchmod, fchown, fsetxattr, futimens, linkat, makedev, mkdirat, mknodat, open, openat,
    openat2, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use tar::EntryType;

use crate::image::digest::Hashing;
use crate::image::layer;

const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// What overlayfs reads as: nothing of the layers below shows in this directory.
const OPAQUE: &str = "trusted.overlay.opaque";

/// Where a layer is, or would be, unpacked.
pub(super) fn place(diff_id: &str) -> PathBuf {
    home().join(diff_id.trim_start_matches("sha256:"))
}

fn home() -> PathBuf {
    env::cache_dir().join("oci/layers")
}

/// Unpacks those layers of what `docker load` takes that are wanted and not there yet.
pub(super) fn unpack(archive: impl Read, wanted: &[String]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(home())?;
    // Layers hold other people's setuid and device files.
    fs::set_permissions(home(), std::fs::Permissions::from_mode(0o700))?;
    let plain = |reader| layer::plain("the image archive", reader).map_err(io::Error::other);
    let mut archive = tar::Archive::new(plain(Box::new(archive))?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut head = Vec::with_capacity(512);
        entry.by_ref().take(512).read_to_end(&mut head)?;
        let named = entry.path_bytes().ends_with(b"/layer.tar");
        if named || crate::image::archive::looks_like_layer(&head) {
            one(io::Cursor::new(head).chain(entry), wanted)?;
        }
    }
    match wanted.iter().find(|diff_id| !place(diff_id).is_dir()) {
        Some(missing) => Err(io::Error::other(format!(
            "the layer `{missing}` is not in it"
        ))),
        None => Ok(()),
    }
}

fn one(packed: impl Read, wanted: &[String]) -> io::Result<()> {
    let draft = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(home())?;
    let root = draft.path().join("fs");
    fs::create_dir(&root)?;
    let mut plain = Hashing::new(layer::plain("a layer", packed).map_err(io::Error::other)?);
    Tree::open(&root)?.fill(&mut plain)?;
    let (sha256, _) = plain.finish()?;
    let diff_id = format!("sha256:{sha256}");
    let place = place(&diff_id);
    if !wanted.contains(&diff_id) || place.is_dir() {
        return Ok(());
    }
    match fs::rename(root, &place) {
        // Another run was faster.
        Err(_) if place.is_dir() => Ok(()),
        other => other,
    }
}

/// A layer on its way to a directory: every path below it, no link followed.
struct Tree(OwnedFd);

impl Tree {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(open(path, DIR, Mode::empty())?))
    }

    fn fill(&self, reader: &mut impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = layer::absolute(&entry.path_bytes()).map_err(io::Error::other)?;
            let told =
                |error: io::Error| io::Error::new(error.kind(), format!("`{path}`: {error}"));
            self.take(&path, &mut entry).map_err(told)?;
        }
        Ok(())
    }

    fn take<R: Read>(&self, path: &str, entry: &mut tar::Entry<'_, R>) -> io::Result<()> {
        if path == "/" {
            return owned(entry)?.apply(&self.0);
        }
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = self.parent(above)?;
        if name == ".wh..wh..opq" {
            return hide_below(&parent);
        }
        if name.starts_with(".wh..wh.") {
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(".wh.") {
            return hide(&parent, hidden);
        }
        self.make(&parent, name, entry)
    }

    fn make<R: Read>(
        &self,
        parent: &OwnedFd,
        name: &str,
        entry: &mut tar::Entry<'_, R>,
    ) -> io::Result<()> {
        let about = owned(entry)?;
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory {
            let hid = clear(parent, name, true)?;
            match mkdirat(parent, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            let dir = openat(parent, name, DIR, Mode::empty())?;
            if hid {
                hide_below(&dir)?;
            }
            return about.apply(&dir);
        }
        let device = || -> io::Result<u64> {
            let number = |n: io::Result<Option<u32>>| Ok::<_, io::Error>(n?.unwrap_or(0));
            let header = entry.header();
            Ok(makedev(
                number(header.device_major())?,
                number(header.device_minor())?,
            ))
        };
        let special = match kind {
            EntryType::Char => Some((FileType::CharacterDevice, device()?)),
            EntryType::Block => Some((FileType::BlockDevice, device()?)),
            EntryType::Fifo => Some((FileType::Fifo, 0)),
            _ => None,
        };
        if let Some((kind, device)) = special {
            clear(parent, name, false)?;
            mknodat(parent, name, kind, about.mode, device)?;
            return about.apply_to_name(parent, name, true);
        }
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                clear(parent, name, false)?;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let mut file = std::fs::File::from(openat(parent, name, flags, Mode::RUSR)?);
                io::copy(entry, &mut file)?;
                about.apply(&file)
            }
            EntryType::Symlink => {
                clear(parent, name, false)?;
                let target = entry.link_name_bytes().unwrap_or_default();
                symlinkat(OsStr::from_bytes(&target), parent, name)?;
                about.apply_to_name(parent, name, false)
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = layer::absolute(&target).map_err(io::Error::other)?;
                let (above, of) = target.rsplit_once('/').unwrap_or(("", &target));
                clear(parent, name, false)?;
                Ok(linkat(
                    self.parent(above)?,
                    of,
                    parent,
                    name,
                    AtFlags::empty(),
                )?)
            }
            // Headers without a file of their own.
            _ => Ok(()),
        }
    }

    /// The directory at `path`; a layer need not mention it.
    fn parent(&self, path: &str) -> io::Result<OwnedFd> {
        let mut at = openat(&self.0, ".", DIR, Mode::empty())?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            at = match openat2(&at, name, DIR, Mode::empty(), how) {
                Ok(dir) => dir,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                    clear(&at, name, false)?;
                    mkdirat(&at, name, Mode::from_raw_mode(0o755))?;
                    openat(&at, name, DIR, Mode::empty())?
                }
                Err(errno) => return Err(errno.into()),
            };
        }
        Ok(at)
    }
}

/// Hides a name of the layers below.
fn hide(parent: &OwnedFd, name: &str) -> io::Result<()> {
    match mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0) {
        Ok(()) => Ok(()),
        // The layer has something there itself: of a directory below, nothing shows through.
        Err(Errno::EXIST) => match openat(parent, name, DIR, Mode::empty()) {
            Ok(dir) => hide_below(&dir),
            Err(_) => Ok(()),
        },
        Err(errno) => Err(errno.into()),
    }
}

fn hide_below(dir: impl AsFd) -> io::Result<()> {
    Ok(fsetxattr(dir, OPAQUE, b"y", XattrFlags::empty())?)
}

/// Makes room for something of another kind; answers whether what was there hid a name of the layers below.
fn clear(parent: &OwnedFd, name: &str, keep_dir: bool) -> io::Result<bool> {
    let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    };
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::Directory {
        unlinkat(parent, name, AtFlags::empty())?;
        return Ok(kind == FileType::CharacterDevice && stat.st_rdev == 0);
    }
    if !keep_dir {
        empty(&openat(parent, name, DIR, Mode::empty())?)?;
        unlinkat(parent, name, AtFlags::REMOVEDIR)?;
    }
    Ok(false)
}

fn empty(dir: &OwnedFd) -> io::Result<()> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            clear(dir, &name, false)?;
        }
    }
    Ok(())
}

/// What an archive says of a file beside its content.
struct Owned {
    mode: Mode,
    uid: Uid,
    gid: Gid,
    mtime: i64,
    attributes: Vec<(String, Vec<u8>)>,
}

fn owned<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Owned> {
    let mut attributes = Vec::new();
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions {
            let extension = extension?;
            let name = extension
                .key()
                .ok()
                .and_then(|k| k.strip_prefix("SCHILY.xattr."));
            // What overlayfs notes for itself is not an image's to say.
            if let Some(name) = name.filter(|name| !name.starts_with("trusted.overlay.")) {
                attributes.push((name.to_owned(), extension.value_bytes().to_vec()));
            }
        }
    }
    let header = entry.header();
    let number = |n: u64| u32::try_from(n).map_err(io::Error::other);
    Ok(Owned {
        mode: Mode::from_raw_mode(header.mode()? & 0o7777),
        uid: Uid::from_raw(number(header.uid()?)?),
        gid: Gid::from_raw(number(header.gid()?)?),
        mtime: i64::try_from(header.mtime()?).unwrap_or(0),
        attributes,
    })
}

impl Owned {
    /// Owner first: changing it takes setuid bits and capabilities away.
    fn apply(&self, file: impl AsFd) -> io::Result<()> {
        fchown(&file, Some(self.uid), Some(self.gid))?;
        fchmod(&file, self.mode)?;
        for (name, value) in &self.attributes {
            fsetxattr(&file, name.as_str(), value, XattrFlags::empty())?;
        }
        let time = Timespec {
            tv_sec: self.mtime,
            tv_nsec: 0,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        Ok(futimens(&file, &times)?)
    }

    fn apply_to_name(&self, parent: &OwnedFd, name: &str, with_mode: bool) -> io::Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        chownat(parent, name, Some(self.uid), Some(self.gid), flags)?;
        if with_mode {
            rustix::fs::chmodat(parent, name, self.mode, AtFlags::empty())?;
        }
        Ok(())
    }
}

/// A layer above all others that hides `paths`; the directories on the way are as in the image.
pub(super) fn hiding(
    dir: &Path,
    image: &adamant_core::engine::Image,
    paths: &[String],
) -> io::Result<()> {
    let layer = crate::image::absent::layer(image, paths);
    fs::create_dir(dir)?;
    Tree::open(dir)?.fill(&mut layer.as_slice())
}
