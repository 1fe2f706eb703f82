//! Each room says what is wrong with an image, where, and leaves alone what is right.

#[path = "rooms/addons.rs"]
mod addons;
#[path = "rooms/field.rs"]
mod field;
#[path = "rooms/locks.rs"]
mod locks;
#[path = "rooms/object.rs"]
mod object;
mod support;

use adamant_verify::Room;
use support::{Draft, told};

const PATH: &str = "PATH=/usr/local/bin:/bin";

/// A Node that is a file only: enough for what is said of imports.
fn node(entrypoint: &[&str]) -> Draft {
    Draft::new(entrypoint, &[PATH]).file("/usr/local/bin/node", 0o755, "#!/none\n")
}

fn packaging(draft: Draft) -> Vec<String> {
    told(&draft.judge("", &[Room::Packaging]))
}

#[test]
fn features_are_known_and_their_artifacts_are_there() {
    let contract = "manifest: image:/m.toml\nartifacts:\n  - { id: codex, command: [codex, --version], when: tools.codex }\n  - { id: web, path: /app/web.js, when: tools.web }\n  - { id: off, path: /app/off.js, when: tools.off }\n  - { id: lost, path: /m.toml, when: tools.lost }\n";
    let manifest =
        "[tools]\ncodex = true\nweb = true\noff = false\nextra = true\n[log]\njson = true\n";
    let draft = Draft::new(&[], &[PATH])
        .text("/m.toml", manifest)
        .text("/app/web.js", "");
    let report = draft.judge(contract, &[Room::Manifest]);
    assert_eq!(
        told(&report),
        [
            "manifest/missing-artifact /m.toml:2",
            "manifest/no-such-flag /m.toml",
            "manifest/unknown-feature /m.toml:5"
        ]
    );
    assert!(
        report.findings[0].seen.contains("no executable `codex`")
            && report.findings[0].cause.contains("tools.codex")
    );
    assert!(
        report
            .unjudged
            .iter()
            .any(|u| u.what.contains("log.json") && !u.broken)
    );
    let broken = Draft::new(&[], &[PATH])
        .text("/m.json", "{")
        .judge("manifest: image:/m.json\n", &[Room::Manifest]);
    assert_eq!(told(&broken), ["manifest/unreadable /m.json"]);
}

#[test]
fn scripts_need_their_interpreters_and_links_their_targets() {
    let closure = |draft: Draft| told(&draft.judge("", &[Room::Closure]));
    let script = |text: &str| Draft::new(&["/start"], &[PATH]).file("/start", 0o755, text);
    assert_eq!(
        closure(script("#!/bin/bash\n")),
        ["closure/interpreter /start:1"]
    );
    assert_eq!(
        closure(script("#!/bin/env node\n").file("/bin/env", 0o755, "x")),
        ["closure/interpreter /start:1"]
    );
    assert_eq!(
        closure(script("#!/bin/sh\nexec /app/run\n").file("/bin/sh", 0o755, "x")),
        ["closure/missing-executable /start:2"]
    );
    assert_eq!(
        closure(Draft::new(&["/start"], &[]).link("/start", "/gone")),
        ["closure/dangling-link image configuration"]
    );
    assert_eq!(
        closure(Draft::new(&["start"], &[PATH])),
        ["closure/missing-executable image configuration"]
    );
    assert_eq!(
        closure(Draft::new(&["/x"], &[]).file("/x", 0o644, "x")),
        ["closure/not-executable /x"]
    );
    let good = script("#!/bin/env -S sh -e\nif command -v extra; then extra; fi\nexec /bin/sh\n");
    assert_eq!(
        closure(
            good.file("/bin/env", 0o755, "x")
                .file("/bin/sh", 0o755, "x")
        ),
        [""; 0]
    );
}

#[test]
fn an_executable_needs_its_loader_and_libraries() {
    let own = std::fs::read(std::env::current_exe().expect("a path")).expect("reads");
    let report = Draft::new(&["/app"], &[PATH])
        .file("/app", 0o755, &own)
        .judge("", &[Room::Closure]);
    assert_eq!(told(&report), ["closure/loader /app"]);
    let loader = report.findings[0]
        .seen
        .split('`')
        .nth(3)
        .expect("named")
        .to_owned();
    let with_loader = Draft::new(&["/app"], &[PATH])
        .file("/app", 0o755, &own)
        .file(&loader, 0o755, "x");
    let report = with_loader.judge("", &[Room::Closure]);
    assert!(
        !report.findings.is_empty() && report.findings.iter().all(|f| f.rule == "closure/library")
    );
    let broken = Draft::new(&["/app"], &[PATH])
        .file("/app", 0o755, &own[..3000])
        .judge("", &[Room::Closure]);
    assert!(broken.is_incomplete());
}

#[test]
fn node_modules_is_what_its_lock_file_says() {
    let lock = r#"{"lockfileVersion":3,"packages":{"":{},
"node_modules/a":{"version":"1.0.0"},
"node_modules/b":{"version":"2.0.0"},
"node_modules/dev":{"version":"1.0.0","dev":true},
"node_modules/mac":{"version":"1.0.0","optional":true,"os":["darwin"]},
"node_modules/own":{"version":"1.0.0","optional":true,"os":["linux"],"cpu":["x64"]}}}"#;
    let draft = Draft::new(&[], &[])
        .text("/app/package-lock.json", lock)
        .text("/app/node_modules/a/package.json", r#"{"version":"1.0.1"}"#)
        .text("/app/node_modules/x/package.json", "{}");
    let report = draft.judge("", &[Room::Closure]);
    assert_eq!(
        told(&report),
        [
            "closure/lock-extra /app/package-lock.json",
            "closure/lock-missing /app/package-lock.json:3",
            "closure/lock-missing /app/package-lock.json:6",
            "closure/lock-version /app/package-lock.json:2"
        ]
    );
    let pnpm = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: { specifier: ^1.0.0, version: 1.0.0(b@2.0.0) }\n      c: { specifier: '1', version: 1.0.0 }\npackages:\n  a@1.0.0: {}\n  c@1.0.0: {}\n";
    let draft = Draft::new(&[], &[])
        .text("/app/pnpm-lock.yaml", pnpm)
        .text("/app/node_modules/a/package.json", r#"{"version":"1.0.0"}"#);
    assert_eq!(
        told(&draft.judge("", &[Room::Closure])),
        ["closure/lock-missing /app/pnpm-lock.yaml:9"]
    );
}

#[test]
fn paths_of_the_environment_exist() {
    let env = [
        "PLAYWRIGHT_BROWSERS_PATH=/ms",
        "PUPPETEER_EXECUTABLE_PATH=/bin/chrome",
        "NODE_PATH=/lib/a:/lib/b",
        "HOME=/root",
        "NODE_OPTIONS=--import=/hook.mjs",
    ];
    let draft = Draft::new(&[], &env)
        .file("/bin/chrome", 0o644, "x")
        .text("/lib/a/x.js", "")
        .healthcheck(&["CMD-SHELL", "curl -f http://localhost/ || exit 1"])
        .file("/bin/sh", 0o755, "x");
    let report = draft.judge("", &[Room::Environment]);
    let seen: Vec<&str> = report.findings.iter().map(|f| f.seen.as_str()).collect();
    assert_eq!(report.findings.len(), 5, "{seen:#?}");
    for part in [
        "/ms`, which is not",
        "/bin/chrome`, which has no execute bit",
        "/lib/b",
        "/hook.mjs",
        "no executable `curl`",
    ] {
        assert!(seen.iter().any(|s| s.contains(part)), "{part}: {seen:#?}");
    }
}

#[test]
fn a_browser_must_be_the_one_that_its_playwright_starts() {
    let draft = |dir: &str| {
        Draft::new(&[], &["PLAYWRIGHT_BROWSERS_PATH=/ms"])
            .text(&format!("/ms/{dir}/chrome"), "")
            .text("/app/node_modules/playwright-core/browsers.json", r#"{"browsers":[{"name":"chromium","revision":"1124"},{"name":"firefox","revision":"7"}]}"#)
            .judge("", &[Room::Environment])
    };
    assert_eq!(told(&draft("chromium-1124")), [""; 0]);
    let wrong = draft("chromium-1100");
    assert_eq!(
        told(&wrong),
        ["env/browser /app/node_modules/playwright-core/browsers.json"]
    );
    assert!(wrong.findings[0].seen.contains("starts `chromium-1124`"));
}

#[test]
fn what_a_supervisor_starts_is_there() {
    let conf = "[supervisord]\n[program:web]\ncommand=node /app/gone.js\n[program:ok]\ncommand=node /app/x.js\n[program:lost]\ncommand=lost --serve\n";
    let draft = node(&["supervisord", "-c", "/etc/s.conf"])
        .file("/usr/local/bin/supervisord", 0o755, "x")
        .text("/etc/s.conf", conf)
        .text("/app/x.js", "");
    let report = draft.judge("", &[Room::Environment]);
    assert_eq!(
        told(&report),
        [
            "env/supervisor /etc/s.conf:3",
            "env/supervisor /etc/s.conf:7"
        ]
    );
}

#[test]
fn named_imports_bind_as_in_node() {
    let app = |import: &str| {
        node(&["node", "/app/server.mjs"])
            .text(
                "/app/server.mjs",
                &format!("import fs from 'node:fs';\n{import}\n"),
            )
            .text(
                "/app/node_modules/core/package.json",
                r#"{"main":"index.js"}"#,
            )
            .text(
                "/app/node_modules/core/index.js",
                "exports.seen = 1;\nObject.assign(module.exports, require('./more'));\n",
            )
            .text("/app/node_modules/core/more.js", "exports.hidden = 1;")
            .text(
                "/app/node_modules/esm/package.json",
                r#"{"type":"module","exports":"./i.js"}"#,
            )
            .text(
                "/app/node_modules/esm/i.js",
                "export * from './j.js'; export const own = 1;",
            )
            .text(
                "/app/node_modules/esm/j.js",
                "export const starred = 1; export default 2;",
            )
    };
    for good in [
        "import { seen } from 'core';",
        "import core from 'core';",
        "import { own, starred } from 'esm';",
        "import * as x from 'core'; x.hidden;",
    ] {
        assert_eq!(packaging(app(good)), [""; 0], "{good}");
    }
    for bad in [
        "import { hidden } from 'core';",
        "export { hidden } from 'core';",
        "import d from 'esm';",
        "import { none } from 'esm';",
    ] {
        assert_eq!(
            packaging(app(bad)),
            ["package/missing-export /app/server.mjs:2"],
            "{bad}"
        );
    }
    assert_eq!(
        packaging(app("import 'gone';")),
        ["package/unresolved-import /app/server.mjs:2"]
    );
    assert_eq!(packaging(app("import('gone').catch(() => {});")), [""; 0]);
    assert_eq!(
        packaging(app("import { from 'core'")),
        ["package/syntax /app/server.mjs:2"]
    );
    let gone = node(&["node", "dist/server.js"]);
    assert_eq!(
        packaging(gone),
        ["package/unresolved-import image configuration"]
    );
}

#[test]
fn a_bundle_is_whole_and_leaves_native_and_hooked_packages_out() {
    let bundle = |text: &str| {
        node(&["/start"])
            .file(
                "/start",
                0o755,
                "#!/bin/sh\ncd /app\nexec node dist/server.bundle.mjs\n",
            )
            .file("/bin/sh", 0o755, "x")
            .text("/app/dist/server.bundle.mjs", text)
            .text(
                "/app/node_modules/hoisted/package.json",
                r#"{"main":"i.js"}"#,
            )
            .text("/app/node_modules/hoisted/i.js", "")
            .text(
                "/app/node_modules/.bun/deep@1.0.0/node_modules/deep/package.json",
                r#"{"main":"i.js"}"#,
            )
            .text(
                "/app/node_modules/.bun/deep@1.0.0/node_modules/deep/i.js",
                "",
            )
            .text("/app/node_modules/mine/package.json", "{}")
            .text("/app/node_modules/mine/build/Release/x.node", "")
    };
    let at = "/app/dist/server.bundle.mjs";
    assert_eq!(
        packaging(bundle("import 'hoisted';\nimport fs from 'fs';\n")),
        [""; 0]
    );
    let isolated = bundle("import 'deep';\n").judge("", &[Room::Packaging]);
    assert_eq!(
        told(&isolated),
        [format!("package/external-unresolved {at}:1")]
    );
    assert!(isolated.findings[0].seen.contains(".bun/deep@1.0.0"));
    assert_eq!(
        packaging(bundle("import './chunk.mjs';\n")),
        [format!("package/relative-left-out {at}:1")]
    );
    assert_eq!(
        packaging(bundle(
            "// ../node_modules/pino/pino.js\nvar a;\n// ../node_modules/lodash/x.js\n"
        )),
        [format!("package/inlined-hooked {at}:1")]
    );
    assert_eq!(
        packaging(bundle("var a;\n// ../node_modules/mine/i.js\n")),
        [format!("package/inlined-native {at}:2")]
    );
    assert_eq!(
        packaging(bundle(
            "var x = __commonJS({ \"../node_modules/@sentry/node/i.js\"(exports) {} });"
        )),
        [format!("package/inlined-hooked {at}:1")]
    );
}

#[test]
fn the_entrypoint_of_nodes_own_image_has_two_readings_and_one_is_right() {
    let official = "#!/bin/sh\nset -e\nif [ \"${1#-}\" != \"${1}\" ] || [ -z \"$(command -v \"${1}\")\" ]; then\n  set -- node \"$@\"\nfi\nexec \"$@\"\n";
    let image = |script: &str| {
        node(&["docker-entrypoint.sh", "node", script])
            .file("/usr/local/bin/docker-entrypoint.sh", 0o755, official)
            .file("/bin/sh", 0o755, "x")
            .text("/app.js", "require('./gone')")
    };
    assert_eq!(
        packaging(image("/app.js")),
        ["package/unresolved-import /app.js:1"]
    );
    let gone = packaging(image("/lost.js"));
    assert!(!gone.is_empty(), "the program is not there in any reading");
}

#[test]
fn links_never_lead_out_of_the_image() {
    let draft = node(&["node", "/app/x.mjs"])
        .link("/app/x.mjs", "../../../../etc/passwd")
        .link("/app/loop", "loop");
    assert_eq!(
        packaging(draft),
        ["package/unresolved-import image configuration"]
    );
}

#[test]
fn what_cannot_be_read_is_told_and_never_passes() {
    let deep = format!("import 'x';{}", "[".repeat(50_000));
    let report = node(&["node", "/app/x.mjs"])
        .text("/app/x.mjs", &deep)
        .judge("", &[Room::Packaging]);
    assert!(report.is_incomplete() && report.findings.is_empty());
}
