//! Substitutions whose value can be told without running them: `$(dirname "$0")`, `$(command -v npm)`.

use super::{
    expand::fields,
    scope::{HOLE, Scope},
    syntax::{Block, Command, Op, Stmt},
};

/// The possible values of a substitution, or `None` when only the run knows.
pub(super) fn value(block: &Block, scope: &Scope) -> Option<Vec<String>> {
    match block.as_slice() {
        [only] => of_statement(&only.stmt, scope),
        [cd, pwd] => of_change(&cd.stmt, &pwd.stmt, scope),
        _ => None,
    }
}

fn of_statement(stmt: &Stmt, scope: &Scope) -> Option<Vec<String>> {
    match stmt {
        Stmt::Command(command) => of_command(command, scope),
        Stmt::AndOr(first, rest) => match rest.as_slice() {
            [(Op::And, pwd)] => of_change(first, pwd, scope),
            _ => {
                let mut values = of_statement(first, scope)?;
                for (op, other) in rest {
                    values.extend(
                        (*op == Op::Or)
                            .then(|| of_statement(other, scope))
                            .flatten()
                            .unwrap_or_default(),
                    );
                }
                Some(values)
            }
        },
        _ => None,
    }
}

/// `cd DIR && pwd`.
fn of_change(cd: &Stmt, pwd: &Stmt, scope: &Scope) -> Option<Vec<String>> {
    let (cd, pwd) = (argv(cd, scope)?, argv(pwd, scope)?);
    let [name, operands @ ..] = cd.as_slice() else {
        return None;
    };
    let dir = operands.iter().find(|arg| !arg.starts_with('-'))?;
    (name == "cd" && pwd.first()? == "pwd").then(|| vec![absolute(dir, scope)])
}

fn of_command(command: &Command, scope: &Scope) -> Option<Vec<String>> {
    let argv = first(command, scope)?;
    let [name, args @ ..] = argv.as_slice() else {
        return None;
    };
    let operand = args.iter().find(|arg| !arg.starts_with('-'));
    let value = match basename(name) {
        "pwd" => absolute(".", scope),
        "echo" => args
            .iter()
            .filter(|arg| !matches!(arg.as_str(), "-n" | "-e"))
            .cloned()
            .collect::<Vec<_>>()
            .join(" "),
        "printf" => match args {
            [format, value] if matches!(format.as_str(), "%s" | "%s\\n") => value.clone(),
            _ => return None,
        },
        "dirname" => dirname(operand?),
        "basename" => basename(operand?).to_owned(),
        "readlink" | "realpath" => absolute(operand?, scope),
        "command" if args.first().is_some_and(|arg| arg == "-v") => operand?.clone(),
        "which" => operand?.clone(),
        _ => return None,
    };
    Some(vec![value])
}

fn argv(stmt: &Stmt, scope: &Scope) -> Option<Vec<String>> {
    match stmt {
        Stmt::Command(command) => first(command, scope),
        _ => None,
    }
}

fn first(command: &Command, scope: &Scope) -> Option<Vec<String>> {
    let mut argv = Vec::new();
    for word in &command.words {
        argv.extend(fields(word, scope).into_iter().next()?);
    }
    Some(argv)
}

/// The last part of a path.
pub(super) fn basename(path: &str) -> &str {
    // Asked of every command, mostly of a short word: byte by byte is faster than the search of a character.
    let is_slash = |byte: &u8| *byte == b'/';
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|byte| !is_slash(byte));
    let end = end.map_or(0, |last| last + 1);
    let slash = bytes.iter().take(end).rposition(is_slash);
    let start = slash.map_or(0, |slash| slash + 1);
    path.get(start..end).unwrap_or_default()
}

/// The directory of a path; unknown when the path is.
pub(super) fn dirname(path: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((dir, _)) => dir.to_owned(),
        None if path.contains(HOLE) => HOLE.to_owned(),
        None => ".".to_owned(),
    }
}

/// A path from the root, seen from the directory that `cd` last named.
pub(super) fn absolute(path: &str, scope: &Scope) -> String {
    if path.starts_with(HOLE) {
        return path.to_owned();
    }
    let base = scope
        .get("PWD")
        .pop()
        .and_then(|mut fields| fields.pop())
        .unwrap_or_default();
    normal(&if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{base}/{path}")
    })
}

/// Removes `.`, `..` and double slashes.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with(HOLE) { "" } else { "/" };
    format!("{root}{}", parts.join("/"))
}
