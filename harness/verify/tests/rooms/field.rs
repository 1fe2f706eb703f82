//! Trees of the field that Node runs, which nothing is to be said of, and those beside them that it does not run.

use adamant_verify::Room;

use crate::support::{Draft, told};

const PATH: &str = "PATH=/usr/local/bin:/bin";
const ESM: &str = r#"{"name":"app","type":"module","dependencies":{"owed":"1"}}"#;
const CJS: &str = r#"{"name":"app","type":"commonjs","dependencies":{"owed":"1"}}"#;

/// An application of these files, with `/app/package.json` first, run by this command line in `/`.
struct Tree {
    command: &'static [&'static str],
    env: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    told: &'static [&'static str],
}

const MODULE: &[&str] = &["node", "/app/i.js"];
const NONE: &[&str] = &[];

const TREES: &[Tree] = &[
    // A default import that is exported again under any name.
    Tree {
        command: MODULE,
        env: NONE,
        files: &[
            ("package.json", ESM),
            ("i.js", "import { d, e } from './m.js';"),
            ("m.js", "import d, { e } from './d.js';\nexport { d, e };"),
            ("d.js", "export default 1; export const e = 1;"),
        ],
        told: NONE,
    },
    Tree {
        command: MODULE,
        env: NONE,
        files: &[
            ("package.json", ESM),
            ("i.js", "import { d } from './m.js';"),
            ("m.js", "import d from './d.js';\nexport { d };"),
            ("d.js", "export const d = 1;"),
        ],
        told: &[
            "package/missing-export /app/i.js:1",
            "package/missing-export /app/m.js:1",
        ],
    },
    // Options of Node with a value apart, and those of the environment.
    Tree {
        command: &[
            "node",
            "--unhandled-rejections",
            "strict",
            "--max-http-header-size",
            "16384",
            "/app/i.js",
        ],
        env: NONE,
        files: &[("package.json", ESM), ("i.js", "import './gone.js';")],
        told: &["package/unresolved-import /app/i.js:1"],
    },
    Tree {
        command: &["node", "--run", "start"],
        env: NONE,
        files: &[("package.json", ESM)],
        told: NONE,
    },
    Tree {
        command: MODULE,
        env: &["NODE_OPTIONS=--max-old-space-size=512 \"--conditions=prod\""],
        files: &[
            ("package.json", ESM),
            ("i.js", "import 'c';"),
            (
                "node_modules/c/package.json",
                r#"{"exports":{"prod":"./p.js"}}"#,
            ),
            ("node_modules/c/p.js", ""),
        ],
        told: NONE,
    },
    // `require` looks for what is loaded first, and adds extensions; the loader finds what Node does not, but no package.
    Tree {
        command: &["node", "-r", "./hook", "-r", "h/register", "/app/i.js"],
        env: NONE,
        files: &[
            ("package.json", ESM),
            ("/hook.js", ""),
            ("/node_modules/h/register.js", ""),
            ("i.js", "import '@/alias';\nimport 'owed';"),
        ],
        told: &["package/unresolved-import /app/i.js:2"],
    },
    Tree {
        command: &["node", "-r", "./hook", "/app/i.js"],
        env: NONE,
        files: &[("package.json", ESM), ("i.js", "")],
        told: &["package/unresolved-import image configuration"],
    },
    // Places of the whole process, for `require` alone.
    Tree {
        command: MODULE,
        env: &["NODE_PATH=/opt/a:/opt/b", "HOME=/home"],
        files: &[
            ("package.json", CJS),
            (
                "i.js",
                "require('p');\nrequire('h');\nrequire('l');\nimport('p');",
            ),
            ("/opt/b/p/index.js", ""),
            ("/home/.node_modules/h.js", ""),
            ("/usr/local/lib/node/l.js", ""),
        ],
        told: &["package/unresolved-import /app/i.js:4"],
    },
    // Links that are kept lead on from where they lie.
    Tree {
        command: &["node", "--preserve-symlinks", "/app/i.js"],
        env: NONE,
        files: &[
            ("package.json", CJS),
            ("i.js", "require('w');"),
            ("node_modules/w", "-> /elsewhere"),
            ("/elsewhere/index.js", "require('d');"),
            ("node_modules/d/index.js", ""),
        ],
        told: NONE,
    },
    // Failures that are looked after.
    Tree {
        command: MODULE,
        env: NONE,
        files: &[
            ("package.json", ESM),
            (
                "i.js",
                "import('a').then(() => 1, () => 2);\nawait Promise.allSettled([import('b')]);\nimport('c').then(() => 1);",
            ),
        ],
        told: &["package/unresolved-import /app/i.js:3"],
    },
    // What Node does not read.
    Tree {
        command: MODULE,
        env: NONE,
        files: &[
            ("package.json", ESM),
            (
                "i.js",
                "import a from './d.json' with { type: 'json' };\nimport b from './e.json';\nexport { default as c } from './f.json' with { type: 'json' };",
            ),
            ("d.json", "{}"),
            ("e.json", "{}"),
            ("f.json", "{}"),
        ],
        told: &["package/syntax /app/i.js:2"],
    },
    Tree {
        command: MODULE,
        env: NONE,
        files: &[("package.json", CJS), ("i.js", "import fs from 'fs';")],
        told: &["package/syntax /app/i.js"],
    },
    Tree {
        command: MODULE,
        env: NONE,
        files: &[
            ("package.json", ESM),
            ("i.js", "import './own.ts';\nimport 't';"),
            ("own.ts", "const a: number = 1;"),
            ("node_modules/t/package.json", r#"{"exports":"./t.ts"}"#),
            ("node_modules/t/t.ts", "export const a: number = 1;"),
        ],
        told: &["package/syntax /app/node_modules/t/t.ts"],
    },
    // `require` in an ES module that makes one.
    Tree {
        command: MODULE,
        env: NONE,
        files: &[
            ("package.json", ESM),
            (
                "i.js",
                "import { createRequire } from 'module';\nconst require = createRequire(import.meta.url);\nrequire('owed');",
            ),
        ],
        told: &["package/unresolved-import /app/i.js:3"],
    },
];

#[test]
fn what_node_runs_is_left_alone_and_what_it_does_not_run_is_told() {
    for tree in TREES {
        let env: Vec<&str> = tree.env.iter().copied().chain([PATH]).collect();
        let draft = Draft::new(tree.command, &env);
        let draft = draft.file("/usr/local/bin/node", 0o755, "#!/none\n");
        let files = tree.files.iter();
        let draft = files.fold(draft, |draft, (name, text)| {
            let path = if name.starts_with('/') {
                (*name).to_owned()
            } else {
                format!("/app/{name}")
            };
            match text.strip_prefix("-> ") {
                Some(to) => draft.link(&path, to),
                None => draft.text(&path, text),
            }
        });
        let report = draft.judge("", &[Room::Packaging]);
        assert_eq!(told(&report), tree.told, "{:?}", tree.files);
    }
}

/// Two programs on two runtimes: each has the places beside its own.
#[test]
fn places_of_the_whole_process_are_those_of_its_own_runtime() {
    let start = "#!/bin/sh\n/usr/local/bin/node /app/a.js\nexec /opt/n/bin/node /app/b.js\n";
    let draft = Draft::new(&["/start.sh"], &[PATH])
        .file("/bin/sh", 0o755, "x")
        .file("/start.sh", 0o755, start)
        .file("/usr/local/bin/node", 0o755, "#!/none\n")
        .file("/opt/n/bin/node", 0o755, "#!/none\n")
        .text("/usr/local/lib/node/l.js", "")
        .text("/app/package.json", CJS)
        .text("/app/a.js", "require('l');")
        .text("/app/b.js", "require('l');");
    let report = draft.judge("", &[Room::Packaging]);
    assert_eq!(told(&report), ["package/unresolved-import /app/b.js:1"]);
}

/// Packages of npm's lock file that are installed without those for development: one of them is optional to another package, and
/// stays.
#[test]
fn what_is_both_for_development_and_optional_tells_nothing_of_the_rest() {
    let lock = |stays: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"name":"app"}},"node_modules/a":{{"version":"1.0.0"}},
"node_modules/both":{{"version":"1.0.0","{stays}":true}},"node_modules/d":{{"version":"1.0.0","dev":true}}}}}}"#
        )
    };
    for (flag, wrong) in [
        ("devOptional", &[][..]),
        (
            "dev",
            &["closure/lock-missing /app/package-lock.json:2"][..],
        ),
    ] {
        let draft = ["a", "both"].iter().fold(
            Draft::new(&[], &[]).text("/app/package-lock.json", &lock(flag)),
            |draft, name| {
                let path = format!("/app/node_modules/{name}/package.json");
                draft.text(&path, r#"{"version":"1.0.0"}"#)
            },
        );
        assert_eq!(told(&draft.judge("", &[Room::Closure])), wrong, "{flag}");
    }
}
