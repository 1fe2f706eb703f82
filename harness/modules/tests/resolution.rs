//! Resolution against answers of Node 24 that are kept in data files (made by `tests/oracle/resolution.cjs`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adamant_modules::{
    DirectoryTree, Format, MemoryTree, Options, RequireContext, ResolveError, Resolved, Resolver,
    Tree, TypeScript, Warning,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Data {
    files: BTreeMap<String, Value>,
    links: BTreeMap<String, String>,
    questions: Vec<Vec<Value>>,
    import: Vec<Value>,
    require: Vec<Value>,
}

const BUILTINS: &[&str] = &[
    "assert",
    "buffer",
    "events",
    "fs",
    "fs/promises",
    "module",
    "os",
    "path",
    "punycode",
    "sea",
    "sqlite",
    "stream",
    "test",
    "test/reporters",
    "url",
    "util",
];

#[test]
fn memory_trees_resolve_as_node_does() {
    check(|data| {
        let mut tree = MemoryTree::new();
        for (path, content) in &data.files {
            tree = tree.file(path, text(content));
        }
        for (path, target) in &data.links {
            tree = tree.symlink(path, target);
        }
        (Arc::new(tree), None)
    });
}

#[test]
fn directories_resolve_as_node_does() {
    check(|data| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let place = |path: &str| {
            let place = directory.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(place.parent().expect("it has a parent"))
                .expect("directory is made");
            place
        };
        for (path, content) in &data.files {
            std::fs::write(place(path), text(content)).expect("file is written");
        }
        for (path, target) in &data.links {
            std::os::unix::fs::symlink(target, place(path)).expect("link is made");
        }
        (
            Arc::new(DirectoryTree::open(directory.path()).expect("directory opens")),
            Some(directory),
        )
    });
}

fn check(build: impl Fn(&Data) -> (Arc<dyn Tree>, Option<tempfile::TempDir>)) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in data_files() {
        let data: Data = serde_json::from_slice(&std::fs::read(&path).expect("data is readable"))
            .expect("data is JSON");
        let (tree, _directory) = build(&data);
        let resolver = Resolver::new(
            tree,
            Options {
                builtins: BUILTINS,
                ..Options::default()
            },
        );
        assert_eq!(
            (data.import.len(), data.require.len()),
            (data.questions.len(), data.questions.len())
        );
        for (index, question) in data.questions.iter().enumerate() {
            let asked = [
                ("import", import(&resolver, question), &data.import),
                ("require", require(&resolver, question), &data.require),
            ];
            for (verb, ours, nodes) in asked {
                let mut expected = nodes[index].clone();
                count += 1;
                // What `JSON.parse` says is left to `JSON.parse`.
                if expected["error"]["name"] == "SyntaxError"
                    && ours["error"]["name"] == "SyntaxError"
                {
                    expected["error"]["message"] = ours["error"]["message"].clone();
                }
                if ours != expected {
                    let name = path.file_stem().expect("it has a name").display();
                    wrong.push(format!(
                        "{name}: {verb} {}\n  node {expected}\n  ours {ours}",
                        json!(question)
                    ));
                }
            }
        }
    }
    assert!(count > 800, "only {count} questions");
    assert!(
        wrong.is_empty(),
        "{} of {count} answers differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn data_files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/resolution");
    std::fs::read_dir(directory)
        .expect("data is there")
        .map(|entry| entry.expect("entry is readable").path())
        .collect()
}

fn text(content: &Value) -> String {
    content
        .as_str()
        .map_or_else(|| content.to_string(), str::to_owned)
}

fn word(question: &[Value], index: usize) -> &str {
    question[index]
        .as_str()
        .expect("a question is made of strings")
}

fn import(resolver: &Resolver, question: &[Value]) -> Value {
    let parent = word(question, 0);
    let parent = if parent.contains(':') {
        parent.to_owned()
    } else {
        adamant_modules::path_to_file_url(parent)
    };
    let mut warnings = Vec::new();
    let answer = match resolver.import_warned(word(question, 1), &parent, &mut warnings) {
        Ok(Resolved::Builtin(id)) => json!({ "url": format!("node:{id}") }),
        Ok(Resolved::File { url, format, .. } | Resolved::Data { url, format, .. }) => {
            json!({ "url": url, "format": format_name(&format) })
        }
        Err(error) => describe(&error),
    };
    with(answer, &warnings)
}

fn require(resolver: &Resolver, question: &[Value]) -> Value {
    let parent = word(question, 0);
    if parent.contains(':') {
        return Value::Null;
    }
    let paths = question.get(2).map(|options| -> Vec<String> {
        let paths = options["paths"].as_array().expect("paths is a list");
        paths
            .iter()
            .map(|path| path.as_str().expect("a path is a string").to_owned())
            .collect()
    });
    let context = RequireContext {
        paths: paths.as_deref(),
        ..RequireContext::of(parent)
    };
    let mut warnings = Vec::new();
    let answer = match resolver.require_resolve(word(question, 1), &context, &mut warnings) {
        Ok(path) => json!({ "path": path }),
        Err(error) => describe(&error),
    };
    with(answer, &warnings)
}

fn with(mut answer: Value, warnings: &[Warning]) -> Value {
    if !warnings.is_empty() {
        let warnings: Vec<Value> = warnings
            .iter()
            .map(|warning| json!([warning.code, warning.message]))
            .collect();
        answer["warnings"] = warnings.into();
    }
    answer
}

fn format_name(format: &Format) -> Option<&'static str> {
    match format {
        Format::CommonJs => Some("commonjs"),
        Format::Module => Some("module"),
        Format::Json => Some("json"),
        Format::Wasm => Some("wasm"),
        Format::Addon => Some("addon"),
        Format::TypeScript(TypeScript::Module) => Some("module-typescript"),
        Format::TypeScript(TypeScript::CommonJs) => Some("commonjs-typescript"),
        Format::TypeScript(TypeScript::Ambiguous) | Format::Ambiguous | Format::Unknown(_) => None,
    }
}

fn describe(error: &ResolveError) -> Value {
    let mut answer = Map::new();
    answer.insert("name".to_owned(), error.kind.name().into());
    answer.insert("message".to_owned(), error.message.clone().into());
    let texts = [
        ("code", error.code),
        ("url", error.url.as_deref()),
        ("path", error.path.as_deref()),
        ("requestPath", error.request_path.as_deref()),
        ("input", error.input.as_deref()),
        ("module", error.module.as_deref()),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            answer.insert(key.to_owned(), value.into());
        }
    }
    if let Some(stack) = &error.require_stack {
        answer.insert("requireStack".to_owned(), stack.clone().into());
    }
    json!({ "error": answer })
}
