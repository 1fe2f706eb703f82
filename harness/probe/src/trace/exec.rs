//! Which program a process asks to become, with which words, and whether the file can be one at all.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use adamant_probe::Action;
use rustix::fs::{FileType, Mode, OFlags, StatVfsMountFlags, fstatvfs, openat};
use rustix::io::Errno;

use super::crowd::{Member, Rights, WORD_MOST, WORDS_MOST, word};
use super::memory::{Memory, u64_at};
use super::place::{Found, Spot, procfs_link};
use crate::errno;

/// As many scripts as the kernel follows from one to the next.
const SCRIPTS_MOST: usize = 5;
/// As much of a script's first line as the kernel reads.
const HEAD_MOST: usize = 256;

/// The event of an exec of what is at `spot`.
pub(super) fn exec(member: &Member, memory: Memory, spot: &Spot, argv: u64) -> Action {
    let argv = words(memory, argv);
    let (refused, runs) = match inspect(member, spot) {
        Ok(chain) => (None, runs(&chain, spot, &argv)),
        Err(errno) => (Some(errno::name(errno)), Vec::new()),
    };
    Action::Exec {
        path: spot.text(),
        argv,
        refused,
        runs,
    }
}

/// The words that the kernel starts in the place of a script; none for what is none.
fn runs(chain: &[Line], spot: &Spot, argv: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    // The interpreter of the last script in the chain is what runs.
    for line in chain.iter().rev() {
        all.push(word(&line.interpreter));
        all.extend(line.argument.as_deref().map(word));
    }
    if !all.is_empty() {
        all.push(spot.text());
        all.extend(argv.iter().skip(1).cloned());
        all.truncate(WORDS_MOST);
    }
    all
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

/// Why the kernel will not run it, as far as the file itself says; else the first lines of the scripts on the way to
/// what it runs, the file's own first.
fn inspect(member: &Member, spot: &Spot) -> Result<Vec<Line>, Errno> {
    let mut chain = Vec::new();
    let found = spot.found.as_ref().map_err(|errno| *errno)?;
    match found.kind() {
        FileType::RegularFile => {}
        // The last link was not to be followed.
        FileType::Symlink => return Err(Errno::LOOP),
        _ => return Err(Errno::ACCESS),
    }
    if !may_execute(&member.rights, found) {
        return Err(Errno::ACCESS);
    }
    // What has no name cannot be found again.
    let root = match member.root() {
        Ok(root) if found.named => root,
        _ => return Ok(chain),
    };
    let Ok(mut file) = root.look(&spot.path, OFlags::empty()) else {
        return Ok(chain);
    };
    if fstatvfs(&file).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return Err(Errno::ACCESS);
    }
    while chain.len() < SCRIPTS_MOST {
        let Some(line) = head(&file).as_deref().and_then(first_line) else {
            break;
        };
        let path = line.interpreter.clone();
        chain.push(line);
        // A path that is relative to the working directory is as rare as it is hard to follow.
        if !path.starts_with(b"/") || path.starts_with(b"/proc") {
            break;
        }
        file = match root.look(&path, OFlags::empty()) {
            Ok(file) => file,
            Err(errno @ (Errno::NOENT | Errno::NOTDIR)) => return Err(errno),
            Err(_) => break,
        };
    }
    Ok(chain)
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

/// What the first line of a script says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    interpreter: Vec<u8>,
    /// Everything behind it, blanks within it included: the kernel takes it for one word.
    argument: Option<Vec<u8>>,
}

/// The first line of a script.
fn first_line(head: &[u8]) -> Option<Line> {
    let line = head.strip_prefix(b"#!")?;
    let line = line.split(|byte| matches!(byte, b'\n' | 0)).next()?;
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let (interpreter, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_ascii();
    (!interpreter.is_empty()).then(|| Line {
        interpreter: interpreter.to_vec(),
        argument: (!rest.is_empty()).then(|| rest.to_vec()),
    })
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
        let read = |head: &[u8]| {
            let line = first_line(head)?;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            Some((text(line.interpreter), line.argument.map(text)))
        };
        let line = |interpreter: &str, argument: Option<&str>| {
            Some((interpreter.to_owned(), argument.map(str::to_owned)))
        };
        assert_eq!(read(b"#!/bin/sh\necho"), line("/bin/sh", None));
        assert_eq!(
            read(b"#! \t/usr/bin/env -S  node -x \n"),
            line("/usr/bin/env", Some("-S  node -x"))
        );
        for head in [&b"#!\n/bin/sh"[..], b"\x7fELF", b""] {
            assert_eq!(read(head), None);
        }
    }
}
