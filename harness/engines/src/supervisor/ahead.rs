//! A supervisor that is started while the boot before goes on: a boot that is watched begins as soon as one that is not.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use adamant_core::engine::EngineError;
use adamant_probe::sinkhole::Profile;

use super::Supervisor;

#[derive(Debug, Default)]
struct State {
    /// The network that it makes, and the one that is ready.
    ready: Option<(Option<Profile>, Supervisor)>,
    making: Option<JoinHandle<()>>,
}

/// At most one, of all that an engine starts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ahead(Arc<Mutex<State>>);

impl Ahead {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that is ready, or a new one; `path` is what the launcher tries to write.
    pub(crate) fn take(
        &self,
        probe: &Path,
        path: &str,
        network: Option<Profile>,
    ) -> Result<Supervisor, EngineError> {
        let fits =
            |(made, supervisor): &mut (_, Supervisor)| *made == network && supervisor.is_alive();
        let ready = self.lock().ready.take_if(fits);
        match ready {
            Some((_, mut supervisor)) => {
                supervisor.path = path.to_owned();
                Ok(supervisor)
            }
            None => Supervisor::start(probe, path, network),
        }
    }

    /// Has one started for the next boot that has such a network, beside what goes on.
    pub(crate) fn prepare(&self, probe: &Path, network: Option<Profile>) {
        let mut state = self.lock();
        let is_ready = state
            .ready
            .as_ref()
            .is_some_and(|(made, _)| *made == network);
        let is_busy = state
            .making
            .as_ref()
            .is_some_and(|made| !made.is_finished());
        if is_ready || is_busy {
            return;
        }
        let (ahead, probe) = (self.clone(), probe.to_owned());
        let making = std::thread::Builder::new().name("adamant-ahead".to_owned());
        let making = making.spawn(move || {
            // Without it the next boot starts its own, and says what is wrong.
            let made = Supervisor::start(&probe, "", network).ok();
            let made = made.map(|supervisor| (network, supervisor));
            // Ended only when nobody waits for the lock.
            let _other = std::mem::replace(&mut ahead.lock().ready, made);
        });
        state.making = making.ok();
    }

    /// Ends what is ready.
    pub(crate) fn close(&self) {
        let making = self.lock().making.take();
        if let Some(making) = making {
            let _ = making.join();
        }
        drop(self.lock().ready.take());
    }
}
