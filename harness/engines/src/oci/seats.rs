//! Places for containers, some of them prepared while the boot before it goes on: what does not depend on a boot takes longer
//! than what does.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Owner};
use adamant_core::run::Deadline;

use super::ground::{self, Kind};
use super::host;
use super::shim::Shim;
use super::{CLEANUP, unique};
use crate::embedded::SHIM;
use crate::owner::{self, Here};

/// So many are prepared at once, at most.
const BATCH_MOST: usize = 4;

/// So many containers may have files left that are being removed: a disk that is slower than we are is waited for.
const ENDING_MOST: usize = 16;

/// A boot that comes within this time after the one before it finds its seat labelled well enough.
const AHEAD: Duration = Duration::from_secs(3600);

/// A place for one container: its directory, and its shim, which makes the rest by itself.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) in_memory: bool,
    pub(super) shim: Shim,
    /// Whose its directory is, as that says.
    owner: Owner,
}

impl Seat {
    /// Begins to prepare one; its shim is done with it some milliseconds later.
    fn make(owner: &Owner, here: &Here) -> Result<Self, EngineError> {
        let name = unique(owner);
        let dir = ground::make(Kind::Container, &name, &owner::labels(owner, here))?;
        let shim = || -> Result<(bool, Shim), EngineError> {
            let in_memory = host::writes_to_memory(&dir)?;
            let order = adamant_shim::Seat {
                name: name.clone(),
                dir: dir.clone(),
                in_memory,
            };
            let shim = Shim::start(&SHIM.file()?, "run", &order);
            let shim = shim.map_err(|error| {
                EngineError::new(ErrorKind::Engine, format!("set up the container `{name}`"))
                    .caused_by(error)
            })?;
            Ok((in_memory, shim))
        };
        match shim() {
            Ok((in_memory, shim)) => Ok(Self {
                name,
                dir,
                in_memory,
                shim,
                owner: owner.clone(),
            }),
            Err(error) => Err(swept(error, &name, &dir)),
        }
    }

    /// Whether it can still be used: somebody may have killed its shim, or emptied the cache.
    fn is_fit(&self) -> bool {
        self.dir.is_dir() && self.shim.is_alive()
    }

    /// Whether its directory says enough about who has it now: of the same run, and not until sooner. To say it anew takes a disk
    /// longer than a boot takes to begin.
    fn belongs_to(&self, owner: &Owner) -> bool {
        self.owner.run == owner.run && self.owner.deadline >= owner.deadline
    }

    /// Makes it this owner's.
    fn hand_over(&self, owner: &Owner, here: &Here) -> bool {
        self.belongs_to(owner) || ground::relabel(&self.dir, &owner::labels(owner, here)).is_ok()
    }

    /// Nobody needs it.
    fn clear(self) -> Result<(), EngineError> {
        // Its shim hears that, and removes everything before it ends.
        drop(self.shim);
        if self.dir.exists() {
            ground::sweep(&self.name, &self.dir, &Deadline::for_cleanup(CLEANUP))?;
        }
        Ok(())
    }
}

/// Takes back what a failure left, which is the failure to tell all the same.
pub(super) fn swept(error: EngineError, name: &str, dir: &Path) -> EngineError {
    match ground::sweep(name, dir, &Deadline::for_cleanup(CLEANUP)) {
        Ok(()) => error,
        Err(also) => error.hint(format!("`{name}` may have been left behind: {also}")),
    }
}

/// Those that are prepared, and what goes on beside.
#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Seat>,
    /// How many were prepared last.
    batch: usize,
    making: bool,
    closed: bool,
    /// The oldest first.
    ending: VecDeque<Ending>,
}

/// A container that is gone but for its files, which its shim removes.
#[derive(Debug)]
struct Ending {
    name: String,
    dir: PathBuf,
    /// Follows the shim.
    follower: JoinHandle<()>,
}

impl Ending {
    /// Waits for the shim; one that was killed meanwhile leaves files, and then they are removed here.
    fn wait(self) -> Result<(), EngineError> {
        let _ = self.follower.join();
        if self.dir.exists() {
            ground::sweep(&self.name, &self.dir, &Deadline::for_cleanup(CLEANUP))?;
        }
        Ok(())
    }
}

/// All of an engine.
#[derive(Debug, Default, Clone)]
pub(super) struct Seats(Arc<(Mutex<State>, Condvar)>);

impl Seats {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for this owner's boot: the one that is ready, or a new one.
    pub(super) fn take(&self, owner: &Owner, here: &Here) -> Result<Seat, EngineError> {
        loop {
            let Some(seat) = self.lock().ready.pop_front() else {
                return Seat::make(owner, here);
            };
            if seat.is_fit() && seat.hand_over(owner, here) {
                return Ok(seat);
            }
            seat.clear()?;
        }
    }

    /// Has some prepared for the next boots, beside what goes on: one after the first boot, more after those that follow. While a
    /// kernel moves processes into control groups of the first version, nobody's process ends and no group goes; several at once
    /// keep it from that for as long as one.
    pub(super) fn prepare(&self, owner: &Owner, here: &Here) {
        let mut state = self.lock();
        if state.closed || state.making || !state.ready.is_empty() {
            return;
        }
        let batch = (state.batch * 2).clamp(1, BATCH_MOST);
        let (seats, here) = (self.clone(), here.clone());
        let owner = Owner {
            purpose: "the next boot".to_owned(),
            deadline: owner.deadline + AHEAD,
            ..owner.clone()
        };
        let making = std::thread::Builder::new().name("adamant-seat".to_owned());
        // Without it the next boot makes its own, and says what is wrong.
        state.making = making
            .spawn(move || seats.make(batch, &owner, &here))
            .is_ok();
        state.batch = batch;
    }

    fn make(&self, batch: usize, owner: &Owner, here: &Here) {
        for _ in 0..batch {
            let Ok(seat) = Seat::make(owner, here) else {
                break;
            };
            let mut state = self.lock();
            if state.closed {
                drop(state);
                // What cannot be removed is the next run's to reap.
                let _ = seat.clear();
                break;
            }
            state.ready.push_back(seat);
        }
        self.lock().making = false;
        self.0.1.notify_all();
    }

    /// Keeps an eye on the end of a shim that has only files left to remove; where many are, waits for the oldest.
    pub(super) fn see_off(
        &self,
        name: &str,
        dir: &Path,
        follower: JoinHandle<()>,
    ) -> Result<(), EngineError> {
        let mut state = self.lock();
        state.ending.push_back(Ending {
            name: name.to_owned(),
            dir: dir.to_owned(),
            follower,
        });
        let mut ended = Vec::new();
        while let Some(oldest) = state.ending.front()
            && (oldest.follower.is_finished() || state.ending.len() > ENDING_MOST)
        {
            ended.extend(state.ending.pop_front());
        }
        drop(state);
        // Each is seen to its end, whatever became of the others.
        let ended: Vec<_> = ended.into_iter().map(Ending::wait).collect();
        ended.into_iter().collect()
    }

    /// Clears what is prepared and waits for what is ending.
    pub(super) fn close(&self) -> Result<(), EngineError> {
        let mut state = self.lock();
        state.closed = true;
        while state.making {
            state = self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (ready, ending) = (
            std::mem::take(&mut state.ready),
            std::mem::take(&mut state.ending),
        );
        // Who starts something after this goes on as before.
        state.closed = false;
        drop(state);
        // Each is seen to its end, whatever became of the others.
        let cleared: Vec<_> = ready.into_iter().map(Seat::clear).collect();
        let ended: Vec<_> = ending.into_iter().map(Ending::wait).collect();
        cleared.into_iter().chain(ended).collect()
    }
}
