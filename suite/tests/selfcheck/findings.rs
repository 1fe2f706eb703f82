//! Every kind of finding has a page, every page a kind of finding, and every family of checks at least one.

use std::collections::BTreeSet;
use std::path::Path;

use adamant_core::explain::{FILES, find, pages};
use adamant_core::shell;
use regex::Regex;

use super::tree::{files, text};

/// The codes that the checks write into their sources.
fn coded() -> BTreeSet<String> {
    let code = Regex::new(r#""([a-z][a-z-]*/[a-z][a-z-]*)""#).expect("a pattern");
    let mut codes = BTreeSet::new();
    let sources = ["harness/core/src/check", "harness/core/src/run"];
    for file in files()
        .iter()
        .filter(|file| sources.iter().any(|dir| file.starts_with(dir)))
    {
        let text = text(file);
        // What stands in its tests is no finding of the product.
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        codes.extend(code.captures_iter(product).map(|c| c[1].to_owned()));
    }
    codes
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let coded = coded();
    assert!(coded.len() > 40, "the sources are read: {coded:?}");
    let rules: BTreeSet<&str> = shell::rules().map(|rule| rule.id).collect();
    let pages: BTreeSet<&str> = pages()
        .map(|p| p.code)
        .filter(|c| !rules.contains(c))
        .collect();
    for code in &coded {
        // Media types and the like have another family.
        let family = code.split('/').next().unwrap_or_default();
        let is_family = FILES
            .iter()
            .any(|(file, _)| file.trim_end_matches(".md") == family);
        assert!(
            !is_family || find(code).is_some(),
            "`{code}` has no page in cases/findings/{family}.md"
        );
    }
    let modules = families(&adamant_core::module::module_schema(), "ModuleCheckSpec");
    let modules: BTreeSet<String> = modules
        .iter()
        .map(|name| format!("module/{name}"))
        .collect();
    for code in &modules {
        assert!(
            find(code).is_some(),
            "`{code}` has no page in cases/findings/module.md"
        );
    }
    for page in pages.into_iter().filter(|page| !modules.contains(*page)) {
        assert!(
            coded.contains(page),
            "no check finds `{page}`, of which there is a page"
        );
    }
}

#[test]
fn every_family_of_checks_and_every_file_is_read() {
    for name in families(&adamant_core::case::case_schema(), "CheckSpec") {
        assert!(
            FILES.iter().any(|(file, _)| *file == format!("{name}.md")),
            "`{name}` has no page"
        );
    }
    let there: BTreeSet<_> = files()
        .into_iter()
        .filter(|f| f.starts_with("cases/findings"))
        .collect();
    let read = FILES
        .iter()
        .map(|(file, _)| Path::new("cases/findings").join(file));
    assert_eq!(there, read.collect());
}

/// The tags of a schema's families.
fn families(schema: &str, of: &str) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
    let families = schema["$defs"][of]["oneOf"]
        .as_array()
        .expect("the families");
    let tag =
        |family: &serde_json::Value| family["required"][0].as_str().expect("a tag").to_owned();
    families.iter().map(tag).collect()
}
