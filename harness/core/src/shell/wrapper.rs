//! Looks through the commands that only run another one: `env`, `sudo -u x`, `timeout 5`, `sh -c`.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use super::{expand::Field, idiom::basename, scope::HOLE};

/// A command that runs its operands.
#[derive(Debug)]
struct Wrapper {
    names: &'static [&'static str],
    /// Options whose value is the next argument.
    values: &'static str,
    /// Operands before the command.
    operands: usize,
}

const fn wrapper(names: &'static [&'static str], values: &'static str, operands: usize) -> Wrapper {
    Wrapper {
        names,
        values,
        operands,
    }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper(&["env"], "-u --unset -C --chdir", 0),
    wrapper(&["exec"], "-a", 0),
    wrapper(
        &[
            "command",
            "builtin",
            "nohup",
            "setsid",
            "chronic",
            "dbus-run-session",
            "coproc",
        ],
        "",
        0,
    ),
    wrapper(
        &["sudo"],
        "-u --user -g --group -h --host -p --prompt -C -r -t -D --chdir -R -T -U",
        0,
    ),
    wrapper(&["doas"], "-u -C", 0),
    wrapper(&["su-exec", "gosu", "s6-setuidgid", "setuidgid"], "", 1),
    wrapper(
        &["setpriv"],
        "--reuid --regid --groups --inh-caps --bounding-set --ambient-caps",
        0,
    ),
    wrapper(
        &["s6-applyuidgid", "chpst"],
        "-u -g -G -U -e -/ -n -l -L -m -d -o -p -f -c -t",
        0,
    ),
    wrapper(&["s6-envdir", "envdir"], "", 1),
    wrapper(&["chroot"], "--userspec --groups", 1),
    wrapper(&["timeout", "gtimeout"], "-s --signal -k --kill-after", 1),
    wrapper(&["nice"], "-n --adjustment", 0),
    wrapper(&["ionice"], "-c -n --class --classdata", 0),
    wrapper(&["chrt", "taskset"], "-c", 1),
    wrapper(&["stdbuf"], "-i -o -e --input --output --error", 0),
    wrapper(&["time"], "-f --format -o --output", 0),
    wrapper(
        &["xargs"],
        "-I -n -P -d -L -s -E -a --max-args --max-procs --delimiter --max-lines --arg-file --replace",
        0,
    ),
    wrapper(&["tini", "tini-static", "docker-init"], "-p -e", 0),
    wrapper(&["dumb-init"], "-r --rewrite", 0),
    wrapper(&["catatonit", "with-contenv", "busybox", "toybox"], "", 0),
    wrapper(&["flock"], "-w --timeout -E --conflict-exit-code", 1),
    wrapper(&["unshare", "faketime"], "", 0),
    wrapper(&["strace", "ltrace"], "-o -e -s -p -u -E -P", 0),
    wrapper(
        &["xvfb-run"],
        "-n --server-num -s --server-args -e --error-file -f --auth-file -w --wait",
        0,
    ),
    wrapper(&["watch"], "-n --interval", 0),
    wrapper(
        &["parallel"],
        "-j --jobs -a --arg-file --delay --retries --timeout -I -N -n",
        0,
    ),
    wrapper(&["prlimit", "softlimit"], "-m -d -o -f -p", 0),
    wrapper(&["caffeinate", "unbuffer"], "", 0),
    wrapper(
        &[
            "numactl",
            "box64",
            "box86",
            "FEXInterpreter",
            "wine",
            "wine64",
            "eatmydata",
            "noroot",
            "pipefail",
        ],
        "-C -m -N",
        0,
    ),
    wrapper(
        &["s6-sudo", "s6-setlock", "s6-softlimit", "execas"],
        "-t -T -u -g",
        0,
    ),
    wrapper(&["catchsegv", "proot", "fakeroot"], "-r -b -w", 0),
    wrapper(
        &["wait-for-it", "wait-for-it.sh"],
        "-h -p -t --host --port --timeout",
        1,
    ),
    wrapper(
        &["dockerize"],
        "-wait -timeout -template -stdout -stderr -wait-retry-interval",
        0,
    ),
];

/// Whether a wrapper writes configuration before it runs anything: `dockerize -template a:b nginx`.
pub(super) fn renders(argv: &[Field]) -> bool {
    let Some((name, args)) = argv.split_first() else {
        return false;
    };
    let mut own = args.iter().map(|arg| arg.text.trim_start_matches('-'));
    basename(&name.text) == "dockerize"
        && own.any(|arg| arg == "template" || arg.starts_with("template="))
}

/// Tools that run another command with `VERB COMMAND`.
const RUNNERS: [(&str, &[&str]); 24] = [
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("pdm", &["run"]),
    ("rye", &["run"]),
    ("hatch", &["run"]),
    ("uv", &["run"]),
    ("conda", &["run"]),
    ("mamba", &["run"]),
    ("micromamba", &["run"]),
    ("bundle", &["exec"]),
    ("pnpm", &["exec", "--"]),
    ("yarn", &["exec"]),
    ("npm", &["explore"]),
    ("mise", &["exec", "x"]),
    ("nvm", &["exec"]),
    ("fnm", &["exec"]),
    ("volta", &["run"]),
    ("asdf", &["exec"]),
    ("rbenv", &["exec"]),
    ("pyenv", &["exec"]),
    ("nodenv", &["exec"]),
    ("goenv", &["exec"]),
    ("rvm", &["do"]),
    ("dotenvx", &["run"]),
];

/// Tools that give secrets to the command behind their `--`, whatever stands before it.
const LENDERS: [(&str, &[&str]); 6] = [
    ("doppler", &["run"]),
    ("op", &["run"]),
    ("infisical", &["run"]),
    ("teller", &["run"]),
    ("chamber", &["exec"]),
    ("aws-vault", &["exec"]),
];

/// The shells that a script is read for.
pub(super) fn is_shell(name: &str) -> bool {
    matches!(
        basename(name),
        "sh" | "bash"
            | "dash"
            | "ash"
            | "ksh"
            | "mksh"
            | "zsh"
            | "rbash"
            | "posh"
            | "yash"
            | "bashio"
    )
}

/// What a command comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call<'a> {
    /// Nothing is run.
    Nothing,
    /// `command -v x`: asks whether something is there.
    Probe,
    /// A command; `plain` when the shell itself looks it up, functions and builtins included.
    Command { argv: Cow<'a, [Field]>, plain: bool },
    /// A shell and the code it is given as an argument, then `$0` and `$@`.
    Code { code: Field, args: Vec<Field> },
    /// A shell and the script it reads.
    Script { argv: Vec<Field> },
    /// A shell that reads its standard input, with `$@`.
    Stdin { args: Vec<Field> },
}

/// A command without its wrappers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invocation<'a> {
    pub(super) call: Call<'a>,
    /// `exec`: nothing behind it runs.
    pub(super) exec: bool,
}

/// Takes the wrappers off `argv`.
pub(super) fn unwrap(argv: &[Field]) -> Invocation<'_> {
    // Each turn takes at least one argument away; the bound is for the rewrites.
    unwrapped(argv, true, false, 64)
}

/// The same, `turns` at most: whether what was taken off so far left the lookup to the shell, and was an `exec`.
fn unwrapped(mut argv: &[Field], mut plain: bool, mut exec: bool, turns: u32) -> Invocation<'_> {
    for turn in 0..turns {
        let Some(name) = argv.first().map(|field| basename(&field.text)) else {
            break;
        };
        if plain && name == "exec" {
            exec = argv.len() > 1;
        }
        if plain
            && name == "command"
            && argv
                .get(1)
                .is_some_and(|arg| matches!(arg.text.as_str(), "-v" | "-V"))
        {
            return Invocation {
                call: Call::Probe,
                exec,
            };
        }
        if is_shell(name) {
            return Invocation {
                call: shell(argv),
                exec,
            };
        }
        if matches!(name, "su" | "runuser" | "script" | "flock")
            && let Some(call) = switch_user(argv)
        {
            return Invocation { call, exec };
        }
        let Some(rest) = inner(name, argv) else {
            break;
        };
        // `command x` and `time x` still see builtins, but only `time` and `coproc` see functions.
        plain = plain && matches!(name, "time" | "coproc");
        match rest {
            Cow::Borrowed(rest) => argv = rest,
            Cow::Owned(rest) => {
                return unwrapped(&rest, plain, exec, turns - turn - 1).into_owned();
            }
        }
    }
    let call = if argv.is_empty() {
        Call::Nothing
    } else {
        Call::Command {
            argv: Cow::Borrowed(argv),
            plain,
        }
    };
    Invocation { call, exec }
}

impl Invocation<'_> {
    fn into_owned(self) -> Invocation<'static> {
        Invocation {
            call: self.call.into_owned(),
            exec: self.exec,
        }
    }
}

impl Call<'_> {
    fn into_owned(self) -> Call<'static> {
        match self {
            Self::Nothing => Call::Nothing,
            Self::Probe => Call::Probe,
            Self::Command { argv, plain } => Call::Command {
                argv: Cow::Owned(argv.into_owned()),
                plain,
            },
            Self::Code { code, args } => Call::Code { code, args },
            Self::Script { argv } => Call::Script { argv },
            Self::Stdin { args } => Call::Stdin { args },
        }
    }
}

/// The wrappers by their names.
static BY_NAME: LazyLock<HashMap<&str, &Wrapper>> = LazyLock::new(|| {
    let pairs = WRAPPERS
        .iter()
        .flat_map(|wrapper| wrapper.names.iter().map(move |name| (*name, wrapper)));
    pairs.collect()
});

fn inner<'a>(name: &str, argv: &'a [Field]) -> Option<Cow<'a, [Field]>> {
    let args = argv.get(1..)?;
    if let Some(wrapper) = BY_NAME.get(name) {
        if name == "env"
            && let Some(split) = split_string(args)
        {
            return Some(Cow::Owned(split));
        }
        return Some(Cow::Borrowed(after(args, wrapper.values, wrapper.operands)));
    }
    if name == "find" {
        let at = args
            .iter()
            .position(|arg| matches!(arg.text.as_str(), "-exec" | "-execdir" | "-ok"))?;
        let command = args.get(at + 1..)?;
        let end = command
            .iter()
            .position(|arg| matches!(arg.text.as_str(), ";" | "+"))
            .unwrap_or(command.len());
        return command.get(..end).map(Cow::Borrowed);
    }
    if matches!(name, "corepack" | "symfony") {
        let runs = ["npm", "npx", "pnpm", "yarn", "composer", "php", "console"];
        return args
            .first()
            .filter(|arg| runs.contains(&arg.text.as_str()))
            .map(|_| Cow::Borrowed(args));
    }
    if let Some((_, verbs)) = LENDERS.iter().find(|(lender, _)| *lender == name) {
        let verb = args.first()?.text.as_str();
        let dashes = args.iter().position(|arg| arg.text == "--")?;
        let rest = args.get(dashes + 1..).unwrap_or_default();
        return verbs.contains(&verb).then_some(Cow::Borrowed(rest));
    }
    if let Some((_, verbs)) = RUNNERS.iter().find(|(runner, _)| *runner == name) {
        let at = args
            .iter()
            .position(|arg| verbs.contains(&arg.text.as_str()))?;
        let (before, rest) = (args.get(..at)?, args.get(at + 1..).unwrap_or_default());
        // `rvm 3.2 do bundle install`, `nvm exec 18 npm ci`, `mise x node@20 -- npm ci`.
        let chooses = ["nvm", "rvm", "mise"].contains(&name);
        let version = |arg: &&Field| chooses && is_version(&arg.text);
        let mut own = before.iter();
        let options = own.all(|arg| arg.text.starts_with('-') || version(&arg));
        let values = "-n --name -p --prefix -C --using --node --npm --yarn -f --env-file";
        let command = after(rest, values, 0);
        // `uv run --with x`: what it resolves for this run counts before what it runs.
        let mut own = rest.iter().take(rest.len() - command.len());
        let resolves = name == "uv" && own.any(|arg| arg.text.starts_with("--with"));
        let versions = command.iter().take_while(version).count();
        let command = command.get(versions..).unwrap_or_default();
        return (options && !resolves).then_some(Cow::Borrowed(after(command, "", 0)));
    }
    interpreter(name, args)
}

/// A version that a version manager runs a command with: `18`, `v20.1`, `lts/*`, `node@20`.
fn is_version(text: &str) -> bool {
    let number = text.strip_prefix('v').unwrap_or(text);
    number.starts_with(|c: char| c.is_ascii_digit())
        || text.starts_with("lts/")
        || text
            .split_once('@')
            .is_some_and(|(tool, _)| !tool.is_empty())
}

/// `python -m pip …` is `pip …`; `node …/npm-cli.js …` is `npm …`.
fn interpreter<'a>(name: &str, args: &'a [Field]) -> Option<Cow<'a, [Field]>> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if stem == "python" || stem == "pypy" {
        let at = args
            .iter()
            .position(|arg| arg.text == "-m" || !arg.text.starts_with('-'))?;
        let module = args.get(at..)?;
        let [first, rest @ ..] = module else {
            return None;
        };
        if args.iter().take(at).any(|arg| arg.text == "-c") {
            return None;
        }
        if first.text == "-m" {
            return (!rest.is_empty()).then_some(Cow::Borrowed(rest));
        }
        return matches!(basename(&first.text), "pip" | "pip3" | "pipx" | "poetry")
            .then_some(Cow::Borrowed(module));
    }
    if matches!(stem, "php" | "ruby" | "java") {
        return program(args).map(Cow::Owned);
    }
    if !matches!(stem, "node" | "nodejs") {
        return None;
    }
    let at = args.iter().position(|arg| !arg.text.starts_with('-'))?;
    let (script, rest) = args.get(at..)?.split_first()?;
    let tool = match basename(&script.text) {
        "npm-cli.js" => "npm",
        "npx-cli.js" => "npx",
        "pnpm.cjs" | "pnpm.js" => "pnpm",
        "yarn.js" | "yarn.cjs" => "yarn",
        "cli.js" if script.text.contains("playwright") => "playwright",
        _ => return None,
    };
    let tool = Field {
        text: tool.to_owned(),
        word: script.word,
    };
    let call = std::iter::once(tool).chain(rest.iter().cloned());
    Some(Cow::Owned(call.collect()))
}

/// `php -d memory_limit=-1 /usr/bin/composer install` is `composer install`; `java -jar jenkins-plugin-manager.jar`.
fn program(args: &[Field]) -> Option<Vec<Field>> {
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-')) {
        at += 1 + usize::from(matches!(arg.text.as_str(), "-d" | "-c" | "-cp" | "-I"));
    }
    let (script, rest) = args.get(at..)?.split_first()?;
    let name = basename(&script.text);
    let stem = match name.rsplit_once('.') {
        Some((stem, "phar" | "jar")) => {
            stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'))
        }
        _ => name,
    };
    let known = [
        "composer",
        "occ",
        "wp",
        "wp-cli",
        "drush",
        "gem",
        "bundle",
        "bundler",
        "jenkins-plugin-manager",
        "pod",
    ];
    known.contains(&stem).then(|| {
        let tool = Field {
            text: stem.to_owned(),
            word: script.word,
        };
        std::iter::once(tool).chain(rest.iter().cloned()).collect()
    })
}

/// What stands behind options, assignments and leading operands.
fn after<'a>(args: &'a [Field], values: &str, operands: usize) -> &'a [Field] {
    let (mut at, mut operands) = (0, operands);
    let takes_value = |text: &str| values.split(' ').any(|value| value == text);
    while let Some(arg) = args.get(at) {
        let text = arg.text.as_str();
        if text == "--" {
            // `timeout -- 5 npm` and `tini -- npm`.
            at += 1 + operands;
            break;
        }
        if text.starts_with('-') && text.len() > 1 {
            at += 1 + usize::from(takes_value(text));
        } else if is_assignment(text) {
            at += 1;
        } else if operands > 0 {
            operands -= 1;
            at += 1;
        } else {
            break;
        }
    }
    args.get(at..).unwrap_or_default()
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// `env -S "npm install"`.
fn split_string(args: &[Field]) -> Option<Vec<Field>> {
    let at = args
        .iter()
        .position(|arg| arg.text.starts_with("-S") || arg.text.starts_with("--split-string"))?;
    let option = args.get(at)?;
    let (text, next) = match option.text.as_str() {
        "-S" | "--split-string" => (args.get(at + 1)?.text.as_str(), at + 2),
        text => (
            text.trim_start_matches("--split-string=")
                .trim_start_matches("-S"),
            at + 1,
        ),
    };
    let word = option.word;
    let split = text.split_ascii_whitespace().map(|text| Field {
        text: text.to_owned(),
        word,
    });
    let all: Vec<_> = split.chain(args.get(next..)?.iter().cloned()).collect();
    Some(after(&all, "", 0).to_vec())
}

/// `sh`, `bash -lc CODE`, `bash -s`, `sh FILE`.
fn shell(argv: &[Field]) -> Call<'static> {
    let (mut at, mut code, mut stdin) = (1, false, false);
    while let Some(arg) = argv.get(at) {
        let text = arg.text.as_str();
        match text {
            "--" | "-" => {
                at += 1;
                break;
            }
            "--version" | "--help" => return Call::Nothing,
            "--rcfile" | "--init-file" => at += 2,
            _ if text.starts_with("--") => at += 1,
            _ if text.len() > 1 && text.starts_with(['-', '+']) => {
                code |= text.starts_with('-') && text.contains('c');
                stdin |= text.starts_with('-') && text.contains('s');
                at += 1 + usize::from(text.ends_with(['o', 'O']));
            }
            // An unknown argument before the script may be options or nothing.
            HOLE if !code && argv.len() > at + 1 => at += 1,
            _ => break,
        }
    }
    let rest = argv.get(at..).unwrap_or_default();
    match rest.split_first() {
        Some((text, args)) if code => Call::Code {
            code: text.clone(),
            args: args.to_vec(),
        },
        Some(_) if !stdin => Call::Script {
            argv: rest.to_vec(),
        },
        _ if code => Call::Nothing,
        _ => Call::Stdin {
            args: rest.to_vec(),
        },
    }
}

/// `su - user -c CODE`, `runuser -u user -- COMMAND`, `flock FILE -c CODE`, and `su user <<EOF`.
fn switch_user(argv: &[Field]) -> Option<Call<'_>> {
    let (name, args) = argv.split_first()?;
    if basename(&name.text) == "flock" {
        let [own @ .., option, code] = args else {
            return None;
        };
        let files = own.iter().filter(|arg| !arg.text.starts_with('-')).count();
        let is_code = files == 1 && matches!(option.text.as_str(), "-c" | "--command");
        return is_code.then(|| Call::Code {
            code: code.clone(),
            args: Vec::new(),
        });
    }
    let is_code = |arg: &Field| {
        let text = arg.text.as_str();
        text == "--command"
            || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('c'))
    };
    if let Some(at) = args.iter().position(is_code) {
        let rest = args.get(at + 1..)?;
        let (code, args) = rest.split_first()?;
        return Some(Call::Code {
            code: code.clone(),
            args: args.to_vec(),
        });
    }
    let long = |arg: &&Field| arg.text.starts_with("--command=");
    if let Some(arg) = args.iter().find(long) {
        let text = arg.text.trim_start_matches("--command=").to_owned();
        return Some(Call::Code {
            code: Field {
                text,
                word: arg.word,
            },
            args: Vec::new(),
        });
    }
    let user = args
        .iter()
        .any(|arg| matches!(arg.text.as_str(), "-u" | "--user"));
    // A login shell reads what it is given: `su - app <<EOF`.
    if basename(&name.text) == "su" && !args.is_empty() {
        let login = args.iter().position(|arg| arg.text == "-");
        let own = login.map_or(args, |at| args.get(at + 1..).unwrap_or_default());
        if after(own, "-s --shell -g --group -G --supp-group -w", 0).len() <= 1 {
            return Some(Call::Stdin { args: Vec::new() });
        }
    }
    let command = user.then(|| {
        after(
            args,
            "-u --user -g --group -G --supp-group -s --shell -w",
            0,
        )
    })?;
    Some(match unwrap(command).call {
        Call::Command { argv, .. } => Call::Command { argv, plain: false },
        other => other,
    })
}
