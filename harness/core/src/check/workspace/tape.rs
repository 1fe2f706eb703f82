//! Tars of workspaces: made for a daemon to restore, good ones and hostile ones, and read back from what it gives.

use std::collections::BTreeMap;
use std::io::Read as _;

use tar::{Archive, EntryType, Header};

/// One entry of an archive that we make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its name as it stands in the archive.
    pub(super) name: String,
    /// What it is.
    pub(super) what: What,
    /// Its mode.
    pub(super) mode: u32,
    /// Its modification time, in seconds.
    pub(super) mtime: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Dir,
    File(&'static str),
    Symlink(&'static str),
    HardLink(&'static str),
    /// The null device.
    Device,
    Fifo,
    /// A file whose owner is somebody else.
    Foreign(&'static str),
}

/// A moment that no daemon has of itself.
const SEPTEMBER_2020: u64 = 1_600_000_000;

pub(super) fn node(name: &str, what: What, mode: u32) -> Node {
    Node {
        name: name.to_owned(),
        what,
        mode,
        mtime: SEPTEMBER_2020,
    }
}

/// A workspace as they are: a repository, installed packages, modes, links, an empty directory. Every entry has a time of its own.
pub(super) fn sample() -> Vec<Node> {
    use What::{Dir, File, Symlink};
    let mut nodes = vec![
        node("./", Dir, 0o755),
        node("./.git/", Dir, 0o755),
        node("./.git/HEAD", File("ref: refs/heads/main\n"), 0o644),
        node("./.git/objects/", Dir, 0o755),
        node("./.git/objects/blob", File("x\u{1}\u{0}\u{7f}"), 0o444),
        node(
            "./package.json",
            File("{\"name\":\"kept\",\"dependencies\":{\"greet\":\"1.0.0\"}}\n"),
            0o644,
        ),
        node(
            "./server.js",
            File(
                "require('http').createServer((q, a) => a.end(require('greet'))).listen(process.env.PORT)\n",
            ),
            0o644,
        ),
        node("./node_modules/", Dir, 0o755),
        node("./node_modules/.bin/", Dir, 0o755),
        node(
            "./node_modules/.bin/greet",
            Symlink("../greet/index.js"),
            0o777,
        ),
        node("./node_modules/greet/", Dir, 0o755),
        node(
            "./node_modules/greet/index.js",
            File("module.exports = 'greetings'\n"),
            0o755,
        ),
        node("./private", File("for its owner alone\n"), 0o600),
        node("./empty/", Dir, 0o700),
        node("./src/", Dir, 0o755),
        // Only the directory at the top is left out of a snapshot.
        node("./src/tmp/", Dir, 0o755),
        node("./src/tmp/kept", File("kept\n"), 0o640),
    ];
    for (day, node) in (0u64..).zip(nodes.iter_mut()) {
        node.mtime += day * 86_400;
    }
    nodes
}

/// Another workspace, which shares no file with [`sample`].
pub(super) fn other() -> Vec<Node> {
    use What::{Dir, File};
    vec![
        node("./", Dir, 0o755),
        node("./first", File("first\n"), 0o644),
        node("./second", File("second\n"), 0o644),
        node("./third/", Dir, 0o755),
        node("./third/last", File("last\n"), 0o644),
    ]
}

/// The archive of `nodes`, with its end; all is `owner`'s.
pub(super) fn tar(nodes: &[Node], owner: (u32, u32)) -> Vec<u8> {
    let mut bytes = entries(nodes, owner);
    bytes.extend([0; 1024]);
    bytes
}

/// The same without its end: every entry is whole, and nothing says that there are no more.
pub(super) fn entries(nodes: &[Node], (uid, gid): (u32, u32)) -> Vec<u8> {
    let mut bytes = Vec::new();
    for node in nodes {
        let mut header = Header::new_ustar();
        let (kind, content, target) = match node.what {
            What::Dir => (EntryType::Directory, "", ""),
            What::File(content) | What::Foreign(content) => (EntryType::Regular, content, ""),
            What::Symlink(target) => (EntryType::Symlink, "", target),
            What::HardLink(target) => (EntryType::Link, "", target),
            What::Device => (EntryType::Char, "", ""),
            What::Fifo => (EntryType::Fifo, "", ""),
        };
        // Not by the crate's setters: they refuse what a hostile archive has.
        let old = header.as_old_mut();
        old.name[..node.name.len()].copy_from_slice(node.name.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(node.mode);
        header.set_mtime(node.mtime);
        let foreign = matches!(node.what, What::Foreign(_));
        header.set_uid(u64::from(uid) + if foreign { 7919 } else { 0 });
        header.set_gid(u64::from(gid) + if foreign { 7919 } else { 0 });
        header.set_size(content.len() as u64);
        if kind == EntryType::Char
            && let Some(ustar) = header.as_ustar_mut()
        {
            ustar.set_device_major(1);
            ustar.set_device_minor(3);
        }
        header.set_cksum();
        bytes.extend(header.as_bytes());
        bytes.extend(content.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes
}

/// What an archive says of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// `file`, `directory`, `symbolic link` or another kind.
    pub(super) kind: &'static str,
    pub(super) mode: u32,
    pub(super) mtime: u64,
    /// The content of a file, the target of a link.
    pub(super) content: Vec<u8>,
}

/// An archive by plain paths, the root as an empty one; the error is why it is none.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Held>, String> {
    let wrong = |error: std::io::Error| format!("it is no whole tar: {error}");
    if bytes.len() < 1024 || bytes[bytes.len() - 1024..].iter().any(|byte| *byte != 0) {
        return Err("it has no end: a tar closes with two blocks of zeros".into());
    }
    let mut held = BTreeMap::new();
    for entry in Archive::new(bytes).entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let header = entry.header();
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous => "file",
            EntryType::Directory => "directory",
            EntryType::Symlink => "symbolic link",
            EntryType::Link => "hard link",
            EntryType::XGlobalHeader => continue,
            _ => "special file",
        };
        let (mode, mtime) = (
            header.mode().map_err(wrong)? & 0o7777,
            header.mtime().map_err(wrong)?,
        );
        let mut content = Vec::new();
        match entry.link_name_bytes() {
            Some(target) => content.extend_from_slice(&target),
            None => {
                entry.read_to_end(&mut content).map_err(wrong)?;
            }
        }
        let before = held.insert(
            plain(&name),
            Held {
                kind,
                mode,
                mtime,
                content,
            },
        );
        if before.is_some() {
            return Err(format!("`{name}` stands in it twice"));
        }
    }
    Ok(held)
}

/// A name without what only dresses it: `./a/` is `a`.
pub(super) fn plain(name: &str) -> String {
    let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// How `held` differs from `nodes`, a line each; the root is the daemon's own affair.
pub(super) fn differences(nodes: &[Node], held: &BTreeMap<String, Held>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut wanted = BTreeMap::new();
    for node in nodes.iter().filter(|node| !plain(&node.name).is_empty()) {
        let path = plain(&node.name);
        let Some(have) = held.get(&path) else {
            lines.push(format!("`{path}` is missing"));
            wanted.insert(path, ());
            continue;
        };
        let (kind, content): (_, &str) = match node.what {
            What::Dir => ("directory", ""),
            What::File(content) | What::Foreign(content) => ("file", content),
            What::Symlink(target) => ("symbolic link", target),
            What::HardLink(target) => ("hard link", target),
            What::Device | What::Fifo => ("special file", ""),
        };
        if have.kind != kind {
            lines.push(format!("`{path}` is a {}, was a {kind}", have.kind));
        } else if have.content != content.as_bytes() {
            lines.push(format!("`{path}` has another content"));
        }
        // Links have neither mode nor time of their own where it matters.
        if kind != "symbolic link" && have.kind == kind {
            if have.mode != node.mode {
                lines.push(format!(
                    "`{path}` has mode {:04o}, had {:04o}",
                    have.mode, node.mode
                ));
            }
            if have.mtime != node.mtime {
                lines.push(format!(
                    "`{path}` has modification time {}, had {}",
                    have.mtime, node.mtime
                ));
            }
        }
        wanted.insert(path, ());
    }
    let added = held
        .keys()
        .filter(|path| !path.is_empty() && !wanted.contains_key(*path));
    lines.extend(added.map(|path| format!("`{path}` was not there")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_reads_the_same() {
        let held = read(&tar(&sample(), (1000, 1000))).expect("whole");
        assert_eq!(differences(&sample(), &held), Vec::<String>::new());
        assert_eq!(held["private"].mode, 0o600);
        assert_eq!(
            held["node_modules/.bin/greet"].content,
            b"../greet/index.js"
        );
    }

    #[test]
    fn what_is_not_whole_is_no_tar() {
        let whole = tar(&sample(), (0, 0));
        for cut in [0, 512, 700, whole.len() - 1024] {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn every_difference_is_a_line() {
        let mut nodes = sample();
        nodes.retain(|node| node.name != "./empty/");
        nodes[2].mode = 0o600;
        nodes[4].what = What::File("y");
        nodes[5].mtime = 1;
        let held = read(&tar(&nodes, (0, 0))).expect("whole");
        let lines = differences(&sample(), &held).join("\n");
        for part in [
            "`empty` is missing",
            "`.git/HEAD` has mode 0600, had 0644",
            "`.git/objects/blob` has another content",
            "`package.json` has modification time 1, had",
        ] {
            assert!(lines.contains(part), "{part} in {lines}");
        }
        let more = differences(&other(), &read(&tar(&sample(), (0, 0))).expect("whole"));
        assert!(more.contains(&"`private` was not there".to_owned()));
    }
}
