//! What the claims have in common: an engine with an image on it, boots of a script, and commands inside.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use adamant_core::case::Clock;
use adamant_core::engine::fake::{Fake, Script};
use adamant_core::engine::{
    Answer, BootPlan, Engine, EngineError, Exit, Image, ImageSource, Instance, LogCapture, Network,
    Owner, Question, Reached, Until, Watch,
};
use adamant_core::run::{Cancel, Deadline};
use adamant_probe::Command;

pub(crate) type Result<T> = std::result::Result<T, String>;

/// The line that a script says when it has done what it does first.
pub(crate) const GO: &str = "go";

/// An engine with the image of the claims.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) image: Arc<Image>,
}

/// A started container, removed at the end however a claim ends.
pub(crate) struct Box {
    instance: Option<std::boxed::Box<dyn Instance>>,
    pub(crate) log: Arc<LogCapture>,
}

pub(crate) fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(120), &Cancel::default())
}

/// An error with every cause.
pub(crate) fn told(error: &EngineError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// A script for the claims that a scripted engine is held to: it says a line and ends with 3.
pub(crate) fn fake() -> Fake {
    let image = Image {
        id: "sha256:0".into(),
        platform: "linux/amd64".into(),
        ..Image::default()
    };
    Fake::new(image, |_plan| Script {
        stdout: vec![GO.to_owned()],
        reached: Some(Reached::Exited {
            exit: Exit {
                code: 3,
                oom_killed: false,
                after_ms: 1,
                refused: None,
            },
            observed: Vec::new(),
        }),
        ..Script::default()
    })
}

fn fixture(engine: &dyn Engine, name: &str) -> Result<Arc<Image>> {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    let dir = images.join(name).join("image");
    let source = ImageSource::Layout { dir, tag: None };
    engine.image(&source, &deadline()).map_err(|e| told(&e))
}

impl Stage {
    pub(crate) fn new(name: &'static str, engine: &Arc<dyn Engine>) -> Result<Self> {
        Ok(Self {
            name,
            engine: engine.clone(),
            image: fixture(engine.as_ref(), "shell")?,
        })
    }

    /// The same engine with another fixture image.
    pub(crate) fn on(&self, image: &str) -> Result<Self> {
        Ok(Self {
            name: self.name,
            engine: self.engine.clone(),
            image: fixture(self.engine.as_ref(), image)?,
        })
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner {
            run: format!("contract-{}-{}", self.name, std::process::id()),
            purpose: "the engine contract".into(),
            deadline: SystemTime::now() + Duration::from_secs(600),
        }
    }

    /// A boot of `script` under the conditions that a daemon gives by default, without a network.
    pub(crate) fn plan(&self, script: &str) -> BootPlan {
        BootPlan {
            image: self.image.id.clone(),
            absent: Vec::new(),
            args: Some(vec![script.to_owned()]),
            env: Default::default(),
            user: None,
            workdir: None,
            network: Network::None,
            read_only: false,
            tmpfs: Vec::new(),
            volumes: Vec::new(),
            binds: Vec::new(),
            cap_drop: Vec::new(),
            cap_add: Vec::new(),
            no_new_privileges: false,
            memory: None,
            pids: None,
            trace: None,
            trace_reads: false,
            clock: Clock::Host,
            hold: false,
            owner: self.owner(),
            poll_ms: 20,
        }
    }

    pub(crate) fn boot(&self, plan: &BootPlan) -> Result<Box> {
        let watch = Watch {
            stream: None,
            pattern: regex::Regex::new(&format!("^{GO}$")).map_err(|e| e.to_string())?,
        };
        let log = Arc::new(LogCapture::new(vec![watch], None));
        let started = self.engine.start(plan, log.clone(), &deadline());
        Ok(Box {
            instance: Some(started.map_err(|e| told(&e))?),
            log,
        })
    }

    /// Boots and waits for the end.
    pub(crate) fn run(&self, plan: &BootPlan) -> Result<(Exit, Vec<String>)> {
        let boot = self.boot(plan)?;
        let exit = boot.exit()?;
        let lines = boot.lines();
        boot.remove()?;
        Ok((exit, lines))
    }

    /// Boots and waits until the script says so; it goes on for long.
    pub(crate) fn running(&self, plan: &BootPlan) -> Result<Box> {
        let args = plan
            .args
            .iter()
            .flatten()
            .map(|script| format!("{script}\necho {GO}\nwhile :; do sleep 0.05; done"));
        let plan = BootPlan {
            args: Some(args.collect()),
            ..plan.clone()
        };
        let boot = self.boot(&plan)?;
        match boot.wait(&Until::Output { watch: 0 })? {
            Reached::Ready { .. } => Ok(boot),
            other => Err(format!("{other:?}\n{}", boot.lines().join("\n"))),
        }
    }
}

impl Box {
    pub(crate) fn instance(&self) -> &dyn Instance {
        self.instance.as_deref().expect("only `remove` takes it")
    }

    pub(crate) fn wait(&self, until: &Until) -> Result<Reached> {
        self.instance()
            .wait(until, &deadline())
            .map_err(|e| told(&e))
    }

    pub(crate) fn exit(&self) -> Result<Exit> {
        match self.wait(&Until::Exit)? {
            Reached::Exited { exit, .. } => Ok(exit),
            other => Err(format!("{other:?}")),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let log = self.log.snapshot();
        format!("{}{}", log.head, log.tail)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn ask(&self, question: &Question) -> Result<Answer> {
        self.instance()
            .ask(question, &deadline())
            .map_err(|e| told(&e))
    }

    /// What a shell inside says to each of these, as the subject's user.
    pub(crate) fn shell(&self, scripts: &[&str]) -> Result<Vec<String>> {
        let commands = scripts.iter().map(|script| Command {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            timeout_ms: 20_000,
        });
        let question = Question::Commands {
            commands: commands.collect(),
        };
        match self.ask(&question)? {
            Answer::Commands(results) => Ok(results
                .into_iter()
                .map(|r| format!("{}{}", r.stdout, r.stderr).trim().to_owned())
                .collect()),
            other => Err(format!("{other:?}")),
        }
    }

    pub(crate) fn remove(mut self) -> Result<()> {
        let instance = self.instance.take().expect("only this takes it");
        instance.remove(&deadline()).map_err(|e| told(&e))
    }
}

impl Drop for Box {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            // The claim has failed already.
            drop(instance.remove(&deadline()));
        }
    }
}

/// A claim fails with what was seen.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(seen: &T, wanted: &T) -> Result<()> {
    if seen == wanted {
        return Ok(());
    }
    Err(format!("expected {wanted:?}\nseen     {seen:?}"))
}

/// A fresh name.
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}
