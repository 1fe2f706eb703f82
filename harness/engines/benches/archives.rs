//! Hostile archives against the store: `cargo xtask soak archive [ARCHIVES | --seconds N] [--seed N]`.
//!
//! Each archive is an image whose layer has random entries with hostile names, kinds, links and sizes; every third has some of its
//! bytes changed. It is read and unpacked as any other: it must be refused as bad input or unpacked below its own directory,
//! without a panic, in bounded time, and nothing may be left half made or appear elsewhere.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adamant_core::engine::{ErrorKind, ImageSource};
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::store::Store;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

type Failure = Box<dyn std::error::Error>;

/// No archive of this size may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Failure> {
    let options = Options::read(std::env::args().skip(1).filter(|arg| arg != "--bench"))?;
    if !rustix::process::geteuid().is_root() {
        return Err("unpacking takes root; run this as root".into());
    }
    let dir = tempfile::tempdir()?;
    // What a layer that leaves would write into, and what it would overwrite.
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside)?;
    std::fs::write(outside.join("victim"), "as it was")?;
    let root = dir.path().join("store");
    let store = Store::at(&root)?;
    let mut random = Random(options.seed | 1);
    let begun = Instant::now();
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let (mut done, mut unpacked, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while !options.is_over(done, begun) {
        let archive = image(&mut random, &outside);
        let file = dir.path().join("image.tar");
        std::fs::write(&file, &archive)?;
        let clock = Instant::now();
        let judged = catch_unwind(AssertUnwindSafe(|| take(&store, &file)));
        slowest = slowest.max(clock.elapsed());
        let keep = |why: &str| -> Failure {
            let kept = std::env::temp_dir().join("adamant-hostile.tar");
            let _ = std::fs::write(&kept, &archive);
            format!(
                "{why}: archive {done} of seed {}, kept as {}",
                options.seed,
                kept.display()
            )
            .into()
        };
        match judged {
            Err(_) => return Err(keep("a panic")),
            Ok(Err(why)) => return Err(keep(&why)),
            Ok(Ok(None)) => unpacked += 1,
            Ok(Ok(Some(reason))) => *reasons.entry(reason).or_default() += 1,
        }
        if clock.elapsed() > PATIENCE {
            return Err(keep("it took too long"));
        }
        let victim = std::fs::read_to_string(outside.join("victim"));
        if std::fs::read_dir(&outside)?.count() != 1 || victim.ok().as_deref() != Some("as it was")
        {
            return Err(keep("something was written outside"));
        }
        if std::fs::read_dir(root.join("tmp"))?.next().is_some() {
            return Err(keep("something half made was left"));
        }
        let layers = root.join("layers/sha256");
        for layer in std::fs::read_dir(&layers)? {
            std::fs::remove_dir_all(layer?.path())?;
        }
        done += 1;
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{done} archives in {:.1} s, seed {}: {unpacked} unpacked, {} refused, slowest {} ms",
        begun.elapsed().as_secs_f64(),
        options.seed,
        done - unpacked,
        slowest.as_millis()
    )?;
    for (reason, count) in &reasons {
        writeln!(out, "{count:>8}  {reason}")?;
    }
    // A soak in which nothing was ever accepted, or nothing refused, has tested nothing.
    if unpacked == 0 || reasons.len() < 5 {
        return Err("the archives were not hostile in enough ways, or all were".into());
    }
    Ok(())
}

/// Reads and unpacks; the reason where it was refused as it should be, an error where it was not.
fn take(store: &Store, file: &Path) -> Result<Option<String>, String> {
    let deadline = Deadline::after(PATIENCE, &Cancel::default());
    let source = ImageSource::Archive(file.to_owned());
    let refused = |error: adamant_core::engine::EngineError| {
        let chain = adamant_core::report::text::causes(&error);
        if error.kind() != ErrorKind::Input {
            return Err(format!(
                "refused for the wrong reason: {}",
                chain.join(": ")
            ));
        }
        // Without the names in it, reasons are few.
        let last = chain.last().map_or("", String::as_str);
        let bare: Vec<&str> = last.split('`').step_by(2).collect();
        let words = bare.join("…");
        Ok(Some(
            words.chars().filter(|c| !c.is_ascii_digit()).collect(),
        ))
    };
    let package = match store.image(&source, "linux/amd64", false, &deadline) {
        Ok(package) => package.ok_or("an archive is no reference")?,
        Err(error) => return refused(error),
    };
    for layer in package.layers() {
        if let Err(error) = store.layer(layer) {
            return refused(error);
        }
    }
    Ok(None)
}

struct Options {
    archives: u64,
    seconds: Option<u64>,
    seed: u64,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let mut options = Self {
            archives: 10_000,
            seconds: None,
            seed: now.as_secs(),
        };
        while let Some(word) = words.next() {
            let mut number = || {
                words
                    .next()
                    .ok_or("a number is missing")?
                    .parse()
                    .map_err(Failure::from)
            };
            match word.as_str() {
                "--seconds" => options.seconds = Some(number()?),
                "--seed" => options.seed = number()?,
                count => options.archives = count.parse()?,
            }
        }
        Ok(options)
    }

    fn is_over(&self, done: u64, begun: Instant) -> bool {
        match self.seconds {
            Some(seconds) => begun.elapsed() >= Duration::from_secs(seconds),
            None => done >= self.archives,
        }
    }
}

/// Xorshift: the same seed gives the same archives anywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

fn image(random: &mut Random, outside: &Path) -> Vec<u8> {
    let layer = layer(random, outside);
    let digest: String = Sha256::digest(&layer)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let config = format!(
        r#"{{"os":"linux","architecture":"amd64","rootfs":{{"diff_ids":["sha256:{digest}"]}}}}"#
    );
    let hostile = random.below(20) == 0;
    let name = if hostile {
        *random.of(&["../l/layer.tar", "/layer.tar", "l/../../layer.tar"])
    } else {
        "l/layer.tar"
    };
    let manifest = format!(r#"[{{"Config":"c.json","RepoTags":null,"Layers":["{name}"]}}]"#);
    let mut archive = Vec::new();
    let members = [
        ("manifest.json", manifest.into_bytes()),
        ("c.json", config.into_bytes()),
        (name, layer),
    ];
    for (name, bytes) in &members {
        entry(
            &mut archive,
            name.as_bytes(),
            EntryType::Regular,
            b"",
            bytes,
            None,
        );
    }
    if random.below(20) == 0 {
        entry(
            &mut archive,
            b"c.json",
            EntryType::Regular,
            b"",
            b"{}",
            None,
        );
    }
    archive.extend([0; 1024]);
    if random.below(3) == 0 {
        for _ in 0..=random.below(4) {
            let at = random.below(archive.len());
            archive[at] ^= 1 << random.below(8);
        }
        if random.below(4) == 0 {
            archive.truncate(random.below(archive.len()));
        }
    }
    archive
}

/// Names that mean something to an archive, to a layer or to the kernel.
const PARTS: [&str; 16] = [
    "a",
    "b",
    "c",
    "dev",
    "..",
    ".",
    "",
    ".wh.a",
    ".wh..wh..opq",
    ".wh.",
    ".wh...",
    "é",
    "a b",
    "..a",
    ".wh..wh.plnk",
    "x",
];
/// Kinds of entries; those that do the most harm are the commonest.
const KINDS: [EntryType; 14] = [
    EntryType::Regular,
    EntryType::Regular,
    EntryType::Regular,
    EntryType::Directory,
    EntryType::Directory,
    EntryType::Directory,
    EntryType::Symlink,
    EntryType::Symlink,
    EntryType::Symlink,
    EntryType::Link,
    EntryType::Link,
    EntryType::Fifo,
    EntryType::Char,
    EntryType::GNUSparse,
];

/// A few entries of names that meet each other.
fn layer(random: &mut Random, outside: &Path) -> Vec<u8> {
    let outside: PathBuf = outside.join("victim");
    let outside = outside.to_string_lossy().into_owned();
    let mut layer = Vec::new();
    // Few entries: most of those that are refused would be refused for the first.
    for _ in 0..=random.below(6) {
        let wild = random.below(4) == 0;
        let path = |random: &mut Random| {
            let plain: Vec<&str> = (0..=random.below(3))
                .map(|_| {
                    if wild {
                        *random.of(&PARTS)
                    } else {
                        *random.of(&["a", "b", "c", "x"])
                    }
                })
                .collect();
            plain.join("/")
        };
        let mut name = path(random);
        if random.below(30) == 0 {
            name = format!("/{name}");
        }
        let up = format!(
            "{}{}",
            "../".repeat(random.below(12)),
            outside.trim_start_matches('/')
        );
        let inner = path(random);
        let target = random
            .of(&[
                outside.clone(),
                up,
                inner.clone(),
                inner,
                "/".to_owned(),
                String::new(),
            ])
            .clone();
        let kind = *random.of(&KINDS);
        let content = if kind == EntryType::Regular {
            vec![b'x'; random.below(2000)]
        } else {
            Vec::new()
        };
        let declared = (random.below(25) == 0).then(|| random.next() >> random.below(40));
        entry(
            &mut layer,
            name.as_bytes(),
            kind,
            target.as_bytes(),
            &content,
            declared,
        );
    }
    layer.extend([0; 1024]);
    layer
}

/// One entry as its parts say, whatever they say.
fn entry(
    archive: &mut Vec<u8>,
    name: &[u8],
    kind: EntryType,
    target: &[u8],
    content: &[u8],
    declared: Option<u64>,
) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o4755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(declared.unwrap_or(content.len() as u64));
    let old = header.as_old_mut();
    let fits = |bytes: &[u8]| bytes.len().min(100);
    old.name[..fits(name)].copy_from_slice(&name[..fits(name)]);
    if !target.is_empty() {
        old.linkname[..fits(target)].copy_from_slice(&target[..fits(target)]);
    }
    header.set_cksum();
    archive.extend(header.as_bytes());
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}
