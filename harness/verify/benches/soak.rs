//! `cargo xtask soak verify`: images of broken manifests, packages, lock files, scripts and ELF files; no panic, no hang.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use adamant_verify::Room;
use support::{Draft, told};

/// The longest that one image may take, however broken it is.
const BOUND: Duration = Duration::from_secs(20);

const MANIFEST: &str =
    "[tools]\ncodex = true\nweb.enabled = true\n[tools.deep]\nx = [1, { y = true }]\n";
const MANIFEST_YAML: &str = "tools: &t\n  codex: true\n  web: { enabled: true }\n  deep: { x: [1, { y: true }] }\nabout: |\n  a\nother: *t\n";
const MANIFEST_JSON: &str = r#"{ "tools": { "codex": true, "web": { "enabled": true }, "deep": { "x": [1, { "y": true }] } } }"#;
const PACKAGE: &str = r##"{"name":"a","type":"module","main":"./i.js","exports":{".":{"import":"./i.js","require":["./c.cjs"]},"./*":"./x/*.js"},"imports":{"#x":"./i.js"},"scripts":{"start":"node i.js && echo"},"dependencies":{"b":"1"}}"##;
const LOCK: &str = r#"{"lockfileVersion":3,"packages":{"":{},"node_modules/b":{"version":"1.0.0","os":["!linux"]},"node_modules/b/node_modules/c":{"version":"2.0.0","link":true,"resolved":"../x"}},"dependencies":{"b":{"version":"1","dependencies":{"c":{}}}}}"#;
const PNPM: &str = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      b: { specifier: 1, version: 1.0.0(x@1) }\n";
const YARN: &str = "# yarn lockfile v1\n\n\"b@^1.0.0\", b@1:\n  version \"1.0.0\"\n  dependencies:\n    \"@c/d\" \"~2.0.0\"\n  optionalDependencies:\n    e \"*\"\n\n\"@c/d@~2.0.0\":\n  version \"2.0.1\"\n";
const BERRY: &str = "__metadata:\n  version: 8\n\n\"b@npm:1, b@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n  dependencies:\n    c: \"npm:^1\"\n  dependenciesMeta:\n    c:\n      optional: true\n  conditions: (os=linux | os=darwin) & cpu=x64\n  linkType: hard\n";
const BUN: &str = r#"{ "lockfileVersion": 1, "workspaces": { "": { "name": "a", "dependencies": { "b": "1" }, }, "packages/p": { "name": "p" } }, "packages": { "b": ["b@1.0.0", "", { "dependencies": { "c": "1" }, "os": ["linux"] }, "sha512-x"], "b/c": ["c@2.0.0", "", {}, ""], "p": ["p@workspace:packages/p"], } }"#;
const JAVASCRIPT: &str = "import a, { b as c } from 'b';\nexport * from './i.js';\nexport { default } from 'b';\nconst x = require('b'); try { require('d') } catch {}\n// node_modules/pino/x.js\nvar y = __commonJS({ \"node_modules/sharp/i.js\"(e) {} });\nclass A { static async *[Symbol.iterator]() { yield* import('z').catch(() => `${x?.y ?? 1}`) } }\n";
const SHELL: &str = "#!/bin/sh\nset -e\ncd /app\nfor i in a b; do [ -x \"$i\" ] && \"$i\"; done\nexec node --import tsx \"$@\" i.js\n";
const SUPERVISOR: &str = "[supervisord]\n[include]\nfiles = *.conf\n[program:x]\ncommand = node /app/i.js %(ENV_X)s\n  --more ; no\ndirectory=/app\n";
const BROWSERS: &str = r#"{"browsers":[{"name":"chromium","revision":"1"}]}"#;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)
    };
    let number = |name: &str| value(name)?.parse::<u64>().ok();
    let only = value("--only").map_or("", String::as_str);
    let seconds = number("--seconds").unwrap_or(if words.iter().any(|w| w == "--bench") {
        30
    } else {
        1
    });
    let seed = number("--seed").unwrap_or(20_261_121);
    let own = std::fs::read(std::env::current_exe().expect("a path")).expect("reads");
    // A whole test binary is mostly code: its tables stand at the beginning and at the end.
    let mut elf = own[..own.len().min(200_000)].to_vec();
    elf.extend_from_slice(&own[own.len().saturating_sub(100_000)..]);
    let mut random = Random(seed | 1);
    let (mut images, mut findings, mut slowest) = (0_u64, 0_usize, Duration::ZERO);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        let began = Instant::now();
        let (draft, broken) = draft(&mut random, &elf, &own, only);
        let manifest = if broken.starts_with("/m.") {
            broken
        } else {
            "/m.toml"
        };
        let report = draft.judge(
            &format!("manifest: image:{manifest}\nartifacts: [{{ id: codex, command: [codex], when: tools.codex }}, {{ id: web, path: /app/i.js, when: tools.web }}]\n"),
            &Room::ALL,
        );
        slowest = slowest.max(began.elapsed());
        assert!(
            began.elapsed() < BOUND,
            "image {images} of seed {seed} took {:?}",
            began.elapsed()
        );
        findings += told(&report).len();
        images += 1;
    }
    assert!(images > 0 && findings > 0, "nothing was judged");
    #[expect(clippy::print_stdout, reason = "the summary of a soak is its output")]
    {
        println!(
            "seed {seed}: {images} images in {} s, broken in a file of `*{only}*`, {findings} findings, slowest {} ms, no panic",
            start.elapsed().as_secs(),
            slowest.as_millis()
        );
    }
}

/// An image in which one of the files, of those whose path holds `only`, is broken, the others being as they should; and which.
fn draft(random: &mut Random, elf: &[u8], own: &[u8], only: &str) -> (Draft, &'static str) {
    // The runtime is a real ELF file, or nearly.
    let runtime = &own[..own.len().min(400_000)];
    let files: [(&'static str, u32, &[u8]); 19] = [
        ("/m.toml", 0o644, MANIFEST.as_bytes()),
        ("/m.yaml", 0o644, MANIFEST_YAML.as_bytes()),
        ("/m.json", 0o644, MANIFEST_JSON.as_bytes()),
        ("/app/package.json", 0o644, PACKAGE.as_bytes()),
        ("/app/package-lock.json", 0o644, LOCK.as_bytes()),
        ("/app/pnpm-lock.yaml", 0o644, PNPM.as_bytes()),
        ("/yarn/yarn.lock", 0o644, YARN.as_bytes()),
        ("/berry/yarn.lock", 0o644, BERRY.as_bytes()),
        ("/bun/bun.lock", 0o644, BUN.as_bytes()),
        ("/app/i.js", 0o644, JAVASCRIPT.as_bytes()),
        ("/app/node_modules/b/package.json", 0o644, PACKAGE.as_bytes()),
        ("/app/node_modules/b/i.js", 0o644, JAVASCRIPT.as_bytes()),
        ("/start.sh", 0o755, SHELL.as_bytes()),
        ("/etc/supervisord.conf", 0o644, SUPERVISOR.as_bytes()),
        ("/app/node_modules/playwright-core/browsers.json", 0o644, BROWSERS.as_bytes()),
        ("/app/node_modules/b/build/Release/b.node", 0o644, elf),
        ("/etc/ld.so.cache", 0o644, b"glibc-ld.so.cache1.1\x01\0\0\0\x08\0\0\0aaaaaaaaaaaaaaaaaaaaaaaa\0\0\0\0\x48\0\0\0\x48\0\0\0aaaaaaaaaaaalib.so\0"),
        ("/usr/local/bin/supervisord", 0o755, elf),
        ("/usr/local/bin/node", 0o755, runtime),
    ];
    let of_these: Vec<usize> = (0..files.len())
        .filter(|&index| files[index].0.contains(only))
        .collect();
    assert!(!of_these.is_empty(), "no file's path holds `{only}`");
    let chosen = of_these[random.below(of_these.len())];
    let mut draft = Draft::new(
        &["/start.sh", "x"],
        &[
            "PATH=/usr/local/bin:/bin",
            "PLAYWRIGHT_BROWSERS_PATH=/ms",
            "NODE_OPTIONS=-r /x.js",
        ],
    )
    .healthcheck(&[
        "CMD-SHELL",
        "curl -f x || exit 1; supervisord -c /etc/supervisord.conf",
    ])
    .text("/ms/chromium-2/x", "")
    .text("/yarn/package.json", PACKAGE)
    .text("/yarn/node_modules/b/package.json", PACKAGE)
    .text("/berry/package.json", PACKAGE)
    .text("/berry/node_modules/b/package.json", PACKAGE)
    .text("/bun/node_modules/b/package.json", PACKAGE)
    .link("/app/node_modules/loop", "../node_modules/loop")
    .file("/bin/sh", 0o755, "x");
    for (index, (path, mode, bytes)) in files.into_iter().enumerate() {
        let broken = index == chosen;
        let bytes = if broken {
            random.broken(bytes)
        } else {
            bytes.to_vec()
        };
        draft = draft.file(path, mode, bytes);
    }
    (draft, files[chosen].0)
}

/// A xorshift generator: the same seed, the same images.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// The bytes with some of them changed, cut, doubled or taken from elsewhere.
    fn broken(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(12) {
            let at = self.below(bytes.len().max(1));
            let length = self.below(64).min(bytes.len() - at.min(bytes.len()));
            match self.below(7) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] = self.next().to_le_bytes()[0],
                2 => {
                    let part = bytes[at.min(bytes.len())..(at + length).min(bytes.len())].to_vec();
                    bytes.splice(at..at, part.repeat(1 + self.below(40)));
                }
                3 => drop(bytes.drain(at.min(bytes.len())..(at + length).min(bytes.len()))),
                4 => {
                    let open = [
                        b"[".as_slice(),
                        b"{",
                        b"(",
                        b"\"",
                        b"/*",
                        b"`${",
                        b"!",
                        b"a=>",
                        b"\xff",
                        b"{\"a\":",
                    ];
                    let part = open[self.below(open.len())].repeat(1 + self.below(3_000));
                    bytes.splice(at..at, part);
                }
                5 if at + 8 <= bytes.len() => {
                    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
                }
                // The headers of an ELF file are where its sizes are.
                _ if bytes.len() > 64 => {
                    let at = self.below(64);
                    bytes[at] = self.next().to_le_bytes()[0];
                }
                _ => {}
            }
        }
        bytes
    }
}
