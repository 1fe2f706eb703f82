//! Which JavaScript a boot runs, and by which runtime: `node`, `bun` or `deno`, as the command lines say it in the end.

use adamant_probe::{Entry, Kind};

use crate::programs::{Program, Why, absolute, base, executable};
use crate::subject::Target;

/// A runtime of JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Runtime {
    Node,
    Bun,
    Deno,
}

impl Runtime {
    pub(crate) fn of(name: &str) -> Option<Self> {
        match base(name) {
            "node" | "nodejs" => Some(Self::Node),
            "bun" | "bunx" => Some(Self::Bun),
            "deno" => Some(Self::Deno),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Bun => "Bun",
            Self::Deno => "Deno",
        }
    }
}

/// JavaScript that the boot runs.
#[derive(Debug, Clone)]
pub(crate) struct JsEntry {
    pub(crate) runtime: Runtime,
    /// The runtime's executable; `None` when it is not in the image.
    pub(crate) executable: Option<Entry>,
    /// The program's path, as it is named; `None` when the runtime is given code or a prompt.
    pub(crate) script: Option<String>,
    /// Modules that are loaded first: `--import`, `--require`.
    pub(crate) preloads: Vec<String>,
    pub(crate) conditions: Vec<String>,
    pub(crate) program: Program,
}

impl JsEntry {
    /// Whether something changes how modules are found: then what Node's own algorithm does not find proves little.
    pub(crate) fn is_hooked(&self) -> bool {
        !self.preloads.is_empty()
    }
}

/// The JavaScript among the programs, each once.
pub(crate) fn entries(target: &Target, programs: &[Program]) -> Vec<JsEntry> {
    let mut found: Vec<JsEntry> = Vec::new();
    for program in programs {
        if let Some(entry) = entry(target, program)
            && !found.iter().any(|f| {
                f.script == entry.script
                    && f.runtime == entry.runtime
                    && f.program.cwd == entry.program.cwd
            })
        {
            found.push(entry);
        }
    }
    found
}

fn entry(target: &Target, program: &Program) -> Option<JsEntry> {
    let (name, args) = program.argv.split_first()?;
    let found = executable(target, name, &program.cwd);
    if let Some(runtime) = Runtime::of(name) {
        let mut entry = JsEntry {
            runtime,
            executable: found.cloned(),
            script: None,
            preloads: Vec::new(),
            conditions: Vec::new(),
            program: program.clone(),
        };
        read_arguments(target, args, &mut entry);
        // A version is asked for by probes; nothing is run.
        if entry.script.is_none() && program.why == Why::Artifact {
            return None;
        }
        return Some(entry);
    }
    // A script that a runtime runs by its first line.
    let file = found.filter(|e| e.kind == Kind::File)?;
    let head = target.head(file).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let rest: Vec<String> = words.filter(|w| *w != "-S").map(str::to_owned).collect();
    let (name, options) = if base(first) == "env" {
        rest.split_first()?
    } else {
        (&first.to_owned(), rest.as_slice())
    };
    let runtime = Runtime::of(name)?;
    let mut entry = JsEntry {
        runtime,
        executable: executable(target, name, "/").cloned(),
        script: None,
        preloads: Vec::new(),
        conditions: Vec::new(),
        program: program.clone(),
    };
    read_arguments(target, options, &mut entry);
    entry.script = Some(file.path.clone());
    Some(entry)
}

fn read_arguments(target: &Target, args: &[String], entry: &mut JsEntry) {
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(word) = args.next() {
        let (option, joined) = word
            .split_once('=')
            .map_or((word, None), |(o, v)| (o, Some(v)));
        match option {
            "-r"
            | "--require"
            | "--import"
            | "--loader"
            | "--experimental-loader"
            | "--preload" => {
                let value = joined
                    .map(str::to_owned)
                    .or_else(|| args.next().map(str::to_owned));
                entry.preloads.extend(value);
            }
            "-C" | "--conditions" => {
                let value = joined
                    .map(str::to_owned)
                    .or_else(|| args.next().map(str::to_owned));
                entry.conditions.extend(value);
            }
            "-e" | "--eval" | "-p" | "--print" | "-" | "-v" | "--version" | "-h" | "--help"
            | "-c" | "--check" => return,
            "--env-file"
            | "--title"
            | "--input-type"
            | "--stack-trace-limit"
            | "--disable-warning"
            | "--icu-data-dir"
            | "--cwd"
            | "--config"
                if joined.is_none() && !word.contains('=') =>
            {
                args.next();
            }
            "--" => {
                entry.script = args.next().map(|word| absolute(word, &entry.program.cwd));
                return;
            }
            _ if word.starts_with('-') => {}
            _ if word.contains('…') => return,
            "run" | "x" if entry.runtime != Runtime::Node => {}
            _ => {
                let path = absolute(word, &entry.program.cwd);
                // `bun start` is a script of the package, which stands among the programs by itself.
                let is_file = target.image.resolve(&path).is_some();
                if entry.runtime == Runtime::Node || is_file {
                    entry.script = Some(path);
                }
                return;
            }
        }
    }
}
