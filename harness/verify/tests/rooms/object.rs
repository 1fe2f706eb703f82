//! Small ELF files, made by the compiler driver that links the tests themselves.

use std::path::PathBuf;
use std::process::Command;

/// A place to build in.
pub(crate) struct Workshop(tempfile::TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file beside the sources, such as a version script; an argument names it.
    pub(crate) fn note(&self, name: &str, text: &str) -> String {
        fs_err::write(self.path(name), text).expect("written");
        self.path(name).display().to_string()
    }

    /// The file `name`, linked from C with these arguments and nothing else.
    pub(crate) fn link(&self, name: &str, source: &str, args: &[&str]) -> Vec<u8> {
        let text = self.note(&format!("{name}.c"), source);
        let done = Command::new("cc")
            .args(["-w", "-nostdlib", "-fno-stack-protector", "-fPIC", "-o"])
            .arg(self.path(name))
            .arg(text)
            .args(args)
            .output()
            .expect("cc starts: it links the tests, too");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}");
        fs_err::read(self.path(name)).expect("reads")
    }
}
