//! Rules for commands that download code or data: the boot must not need the network.

use super::{
    Invoked, Rule,
    kind::{Kind, is_for_programs, kind_of},
};
use crate::shell::{lint::Class, scope::HOLE};

const CLAUSE: &str = "PRD-002 §5.1: startup must not download packages";

const fn rule(id: &'static str, explain: &'static str, fix: &'static str) -> Rule {
    Rule {
        id,
        class: Class::Fetch,
        clause: CLAUSE,
        explain,
        fix,
    }
}

pub(super) static RULES: &[Rule] = &[
    rule(
        "fetch/git",
        "the boot takes whatever the repository has at that moment",
        "copy the checked-out tree into the image at a fixed commit",
    ),
    rule(
        "fetch/curl-pipe-shell",
        "a downloaded text is run as it comes: nobody can say what this boot does",
        "run the installer in the image's build and check what it fetched by its hash",
    ),
    rule(
        "fetch/archive",
        "an archive is downloaded and unpacked while the container boots",
        "unpack it in the image's build, checked by its hash",
    ),
    rule(
        "fetch/download-run",
        "a file is downloaded and then run",
        "ship the file in the image, checked by its hash",
    ),
    rule(
        "fetch/download",
        "software or an asset is downloaded while the container boots",
        "ship the file in the image, checked by its hash",
    ),
    rule(
        "fetch/model",
        "a model or a corpus is downloaded while the container boots",
        "ship it in the image, or mount a volume that holds it and probe at boot: `test -s FILE || exit 1`",
    ),
    rule(
        "fetch/image",
        "a container image is pulled while the container boots",
        "ship the image in an archive, or pin it by its digest and pull it before the boot",
    ),
];

/// What a pipe or a substitution hands downloaded text to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::shell) enum Sink {
    /// It unpacks it.
    Unpack,
    /// A program for another language than the shell's runs it.
    Program,
    /// A shell runs it.
    Shell,
}

/// Tools that download what their arguments name.
pub(super) const DOWNLOADERS: [&str; 9] = [
    "curl", "wget", "wget2", "aria2c", "fetch", "http", "xh", "axel", "curlie",
];

pub(super) fn judge(call: &Invoked<'_>) -> Option<&'static Rule> {
    if let Some(rule) = others(call) {
        return named(rule);
    }
    let words = match call.tool {
        "git" => call.places("-C -c --git-dir --work-tree --namespace --exec-path --depth -b --branch -o --origin --jobs -j"),
        "git-lfs" => call.words("-I --include -X --exclude"),
        "gh" => call.words("-R --repo"),
        _ => return None,
    };
    let verb = words.iter().position(|word| *word != HOLE).unwrap_or(0);
    let fetches = match (call.tool, words.get(verb..).unwrap_or_default()) {
        ("git", ["clone", rest @ ..]) => clones(rest),
        ("git", ["pull" | "fetch" | "fetch-pack", ..] | ["submodule", "update" | "add", ..]) => {
            true
        }
        ("git-lfs", ["pull" | "fetch", ..]) => true,
        ("git", ["remote", "update", ..] | ["lfs", "pull" | "fetch", ..]) => true,
        ("gh", ["repo", "clone", ..] | ["release", "download", ..]) => true,
        _ => false,
    };
    fetches.then(|| named("fetch/git")).flatten()
}

/// Tools that fetch by a verb of their own.
fn others(call: &Invoked<'_>) -> Option<&'static str> {
    let downloader = call.tool.contains("download")
        && call.tool != "nltk.downloader"
        && call
            .tool
            .split(['-', '_', '.'])
            .any(|part| part == "downloader" || part == "download");
    let words = call.words("-f --file -p --project-name -H --host --context --config -o --local-dir --repo-type --revision --token");
    match (call.tool, words.as_slice()) {
        _ if objects(call) || by_arguments(call) => Some("fetch/download"),
        _ if downloader && !call.args.is_empty() && !asks(call) => Some("fetch/download"),
        (
            "svn" | "hg" | "bzr",
            [
                "checkout" | "co" | "export" | "clone" | "branch" | "update" | "up" | "pull",
                ..,
            ],
        )
        | ("ansible-pull", [..]) => Some("fetch/git"),
        ("ollama", ["pull", ..])
        | ("huggingface-cli" | "hf" | "modelscope", ["download", ..])
        | ("spacy", ["download", ..])
        | ("nltk.downloader" | "argospm", [_, ..])
        | ("kaggle", ["datasets" | "models" | "competitions", "download", ..])
        | ("dvc", ["pull" | "fetch" | "get", ..]) => Some("fetch/model"),
        ("docker" | "podman" | "nerdctl" | "ctr" | "crictl", ["pull" | "load-remote", ..])
        | ("docker" | "podman" | "nerdctl", ["image" | "compose", "pull", ..])
        | ("docker-compose", ["pull", ..])
        | ("singularity" | "apptainer", ["pull", ..])
        | ("skopeo" | "crane" | "oras", ["copy" | "pull" | "export", ..]) => Some("fetch/image"),
        ("kubectl", ["apply" | "create" | "replace", ..])
            if call.args.iter().any(|arg| is_web(arg)) =>
        {
            Some("fetch/download")
        }
        ("gdown", [_, ..]) => Some("fetch/download"),
        ("lftp", _) if mirrors(call) => Some("fetch/download"),
        (
            "az",
            [
                "storage",
                "blob" | "file",
                "download" | "download-batch",
                ..,
            ],
        ) if call.args.iter().any(|arg| is_code(arg, Some(arg))) => Some("fetch/download"),
        // Symfony's import map: the modules come from a network of their own.
        (
            "php" | "console",
            [
                ..,
                "importmap:install" | "importmap:require" | "importmap:update",
            ],
        ) => Some("fetch/download"),
        ("python" | "python3" | "node" | "nodejs" | "ruby" | "bun", [script, ..])
            if !asks(call) && is_download(script) =>
        {
            Some("fetch/download")
        }
        ("php", [..])
            if runs_code(call, &["-r"], &["copy(", "file_get_contents(", "readfile("]) =>
        {
            Some("fetch/download")
        }
        ("python" | "python3", [..])
            if runs_code(
                call,
                &["-c"],
                &[
                    "urlretrieve(",
                    "snapshot_download(",
                    "hf_hub_download(",
                    "nltk.download(",
                    ".from_pretrained(",
                ],
            ) =>
        {
            Some("fetch/download")
        }
        _ => None,
    }
}

/// Tools whose arguments tell what they get.
fn by_arguments(call: &Invoked<'_>) -> bool {
    let any = |test: &dyn Fn(&str) -> bool| call.args.iter().any(|arg| test(arg));
    match (call.tool, call.args) {
        // The installers of game servers download the server and its libraries.
        ("java", _) => {
            call.has(&["--installServer", "-downloadMinecraft"])
                || any(&|arg| arg.rsplit('/').next() == Some("BuildTools.jar"))
        }
        // The helper of the Minecraft images: servers, loaders, mod packs.
        ("mc-image-helper", ["get", ..]) => {
            any(&|arg| arg.starts_with("-o") || arg == "--output" || arg.starts_with("--output="))
        }
        ("mc-image-helper", ["github", verb, ..]) => {
            verb.starts_with("download-") && !call.has(&["--no-download"])
        }
        ("mc-image-helper", [verb, ..]) => {
            let packs = [
                "modrinth",
                "curseforge",
                "curseforge-files",
                "vanillatweaks",
            ];
            packs.contains(verb) || verb.starts_with("install-")
        }
        ("pwsh" | "powershell", _) => any(&|arg| arg.contains("-OutFile") && arg.contains("://")),
        _ => false,
    }
}

/// Whether a tool only tells what there is.
fn asks(call: &Invoked<'_>) -> bool {
    let mut args = call.args.iter();
    args.any(|arg| {
        let asked = ["version", "help", "list"];
        asked.iter().any(|word| arg.contains(word))
            || arg.starts_with('-') && arg.trim_start_matches('-').starts_with("check-")
    })
}

/// Tools that copy from and to object stores and other machines.
const COPIERS: [&str; 11] = [
    "aws", "s5cmd", "s3cmd", "gcloud", "gsutil", "mc", "rclone", "azcopy", "scp", "sftp", "rsync",
];

/// Whether `lftp` gets software: `lftp -e "mirror /pub/app /opt/app; quit" HOST`. Its commands are in an argument.
fn mirrors(call: &Invoked<'_>) -> bool {
    let takes_code = |arg: &&str| matches!(*arg, "-e" | "-c");
    let Some(at) = call.args.iter().position(takes_code) else {
        return false;
    };
    if call.args.iter().any(|arg| is_loopback(arg)) {
        return false;
    }
    let code = call.args.get(at + 1).copied().unwrap_or_default();
    let mut here: Option<String> = None;
    code.split([';', '\n', '&', '|']).any(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let Some((verb, args)) = words.split_first() else {
            return false;
        };
        let call = Invoked { tool: verb, args };
        let places = call.words("-P -x -X -i -I -o -O");
        let quotes = ['"', '\''];
        let mut places = places.into_iter().map(|word| word.trim_matches(quotes));
        let from = places.next();
        match *verb {
            "lcd" => {
                here = from.map(str::to_owned);
                false
            }
            // Sends instead of getting.
            "mirror" if call.has(&["-R", "--reverse"]) => false,
            "mirror" => from.is_some_and(|from| is_code(from, places.next().or(here.as_deref()))),
            "get" | "pget" | "mget" => {
                let to = args.iter().position(|arg| matches!(*arg, "-o" | "-O"));
                let to = to
                    .and_then(|at| args.get(at + 1))
                    .copied()
                    .or(here.as_deref());
                from.is_some_and(|from| is_code(from, to))
            }
            _ => false,
        }
    })
}

/// Whether software comes from an object store or another machine.
fn objects(call: &Invoked<'_>) -> bool {
    if !COPIERS.contains(&call.tool) {
        return false;
    }
    // A source that only the run knows has its place.
    let words = call.places("--profile --region --endpoint-url --config --exclude --include");
    match (call.tool, words.as_slice()) {
        ("aws", ["s3", "cp" | "sync" | "mv", from, rest @ ..])
        | ("s5cmd" | "s3cmd", ["cp" | "sync" | "mv" | "get", from, rest @ ..])
        | ("gcloud", ["storage", "cp" | "rsync", from, rest @ ..])
        | ("gsutil", ["cp" | "rsync" | "mv", from, rest @ ..])
        | (
            "mc" | "rclone",
            [
                "cp" | "mirror" | "copy" | "sync" | "copyto",
                from,
                rest @ ..,
            ],
        ) => is_object(call.tool, from) && is_code(from, rest.first().copied()),
        ("scp" | "sftp" | "rsync", [.., from, to]) => is_remote(from) && is_code(from, Some(to)),
        ("azcopy", ["copy" | "cp" | "sync", from, rest @ ..]) => {
            is_web(from) && is_code(from, rest.first().copied())
        }
        _ => false,
    }
}

/// A path of another machine: `host:/path`, `rsync://host/path`.
fn is_remote(from: &str) -> bool {
    let host = from.split('/').next().unwrap_or(from);
    host.contains(':') && !is_loopback(from)
}

/// An address of the web.
fn is_web(arg: &str) -> bool {
    (arg.starts_with("http://") || arg.starts_with("https://"))
        && !is_loopback(arg)
        && !is_beside(arg)
}

/// Where an object store's tool reads: a bucket, or a name with a colon that is no path of this machine.
fn is_object(tool: &str, from: &str) -> bool {
    let remote = |scheme| from.starts_with(scheme);
    match tool {
        "rclone" => !is_local(from) && from.contains(':'),
        "mc" => !is_local(from) && from.contains('/'),
        // What is only known at run time, as ``gsutil cp `gsutil ls …` x.zip``.
        _ => remote("s3://") || remote("gs://") || from.starts_with(HOLE),
    }
}

/// Software by its ending, or something without one that goes to where programs stand: a backup is neither.
fn is_code(from: &str, to: Option<&str>) -> bool {
    let kind = kind_of(from);
    let programs = |to: &str| {
        let homes = ["/app", "/opt", "/srv", "/usr", "/var/www", "/code"];
        let below = |home: &str| {
            to.strip_prefix(home)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let code = homes.iter().any(|home| below(home)) || is_for_programs(&format!("{to}/"));
        let state = ["/data", "/backup", "/var/lib/"];
        code && !state.iter().any(|dir| to.contains(dir))
    };
    let to_software = |to: &str| kind_of(to) == Kind::Software && !to.contains("://");
    kind == Kind::Software
        || kind == Kind::Unknown && to.is_some_and(|to| programs(to) || to_software(to))
}

/// A script that is called after what it does: `download_models.py`, `scripts/download.js`.
fn is_download(script: &str) -> bool {
    let name = script.rsplit('/').next().unwrap_or(script);
    let Some((stem, "py" | "js" | "mjs" | "cjs" | "ts" | "rb")) = name.rsplit_once('.') else {
        return false;
    };
    stem.split(['-', '_', '.']).next() == Some("download")
}

/// Whether code that is given as an argument has one of the calls, with an address of the network.
fn runs_code(call: &Invoked<'_>, flags: &[&str], calls: &[&str]) -> bool {
    let Some(at) = call.args.iter().position(|arg| flags.contains(arg)) else {
        return false;
    };
    let code = call.args.get(at + 1).copied().unwrap_or_default();
    let remote = code.contains("http://")
        || code.contains("https://")
        || code.contains("nltk.download(")
        || code.contains("_download(")
        || code.contains(".from_pretrained(");
    remote && calls.iter().any(|call| code.contains(call))
}

/// Whether a clone comes from elsewhere; before an address and a directory, what is not known are options.
fn clones(words: &[&str]) -> bool {
    let options = words.len().saturating_sub(2);
    let at = words.iter().take(options).take_while(|word| **word == HOLE);
    words.get(at.count()).is_none_or(|url| !is_local(url))
}

/// A path of this machine needs no network.
fn is_local(url: &str) -> bool {
    url.starts_with(['/', '.']) || url.starts_with("file:")
}

fn named(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// The rule that a downloader breaks because of what its output goes to.
pub(in crate::shell) fn feeds(argv: &[&str], sink: Sink) -> Option<&'static Rule> {
    Invoked::new(argv).filter(downloads)?;
    named(match sink {
        Sink::Program | Sink::Shell => "fetch/curl-pipe-shell",
        Sink::Unpack => "fetch/archive",
    })
}

pub(super) fn downloads(call: &Invoked<'_>) -> bool {
    DOWNLOADERS.contains(&call.tool)
        && !call.only_asks()
        && !call.args.iter().any(|arg| is_loopback(arg))
}

fn is_loopback(arg: &str) -> bool {
    let host = arg.split_once("://").map_or(arg, |(_, rest)| rest);
    let own = [
        "localhost",
        "127.",
        "[::1]",
        "0.0.0.0",
        "169.254.",
        "metadata.google",
    ];
    own.iter().any(|own| host.starts_with(own)) || arg.starts_with("file:")
}

/// An address of a service beside this one (`http://vault:8200`): a name without a dot is no registry's.
fn is_beside(arg: &str) -> bool {
    let (schemed, rest) = match arg.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => (true, rest),
        _ => (false, arg),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host);
    schemed && !host.is_empty() && !host.contains(['.', '[']) && !host.contains(HOLE)
}

/// Whether a downloader keeps software: in a file that it names itself, or in `target`, where its output goes.
/// `asked` when something asks for its status: then an address without an ending is a health check.
pub(in crate::shell) fn keeps(
    argv: &[&str],
    target: Option<&str>,
    asked: bool,
) -> Option<&'static Rule> {
    let call = Invoked::new(argv).filter(downloads)?;
    let curl = call.tool == "curl";
    if call.has(&["--spider", "-I", "--head"])
        || call.args.iter().any(|arg| curl && bundles(arg, 'I'))
    {
        return None;
    }
    // What a file of its own takes does not go to the output: `curl -o app.jar … > /dev/null`.
    let own = saved(&call).filter(|own| *own != "-");
    let saved = match (own, target) {
        // A page that nobody wants, under whatever name: `wget -q https://… > /dev/null` only asks.
        (Some("?"), Some(to)) if !to.starts_with("/dev/") => to,
        (Some("?"), Some(_)) if !call.args.iter().any(|arg| kind_of(arg) == Kind::Software) => {
            return None;
        }
        (own, target) => own.or(target)?,
    };
    if saved.starts_with("/dev/") || saved.starts_with("/proc/") || serves(&call) {
        return None;
    }
    let sends = sends(&call);
    let addresses = call
        .args
        .iter()
        .filter(|arg| arg.contains("://") || arg.contains(HOLE));
    let kinds: Vec<Kind> = addresses
        .map(|arg| kind_of(arg))
        .chain([kind_of(saved)])
        .collect();
    let hosted = call
        .args
        .iter()
        .any(|arg| arg.contains("/releases/") || arg.contains("codeload.github.com"));
    let software = match () {
        () if kinds.contains(&Kind::Software) || is_for_programs(saved) => true,
        () if kinds.contains(&Kind::Data) || sends => false,
        () if hosted => true,
        () if call.args.iter().any(|arg| is_beside(arg)) => false,
        // A health check may keep its answer, but not where it stays.
        () if asked => named_file(&call).is_some_and(stays),
        () => !call.args.is_empty(),
    };
    software.then(|| named("fetch/download")).flatten()
}

/// Whether a request sends something or asks for more than a file.
fn sends(call: &Invoked<'_>) -> bool {
    let curl = call.tool == "curl";
    call.args.iter().any(|arg| {
        let long = [
            "--data",
            "--request",
            "--form",
            "--upload-file",
            "--post-",
            "--method",
            "--json",
            "--user",
            "--write-out",
        ];
        let short = curl
            && ["-X", "-d", "-F", "-T", "-w", "-u"]
                .iter()
                .any(|flag| arg.starts_with(flag) && !arg.starts_with("--"));
        short || long.iter().any(|flag| arg.starts_with(flag))
    })
}

/// `aria2c --conf-path=…` without anything to get: it waits to be told.
fn serves(call: &Invoked<'_>) -> bool {
    let told = ["--conf-path", "--enable-rpc", "-D", "--daemon"];
    let given = ["-i", "--input-file", "-Z", "-T", "--torrent-file"];
    let begins = |with: &[&str]| {
        let mut args = call.args.iter();
        args.any(|arg| with.iter().any(|flag| arg.starts_with(flag)))
    };
    let address = |arg: &&str| arg.contains("://") || arg.starts_with("magnet:");
    call.tool == "aria2c" && begins(&told) && !begins(&given) && !call.args.iter().any(address)
}

/// Whether a request puts its answer where something reads it later: settings, a list, a page.
pub(super) fn leaves(call: &Invoked<'_>) -> bool {
    downloads(call) && !sends(call) && named_file(call).is_some_and(stays)
}

/// The same for a file that its output goes to: `curl … > /etc/app.json`.
pub(in crate::shell) fn leaves_in(argv: &[&str], target: &str) -> bool {
    let call = Invoked::new(argv).filter(downloads);
    call.is_some_and(|call| !sends(&call) && stays(target))
}

/// The file that a downloader's own option names.
fn named_file<'a>(call: &Invoked<'a>) -> Option<&'a str> {
    let file = saved(call)?;
    (file.contains('/') && call.args.contains(&file)).then_some(file)
}

/// Whether a file is there after the boot: not the place of passing things.
fn stays(path: &str) -> bool {
    let passing = ["/tmp", "/var/tmp", "/run", "/var/run", "/dev", "/var/log"];
    path.starts_with('/')
        && !passing.iter().any(|dir| {
            path.strip_prefix(dir)
                .is_some_and(|rest| rest.starts_with('/'))
        })
}

/// Whether an argument is a bundle of short options with this one.
fn bundles(arg: &str, letter: char) -> bool {
    arg.starts_with('-') && !arg.starts_with("--") && arg.len() < 12 && arg.contains(letter)
}

/// The file that a downloader writes by its own options; a directory, or nothing known, as `?`.
fn saved<'a>(call: &Invoked<'a>) -> Option<&'a str> {
    let value = |short: char, longs: &[&str]| {
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            let ends = bundles(arg, short) && arg.ends_with(short);
            if ends || longs.contains(arg) {
                return args.next().copied();
            }
            let behind = |long: &&str| {
                arg.strip_prefix(*long)
                    .and_then(|rest| rest.strip_prefix('='))
            };
            if let Some(value) = longs.iter().find_map(behind) {
                return Some(value);
            }
            if let Some(value) = arg
                .strip_prefix(['-'])
                .and_then(|rest| rest.strip_prefix(short))
                && !arg.starts_with("--")
            {
                return Some(value);
            }
        }
        None
    };
    match call.tool {
        "curl" | "curlie" => value('o', &["--output"]).or_else(|| {
            let own = call.args.iter().any(|arg| {
                *arg == "--remote-name" || *arg == "--remote-name-all" || bundles(arg, 'O')
            });
            own.then_some("?")
        }),
        "wget" | "wget2" => {
            // `-qO-` and `-O -` write to the pipe.
            let piped = call
                .args
                .iter()
                .any(|arg| bundles(arg, 'O') && arg.ends_with("O-"));
            if piped {
                return None;
            }
            Some(value('O', &["--output-document"]).unwrap_or("?"))
        }
        "aria2c" | "axel" => Some(value('o', &["--out", "--output"]).unwrap_or("?")),
        _ => value('o', &["--output", "--download"]),
    }
}

/// The file that a downloader writes, and the rule that running it breaks.
pub(in crate::shell) fn output(argv: &[&str]) -> Option<(String, &'static Rule)> {
    let call = Invoked::new(argv).filter(downloads)?;
    let (short, long) = if call.tool == "curl" {
        ('o', "--output")
    } else {
        ('O', "--output-document")
    };
    let mut args = call.args.iter();
    while let Some(arg) = args.next() {
        let bundled = arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with(short);
        if bundled || *arg == long {
            return Some(((*args.next()?).to_owned(), named("fetch/download-run")?));
        }
        if let Some(path) = arg
            .strip_prefix(long)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some((path.to_owned(), named("fetch/download-run")?));
        }
    }
    None
}

/// What a command does with its standard input. Shells are known elsewhere; here are the others.
pub(in crate::shell) fn sink(argv: &[&str]) -> Option<Sink> {
    let call = Invoked::new(argv)?;
    match call.tool {
        "python" | "perl" | "ruby" | "node" | "php" => {
            let script = call
                .args
                .iter()
                .find(|arg| !arg.starts_with('-') || arg.len() == 1);
            let code = call.has(&["-c", "-e", "-m", "-p", "-r", "--eval", "--print"]);
            (!code && script.is_none_or(|arg| matches!(*arg, "-" | "/dev/stdin")))
                .then_some(Sink::Program)
        }
        "source" | "." => call
            .args
            .first()
            .is_some_and(|arg| *arg == "/dev/stdin")
            .then_some(Sink::Shell),
        "tar" | "bsdtar" | "unzip" | "funzip" | "cpio" | "gunzip" | "zcat" | "unxz" | "unzstd"
        | "bunzip2" => Some(Sink::Unpack),
        "gzip" | "xz" | "zstd" | "bzip2" => call
            .args
            .iter()
            .any(|arg| arg.contains('d'))
            .then_some(Sink::Unpack),
        _ => None,
    }
}
