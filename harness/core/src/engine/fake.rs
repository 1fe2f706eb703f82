//! A scripted engine for our own tests: every answer is written down beforehand, every call is counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Answer, BootPlan, Description, Engine, EngineError, ErrorKind, Image, ImageSource, Instance,
    LogCapture, Owner, Question, Reached, Stream, Until,
};
use crate::run::{Deadline, monotonic_ns};

/// What one boot does.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Lines of standard output, written before the wait ends.
    pub stdout: Vec<String>,
    /// What the wait comes to; readiness at once when absent.
    pub reached: Option<Reached>,
    /// Answers by question; a question that is not here fails.
    pub answers: Vec<(Question, Answer)>,
    /// The start fails.
    pub start_fails: bool,
    /// The removal fails.
    pub remove_fails: bool,
    /// The call panics, as a bug of ours would.
    pub panics: bool,
}

/// What was called, and how often.
#[derive(Debug, Default)]
pub struct Calls {
    /// Boots started.
    pub started: AtomicUsize,
    /// Boots removed.
    pub removed: AtomicUsize,
    /// Images looked up.
    pub images: AtomicUsize,
}

/// Chooses the script of a boot.
type Director = dyn Fn(&BootPlan) -> Script + Send + Sync;

/// The engine.
pub struct Fake {
    image: Arc<Image>,
    director: Box<Director>,
    calls: Arc<Calls>,
    volumes: Mutex<Vec<String>>,
    blind: Option<String>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fake")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl Fake {
    /// An engine on which every source is this image.
    pub fn new(
        image: Image,
        director: impl Fn(&BootPlan) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self {
            image: Arc::new(image),
            director: Box::new(director),
            calls: Arc::default(),
            volumes: Mutex::default(),
            blind: None,
        }
    }

    /// An engine that cannot watch processes, for this reason.
    #[must_use]
    pub fn blind(mut self, why: &str) -> Self {
        self.blind = Some(why.to_owned());
        self
    }

    /// The counters.
    #[must_use]
    pub fn calls(&self) -> Arc<Calls> {
        self.calls.clone()
    }
}

fn refuse(attempt: &str) -> EngineError {
    EngineError::new(ErrorKind::Engine, attempt).caused_by("the script says so")
}

impl Engine for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn describe(&self, _deadline: &Deadline) -> Result<Description, EngineError> {
        Ok(Description {
            name: "fake".into(),
            version: "scripted".into(),
            platform: self.image.platform.clone(),
        })
    }

    fn image(
        &self,
        _source: &ImageSource,
        _deadline: &Deadline,
    ) -> Result<Arc<Image>, EngineError> {
        self.calls.images.fetch_add(1, Ordering::SeqCst);
        Ok(self.image.clone())
    }

    fn start(
        &self,
        plan: &BootPlan,
        log: Arc<LogCapture>,
        _deadline: &Deadline,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let script = (self.director)(plan);
        assert!(!script.panics, "the script says so");
        if script.start_fails {
            return Err(refuse("start a container"));
        }
        let number = self.calls.started.fetch_add(1, Ordering::SeqCst);
        for line in &script.stdout {
            log.push(
                Stream::Stdout,
                format!("{line}\n").as_bytes(),
                monotonic_ns(),
            );
        }
        if matches!(script.reached, Some(Reached::Exited { .. })) {
            log.end(None);
        }
        Ok(Box::new(FakeInstance {
            id: format!("fake-{number}"),
            script,
            calls: self.calls.clone(),
        }))
    }

    fn blind(&self) -> Option<String> {
        self.blind.clone()
    }

    fn volume(&self, _owner: &Owner, _deadline: &Deadline) -> Result<String, EngineError> {
        let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("volume-{}", volumes.len());
        volumes.push(name.clone());
        Ok(name)
    }

    fn remove_volume(&self, name: &str, _deadline: &Deadline) -> Result<(), EngineError> {
        self.volumes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|v| v != name);
        Ok(())
    }

    fn reap(&self, _deadline: &Deadline) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }

    fn close(&self, _deadline: &Deadline) -> Result<(), EngineError> {
        Ok(())
    }
}

struct FakeInstance {
    id: String,
    script: Script,
    calls: Arc<Calls>,
}

impl Instance for FakeInstance {
    fn id(&self) -> &str {
        &self.id
    }

    fn wait(&self, _until: &Until, _deadline: &Deadline) -> Result<Reached, EngineError> {
        let ready = Reached::Ready {
            at_ns: monotonic_ns(),
            observed: Vec::new(),
        };
        Ok(self.script.reached.clone().unwrap_or(ready))
    }

    fn ask(&self, question: &Question, _deadline: &Deadline) -> Result<Answer, EngineError> {
        let found = self.script.answers.iter().find(|(q, _)| q == question);
        found
            .map(|(_, answer)| answer.clone())
            .ok_or_else(|| refuse("answer a question"))
    }

    fn inspect(&self, _deadline: &Deadline) -> Result<serde_json::Value, EngineError> {
        Ok(serde_json::json!({ "Id": self.id }))
    }

    fn remove(self: Box<Self>, _deadline: &Deadline) -> Result<(), EngineError> {
        self.calls.removed.fetch_add(1, Ordering::SeqCst);
        if self.script.remove_fails {
            Err(refuse("remove a container"))
        } else {
            Ok(())
        }
    }
}
