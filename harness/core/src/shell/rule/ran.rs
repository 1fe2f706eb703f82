//! Judges what a process was started as: at run time the words are known, and what they were meant for is not.

use super::{Invoked, Rule, basename, fetch, judge, tool_name};
use crate::shell::lint::Class;

/// Smells that only a running process shows: in a script it matters where the download goes.
static RULES: &[Rule] = &[Rule {
    id: "install/compiler",
    class: Class::Install,
    clause: "PRD-002 §5.1: startup must not install",
    explain: "a compiler is at work while the container runs",
    fix: "build in the image's build, and ship what came of it",
}];

/// The rule that a process breaks by what it was started as: `node …/npm-cli.js install` is npm.
fn judge_argv(argv: &[String]) -> Option<&'static Rule> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    judge(&words)
        .or_else(|| by_name(&words))
        .or_else(|| judge(&interpreted(&words)?))
}

/// The rule that a process breaks by the program that the kernel starts for it, whatever it calls itself: the file at
/// `path` under another name, a script by what its first line names (`runs`), a program by way of its loader or of
/// `busybox`. With it, the words that show it, where they are not `argv`.
#[must_use]
pub fn judge_exec(
    path: &str,
    argv: &[String],
    runs: &[String],
) -> Option<(&'static Rule, Option<Vec<String>>)> {
    if let Some(rule) = judge_argv(argv) {
        return Some((rule, None));
    }
    let own_name = std::iter::once(path.to_owned()).chain(argv.iter().skip(1).cloned());
    let own_name: Vec<String> = own_name.collect();
    let behind = |words: &[String]| behind(words).map(<[String]>::to_vec);
    let readings = [
        Some(runs.to_vec()),
        behind(argv),
        behind(runs),
        behind(&own_name),
        Some(own_name),
    ];
    readings
        .into_iter()
        .flatten()
        .find_map(|words| judge_argv(&words).map(|rule| (rule, Some(words))))
}

/// The command behind a program that starts another in its own place, without an exec.
fn behind(words: &[String]) -> Option<&[String]> {
    /// Options of the loader that take the next word.
    const VALUED: [&str; 5] = [
        "--argv0",
        "--audit",
        "--inhibit-rpath",
        "--library-path",
        "--preload",
    ];
    let (program, mut rest) = words.split_first()?;
    let name = basename(program);
    if matches!(name, "busybox" | "toybox") {
        return (!rest.is_empty()).then_some(rest);
    }
    let is_loader = ["ld-linux", "ld-musl", "ld.so", "ld64"];
    if !is_loader.iter().any(|loader| name.starts_with(loader)) {
        return None;
    }
    while let Some((word, tail)) = rest.split_first() {
        if !word.starts_with("--") {
            return Some(rest);
        }
        let skipped = usize::from(VALUED.contains(&word.as_str()));
        rest = tail.get(skipped..).unwrap_or_default();
    }
    None
}

fn by_name(words: &[&str]) -> Option<&'static Rule> {
    let call = Invoked::new(words)?;
    let id = if fetch::downloads(&call) {
        "fetch/download"
    } else if !call.only_asks() && is_compiler(&call) {
        "install/compiler"
    } else {
        return None;
    };
    fetch::RULES.iter().chain(RULES).find(|rule| rule.id == id)
}

fn is_compiler(call: &Invoked<'_>) -> bool {
    // `x86_64-linux-gnu-gcc-12` is gcc.
    let name = call
        .tool
        .trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let name = ["-gnu-", "-musl-"]
        .iter()
        .find_map(|target| name.split_once(target))
        .map_or(name, |(_, name)| name);
    match name {
        "cc" | "c++" | "gcc" | "g++" | "clang" | "clang++" | "rustc" | "javac" | "tsc" | "cc1"
        | "cc1plus" | "node-gyp" => true,
        "go" => matches!(call.args.first(), Some(&("build" | "install"))),
        "cargo" => matches!(call.args.first(), Some(&("build" | "install"))),
        _ => false,
    }
}

/// Whether a program runs the code of another language than the shell's.
pub(in crate::shell) fn interprets(program: &str) -> bool {
    let known = ["node", "nodejs", "bun", "python", "ruby", "perl", "php"];
    known.contains(&tool_name(program))
}

/// The call that an interpreter makes of its script: `python3 /usr/bin/pip install x` is `pip install x`.
fn interpreted<'a>(words: &[&'a str]) -> Option<Vec<&'a str>> {
    let (interpreter, rest) = words.split_first()?;
    if !interprets(interpreter) {
        return None;
    }
    let script = rest.iter().position(|word| !word.starts_with('-'))?;
    let name = basename(rest[script]);
    let name = match name.rsplit_once('.') {
        Some((stem, "js" | "cjs" | "mjs" | "py" | "rb" | "phar")) => stem,
        _ => name,
    };
    let mut call = vec![name.trim_end_matches("-cli")];
    call.extend(&rest[script + 1..]);
    Some(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str) -> Option<&'static str> {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        judge_argv(&argv).map(|rule| rule.id)
    }

    #[test]
    fn a_program_is_judged_by_what_the_kernel_starts() {
        let words =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        for (path, argv, runs, id) in [
            (
                "/usr/bin/curl",
                "harmless -O http://a.test/x",
                "",
                Some("fetch/download"),
            ),
            (
                "/app/setup",
                "/app/setup",
                "/usr/bin/npm install /app/setup",
                Some("install/npm"),
            ),
            (
                "/lib64/ld-linux-x86-64.so.2",
                "/lib64/ld-linux-x86-64.so.2 --library-path /l /usr/bin/curl -O http://a.test/x",
                "",
                Some("fetch/download"),
            ),
            (
                "/lib/ld-musl-x86_64.so.1",
                "/lib/ld-musl-x86_64.so.1 /sbin/apk add x",
                "",
                Some("install/apk"),
            ),
            (
                "/bin/busybox",
                "busybox wget http://a.test/x",
                "",
                Some("fetch/download"),
            ),
            (
                "/bin/busybox",
                "wget http://a.test/x",
                "",
                Some("fetch/download"),
            ),
            (
                "/usr/bin/x86_64-linux-gnu-gcc-12",
                "tool -c a.c",
                "",
                Some("install/compiler"),
            ),
            ("/bin/busybox", "sh -c true", "", None),
            ("/app/run", "run", "/bin/sh /app/run", None),
            ("/usr/bin/python3.11", "python3 -m http.server", "", None),
            (
                "/lib64/ld-linux-x86-64.so.2",
                "/lib64/ld-linux-x86-64.so.2 --version",
                "",
                None,
            ),
        ] {
            let seen = judge_exec(path, &words(argv), &words(runs));
            assert_eq!(seen.map(|(rule, _)| rule.id), id, "{path} {argv}");
        }
    }

    #[test]
    fn a_process_is_judged_by_what_it_runs_and_not_by_who_interprets_it() {
        for (line, id) in [
            ("/usr/bin/npm ci", Some("install/npm")),
            (
                "node /usr/lib/node_modules/npm/bin/npm-cli.js install",
                Some("install/npm"),
            ),
            (
                "node --no-warnings /usr/lib/npm/bin/npm-cli.js ci",
                Some("install/npm"),
            ),
            (
                "/usr/bin/python3 /usr/bin/pip install requests",
                Some("install/pip"),
            ),
            ("curl -fsSLO http://registry.test/x", Some("fetch/download")),
            (
                "/usr/bin/wget https://a.test/b.tar.gz",
                Some("fetch/download"),
            ),
            ("curl -fsS http://127.0.0.1:9090/ready", None),
            ("curl --version", None),
            ("gcc -O2 -c native.c", Some("install/compiler")),
            ("gcc --version", None),
            ("node /app/server.js --install", None),
            ("node /app/npm.config.js", None),
            ("npm run start", None),
            ("python3 -m http.server", None),
            ("/bin/sh -c true", None),
        ] {
            assert_eq!(judged(line), id, "{line}");
        }
    }
}
