//! Watches the processes of a boot: starts the supervisor for its launcher and keeps what it tells.

mod ahead;
mod place;

use std::any::Any;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Trace};
use adamant_core::run::Deadline;
use adamant_probe::sinkhole::Profile;
use adamant_probe::{ENGINE_SOCKET, LAUNCHER_SOCKET, TraceEvent, Traced};
use fs_err as fs;
use rustix::io::{FdFlags, fcntl_setfd};

pub(crate) use self::ahead::Ahead;
pub(crate) use self::place::Place;
pub(crate) use self::place::reap;

/// How often we look for what does not announce itself.
const LOOK: Duration = Duration::from_millis(50);
/// How long a supervisor that somebody else starts may take until it can be met.
const MEETING: Duration = Duration::from_secs(30);
/// More events than this are not kept: a trace that was cut says so.
const MOST_EVENTS: usize = 100_000;
/// The first kernel that answers "go on" (5.5), and says when nobody is left to watch.
const KERNEL: (u32, u32) = (5, 9);

/// A supervisor at work, for one container.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// Whoever watches: it ends when this is dropped.
    _worker: Box<dyn Any + Send>,
    /// Numbers go in, and come back when everything before them has been told.
    control: Box<dyn Line>,
    asked: u64,
    seen: Arc<Seen>,
    /// The path that the launcher tries to write.
    path: String,
    /// Where the socket is until the launcher has it.
    socket: Option<Place>,
}

/// What a supervisor is asked through.
trait Line: Write + Send + std::fmt::Debug {}

impl<T: Write + Send + std::fmt::Debug> Line for T {}

/// A supervisor that is a child of this process.
#[derive(Debug)]
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        // Its work is done when nobody asks any more; the end of the control pipe says so too.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Debug, Default)]
struct Seen {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    attached: bool,
    refused: Option<String>,
    events: Vec<TraceEvent>,
    more: usize,
    synced: u64,
    failed: Option<String>,
    /// It has said its last word.
    over: bool,
}

/// Whether this process may watch the processes of containers itself.
pub(crate) fn may_watch() -> bool {
    rustix::process::geteuid().is_root()
}

/// Why nobody can be watched on this host, whoever asks.
pub(crate) fn blind() -> Option<String> {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy().into_owned();
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let version = (number(), number());
    (version < KERNEL).then(|| {
        let (major, minor) = KERNEL;
        format!("it takes Linux {major}.{minor}, and this is {release}")
    })
}

impl Supervisor {
    /// Starts it; `probe` is its executable, `path` what the launcher tries to write.
    ///
    /// With a `network` it makes that one for the subject, whose container has none.
    pub(crate) fn start(
        probe: &Path,
        path: &str,
        network: Option<Profile>,
    ) -> Result<Self, EngineError> {
        Self::spawn(probe, path, network).map_err(|error| {
            EngineError::new(ErrorKind::Engine, "start the supervisor of a traced boot")
                .caused_by(error)
        })
    }

    fn spawn(probe: &Path, path: &str, network: Option<Profile>) -> std::io::Result<Self> {
        let place = Place::make()?;
        let socket = place.path().join(LAUNCHER_SOCKET);
        let listener = UnixListener::bind(&socket)?;
        // The subject's own user must reach it; the directory around it is ours alone.
        fs::set_permissions(&socket, Permissions::from_mode(0o666))?;
        let (reader, writer) = std::io::pipe()?;
        // Somebody else's child may inherit this end too: only the other one decides when the pipe ends.
        fcntl_setfd(&reader, FdFlags::empty())?;
        let mut child = Command::new(probe)
            .args(["watch", "--control", &reader.as_raw_fd().to_string()])
            .args(
                network
                    .iter()
                    .flat_map(|profile| ["--network", profile.word()]),
            )
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        drop(reader);
        let stdout = child.stdout.take();
        let worker = Box::new(Own(child));
        let seen = Arc::<Seen>::default();
        if let Some(stdout) = stdout {
            hear(&seen, stdout)?;
        }
        Ok(Self {
            _worker: worker,
            control: Box::new(writer),
            asked: 0,
            seen,
            path: path.to_owned(),
            socket: Some(place),
        })
    }

    /// One that somebody else starts, who is root where this process is not; it is met in the directory that `start` is
    /// given, and ends when what `start` returns is dropped.
    pub(crate) fn beside(
        path: &str,
        start: impl FnOnce(&Path) -> Result<Box<dyn Any + Send>, EngineError>,
        deadline: &Deadline,
    ) -> Result<Self, EngineError> {
        let attempt = "start the supervisor of a traced boot in a container of its own";
        let failed =
            |error: std::io::Error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error);
        let place = Place::make().map_err(failed)?;
        let worker = start(place.path())?;
        let socket = place.path().join(ENGINE_SOCKET);
        let patience = deadline.within(MEETING);
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(_not_yet) if patience.pause(LOOK) => {}
                Err(error) => {
                    return Err(EngineError::new(ErrorKind::TimedOut, attempt).caused_by(error));
                }
            }
        };
        let seen = Arc::<Seen>::default();
        hear(&seen, stream.try_clone().map_err(failed)?).map_err(failed)?;
        Ok(Self {
            _worker: worker,
            control: Box::new(stream),
            asked: 0,
            seen,
            path: path.to_owned(),
            socket: Some(place),
        })
    }

    /// Whether it still watches.
    fn is_alive(&self) -> bool {
        !self.seen.lock().over
    }

    /// The socket as a file of the host.
    pub(crate) fn socket(&self) -> PathBuf {
        let dir = self.socket.as_ref().map(Place::path);
        dir.unwrap_or(Path::new("/")).join(LAUNCHER_SOCKET)
    }

    /// Waits until the launcher has handed over; `ended` tells when there is nobody left to do so.
    pub(crate) fn wait_attached(
        &mut self,
        ended: impl Fn() -> bool,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        let attempt = "watch the processes of a boot";
        loop {
            let gone = ended();
            let state = self
                .seen
                .wait(|state| state.attached || state.over, &deadline.within(LOOK));
            if state.attached {
                break;
            }
            let why = if let Some(why) = &state.failed {
                why.clone()
            } else if state.over {
                "the supervisor has ended".to_owned()
            } else if gone {
                "the launcher ended before it handed over; its message is in the log".to_owned()
            } else if deadline.left().is_none() {
                return Err(EngineError::new(ErrorKind::TimedOut, attempt)
                    .caused_by("the launcher does not hand over"));
            } else {
                continue;
            };
            return Err(EngineError::new(ErrorKind::Engine, attempt).caused_by(why));
        }
        // Mounted by now: nobody needs the name any more, and nothing is left of it if we are killed.
        self.socket = None;
        Ok(())
    }

    /// Why the launcher could not start the subject's executable: the error's name.
    pub(crate) fn refused(&mut self) -> Option<String> {
        // It may have been seen and not told yet: an answer comes after everything before it.
        let _ = self.trace(&Deadline::for_cleanup(Duration::from_secs(1)));
        self.seen.lock().refused.clone()
    }

    /// Everything that has happened until now.
    pub(crate) fn trace(&mut self, deadline: &Deadline) -> Result<Trace, EngineError> {
        let attempt = "read the trace of a boot";
        let broken = |why: String| EngineError::new(ErrorKind::Engine, attempt).caused_by(why);
        self.asked += 1;
        let number = self.asked;
        let told = writeln!(self.control, "{number}");
        let state = self
            .seen
            .wait(|state| state.synced >= number || state.over, deadline);
        if let Some(why) = &state.failed {
            return Err(broken(why.clone()));
        }
        if state.synced < number {
            if state.over || told.is_err() {
                return Err(broken(
                    "the supervisor has ended: what happened since is not known".to_owned(),
                ));
            }
            return Err(EngineError::new(ErrorKind::TimedOut, attempt)
                .caused_by("the supervisor does not answer"));
        }
        let more = state.more;
        Ok(Trace {
            control: self.path.clone(),
            events: state.events.clone(),
            cut: (more > 0).then(|| format!("{more} events after the first {MOST_EVENTS}")),
        })
    }
}

/// Takes what is told on a thread of its own.
fn hear(seen: &Arc<Seen>, told: impl Read + Send + 'static) -> std::io::Result<()> {
    let seen = seen.clone();
    std::thread::Builder::new()
        .name("adamant-trace".to_owned())
        .spawn(move || seen.take(told))?;
    Ok(())
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a state, or until the time is up.
    fn wait(&self, is: impl Fn(&State) -> bool, deadline: &Deadline) -> MutexGuard<'_, State> {
        let left = deadline.left().unwrap_or(Duration::ZERO);
        let waited = self
            .news
            .wait_timeout_while(self.lock(), left, |state| !is(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes lines until there are no more.
    fn take(&self, told: impl Read) {
        for line in BufReader::new(told).lines() {
            let said = line
                .map_err(|error| error.to_string())
                .and_then(|line| serde_json::from_str(&line).map_err(|error| error.to_string()));
            let mut state = self.lock();
            match said {
                Ok(said) => state.note(said),
                Err(why) => {
                    state.failed = Some(format!("a line of the supervisor cannot be read: {why}"));
                }
            }
            drop(state);
            self.news.notify_all();
        }
        self.lock().over = true;
        self.news.notify_all();
    }
}

impl State {
    fn note(&mut self, said: Traced) {
        match said {
            Traced::Attached => self.attached = true,
            Traced::Refused { errno } => self.refused = Some(errno),
            Traced::Event(event) if self.events.len() < MOST_EVENTS => self.events.push(event),
            Traced::Event(_) => self.more += 1,
            Traced::Synced { number } => self.synced = number,
            Traced::Failed { message } => self.failed = Some(message),
            // Whether the supervisor can still be asked is another matter.
            Traced::Ended => {}
        }
    }
}
