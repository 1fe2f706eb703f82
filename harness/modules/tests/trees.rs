//! Both trees: what they show, and that nothing leads out of a directory.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use adamant_modules::{DirectoryTree, FileType, MemoryTree, Tree};
use rustix::fs::{CWD, FileType as NodeType, Mode, mknodat};
use rustix::io::Errno;
use tempfile::TempDir;

const SECRET: &str = "top secret";

/// A directory with a package in `root` and a secret beside it.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir(place.path().join("root")).expect("directory is made");
    std::fs::write(place.path().join("secret.txt"), SECRET).expect("file is written");
    place
}

const FILES: [(&str, &str); 8] = [
    ("/index.js", "hello"),
    ("/lib/a.js", "a"),
    ("/lib/deep/b.js", "b"),
    ("/a b.js", "space"),
    ("/%2e%2e/x", "encoded"),
    ("/back\\slash", "backslash"),
    ("/é.js", "accent"),
    ("/...", "dots"),
];
const LINKS: [(&str, &str); 14] = [
    ("/link.js", "lib/a.js"),
    ("/lib/up.js", "../index.js"),
    ("/root.js", "/lib/a.js"),
    ("/dir", "lib"),
    ("/chain", "link.js"),
    ("/self", "self"),
    ("/ping", "pong"),
    ("/pong", "ping"),
    ("/gone", "nowhere"),
    ("/out", "../secret.txt"),
    ("/far", "../../../../../../../etc/passwd"),
    ("/abs", "/etc/passwd"),
    ("/magic", "/proc/self/root/etc/passwd"),
    ("/outdir", ".."),
];

fn directory(place: &TempDir) -> DirectoryTree {
    let root = place.path().join("root");
    for (path, content) in FILES {
        let file = root.join(&path[1..]);
        std::fs::create_dir_all(file.parent().expect("it has a parent"))
            .expect("directory is made");
        std::fs::write(file, content).expect("file is written");
    }
    for (path, target) in LINKS {
        symlink(target, root.join(&path[1..])).expect("link is made");
    }
    DirectoryTree::open(&root).expect("the root opens")
}

fn memory() -> MemoryTree {
    let tree = FILES
        .iter()
        .fold(MemoryTree::new(), |tree, (path, content)| {
            tree.file(path, content)
        });
    LINKS
        .iter()
        .fold(tree, |tree, (path, target)| tree.symlink(path, target))
}

fn both(check: impl Fn(&dyn Tree)) {
    let place = place();
    check(&directory(&place));
    check(&memory());
}

fn code<T>(result: io::Result<T>) -> Option<Errno> {
    let error = result.err()?;
    Some(Errno::from_io_error(&error).expect("errors of trees have numbers"))
}

#[test]
fn files_are_read_and_links_inside_are_followed() {
    both(|tree| {
        for (path, content, real) in [
            ("/index.js", "hello", "/index.js"),
            ("//lib/./a.js", "a", "/lib/a.js"),
            ("/lib/../lib/deep/b.js", "b", "/lib/deep/b.js"),
            ("/../../index.js", "hello", "/index.js"),
            ("/link.js", "a", "/lib/a.js"),
            ("/lib/up.js", "hello", "/index.js"),
            ("/root.js", "a", "/lib/a.js"),
            ("/dir/deep/b.js", "b", "/lib/deep/b.js"),
            ("/dir/../index.js", "hello", "/index.js"),
            ("/chain", "a", "/lib/a.js"),
            ("/a b.js", "space", "/a b.js"),
            ("/%2e%2e/x", "encoded", "/%2e%2e/x"),
            ("/back\\slash", "backslash", "/back\\slash"),
            ("/é.js", "accent", "/é.js"),
            ("/...", "dots", "/..."),
        ] {
            assert_eq!(
                tree.read(path)
                    .unwrap_or_else(|error| panic!("{path}: {error}"))
                    .as_ref(),
                content.as_bytes()
            );
            assert_eq!(tree.real_path(path).unwrap(), real, "{path} in {tree:?}");
            assert_eq!(
                tree.metadata(path).unwrap().len,
                content.len() as u64,
                "{path}"
            );
        }
        assert_eq!(tree.real_path("/").unwrap(), "/");
        assert_eq!(tree.real_path("/dir/").unwrap(), "/lib");
    });
}

#[test]
fn refusals_carry_the_numbers_of_unix() {
    let long_name = format!("/{}", "n".repeat(256));
    let long_path = "/lib/..".repeat(800);
    both(|tree| {
        for (path, number) in [
            ("/nope", Errno::NOENT),
            ("", Errno::NOENT),
            ("/lib", Errno::ISDIR),
            ("/", Errno::ISDIR),
            ("/index.js/", Errno::NOTDIR),
            ("/index.js/x", Errno::NOTDIR),
            ("/index.js/..", Errno::NOTDIR),
            ("/link.js/x", Errno::NOTDIR),
            ("/self", Errno::LOOP),
            ("/ping", Errno::LOOP),
            ("/gone", Errno::NOENT),
            ("/index.js\0", Errno::INVAL),
            ("/../secret.txt", Errno::NOENT),
            ("/..%2fsecret.txt", Errno::NOENT),
            ("/%2e%2e/secret.txt", Errno::NOENT),
            (&long_name, Errno::NAMETOOLONG),
            (&long_path, Errno::NAMETOOLONG),
        ] {
            assert_eq!(code(tree.read(path)), Some(number), "{path:?} in {tree:?}");
        }
        assert_eq!(code(tree.read_link("/index.js")), Some(Errno::INVAL));
        assert_eq!(code(tree.read_dir("/index.js")), Some(Errno::NOTDIR));
    });
}

#[test]
fn links_that_leave_are_refused() {
    both(|tree| {
        for path in [
            "/out",
            "/far",
            "/abs",
            "/magic",
            "/outdir",
            "/outdir/secret.txt",
            "/outdir/root/index.js",
        ] {
            assert_eq!(
                code(tree.read(path)),
                Some(Errno::ACCESS),
                "read {path} in {tree:?}"
            );
            assert_eq!(
                code(tree.metadata(path)),
                Some(Errno::ACCESS),
                "stat {path}"
            );
            assert_eq!(
                code(tree.real_path(path)),
                Some(Errno::ACCESS),
                "realpath {path}"
            );
            assert_eq!(
                code(tree.read_dir(path)),
                Some(Errno::ACCESS),
                "readdir {path}"
            );
            assert_eq!(
                code(tree.read_at(path, 0, 9)),
                Some(Errno::ACCESS),
                "read at {path}"
            );
        }
        assert_eq!(
            tree.symlink_metadata("/out").unwrap().file_type,
            FileType::Symlink
        );
        assert_eq!(tree.read_link("/out").unwrap(), "../secret.txt");
    });
}

#[test]
fn directories_are_listed_by_name() {
    both(|tree| {
        let names = |path: &str| -> Vec<(String, FileType)> {
            tree.read_dir(path)
                .unwrap()
                .into_iter()
                .map(|entry| (entry.name, entry.file_type))
                .collect()
        };
        assert_eq!(
            names("/dir"),
            [
                ("a.js".to_owned(), FileType::File),
                ("deep".to_owned(), FileType::Directory),
                ("up.js".to_owned(), FileType::Symlink),
            ]
        );
        assert_eq!(names("/").len(), FILES.len() + LINKS.len() - 2);
        assert_eq!(names("/../.."), names("/"));
    });
}

#[test]
fn parts_of_files_are_read() {
    both(|tree| {
        for (offset, len, expected) in [
            (0, 2, "he"),
            (3, 9, "lo"),
            (5, 1, ""),
            (u64::MAX, 1, ""),
            (0, 0, ""),
            (1, usize::MAX, "ello"),
        ] {
            assert_eq!(
                tree.read_at("/index.js", offset, len).unwrap(),
                expected.as_bytes(),
                "{offset}, {len}"
            );
        }
    });
}

#[test]
fn pipes_and_sockets_are_never_opened() {
    let place = place();
    let tree = directory(&place);
    let root = place.path().join("root");
    mknodat(CWD, root.join("pipe"), NodeType::Fifo, Mode::RWXU, 0).expect("pipe is made");
    let _socket =
        std::os::unix::net::UnixListener::bind(root.join("socket")).expect("socket is made");
    symlink("pipe", root.join("to-pipe")).expect("link is made");
    for path in ["/pipe", "/socket", "/to-pipe"] {
        assert_eq!(
            tree.metadata(path).unwrap().file_type,
            FileType::Special,
            "{path}"
        );
        // Opening a pipe that nobody writes to would wait for ever.
        assert_eq!(code(tree.read(path)), Some(Errno::ACCESS), "{path}");
        assert_eq!(
            code(tree.read_at(path, 0, 1)),
            Some(Errno::ACCESS),
            "{path}"
        );
    }
}

#[test]
fn large_files_are_refused() {
    let place = place();
    let tree = directory(&place).with_max_file(4);
    assert_eq!(code(tree.read("/index.js")), Some(Errno::FBIG));
    assert_eq!(tree.read("/lib/a.js").unwrap().as_ref(), b"a");
    assert_eq!(tree.read_at("/index.js", 1, 2).unwrap(), b"el");
}

#[test]
fn errors_name_no_path_of_the_host() {
    let place = place();
    let tree = directory(&place);
    for path in ["/nope", "/out", "/lib", "/self"] {
        let text = format!("{0} {0:?}", tree.read(path).unwrap_err());
        assert!(
            !text.contains(&place.path().display().to_string()),
            "{text}"
        );
    }
}

/// Somebody swaps a directory for a link to the outside, over and over, while we read through it.
#[test]
fn a_race_does_not_lead_out() {
    let place = place();
    let tree = Arc::new(directory(&place));
    let root = place.path().join("root");
    let outside = place.path().join("outside");
    std::fs::create_dir(&outside).expect("directory is made");
    std::fs::write(outside.join("file"), SECRET).expect("file is written");
    std::fs::create_dir(root.join("victim")).expect("directory is made");
    std::fs::write(root.join("victim/file"), "inside").expect("file is written");
    symlink(&outside, root.join("trap")).expect("link is made");
    symlink("../outside", root.join("trap2")).expect("link is made");
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = {
        let (root, stop) = (root.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut swaps = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let trap = if swaps.is_multiple_of(2) {
                    "trap"
                } else {
                    "trap2"
                };
                for (from, to) in [
                    ("victim", "kept"),
                    (trap, "victim"),
                    ("victim", trap),
                    ("kept", "victim"),
                ] {
                    std::fs::rename(root.join(from), root.join(to)).expect("rename works");
                }
                swaps += 1;
            }
            swaps
        })
    };
    let (mut inside, mut refused) = (0, 0);
    let start = std::time::Instant::now();
    while start.elapsed().as_millis() < 1500 {
        match tree.read("/victim/file") {
            Ok(bytes) => {
                assert_eq!(bytes.as_ref(), b"inside", "the read left the root");
                inside += 1;
            }
            Err(_) => refused += 1,
        }
        if let Ok(real) = tree.real_path("/victim/file") {
            assert_eq!(real, "/victim/file");
        }
    }
    stop.store(true, Ordering::Relaxed);
    let swaps = swapper.join().expect("the other thread ends");
    assert!(
        swaps > 10 && inside > 10 && refused > 10,
        "no race: {swaps} swaps, {inside} inside, {refused} refused"
    );
}

#[test]
fn the_root_must_be_a_directory() {
    assert_eq!(
        code(DirectoryTree::open(Path::new("/etc/passwd"))),
        Some(Errno::NOTDIR)
    );
    assert_eq!(
        code(DirectoryTree::open(Path::new("/nowhere/at/all"))),
        Some(Errno::NOENT)
    );
}
