//! Watches the processes of a boot: starts the supervisor for its launcher and keeps what it tells.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, PipeWriter, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Trace};
use adamant_core::run::Deadline;
use adamant_probe::sinkhole::Profile;
use adamant_probe::{TraceEvent, Traced};
use fs_err as fs;
use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::TempDir;

/// More events than this are not kept: a trace that was cut says so.
const MOST_EVENTS: usize = 100_000;
/// The first kernel that answers "go on" (5.5), and says when nobody is left to watch.
const KERNEL: (u32, u32) = (5, 9);

/// A supervisor at work, for one container.
#[derive(Debug)]
pub(crate) struct Supervisor {
    child: Child,
    /// Numbers go in, and come back when everything before them has been told.
    control: PipeWriter,
    asked: u64,
    seen: Arc<Seen>,
    /// The path that the launcher tries to write.
    path: String,
    /// Where the socket is until the launcher has it.
    socket: Option<TempDir>,
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

/// Why nobody can be watched on this host.
pub(crate) fn blind() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("the processes of a container can only be watched by root".to_owned());
    }
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
        let socket = tempfile::Builder::new()
            .prefix("adamant-trace-")
            .tempdir()?;
        let place = socket.path().join("sock");
        let listener = UnixListener::bind(&place)?;
        // The subject's own user must reach it; the directory around it is ours alone.
        fs::set_permissions(&place, Permissions::from_mode(0o666))?;
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
        let seen = Arc::<Seen>::default();
        if let Some(stdout) = child.stdout.take() {
            let seen = seen.clone();
            std::thread::Builder::new()
                .name("adamant-trace".to_owned())
                .spawn(move || seen.take(stdout))?;
        }
        Ok(Self {
            child,
            control: writer,
            asked: 0,
            seen,
            path: path.to_owned(),
            socket: Some(socket),
        })
    }

    /// The socket as a file of the host.
    pub(crate) fn socket(&self) -> PathBuf {
        let dir = self.socket.as_ref().map(TempDir::path);
        dir.unwrap_or(Path::new("/")).join("sock")
    }

    /// Waits until the launcher has handed over; `ended` tells when there is nobody left to do so.
    pub(crate) fn wait_attached(
        &mut self,
        ended: impl Fn() -> bool,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        const LOOK: Duration = Duration::from_millis(50);
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

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Its work is done when nobody asks any more; the end of the control pipe says so too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    fn take(&self, stdout: ChildStdout) {
        for line in BufReader::new(stdout).lines() {
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
