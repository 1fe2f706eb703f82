//! The life of one container as its shim tells it: a thread takes notes and output as they come, others wait for levels.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, LogCapture};
use adamant_core::run::{Deadline, monotonic_ns};
use adamant_shim::{Note, Order};

use super::shim::{Heard, Orders, Shim};

/// Why nothing more is heard of a container.
pub(super) const ENDED: &str =
    "its parent process has ended: somebody killed it, or the machine is out of memory";

/// How long the thread sleeps when nobody says anything.
const SLICE: Duration = Duration::from_secs(60);

/// How long what has ended may still be heard of: streams that go on, news on their way. A machine that is busy takes its time.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(10);

/// What is known of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    /// Process 1 runs, with this id on the host.
    pub(super) pid: Option<i32>,
    /// The system's error number, when process 1 could not be executed.
    pub(super) refused: Option<i32>,
    pub(super) exit: Option<Ended>,
    removed: bool,
    failed: Option<Vec<String>>,
    /// The shim says nothing more.
    gone: bool,
}

/// How process 1 ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) oom_killed: bool,
    pub(super) after_ms: u64,
}

#[derive(Debug, Default)]
struct Board {
    known: Mutex<Known>,
    news: Condvar,
}

/// A container's life.
#[derive(Debug)]
pub(super) struct Life {
    board: Arc<Board>,
    orders: Mutex<Orders>,
    /// The shim's process id.
    pub(super) shim: u32,
    thread: Option<JoinHandle<()>>,
}

impl Life {
    /// Follows a shim; its container's output goes to `log`.
    pub(super) fn follow(shim: Shim, log: Arc<LogCapture>) -> std::io::Result<Self> {
        let board = Arc::<Board>::default();
        let (orders, pid) = (shim.orders()?, shim.pid());
        let told = board.clone();
        let thread = std::thread::Builder::new()
            .name("adamant-oci".to_owned())
            .spawn(move || told.follow(shim, &log))?;
        Ok(Self {
            board,
            orders: Mutex::new(orders),
            shim: pid,
            thread: Some(thread),
        })
    }

    /// What is known now.
    pub(super) fn known(&self) -> Known {
        self.board.lock().clone()
    }

    /// Waits until process 1 runs, has been refused, or never will be.
    pub(super) fn wait_started(
        &self,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Known, EngineError> {
        let attempt = format!("start the container `{name}`");
        let begun = |known: &Known| known.pid.is_some() || known.refused.is_some();
        let known = self
            .board
            .wait(|known| begun(known) || known.is_over(), deadline);
        if begun(&known) {
            return Ok(known);
        }
        Err(known.trouble(attempt, deadline))
    }

    /// Waits for the end of process 1; answers whether it came in time.
    pub(super) fn wait_exit(&self, name: &str, deadline: &Deadline) -> Result<bool, EngineError> {
        let ended = |known: &Known| known.exit.is_some();
        let known = self
            .board
            .wait(|known| ended(known) || known.is_over(), deadline);
        if ended(&known) {
            return Ok(true);
        }
        if !known.is_over() && !deadline.is_cancelled() {
            return Ok(false);
        }
        let attempt = format!("wait for the end of the container `{name}`");
        Err(known.trouble(attempt, deadline))
    }

    /// Sends a signal to process 1; a process that has ended takes none.
    pub(super) fn kill(&self, signal: i32) {
        let _ = self.send(&Order::Kill { signal });
    }

    /// Has the shim start one more process in the container.
    pub(super) fn start(&self, order: &Order) -> std::io::Result<Shim> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.start(order)
    }

    /// Has the shim start one more process in the container, on a terminal.
    pub(super) fn start_on(&self, order: &Order, terminal: &OwnedFd) -> std::io::Result<Shim> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.start_on(order, terminal)
    }

    /// Has everything removed. When nothing but files is left, the end of the shim, which removes them, is left to be waited for.
    pub(super) fn remove(
        &mut self,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Option<JoinHandle<()>>, EngineError> {
        let _ = self.send(&Order::Remove);
        let done = |known: &Known| known.removed || known.is_over();
        let known = self.board.wait(done, deadline);
        if known.removed && known.failed.is_none() {
            return Ok(self.thread.take());
        }
        Err(known.trouble(format!("remove the container `{name}`"), deadline))
    }

    fn send(&self, order: &Order) -> std::io::Result<()> {
        self.orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(order)
    }
}

impl Known {
    /// Whether nothing more will be known.
    fn is_over(&self) -> bool {
        self.gone
    }

    /// Why what was waited for did not happen.
    fn trouble(&self, attempt: String, deadline: &Deadline) -> EngineError {
        if let Some(chain) = &self.failed {
            return EngineError::new(ErrorKind::Engine, attempt).caused_by(chain.join(": "));
        }
        if self.gone {
            return EngineError::new(ErrorKind::Engine, attempt).caused_by(ENDED);
        }
        let (kind, why) = if deadline.is_cancelled() {
            (ErrorKind::Cancelled, "the run was interrupted")
        } else {
            (ErrorKind::TimedOut, "the time for it was up")
        };
        EngineError::new(kind, attempt).caused_by(why)
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, reached: impl Fn(&Known) -> bool, deadline: &Deadline) -> Known {
        let mut known = self.lock();
        while !reached(&known) {
            let Some(slice) = deadline.slice() else { break };
            let waited = self.news.wait_timeout(known, slice);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        known.clone()
    }

    /// Until the shim and what it runs have said everything.
    fn follow(&self, mut shim: Shim, log: &LogCapture) {
        let mut cut = None;
        let mut last_words: Option<Deadline> = None;
        while !shim.is_over() {
            // What a shim that was killed had forked may hold the streams open until somebody sweeps it.
            let slice = match &last_words {
                None => SLICE,
                Some(until) => match until.slice() {
                    Some(slice) => slice,
                    None => {
                        cut = Some("its parent process has ended before it".to_owned());
                        break;
                    }
                },
            };
            if shim.is_gone() && last_words.is_none() {
                last_words = Some(Deadline::for_cleanup(LAST_WORDS));
                continue;
            }
            match shim.hear(slice) {
                Ok(heard) => heard.into_iter().for_each(|heard| self.take(heard, log)),
                Err(error) => {
                    cut = Some(format!("the output could not be read: {error}"));
                    break;
                }
            }
            if shim.is_silent() {
                // Whole, or cut before this; a second end says nothing.
                log.end(None);
            }
        }
        log.end(cut);
        // Reaps it.
        drop(shim);
        self.lock().gone = true;
        self.news.notify_all();
    }

    fn take(&self, heard: Heard, log: &LogCapture) {
        let note = match heard {
            Heard::Output(stream, bytes) => return log.push(stream, &bytes, monotonic_ns()),
            Heard::Note(note) => note,
        };
        let mut known = self.lock();
        match note {
            Note::Started { pid } => known.pid = Some(pid),
            Note::Refused { errno } => known.refused = Some(errno),
            Note::Exited {
                code,
                oom_killed,
                after_ms,
            } => {
                known.exit = Some(Ended {
                    code,
                    oom_killed,
                    after_ms,
                });
            }
            Note::Removed => known.removed = true,
            Note::Failed { chain } => known.failed = Some(chain),
        }
        drop(known);
        self.news.notify_all();
    }
}

impl Drop for Life {
    /// A container that nobody removed is removed by its shim, which hears the end of its socket.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = self.send(&Order::Remove);
            let _ = thread.join();
        }
    }
}
