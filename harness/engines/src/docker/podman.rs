//! Where Podman differs from Docker behind the same API: what it does unasked, how it is kept from that, or what it is known by.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use adamant_core::engine::{BootPlan, EngineError, ErrorKind, Image, ImageConfig, Network};
use adamant_core::run::Deadline;
use adamant_probe::{Entry, Kind};
use fs_err as fs;
use rustix::param::page_size;

use super::client::{Client, Product};
use crate::drift::trimmed;
use crate::given;
use crate::image::digest;
use crate::supervisor::Place;

/// Where it mounts writable memory under a read-only root.
const UNASKED: [&str; 3] = ["/run", "/tmp", "/var/tmp"];

/// Read-only memory with the image's files in it: no other than a read-only directory, and Podman leaves it alone.
pub(super) fn unwritable(plan: &BootPlan, config: &ImageConfig) -> HashMap<String, String> {
    held(plan, config)
        .map(|path| (path.to_owned(), "ro".to_owned()))
        .collect()
}

/// Makes the plan's memory; answers how it is mounted. As `Tmpfs` it takes neither an owner nor a number of files, and shows the
/// image's files there; a volume of memory is taken with everything.
pub(super) fn memory(
    client: &Client,
    name: &str,
    plan: &BootPlan,
    labels: &HashMap<String, String>,
    deadline: &Deadline,
) -> Result<Vec<String>, EngineError> {
    if client.product == Product::Docker {
        return Ok(Vec::new());
    }
    let mut binds = Vec::new();
    for (volume, tmpfs) in volumes(name, plan).zip(&plan.tmpfs) {
        let (flags, limits) = options(&tmpfs.options);
        let kind = [("type", "tmpfs"), ("device", "tmpfs"), ("o", &limits)];
        let kind = kind.map(|(name, value)| (name.to_owned(), value.to_owned()));
        client.create_volume(&volume, labels.clone(), kind.into(), deadline)?;
        binds.push(format!("{volume}:{}:{flags},nocopy", tmpfs.path));
    }
    Ok(binds)
}

/// Takes it back.
pub(super) fn forget(
    client: &Client,
    name: &str,
    plan: &BootPlan,
    deadline: &Deadline,
) -> Result<(), EngineError> {
    if client.product == Product::Docker {
        return Ok(());
    }
    let removed: Vec<_> = volumes(name, plan)
        .map(|volume| client.remove_volume(&volume, deadline))
        .collect();
    removed
        .into_iter()
        .try_for_each(|removed| removed.map(drop))
}

fn volumes(name: &str, plan: &BootPlan) -> impl Iterator<Item = String> {
    (0..plan.tmpfs.len()).map(move |n| format!("{name}-memory-{n}"))
}

/// What a mount of memory is told by its flags, and what by its limits.
fn options(asked: &str) -> (String, String) {
    let all = given::memory(asked);
    let (limits, flags): (Vec<&str>, Vec<&str>) =
        all.split(',').partition(|option| option.contains('='));
    let mut limits: Vec<String> = limits.into_iter().map(in_pages).collect();
    for owner in ["uid", "gid"] {
        // Without a word it would be the subject's user's.
        if !limits.iter().any(|limit| limit.starts_with(owner)) {
            limits.push(format!("{owner}=0"));
        }
    }
    (flags.join(","), limits.join(","))
}

/// A size in bytes is a quota of the file system for Podman, which takes one in pages as it is.
fn in_pages(option: &str) -> String {
    let pages = || {
        let size = option.strip_prefix("size=")?.to_ascii_lowercase();
        let digits = size.trim_end_matches(['k', 'm', 'g']);
        let unit: u64 = match &size[digits.len()..] {
            "" => 1,
            "k" => 1 << 10,
            "m" => 1 << 20,
            "g" => 1 << 30,
            _ => return None,
        };
        let bytes = digits.parse::<u64>().ok()?.checked_mul(unit)?;
        Some(bytes.div_ceil(u64::try_from(page_size()).ok()?))
    };
    pages().map_or_else(|| option.to_owned(), |pages| format!("nr_blocks={pages}"))
}

/// The directories that it must not make writable.
pub(super) fn held<'p>(
    plan: &'p BootPlan,
    config: &'p ImageConfig,
) -> impl Iterator<Item = &'static str> + 'p {
    let asked = |path: &str| {
        let tmpfs = plan.tmpfs.iter().map(|t| &t.path);
        let volumes = plan.volumes.iter().map(|v| &v.path);
        let binds = plan.binds.iter().map(|b| &b.target);
        let mut asked = tmpfs.chain(volumes).chain(binds).chain(&config.volumes);
        asked.any(|asked| trimmed(asked) == path)
    };
    let unasked = UNASKED.into_iter().filter(move |path| !asked(path));
    unasked.filter(|_| plan.read_only)
}

/// The files in `/etc` that it leaves out without a network of its own, or fills with the host's names. Its name servers ask
/// the host's for what they do not know, from networks that lead nowhere too: none of them is named.
pub(super) fn files(product: Product, network: &Network) -> Result<Option<Place>, EngineError> {
    if product == Product::Docker {
        return Ok(None);
    }
    let made = Place::make().and_then(|place| {
        given::write(network, place.path())?;
        Ok(place)
    });
    made.map(Some).map_err(unwritten)
}

/// Gives an address a name in these files.
pub(super) fn name(files: &Place, address: &str, name: &str) -> Result<(), EngineError> {
    let hosts = files.path().join("hosts");
    let file = fs::OpenOptions::new().append(true).open(hosts);
    let written = file.and_then(|mut file| writeln!(file, "{address}\t{name}"));
    written.map_err(unwritten)
}

fn unwritten(error: std::io::Error) -> EngineError {
    EngineError::new(ErrorKind::Unsupported, "write the files of a container").caused_by(error)
}

/// The targets of these files, by the names that they have on the host.
pub(super) fn targets<'p>(
    plan: &'p BootPlan,
    files: &'p Path,
) -> impl Iterator<Item = (PathBuf, String)> + 'p {
    let named = ["hosts", "resolv.conf"].map(|name| (files.join(name), format!("/etc/{name}")));
    let bound = |target: &str| plan.binds.iter().any(|b| trimmed(&b.target) == target);
    named.into_iter().filter(move |(_, target)| !bound(target))
}

/// Whether a file is as the image has it but for the line that Podman adds for a user that the image does not know.
pub(super) fn is_introduction(plan: &BootPlan, image: &Image, now: &Entry) -> bool {
    let introduction = introduction(plan, image, &now.path);
    let expected = introduction.and_then(|line| {
        let text = image.texts.get(&now.path)?;
        Some(digest::of(&[text.as_slice(), line.as_bytes()].concat()))
    });
    let was = image.entries.get(&now.path);
    let same = was.is_some_and(|was| {
        now.kind == Kind::File && (was.mode, was.uid, was.gid) == (now.mode, now.uid, now.gid)
    });
    same && expected.is_some() && expected == now.sha256
}

/// The line that it adds to this file.
fn introduction(plan: &BootPlan, image: &Image, path: &str) -> Option<String> {
    let asked = plan.user.as_ref().unwrap_or(&image.config.user);
    let (user, group) = asked.split_once(':').unwrap_or((asked, ""));
    let user: u32 = user.parse().ok()?;
    match path {
        "/etc/passwd" => {
            let group = if group.is_empty() { "0" } else { group };
            let dir = plan.workdir.as_deref().unwrap_or(&image.config.workdir);
            let dir = if dir.is_empty() { "/" } else { dir };
            Some(format!(
                "{user}:*:{user}:{group}:container user:{dir}:/bin/sh\n"
            ))
        }
        "/etc/group" => {
            let group = if group.is_empty() {
                user
            } else {
                group.parse().ok()?
            };
            Some(format!("{group}:x:{group}:{user}\n"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::start::tests::plan;

    #[test]
    fn what_podman_would_make_writable_is_not_and_what_was_asked_for_is() {
        let mut config = ImageConfig::default();
        let of = |config: &ImageConfig| held(&plan(), config).collect::<Vec<_>>();
        // The plan has memory at `/tmp`.
        assert_eq!(of(&config), ["/run", "/var/tmp"]);
        config.volumes.insert("/var/tmp/".into());
        assert_eq!(of(&config), ["/run"]);
        let writable = BootPlan {
            read_only: false,
            ..plan()
        };
        assert_eq!(held(&writable, &config).count(), 0);
    }

    #[test]
    fn memory_has_its_flags_and_its_limits() {
        let page = page_size() as u64;
        let blocks = (64 << 20) / page;
        let (flags, limits) = options("mode=1777,size=64m,exec,uid=7,gid=8");
        assert_eq!(flags, "nosuid,nodev,exec");
        assert_eq!(limits, format!("mode=1777,nr_blocks={blocks},uid=7,gid=8"));
        assert_eq!(options("ro").0, "noexec,nosuid,nodev,ro");
        assert_eq!(options("size=1").1, "nr_blocks=1,uid=0,gid=0");
        // What it does not understand is Podman's to refuse.
        assert_eq!(in_pages("size=50%"), "size=50%");
    }

    #[test]
    fn a_line_for_an_unknown_user_is_podmans_and_every_other_is_not() {
        let text = b"root:x:0:0::/:/bin/sh\n".to_vec();
        let mut image = Image::default();
        image.config.workdir = "/work".into();
        for path in ["/etc/passwd", "/etc/group"] {
            image.texts.insert(path.into(), text.clone());
            let entry = Entry::new(path, Kind::File, 0o644);
            image.entries.insert(path.into(), entry);
        }
        let as_user = |user: &str, path: &str, line: &str| {
            let plan = BootPlan {
                user: Some(user.into()),
                ..plan()
            };
            let now = Entry {
                sha256: Some(digest::of(&[text.as_slice(), line.as_bytes()].concat())),
                ..Entry::new(path, Kind::File, 0o644)
            };
            is_introduction(&plan, &image, &now)
        };
        let line = "77:*:77:0:container user:/work:/bin/sh\n";
        assert!(as_user("77", "/etc/passwd", line));
        assert!(as_user("77", "/etc/group", "77:x:77:77\n"));
        assert!(as_user("77:88", "/etc/group", "88:x:88:77\n"));
        assert!(!as_user(
            "77",
            "/etc/passwd",
            "77:*:0:0:container user:/work:/bin/sh\n"
        ));
        assert!(!as_user("77", "/etc/passwd", ""));
        assert!(!as_user("root", "/etc/passwd", line));
        assert!(!as_user("77", "/etc/shadow", line));
    }
}
