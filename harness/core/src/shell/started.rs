//! What a boot starts, as far as its words are known: for those who ask which runtime runs which program.

use super::{expand::Field, scope::HOLE, syntax::Command, walk::Walk};

/// Command lines that are kept; a boot that has more is told by its first ones.
const MAX_STARTED: usize = 4_096;

/// A command line of the boot.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Started {
    /// Its words, expanded; `…` stands for what is only known at run time.
    pub argv: Vec<String>,
    /// The directory that `cd` last named, when it is known.
    pub cwd: Option<String>,
    /// The script in which it stands; `argv` for the image's own command line.
    pub file: String,
    /// Its line, counted from 1.
    pub line: u32,
    /// Whether it takes the place of the shell.
    pub exec: bool,
}

impl Walk<'_> {
    /// Keeps a command line that is not a script's, each once.
    pub(super) fn note_started(&mut self, command: &Command, argv: &[Field], exec: bool) {
        if self.files.is_none() || self.lint.started.len() >= MAX_STARTED {
            return;
        }
        let cwd = self.scope.get("PWD").pop().and_then(|mut f| f.pop());
        let started = Started {
            argv: argv
                .iter()
                .map(|word| word.text.replace(HOLE, "…"))
                .collect(),
            cwd: cwd.filter(|dir| dir.starts_with('/') && !dir.contains(HOLE)),
            file: self.unit.file.clone(),
            line: self.unit.lines(command.span).0,
            exec,
        };
        if !self.lint.started.contains(&started) {
            self.lint.started.push(started);
        }
    }
}
