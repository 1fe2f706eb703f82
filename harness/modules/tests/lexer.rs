//! Export detection against answers of Node 24 that are kept beside the sources (made by `tests/oracle/lexer.cjs`).
//!
//! `crash.js` crashes Node 24.19; what stands there for it is what Node 20 finds.

use std::collections::BTreeMap;
use std::path::Path;

use adamant_modules::{
    CjsExports, ExportNames, MemoryTree, Options, Resolver, cjs_exports, exports_of,
};

#[test]
fn sources_offer_what_node_sees() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lexer");
    let read =
        |name: &str| std::fs::read_to_string(directory.join(name)).expect("data is readable");
    let expected: BTreeMap<String, (Vec<String>, Vec<String>)> =
        serde_json::from_str(&read("expected.json")).expect("data is JSON");
    assert!(expected.len() > 15, "all sources are there");
    for (name, (names, reexports)) in expected {
        assert_eq!(
            cjs_exports(&read(&name)),
            CjsExports { names, reexports },
            "{name}"
        );
    }
}

fn resolver(tree: MemoryTree) -> Resolver {
    Resolver::new(
        std::sync::Arc::new(tree),
        Options {
            builtins: &["fs"],
            ..Options::default()
        },
    )
}

#[test]
fn reexports_are_followed_through_packages_and_cycles() {
    let tree = MemoryTree::new()
        .file("/index.js", "__exportStar(require('./a')); __exportStar(require('pkg')); __exportStar(require('fs')); \
                            __exportStar(require('./data.json')); __exportStar(require('./missing')); exports.own = 1;")
        .file("/a.js", "exports.a = 1; __exportStar(require('./b'));")
        .file("/b.js", "exports.b = 1; __exportStar(require('./a')); __exportStar(require('./index'));")
        .file("/data.json", "exports.json = 1")
        .file("/node_modules/pkg/package.json", r#"{"exports":{"import":"./no.mjs","require":"./yes.cjs"}}"#)
        .file("/node_modules/pkg/no.mjs", "export const no = 1")
        .file("/node_modules/pkg/yes.cjs", "exports.yes = 1");
    let resolver = resolver(tree);
    assert_eq!(exports_of(&resolver, "/index.js"), ["own", "a", "b", "yes"]);
    // `/b.js` was reached while the others were not done yet: it keeps what it got then.
    let mut known = ExportNames::default();
    known.of(&resolver, "/index.js");
    assert_eq!(known.of(&resolver, "/b.js"), ["b", "a", "own"]);
    assert_eq!(exports_of(&resolver, "/b.js"), ["b", "a", "own", "yes"]);
}

#[test]
fn a_long_chain_of_reexports_does_not_exhaust_the_stack() {
    let mut tree = MemoryTree::new().file("/20000.js", "exports.end = 1");
    for number in 0..20_000 {
        tree = tree.file(
            &format!("/{number}.js"),
            format!("module.exports = require('./{}')", number + 1),
        );
    }
    assert_eq!(exports_of(&resolver(tree), "/0.js"), ["end"]);
}

#[test]
fn hostile_texts_are_read_in_linear_time() {
    let many = 200_000;
    for text in [
        "(".repeat(many),
        "{".repeat(many),
        "`${".repeat(many),
        "/".repeat(many),
        "exports.a".repeat(many),
        "module.exports={".repeat(many),
        "Object.keys(".repeat(many),
        "Object.defineProperty(exports,".repeat(many),
        "require('".repeat(many),
        (0..many).fold(String::new(), |mut text, number| {
            text.push_str("exports.a");
            text.push_str(&number.to_string());
            text.push_str("=1;");
            text
        }),
        "var x = require('a'); Object.keys(x).forEach(function (k) { if (k !== 'default') exports[k] = x[k]; });".repeat(many / 10),
    ] {
        let start = std::time::Instant::now();
        let found = cjs_exports(&text);
        let took = start.elapsed();
        assert!(took.as_secs() < 10, "{took:?} for {:?}…, {} names", &text[..20], found.names.len());
    }
}
