//! Who acts: what is known of each traced thread, kept as long as it is the same thread.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use adamant_probe::Actor;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::{Errno, read};

use super::place::Root;

/// How many words of an `argv` are told.
pub(super) const WORDS_MOST: usize = 32;
/// How many bytes of a word are told.
pub(super) const WORD_MOST: usize = 256;
/// How many threads are remembered; each holds a descriptor.
const MOST: usize = 400;
/// How much of `cmdline` is read: long words may hide those behind them.
const CMDLINE_MOST: usize = 64 * 1024;

/// Where a launcher lives; all that it starts lives there too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    /// How deep its namespace of process ids is nested below the supervisor's.
    level: usize,
    /// Its users: the first inside, the first outside, how many.
    users: Vec<[u32; 3]>,
}

impl Home {
    /// Where the process `pid` lives.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let dir = open_dir(pid)?;
        let status = Status::read(dir.as_fd())?;
        let map = slurp(dir.as_fd(), "uid_map", 4096)?;
        let users = String::from_utf8_lossy(&map)
            .lines()
            .filter_map(|line| {
                let mut fields = line.split_ascii_whitespace().map(str::parse);
                match (fields.next(), fields.next(), fields.next()) {
                    (Some(Ok(inside)), Some(Ok(outside)), Some(Ok(count))) => {
                        Some([inside, outside, count])
                    }
                    _ => None,
                }
            })
            .collect();
        let level = status.ids.len().saturating_sub(1);
        Ok(Self { level, users })
    }

    /// A user as the container names it.
    fn user(&self, outside: u32) -> u32 {
        self.users
            .iter()
            .find_map(|[inside, first, count]| {
                let offset = outside.checked_sub(*first)?;
                (offset < *count).then(|| inside.wrapping_add(offset))
            })
            .unwrap_or(outside)
    }
}

/// What decides whether a file may be executed; users and groups as the supervisor sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rights {
    /// The user for access to files.
    pub(super) uid: u32,
    /// Its groups for access to files.
    pub(super) gids: Vec<u32>,
    /// Whether it may override the modes of files.
    pub(super) overrides: bool,
}

/// One traced thread.
pub(super) struct Member {
    /// `/proc/TID`: unlike the number, it never means another thread.
    dir: OwnedFd,
    /// The process, as the supervisor sees it.
    pub(super) process: u32,
    /// The thread inside the container.
    pub(super) thread: i32,
    /// What is told of it.
    pub(super) actor: Actor,
    /// What it may do.
    pub(super) rights: Rights,
    /// Whether it asked to become something else since it was looked at.
    stale: bool,
}

impl Member {
    fn meet(tid: u32, home: &Home) -> io::Result<Self> {
        let dir = open_dir(tid)?;
        let status = Status::read(dir.as_fd())?;
        let (ppid, parent) = parent(status.parent, home);
        let actor = Actor {
            pid: status.process_at(home.level),
            ppid,
            parent,
            exe: String::new(),
            argv: Vec::new(),
            uid: 0,
        };
        let mut member = Self {
            dir,
            process: status.process,
            thread: status.at(home.level),
            actor,
            rights: Rights::default(),
            stale: false,
        };
        member.describe(&status, home);
        Ok(member)
    }

    /// What may have changed; the parent stays the one that it had when it was first seen.
    fn look_again(&mut self, home: &Home) -> io::Result<()> {
        let status = Status::read(self.dir.as_fd())?;
        // The thread that executes a program takes the number of its process.
        self.thread = status.at(home.level);
        self.describe(&status, home);
        self.stale = false;
        Ok(())
    }

    fn describe(&mut self, status: &Status, home: &Home) {
        self.actor.uid = home.user(status.effective);
        self.actor.argv = command_line(self.dir.as_fd());
        self.actor.exe = match (self.root(), readlinkat(&self.dir, "exe", Vec::new())) {
            (Ok(root), Ok(exe)) => {
                let exe = root.inside(exe.to_bytes());
                let exe = exe.strip_suffix(b" (deleted)").unwrap_or(exe);
                String::from_utf8_lossy(exe).into_owned()
            }
            _ => String::from("?"),
        };
        self.rights = status.rights.clone();
    }

    /// `/proc/TID`.
    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Its root directory at this moment.
    pub(super) fn root(&self) -> rustix::io::Result<Root> {
        Root::open(self.dir.as_fd())
    }

    fn is_alive(&self) -> bool {
        statat(&self.dir, "stat", AtFlags::empty()).is_ok()
    }
}

/// Every traced thread that was seen.
#[derive(Default)]
pub(super) struct Crowd {
    members: BTreeMap<u32, Member>,
}

impl Crowd {
    /// The thread of this number, which waits for an answer and so cannot end by itself meanwhile.
    pub(super) fn find(&mut self, tid: u32, home: &Home) -> io::Result<&Member> {
        let known = match self.members.get_mut(&tid) {
            Some(member) if member.stale => member.look_again(home).is_ok(),
            Some(member) => member.is_alive(),
            None => false,
        };
        if !known {
            self.make_room();
            self.members.insert(tid, Member::meet(tid, home)?);
        }
        self.members
            .get(&tid)
            .ok_or_else(|| io::Error::from(Errno::SRCH))
    }

    /// The process of a thread that was found before.
    pub(super) fn process_of(&self, tid: u32) -> Option<u32> {
        self.members.get(&tid).map(|member| member.process)
    }

    fn make_room(&mut self) {
        if self.members.len() < MOST {
            return;
        }
        self.members.retain(|_, member| member.is_alive());
        if self.members.len() >= MOST {
            self.members.clear();
        }
    }

    /// The process asked to become another program, or one of its threads another user.
    pub(super) fn doubt(&mut self, process: u32) {
        for member in self.members.values_mut() {
            member.stale |= member.process == process;
        }
    }

    /// The process ends.
    pub(super) fn leave(&mut self, process: u32) {
        self.members.retain(|_, member| member.process != process);
    }
}

/// Whether a thread is the last one of its process.
pub(super) fn is_alone(tid: u32) -> bool {
    // Each thread has a directory in it, and a directory has two links of its own.
    let tasks = statat(CWD, format!("/proc/{tid}/task"), AtFlags::empty());
    tasks.is_ok_and(|found| found.st_nlink == 3)
}

fn open_dir(pid: u32) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, format!("/proc/{pid}"), flags, Mode::empty())
}

/// At most `most` bytes of a file of `/proc/PID`.
fn slurp(dir: BorrowedFd<'_>, name: &str, most: usize) -> rustix::io::Result<Vec<u8>> {
    let file = openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while bytes.len() < most {
        match read(&file, &mut part) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        // These files are written by the kernel in one piece where they are short.
        if bytes.len() < part.len() {
            break;
        }
    }
    Ok(bytes)
}

/// The parent inside the container and what it runs.
fn parent(pid: u32, home: &Home) -> (i32, Vec<String>) {
    let outside = (0, Vec::new());
    if pid == 0 {
        return outside;
    }
    let Ok(dir) = open_dir(pid) else {
        return outside;
    };
    match Status::read(dir.as_fd()) {
        Ok(status) if status.ids.len() > home.level => {
            (status.at(home.level), command_line(dir.as_fd()))
        }
        _ => outside,
    }
}

fn command_line(dir: BorrowedFd<'_>) -> Vec<String> {
    let line = slurp(dir, "cmdline", CMDLINE_MOST).unwrap_or_default();
    if line.is_empty() {
        return Vec::new();
    }
    line.strip_suffix(b"\0")
        .unwrap_or(&line)
        .split(|byte| *byte == 0)
        .take(WORDS_MOST)
        .map(word)
        .collect()
}

/// A word as it is told.
pub(super) fn word(bytes: &[u8]) -> String {
    let bytes = bytes.get(..WORD_MOST).unwrap_or(bytes);
    let mut word = String::from_utf8_lossy(bytes).into_owned();
    // A replacement character is longer than the byte that it stands for.
    word.truncate(word.floor_char_boundary(WORD_MOST));
    word
}

/// What is taken from `/proc/TID/status`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Status {
    process: u32,
    parent: u32,
    effective: u32,
    /// The thread's number in each nested namespace.
    ids: Vec<i32>,
    /// Its process's.
    processes: Vec<i32>,
    rights: Rights,
}

impl Status {
    fn read(dir: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let text = slurp(dir, "status", 16 * 1024)?;
        Ok(Self::parse(&String::from_utf8_lossy(&text)))
    }

    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let mut words = value.split_ascii_whitespace();
            let number = |word: Option<&str>| word.and_then(|w| w.parse().ok()).unwrap_or(0);
            match key {
                "Tgid" => status.process = number(words.next()),
                "PPid" => status.parent = number(words.next()),
                "Uid" => {
                    status.effective = number(words.nth(1));
                    // Behind the effective one stand the saved one and that for files.
                    status.rights.uid = number(words.nth(1));
                }
                "Gid" => status.rights.gids.push(number(words.nth(3))),
                "Groups" => status
                    .rights
                    .gids
                    .extend(words.filter_map(|word| word.parse::<u32>().ok())),
                "NStgid" => status.processes = words.filter_map(|w| w.parse().ok()).collect(),
                "NSpid" => status.ids = words.filter_map(|w| w.parse().ok()).collect(),
                "CapEff" => {
                    const DAC_OVERRIDE: u64 = 1 << 1;
                    let set = words.next().and_then(|w| u64::from_str_radix(w, 16).ok());
                    status.rights.overrides = set.is_some_and(|set| set & DAC_OVERRIDE != 0);
                }
                _ => {}
            }
        }
        status
    }

    /// The thread's number in the namespace at `level`; 0 when it is not in it.
    fn at(&self, level: usize) -> i32 {
        self.ids.get(level).copied().unwrap_or(0)
    }

    fn process_at(&self, level: usize) -> i32 {
        self.processes.get(level).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\ta b\nTgid:\t70\nPid:\t71\nPPid:\t60\nUid:\t1000\t1001\t1002\t1003\n\
        Gid:\t5\t6\t7\t8\nGroups:\t9 10 \nNStgid:\t70\t1\nNSpid:\t71\t2\nCapEff:\t0000000000000002\n";

    #[test]
    fn a_status_is_read_by_its_fields() {
        let status = Status::parse(STATUS);
        assert_eq!(
            (status.process, status.parent, status.effective),
            (70, 60, 1001)
        );
        assert_eq!(
            (status.at(1), status.process_at(1), status.at(2)),
            (2, 1, 0)
        );
        let rights = Rights {
            uid: 1003,
            gids: vec![8, 9, 10],
            overrides: true,
        };
        assert_eq!(status.rights, rights);
        assert_eq!(Status::parse("nonsense\nUid:\t\nNSpid: x"), {
            let mut empty = Status::default();
            empty.rights.gids.clear();
            empty
        });
    }

    #[test]
    fn a_user_is_told_as_the_container_names_it() {
        let home = Home {
            level: 0,
            users: vec![[0, 100_000, 65_536]],
        };
        assert_eq!(
            (home.user(100_000), home.user(101_000), home.user(7)),
            (0, 1000, 7)
        );
    }

    #[test]
    fn a_word_is_cut_within_its_bound() {
        assert_eq!(word(&[b'a'; 300]).len(), WORD_MOST);
        assert!(word(&[0xff; 300]).len() <= WORD_MOST);
        assert_eq!(word("é".repeat(200).as_bytes()).chars().count(), 128);
        assert_eq!(word(b""), "");
    }

    #[test]
    fn this_process_is_known_and_known_again() {
        let own = std::process::id();
        let home = Home::of(own).expect("this process has a home");
        let mut crowd = Crowd::default();
        let first = crowd.find(own, &home).expect("found").actor.clone();
        assert!(first.exe.starts_with('/') && !first.argv.is_empty());
        assert!(first.ppid > 0 && !first.parent.is_empty());
        crowd.doubt(own);
        assert_eq!(crowd.find(own, &home).expect("found").actor, first);
        crowd.leave(own);
        assert!(crowd.members.is_empty());
        assert!(crowd.find(u32::MAX, &home).is_err());
    }

    #[test]
    fn a_process_with_threads_is_not_alone() {
        // This test runs beside the thread that waits for it.
        assert!(!is_alone(std::process::id()));
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("started");
        assert!(is_alone(child.id()));
        drop(child.stdin.take());
        child.wait().expect("ended");
        assert!(!is_alone(child.id()));
    }
}
