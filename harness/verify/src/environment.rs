//! Paths that the environment, the health check and supervisor files name.

use adamant_probe::Kind;
use serde_json::Value;

use crate::closure::gone;
use crate::finding::{Finding, Place, Report, Room};
use crate::programs::{self, Program, Why, absolute, base};
use crate::rule;
use crate::subject::Target;

/// Variables whose value must be in the image, whatever their path: what reads them fails, or goes and downloads.
const MUST_EXIST: [&str; 22] = [
    "BASH_ENV",
    "BUNDLE_GEMFILE",
    "CHROME_BIN",
    "CHROME_PATH",
    "CURL_CA_BUNDLE",
    "ESBUILD_BINARY_PATH",
    "GEM_HOME",
    "GOROOT",
    "JAVA_HOME",
    "LD_PRELOAD",
    "NODE_EXTRA_CA_CERTS",
    "NODE_PATH",
    "PLAYWRIGHT_BROWSERS_PATH",
    "PRISMA_QUERY_ENGINE_BINARY",
    "PRISMA_QUERY_ENGINE_LIBRARY",
    "PUPPETEER_CACHE_DIR",
    "PUPPETEER_EXECUTABLE_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "VIRTUAL_ENV",
];
/// Variables that hold several paths.
const LISTS: [&str; 4] = ["LD_PRELOAD", "NODE_PATH", "PYTHONPATH", "SSL_CERT_DIR"];

/// Judges the room.
pub(crate) fn judge(target: &Target, programs: &[Program], report: &mut Report) {
    let mut count = 0;
    for (name, value) in target.env() {
        count += usize::from(variable(target, name, value, report));
    }
    report.count(Room::Environment, "variable", count);
    browsers(target, report);
    let mut started = 0;
    for program in programs {
        let rule = match program.why {
            Why::Healthcheck => &rule::ENV_HEALTHCHECK,
            Why::Supervised => &rule::ENV_SUPERVISOR,
            _ => continue,
        };
        started += 1;
        command(target, program, rule, report);
    }
    if started > 0 {
        report.count(
            Room::Environment,
            "health check or supervised command",
            started,
        );
    }
    workdir(target, report);
}

/// Whether the variable names paths that must be there; those that are not are reported.
fn variable(target: &Target, name: &str, value: &str, report: &mut Report) -> bool {
    let known = MUST_EXIST.contains(&name) || name.ends_with("_EXECUTABLE_PATH");
    let single = [value];
    let parts: Vec<&str> = if LISTS.contains(&name) {
        value
            .split([':', ' '])
            .filter(|part| !part.is_empty())
            .collect()
    } else {
        single.to_vec()
    };
    let mut judged = false;
    for path in parts.into_iter().chain(if name == "NODE_OPTIONS" {
        preloads(value)
    } else {
        Vec::new()
    }) {
        let immutable = || {
            target.subject.immutable.iter().any(|dir| {
                let rest = path.strip_prefix(dir.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let plain = path.starts_with('/') && !path.contains(['*', '$', ':', ' ', '\n']);
        if !plain || name == "PATH" || !(known || name == "NODE_OPTIONS" || immutable()) {
            continue;
        }
        judged = true;
        if target.image.resolve(path).is_some() || is_root(path) || target.is_mounted(path) {
            executable(target, name, path, report);
            continue;
        }
        let rule = if is_browser(name) {
            &rule::ENV_BROWSER
        } else {
            &rule::ENV_PATH
        };
        let finding = Finding::new(
            rule,
            Place::configuration(),
            format!("{name} is `{path}`, which is not in the image"),
        );
        report.add(finding.because(reason(name)));
    }
    judged
}

fn is_root(path: &str) -> bool {
    path.trim_matches('/').is_empty()
}

fn is_browser(name: &str) -> bool {
    name.starts_with("PLAYWRIGHT_") || name.starts_with("PUPPETEER_") || name.starts_with("CHROME_")
}

fn reason(name: &str) -> &'static str {
    match name {
        "PLAYWRIGHT_BROWSERS_PATH" => "Playwright looks for its browsers there and nowhere else",
        "PUPPETEER_EXECUTABLE_PATH" => "Puppeteer starts this file as its browser",
        "PUPPETEER_CACHE_DIR" => {
            "Puppeteer looks for its browser there, and downloads one if it may"
        }
        "NODE_PATH" => "Node looks for modules there",
        "NODE_OPTIONS" => "every `node` loads it first, and ends when it is not there",
        "LD_PRELOAD" => "the loader complains about it at every start",
        _ => "who reads the variable will not find it",
    }
}

/// `--require` and `--import` of `NODE_OPTIONS` that are absolute paths.
fn preloads(value: &str) -> Vec<&str> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let joined = [
            "--require=",
            "--import=",
            "--loader=",
            "--experimental-loader=",
        ]
        .iter()
        .find_map(|o| word.strip_prefix(o));
        let apart = matches!(
            *word,
            "-r" | "--require" | "--import" | "--loader" | "--experimental-loader"
        );
        found.extend(joined.or_else(|| words.get(index + 1).copied().filter(|_| apart)));
    }
    found
}

/// A variable that names an executable must name one that can be run.
fn executable(target: &Target, name: &str, path: &str, report: &mut Report) {
    let is_program = name.ends_with("_EXECUTABLE_PATH")
        || matches!(name, "CHROME_BIN" | "CHROME_PATH" | "ESBUILD_BINARY_PATH");
    if !is_program {
        return;
    }
    let entry = target.image.resolve(path);
    if let Some(entry) = entry.filter(|e| e.kind != Kind::File || e.mode & 0o111 == 0) {
        let what = if entry.kind == Kind::File {
            "has no execute bit"
        } else {
            "is no file"
        };
        let finding = Finding::new(
            &rule::ENV_BROWSER,
            Place::configuration(),
            format!("{name} is `{path}`, which {what}"),
        );
        report.add(finding.because(reason(name)));
    }
}

/// The browsers that the installed Playwright wants, in the directory that the variable names.
fn browsers(target: &Target, report: &mut Report) {
    let env = target.env();
    let Some(dir) = env
        .get("PLAYWRIGHT_BROWSERS_PATH")
        .filter(|dir| dir.starts_with('/'))
    else {
        return;
    };
    let Some(found) = target.image.resolve(dir).filter(|e| e.kind == Kind::Dir) else {
        return;
    };
    let present: Vec<&str> = target
        .tree
        .names(&found.path)
        .filter(|name| !name.starts_with('.'))
        .collect();
    if present.is_empty() {
        let seen = format!("PLAYWRIGHT_BROWSERS_PATH is `{dir}`, which is empty");
        report.add(
            Finding::new(&rule::ENV_BROWSER, Place::configuration(), seen)
                .because(reason("PLAYWRIGHT_BROWSERS_PATH")),
        );
        return;
    }
    let lists = target
        .image
        .entries
        .keys()
        .filter(|path| path.ends_with("/playwright-core/browsers.json"));
    for list in lists {
        let Ok(text) = target.text(list) else {
            continue;
        };
        let list_value: Value = serde_json::from_str(&text).unwrap_or_default();
        let wanted: Vec<(String, String)> = list_value
            .get("browsers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|browser| {
                let name = browser.get("name")?.as_str()?.replace('-', "_");
                Some((name, browser.get("revision")?.as_str()?.to_owned()))
            })
            .collect();
        // An image may hold some browsers only; each that it holds must be the one that is asked for.
        for (name, revision) in &wanted {
            let of_name = |dir: &&&str| {
                dir.strip_prefix(name.as_str()).is_some_and(|rest| {
                    rest.strip_prefix('-')
                        .is_some_and(|r| r.bytes().all(|b| b.is_ascii_digit()))
                })
            };
            let installed: Vec<&&str> = present.iter().filter(of_name).collect();
            let right = format!("{name}-{revision}");
            if installed.is_empty() || installed.iter().any(|dir| ***dir == *right) {
                continue;
            }
            let seen = format!(
                "`{dir}` has `{}`; the Playwright of {list} starts `{right}`",
                installed[0]
            );
            report.add(Finding::new(&rule::ENV_BROWSER, Place::file(list), seen).because("Playwright and its browsers were installed in different versions").fix(format!("install the browser with this Playwright when the image is built: `playwright install {name}`")));
        }
    }
}

fn command(target: &Target, program: &Program, rule: &'static rule::Rule, report: &mut Report) {
    let Some(name) = program
        .argv
        .first()
        .filter(|name| !name.contains('…') && !name.contains("%("))
    else {
        return;
    };
    if programs::executable(target, name, &program.cwd).is_none() && !is_builtin(name) {
        let path = absolute(name, &program.cwd);
        if !target.is_mounted(&path) {
            let finding = gone(target, name, &path, program.place.clone());
            let finding = Finding {
                room: Room::Environment,
                rule: rule.id,
                ..finding
            };
            report.add(
                finding
                    .expected(rule.about)
                    .fix(rule.fix)
                    .because(format!("{} runs it", program.by)),
            );
        }
        return;
    }
    // What an interpreter is given to run is the program itself.
    let interpreter = matches!(
        base(name).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'),
        "sh" | "bash" | "ash" | "dash" | "node" | "python" | "ruby" | "perl" | "php" | "bun"
    );
    let script = program
        .argv
        .iter()
        .skip(1)
        .find(|word| !word.starts_with('-'));
    let given_code = program
        .argv
        .iter()
        .skip(1)
        .take_while(|word| word.starts_with('-'))
        .any(|word| !word.starts_with("--") && word.contains(['c', 'e', 'm', 'p']));
    let Some(script) = script
        .filter(|s| interpreter && !given_code && s.contains('/') && !s.contains(['…', '%', '$']))
    else {
        return;
    };
    let path = absolute(script, &program.cwd);
    if target.image.resolve(&path).is_none() && !target.is_mounted(&path) {
        let seen = format!("`{path}` is not in the image");
        report.add(
            Finding::new(rule, program.place.clone(), seen)
                .because(format!("{} gives it to `{name}`", program.by)),
        );
    }
}

fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "exit"
            | "test"
            | "["
            | "echo"
            | "true"
            | "false"
            | "kill"
            | ":"
            | "[["
            | "exec"
            | "command"
            | "cd"
            | "set"
            | "printf"
            | "read"
    )
}

fn workdir(target: &Target, report: &mut Report) {
    let Some(own) = target.subject.run.workdir.as_deref() else {
        return;
    };
    if !is_root(own) && target.image.resolve(own).is_none() && !target.is_mounted(own) {
        report.note(
            Room::Environment,
            format!("`run.workdir: {own}`"),
            "it is not in the image; a runtime makes it, empty",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::preloads;

    #[test]
    fn what_node_loads_first_is_found_in_both_spellings() {
        assert_eq!(
            preloads("--max-old-space-size=1 --require /a.js --import=/b.mjs -r c"),
            ["/a.js", "/b.mjs", "c"]
        );
    }
}
