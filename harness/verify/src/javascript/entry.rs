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

/// A module that is loaded before the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preload {
    pub(crate) specifier: String,
    /// `--require` looks for it as `require` does, which adds extensions; the others as `import` does.
    pub(crate) is_required: bool,
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
    pub(crate) preloads: Vec<Preload>,
    pub(crate) conditions: Vec<String>,
    /// `--preserve-symlinks`.
    pub(crate) preserves_links: bool,
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
            preserves_links: false,
            program: program.clone(),
        };
        read_environment(target, &mut entry);
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
        preserves_links: false,
        program: program.clone(),
    };
    read_environment(target, &mut entry);
    read_arguments(target, options, &mut entry);
    entry.script = Some(file.path.clone());
    Some(entry)
}

/// `NODE_OPTIONS`: every `node` reads them before its own.
fn read_environment(target: &Target, entry: &mut JsEntry) {
    if entry.runtime == Runtime::Node
        && let Some(options) = target.env().get("NODE_OPTIONS")
    {
        let words = option_words(options);
        // A word that is no option ends Node; it is no program.
        read_arguments(target, &words, entry);
        entry.script = None;
    }
}

/// The words of `NODE_OPTIONS` as Node parts them: at spaces outside of double quotes, with a backslash before what stands for
/// itself inside of them.
fn option_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quoted, mut inside) = (false, false);
    let mut characters = text.chars();
    while let Some(mut character) = characters.next() {
        match character {
            '\\' if quoted => match characters.next() {
                Some(next) => character = next,
                None => return words,
            },
            ' ' if !quoted => {
                inside = false;
                continue;
            }
            '"' => {
                quoted = !quoted;
                continue;
            }
            _ => {}
        }
        if !inside {
            words.push(String::new());
            inside = true;
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    words
}

/// Options whose value is the next word, of Node 24 as `process.allowedNodeEnvironmentFlags` and its help have them; what comes
/// behind is the program.
const WITH_VALUE: [&str; 70] = [
    "--allow-fs-read",
    "--allow-fs-write",
    "--build-snapshot-config",
    "--cpu-prof-dir",
    "--cpu-prof-interval",
    "--cpu-prof-name",
    "--debug-port",
    "--diagnostic-dir",
    "--disable-proto",
    "--disable-warning",
    "--dns-result-order",
    "--env-file",
    "--env-file-if-exists",
    "--es-module-specifier-resolution",
    "--experimental-config-file",
    "--experimental-sea-config",
    "--experimental-test-tag-filter",
    "--heap-prof-dir",
    "--heap-prof-interval",
    "--heap-prof-name",
    "--heapsnapshot-near-heap-limit",
    "--heapsnapshot-signal",
    "--icu-data-dir",
    "--input-type",
    "--inspect-port",
    "--inspect-publish-uid",
    "--localstorage-file",
    "--max-http-header-size",
    "--max-old-space-size-percentage",
    "--network-family-autoselection-attempt-timeout",
    "--openssl-config",
    "--redirect-warnings",
    "--report-dir",
    "--report-directory",
    "--report-filename",
    "--report-signal",
    "--secure-heap",
    "--secure-heap-min",
    "--security-revert",
    "--security-reverts",
    "--snapshot-blob",
    "--stack-trace-limit",
    "--test-concurrency",
    "--test-coverage-branches",
    "--test-coverage-exclude",
    "--test-coverage-functions",
    "--test-coverage-include",
    "--test-coverage-lines",
    "--test-global-setup",
    "--test-isolation",
    "--test-name-pattern",
    "--test-random-seed",
    "--test-reporter",
    "--test-reporter-destination",
    "--test-rerun-failures",
    "--test-shard",
    "--test-skip-pattern",
    "--test-timeout",
    "--title",
    "--tls-cipher-list",
    "--tls-keylog",
    "--trace-event-categories",
    "--trace-event-file-pattern",
    "--unhandled-rejections",
    "--use-largepages",
    "--v8-pool-size",
    "--watch-kill-signal",
    "--watch-path",
    "--experimental-specifier-resolution",
    "--experimental-test-isolation",
];

fn takes_value(runtime: Runtime, option: &str) -> bool {
    match runtime {
        Runtime::Node => WITH_VALUE.contains(&option),
        // Of Bun and Deno those that are met before a program.
        Runtime::Bun | Runtime::Deno => {
            matches!(option, "--env-file" | "--cwd" | "--config" | "--title")
        }
    }
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
                let value = joined.or_else(|| args.next());
                entry.preloads.extend(value.map(|specifier| Preload {
                    specifier: specifier.to_owned(),
                    is_required: matches!(option, "-r" | "--require"),
                }));
            }
            "--preserve-symlinks" => entry.preserves_links = true,
            "-C" | "--conditions" => {
                let value = joined
                    .map(str::to_owned)
                    .or_else(|| args.next().map(str::to_owned));
                entry.conditions.extend(value);
            }
            "-e" | "--eval" | "-p" | "--print" | "-" | "-v" | "--version" | "-h" | "--help"
            | "-c" | "--check" | "--run" => return,
            _ if joined.is_none() && takes_value(entry.runtime, option) => {
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
