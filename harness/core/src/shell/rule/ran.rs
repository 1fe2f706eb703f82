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
#[must_use]
pub fn judge_argv(argv: &[String]) -> Option<&'static Rule> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    judge(&words)
        .or_else(|| by_name(&words))
        .or_else(|| judge(&interpreted(&words)?))
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
    match call.tool {
        "cc" | "c++" | "gcc" | "g++" | "clang" | "clang++" | "rustc" | "javac" | "tsc" | "cc1"
        | "node-gyp" => true,
        "go" => matches!(call.args.first(), Some(&("build" | "install"))),
        "cargo" => matches!(call.args.first(), Some(&("build" | "install"))),
        _ => false,
    }
}

/// The call that an interpreter makes of its script: `python3 /usr/bin/pip install x` is `pip install x`.
fn interpreted<'a>(words: &[&'a str]) -> Option<Vec<&'a str>> {
    let (interpreter, rest) = words.split_first()?;
    let interprets = ["node", "nodejs", "bun", "python", "ruby", "perl", "php"];
    if !interprets.contains(&tool_name(interpreter)) {
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
