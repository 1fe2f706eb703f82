//! Archives: what survives a round trip, and every hostile tar refused with its reason, whole before and after.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use crate::support::{Tar, picture, workspace};
use adamant_store::archive::{Accept, ArchiveError, Limits, check};
use adamant_store::daemon::Workspace;

fn restored(workspace: &Workspace, bytes: &[u8]) -> Result<u64, String> {
    let done = workspace.restore(&mut &bytes[..], |_| Ok(()));
    done.map(|laid| laid.files).map_err(|error| error.told())
}

fn taken(workspace: &Workspace) -> Vec<u8> {
    let mut bytes = Vec::new();
    workspace.write(&mut bytes).expect("a snapshot");
    bytes
}

#[test]
fn what_a_workspace_holds_survives() {
    let (ground, one) = workspace("one");
    let root = one.directory();
    fs::create_dir_all(root.join(".git/refs/heads")).unwrap();
    fs::create_dir_all(root.join("node_modules/.bin")).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(root.join("node_modules/tool.js"), "x".repeat(700_000)).unwrap();
    fs::write(root.join("zero"), "").unwrap();
    fs::hard_link(root.join("zero"), root.join("second name")).unwrap();
    symlink("../tool.js", root.join("node_modules/.bin/tool")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    let long = "long".repeat(60);
    fs::create_dir_all(root.join(&long).join(&long)).unwrap();
    fs::write(root.join(&long).join(&long).join(&long), "deep").unwrap();
    symlink("x".repeat(300), root.join("long link")).unwrap();
    let odd = std::ffi::OsStr::new("n\u{e9}w\nline \\ *");
    fs::write(root.join(odd), "odd").unwrap();
    use std::os::unix::ffi::OsStrExt as _;
    fs::write(
        root.join(std::ffi::OsStr::from_bytes(b"not \xff utf-8")),
        "raw",
    )
    .unwrap();
    for (name, mode) in [
        ("zero", 0o4711),
        ("empty", 0o1777),
        (".git", 0o500),
        ("node_modules/tool.js", 0o444),
    ] {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let old = fs::File::open(root.join("node_modules/tool.js")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH - std::time::Duration::new(1, 250_000_000))
        .unwrap();
    fs::create_dir(root.join("tmp")).unwrap();
    fs::write(root.join("tmp/scratch"), "not kept").unwrap();
    fs::create_dir(root.join("empty/tmp")).unwrap();

    let bytes = taken(&one);
    assert_eq!(bytes, taken(&one), "the same tree makes the same archive");
    let two = Workspace::open(
        &ground.path().join("two"),
        Limits::default(),
        Accept::default(),
    )
    .unwrap();
    restored(&two, &bytes).unwrap();

    let mut wanted = picture(root);
    wanted.retain(|line| !line.contains("tmp/scratch") && !line.starts_with("\"tmp\""));
    assert_eq!(picture(two.directory()), wanted);
    assert!(
        wanted.iter().any(|line| line.starts_with("\"empty/tmp\"")),
        "only the root's own tmp is left out"
    );
    let links = fs::metadata(two.directory().join("zero")).unwrap().nlink();
    assert_eq!(links, 2, "a hard link stays one");
}

#[test]
fn other_tars_are_read_too() {
    let (ground, one) = workspace("one");
    let source = ground.path().join("source");
    fs::create_dir_all(source.join("dir")).unwrap();
    fs::write(source.join("dir/file"), "hello").unwrap();
    fs::write(source.join("n".repeat(120)), "long").unwrap();
    symlink("dir/file", source.join("link")).unwrap();
    for format in ["gnu", "pax", "ustar", "v7"] {
        let mut tar = std::process::Command::new("tar");
        tar.args([
            "-C",
            source.to_str().unwrap(),
            "--format",
            format,
            "-cf",
            "-",
        ]);
        // Plain old tar has no long names.
        tar.args(if format == "v7" {
            &["dir", "link"][..]
        } else {
            &["."]
        });
        let made = tar.output().expect("tar is installed");
        assert!(made.status.success() || format == "ustar", "{format}");
        restored(&one, &made.stdout).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(
            fs::read(one.directory().join("dir/file")).unwrap(),
            b"hello",
            "{format}"
        );
        assert_eq!(
            fs::read_link(one.directory().join("link")).unwrap(),
            Path::new("dir/file"),
            "{format}"
        );
    }
}

/// What is refused, and a part of the reason.
#[expect(clippy::too_many_lines, reason = "a table")]
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let file = |name: &str| Tar::new().file(name, b"evil").end();
    let mut cases = vec![
        ("traversal", file("../evil"), "goes up with `..`"),
        (
            "traversal inside",
            file("a/../../evil"),
            "goes up with `..`",
        ),
        ("traversal that stays", file("a/../b"), "goes up with `..`"),
        ("absolute", file("/etc/evil"), "an absolute name"),
        ("long name", file(&"n".repeat(256)), "more than 255 bytes"),
        ("deep", file(&("d/".repeat(300) + "f")), "directories deep"),
        (
            "link out",
            Tar::new().link("l", "../../etc/passwd").end(),
            "leaves the workspace",
        ),
        (
            "absolute link",
            Tar::new().link("l", "/etc/passwd").end(),
            "leaves the workspace",
        ),
        (
            "link behind a link",
            Tar::new().link("here", ".").link("l", "here/../x").end(),
            "goes up behind a name",
        ),
        (
            "through a link",
            Tar::new().link("l", "sub").file("l/evil", b"x").end(),
            "through the symbolic link `l`",
        ),
        (
            "through a link to a directory",
            Tar::new()
                .directory("sub/")
                .link("l", "sub")
                .file("l/evil", b"x")
                .end(),
            "through the symbolic link",
        ),
        (
            "link over a directory",
            Tar::new().directory("d/").link("d", "x").end(),
            "was there before",
        ),
        (
            "file over a link",
            Tar::new().link("l", "x").file("l", b"x").end(),
            "was there before",
        ),
        (
            "below a file",
            Tar::new().file("f", b"x").file("f/below", b"x").end(),
            "which is a file",
        ),
        (
            "hard link out",
            Tar::new().hard("h", "../../etc/passwd").end(),
            "goes up with `..`",
        ),
        (
            "hard link absolute",
            Tar::new().hard("h", "/etc/passwd").end(),
            "an absolute name",
        ),
        (
            "hard link to nothing",
            Tar::new().hard("h", "later").file("later", b"x").end(),
            "does not hold before it",
        ),
        (
            "hard link to a link",
            Tar::new().link("l", "x").hard("h", "l").end(),
            "which is no file",
        ),
        (
            "hard link through a link",
            Tar::new()
                .directory("d/")
                .file("d/f", b"x")
                .link("l", "d")
                .hard("h", "l/f")
                .end(),
            "does not hold before it",
        ),
        (
            "duplicate",
            Tar::new().file("f", b"one").file("./f", b"two").end(),
            "was there before",
        ),
        (
            "duplicate directory",
            Tar::new().directory("d/").directory("d").end(),
            "was there before",
        ),
        (
            "case",
            Tar::new().file("README", b"x").file("readme", b"y").end(),
            "differ in case only",
        ),
        (
            "case of a directory",
            Tar::new().file("Dir/a", b"x").file("dir/b", b"y").end(),
            "differ in case only",
        ),
        (
            "case beyond ASCII",
            Tar::new().file("É", b"x").file("é", b"y").end(),
            "differ in case only",
        ),
        (
            "character device",
            Tar::new().kind("null", b'3').end(),
            "a character device",
        ),
        (
            "block device",
            Tar::new().kind("sda", b'4').end(),
            "a block device",
        ),
        ("pipe", Tar::new().kind("pipe", b'6').end(), "a named pipe"),
        (
            "old sparse",
            Tar::new().kind("sparse", b'S').end(),
            "sparse",
        ),
        (
            "new sparse",
            Tar::new()
                .pax(&[
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.realsize", "1000000000000"),
                ])
                .file("s", b"x")
                .end(),
            "sparse",
        ),
        (
            "unknown type",
            Tar::new().kind("x", b'Z').end(),
            "type `Z` is unknown",
        ),
        (
            "size bomb",
            Tar::new().sized("big", 1 << 40).end(),
            "bytes, more than",
        ),
        (
            "size bomb in pax",
            Tar::new()
                .pax(&[("size", "18446744073709551615")])
                .file("big", b"x")
                .end(),
            "bytes, more than",
        ),
        (
            "negative size",
            Tar::new().pax(&[("size", "-1")]).file("f", b"x").end(),
            "is no number",
        ),
        (
            "content of a link",
            Tar::new().with_content("l", b'2', b"content").end(),
            "bytes of content",
        ),
        (
            "owner",
            Tar::new().owned("f", 4242, 4242).end(),
            "belongs to 4242:4242",
        ),
        (
            "owner in pax",
            Tar::new().pax(&[("uid", "4242")]).file("f", b"x").end(),
            "belongs to 4242:",
        ),
        (
            "owner beyond",
            Tar::new()
                .pax(&[("uid", "99999999999")])
                .file("f", b"x")
                .end(),
            "no number of a user",
        ),
        (
            "root as a file",
            Tar::new().file("./", b"").link(".", "x").end(),
            "would replace the root",
        ),
        (
            "a name with a zero byte",
            Tar::new().pax(&[("path", "a\0b")]).file("f", b"x").end(),
            "zero byte",
        ),
        (
            "name in pax",
            Tar::new().pax(&[("path", "../evil")]).file("f", b"x").end(),
            "goes up with `..`",
        ),
        (
            "name in GNU",
            Tar::new().long("../evil").file("f", b"x").end(),
            "goes up with `..`",
        ),
        (
            "global path",
            Tar::new().global(&[("path", "evil")]).file("f", b"x").end(),
            "for all entries",
        ),
        (
            "extension bomb",
            Tar::new()
                .pax(&[("comment", &"x".repeat(40_000))])
                .file("f", b"x")
                .end(),
            "extensions of one entry",
        ),
        (
            "many extensions",
            (0..40)
                .fold(Tar::new(), |tar, _| tar.long(&"x".repeat(1000)))
                .file("f", b"x")
                .end(),
            "extensions of one entry",
        ),
        (
            "extension without an entry",
            Tar::new().pax(&[("path", "x")]).end(),
            "has no entry",
        ),
        ("empty", Tar::new().end(), "holds no entry"),
        (
            "not a tar",
            b"PK\x03\x04 this is a zip, really".repeat(60),
            "checksum is wrong",
        ),
        (
            "no end",
            Tar::new().file("f", b"x").cut(),
            "before the two blocks of zeros",
        ),
        (
            "half an end",
            [Tar::new().file("f", b"x").cut(), vec![0; 512]].concat(),
            "before the two blocks of zeros",
        ),
        (
            "an end in the middle",
            [Tar::new().file("f", b"x").cut(), vec![0; 512], file("g")].concat(),
            "stands between two entries",
        ),
        (
            "more behind the end",
            [file("f"), file("g")].concat(),
            "more behind its end",
        ),
    ];
    let whole = Tar::new().file("f", &[7; 3000]).end();
    cases.push((
        "cut in content",
        whole[..2000].to_vec(),
        "inside the content",
    ));
    cases.push((
        "cut in a header",
        whole[..300].to_vec(),
        "before the two blocks",
    ));
    cases.push((
        "cut in padding",
        whole[..3600].to_vec(),
        "before the two blocks",
    ));
    let mut flipped = whole;
    flipped[5] ^= 1;
    cases.push(("flipped bit", flipped, "checksum is wrong"));
    cases
}

#[test]
fn every_hostile_tar_is_refused_and_leaves_the_workspace_whole() {
    let (ground, one) = workspace("one");
    fs::write(one.directory().join("precious"), "kept").unwrap();
    let before = picture(ground.path());
    for (name, bytes, reason) in hostile() {
        let error = restored(&one, &bytes).expect_err(name);
        assert!(error.contains(reason), "{name}: {error}");
        assert_eq!(
            picture(ground.path()),
            before,
            "{name}: something stayed or went"
        );
    }
}

/// The same archives without what is hostile in them are taken: the laws refuse that, and not everything.
#[test]
fn their_harmless_cousins_are_taken() {
    let (_ground, one) = workspace("one");
    for (name, bytes) in [
        ("dots in names", Tar::new().file("..a/b../...", b"x").end()),
        (
            "no entry for a parent",
            Tar::new().file("a/b/c", b"x").directory("a/").end(),
        ),
        (
            "link inside",
            Tar::new()
                .directory("d/")
                .link("d/l", "../x/y")
                .link("l", "d/l")
                .end(),
        ),
        (
            "hard link",
            Tar::new()
                .file("d/f", b"x")
                .hard("h", "./d/f")
                .hard("i", "h")
                .end(),
        ),
        (
            "long names",
            Tar::new().long(&"n".repeat(200)).file("short", b"x").end(),
        ),
        (
            "comment for all",
            Tar::new()
                .global(&[("comment", "0123456789abcdef")])
                .file("f", b"x")
                .end(),
        ),
        (
            "record padding",
            [Tar::new().file("f", b"x").end(), vec![0; 9000]].concat(),
        ),
        (
            "absolute link inside",
            Tar::new()
                .link("l", one.directory().join("x").to_str().unwrap())
                .end(),
        ),
    ] {
        restored(&one, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        check(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mode = fs::metadata(one.directory()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o755, "a root without an entry is as it was");
}

#[test]
fn what_is_refused_can_be_accepted() {
    let ground = tempfile::tempdir().unwrap();
    let accept = Accept {
        foreign_owners: true,
        case_collisions: true,
        outward_links: true,
    };
    let one = Workspace::open(&ground.path().join("one"), Limits::default(), accept).unwrap();
    let tar = Tar::new()
        .file("README", b"x")
        .file("readme", b"y")
        .link("l", "/usr/bin/python3")
        .owned("f", 4242, 4343)
        .end();
    restored(&one, &tar).unwrap();
    assert_eq!(fs::read_dir(one.directory()).unwrap().count(), 4);
    let owner = fs::metadata(one.directory().join("f")).unwrap();
    if rustix::process::geteuid().is_root() {
        assert_eq!((owner.uid(), owner.gid()), (4242, 4343));
    } else {
        assert_eq!(owner.uid(), rustix::process::geteuid().as_raw());
    }
}

#[test]
fn what_could_not_be_restored_is_not_saved() {
    let (_ground, one) = workspace("one");
    symlink("/etc/passwd", one.directory().join("out")).unwrap();
    let error = one.write(&mut Vec::new()).unwrap_err();
    assert!(matches!(error, ArchiveError::Refused { .. }), "{error}");
    fs::remove_file(one.directory().join("out")).unwrap();
    fs::write(one.directory().join("A"), "").unwrap();
    fs::write(one.directory().join("a"), "").unwrap();
    assert!(
        one.write(&mut Vec::new())
            .unwrap_err()
            .told()
            .contains("differ in case only")
    );
}

#[test]
fn limits_hold_while_the_archive_streams() {
    let ground = tempfile::tempdir().unwrap();
    let limits = Limits {
        bytes: 1000,
        entries: 3,
    };
    let one = Workspace::open(&ground.path().join("one"), limits, Accept::default()).unwrap();
    let error = |tar: Vec<u8>| restored(&one, &tar).unwrap_err();
    assert!(
        error(Tar::new().file("a", &[0; 600]).file("b", &[0; 600]).end())
            .contains("1200 bytes, more than 1000")
    );
    assert!(
        error(
            Tar::new()
                .file("a", b"")
                .file("b", b"")
                .file("c", b"")
                .file("d", b"")
                .end()
        )
        .contains("more than 3 entries")
    );
    // What is announced is refused before it is waited for.
    struct Never;
    impl Read for Never {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("content was read that could only be refused")
        }
    }
    let head = Tar::new().sized("big", 2000).cut();
    let mut stream = (&head[..512]).chain(Never);
    assert!(
        one.restore(&mut stream, |_| Ok(()))
            .unwrap_err()
            .told()
            .contains("more than 1000")
    );
}

#[test]
fn leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not() {
    use rustix::fs::{FlockOperation, flock};

    let (ground, one) = workspace("one");
    let dead = ground.path().join(".one.restore-0123456789abcdef");
    let alive = ground.path().join(".one.restore-fedcba9876543210");
    let other = ground.path().join(".other.restore-0123456789abcdef");
    for path in [&dead, &alive, &other] {
        fs::create_dir_all(path.join("new/deep")).unwrap();
    }
    fs::set_permissions(dead.join("new"), fs::Permissions::from_mode(0o000)).unwrap();
    let lock = fs::File::open(&alive).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    Workspace::open(one.directory(), Limits::default(), Accept::default()).unwrap();
    assert!(!dead.exists() && alive.exists() && other.exists());
}

#[test]
fn what_cannot_be_restored_is_not_served() {
    let ground = tempfile::tempdir().unwrap();
    let error = |path: &Path| {
        Workspace::open(path, Limits::default(), Accept::default())
            .unwrap_err()
            .to_string()
    };
    fs::write(ground.path().join("file"), "").unwrap();
    symlink("elsewhere", ground.path().join("link")).unwrap();
    assert!(error(&ground.path().join("file")).contains("is no directory"));
    assert!(error(&ground.path().join("link")).contains("is no directory"));
    assert!(error(Path::new("/proc")).contains("is a mount point"));
    assert!(error(Path::new("/")).contains("has no name"));
    assert!(error(&ground.path().join("no/such")).contains("does not work"));
    assert!(error(Path::new("/proc/self/workspace")).contains("does not work"));
}
