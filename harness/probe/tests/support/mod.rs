//! A supervisor and what it is told to watch, as an engine would start them.

use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use adamant_probe::{Action, TraceEvent, Traced};
use tempfile::TempDir;

pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_adamant-probe");

/// A running supervisor.
pub(crate) struct Watch {
    pub(crate) child: Child,
    control: Option<PipeWriter>,
    lines: Receiver<Traced>,
    dir: TempDir,
    synced: u64,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(dir.path().join("trace.sock")).expect("a socket");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::empty()).expect("inheritable");
        let mut child = Command::new(PROBE)
            .args(["watch", "--control", &reader.as_raw_fd().to_string()])
            .args(options)
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a supervisor");
        let output = child.stdout.take().expect("its output");
        // Who does not read stops the supervisor, and with it the subject.
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let line = line.expect("readable");
                let traced = serde_json::from_str(&line).expect("a line of the wire");
                if told.send(traced).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            control: Some(writer),
            lines,
            dir,
            synced: 0,
        }
    }

    /// The directory of the socket, resolved.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("a directory")
    }

    /// A launcher of `words`, which runs in `dir`.
    pub(crate) fn launcher(&self, dir: &Path, words: &[&str]) -> Command {
        self.launcher_with(&[], dir, words)
    }

    /// With further options.
    pub(crate) fn launcher_with(&self, options: &[&str], dir: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(PROBE);
        command.arg("launch").args(options).arg("--socket");
        command.arg(self.dir().join("trace.sock")).arg("--");
        command.args(words).current_dir(dir).stdin(Stdio::null());
        command
    }

    /// Runs `words` to their end, and what was told until then.
    pub(crate) fn run(&mut self, dir: &Path, words: &[&str]) -> (Output, Vec<Traced>) {
        let output = self.launcher(dir, words).output().expect("launched");
        (output, self.sync())
    }

    /// Everything that was told until now.
    pub(crate) fn sync(&mut self) -> Vec<Traced> {
        self.synced += 1;
        let number = self.synced;
        let control = self.control.as_mut().expect("not ended");
        writeln!(control, "{number}").expect("asked");
        let mut told = Vec::new();
        loop {
            let traced = self.next().expect("the supervisor has not ended");
            if traced == (Traced::Synced { number }) {
                return told;
            }
            told.push(traced);
        }
    }

    /// Waits for the subject to be itself.
    pub(crate) fn wait_for_exec(&mut self) {
        let is_exec = |traced: &Traced| {
            matches!(traced, Traced::Event(event)
                if matches!(event.action, Action::Exec { refused: None, .. }))
        };
        while !is_exec(&self.next().expect("the supervisor has not ended")) {}
    }

    /// The next line; `None` when there will be no more.
    pub(crate) fn next(&mut self) -> Option<Traced> {
        self.lines.recv().ok()
    }

    /// Hangs up, and what is told after that.
    pub(crate) fn end(mut self) -> (bool, Vec<Traced>) {
        drop(self.control.take());
        let mut told = Vec::new();
        while let Some(traced) = self.next() {
            told.push(traced);
        }
        (self.child.wait().expect("ended").success(), told)
    }
}

pub(crate) fn events(told: &[Traced]) -> impl Iterator<Item = &TraceEvent> {
    told.iter().filter_map(|traced| match traced {
        Traced::Event(event) => Some(event),
        _ => None,
    })
}

/// `call path` of each write, and ` < from`; paths without the directory `below`.
pub(crate) fn writes(told: &[Traced], below: &Path) -> Vec<String> {
    let below = format!("{}/", below.display());
    let short = |path: &str| path.strip_prefix(&below).unwrap_or(path).to_owned();
    events(told)
        .filter_map(|event| match &event.action {
            Action::Write { call, path, from } => {
                let from = from.as_deref().map(|from| format!(" < {}", short(from)));
                Some(format!(
                    "{call} {}{}",
                    short(path),
                    from.unwrap_or_default()
                ))
            }
            _ => None,
        })
        .collect()
}

/// The actions alone.
pub(crate) fn actions(told: &[Traced]) -> Vec<Action> {
    events(told).map(|event| event.action.clone()).collect()
}
