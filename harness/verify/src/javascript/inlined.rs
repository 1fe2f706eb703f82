//! Packages that do not survive being inlined into a bundle: native ones, and those that hook into loading.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Packages that load a native addon.
const NATIVE: [&str; 24] = [
    "argon2",
    "bcrypt",
    "better-sqlite3",
    "bindings",
    "bufferutil",
    "canvas",
    "cpu-features",
    "fsevents",
    "isolated-vm",
    "keytar",
    "leveldown",
    "node-gyp-build",
    "node-hid",
    "node-pty",
    "node-rdkafka",
    "re2",
    "robotjs",
    "serialport",
    "sharp",
    "sodium-native",
    "sqlite3",
    "usb",
    "utf-8-validate",
    "zeromq",
];
/// Packages that hook `require` and `import`, or start workers from files of their own.
const HOOKED: [&str; 12] = [
    "@datadog/native-metrics",
    "applicationinsights",
    "dd-trace",
    "elastic-apm-node",
    "import-in-the-middle",
    "newrelic",
    "pino",
    "pino-pretty",
    "require-in-the-middle",
    "sonic-boom",
    "thread-stream",
    "piscina",
];
const HOOKED_SCOPES: [&str; 2] = ["@sentry/", "@opentelemetry/"];
/// Parts of those scopes that are plain code: types, constants and browsers.
const PLAIN: [&str; 6] = [
    "@opentelemetry/semantic-conventions",
    "@sentry/browser",
    "@sentry/react",
    "@sentry/types",
    "@sentry/vue",
    "@sentry/svelte",
];

/// What is wrong with inlining a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    Native,
    Hooked,
}

pub(crate) fn harm(package: &str, natives: &BTreeSet<String>) -> Option<Harm> {
    if NATIVE.contains(&package) || natives.contains(package) {
        return Some(Harm::Native);
    }
    let scoped =
        HOOKED_SCOPES.iter().any(|scope| package.starts_with(scope)) && !PLAIN.contains(&package);
    (scoped || HOOKED.contains(&package)).then_some(Harm::Hooked)
}

/// The packages whose files a bundle was made of, each with the line where it shows; a source map tells of minified ones.
pub(crate) fn packages(text: &str, map: Option<&str>) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        for at in memchr::memmem::find_iter(line.as_bytes(), b"node_modules/") {
            let (before, rest) = (&line[..at], &line[at + "node_modules/".len()..]);
            let comment = before.trim_start().starts_with("// ")
                && !before.trim_start()[3..].contains(' ')
                || before.trim_start().starts_with("/***/");
            if !(comment || is_key(before, rest)) {
                continue;
            }
            if let Some(name) = package_of(rest) {
                found.entry(name).or_insert(number);
            }
        }
    }
    let map: Option<Value> = map.and_then(|map| serde_json::from_str(map).ok());
    let sources = map.as_ref().and_then(|map| map.get("sources")?.as_array());
    for source in sources.into_iter().flatten().filter_map(Value::as_str) {
        if let Some(at) = source.rfind("node_modules/")
            && let Some(name) = package_of(&source[at + "node_modules/".len()..])
        {
            found.entry(name).or_insert(1);
        }
    }
    found
}

/// `"node_modules/x/y.js"(exports` and `"./node_modules/x/y.js": function`: how bundlers keep the modules of CommonJS.
fn is_key(before: &str, rest: &str) -> bool {
    let Some(open) = before.rfind(['"', '\'']) else {
        return false;
    };
    let path = &before[open + 1..];
    let quote = before.as_bytes()[open];
    let Some(close) = rest.bytes().position(|byte| byte == quote) else {
        return false;
    };
    let after = rest[close + 1..].trim_start();
    let prefix = path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'-' | b'_' | b'@' | b'+'));
    prefix && !rest[..close].contains(' ') && (after.starts_with('(') || after.starts_with(':'))
}

/// The name at the beginning of a path below `node_modules`; the stores of pnpm and bun lead to another one.
fn package_of(rest: &str) -> Option<String> {
    let mut rest = rest;
    if rest.starts_with(".pnpm/") || rest.starts_with(".bun/") {
        let at = rest.find("/node_modules/")?;
        rest = &rest[at + "/node_modules/".len()..];
    }
    let mut parts = rest.split('/');
    let first = parts.next()?;
    let name = if first.starts_with('@') {
        format!("{first}/{}", parts.next()?)
    } else {
        first.to_owned()
    };
    parts.next()?;
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@' | b'/' | b'~')
    };
    (!name.starts_with('.') && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bundlers_leave_of_a_package_is_read() {
        let esbuild = "// node_modules/pino/lib/a.js\nvar x = __commonJS({\n  \"node_modules/.pnpm/@s+p@1/node_modules/@s/p/i.js\"(exports) {}\n});\nconst s = 'see node_modules/other/x';\n// we read node_modules/third/x here\n";
        let found = packages(
            esbuild,
            Some(r#"{"sources":["../node_modules/isolated-vm/isolated-vm.js","../src/a.ts"]}"#),
        );
        let names: Vec<(&str, u32)> = found.iter().map(|(n, l)| (n.as_str(), *l)).collect();
        assert_eq!(names, [("@s/p", 3), ("isolated-vm", 1), ("pino", 1)]);
        let webpack = "/***/ \"./node_modules/sharp/lib/x.js\":\n";
        assert_eq!(packages(webpack, None).len(), 1);
    }

    #[test]
    fn native_and_hooked_are_told_apart() {
        let own = BTreeSet::from(["mine".to_owned()]);
        assert_eq!(harm("isolated-vm", &own), Some(Harm::Native));
        assert_eq!(harm("mine", &own), Some(Harm::Native));
        assert_eq!(harm("@sentry/node", &own), Some(Harm::Hooked));
        assert_eq!(harm("@sentry/types", &own), None);
        assert_eq!(harm("lodash", &own), None);
    }
}
