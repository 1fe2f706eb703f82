//! Where the oracle is: Node 24 and a directory of npm packages, both named by environment variables.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Node 24 and the packages.
pub(crate) struct Oracle {
    pub(crate) node: PathBuf,
    pub(crate) corpus: PathBuf,
}

impl Oracle {
    /// Who asks for the comparison must have what it takes.
    pub(crate) fn find() -> Self {
        let needed = |name: &str| variable(name).expect(name);
        let (node, corpus) = (needed("ADAMANT_NODE24"), needed("ADAMANT_NPM_CORPUS"));
        let oracle = Self { node, corpus };
        let version = oracle.run(&["--version"], "").unwrap_or_default();
        assert!(
            version.starts_with("v24."),
            "the oracle is Node 24, not {version}"
        );
        oracle
    }

    /// What Node prints when it is given this input; `None` if it crashes.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Option<String> {
        let mut child = Command::new(&self.node)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().expect("Node ends");
        // Node may end without reading everything; its exit says whether that matters.
        drop(writer.join());
        output.status.code()?;
        assert!(output.status.success(), "Node failed: {}", output.status);
        Some(String::from_utf8(output.stdout).expect("Node prints UTF-8"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are not part of the program whose variables env.rs lists"
)]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// Every file below a directory whose name has one of the extensions; links are not followed.
pub(crate) fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).expect("directory is readable") {
            let entry = entry.expect("entry is readable");
            let path = entry.path();
            let file_type = entry.file_type().expect("type is known");
            if file_type.is_dir() {
                pending.push(path);
            } else if file_type.is_file()
                && path
                    .extension()
                    .is_some_and(|end| extensions.iter().any(|name| end == *name))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
