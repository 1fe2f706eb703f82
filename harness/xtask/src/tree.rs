//! The files of one layer, sorted and without anything of the host, and the tar they become.

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// Paths relative to the root of the image, without a leading slash.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Directory,
    File(Vec<u8>),
    Symlink(String),
    /// Another path of the same layer.
    HardLink(String),
}

impl Node {
    pub(crate) fn directory(mode: u32, owner: u64) -> Self {
        Self {
            kind: Kind::Directory,
            mode,
            uid: owner,
            gid: owner,
        }
    }

    pub(crate) fn file(bytes: Vec<u8>, executable: bool) -> Self {
        let mode = if executable { 0o755 } else { 0o644 };
        Self {
            kind: Kind::File(bytes),
            mode,
            uid: 0,
            gid: 0,
        }
    }

    pub(crate) fn symlink(target: impl Into<String>) -> Self {
        Self {
            kind: Kind::Symlink(target.into()),
            mode: 0o777,
            uid: 0,
            gid: 0,
        }
    }
}

impl Tree {
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(relative(path))
    }

    /// What stands here now; what stood here before is replaced.
    pub(crate) fn put(&mut self, path: &str, node: Node) {
        self.nodes.insert(relative(path).to_owned(), node);
    }

    /// A whiteout: the path of a lower layer is gone.
    pub(crate) fn hide(&mut self, path: &str) {
        let (parent, name) = split(relative(path));
        self.put(
            &format!("{parent}/.wh.{name}"),
            Node::file(Vec::new(), false),
        );
    }

    /// Lay a folder of the repository over this; of the modes only the executable bit is ours.
    pub(crate) fn overlay(&mut self, dir: &Path, at: &str) -> Result<(), Failure> {
        for entry in fs_err::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                Failure::input(format!("`{}` is not UTF-8", Path::new(&name).display()))
            })?;
            let (path, target) = (entry.path(), format!("{at}/{name}"));
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.overlay(&path, &target)?;
            } else if kind.is_symlink() {
                let link = fs_err::read_link(&path)?;
                self.put(&target, Node::symlink(link.to_string_lossy()));
            } else {
                let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
                self.put(&target, Node::file(fs_err::read(&path)?, executable));
            }
        }
        Ok(())
    }

    /// Every parent has an entry: as `lower` has it, or root's and 0755.
    pub(crate) fn complete_parents(&mut self, lower: &Self) {
        let mut missing = Vec::new();
        for path in self.nodes.keys() {
            let mut parent = split(path).0;
            while !parent.is_empty() && !self.nodes.contains_key(parent) {
                missing.push(parent.to_owned());
                parent = split(parent).0;
            }
        }
        for path in missing {
            let node = lower.get(&path).cloned();
            self.put(&path, node.unwrap_or_else(|| Node::directory(0o755, 0)));
        }
    }

    /// The layer, uncompressed. Hard links come last: their targets must be there.
    pub(crate) fn to_tar(&self) -> io::Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        let (links, others): (Vec<_>, Vec<_>) = self
            .nodes
            .iter()
            .partition(|(_, node)| matches!(node.kind, Kind::HardLink(_)));
        for (path, node) in others.into_iter().chain(links) {
            append(&mut builder, path, node)?;
        }
        builder.into_inner()
    }

    /// What a tar holds. Devices, sockets and the like are not part of an image's claim.
    pub(crate) fn from_tar(bytes: &[u8]) -> io::Result<Self> {
        let mut tree = Self::default();
        for entry in tar::Archive::new(bytes).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            let header = entry.header();
            let (mode, uid, gid) = (header.mode()? & 0o7777, header.uid()?, header.gid()?);
            let link = entry
                .link_name()?
                .map(|link| link.to_string_lossy().into_owned());
            let kind = match (entry.header().entry_type(), link) {
                (EntryType::Directory, _) => Kind::Directory,
                (EntryType::Symlink, Some(link)) => Kind::Symlink(link),
                (EntryType::Link, Some(link)) => Kind::HardLink(relative(&link).to_owned()),
                (EntryType::Regular, _) => {
                    let mut bytes = Vec::new();
                    io::Read::read_to_end(&mut entry, &mut bytes)?;
                    Kind::File(bytes)
                }
                _ => continue,
            };
            tree.put(
                &path,
                Node {
                    kind,
                    mode,
                    uid,
                    gid,
                },
            );
        }
        tree.nodes.remove("");
        Ok(tree)
    }

    /// Keep only what `wanted` says of a path.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.nodes.retain(|path, _| wanted(path));
    }

    /// Lay another layer over this one, whiteouts applied.
    pub(crate) fn apply(&mut self, upper: Self) {
        for (path, node) in upper.nodes {
            let (parent, name) = split(&path);
            let Some(name) = name.strip_prefix(".wh.") else {
                self.nodes.insert(path, node);
                continue;
            };
            let gone = relative(&format!("{parent}/{name}")).to_owned();
            let under = format!("{gone}/");
            self.retain(|path| path != gone && !path.starts_with(&under));
        }
    }
}

fn append(builder: &mut Builder<Vec<u8>>, path: &str, node: &Node) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(node.uid);
    header.set_gid(node.gid);
    header.set_mtime(0);
    header.set_size(0);
    match &node.kind {
        Kind::Directory => {
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Kind::File(bytes) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())
        }
        Kind::Symlink(target) => {
            header.set_entry_type(EntryType::Symlink);
            builder.append_link(&mut header, path, target)
        }
        Kind::HardLink(target) => {
            header.set_entry_type(EntryType::Link);
            builder.append_link(&mut header, path, target)
        }
    }
}

fn relative(path: &str) -> &str {
    path.trim_start_matches("./").trim_matches('/')
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let mut tree = Tree::default();
        tree.put("/opt/a/index.js", Node::file(b"1".to_vec(), false));
        tree.put("/opt/a/run", Node::file(b"2".to_vec(), true));
        tree.put("/bin/run", Node::symlink("/opt/a/run"));
        tree.complete_parents(&Tree::default());
        tree
    }

    #[test]
    fn a_layer_survives_its_tar() {
        let tree = sample();
        let again = Tree::from_tar(&tree.to_tar().unwrap()).unwrap();
        assert_eq!(again.nodes, tree.nodes);
        assert_eq!(again.get("/opt/a").unwrap().kind, Kind::Directory);
    }

    #[test]
    fn what_a_whiteout_names_is_gone_with_all_under_it() {
        let mut tree = sample();
        let mut upper = Tree::default();
        upper.hide("/opt/a");
        tree.apply(upper);
        assert_eq!(
            tree.nodes.keys().collect::<Vec<_>>(),
            ["bin", "bin/run", "opt"]
        );
    }

    #[test]
    fn parents_keep_what_the_layer_below_says() {
        let mut lower = Tree::default();
        lower.put("/workspace", Node::directory(0o700, 1000));
        let mut upper = Tree::default();
        upper.put("/workspace/new", Node::file(Vec::new(), false));
        upper.complete_parents(&lower);
        assert_eq!(upper.get("workspace"), lower.get("workspace"));
    }
}
