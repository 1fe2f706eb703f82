//! What the seeds say of modules has its cases, and every attack its verdict and tier; `cases/module/README.md` shows both as tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use adamant::standard;
use adamant_core::case::{At, read};
use adamant_core::check::module::ModuleCheckSpec;
use adamant_core::module::{ModuleCaseFile, wire};
use serde::Deserialize;

use super::tree::{assert_current, root, text};

/// How many attacks the study lists.
const ATTACKS: u8 = 48;

/// A behaviour that a seed names, and the cases that hold a runtime to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Behaviour {
    /// `000`, `001` or `003`.
    seed: String,
    /// What it says, in short.
    says: String,
    /// Ids of cases, below `module/`.
    #[serde(default)]
    cases: Vec<String>,
    /// Where it is shown instead, for what no package can see.
    #[serde(default)]
    elsewhere: Option<String>,
}

fn cases() -> BTreeMap<String, Arc<ModuleCaseFile>> {
    let cases = standard::module_cases().expect("the module cases parse");
    let by_id = cases.into_iter().map(|c| (c.id.clone(), c));
    by_id.collect()
}

#[test]
fn every_behaviour_of_the_seeds_has_its_cases_and_every_attack_its_verdict() {
    let cases = cases();
    let page = text("cases/module/README.md");
    let page = between(&page, "seeds", &seeds(&cases));
    let page = between(&page, "attacks", &attacks(&cases));
    assert_current("cases/module/README.md", &page);
}

/// Puts a table between the two marks of its name.
fn between(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (
        format!("<!-- {name}: generated -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let (before, rest) = page.split_once(&begin).expect("the first mark");
    let (_, after) = rest.split_once(&end).expect("the second mark");
    format!("{before}{begin}{table}{end}{after}")
}

fn seeds(cases: &BTreeMap<String, Arc<ModuleCaseFile>>) -> String {
    let listed = root().join("suite/tests/selfcheck/seeds.yaml");
    let listed: Vec<Behaviour> = read(&listed).expect("a list");
    let mut table = String::from("| seed | what it says | cases |\n|---|---|---|\n");
    let mut seen = BTreeSet::new();
    for behaviour in &listed {
        let says = &behaviour.says;
        assert!(
            behaviour.cases.is_empty() == behaviour.elsewhere.is_some(),
            "`{says}` has either cases or another place"
        );
        let mut by = Vec::new();
        for case in &behaviour.cases {
            assert!(
                cases.contains_key(&format!("module/{case}")),
                "`{says}`: there is no case `{case}`"
            );
            by.push(format!("`{case}`"));
        }
        by.extend(behaviour.elsewhere.clone());
        seen.insert(behaviour.seed.as_str());
        writeln!(table, "| {} | {says} | {} |", behaviour.seed, by.join(", ")).expect("a string");
    }
    assert_eq!(seen, BTreeSet::from(["000", "001", "003"]));
    table
}

fn attacks(cases: &BTreeMap<String, Arc<ModuleCaseFile>>) -> String {
    let mut table =
        String::from("| attack | tier | needs | claim | ends as |\n|---|---|---|---|---|\n");
    for number in 1..=ATTACKS {
        let clause = format!("study: attack A{number}");
        let of: Vec<_> = cases
            .values()
            .filter(|c| c.case.clauses.contains(&clause))
            .collect();
        assert_eq!(of.len(), 1, "cases of attack A{number}");
        let case = &of[0].case;
        let tier = case.tier.expect("an attack says which tier can hold it");
        let needs: Vec<&str> = case.capabilities().iter().map(|c| c.word()).collect();
        let runs = case.runs.iter().flat_map(|r| &r.checks);
        let mut ends: Vec<wire::Ended> = case
            .checks
            .iter()
            .chain(runs)
            .filter_map(ended)
            .flatten()
            .collect();
        ends.sort_unstable();
        ends.dedup();
        let ends: Vec<String> = ends.iter().map(|e| format!("`{e}`")).collect();
        // A case that judges output holds its runtime to an end of its own: what did not return has none.
        let ends = if ends.is_empty() {
            "`returned`".to_owned()
        } else {
            ends.join(", ")
        };
        writeln!(
            table,
            "| A{number} | {tier} | {} | {} | {ends} |",
            needs.join(" "),
            case.about
        )
        .expect("a string");
    }
    table
}

fn ended(check: &At<ModuleCheckSpec>) -> Option<Vec<wire::Ended>> {
    match &check.value {
        ModuleCheckSpec::Ended(claim) => Some(claim.by.clone()),
        _ => None,
    }
}
