//! `node_modules` against the lock files that do not say where a package lies: pnpm's, Yarn's and Bun's.

use adamant_verify::Room;

use crate::support::{Draft, told};

const PACKAGE: &str = r#"{"name":"app","dependencies":{"a":"^1.0.0"},"devDependencies":{"d":"1"},"optionalDependencies":{"f":"1"}}"#;

/// `a` asks for `b`; `f` is for another system, and `d` is for development only.
const LOCKS: [(&str, &str); 6] = [
    (
        "pnpm-lock.yaml",
        "lockfileVersion: 5.4\nspecifiers: { a: ^1.0.0 }\ndependencies: { a: 1.0.0_p@3.0.0 }\ndevDependencies: { d: 1.0.0 }\noptionalDependencies: { f: 1.0.0 }\npackages:\n  /a/1.0.0_p@3.0.0:\n    dependencies: { b: 2.0.0 }\n  /b/2.0.0: {}\n  /d/1.0.0: { dev: true }\n  /f/1.0.0: { optional: true, os: [darwin] }\n",
    ),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: '6.0'\ndependencies:\n  a: { specifier: ^1.0.0, version: 1.0.0(p@3.0.0) }\ndevDependencies:\n  d: { specifier: '1', version: 1.0.0 }\noptionalDependencies:\n  f: { specifier: '1', version: 1.0.0 }\npackages:\n  /a@1.0.0(p@3.0.0):\n    dependencies: { b: 2.0.0 }\n  /b@2.0.0: {}\n  /d@1.0.0: { dev: true }\n  /f@1.0.0: { optional: true, os: [darwin] }\n",
    ),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: { specifier: ^1.0.0, version: 1.0.0(p@3.0.0) }\n    devDependencies:\n      d: { specifier: '1', version: 1.0.0 }\n    optionalDependencies:\n      f: { specifier: '1', version: 1.0.0 }\npackages:\n  a@1.0.0: {}\n  b@2.0.0: {}\n  d@1.0.0: {}\n  f@1.0.0: { os: [darwin] }\nsnapshots:\n  a@1.0.0(p@3.0.0):\n    dependencies: { b: 2.0.0 }\n  b@2.0.0: {}\n  d@1.0.0: {}\n  f@1.0.0: { optional: true }\n",
    ),
    (
        "yarn.lock",
        "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n  dependencies:\n    b \"^2.0.0\"\n\nb@^2.0.0:\n  version \"2.0.0\"\n\nd@1:\n  version \"1.0.0\"\n\nf@1:\n  version \"1.0.0\"\n",
    ),
    (
        "yarn.lock",
        "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  dependencies:\n    b: \"npm:^2.0.0\"\n  linkType: hard\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  linkType: soft\n\n\"b@npm:^2.0.0\":\n  version: 2.0.0\n  resolution: \"b@npm:2.0.0\"\n  linkType: hard\n\n\"d@npm:1\":\n  version: 1.0.0\n  resolution: \"d@npm:1.0.0\"\n  linkType: hard\n\n\"f@npm:1\":\n  version: 1.0.0\n  resolution: \"f@npm:1.0.0\"\n  conditions: os=darwin\n  linkType: hard\n",
    ),
    (
        "bun.lock",
        "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {\n    \"\": { \"name\": \"app\", \"dependencies\": { \"a\": \"^1.0.0\" }, \"devDependencies\": { \"d\": \"1\" }, \"optionalDependencies\": { \"f\": \"1\" }, },\n  },\n  \"packages\": {\n    \"a\": [\"a@1.0.0\", \"\", { \"dependencies\": { \"b\": \"^2.0.0\" } }, \"sha512-x\"],\n    \"b\": [\"b@2.0.0\", \"\", {}, \"sha512-x\"],\n    \"d\": [\"d@1.0.0\", \"\", {}, \"sha512-x\"],\n    \"f\": [\"f@1.0.0\", \"\", { \"os\": \"darwin\" }, \"sha512-x\"],\n  }\n}\n",
    ),
];

/// An application with these packages: the directory of each below `/app`, and its version.
fn image((lock, text): (&str, &str), packages: &[(&str, &str)]) -> Draft {
    let draft = Draft::new(&[], &[]).text("/app/package.json", PACKAGE);
    let draft = draft.text(&format!("/app/{lock}"), text);
    packages.iter().fold(draft, |draft, (dir, version)| {
        let name = dir.rsplit('/').next().expect("a name");
        let package = format!(r#"{{"name":"{name}","version":"{version}"}}"#);
        draft.text(&format!("/app/{dir}/package.json"), &package)
    })
}

fn judged(draft: Draft) -> Vec<String> {
    told(&draft.judge("", &[Room::Closure]))
}

#[test]
fn what_was_installed_from_the_lock_file_holds_hoisted_or_isolated() {
    for lock in LOCKS {
        let hoisted = image(
            lock,
            &[("node_modules/a", "1.0.0"), ("node_modules/b", "2.0.0")],
        );
        let report = hoisted.judge("", &[Room::Closure]);
        assert_eq!(told(&report), [""; 0], "{lock:?}");
        let count = report.judged.iter().find(|j| j.noun == "locked package");
        assert_eq!(count.map(|j| j.count), Some(2), "{lock:?}");
        for store in [".pnpm", ".bun"] {
            let (a, b) = (
                format!("node_modules/{store}/a@1.0.0/node_modules/a"),
                format!("node_modules/{store}/b@2.0.0/node_modules/b"),
            );
            let isolated = image(lock, &[(&a, "1.0.0"), (&b, "2.0.0")])
                .link(
                    "/app/node_modules/a",
                    &format!("{store}/a@1.0.0/node_modules/a"),
                )
                .link(
                    &format!("/app/node_modules/{store}/a@1.0.0/node_modules/b"),
                    "../../b@2.0.0/node_modules/b",
                );
            assert_eq!(judged(isolated), [""; 0], "{lock:?}");
        }
    }
}

#[test]
fn what_a_package_does_not_find_is_told_with_who_asks_for_it() {
    for lock in LOCKS {
        let file = format!("/app/{}", lock.0);
        let of = |packages: &[(&str, &str)]| {
            let report = image(lock, packages).judge("", &[Room::Closure]);
            let told = report
                .findings
                .iter()
                .map(|f| format!("{} {} {}", f.rule, f.place.file, f.cause));
            told.collect::<Vec<_>>()
        };
        // What another package needs is missing, though nothing of the project's own is.
        let told = of(&[("node_modules/a", "1.0.0")]);
        assert_eq!(
            told,
            [format!("closure/lock-missing {file} `a 1.0.0` asks for it")],
            "{lock:?}"
        );
        // It is there in a version that only another one may have.
        let told = of(&[
            ("node_modules/a", "1.0.0"),
            ("node_modules/a/node_modules/b", "2.0.1"),
            ("node_modules/b", "2.0.0"),
        ]);
        assert!(
            told.iter()
                .any(|t| t.starts_with(&format!("closure/lock-version {file}"))),
            "{lock:?}: {told:?}"
        );
        // What is developed with is judged where it is installed, and optional packages only for their own system.
        let told = of(&[
            ("node_modules/a", "1.0.0"),
            ("node_modules/b", "2.0.0"),
            ("node_modules/d", "1.0.1"),
        ]);
        assert!(
            told.iter().any(|t| t.contains("lock-version")),
            "{lock:?}: {told:?}"
        );
        let told = of(&[
            ("node_modules/a", "1.0.0"),
            ("node_modules/b", "2.0.0"),
            ("node_modules/x", "1.0.0"),
        ]);
        assert_eq!(told.len(), 1, "{lock:?}: {told:?}");
        assert!(
            told[0].starts_with(&format!("closure/lock-extra {file}")),
            "{told:?}"
        );
    }
}

#[test]
fn an_optional_package_for_this_very_system_must_be_there() {
    for (lock, text) in LOCKS
        .into_iter()
        .filter(|(_, text)| text.contains("darwin"))
    {
        let text = text.replace("darwin", "linux");
        let held = [("node_modules/a", "1.0.0"), ("node_modules/b", "2.0.0")];
        let told = judged(image((lock, &text), &held));
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].starts_with("closure/lock-missing"), "{told:?}");
    }
}

#[test]
fn a_lock_file_that_cannot_be_read_is_a_finding() {
    for (lock, text) in [
        ("pnpm-lock.yaml", "lockfileVersion: '10.0'\n"),
        ("pnpm-lock.yaml", "a: [\n"),
        ("yarn.lock", "<<<<<<< HEAD\n"),
        ("yarn.lock", "__metadata: {}\na@1: {}\n"),
        ("bun.lock", "{}"),
    ] {
        let draft = image((lock, text), &[("node_modules/a", "1.0.0")]);
        assert_eq!(
            judged(draft),
            [format!("closure/lock-unreadable /app/{lock}")],
            "{text}"
        );
    }
    let binary = image(
        ("bun.lockb", "#!/usr/bin/env bun\n"),
        &[("node_modules/a", "1.0.0")],
    );
    let report = binary.judge("", &[Room::Closure]);
    assert!(
        report.findings.is_empty() && report.unjudged.iter().any(|u| u.what == "/app/bun.lockb")
    );
}
