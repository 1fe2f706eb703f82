//! Unit tests: what the boot reaches, what a line is blamed for, and texts that want to break the walk.

use std::{collections::BTreeMap, time::Instant};

use super::{File, Lint, boot_chain, script};

fn smells(text: &str) -> Vec<(u32, &'static str)> {
    script("/s.sh", text.as_bytes())
        .smells
        .iter()
        .map(|smell| (smell.line, smell.rule))
        .collect()
}

fn boot(argv: &[&str], image: &[(&str, &str)]) -> Lint {
    let image: BTreeMap<&str, &str> = image.iter().copied().collect();
    let files = |path: &str| {
        let text = image.get(path)?.as_bytes().to_vec();
        Some(File {
            text,
            path: path.to_owned(),
            executable: !path.ends_with(".data"),
        })
    };
    let argv: Vec<String> = argv.iter().map(|&arg| arg.to_owned()).collect();
    boot_chain(&argv, &files, "/usr/local/bin:/usr/bin")
}

fn places(lint: &Lint) -> Vec<(String, &'static str)> {
    lint.smells
        .iter()
        .map(|smell| (format!("{}:{}", smell.file, smell.line), smell.rule))
        .collect()
}

#[test]
fn a_boot_is_followed_through_exec_source_path_and_name() {
    let lint = boot(
        &["/sbin/tini", "--", "/entrypoint.sh"],
        &[
            (
                "/entrypoint.sh",
                "#!/bin/bash\nset -e\n. /opt/lib.sh\nsetup\n/opt/x/stage-b.sh || exit 1\nexec start-app\n",
            ),
            (
                "/opt/lib.sh",
                "setup() {\n  npm ci\n}\nunused() {\n  npm ci\n}\n",
            ),
            (
                "/opt/x/stage-b.sh",
                "#!/bin/sh\ncd \"$(dirname \"$0\")\" && . ./stage-c.sh\n",
            ),
            ("/opt/x/stage-c.sh", "pip install flask\n"),
            (
                "/usr/bin/start-app",
                "#!/usr/bin/env bash\nyarn install || true\nexec node /app/server.js\n",
            ),
            ("/usr/bin/node", "\u{7f}ELF"),
            ("/app/server.js", "npm install"),
        ],
    );
    assert_eq!(
        places(&lint),
        [
            ("/opt/lib.sh:2".to_owned(), "install/npm"),
            ("/opt/x/stage-c.sh:1".to_owned(), "install/pip"),
            ("/usr/bin/start-app:2".to_owned(), "install/yarn"),
            ("/usr/bin/start-app:2".to_owned(), "swallow/or-true"),
        ]
    );
    let chains: Vec<_> = lint
        .smells
        .iter()
        .map(|smell| smell.reached_by.join(", "))
        .collect();
    assert_eq!(chains[0], "/entrypoint.sh:4 → setup()");
    assert_eq!(
        chains[1],
        "/entrypoint.sh:5 → /opt/x/stage-b.sh, /opt/x/stage-b.sh:2 → /opt/x/stage-c.sh"
    );
    assert_eq!(chains[2], "/entrypoint.sh:6 → /usr/bin/start-app");
    assert_eq!(
        lint.read,
        [
            "/entrypoint.sh",
            "/opt/lib.sh",
            "/opt/x/stage-b.sh",
            "/opt/x/stage-c.sh",
            "/usr/bin/start-app"
        ]
    );
    let not = |what: &str, why: &str| (what.to_owned(), why.to_owned());
    assert_eq!(
        lint.not_followed,
        [
            not("/usr/bin/node", "an ELF binary"),
            not("/app/server.js", "a program for `node`")
        ]
    );
    assert_eq!(lint.unparsed, []);
}

#[test]
fn the_command_of_an_image_is_what_its_entrypoint_execs() {
    let entry = (
        "/entry.sh",
        "#!/bin/sh\nif [ \"${1#-}\" != \"$1\" ]; then set -- serve \"$@\"; fi\nexec \"$@\"\n",
    );
    let lint = boot(
        &["/entry.sh", "/run.sh"],
        &[entry, ("/run.sh", "#!/bin/sh\nnpm install\n")],
    );
    assert_eq!(places(&lint), [("/run.sh:2".to_owned(), "install/npm")]);
    let lint = boot(&["/entry.sh", "npm", "install"], &[entry]);
    assert_eq!(places(&lint), [("argv:1".to_owned(), "install/npm")]);
    assert_eq!(lint.smells[0].text, "/entry.sh npm install");
    let lint = boot(&["/bin/sh", "-c", "cd /app && npm install && node ."], &[]);
    assert_eq!(places(&lint), [("argv:1".to_owned(), "install/npm")]);
}

#[test]
fn what_is_not_a_shell_script_is_named() {
    let lint = boot(
        &["/entry.sh"],
        &[
            (
                "/entry.sh",
                "#!/bin/sh\n/opt/a.py\n. /opt/missing.sh\nsh \"$UNKNOWN/x.sh\"\ntool\nls\nexec /opt/b\n",
            ),
            ("/opt/a.py", "#!/usr/bin/env python3\nimport os\n"),
            ("/usr/bin/tool", "#!/usr/bin/perl\n"),
            ("/usr/bin/ls", "\u{7f}ELF"),
            ("/opt/b", "\0\0\0"),
        ],
    );
    let not: Vec<_> = lint
        .not_followed
        .iter()
        .map(|(what, why)| format!("{what}: {why}"))
        .collect();
    assert_eq!(
        not,
        [
            "/opt/a.py: a script for `python3`",
            "/opt/missing.sh: it is not in the image",
            "…/x.sh: its path is only known at run time",
            "/usr/bin/tool: a script for `perl`",
            "/opt/b: a binary file",
        ]
    );
}

#[test]
fn scripts_that_include_one_another_end() {
    let lint = boot(
        &["/a.sh"],
        &[
            ("/a.sh", "#!/bin/sh\n. /b.sh\n/a.sh again\n"),
            ("/b.sh", ". /a.sh\n/a.sh\nnpm ci\n"),
        ],
    );
    assert_eq!(places(&lint), [("/b.sh:3".to_owned(), "install/npm")]);
    assert_eq!(lint.unparsed, []);
}

#[test]
fn exported_variables_reach_the_next_script() {
    let lint = boot(
        &["/a.sh"],
        &[
            (
                "/a.sh",
                "#!/bin/sh\nexport PM=npm PATH=/opt/bin:$PATH\nOTHER=npm\nstage\n",
            ),
            ("/opt/bin/stage", "#!/bin/sh\n$PM install\n$OTHER install\n"),
        ],
    );
    assert_eq!(
        places(&lint),
        [("/opt/bin/stage:2".to_owned(), "install/npm")]
    );
}

#[test]
fn the_directory_of_the_script_is_understood() {
    let entry = "#!/bin/bash\nHERE=\"$(cd \"$(dirname \"${BASH_SOURCE[0]}\")\" && pwd)\"\nsource \"$HERE/lib.sh\"\n. \"${0%/*}/more.sh\"\n";
    let lint = boot(
        &["/opt/app/entry.sh"],
        &[
            ("/opt/app/entry.sh", entry),
            ("/opt/app/lib.sh", "npm ci\n"),
            ("/opt/app/more.sh", "yarn\n"),
        ],
    );
    assert_eq!(
        places(&lint),
        [
            ("/opt/app/lib.sh:1".to_owned(), "install/npm"),
            ("/opt/app/more.sh:1".to_owned(), "install/yarn")
        ]
    );
}

#[test]
fn a_script_the_boot_writes_and_runs_is_read_where_it_stands() {
    let text = "cat > /tmp/a.sh <<'EOF'\nnpm install\nEOF\ncat > /tmp/b.sh <<'EOF'\nnpm install\nEOF\nsh /tmp/a.sh\n";
    assert_eq!(smells(text), [(2, "install/npm")]);
    assert_eq!(
        smells("cat <<EOF | sh\nnpm install\nEOF\n"),
        [(2, "install/npm")]
    );
    assert_eq!(smells("echo 'npm install' | sh\n"), [(1, "install/npm")]);
}

#[test]
fn dead_code_is_not_a_smell() {
    assert_eq!(smells("f() { npm i; }\ng() { f; }\nls\n"), []);
    assert_eq!(smells("exit 0\nnpm i\n"), []);
    assert_eq!(smells("if x; then exit 1; else exec y; fi\nnpm i\n"), []);
    assert_eq!(
        smells("if x; then exit 1; fi\nnpm i\n"),
        [(2, "install/npm")]
    );
    assert_eq!(
        smells("f() { return; npm i; }\nf\nnpm ci\n"),
        [(3, "install/npm")]
    );
    assert_eq!(smells("npm() { :; }\nnpm install\n"), []);
    assert_eq!(
        smells("f() { npm i; }\ntrap f EXIT\nexec node .\n"),
        [(1, "install/npm")]
    );
}

#[test]
fn a_variable_means_what_was_assigned_before() {
    assert_eq!(smells("PM=npm\nPM=echo\n$PM install\n"), []);
    assert_eq!(
        smells("PM=echo\nif x; then PM=npm; fi\n$PM install\n"),
        [(3, "install/npm")]
    );
    assert_eq!(
        smells("case $1 in a) PM=npm;; *) PM=pnpm;; esac\n$PM install\n").len(),
        1
    );
    assert_eq!(smells("(PM=npm)\n$PM install\n"), []);
    assert_eq!(smells("f() { local PM=npm; }\nf\n$PM install\n"), []);
    assert_eq!(
        smells("CMD='npm install'\n$CMD --omit=dev\n"),
        [(2, "install/npm")]
    );
    assert_eq!(
        smells("A=(npm)\nA+=(install)\n\"${A[@]}\"\n"),
        [(3, "install/npm")]
    );
    assert_eq!(smells("PM=n\nPM+=pm\n$PM install\n"), [(3, "install/npm")]);
    assert_eq!(smells("\"n\"'p'\\m install\n"), [(1, "install/npm")]);
    assert_eq!(smells("$UNKNOWN install\n"), []);
}

#[test]
fn the_line_is_that_of_the_simple_command() {
    let lint = script(
        "/s.sh",
        b"cd /x &&\n  npm \\\n    install \\\n    foo || true\n",
    );
    let lines: Vec<_> = lint
        .smells
        .iter()
        .map(|smell| (smell.line, smell.end_line, smell.text.as_str()))
        .collect();
    assert_eq!(
        lines,
        [(2, 4, "npm install foo"), (2, 4, "npm install foo")]
    );
    assert_eq!(
        smells("bash -c '\nset -e\nnpm install\n'\n"),
        [(3, "install/npm")]
    );
    assert_eq!(
        smells("bash -c \"\n  cd $X\n  npm install\n\"\n"),
        [(3, "install/npm")]
    );
    assert_eq!(
        smells("CODE='\n\n\nnpm install'\neval \"$CODE\"\n"),
        [(5, "install/npm")]
    );
    assert_eq!(
        smells("run() {\n  \"$@\"\n}\nrun npm i\nrun yarn\n"),
        [(4, "install/npm"), (5, "install/yarn")]
    );
}

#[test]
fn a_swallowed_failure_is_its_own_smell() {
    let swallowed = [
        ("npm i || true\n", "swallow/or-true"),
        ("npm i || /bin/true\n", "swallow/or-true"),
        ("npm i 2>&1 | tee log || :\n", "swallow/or-colon"),
        ("(cd x && npm i) || echo failed\n", "swallow/or-echo"),
        ("npm i || { echo failed >&2; }\n", "swallow/or-echo"),
        ("f() { npm i; }; f || true\n", "swallow/or-true"),
        ("X=$(npm i) || true\n", "swallow/or-true"),
        ("sh -c 'npm i || true'\n", "swallow/or-true"),
    ];
    for (text, rule) in swallowed {
        assert_eq!(smells(text), [(1, "install/npm"), (1, rule)], "{text}");
    }
    let handled = [
        "npm i\n",
        "npm i || exit 1\n",
        "npm i || { echo failed; exit 1; }\n",
        "npm i || echo failed && exit 1\n",
        "npm i && true\n",
        "die() { echo \"$1\"; exit 1; }; npm i || die failed\n",
        "{ npm i || exit 1; } || true\n",
    ];
    for text in handled {
        assert_eq!(smells(text), [(1, "install/npm")], "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_listed_and_the_rest_is_still_judged() {
    let lint = script("/s.sh", b"npm ci\nif x; then\n  yarn\n");
    assert_eq!(lint.smells.len(), 2);
    assert!(!lint.unparsed.is_empty());
    for text in [
        "cat <<EOF\nnpm i\n",
        "echo \"open\n",
        "a ) b\n",
        "x }\n}\n",
        "coproc\n}\n",
    ] {
        assert!(
            !script("/s.sh", text.as_bytes()).unparsed.is_empty(),
            "{text}"
        );
    }
    let lint = script("/s.sh", b"sh -c 'if x'\n");
    assert_eq!(lint.unparsed.len(), 1);
    assert_eq!(lint.unparsed[0].line, 1);
}

#[test]
fn odd_bytes_are_read() {
    assert_eq!(
        smells("#!/bin/sh\r\nnpm \\\r\n  install\r\nyarn\r\n"),
        [(2, "install/npm"), (4, "install/yarn")]
    );
    assert_eq!(
        script("/s.sh", b"echo '\xff\xfe\x00'\nnpm i # \xc3\n")
            .smells
            .len(),
        1
    );
    assert_eq!(script("/s.sh", b"\xef\xbb\xbfnpm i\n").smells.len(), 1);
    assert_eq!(smells(""), []);
}

#[test]
fn what_the_grammar_misreads_is_mended() {
    for text in [
        "for x do npm i; done\n",
        "for x\ndo\n  npm i\ndone\n",
        "for x; do npm i; done\n",
    ] {
        let lint = script("/s.sh", text.as_bytes());
        assert_eq!(lint.smells.len(), 1, "{text}");
        assert_eq!(lint.unparsed, [], "{text}");
    }
    assert_eq!(
        smells("a b\n\\npm i\nx=1\n\\npm ci\n"),
        [(2, "install/npm"), (4, "install/npm")]
    );
    assert_eq!(smells("sh <<EOF\n\\npm i\nEOF\n"), [(2, "install/npm")]);
    assert_eq!(smells("npm>log install\n"), [(1, "install/npm")]);
    assert_eq!(smells("npm 'in's\\tall\n"), [(1, "install/npm")]);
}

#[test]
fn coprocesses_and_heredocs_are_seen() {
    assert_eq!(
        smells("coproc X { npm i; }\ncoproc { yarn; }\ncoproc pip install x\n").len(),
        3
    );
    assert_eq!(
        smells("coproc X (npm i)\ncoproc while x; do yarn; done\n").len(),
        2
    );
    assert_eq!(
        smells("cat <<EOF\n\\$(npm i)\na `yarn` b\nEOF\n"),
        [(3, "install/yarn")]
    );
    assert_eq!(
        smells("cat <<EOF\n$(\n  npm i\n)\nEOF\n"),
        [(3, "install/npm")]
    );
    assert_eq!(smells("cat <<'EOF'\n$(npm i)\nEOF\n"), []);
    assert_eq!(
        smells("x && sh <<EOF || true && y\nnpm i\nEOF\n"),
        [
            (1, "swallow/or-true"),
            (2, "install/npm"),
            (2, "swallow/or-true")
        ]
    );
}

/// Texts that grow without bound somewhere; each must end soon, on a small stack, and not be a silent pass.
#[test]
fn hostile_texts_end() {
    let n = 100_000;
    let texts = [
        ("(".repeat(n), false),
        ("( ".repeat(n / 5) + "npm i" + &" )".repeat(n / 5), false),
        ("$(".repeat(n / 4) + "npm i" + &")".repeat(n / 4), false),
        ("\"$(".repeat(n / 5) + "npm i" + &")\"".repeat(n / 5), false),
        ("{ ".repeat(n / 2), false),
        ("if a; then ".repeat(n / 11), false),
        ("! ".repeat(n / 2) + "npm i", true),
        ("a && ".repeat(n / 5) + "npm i", true),
        ("a | ".repeat(n / 4) + "npm i", true),
        ("npm i ".to_owned() + &"a$b".repeat(n / 3), true),
        ("npm i ".to_owned() + &"a ".repeat(n / 2), true),
        ("npm i; x=1\n".repeat(n / 11), true),
        ("${".repeat(n / 2), false),
        ("[[ a && ".repeat(n / 8), false),
        (format!("(( {}1 ))\nnpm i\n", "1+".repeat(n / 2)), true),
        ("`".repeat(n) + "\nnpm i\n", true),
        ("cat <<E\n`npm i` $(npm i)\nE\n".repeat(n / 26), true),
        ("cat <<E\n".repeat(n / 8), false),
        ("f() { f; g; }; g() { f; g; }\nf\nnpm i\n".to_owned(), true),
        (
            "X='eval \"$X\"; eval \"$X\"'\neval \"$X\"\nnpm i\n".to_owned(),
            true,
        ),
        (
            (0..200).fold(String::new(), |all, i| {
                format!("{all}f{i}() {{ f{0}; f{0}; }}\n", i + 1)
            }) + "f0\n",
            false,
        ),
        (
            (0..40).fold(String::new(), |all, i| {
                format!("{all}[ $a ] && v{i}=$v{i}x || v{i}=y\n")
            }) + "npm i\n",
            true,
        ),
        (
            (0..64).fold("PM=a".to_owned(), |all, i| {
                format!("{all}\nx && PM=$PM$PM{i}")
            }) + "\nnpm i\n",
            true,
        ),
    ];
    for (position, (text, finds)) in texts.into_iter().enumerate() {
        let begin = Instant::now();
        let lint = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || script("/s.sh", text.as_bytes()))
            .unwrap()
            .join()
            .unwrap();
        assert!(
            begin.elapsed().as_secs() < 30,
            "text {position} took {:?}",
            begin.elapsed()
        );
        assert_eq!(!lint.smells.is_empty(), finds, "text {position}");
        assert!(
            finds || !lint.unparsed.is_empty(),
            "text {position} is a silent pass"
        );
    }
}

/// Plain bash that the first parser's grammar does not read.
const ONLY_THE_SECOND: [&str; 6] = [
    "f() for x in a; do npm i; done\nf\n",
    "set +o pipefail\nps aux | grep app | wc -l\nnpm i\n",
    "VALUE=${:-}\nnpm i\n",
    "if usermod -l app old 2>&1 | grep -q \"no changes\"; then\n  npm i\nfi\n",
    "x=$((10#$a + 1))\nnpm i\n",
    "_log \"a ${X:+(b: ${Y})}\"\nnpm i\n",
];

/// What the first parser reads and the second refuses, or reads as text.
const ONLY_THE_FIRST: [&str; 2] = [
    "select x in a b; do\n  npm i\n  break\ndone\n",
    "for ((;;)) do\n npm i\ndone\n",
];

#[test]
fn what_one_parser_misses_the_other_sees() {
    for text in ONLY_THE_SECOND {
        let lint = script("/s.sh", text.as_bytes());
        assert_eq!(lint.smells.len(), 1, "{text}");
        assert_eq!(lint.smells[0].text, "npm i", "{text}");
        assert_eq!(lint.unparsed, [], "{text}");
    }
    for text in ONLY_THE_FIRST {
        let lint = script("/s.sh", text.as_bytes());
        assert_eq!(lint.smells.len(), 1, "{text}");
        assert_eq!(lint.unparsed, [], "{text}");
    }
}

/// The commands of a text: the line and the words that are literal.
fn commands(block: &super::syntax::Block, out: &mut Vec<(u32, Vec<String>)>) {
    use super::syntax::Stmt;
    fn stmt(one: &Stmt, out: &mut Vec<(u32, Vec<String>)>) {
        match one {
            Stmt::Command(command) => {
                let words = command
                    .words
                    .iter()
                    .filter_map(|word| Some(word.as_literal()?.into_owned()));
                out.push((command.span.line, words.collect()));
            }
            Stmt::AndOr(first, rest) => {
                stmt(first, out);
                rest.iter().for_each(|(_, next)| stmt(next, out));
            }
            Stmt::Pipeline(all) => all.iter().for_each(|next| stmt(next, out)),
            Stmt::Not(inner) | Stmt::Redirected(inner, _) => stmt(inner, out),
            Stmt::Function { body, .. } => stmt(body, out),
            Stmt::Group(block) | Stmt::Subshell(block) => commands(block, out),
            Stmt::If { arms, otherwise } => {
                for (head, body) in arms {
                    commands(head, out);
                    commands(body, out);
                }
                otherwise.iter().for_each(|block| commands(block, out));
            }
            Stmt::Loop { head, body } => {
                commands(head, out);
                commands(body, out);
            }
            Stmt::For { body, .. } => commands(body, out),
            Stmt::Case { arms, .. } => arms.iter().for_each(|block| commands(block, out)),
            Stmt::Assign(_) | Stmt::Arithmetic(_) => {}
        }
    }
    block.iter().for_each(|item| stmt(&item.stmt, out));
}

/// The two parsers over every script of this repository: their differences are known by name.
#[test]
fn the_parsers_agree_on_the_corpus_but_for_what_is_known() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts");
    let (mut read, mut refused, mut differ) = (0, Vec::new(), Vec::new());
    let mut dirs: Vec<_> = fs_err::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    dirs.sort();
    for dir in dirs {
        for name in ["bad.sh", "good.sh"] {
            let path = dir.join(name);
            let Ok(text) = fs_err::read_to_string(&path) else {
                continue;
            };
            let which = format!("{}/{name}", dir.file_name().unwrap().to_string_lossy());
            let first = super::parse::first(&text, 1, 0);
            let Some(second) = super::second::parse(&text, 1, 0) else {
                refused.push(which);
                continue;
            };
            read += 1;
            let (mut a, mut b) = (Vec::new(), Vec::new());
            commands(&first.block, &mut a);
            commands(&second, &mut b);
            if a != b {
                let at = a.iter().zip(&b).find(|(a, b)| a != b);
                differ.push((which, format!("{at:?}, {} and {}", a.len(), b.len())));
            }
        }
    }
    assert!(read > 90, "only {read} scripts were read by both");
    let known_refused: [&str; 0] = [];
    let known_different = ["swallow-pipeline/good.sh"];
    assert_eq!(refused, known_refused);
    let names: Vec<&str> = differ.iter().map(|(which, _)| which.as_str()).collect();
    assert_eq!(names, known_different, "{differ:#?}");
}

#[test]
fn execline_chains_are_read() {
    let text = "#!/command/execlineb -P\nwith-contenv\nforeground { npm install }\nif { s6-setuidgid app pip install x }\ncd /app\nimportas -u X X\ns6-setuidgid app\nnode server.js\n";
    assert_eq!(smells(text), [(3, "install/npm"), (4, "install/pip")]);
    let text = "#!/usr/bin/execlineb -P\nbackground { sleep 1 }\nifelse { test -f /x } { apk add curl }\nsh -c \"npm ci\"\n";
    assert_eq!(smells(text), [(3, "install/apk"), (4, "install/npm")]);
    let text = "#!/usr/bin/execlineb -P\necho \"npm install\"\n";
    assert_eq!(smells(text), []);
    let lint = script("/s", b"#!/bin/execlineb\nforeground { npm i\n");
    assert_eq!(lint.unparsed.len(), 1);
}

#[test]
fn functions_that_nothing_calls_are_dead_unless_they_may_be_called() {
    assert_eq!(smells("f() { npm i; }\n"), [(1, "install/npm")]);
    assert_eq!(
        smells("set -e\nX=1\nf() { npm i; }\n"),
        [(3, "install/npm")]
    );
    assert_eq!(smells("f() { npm i; }\necho started\n"), []);
    assert_eq!(
        smells("f_a() { npm i; }\ng() { yarn; }\n\"f_$1\"\n"),
        [(1, "install/npm")]
    );
    assert_eq!(smells("f() { npm i; }\nexec \"$@\"\n"), []);
    assert_eq!(smells("f() { npm i; }\n\"$@\"\n"), [(1, "install/npm")]);
    assert_eq!(
        smells("if false; then npm i; fi\nif true; then yarn; else npm i; fi\n"),
        [(2, "install/yarn")]
    );
}

#[test]
fn commands_are_seen_behind_what_only_the_run_knows() {
    for text in [
        "$SUDO npm ci\n",
        "retry 5 npm ci\n",
        "run_cmd npm ci\n",
        "\"$APP_NPM\" ci\n",
        "${NPM_BIN} ci\n",
        "numactl -N 0 npm ci\n",
    ] {
        assert_eq!(smells(text), [(1, "install/npm")], "{text}");
    }
    for text in ["$NAME ci\n", "$dc exec web npm ci\n", "note npm ci\n"] {
        assert_eq!(smells(text), [], "{text}");
    }
}

#[test]
fn a_job_that_the_script_stops_is_a_helper() {
    let job = "node setup-wizard.js &\nwizard=$!\nsleep 9\n";
    assert_eq!(smells(job), [(1, "swallow/background")]);
    assert_eq!(smells(&format!("{job}kill \"$wizard\" || true\n")), []);
    assert_eq!(
        smells(&format!("{job}kill \"$other\" || true\n")),
        [(1, "swallow/background")]
    );
}

#[test]
fn a_shebang_may_wrap_its_shell() {
    for line in [
        "#!/usr/bin/dumb-init /bin/bash",
        "#!/command/with-contenv bash",
        "#!/usr/bin/with-contenv bashio",
        "#!/usr/bin/env -S tini -- sh",
        "#!/bin/false",
    ] {
        assert_eq!(
            super::not_shell(format!("{line}\nnpm i\n").as_bytes()),
            None,
            "{line}"
        );
    }
    assert_eq!(
        super::not_shell(b"#!/usr/bin/env -S uv run\n").as_deref(),
        Some("a script for `uv`")
    );
}
