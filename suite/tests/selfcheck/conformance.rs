//! `reports/conformance.md` maps every clause to its cases; a MUST clause without a case fails.

use std::fmt::Write as _;

use adamant::standard;
use adamant_core::case::Level;

use super::tree::assert_current;

/// Every clause that the standard contract is about: its id, how binding it is, what it says in short.
const CLAUSES: &[(&str, Level, &str)] = &[
    ("PRD-002 §2.1", Level::Must, "boot is deterministic"),
    (
        "PRD-002 §2.2",
        Level::Must,
        "boot requires no network access",
    ),
    (
        "PRD-002 §2.3",
        Level::Must,
        "boot fails fast on packaging errors",
    ),
    (
        "PRD-002 §2.4",
        Level::Must,
        "runtime mutation is narrow and intentional",
    ),
    ("PRD-002 §2.5", Level::Must, "feature gates are truthful"),
    (
        "PRD-002 §5.1",
        Level::Must,
        "startup downloads nothing, resolves nothing, leaves the application tree alone",
    ),
    (
        "PRD-002 §5.2",
        Level::Must,
        "every enabled capability has its artifact in the image",
    ),
    (
        "PRD-002 §5.3",
        Level::Must,
        "the build validates that each enabled feature has a resolvable artifact",
    ),
    (
        "PRD-002 §5.4",
        Level::Must,
        "a missing required artifact is fatal; no silent fallback",
    ),
    (
        "PRD-002 §5.5",
        Level::Must,
        "startup succeeds with outbound network blocked; an external endpoint is for after readiness",
    ),
    (
        "PRD-002 §5.6",
        Level::Must,
        "bootstrap emits structured status, seen in logs and readiness",
    ),
    (
        "PRD-002 AC-1",
        Level::Must,
        "RC-002-03: the entrypoint has no install or download step",
    ),
    (
        "PRD-002 AC-2",
        Level::Must,
        "RC-002-01: a cold boot without network reaches readiness",
    ),
    (
        "PRD-002 AC-3",
        Level::Must,
        "RC-002-05: a missing artifact is fatal, deterministically, with a specific error",
    ),
    (
        "PRD-002 AC-4",
        Level::Must,
        "RC-002-04: the application tree is immutable at run time",
    ),
    (
        "PRD-002 AC-5",
        Level::Must,
        "RC-002-02: artifact probes pass and no node_modules is created",
    ),
    (
        "RC-003",
        Level::Should,
        "the hardened baseline and its endpoints (rows 07 to 10)",
    ),
    (
        "seed 000",
        Level::Must,
        "what JavaScript the image starts binds, and its native addons load, on the runtime of the image",
    ),
    (
        "WORKSPACE §daemon",
        Level::Must,
        "seed 002: a daemon makes and restores snapshots behind a token, and refuses what leaves",
    ),
    (
        "WORKSPACE §restore",
        Level::Must,
        "seed 002: a restore is whole or nothing, and spares the installation",
    ),
    (
        "WORKSPACE §boot",
        Level::Must,
        "seed 002: a workspace is restored before it is configured, as well as it can be",
    ),
    (
        "WORKSPACE §saver",
        Level::Must,
        "seed 002: what changed and rests is saved, and nothing else",
    ),
];

#[test]
fn every_must_clause_has_a_case_and_the_page_is_current() {
    let cases = standard::cases().expect("the standard cases parse");
    let mut page = String::from("# Conformance: which case checks which clause\n\n");
    page.push_str("Generated from the cases by the selfcheck tests; do not edit.\n\n| clause | level | what it says | cases |\n|---|---|---|---|\n");
    let mut uncovered = Vec::new();
    for (clause, level, says) in CLAUSES {
        let by: Vec<String> = cases
            .iter()
            .filter(|c| c.case.clauses.iter().any(|x| x == clause))
            .map(|c| format!("`{}`", c.id))
            .collect();
        if by.is_empty() && *level == Level::Must {
            uncovered.push(*clause);
        }
        let level = if *level == Level::Must {
            "MUST"
        } else {
            "SHOULD"
        };
        writeln!(page, "| {clause} | {level} | {says} | {} |", by.join(", "))
            .expect("a string takes it");
    }
    page.push_str("\n| case | spec | level | claim |\n|---|---|---|---|\n");
    for case in &cases {
        let level = if case.case.level == Level::Must {
            "MUST"
        } else {
            "SHOULD"
        };
        writeln!(
            page,
            "| `{}` | {} | {level} | {} |",
            case.id, case.case.spec, case.case.about
        )
        .expect("a string takes it");
    }
    assert!(
        uncovered.is_empty(),
        "MUST clauses without a case: {uncovered:?}"
    );
    let unknown: Vec<&String> = cases
        .iter()
        .flat_map(|c| &c.case.clauses)
        .filter(|x| !CLAUSES.iter().any(|(k, ..)| k == x))
        .collect();
    assert!(unknown.is_empty(), "clauses that nobody knows: {unknown:?}");
    assert_current("reports/conformance.md", &page);
}
