//! What the loader says when things go wrong, the handler contract, and the function-level cache.
#![expect(
    clippy::unwrap_used,
    clippy::tests_outside_test_module,
    reason = "an integration test"
)]

mod support;

use std::sync::Arc;

use adamant_isolate::{
    CodeCache, Execution, Isolate, Memory, Mode, Outcome, Package, Request, Stream,
};
use serde_json::json;
use support::{package, script};

/// Calls the handler that `/index.js` exports.
fn handler(files: &[(&str, &str)], request: serde_json::Value) -> Execution {
    let request = Request {
        mode: Mode::Handler,
        request: Some(request),
        ..Request::default()
    };
    support::isolate()
        .execute(&package(files), &request)
        .unwrap()
}

fn stdout(execution: &Execution) -> String {
    execution.output.text(Stream::Stdout)
}

fn stderr(execution: &Execution) -> String {
    execution.output.text(Stream::Stderr)
}

/// The lines of a text without frames of our own builtins, which are not Node's.
fn without_builtins(text: &str) -> String {
    text.lines()
        .filter(|line| !line.contains("node:"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn an_uncaught_error_shows_its_place_as_node_does() {
    let source = "const x = 1;\nfunction f() {\n\tthrow new TypeError('bad');\n}\nf();\n";
    let execution = script(&[("/index.js", source)], "/index.js");
    assert_eq!(execution.outcome, Outcome::Threw);
    assert_eq!(
        without_builtins(&stderr(&execution)),
        "/index.js:3\n\tthrow new TypeError('bad');\n\t^\n\nTypeError: bad\n    at f (/index.js:3:8)\n    at Object.<anonymous> (/index.js:5:1)"
    );
    let error = execution.error.unwrap();
    assert_eq!(
        (error.name.as_deref(), error.message.as_str()),
        (Some("TypeError"), "bad")
    );
    assert!(
        error
            .stack
            .starts_with("TypeError: bad\n    at f (/index.js:3:8)")
    );
}

#[test]
fn an_es_module_is_named_by_its_url() {
    let execution = script(&[("/index.mjs", "\nthrow new Error('bad')")], "/index.mjs");
    assert_eq!(
        without_builtins(&stderr(&execution)),
        "file:///index.mjs:2\nthrow new Error('bad')\n      ^\n\nError: bad\n    at file:///index.mjs:2:7"
    );
}

#[test]
fn a_syntax_error_shows_its_place_once() {
    for entry in ["/index.cjs", "/index.mjs"] {
        let execution = script(&[(entry, "let x = ;")], entry);
        let name = if entry.ends_with("mjs") {
            "file:///index.mjs"
        } else {
            entry
        };
        assert_eq!(
            without_builtins(&stderr(&execution)),
            format!("{name}:1\nlet x = ;\n        ^\n\nSyntaxError: Unexpected token ';'")
        );
    }
}

#[test]
fn a_rejection_that_nobody_handles_is_uncaught() {
    let execution = script(
        &[("/index.js", "Promise.reject(new RangeError('late'))")],
        "/index.js",
    );
    assert_eq!(execution.outcome, Outcome::Threw, "{execution:?}");
    assert_eq!(
        execution.error.as_ref().unwrap().name.as_deref(),
        Some("RangeError")
    );
    assert!(
        stderr(&execution).contains("RangeError: late"),
        "{}",
        stderr(&execution)
    );
}

#[test]
fn uncaught_exceptions_can_be_caught_by_listeners() {
    let source = "process.on('uncaughtException', (e, o) => console.log(e.message, o)); setTimeout(() => console.log('on'), 50);
        process.nextTick(() => console.log('tick')); throw new Error('caught')";
    let execution = script(&[("/index.js", source)], "/index.js");
    assert_eq!(
        stdout(&execution),
        "caught uncaughtException\ntick\non\n",
        "{execution:?}"
    );
    assert_eq!(execution.outcome, Outcome::Returned);
}

#[test]
fn a_top_level_await_that_never_settles_ends_with_13() {
    let source = "console.log(1);\nawait new Promise(() => {});\nconsole.log(2);";
    let execution = script(&[("/index.mjs", source)], "/index.mjs");
    assert_eq!(execution.outcome, Outcome::Exited(13), "{execution:?}");
    assert_eq!(stdout(&execution), "1\n");
    assert_eq!(
        stderr(&execution),
        "Warning: Detected unsettled top-level await at file:///index.mjs:2\nawait new Promise(() => {});\n^\n\n\n"
    );
}

#[test]
fn a_missing_entry_is_a_missing_module() {
    let execution = script(&[("/other.js", "")], "/index.js");
    let error = execution.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("MODULE_NOT_FOUND"));
    assert_eq!(error.message, "Cannot find module '/index.js'");
}

/// The five files of test262's `import-fulfilled-member-of-errored-cycle`: they abort stock Node 24.
#[test]
fn a_member_of_a_failed_cycle_is_never_evaluated_again() {
    let files = [
        ("/index.mjs", "const first = await import('./parent.mjs').catch((e) => e.message); console.log(first);
            for (const name of ['b', 'c', 'a', 'b']) console.log(name, await import(`./${name}.mjs`).then(() => 'fulfilled', (e) => e.message));"),
        ("/parent.mjs", "import './a.mjs';"),
        ("/a.mjs", "import './b.mjs'; import './d.mjs';"),
        ("/b.mjs", "import './c.mjs'; import './a.mjs';"),
        ("/c.mjs", "import './b.mjs'; await 0;"),
        ("/d.mjs", "await 0; await 0; await 0; await 0; throw new Error('failed')"),
    ];
    let execution = script(&files, "/index.mjs");
    assert_eq!(execution.outcome, Outcome::Returned, "{execution:?}");
    assert_eq!(
        stdout(&execution),
        "failed\nb failed\nc failed\na failed\nb failed\n"
    );
}

#[test]
fn a_module_can_import_itself_and_its_ancestors_while_it_evaluates() {
    let files = [
        (
            "/index.mjs",
            "import './child.mjs'; export const x = 1; import('./index.mjs').then((ns) => console.log('self', ns.x));",
        ),
        (
            "/child.mjs",
            "import('./index.mjs').then((ns) => console.log('ancestor', ns.x)); console.log('child');",
        ),
    ];
    let execution = script(&files, "/index.mjs");
    assert_eq!(
        stdout(&execution),
        "child\nancestor 1\nself 1\n",
        "{execution:?}"
    );
}

#[test]
fn imports_work_whatever_the_guest_patched() {
    let files = [
        ("/index.mjs", "import './patch.cjs'; const ns = await import('./more.mjs'); console.log(ns.x, ns.cjs);"),
        ("/patch.cjs", "Promise.prototype.then = () => { throw new Error('then') }; delete Array.prototype[Symbol.iterator];
            Object.prototype.get = 1; Array.prototype.push = null; String.prototype.startsWith = null;"),
        ("/more.mjs", "import c from './c.cjs'; export const x = 1; export const cjs = c.y;"),
        ("/c.cjs", "exports.y = require('./d.cjs')"),
        ("/d.cjs", "module.exports = 2"),
    ];
    let execution = script(&files, "/index.mjs");
    assert_eq!(stdout(&execution), "1 2\n", "{execution:?}");
}

#[test]
fn a_replaced_species_does_not_make_v8_abort() {
    let species = "Object.defineProperty(Promise, Symbol.species, { value: class { constructor() { throw new Error('species') } } });";
    let constructor = "Promise.prototype.constructor = { [Symbol.species]: class { constructor() { throw new Error('species') } } };";
    for patch in [species, constructor] {
        let files = [
            (
                "/index.mjs",
                "import './patch.cjs'; await 0; console.log('same graph');",
            ),
            ("/patch.cjs", patch),
        ];
        let execution = script(&files, "/index.mjs");
        assert!(
            matches!(execution.outcome, Outcome::Returned | Outcome::Threw),
            "{execution:?}"
        );
        let index = format!(
            "{patch} import('./tla.mjs').then(() => console.log('evaluated'), (e) => console.log(e.code));"
        );
        let files = [
            ("/index.js", index.as_str()),
            ("/tla.mjs", "await 1; export default 1"),
        ];
        let execution = script(&files, "/index.js");
        assert!(
            matches!(execution.outcome, Outcome::Returned | Outcome::Threw),
            "{execution:?}"
        );
    }
}

const ECHO: &str = "module.exports = (req, res) => res.status(201).setHeader('X-A', 'b').json({
    method: req.method, url: req.url, path: req.path, body: req.body, query: req.query, params: req.params,
    agent: req.get('User-Agent'), headers: req.headers, ip: req.ip, hostname: req.hostname, protocol: req.protocol })";

#[test]
fn a_handler_sees_every_member_and_answers() {
    let request = json!({
        "method": "POST", "url": "/a/b?x=1&y=2", "body": {"k": [1, 2]}, "params": {"id": "7"},
        "headers": {"User-Agent": "test", "Host": "example.test:8080"}, "ip": "10.0.0.1", "protocol": "https"
    });
    let execution = handler(&[("/index.js", ECHO)], request);
    assert_eq!(execution.outcome, Outcome::Returned, "{execution:?}");
    let response = execution.response.unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(
        response.headers,
        [
            ("x-a".to_owned(), "b".to_owned()),
            (
                "content-type".to_owned(),
                "application/json; charset=utf-8".to_owned()
            )
        ]
    );
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        body,
        json!({
            "method": "POST", "url": "/a/b?x=1&y=2", "path": "/a/b", "body": {"k": [1, 2]},
            "query": {"x": "1", "y": "2"}, "params": {"id": "7"}, "agent": "test",
            "headers": {"user-agent": "test", "host": "example.test:8080"}, "ip": "10.0.0.1",
            "hostname": "example.test", "protocol": "https"
        })
    );
}

#[test]
fn handlers_of_every_kind_answer() {
    let handlers = [
        ("/index.js", "module.exports = (req, res) => res.send('x')"),
        (
            "/index.js",
            "module.exports = async (req, res) => { await 1; res.send('x') }",
        ),
        (
            "/index.js",
            "module.exports = (req, res) => setTimeout(() => res.send('x'), 5)",
        ),
        ("/index.mjs", "export default (req, res) => res.send('x')"),
        (
            "/index.mjs",
            "await 0; export default async function (req, res) { await null; res.send('x') }",
        ),
        (
            "/index.js",
            "export default (req, res) => { res.send('x') }",
        ),
        (
            "/index.js",
            "exports.__esModule = true; exports.default = (req, res) => { res.send('x') }",
        ),
        (
            "/index.js",
            "module.exports = (req, res) => { res.send('x'); setInterval(() => {}, 1000) }",
        ),
    ];
    for (path, source) in handlers {
        let request = Request {
            entry: path.to_owned(),
            mode: Mode::Handler,
            request: Some(json!({})),
            ..Request::default()
        };
        let execution = support::isolate()
            .execute(&package(&[(path, source)]), &request)
            .unwrap();
        assert_eq!(
            execution.outcome,
            Outcome::Returned,
            "{source}: {execution:?}"
        );
        assert_eq!(execution.response.unwrap().body, b"x", "{source}");
    }
}

/// A query is read as `querystring` reads it, in whichever way.
#[test]
fn a_query_is_what_node_makes_of_it() {
    let source = "const { parse } = require('querystring'); const { inspect } = require('util');
        module.exports = (req, res) => {
          const mark = req.url.indexOf('?');
          const theirs = mark === -1 ? {} : { ...parse(req.url.slice(mark + 1)) };
          res.send(inspect(req.query) === inspect(theirs) && Object.getPrototypeOf(req.query) === Object.prototype
            ? 'same' : `${inspect(req.query)} is not ${inspect(theirs)}`);
        };";
    let long = format!("/?{}", "a=1&".repeat(400));
    for url in [
        "/",
        "/?",
        "/?a",
        "/?a=",
        "/?=b",
        "/?=",
        "/?a=1&b=2",
        "/?a==1=2",
        "/?&&a=1&&",
        "/?a=1&a=2",
        "/?a&a&b",
        "/?b=2&1=x&a=3&0=y",
        "/?__proto__=1&a=2",
        "/?constructor=1",
        "/?toString",
        "/?a=%41&b=c+d",
        "/?a=%zz",
        "/?a=1?b=2",
        "/?a=1#c",
        "/?ä=ö",
        "/?a&=b&c=",
        &long,
    ] {
        let execution = handler(&[("/index.js", source)], json!({ "url": url }));
        let response = execution.response.as_ref().unwrap();
        assert_eq!(response.body, b"same", "{url}: {execution:?}");
    }
}

#[test]
fn handlers_that_fail_are_reported_with_what_they_printed() {
    let cases = [
        (
            "module.exports = () => { console.log('log'); throw new TypeError('sync') }",
            "TypeError",
            "sync",
        ),
        (
            "module.exports = async () => { console.log('log'); await 0; throw new RangeError('async') }",
            "RangeError",
            "async",
        ),
        (
            "console.log('log'); module.exports = { not: 'callable' }",
            "TypeError",
            "The default export of '/index.js' must be a function, but it is of type object",
        ),
        (
            "console.log('log'); throw new Error('load')",
            "Error",
            "load",
        ),
        (
            "module.exports = (req, res) => { console.log('log'); res.send('a'); res.send('b') }",
            "Error",
            "Cannot set headers after they are sent to the client",
        ),
        (
            "module.exports = () => { console.log('log'); setTimeout(() => { throw new Error('timer') }, 1) }",
            "Error",
            "timer",
        ),
    ];
    for (source, name, message) in cases {
        let execution = handler(&[("/index.js", source)], json!({}));
        assert_eq!(execution.outcome, Outcome::Threw, "{source}: {execution:?}");
        assert_eq!(stdout(&execution), "log\n", "{source}");
        let error = execution.error.unwrap();
        assert_eq!(
            (error.name.as_deref(), error.message.as_str()),
            (Some(name), message),
            "{source}"
        );
    }
}

#[test]
fn compiled_code_is_kept_per_function_and_version() {
    let cache = Arc::new(CodeCache::new(10));
    let run = |function_id: &str, hash: &str, word: &str| {
        let files = [
            (
                "/index.js",
                format!(
                    "import('./m.mjs').then((m) => console.log(require('./a.js'), m.default)); // {word}"
                ),
            ),
            ("/a.js", format!("module.exports = '{word}'")),
            ("/m.mjs", format!("export default '{word}'")),
        ];
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let package = Package {
            hash: hash.to_owned(),
            function_id: function_id.to_owned(),
            ..package(&files)
        };
        let mut isolate = Isolate::new(Memory::default(), Arc::clone(&cache)).unwrap();
        let execution = isolate.execute(&package, &Request::default()).unwrap();
        drop(isolate);
        assert_eq!(
            stdout(&execution),
            format!("{word} {word}\n"),
            "{execution:?}"
        );
        cache.metrics()
    };
    let first = run("f", "1", "one");
    assert_eq!((first.hits, first.misses, first.size), (0, 3, 3));
    let second = run("f", "1", "one");
    assert_eq!((second.hits, second.misses, second.size), (3, 3, 3));
    let version = run("f", "2", "two");
    assert_eq!((version.hits, version.misses, version.size), (3, 6, 6));
    let tenant = run("g", "1", "one");
    assert_eq!((tenant.hits, tenant.misses, tenant.size), (3, 9, 9));
    let evicted = run("h", "1", "six");
    assert_eq!(
        (evicted.size, evicted.evictions, evicted.rejected),
        (10, 2, 0)
    );
}

#[test]
fn native_addons_are_refused() {
    let source = "try { require('./x.node') } catch (e) { console.log(e.code, e.message, require.resolve('./x')) }";
    let execution = script(&[("/index.js", source), ("/x.node", "ELF")], "/index.js");
    assert_eq!(
        stdout(&execution),
        "ERR_DLOPEN_DISABLED Cannot load native addon because loading addons is disabled. /x.node\n"
    );
}

#[test]
fn no_error_shows_a_path_of_the_host() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("index.js"), "require('./bad')").unwrap();
    std::fs::write(directory.path().join("bad.js"), "null.x").unwrap();
    let tree = adamant_modules::DirectoryTree::open(directory.path()).unwrap();
    let package = Package {
        tree: Arc::new(tree),
        hash: String::new(),
        function_id: "host".to_owned(),
    };
    let execution = support::isolate()
        .execute(&package, &Request::default())
        .unwrap();
    let text = format!("{:?}{}", execution.error, stderr(&execution));
    assert!(
        !text.contains(&*directory.path().to_string_lossy()),
        "{text}"
    );
    assert!(text.contains("/bad.js:1"), "{text}");
}
