//! Which program a process asks to become, with which words, and whether the file can be one at all.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use adamant_probe::Action;
use rustix::fs::{FileType, Mode, OFlags, StatVfsMountFlags, fstatvfs, openat};
use rustix::io::Errno;

use super::crowd::{Member, Rights, WORD_MOST, WORDS_MOST, word};
use super::memory::{Memory, u64_at};
use super::place::{Found, Root, Spot, procfs_link};
use crate::errno;

/// As much of a script's first line as the kernel reads.
const HEAD_MOST: usize = 256;

/// The event of an exec of what is at `spot`.
pub(super) fn exec(member: &Member, memory: Memory, spot: &Spot, argv: u64) -> Action {
    Action::Exec {
        path: spot.text(),
        argv: words(memory, argv),
        refused: refusal(member, spot).map(errno::name),
    }
}

/// The first words of an `argv`, however many there are.
fn words(memory: Memory, argv: u64) -> Vec<String> {
    const POINTER: usize = 8;
    let mut words = Vec::new();
    for pointer in memory
        .bytes(argv, WORDS_MOST * POINTER)
        .chunks_exact(POINTER)
    {
        match u64_at(pointer, 0) {
            None | Some(0) => break,
            Some(at) => words.push(match memory.text(at, WORD_MOST) {
                Some(text) => word(&text.bytes),
                None => String::from("?"),
            }),
        }
    }
    words
}

/// Why the kernel will not run it, as far as the file itself says.
fn refusal(member: &Member, spot: &Spot) -> Option<Errno> {
    let found = match &spot.found {
        Ok(found) => found,
        Err(errno) => return Some(*errno),
    };
    match found.kind() {
        FileType::RegularFile => {}
        // The last link was not to be followed.
        FileType::Symlink => return Some(Errno::LOOP),
        _ => return Some(Errno::ACCESS),
    }
    if !may_execute(&member.rights, found) {
        return Some(Errno::ACCESS);
    }
    // What has no name cannot be found again.
    if !found.named {
        return None;
    }
    let root = member.root().ok()?;
    let file = root.look(&spot.path, OFlags::empty()).ok()?;
    if fstatvfs(&file).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return Some(Errno::ACCESS);
    }
    let interpreter = interpreter(&head(&file)?)?;
    interpreter_refusal(&root, &interpreter)
}

fn interpreter_refusal(root: &Root, path: &[u8]) -> Option<Errno> {
    // A path that is relative to the working directory is as rare as it is hard to follow.
    if !path.starts_with(b"/") || path.starts_with(b"/proc") {
        return None;
    }
    match root.look(path, OFlags::empty()) {
        Err(errno @ (Errno::NOENT | Errno::NOTDIR)) => Some(errno),
        _ => None,
    }
}

/// The mode bits as the kernel reads them; access lists are not looked at.
fn may_execute(rights: &Rights, found: &Found) -> bool {
    let stat = &found.stat;
    let bits = stat.st_mode & 0o111;
    if rights.overrides {
        bits != 0
    } else if stat.st_uid == rights.uid {
        bits & 0o100 != 0
    } else if rights.gids.contains(&stat.st_gid) {
        bits & 0o010 != 0
    } else {
        bits & 0o001 != 0
    }
}

/// The beginning of a file that is open for looking at.
fn head(file: &OwnedFd) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOATIME | OFlags::CLOEXEC;
    let readable = openat(rustix::fs::CWD, procfs_link(file), flags, Mode::empty()).ok()?;
    let mut head = Vec::new();
    let mut part = File::from(readable).take(HEAD_MOST as u64);
    part.read_to_end(&mut head).ok()?;
    Some(head)
}

/// The program that a script names in its first line.
fn interpreter(head: &[u8]) -> Option<Vec<u8>> {
    let line = head.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t' | 0));
    words.find(|word| !word.is_empty()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Memory {
        Memory::new(std::process::id())
    }

    #[test]
    fn words_are_read_from_memory_and_bounded() {
        let texts: Vec<Vec<u8>> = vec![b"sh\0".to_vec(), b"-c\0".to_vec(), vec![b'x'; 5000]];
        let mut argv: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).collect();
        argv.push(8);
        argv.push(0);
        let read = words(own(), argv.as_ptr() as u64);
        assert_eq!(read[..2], ["sh", "-c"]);
        assert_eq!(
            (read[2].len(), read[3].as_str(), read.len()),
            (WORD_MOST, "?", 4)
        );
        let many = vec![texts[0].as_ptr() as u64; 1_000_000];
        assert_eq!(words(own(), many.as_ptr() as u64).len(), WORDS_MOST);
        for address in [0, 8, u64::MAX] {
            assert_eq!(words(own(), address), Vec::<String>::new());
        }
    }

    #[test]
    fn a_script_names_its_interpreter() {
        let name =
            |head: &[u8]| interpreter(head).map(|i| String::from_utf8_lossy(&i).into_owned());
        assert_eq!(name(b"#!/bin/sh\necho").as_deref(), Some("/bin/sh"));
        assert_eq!(
            name(b"#! \t/usr/bin/env node\n").as_deref(),
            Some("/usr/bin/env")
        );
        assert_eq!(name(b"#!\n/bin/sh"), None);
        assert_eq!(name(b"\x7fELF"), None);
        assert_eq!(name(b""), None);
    }
}
