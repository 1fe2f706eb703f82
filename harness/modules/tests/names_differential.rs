//! Names of CommonJS modules with their re-exports followed, against what Node 24 offers to `import`.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use adamant_modules::{DirectoryTree, ExportNames, Options, Resolver};
use support::{Oracle, files};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/names.cjs");

#[test]
#[ignore = "it takes Node 24 and npm packages: ADAMANT_NODE24=NODE ADAMANT_NPM_CORPUS=DIR cargo test -p adamant-modules -- --ignored"]
fn packages_offer_to_import_what_node_offers() {
    let oracle = Oracle::find();
    let root = oracle.corpus.canonicalize().expect("the corpus is there");
    let tree = DirectoryTree::open(&root).expect("the corpus opens");
    let options = Options {
        builtins: &[
            "fs", "path", "url", "util", "events", "stream", "assert", "os",
        ],
        ..Options::default()
    };
    let resolver = Resolver::new(Arc::new(tree), options);
    let paths: Vec<String> = files(&root, &["js", "cjs"])
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let (mut names, mut wrong) = (0, Vec::new());
    for part in paths.chunks(10_000) {
        let output = oracle
            .run(&["--expose-internals", SCRIPT], &part.join("\n"))
            .expect("Node does not crash");
        // One memory for each process of Node: in a cycle it matters who asked first.
        let mut known = ExportNames::default();
        let answers: Vec<BTreeSet<String>> = output
            .lines()
            .map(|line| serde_json::from_str(line).expect("the oracle prints JSON"))
            .collect();
        assert_eq!(
            answers.len(),
            part.len(),
            "the oracle answers for each file"
        );
        for (path, expected) in part.iter().zip(answers) {
            let guest = path
                .strip_prefix(&root.display().to_string())
                .expect("it is below");
            let added = ["default", "module.exports"].map(str::to_owned);
            let ours: BTreeSet<String> = known
                .of(&resolver, guest)
                .iter()
                .cloned()
                .chain(added)
                .collect();
            names += expected.len();
            if ours != expected {
                let difference: Vec<_> = ours.symmetric_difference(&expected).take(5).collect();
                wrong.push(format!("{path}: {difference:?}"));
            }
        }
    }
    println!(
        "{} files, {names} names, {} files differ",
        paths.len(),
        wrong.len()
    );
    assert!(names > 0, "the corpus has names to compare");
    assert!(
        wrong.is_empty(),
        "{} files differ, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(30)].join("\n")
    );
}
