//! Rules for code of another language, in an argument or on the standard input: what it fetches, and the commands that it starts.

use super::{Rule, interprets, judge, judge_behind, tool_name};

/// Names behind which a command stands in quotes: `os.system("…")`, `check_call(["…"])`, `execSync('…')`, `system "…"`.
const STARTS: [&str; 12] = [
    "system",
    "exec",
    "execSync",
    "execFile",
    "execFileSync",
    "spawn",
    "spawnSync",
    "run",
    "call",
    "check_output",
    "open",
    "passthru",
];

/// The rule that the code breaks that a program for another language is given: as its argument, or in a here-document.
pub(in crate::shell) fn judge_code(argv: &[&str], document: Option<&str>) -> Option<&'static Rule> {
    let (program, args) = argv.split_first()?;
    if !interprets(program) && !matches!(tool_name(program), "R" | "Rscript" | "julia") {
        return None;
    }
    let flag = |arg: &&str| matches!(*arg, "-c" | "-e" | "-r" | "--eval");
    if let Some(at) = args.iter().position(flag) {
        return args.get(at + 1).and_then(|code| started(code));
    }
    // With a script among the arguments, the document is only read by it.
    let code = document.filter(|_| args.iter().all(|arg| arg.starts_with('-')))?;
    ["-c", "-r", "-e"]
        .iter()
        .find_map(|flag| judge(&[program, flag, code]))
        .or_else(|| started(code))
}

/// The rule that a command breaks which the code starts.
fn started(code: &str) -> Option<&'static Rule> {
    let behind = |name: &'static str| code.match_indices(name).map(move |(at, _)| at + name.len());
    STARTS.into_iter().flat_map(behind).find_map(|at| {
        let words = literals(code.get(at..)?);
        match words.as_slice() {
            [line] => line.split([';', '&', '|', '\n']).find_map(|command| {
                let argv: Vec<&str> = command.split_whitespace().collect();
                judge_any(&argv)
            }),
            argv => judge_any(argv),
        }
    })
}

fn judge_any(argv: &[&str]) -> Option<&'static Rule> {
    judge(argv).or_else(|| judge_behind(argv))
}

/// The quoted texts that stand side by side at the beginning of a piece of code.
fn literals(mut code: &str) -> Vec<&str> {
    let between = |c: char| c.is_whitespace() || matches!(c, '(' | '[' | ',');
    let mut found = Vec::new();
    loop {
        code = code.trim_start_matches(between);
        let Some(quote) = code
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\'' | '`'))
        else {
            return found;
        };
        let Some((text, rest)) = code.get(1..).and_then(|code| code.split_once(quote)) else {
            return found;
        };
        found.push(text);
        code = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_in_the_code_that_starts_it() {
        for (program, code, id) in [
            (
                "python3",
                "import os; os.system('pip install x')",
                Some("install/pip"),
            ),
            (
                "python",
                "subprocess.check_call([\"sudo\", \"apt-get\", \"install\", \"x\"])",
                Some("install/apt"),
            ),
            (
                "python",
                "subprocess.run('cd /a && npm ci', shell=True)",
                Some("install/npm"),
            ),
            (
                "node",
                "require('child_process').execSync('npm ci', {})",
                Some("install/npm"),
            ),
            (
                "node",
                "spawnSync('yarn', ['add', 'x'])",
                Some("install/yarn"),
            ),
            ("perl", "system \"apk add x\"", Some("install/apk")),
            (
                "ruby",
                "system('git', 'clone', 'https://a.test/b')",
                Some("fetch/git"),
            ),
            ("python", "print('npm install')", None),
            ("python", "uvicorn.run('app:app', host='::')", None),
            (
                "node",
                "console.log(`run npm install`); run('npm', ['start'])",
                None,
            ),
            ("sh", "system('npm ci')", None),
        ] {
            let rule = |rule: Option<&'static Rule>| rule.map(|rule| rule.id);
            assert_eq!(rule(judge_code(&[program, "-c", code], None)), id, "{code}");
            assert_eq!(rule(judge_code(&[program, "-"], Some(code))), id, "{code}");
        }
        assert!(judge_code(&["python", "a.py"], Some("os.system('npm ci')")).is_none());
    }
}
