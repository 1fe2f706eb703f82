//! Resolution against Node 24: every specifier that is written in a directory of npm packages.
//!
//! Specifiers below `internal/` are left out: the switch that lets the oracle ask its own resolver also lets it import its insides.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use adamant_modules::{
    DirectoryTree, Options, RequireContext, ResolveError, Resolved, Resolver, file_url_to_path,
    path_to_file_url,
};
use serde_json::{Value, json};
use support::{Oracle, files};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/resolve.cjs");

#[test]
#[ignore = "it takes Node 24 and npm packages: ADAMANT_NODE24=NODE ADAMANT_NPM_CORPUS=DIR cargo test -p adamant-modules -- --ignored"]
fn packages_find_what_node_finds() {
    let oracle = Oracle::find();
    let root = oracle.corpus.canonicalize().expect("the corpus is there");
    let builtins = builtins(&oracle);
    let tree = DirectoryTree::open(&root).expect("the corpus opens");
    let resolver = Resolver::new(
        Arc::new(tree),
        Options {
            builtins,
            ..Options::default()
        },
    );
    let questions: Vec<(String, String)> = questions(&root).into_iter().collect();
    let mut wrong = Vec::new();
    let mut found = 0;
    for part in questions.chunks(20_000) {
        let input: Vec<String> = part
            .iter()
            .map(|question| json!(question).to_string())
            .collect();
        let output = oracle
            .run(
                &[
                    "--expose-internals",
                    "--no-warnings",
                    SCRIPT,
                    &root.display().to_string(),
                ],
                &input.join("\n"),
            )
            .expect("Node does not crash");
        let answers: Vec<(Value, Value)> = output
            .lines()
            .map(|line| serde_json::from_str(line).expect("the oracle prints JSON"))
            .collect();
        assert_eq!(
            answers.len(),
            part.len(),
            "the oracle answers each question"
        );
        for ((parent, specifier), (imported, required)) in part.iter().zip(answers) {
            for (verb, ours, nodes) in [
                ("import", import(&resolver, parent, specifier), imported),
                ("require", require(&resolver, parent, specifier), required),
            ] {
                found += usize::from(nodes.is_string());
                if comparable(specifier, ours.clone()) != comparable(specifier, nodes.clone()) {
                    wrong.push(format!(
                        "{verb} {specifier:?} in {parent}\n  node {nodes}\n  ours {ours}"
                    ));
                }
            }
        }
    }
    println!(
        "{} answers, {found} of them modules, {} differ",
        questions.len() * 2,
        wrong.len()
    );
    assert!(found > 0, "the corpus has modules to find");
    assert!(
        wrong.is_empty(),
        "{} answers differ, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(30)].join("\n")
    );
}

fn builtins(oracle: &Oracle) -> &'static [&'static str] {
    let script = "process.stdout.write(require('module').builtinModules.join('\\n'))";
    let names = oracle
        .run(&["-e", script], "")
        .expect("Node does not crash")
        .leak();
    names
        .lines()
        .map(|name| name.strip_prefix("node:").unwrap_or(name))
        .collect::<Vec<_>>()
        .leak()
}

/// Where a climbing path ends above the corpus differs: our root is the end of the world.
fn comparable(specifier: &str, mut answer: Value) -> Value {
    if specifier.starts_with("..")
        && let Some(message) = answer.get_mut(1)
    {
        *message = message
            .as_str()
            .and_then(|text| text.split("\nDid you mean").next())
            .into();
    }
    answer
}

fn import(resolver: &Resolver, parent: &str, specifier: &str) -> Value {
    let parent = path_to_file_url(parent);
    let url = resolver.import_meta_resolve(specifier, &parent);
    // `import.meta.resolve` also answers for what is not there.
    let missing = |error: &ResolveError| {
        matches!(
            error.code,
            Some("ERR_MODULE_NOT_FOUND" | "ERR_UNSUPPORTED_DIR_IMPORT")
        )
    };
    match (url, resolver.import(specifier, &parent)) {
        (Ok(_), Err(error)) if missing(&error) => describe(&error),
        (Ok(url), _) => {
            if let Ok(Resolved::File { path, .. }) = resolver.import(specifier, &parent) {
                assert_eq!(
                    file_url_to_path(&url).ok(),
                    Some(path),
                    "both ways find the same file"
                );
            }
            url.into()
        }
        (Err(error), _) => describe(&error),
    }
}

fn require(resolver: &Resolver, parent: &str, specifier: &str) -> Value {
    match resolver.require_resolve(specifier, &RequireContext::of(parent), &mut Vec::new()) {
        Ok(path) => path.into(),
        Err(error) => describe(&error),
    }
}

fn describe(error: &ResolveError) -> Value {
    json!([error.code.unwrap_or(error.kind.name()), error.message])
}

/// `(file, specifier)` for every literal behind `require(`, `import(`, `import` and `from`; one file for each directory.
fn questions(root: &Path) -> BTreeSet<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut questions = BTreeSet::new();
    for file in files(root, &["js", "cjs", "mjs"]) {
        let source =
            String::from_utf8_lossy(&std::fs::read(&file).expect("file is readable")).into_owned();
        let path = format!(
            "/{}",
            file.strip_prefix(root).expect("it is below").display()
        );
        let directory = path
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory)
            .to_owned();
        for specifier in specifiers(&source) {
            if seen.insert((directory.clone(), specifier.clone())) {
                questions.insert((path.clone(), specifier));
            }
        }
    }
    questions
}

fn specifiers(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for opening in ["require(", "import(", "import ", "from ", "import", "from"] {
        for (index, _) in source.match_indices(opening) {
            let rest = &source[index + opening.len()..];
            let Some(quote) = rest
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))
            else {
                continue;
            };
            let Some(literal) = rest[1..].split(quote).next() else {
                continue;
            };
            if !literal.is_empty()
                && literal.len() < 200
                && !literal.starts_with("internal/")
                && !literal.contains(['\\', '\n', ' '])
            {
                found.push(literal.to_owned());
            }
        }
    }
    found
}
