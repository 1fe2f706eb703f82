//! `adamant-probe watch`: takes listeners from launchers and tells what the traced processes do, before they do it.
//!
//! When it ends, however it ends, its listeners are closed and nobody waits for it: the calls of the table then fail
//! with ENOSYS.

use std::fs::Permissions;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use adamant_probe::sinkhole::Profile;
use adamant_probe::{Action, Actor, ENGINE_SOCKET, LAUNCHER_SOCKET, TraceEvent, Traced};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, sockopt::socket_peercred};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::calls::{self, ARCHITECTURE, Shape};
use super::clock::{self, Clock, Fate};
use super::crowd::{self, Crowd, Home};
use super::kernel::{self, Notification};
use super::question::{self, Askers};
use super::sink::Sink;
use super::tell::Tell;
use super::{decode, hand};
use crate::errno;
use crate::inside::clock::monotonic_ns;

/// How many launchers may be on the socket at once; the oldest gives way, since a subject can connect and say nothing.
const LAUNCHERS_MOST: usize = 64;
/// How many calls are told before an engine's number is answered, should they never cease.
const DRAIN_MOST: usize = 65_536;
/// What follows within this time is told together with what came before it.
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};
/// The longest line of the engine.
const LINE_MOST: usize = 64;

/// Watches until the engine closes its pipe: launchers come to standard input, what they do goes to standard output.
pub(crate) fn watch(control: Option<i32>, network: Option<Profile>) -> io::Result<()> {
    let control = match control {
        Some(raw) => Some(kernel::inherited(raw).ok_or(Errno::BADF)?),
        None => None,
    };
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let out = io::stdout().as_fd().try_clone_to_owned()?;
    supervise(socket, control, out, network)
}

/// Watches until the engine hangs up; it and the launchers are met at sockets in `dir`.
pub(crate) fn meet(dir: &Path, network: Option<Profile>) -> io::Result<()> {
    let open = |name: &str| {
        let path = dir.join(name);
        let socket = UnixListener::bind(&path)?;
        // Who may come is decided by who can see the directory.
        std::fs::set_permissions(&path, Permissions::from_mode(0o666))?;
        io::Result::Ok(socket)
    };
    let launchers = open(LAUNCHER_SOCKET)?;
    let (engine, _) = open(ENGINE_SOCKET)?.accept()?;
    let out = engine.try_clone()?;
    supervise(launchers.into(), Some(engine.into()), out.into(), network)
}

fn supervise(
    socket: OwnedFd,
    control: Option<OwnedFd>,
    out: OwnedFd,
    network: Option<Profile>,
) -> io::Result<()> {
    // Each listener and each thread that is remembered holds a descriptor.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files)?;
    let mut watch = Watch {
        control,
        line: Vec::new(),
        launchers: Vec::new(),
        listeners: Vec::new(),
        crowd: Crowd::default(),
        tell: Tell::new(out),
        socket,
        doubled: false,
        network,
        sink: None,
        askers: None,
        clock: Clock::default(),
    };
    let result = watch.run().and_then(|()| watch.tell.flush());
    if let Err(error) = &result {
        // When it is the pipe itself that is gone, the end of the process says the same.
        let message = error.to_string();
        let _ = watch.tell.say(&Traced::Failed { message });
        let _ = watch.tell.flush();
    }
    result
}

/// A launcher that has not yet become the subject.
struct Launcher {
    stream: UnixStream,
    handed: bool,
}

/// The calls of what one launcher has started.
struct Listener {
    fd: OwnedFd,
    home: Home,
}

struct Watch {
    control: Option<OwnedFd>,
    /// What the engine has written of its next line.
    line: Vec<u8>,
    launchers: Vec<Launcher>,
    listeners: Vec<Listener>,
    crowd: Crowd,
    tell: Tell<OwnedFd>,
    /// Where launchers come.
    socket: OwnedFd,
    /// Whether it was said that 32-bit calls are not read.
    doubled: bool,
    /// The network that a subject without one is given before it starts.
    network: Option<Profile>,
    sink: Option<Sink>,
    /// Who asks the name servers of that network.
    askers: Option<Askers>,
    /// The time of day, where launchers have it asked for.
    clock: Clock,
}

/// What has something to say.
struct Ready {
    socket: bool,
    control: bool,
    questions: bool,
    launchers: Vec<bool>,
    listeners: Vec<PollFlags>,
}

impl Ready {
    fn is_any(&self) -> bool {
        self.socket
            || self.control
            || self.questions
            || self.launchers.contains(&true)
            || self.listeners.iter().any(|flags| !flags.is_empty())
    }
}

impl Watch {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let ready = self.next()?;
            // A launcher's last words come before the end of what it launched.
            self.hear_launchers(&ready.launchers)?;
            self.hear_listeners(&ready.listeners)?;
            if ready.questions {
                self.hear_questions()?;
            }
            if ready.socket {
                self.accept()?;
            }
            if ready.control && !self.hear_engine()? {
                return Ok(());
            }
        }
    }

    /// Waits, and writes what waits to be written when nothing follows it at once.
    fn next(&mut self) -> io::Result<Ready> {
        if self.tell.is_behind() {
            let ready = self.wait(Some(&AT_ONCE))?;
            if ready.is_any() {
                return Ok(ready);
            }
            self.tell.flush()?;
        }
        self.wait(None)
    }

    fn wait(&self, patience: Option<&Timespec>) -> io::Result<Ready> {
        let mut set = Vec::with_capacity(2 + self.launchers.len() + self.listeners.len());
        set.push(PollFd::new(&self.socket, PollFlags::IN));
        for launcher in &self.launchers {
            set.push(PollFd::new(&launcher.stream, PollFlags::IN));
        }
        for listener in &self.listeners {
            set.push(PollFd::new(&listener.fd, PollFlags::IN));
        }
        if let Some(control) = &self.control {
            set.push(PollFd::new(control, PollFlags::IN));
        }
        let bell = self.askers.as_ref().map(Askers::bell);
        if let Some(bell) = &bell {
            set.push(PollFd::new(bell, PollFlags::IN));
        }
        match poll(&mut set, patience) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut seen = set.iter().map(PollFd::revents);
        let socket = seen.next().is_some_and(|flags| !flags.is_empty());
        let launchers = seen.by_ref().take(self.launchers.len());
        let launchers = launchers.map(|flags| !flags.is_empty()).collect();
        let listeners = seen.by_ref().take(self.listeners.len()).collect();
        let mut next_of = |is: bool| is && seen.next().is_some_and(|flags| !flags.is_empty());
        let control = next_of(self.control.is_some());
        let questions = next_of(self.askers.is_some());
        Ok(Ready {
            socket,
            control,
            questions,
            launchers,
            listeners,
        })
    }

    fn accept(&mut self) -> io::Result<()> {
        match accept_with(&self.socket, SocketFlags::CLOEXEC) {
            Ok(stream) => {
                let stream = UnixStream::from(stream);
                let handed = false;
                if self.launchers.len() >= LAUNCHERS_MOST {
                    self.launchers.remove(0);
                }
                self.launchers.push(Launcher { stream, handed });
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn hear_launchers(&mut self, ready: &[bool]) -> io::Result<()> {
        let mut kept = Vec::with_capacity(self.launchers.len());
        let launchers = std::mem::take(&mut self.launchers);
        for (index, mut launcher) in launchers.into_iter().enumerate() {
            let speaks = ready.get(index).copied().unwrap_or(false);
            if !speaks || self.hear_launcher(&mut launcher)? {
                kept.push(launcher);
            }
        }
        self.launchers = kept;
        Ok(())
    }

    /// Whether more is to be heard of it.
    fn hear_launcher(&mut self, launcher: &mut Launcher) -> io::Result<bool> {
        if launcher.handed {
            launcher.stream.set_nonblocking(true)?;
            let mut errno = [0; 4];
            // A subject that was started has closed it without a word.
            if launcher
                .stream
                .read(&mut errno)
                .is_ok_and(|read| read == errno.len())
            {
                let errno = errno::name(Errno::from_raw_os_error(i32::from_le_bytes(errno)));
                self.tell.say(&Traced::Refused { errno })?;
            }
            return Ok(false);
        }
        let fd = match hand::take(&launcher.stream) {
            Ok(fd) => fd,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(true),
            // Nobody is traced by it, and it will not start anything without an answer.
            Err(_) => return Ok(false),
        };
        let pid = socket_peercred(&launcher.stream)?
            .pid
            .as_raw_nonzero()
            .get();
        let home = match Home::of(pid.unsigned_abs()) {
            Ok(home) => home,
            // It has ended before it could start anything.
            Err(_) => return Ok(false),
        };
        if let (Some(profile), None) = (self.network, &self.sink) {
            let (questions, askers) = question::questions()?;
            let sink = Sink::make(profile, pid.unsigned_abs(), questions);
            let sink = sink.map_err(|error| {
                io::Error::other(format!(
                    "the network `{}` cannot be made: {error}",
                    profile.word()
                ))
            })?;
            self.sink = Some(sink);
            self.askers = Some(askers);
        }
        kernel::wake_synchronously(fd.as_fd());
        self.listeners.push(Listener { fd, home });
        self.tell.say(&Traced::Attached)?;
        launcher.handed = launcher.stream.write_all(&[hand::ACKNOWLEDGED]).is_ok();
        Ok(launcher.handed)
    }

    fn hear_listeners(&mut self, ready: &[PollFlags]) -> io::Result<()> {
        let mut ended = false;
        for (index, flags) in ready.iter().enumerate().rev() {
            if flags.contains(PollFlags::IN) {
                self.hear_listener(index)?;
            } else if !flags.is_empty() {
                self.listeners.remove(index);
                ended = true;
            }
        }
        if ended && self.listeners.is_empty() {
            self.crowd = Crowd::default();
            self.tell.say(&Traced::Ended)?;
        }
        Ok(())
    }

    /// Tells one call and lets it run.
    fn hear_listener(&mut self, index: usize) -> io::Result<()> {
        let Some(Listener { fd, home }) = self.listeners.get(index) else {
            return Ok(());
        };
        let Some(notification) = kernel::receive(fd.as_fd())? else {
            return Ok(());
        };
        if notification.arch == ARCHITECTURE
            && let Some(call) = clock::find(notification.number)
        {
            return self.tell_time(index, &notification, call);
        }
        let at_ns = monotonic_ns();
        let lines = if notification.arch == ARCHITECTURE {
            events(&mut self.crowd, &notification, home, at_ns)
        } else if self.doubled {
            Vec::new()
        } else {
            self.doubled = true;
            vec![unread(&mut self.crowd, &notification, home)]
        };
        // Everything above was read from the caller only if it has been waiting all the time. When it was killed, the
        // call is not made; when it is made again, it is told again.
        if kernel::is_waiting(fd.as_fd(), notification.id) {
            for line in &lines {
                self.tell.say(line)?;
                if let (Some(sink), Some(askers), Traced::Event(event)) =
                    (&mut self.sink, &mut self.askers, line)
                {
                    sink.expect(&event.action)?;
                    if let Some(process) = self.crowd.process_of(notification.tid) {
                        askers.note(process, notification.descriptor(), event);
                    }
                }
            }
        }
        kernel::proceed(fd.as_fd(), notification.id)?;
        Ok(())
    }

    /// Answers a call that has to do with the time of day; nothing is told of it.
    fn tell_time(
        &mut self,
        index: usize,
        notification: &Notification,
        call: &clock::Call,
    ) -> io::Result<()> {
        let Some(Listener { fd, .. }) = self.listeners.get(index) else {
            return Ok(());
        };
        let waits = || kernel::is_waiting(fd.as_fd(), notification.id);
        let fate = self.clock.hear(call, notification, waits);
        match fate {
            Ok(Fate::Returns(value)) => kernel::answer(fd.as_fd(), notification.id, value)?,
            Ok(Fate::Proceed) => kernel::proceed(fd.as_fd(), notification.id)?,
            Err(error) => {
                let message = format!("the clock of a process cannot be set: {error}");
                self.tell.say(&Traced::Failed { message })?;
                kernel::proceed(fd.as_fd(), notification.id)?;
            }
        }
        Ok(())
    }

    /// Tells which names were asked for past the filter.
    fn hear_questions(&mut self) -> io::Result<()> {
        for event in self.askers.iter_mut().flat_map(Askers::next) {
            self.tell.say(&Traced::Event(event))?;
        }
        Ok(())
    }

    /// Whether the engine still listens.
    fn hear_engine(&mut self) -> io::Result<bool> {
        let Some(control) = &self.control else {
            return Ok(true);
        };
        let mut part = [0; LINE_MOST];
        let length = match rustix::io::read(control, &mut part) {
            Ok(0) => return Ok(false),
            Ok(length) => length,
            Err(Errno::INTR | Errno::AGAIN) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        };
        for byte in &part[..length] {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let number = std::str::from_utf8(&self.line).ok().map(str::trim);
            let number = number.and_then(|text| text.parse().ok());
            self.line.clear();
            let Some(number) = number else {
                return Err(io::Error::other("the engine's line is not a number"));
            };
            self.drain()?;
            self.tell.say(&Traced::Synced { number })?;
            self.tell.flush()?;
        }
        if self.line.len() > LINE_MOST {
            return Err(io::Error::other("the engine's line is not a number"));
        }
        Ok(true)
    }

    /// Tells everything that waits by now.
    fn drain(&mut self) -> io::Result<()> {
        const NOW: Timespec = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        for _ in 0..DRAIN_MOST {
            let ready = self.wait(Some(&NOW))?;
            self.hear_launchers(&ready.launchers)?;
            self.hear_questions()?;
            if ready.listeners.iter().all(|flags| flags.is_empty()) {
                break;
            }
            // Their positions may have changed with the launchers; at most one more was added at the end.
            self.hear_listeners(&ready.listeners)?;
        }
        Ok(())
    }
}

/// What is told of one call.
fn events(crowd: &mut Crowd, notification: &Notification, home: &Home, at_ns: u64) -> Vec<Traced> {
    let Some(call) = calls::find(notification.number) else {
        return Vec::new();
    };
    // Programs with threads end many; nobody is looked at for that.
    if call.shape == Shape::ExitThread && !crowd::is_alone(notification.tid) {
        return Vec::new();
    }
    let Ok(member) = crowd.find(notification.tid, home) else {
        // Most likely it was killed just now; if it was not, this is all that is known.
        return decode::undecoded(call, notification)
            .map(|action| event(at_ns, &nobody(), action))
            .into_iter()
            .collect();
    };
    let actions = decode::decode(call, notification, member);
    let process = member.process;
    let lines = actions
        .into_iter()
        .map(|action| event(at_ns, &member.actor, action))
        .collect();
    match call.shape {
        Shape::Exec(..) | Shape::User => crowd.doubt(process),
        Shape::Exit | Shape::ExitThread => crowd.leave(process),
        _ => {}
    }
    lines
}

fn event(at_ns: u64, actor: &Actor, action: Action) -> Traced {
    let actor = actor.clone();
    Traced::Event(TraceEvent {
        at_ns,
        actor,
        action,
    })
}

/// Who acts where that cannot be told.
pub(super) fn nobody() -> Actor {
    Actor {
        pid: 0,
        ppid: 0,
        parent: Vec::new(),
        exe: String::from("?"),
        argv: Vec::new(),
        uid: u32::MAX,
    }
}

/// A process whose calls cannot be read makes the trace one with holes.
fn unread(crowd: &mut Crowd, notification: &Notification, home: &Home) -> Traced {
    let who = match crowd.find(notification.tid, home) {
        Ok(member) => format!("process {} ({})", member.actor.pid, member.actor.exe),
        Err(_) => String::from("a process"),
    };
    let arch = notification.arch;
    let message =
        format!("{who} makes 32-bit system calls (architecture {arch:#x}), which are not read");
    Traced::Failed { message }
}
