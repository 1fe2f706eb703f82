//! Trees as text, and tars made by hand, hostile ones too.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use adamant_store::archive::{Accept, Limits};
use adamant_store::daemon::Workspace;
use tempfile::TempDir;

/// A workspace in a directory of its own.
pub(crate) fn workspace(name: &str) -> (TempDir, Workspace) {
    let ground = tempfile::tempdir().expect("a directory");
    let path = ground.path().join(name);
    fs::create_dir(&path).expect("a workspace");
    let workspace = Workspace::open(&path, Limits::default(), Accept::default());
    (ground, workspace.expect("it can be served"))
}

/// Everything of a tree that must survive, a line each, in order.
pub(crate) fn picture(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    describe(root, root, &mut lines);
    lines.sort();
    lines
}

fn describe(root: &Path, at: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(at).expect("a directory") {
        let path = entry.expect("an entry").path();
        let meta = path.symlink_metadata().expect("its metadata");
        let what = if meta.is_symlink() {
            format!("-> {:?}", fs::read_link(&path).expect("a link"))
        } else if meta.is_file() {
            let content = fs::read(&path).expect("its content");
            format!("{} bytes, {:x}", content.len(), sum(&content))
        } else {
            "directory".to_owned()
        };
        let below = path.strip_prefix(root).expect("below the root");
        lines.push(format!(
            "{below:?} {:o} {}:{} {}.{:09} {what}",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.mtime(),
            meta.mtime_nsec()
        ));
        if meta.is_dir() {
            describe(root, &path, lines);
        }
    }
}

/// FNV: to tell contents apart, not to defend.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A tar by hand.
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    fn entry(
        mut self,
        name: &str,
        kind: u8,
        target: &str,
        owner: (u32, u32),
        size: u64,
        content: &[u8],
    ) -> Self {
        let mut header = [0_u8; 512];
        let name = if name.len() > 100 {
            return self
                .long(name)
                .entry("long", kind, target, owner, size, content);
        } else {
            name
        };
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[108..115].copy_from_slice(format!("{:07o}", owner.0).as_bytes());
        header[116..123].copy_from_slice(format!("{:07o}", owner.1).as_bytes());
        if size < 1 << 33 {
            header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        } else {
            header[124] = 0x80;
            header[128..136].copy_from_slice(&size.to_be_bytes());
        }
        header[136..147].copy_from_slice(b"14000000000");
        header[156] = kind;
        header[157..157 + target.len().min(100)]
            .copy_from_slice(&target.as_bytes()[..target.len().min(100)]);
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn plain(self, name: &str, kind: u8, target: &str, content: &[u8]) -> Self {
        let ours = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        self.entry(name, kind, target, ours, content.len() as u64, content)
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.plain(name, b'0', "", content)
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        self.plain(name, b'5', "", b"")
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        let long = target.len() > 100;
        let this = if long {
            self.plain("././@LongLink", b'K', "", target.as_bytes())
        } else {
            self
        };
        this.plain(name, b'2', target, b"")
    }

    pub(crate) fn hard(self, name: &str, target: &str) -> Self {
        self.plain(name, b'1', target, b"")
    }

    pub(crate) fn kind(self, name: &str, kind: u8) -> Self {
        self.plain(name, kind, "", b"")
    }

    pub(crate) fn with_content(self, name: &str, kind: u8, content: &[u8]) -> Self {
        self.plain(name, kind, "target", content)
    }

    /// A file that announces more than it brings.
    pub(crate) fn sized(self, name: &str, size: u64) -> Self {
        let ours = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        self.entry(name, b'0', "", ours, size, b"little")
    }

    pub(crate) fn owned(self, name: &str, user: u32, group: u32) -> Self {
        self.entry(name, b'0', "", (user, group), 0, b"")
    }

    pub(crate) fn long(self, name: &str) -> Self {
        self.plain("././@LongLink", b'L', "", name.as_bytes())
    }

    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        self.plain("pax", b'x', "", &pax(records))
    }

    pub(crate) fn global(self, records: &[(&str, &str)]) -> Self {
        self.plain("pax", b'g', "", &pax(records))
    }

    pub(crate) fn cut(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest..)
            .find(|n| rest + n.to_string().len() == *n)
            .expect("some length");
        bytes.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
    }
    bytes
}
