//! Every Rust file says what it is for and stays readable; every fixture, snapshot and path named in prose exists.

use std::collections::BTreeSet;
use std::path::Path;

use adamant_core::case::{Control, read};

use super::tree::{files, root, text};

#[test]
fn every_rust_file_opens_with_its_responsibility_and_stays_under_800_lines() {
    let mut wrong = Vec::new();
    for file in files()
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "rs"))
    {
        let text = text(file);
        if !text.starts_with("//! ") {
            wrong.push(format!("{}: does not open with `//! `", file.display()));
        }
        let lines = text.lines().count();
        if lines > 800 {
            wrong.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_builtin_opens_with_its_responsibility_and_stays_under_800_lines() {
    let mut wrong = Vec::new();
    for file in files()
        .iter()
        .filter(|f| f.starts_with("harness/isolate/js"))
    {
        let text = text(file);
        if !text.starts_with("// ") {
            wrong.push(format!("{}: does not open with `// `", file.display()));
        }
        let lines = text.lines().count();
        if lines > 800 {
            wrong.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_named_in_prose_exist() {
    let named = regex::Regex::new(
        r"`((?:harness|suite|cases|fixtures|reports|\.ci|\.github)/[A-Za-z0-9_./-]+)`",
    )
    .expect("a pattern");
    let written_by_a_run = ["reports/runs", "reports/junit", "reports/summary.json"];
    let mut missing = Vec::new();
    for file in files()
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "md"))
    {
        for hit in named.captures_iter(&text(file)) {
            let path = &hit[1];
            if !written_by_a_run.iter().any(|w| path.starts_with(w)) && !root().join(path).exists()
            {
                missing.push(format!("{}: `{path}`", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_snapshot_has_its_case_and_every_image_its_recipe() {
    let cases: BTreeSet<String> = files()
        .iter()
        .filter_map(|f| {
            Some(
                f.strip_prefix("cases")
                    .ok()?
                    .with_extension("")
                    .to_string_lossy()
                    .into_owned(),
            )
        })
        .collect();
    let mut wrong = Vec::new();
    for file in files() {
        if let Ok(below) = file.strip_prefix("suite/snapshots") {
            // <subject>/<case>[@variant].snap; module cases have no subject, their folder is that of the cases.
            let subject = usize::from(!below.starts_with("module"));
            let case: std::path::PathBuf = below.iter().skip(subject).collect();
            let case = case.with_extension("").to_string_lossy().into_owned();
            let case = case.split('@').next().unwrap_or_default().to_owned();
            if !cases.contains(&case) {
                wrong.push(format!("{}: no case `{case}`", file.display()));
            }
        }
    }
    for image in std::fs::read_dir(root().join("fixtures/images")).expect("images") {
        let dir = image.expect("an entry").path();
        let has = |name: &str| dir.join(name).is_file();
        if !has("image.yaml") || has("adamant.yaml") == has("control.yaml") {
            wrong.push(format!(
                "{}: needs image.yaml and either adamant.yaml or control.yaml",
                dir.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A law that no planted image breaks may have stopped to see anything.
#[test]
fn every_case_is_broken_by_a_planted_image() {
    let images = std::fs::read_dir(root().join("fixtures/images")).expect("images");
    let controls: Vec<Control> = images
        .map(|image| image.expect("an entry").path().join("control.yaml"))
        .filter(|path| path.is_file())
        .map(|path| read(&path).expect("a valid control"))
        .collect();
    let caught: BTreeSet<&str> = controls
        .iter()
        .flat_map(|c| c.also.iter().map(|a| &a.case).chain([&c.breaks]))
        .map(String::as_str)
        .collect();
    let cases = adamant::standard::all().expect("valid cases");
    let never: Vec<&str> = cases
        .iter()
        .map(|case| case.id.as_str())
        .filter(|id| !caught.contains(id))
        .collect();
    assert!(never.is_empty(), "no planted image breaks {never:?}");
}

#[test]
fn readme_names_the_two_commands_and_ci_calls_the_second() {
    let readme = text("README.md");
    assert!(readme.contains("cargo xtask run") && readme.contains("cargo xtask test"));
    assert!(text(".ci/run").contains("cargo xtask test"));
    assert!(Path::new(&root()).join("LICENSE").is_file());
}
