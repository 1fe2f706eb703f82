//! Turns a call and its arguments into what is told of it.

use std::os::fd::AsFd;

use adamant_probe::Action;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::calls::{At, Call, Follow, Shape};
use super::crowd::Member;
use super::exec;
use super::filter::WRITE_FLAGS;
use super::kernel::{self, Notification};
use super::memory::{Memory, PATH_MOST, u32_at, u64_at};
use super::net::{self, Socket};
use super::place::{self, Spot, UNKNOWN};

/// What is told of the call `call` of `member`; nothing, when it changes and reaches nothing.
pub(super) fn decode(call: &Call, notification: &Notification, member: &Member) -> Vec<Action> {
    let asked = Asked {
        member,
        memory: Memory::new(notification.tid),
        args: notification.args,
        name: call.name,
    };
    let args = notification.args;
    let socket = || Socket {
        memory: asked.memory,
        process: member.process,
        fd: asked.descriptor(0),
    };
    match call.shape {
        Shape::Open(at, flags) => asked.open(at, args[flags]),
        Shape::Open2 => asked.open_how(),
        Shape::OpenHandle => asked.open_handle(),
        Shape::Create => asked.opened(At { dir: None, path: 0 }, true, false),
        Shape::Path(at, follow) => asked.path(at, follow),
        Shape::Directory(at) => asked.directory(at),
        Shape::Names(from, to, follow) => asked.names(from, to, follow),
        Shape::Descriptor => asked.changed(&place::descriptor(member, asked.descriptor(0))),
        Shape::Attributes => asked.changed(&place::descriptor(member, asked.descriptor(0))),
        Shape::Socket => vec![net::packets()],
        Shape::Connect => net::connect(asked.memory, args),
        Shape::Bind => asked.bind().into_iter().collect(),
        Shape::SendTo => socket().send_to(args),
        Shape::SendMsg => socket().send_message(args),
        Shape::SendMmsg => socket().send_messages(args),
        Shape::Exec(at, argv, follow) => {
            let spot = asked.spot(at, follow);
            vec![exec::exec(member, asked.memory, &spot, args[argv])]
        }
        Shape::Exit | Shape::ExitThread => vec![exit(notification)],
        Shape::User => Vec::new(),
    }
}

/// What is told of a call of a process that cannot be looked at.
pub(super) fn undecoded(call: &Call, notification: &Notification) -> Option<Action> {
    let unknown = || String::from_utf8_lossy(UNKNOWN).into_owned();
    match call.shape {
        Shape::Socket => Some(net::packets()),
        Shape::Connect | Shape::SendTo | Shape::SendMsg | Shape::SendMmsg => {
            Some(Action::Connect {
                address: unknown(),
                port: 0,
            })
        }
        Shape::Exec(..) => Some(Action::Exec {
            path: unknown(),
            argv: Vec::new(),
            refused: None,
            runs: Vec::new(),
        }),
        Shape::Exit | Shape::ExitThread => Some(exit(notification)),
        Shape::User => None,
        Shape::Open(_, flags) if notification.args[flags] & u64::from(WRITE_FLAGS) == 0 => None,
        Shape::Open(..)
        | Shape::Open2
        | Shape::OpenHandle
        | Shape::Create
        | Shape::Path(..)
        | Shape::Directory(..)
        | Shape::Names(..)
        | Shape::Descriptor
        | Shape::Attributes
        | Shape::Bind => Some(Action::Write {
            call: call.name.to_owned(),
            path: unknown(),
            from: None,
        }),
    }
}

fn exit(notification: &Notification) -> Action {
    // A parent sees the lowest byte.
    let code = i32::from(notification.args[0].to_le_bytes()[0]);
    Action::Exit { code }
}

/// Whether opening what is there for writing can change the file system: a device, a pipe or a socket cannot.
fn changes(spot: &Spot) -> bool {
    spot.found.as_ref().map_or(true, |found| {
        let silent = matches!(
            found.kind(),
            FileType::CharacterDevice | FileType::Fifo | FileType::Socket
        );
        found.named && !silent
    })
}

/// A call of a process.
struct Asked<'a> {
    member: &'a Member,
    memory: Memory,
    args: [u64; 6],
    name: &'static str,
}

impl Asked<'_> {
    /// An argument that is an `int`.
    fn descriptor(&self, at: usize) -> i32 {
        let [a, b, c, d, ..] = self.args[at].to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    fn write(&self, path: &[u8], from: Option<&Spot>) -> Action {
        Action::Write {
            call: self.name.to_owned(),
            path: String::from_utf8_lossy(path).into_owned(),
            from: from.map(Spot::text),
        }
    }

    /// Where the path leads that the call gives at `at`.
    fn spot(&self, at: At, follow: Follow) -> Spot {
        const EMPTY_PATH: u64 = libc::AT_EMPTY_PATH.unsigned_abs() as u64;
        const NO_FOLLOW: u64 = libc::AT_SYMLINK_NOFOLLOW.unsigned_abs() as u64;
        const DO_FOLLOW: u64 = libc::AT_SYMLINK_FOLLOW.unsigned_abs() as u64;
        let (flags, follow) = match follow {
            Follow::Yes => (0, true),
            Follow::No => (0, false),
            Follow::Unless(at) => (self.args[at], self.args[at] & NO_FOLLOW == 0),
            Follow::If(at) => (self.args[at], self.args[at] & DO_FOLLOW != 0),
        };
        let address = self.args[at.path];
        // Where there is a directory, no path at all means what is open there.
        let empty = address == 0 || flags & EMPTY_PATH != 0 && self.is_empty(address);
        match at.dir {
            Some(dir) if empty => place::descriptor(self.member, self.descriptor(dir)),
            _ => self.locate(at, follow),
        }
    }

    fn is_empty(&self, address: u64) -> bool {
        self.memory.bytes(address, 1) == [0]
    }

    fn locate(&self, at: At, follow: bool) -> Spot {
        let dir = at.dir.map(|dir| self.descriptor(dir));
        match self.memory.path(self.args[at.path]) {
            Some(text) if text.whole => place::locate(self.member, dir, &text.bytes, follow),
            // The kernel takes no path that is as long as this.
            Some(text) if text.bytes.len() >= PATH_MOST => Spot {
                path: text.bytes,
                found: Err(Errno::NAMETOOLONG),
            },
            // The memory ends before the path does.
            Some(_) | None => Spot {
                path: UNKNOWN.to_vec(),
                found: Err(Errno::FAULT),
            },
        }
    }

    /// Where it leads when the directory stands for the root.
    fn locate_below(&self, at: At, follow: bool) -> Spot {
        match self.memory.path(self.args[at.path]) {
            Some(text) if text.whole && text.bytes.starts_with(b"/") => {
                let dir = at.dir.map(|dir| self.descriptor(dir));
                let below = [b".".as_slice(), &text.bytes].concat();
                place::locate(self.member, dir, &below, follow)
            }
            _ => self.locate(at, follow),
        }
    }

    fn open(&self, at: At, flags: u64) -> Vec<Action> {
        let [a, b, c, d, ..] = flags.to_le_bytes();
        let flags = i32::from_le_bytes([a, b, c, d]);
        // Such a descriptor can neither be written to nor make a file.
        if flags & libc::O_PATH != 0 {
            return Vec::new();
        }
        if flags.unsigned_abs() & WRITE_FLAGS == 0 {
            return self.read(at, flags & libc::O_NOFOLLOW == 0);
        }
        let exclusive = flags & libc::O_CREAT != 0 && flags & libc::O_EXCL != 0;
        let temporary = flags & libc::O_TMPFILE == libc::O_TMPFILE;
        let follow = flags & libc::O_NOFOLLOW == 0 && (temporary || !exclusive);
        self.opened(at, follow, false)
    }

    /// `openat2(dir, path, how, size)`.
    fn open_how(&self) -> Vec<Action> {
        const IN_ROOT: u64 = 0x10;
        const NO_SYMLINKS: u64 = 0x04;
        let at = At {
            dir: Some(0),
            path: 1,
        };
        let Some(how) = self.memory.exact::<24>(self.args[2]) else {
            return self.opened(at, true, false);
        };
        let (Some(flags), Some(resolve)) = (u64_at(&how, 0), u64_at(&how, 16)) else {
            return Vec::new();
        };
        let bit = |bits: i32| flags & u64::from(bits.unsigned_abs()) != 0;
        if bit(libc::O_PATH) || flags & u64::from(WRITE_FLAGS) == 0 {
            return Vec::new();
        }
        let exclusive = bit(libc::O_CREAT) && bit(libc::O_EXCL);
        let follow = !bit(libc::O_NOFOLLOW) && !exclusive && resolve & NO_SYMLINKS == 0;
        self.opened(at, follow, resolve & IN_ROOT != 0)
    }

    /// `open_by_handle_at(mount, handle, flags)`.
    fn open_handle(&self) -> Vec<Action> {
        let spot = self.handle();
        let told = || match &spot {
            Some(spot) => self.write(&spot.path, None),
            None => self.write(UNKNOWN, None),
        };
        let silent = spot.as_ref().is_some_and(|spot| !changes(spot));
        (!silent).then(told).into_iter().collect()
    }

    /// What a handle stands for, as the supervisor finds it on the same file system.
    fn handle(&self) -> Option<Spot> {
        const HEAD: usize = 8;
        const HANDLE_MOST: usize = 128;
        let head = self.memory.exact::<HEAD>(self.args[1])?;
        let length = usize::try_from(u32_at(&head, 0)?).ok()?;
        let handle = self
            .memory
            .bytes(self.args[1], HEAD + length.min(HANDLE_MOST));
        // The kernel takes no descriptor here that was opened for looking at.
        let mount = place::open_descriptor(
            self.member,
            self.descriptor(0),
            OFlags::RDONLY | OFlags::DIRECTORY,
        )
        .ok()?;
        let file = kernel::open_handle(mount.as_fd(), &handle).ok()?;
        let root = self.member.root().ok()?;
        Some(Spot::of(&file, &root))
    }

    /// Only a regular file that is there has been read.
    fn read(&self, at: At, follow: bool) -> Vec<Action> {
        let spot = self.locate(at, follow);
        let is_file = spot.found.as_ref().is_ok_and(|found| {
            found.named
                && found.kind() == FileType::RegularFile
                && !spot.path.starts_with(b"/proc/")
        });
        let told = || Action::Read { path: spot.text() };
        is_file.then(told).into_iter().collect()
    }

    fn opened(&self, at: At, follow: bool, below: bool) -> Vec<Action> {
        let spot = if below {
            self.locate_below(at, follow)
        } else {
            self.locate(at, follow)
        };
        let told = || self.write(&spot.path, None);
        changes(&spot).then(told).into_iter().collect()
    }

    fn path(&self, at: At, follow: Follow) -> Vec<Action> {
        let spot = self.spot(at, follow);
        // What is not followed is a name itself, whatever it names.
        if follow == Follow::No {
            return vec![self.write(&spot.path, None)];
        }
        self.changed(&spot)
    }

    /// `mkdir -p` asks for each directory on the way; one that is there is never made, wherever it is and whoever asks.
    fn directory(&self, at: At) -> Vec<Action> {
        let spot = self.spot(at, Follow::No);
        let told = || self.write(&spot.path, None);
        spot.found.is_err().then(told).into_iter().collect()
    }

    /// The mode or owner of a terminal or a pipe is no change of the file system.
    fn changed(&self, spot: &Spot) -> Vec<Action> {
        let changes = spot.found.as_ref().map_or(true, |found| {
            found.named && found.kind() != FileType::CharacterDevice
        });
        let told = || self.write(&spot.path, None);
        changes.then(told).into_iter().collect()
    }

    fn names(&self, from: At, to: At, follow: Follow) -> Vec<Action> {
        let (from, to) = (self.spot(from, follow), self.spot(to, Follow::No));
        vec![self.write(&to.path, Some(&from))]
    }

    /// `bind(fd, address, length)`: a unix socket with a path is a new file.
    fn bind(&self) -> Option<Action> {
        const SOCKADDR_UN: u64 = 110;
        let length = usize::try_from(self.args[2].min(SOCKADDR_UN)).ok()?;
        let bytes = self.memory.bytes(self.args[1], length);
        let (family, path) = bytes.split_at_checked(2)?;
        let family = u16::from_ne_bytes(family.try_into().ok()?);
        let path = path.split(|byte| *byte == 0).next()?;
        // A name that begins with NUL is not in the file system.
        if i32::from(family) != libc::AF_UNIX || path.is_empty() {
            return None;
        }
        let spot = place::locate(self.member, None, path, false);
        Some(self.write(&spot.path, None))
    }
}
