//! Export detection against the lexer inside Node 24: every file of a directory of npm packages, and mutations of them.

mod support;

use std::path::Path;

use adamant_modules::{CjsExports, cjs_exports};
use support::{Oracle, files};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/lexer.cjs");

/// What Node finds in each file; `None` for a file that crashes Node.
fn detect_by_node(oracle: &Oracle, files: &[String]) -> Vec<Option<CjsExports>> {
    let Some(output) = oracle.run(&["--expose-internals", SCRIPT], &files.join("\n")) else {
        if files.len() == 1 {
            return vec![None];
        }
        let (left, right) = files.split_at(files.len() / 2);
        return [detect_by_node(oracle, left), detect_by_node(oracle, right)].concat();
    };
    let parse = |line| {
        let (names, reexports) = serde_json::from_str(line).expect("the oracle prints JSON");
        Some(CjsExports { names, reexports })
    };
    output.lines().map(parse).collect()
}

fn read(path: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("file is readable")).into_owned()
}

/// The files in which we find something else than Node, with the number of names compared.
fn differences(oracle: &Oracle, paths: &[String]) -> (Vec<String>, usize, usize) {
    let mut wrong = Vec::new();
    let (mut names, mut reexports, mut crashes) = (0, 0, 0);
    for part in paths.chunks(1000) {
        let expected = detect_by_node(oracle, part);
        assert_eq!(
            expected.len(),
            part.len(),
            "the oracle answers for each file"
        );
        for (path, expected) in part.iter().zip(expected) {
            let Some(expected) = expected else {
                crashes += 1;
                continue;
            };
            names += expected.names.len();
            reexports += expected.reexports.len();
            if cjs_exports(&read(path)) != expected {
                wrong.push(path.clone());
            }
        }
    }
    // An oracle that always crashes would agree with everything.
    assert!(
        crashes * 50 <= paths.len(),
        "Node crashes on {crashes} of {} files",
        paths.len()
    );
    (wrong, names, reexports)
}

#[test]
#[ignore = "it takes Node 24 and npm packages: ADAMANT_NODE24=NODE ADAMANT_NPM_CORPUS=DIR cargo test -p adamant-modules -- --ignored"]
fn real_packages_offer_the_names_that_node_sees() {
    let oracle = Oracle::find();
    let paths: Vec<String> = files(&oracle.corpus, &["js", "cjs", "mjs"])
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let (wrong, names, reexports) = differences(&oracle, &paths);
    println!(
        "{} files, {names} names, {reexports} re-exports, {} files differ",
        paths.len(),
        wrong.len()
    );
    assert!(names > 0, "the corpus has exports to compare");
    assert!(
        wrong.is_empty(),
        "{} files differ, first: {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

/// Small changes at random places of small files: that is where a lexer loses its way.
#[test]
#[ignore = "it takes Node 24 and npm packages: ADAMANT_NODE24=NODE ADAMANT_NPM_CORPUS=DIR cargo test -p adamant-modules -- --ignored"]
fn mutated_sources_offer_the_names_that_node_sees() {
    let oracle = Oracle::find();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let seeds: Vec<String> = files(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/lexer")
            .as_path(),
        &["js"],
    )
    .iter()
    // Its kind of division crashes Node over and over.
    .filter(|path| !path.ends_with("crash.js"))
    .map(|path| read(&path.display().to_string()))
    .collect();
    assert!(!seeds.is_empty(), "there are seeds");
    let mut paths = Vec::new();
    for number in 0..20_000 {
        let mut source = random.pick(&seeds).clone();
        for _ in 0..=random.below(3) {
            source = random.mutate(&source, &seeds);
        }
        let path = directory.path().join(format!("{number}.js"));
        std::fs::write(&path, source).expect("file is written");
        paths.push(path.display().to_string());
    }
    let (wrong, names, reexports) = differences(&oracle, &paths);
    println!(
        "{} mutants, {names} names, {reexports} re-exports, {} differ",
        paths.len(),
        wrong.len()
    );
    if !wrong.is_empty() {
        let kept = directory.keep();
        panic!(
            "{} mutants differ, kept in {}: {:?}",
            wrong.len(),
            kept.display(),
            &wrong[..wrong.len().min(20)]
        );
    }
}

/// A fixed sequence, so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("a remainder fits")
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn place(&mut self, text: &str) -> usize {
        let mut place = self.below(text.len() + 1);
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        place
    }

    fn span<'a>(&mut self, text: &'a str, longest: usize) -> (usize, &'a str) {
        let start = self.place(text);
        let mut end = (start + 1 + self.below(longest)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        (start, &text[start..end.max(start)])
    }

    fn mutate(&mut self, text: &str, seeds: &[String]) -> String {
        const PIECES: [&str; 44] = [
            "/",
            "/*",
            "*/",
            "//",
            "\n",
            "`",
            "${",
            "}",
            "{",
            "(",
            ")",
            "[",
            "]",
            "'",
            "\"",
            "\\",
            "\r\n",
            "=>",
            ";",
            ",",
            ".",
            "exports.",
            "module.exports = ",
            "require('x')",
            "class ",
            "if (a) ",
            "return ",
            "import ",
            "export ",
            "get ",
            "...",
            "\u{e9}",
            "\\u{1F600}",
            "\\x41",
            "\\uD83C",
            "0",
            "++",
            "typeof ",
            "else ",
            "import.meta",
            "= {",
            ": ",
            "Object.keys(",
            "#!",
        ];
        let (start, span) = self.span(text, 40);
        let end = start + span.len();
        match self.below(5) {
            0 => format!("{}{}", &text[..start], &text[end..]),
            1 => format!("{}{span}{}", &text[..end], &text[end..]),
            2 => {
                let other = self.pick(seeds).clone();
                let (_, piece) = self.span(&other, 120);
                format!("{}{piece}{}", &text[..start], &text[start..])
            }
            _ => {
                let piece = *self.pick(&PIECES);
                format!("{}{piece}{}", &text[..start], &text[start..])
            }
        }
    }
}
