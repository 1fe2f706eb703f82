//! Manifests respect the arrows: suite → engines → core → probe, suite → serve → isolate → modules, serve → store; xtask depends on nothing of ours;
//! what is heavy has its package.

use super::tree::text;

/// A package and which of ours it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("harness/probe", &[]),
    ("harness/core", &["adamant-probe"]),
    (
        "harness/engines",
        &["adamant-core", "adamant-probe", "adamant-shim"],
    ),
    ("harness/modules", &[]),
    ("harness/network", &[]),
    ("harness/isolate", &["adamant-modules", "adamant-network"]),
    ("harness/shim", &["adamant-probe"]),
    ("harness/store", &[]),
    (
        "harness/serve",
        &["adamant-isolate", "adamant-modules", "adamant-store"],
    ),
    (
        "harness/verify",
        &["adamant-core", "adamant-modules", "adamant-probe"],
    ),
    ("harness/xtask", &[]),
    ("fixtures/services", &[]),
    (
        "suite",
        &[
            "adamant-core",
            "adamant-engines",
            "adamant-isolate",
            "adamant-modules",
            "adamant-network",
            "adamant-serve",
            "adamant-store",
            "adamant-verify",
        ],
    ),
];

/// Heavy dependencies, and the packages that may name each.
const ONLY: &[(&str, &[&str])] = &[
    ("bollard", &["harness/engines"]),
    ("object_store", &["harness/store"]),
    ("testcontainers", &["harness/engines"]),
    (
        "tokio",
        &[
            "harness/engines",
            "harness/network",
            "harness/serve",
            "harness/store",
        ],
    ),
    ("v8", &["harness/isolate"]),
    ("rusqlite", &["harness/serve"]),
    ("tokio-postgres", &["harness/serve"]),
    ("object", &["harness/verify"]),
    ("oxc_parser", &["harness/verify"]),
];

#[test]
fn arrows_point_down_only() {
    let ours = [
        "adamant-core",
        "adamant-engines",
        "adamant-isolate",
        "adamant-modules",
        "adamant-network",
        "adamant-probe",
        "adamant-serve",
        "adamant-shim",
        "adamant-store",
        "adamant-verify",
        "adamant-xtask",
        "fixture-services",
    ];
    let mut wrong = Vec::new();
    for (package, allowed) in ARROWS {
        let manifest = text(format!("{package}/Cargo.toml"));
        let named = |dependency: &str| {
            manifest.lines().any(|l| {
                l.starts_with(&format!("{dependency}.")) || l.starts_with(&format!("{dependency} "))
            })
        };
        wrong.extend(
            ours.iter()
                .filter(|o| named(o) && !allowed.contains(o))
                .map(|o| format!("{package} depends on {o}")),
        );
        wrong.extend(
            ONLY.iter()
                .filter(|(d, only)| named(d) && !only.contains(package))
                .map(|(d, _)| format!("{package} depends on {d}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_file_speaks_bollard() {
    let files = super::tree::files();
    let speaks = |f: &&std::path::PathBuf| {
        f.starts_with("harness/engines/src")
            && text(f)
                .lines()
                .any(|l| l.contains("bollard") && !l.trim_start().starts_with("//"))
    };
    let speakers: Vec<_> = files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "rs"))
        .filter(speaks)
        .collect();
    assert_eq!(speakers.len(), 1, "{speakers:?}");
}
