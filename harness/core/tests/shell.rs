//! Every rule against its two scripts in `fixtures/scripts`: the bad one on the marked lines, the good one nowhere.

use std::{collections::BTreeSet, path::PathBuf};

use adamant_core::shell::{Class, Lint, control, rules, script};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts")
}

fn lint(rule: &str, name: &str) -> (String, Lint) {
    let path = fixtures().join(rule.replace('/', "-")).join(name);
    let text = fs_err::read_to_string(&path).expect("each rule has its fixtures");
    let lint = script(&path.to_string_lossy(), text.as_bytes());
    (text, lint)
}

fn found(lint: &Lint) -> BTreeSet<(u32, &'static str)> {
    lint.smells
        .iter()
        .map(|smell| (smell.end_line, smell.rule))
        .collect()
}

#[test]
fn bad_scripts_smell_on_the_marked_lines() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let (text, lint) = lint(rule.id, "bad.sh");
        let marked = text
            .lines()
            .zip(1..)
            .filter(|(line, _)| line.ends_with(&format!("# <- {}", rule.id)));
        let marked: BTreeSet<_> = marked.map(|(_, number)| (number, rule.id)).collect();
        assert!(!marked.is_empty(), "{} has no marked line", rule.id);
        let found = found(&lint);
        let missing = marked.difference(&found).map(|place| ("missing", *place));
        let extra = found.difference(&marked).map(|place| ("extra", *place));
        wrong.extend(missing.chain(extra).map(|place| (rule.id, place)));
        assert_eq!(lint.unparsed, [], "{}", rule.id);
    }
    assert_eq!(wrong, []);
}

#[test]
fn good_scripts_do_not_smell() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let (_, lint) = lint(rule.id, "good.sh");
        wrong.extend(
            lint.smells
                .iter()
                .map(|smell| (rule.id, smell.line, smell.text.clone())),
        );
        assert_eq!(lint.unparsed, [], "{}", rule.id);
    }
    assert_eq!(wrong, []);
}

#[test]
fn every_fixture_has_its_rule() {
    let ids: BTreeSet<_> = rules().map(|rule| rule.id.replace('/', "-")).collect();
    let entries = fs_err::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap());
    let dirs = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let dirs: BTreeSet<_> = dirs
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(dirs, ids);
}

#[test]
fn a_rule_id_begins_with_its_class() {
    for rule in rules() {
        let class = match rule.class {
            Class::Install => "install/",
            Class::Fetch => "fetch/",
            Class::Swallow => "swallow/",
        };
        assert!(rule.id.starts_with(class), "{}", rule.id);
        assert!(
            !rule.clause.is_empty() && !rule.explain.is_empty() && !rule.fix.is_empty(),
            "{}",
            rule.id
        );
    }
}

#[test]
fn the_control_has_a_smell_of_each_class() {
    let lint = control();
    let classes: BTreeSet<_> = lint.smells.iter().map(|smell| smell.class).collect();
    assert_eq!(
        classes,
        BTreeSet::from([Class::Install, Class::Fetch, Class::Swallow])
    );
    assert_eq!(lint.unparsed, []);
}
