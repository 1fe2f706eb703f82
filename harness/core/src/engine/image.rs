//! An image as every check sees it: configuration and one index of its files, read once, no container started.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use adamant_probe::{Entry, Kind};
use serde::{Deserialize, Serialize};

use super::Contents;

/// Where an image comes from, by the names of containers-transports(5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageSource {
    /// A text without a prefix: a reference that the daemon knows, or else our store of pulled images.
    Bare(String),
    /// `docker-daemon:REF`: a reference that the daemon knows.
    Daemon(String),
    /// `docker://REF`: an image of a registry, pulled into our store.
    Registry(String),
    /// `oci:DIR[:TAG]`: an OCI image layout.
    Layout {
        /// The layout's directory.
        dir: PathBuf,
        /// `org.opencontainers.image.ref.name`, when the layout holds several.
        tag: Option<String>,
    },
    /// `docker-archive:FILE`: what `docker save` writes.
    Archive(PathBuf),
    /// `rootfs:DIR` (or `dir:DIR`): a directory that is the root file system, without a configuration.
    Rootfs(PathBuf),
}

impl ImageSource {
    /// Reads the text of a subject file; relative paths start at `base`. The error names the prefixes.
    pub fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let is_transport = |c: char| c.is_ascii_lowercase() || c == '-';
        let (prefix, rest) = text.split_once(':').unwrap_or(("", text));
        if rest.is_empty() {
            return Err(format!("`{text}` names no image"));
        }
        Ok(match prefix {
            "oci" => {
                let (dir, tag) = match rest.rsplit_once(':') {
                    Some((dir, tag)) if !tag.contains('/') && !dir.is_empty() => {
                        (dir, Some(tag.to_owned()))
                    }
                    _ => (rest, None),
                };
                Self::Layout {
                    dir: base.join(dir),
                    tag,
                }
            }
            "docker-archive" => Self::Archive(base.join(rest)),
            "rootfs" | "dir" => Self::Rootfs(base.join(rest)),
            "docker-daemon" => Self::Daemon(rest.to_owned()),
            "docker" => match rest.strip_prefix("//") {
                Some(reference) if !reference.is_empty() => Self::Registry(reference.to_owned()),
                _ => {
                    return Err(format!(
                        "`{text}` is no image; a registry's is written `docker://NAME[:TAG]`"
                    ));
                }
            },
            // The other names of containers-transports(5) and what looks like one: a `:` before a `/` that is no port.
            other
                if matches!(
                    other,
                    "oci-archive" | "containers-storage" | "sif" | "ostree"
                ) || (rest.starts_with('/') && other.chars().all(is_transport)) =>
            {
                return Err(format!(
                    "`{other}:` images are not read; use {TRANSPORTS}, or a reference"
                ));
            }
            _ => Self::Bare(text.to_owned()),
        })
    }
}

/// The prefixes, for messages.
const TRANSPORTS: &str =
    "`docker-daemon:REF`, `docker://REF`, `oci:DIR[:TAG]`, `docker-archive:FILE`, `rootfs:DIR`";

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(reference) => f.write_str(reference),
            Self::Daemon(reference) => write!(f, "docker-daemon:{reference}"),
            Self::Registry(reference) => write!(f, "docker://{reference}"),
            Self::Layout { dir, tag: None } => write!(f, "oci:{}", dir.display()),
            Self::Layout {
                dir,
                tag: Some(tag),
            } => write!(f, "oci:{}:{tag}", dir.display()),
            Self::Archive(file) => write!(f, "docker-archive:{}", file.display()),
            Self::Rootfs(dir) => write!(f, "rootfs:{}", dir.display()),
        }
    }
}

/// An image on an engine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Image {
    /// What the engine starts it by: the config digest, `sha256:…`.
    pub id: String,
    /// `os/architecture`.
    pub platform: String,
    /// Its configuration.
    pub config: ImageConfig,
    /// Every path of the flattened image, hashed, without the root itself.
    pub entries: BTreeMap<String, Entry>,
    /// The content of small text files (at most [`Image::TEXT_BYTES`] each), by path.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// Every regular file of every layer, hidden by a later one or not.
    pub layer_files: Vec<LayerFile>,
    /// The whole content of every file, by its SHA-256.
    pub contents: Contents,
}

/// One regular file of one layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerFile {
    /// Layer number from the bottom, 0-based.
    pub layer: usize,
    /// Absolute path.
    pub path: String,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// The parts of an OCI image configuration that contracts speak about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `USER`, empty for root.
    pub user: String,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub cmd: Vec<String>,
    /// `WORKDIR`.
    pub workdir: String,
    /// `VOLUME`s.
    pub volumes: BTreeSet<String>,
    /// `EXPOSE`d ports: `9090/tcp`.
    pub exposed: BTreeSet<String>,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<String>,
    /// `LABEL`s.
    pub labels: BTreeMap<String, String>,
    /// `HEALTHCHECK`'s test, as the image has it: `[CMD, …]` or `[CMD-SHELL, TEXT]`.
    #[serde(default)]
    pub healthcheck: Vec<String>,
}

impl Image {
    /// Text files above this size are indexed without their content.
    pub const TEXT_BYTES: u64 = 256 * 1024;

    /// The value of an environment variable of the configuration.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<&str> {
        self.config
            .env
            .iter()
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// `PATH`, or what a runtime takes when the image sets none.
    #[must_use]
    pub fn path_env(&self) -> &str {
        self.env("PATH")
            .unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    }

    /// Where a path is once links are followed, as far as the image has it: a mount target may be made only at run time.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let path = format!("/{}", parts.join("/"));
        if let Some(found) = self.resolve(&path) {
            return found.path.clone();
        }
        match path.rsplit_once('/') {
            Some((parent, name)) if !parent.is_empty() => {
                format!("{}/{name}", self.place(parent).trim_end_matches('/'))
            }
            _ => path,
        }
    }

    /// Follows symlinks in every component of `path`, as the kernel would inside the image.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<&Entry> {
        let mut done = String::new();
        let mut todo: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            let next = format!("{done}/{part}");
            let entry = self.entries.get(&next)?;
            match (&entry.kind, &entry.target) {
                (Kind::Symlink, Some(target)) => {
                    links += 1;
                    if links > 40 {
                        return None;
                    }
                    if target.starts_with('/') {
                        done.clear();
                    }
                    todo.extend(parts(target).rev().map(str::to_owned));
                }
                _ => done = next,
            }
        }
        self.entries.get(&done)
    }

    /// Every place where `PATH` finds an executable of this name (or the path itself when it has a slash), in order, unresolved.
    #[must_use]
    pub fn find_command(&self, name: &str) -> Vec<String> {
        let runs = |path: &str| {
            self.resolve(path)
                .is_some_and(|e| e.kind == Kind::File && e.mode & 0o111 != 0)
        };
        if name.contains('/') {
            return if runs(name) {
                vec![name.to_owned()]
            } else {
                Vec::new()
            };
        }
        let mut found: Vec<String> = Vec::new();
        for dir in self.path_env().split(':').filter(|d| d.starts_with('/')) {
            let path = format!("{}/{name}", dir.trim_end_matches('/'));
            if runs(&path) && !found.contains(&path) {
                found.push(path);
            }
        }
        found
    }

    /// The numeric ids of `USER` (`app`, `1000`, `app:group`, `1000:1000`), by the image's own passwd and group files.
    #[must_use]
    pub fn user_ids(&self, user: &str) -> Option<(u32, u32)> {
        let (name, group) = user
            .split_once(':')
            .map_or((user, None), |(n, g)| (n, Some(g)));
        let row = |file: &str, name: &str| -> Option<Vec<String>> {
            let text = String::from_utf8_lossy(self.text(file)?).into_owned();
            let mut rows = text
                .lines()
                .map(|l| l.split(':').map(str::to_owned).collect::<Vec<_>>());
            rows.find(|c| {
                c.first().is_some_and(|n| n == name) || c.get(2).is_some_and(|id| id == name)
            })
        };
        let name = if name.is_empty() { "0" } else { name };
        let passwd = row("/etc/passwd", name);
        let id = |columns: &Option<Vec<String>>, at: usize| {
            columns.as_ref().and_then(|c| c.get(at)?.parse().ok())
        };
        let uid = name.parse().ok().or_else(|| id(&passwd, 2))?;
        let gid = match group {
            Some(group) => group
                .parse()
                .ok()
                .or_else(|| id(&row("/etc/group", group), 2))?,
            None => id(&passwd, 3).unwrap_or(0),
        };
        Some((uid, gid))
    }

    /// The whole content of a regular file, symlinks followed; `None` when there is none at the path.
    #[must_use]
    pub fn content(&self, path: &str) -> Option<Result<Vec<u8>, String>> {
        let entry = self.resolve(path)?;
        (entry.kind == Kind::File).then(|| self.part(entry, 0, u64::MAX))
    }

    /// At most `length` bytes from `offset` on of a regular file's entry.
    pub fn part(&self, entry: &Entry, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        let kept = self.texts.get(&entry.path);
        if let Some(text) = kept.filter(|text| text.len() as u64 == entry.size) {
            let start = usize::try_from(offset).map_or(text.len(), |o| o.min(text.len()));
            let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
            return Ok(text[start..end.min(text.len())].to_vec());
        }
        self.contents.read(entry, offset, length)
    }

    /// The text of a file, symlinks followed, when it is small and text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&[u8]> {
        let entry = self.resolve(path)?;
        self.texts.get(&entry.path).map(Vec::as_slice)
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|p| !p.is_empty() && *p != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: Kind, target: Option<&str>) -> Entry {
        Entry {
            target: target.map(Into::into),
            ..Entry::new(path, kind, 0o755)
        }
    }

    fn image() -> Image {
        let mut image = Image::default();
        for e in [
            entry("/bin", Kind::Symlink, Some("usr/bin")),
            entry("/usr", Kind::Dir, None),
            entry("/usr/bin", Kind::Dir, None),
            entry("/usr/bin/real", Kind::File, None),
            entry("/usr/bin/sh", Kind::Symlink, Some("../../bin/real")),
            entry("/loop", Kind::Symlink, Some("/loop")),
        ] {
            image.entries.insert(e.path.clone(), e);
        }
        image
    }

    #[test]
    fn symlinks_are_followed_in_every_component_and_loops_end() {
        let image = image();
        assert_eq!(
            image.resolve("/bin/sh").expect("found").path,
            "/usr/bin/real"
        );
        assert!(image.resolve("/loop/x").is_none());
        assert!(image.resolve("/bin/none").is_none());
        assert_eq!(image.find_command("sh"), ["/usr/bin/sh", "/bin/sh"]);
    }

    #[test]
    fn a_user_is_looked_up_in_the_image() {
        let mut image = image();
        for (path, text) in [
            ("/etc/passwd", "root:x:0:0::/:\napp:x:1000:1001::/:\n"),
            ("/etc/group", "staff:x:50:\n"),
        ] {
            image
                .entries
                .insert("/etc".into(), entry("/etc", Kind::Dir, None));
            image
                .entries
                .insert(path.into(), entry(path, Kind::File, None));
            image.texts.insert(path.into(), text.into());
        }
        for (user, ids) in [
            ("", Some((0, 0))),
            ("app", Some((1000, 1001))),
            ("1000", Some((1000, 1001))),
            ("7", Some((7, 0))),
            ("app:staff", Some((1000, 50))),
            ("7:8", Some((7, 8))),
            ("nobody", None),
        ] {
            assert_eq!(image.user_ids(user), ids, "{user}");
        }
    }

    #[test]
    fn an_image_text_names_its_transport() {
        let base = Path::new("/s");
        assert_eq!(
            ImageSource::parse("oci:image:v1", base).expect("parses"),
            ImageSource::Layout {
                dir: "/s/image".into(),
                tag: Some("v1".into())
            }
        );
        for (text, source) in [
            ("a/b:1", ImageSource::Bare("a/b:1".into())),
            (
                "localhost:5000/a",
                ImageSource::Bare("localhost:5000/a".into()),
            ),
            ("docker-daemon:a:1", ImageSource::Daemon("a:1".into())),
            ("docker://x/y:1", ImageSource::Registry("x/y:1".into())),
            (
                "docker-archive:a.tar",
                ImageSource::Archive("/s/a.tar".into()),
            ),
            ("rootfs:tree", ImageSource::Rootfs("/s/tree".into())),
            ("dir:/tree", ImageSource::Rootfs("/tree".into())),
        ] {
            assert_eq!(
                ImageSource::parse(text, base).as_ref(),
                Ok(&source),
                "{text}"
            );
        }
        for bad in [
            "",
            "oci:",
            "docker:x",
            "docker://",
            "oci-archive:x.tar",
            "sif:x",
            "ocl:/x",
        ] {
            assert!(ImageSource::parse(bad, base).is_err(), "{bad}");
        }
    }
}
