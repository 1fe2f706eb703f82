//! The two ways in: a whole boot from its command line, or one script by itself.

use super::{
    code::Source,
    follow::ARGV,
    lint::{File, Lint},
    parse::clean,
    scope::HOLE,
    syntax::{Command, Span, Stmt, Word},
    walk::{At, Walk},
};

/// Lints what `argv` (entrypoint and command, or one path) boots: every shell script that it reaches,
/// through `exec`, `source`, paths, names on `path_env`, and calls of functions.
///
/// ```
/// use adamant_core::shell::{File, boot_chain};
///
/// let files = |path: &str| {
///     (path == "/entrypoint.sh").then(|| File {
///         text: b"#!/bin/sh\ncd /app && npm install\nexec node server.js\n".to_vec(),
///         path: path.to_owned(),
///         executable: true,
///     })
/// };
/// let lint = boot_chain(&["/entrypoint.sh".to_owned()], &files, "/usr/bin:/bin");
/// assert_eq!(lint.smells[0].rule, "install/npm");
/// assert_eq!(lint.smells[0].line, 2);
/// ```
#[must_use]
pub fn boot_chain(argv: &[String], files: &dyn Fn(&str) -> Option<File>, path_env: &str) -> Lint {
    let mut walk = Walk::new(Some(files));
    walk.scope.set_one("PATH", path_env);
    walk.scope.export("PATH");
    let text = argv.join(" ");
    let unit = walk.shown(ARGV, &text);
    walk.in_unit(&unit, |walk| {
        walk.run(&command_line(argv, text.len()), At::default())
    });
    while let Some(visit) = walk.queue.pop_front() {
        walk.visit(visit, path_env);
    }
    walk.lint
}

/// Lints one script by itself; what it calls is not followed. In one that only defines functions, each may be called by
/// whoever sources it.
#[must_use]
pub fn script(file: &str, text: &[u8]) -> Lint {
    let mut walk = Walk::new(None);
    walk.scope.set_one("0", file);
    walk.scope.set_one("BASH_SOURCE", file);
    walk.lint.read.push(file.to_owned());
    let text = clean(text);
    walk.run_shell(&Source {
        file,
        text: &text,
        line: 1,
        within: None,
    });
    walk.unreached(&text);
    walk.lint
}

/// The command line as one command; it takes the place of the container's first process, as `exec` does.
fn command_line(argv: &[String], end: usize) -> Stmt {
    let words = std::iter::once("exec").chain(argv.iter().map(String::as_str));
    let words = words
        .map(|word| Word::literal(word.replace(HOLE, ""), 1))
        .collect();
    let span = Span {
        start: 0,
        end,
        line: 1,
        end_line: 1,
    };
    Stmt::Command(Box::new(Command {
        assigns: Vec::new(),
        words,
        redirects: Vec::new(),
        span,
    }))
}
