//! Follows a path by hand, one component after the other, where the kernel's own answer would be the supervisor's.

use std::collections::VecDeque;

use rustix::fs::{FileType, Mode, OFlags, fstat, fstatfs, openat, readlinkat};
use rustix::io::Errno;

use super::crowd::Member;
use super::place::{Found, Root, Spot};

/// As many links as the kernel follows.
const LINKS_MOST: usize = 40;
/// A path that has grown longer than this leads nowhere.
const LENGTH_MOST: usize = 2 * super::memory::PATH_MOST;
const PROC_MAGIC: u64 = 0x9fa0;

/// Where the absolute `path` leads.
pub(super) fn walk(root: &Root, member: &Member, path: &[u8], follow: bool) -> Spot {
    let mut todo: VecDeque<Vec<u8>> = parts(path).collect();
    let mut done: Vec<u8> = Vec::new();
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == b".." {
            done.truncate(done.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
            continue;
        }
        let next = [done.as_slice(), &part].join(&b'/');
        let is_last = todo.is_empty();
        let seen = root.look(&next, OFlags::NOFOLLOW).and_then(|fd| {
            let kind = FileType::from_raw_mode(fstat(&fd)?.st_mode);
            Ok((fd, kind))
        });
        let fd = match seen {
            Ok((fd, FileType::Symlink)) if !is_last || follow => fd,
            Ok(_) => {
                done = next;
                continue;
            }
            Err(errno) => return nowhere(next, todo, errno),
        };
        links += 1;
        let target = match own_name(&part, member, &fd) {
            Some(own) => own,
            None => match readlinkat(&fd, "", Vec::new()) {
                Ok(target) => target.into_bytes(),
                Err(errno) => return nowhere(next, todo, errno),
            },
        };
        if links > LINKS_MOST || target.len() + next.len() > LENGTH_MOST {
            return nowhere(next, todo, Errno::LOOP);
        }
        let magic = in_proc(&fd) && (target.starts_with(b"/") || target.contains(&b':'));
        if magic && is_last {
            return behind(root, &done, &part, &target);
        }
        let target = if magic { root.inside(&target) } else { &target };
        if target.starts_with(b"/") {
            done.clear();
        }
        for part in parts(target).rev() {
            todo.push_front(part);
        }
    }
    if done.is_empty() {
        done.push(b'/');
    }
    let more = if follow {
        OFlags::empty()
    } else {
        OFlags::NOFOLLOW
    };
    let found = root
        .look(&done, more)
        .and_then(|fd| Found::of(&fd, root))
        .map(|(_same, found)| found);
    Spot { path: done, found }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
}

/// What cannot be found is told as far as it was found, and then as it was written.
fn nowhere(mut path: Vec<u8>, todo: VecDeque<Vec<u8>>, errno: Errno) -> Spot {
    for part in todo {
        if part == b".." {
            path.truncate(path.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
        } else {
            path.push(b'/');
            path.extend(part);
        }
    }
    if path.is_empty() {
        path.push(b'/');
    }
    let found = Err(errno);
    Spot { path, found }
}

fn in_proc(fd: &impl std::os::fd::AsFd) -> bool {
    fstatfs(fd).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(PROC_MAGIC))
}

/// Where `/proc/self` and `/proc/thread-self` lead for the process: for this one, elsewhere.
fn own_name(part: &[u8], member: &Member, link: &impl std::os::fd::AsFd) -> Option<Vec<u8>> {
    let own = match part {
        b"self" => member.actor.pid.to_string(),
        b"thread-self" => format!("{}/task/{}", member.actor.pid, member.thread),
        _ => return None,
    };
    in_proc(link).then(|| own.into_bytes())
}

/// What is behind a link of `/proc` that is not followed by its text, such as those to open files.
fn behind(root: &Root, dir: &[u8], name: &[u8], text: &[u8]) -> Spot {
    let opened = root
        .look(dir, OFlags::DIRECTORY)
        .and_then(|dir| openat(&dir, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()))
        .and_then(|fd| Found::of(&fd, root));
    match opened {
        Ok((path, found)) => Spot {
            path,
            found: Ok(found),
        },
        Err(errno) => Spot {
            path: root.inside(text).to_vec(),
            found: Err(errno),
        },
    }
}
