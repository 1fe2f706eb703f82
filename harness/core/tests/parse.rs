//! Bad case and subject files: each gets a clear error with its place, and none a panic or a hang.

use std::fmt::Write as _;
use std::path::Path;

use adamant_core::case::{Case, Subject, parse_text, read};

#[test]
fn every_bad_file_is_refused_with_its_place() {
    let mut told = String::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (folder, is_case) in [("case", true), ("subject", false)] {
        let mut files: Vec<_> = std::fs::read_dir(data.join(folder))
            .expect("data")
            .map(|e| e.expect("an entry").path())
            .collect();
        files.sort();
        for path in files {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let name = Path::new(folder).join(path.file_name().expect("a name"));
            let error = if is_case {
                let parsed = parse_text::<Case>(&text, &name).map_err(|e| e.to_string());
                parsed.and_then(|c| c.validate().map_err(|e| format!("{}: {e}", name.display())))
            } else {
                let parsed = parse_text::<Subject>(&text, &name).map_err(|e| e.to_string());
                parsed.and_then(|s| {
                    s.validate().map_err(|e| {
                        format!("{}:{}:{}: {}", name.display(), e.line, e.column, e.value)
                    })
                })
            };
            let error = error.expect_err(&format!("{} must be refused", name.display()));
            writeln!(told, "{error}").expect("a string takes it");
        }
    }
    insta::assert_snapshot!("bad-files", told);
}

#[test]
fn hostile_files_are_refused_quickly() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("x.yaml");
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, of) in [('b', 'a'), ('c', 'b'), ('d', 'c'), ('e', 'd')] {
        writeln!(
            bomb,
            "{name}: &{name} [*{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}]"
        )
        .expect("a string takes it");
    }
    let hostile: [(&str, Vec<u8>); 6] = [
        ("a bomb of aliases", bomb.into_bytes()),
        ("deep nesting", "[".repeat(100_000).into_bytes()),
        (
            "deep mappings",
            (0..5000)
                .map(|i| format!("{}a:\n", " ".repeat(i)))
                .collect::<String>()
                .into_bytes(),
        ),
        ("not UTF-8", vec![b'a', b':', b' ', 0xff, 0xfe]),
        ("50 MB", vec![b'x'; 50 * 1024 * 1024]),
        ("NULs", vec![0; 1000]),
    ];
    for (name, bytes) in hostile {
        std::fs::write(&file, bytes).expect("written");
        let error = read::<Case>(&file).expect_err(name).to_string();
        assert!(error.contains("x.yaml"), "{name}: {error}");
    }
    assert!(read::<Case>(dir.path()).is_err(), "a directory");
    assert!(read::<Case>(&dir.path().join("none")).is_err(), "nothing");
}
