//! Finds a program as a shell does, and tells a program that is missing from one that cannot be executed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

/// Where programs are when the environment does not say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The exit code of a shell for a program that is not there.
const NOT_FOUND: i32 = 127;
/// The exit code of a shell for a program that is there and cannot be executed.
const NOT_EXECUTABLE: i32 = 126;

/// A command that could not be started, for a reason that lies in the command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What a shell would exit with.
    pub(crate) exit: i32,
    /// What a shell would write.
    pub(crate) message: String,
}

impl Refusal {
    fn new(exit: i32, program: &str, why: &str) -> Self {
        let message = format!("adamant-probe: `{program}`: {why}\n");
        Self { exit, message }
    }
}

/// The file to execute for `program`: itself when it has a slash, else the first fit on `PATH`.
pub(crate) fn locate(program: &str) -> Result<PathBuf, Refusal> {
    locate_on(&search_path(), program)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the variable of the container that commands are run in, not a setting of ours"
)]
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| OsString::from(DEFAULT_PATH))
}

fn locate_on(search: &OsStr, program: &str) -> Result<PathBuf, Refusal> {
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    let mut refusal = Refusal::new(NOT_FOUND, program, "not found");
    for dir in std::env::split_paths(search) {
        // An empty part of PATH is the working directory, and a bare name would be searched once more.
        let candidate = Path::new(".").join(dir).join(program);
        if !candidate.is_file() {
            continue;
        }
        if access(&candidate, Access::EXEC_OK).is_ok() {
            return Ok(candidate);
        }
        refusal = Refusal::new(NOT_EXECUTABLE, program, "permission denied");
    }
    Err(refusal)
}

/// The refusal in `error`, which executing `program` gave, unless it is the system that is at its limits.
pub(super) fn refusal(program: &str, error: &io::Error) -> Option<Refusal> {
    let errno = Errno::from_io_error(error)?;
    match errno {
        Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE => None,
        // Also what the system says when it is the interpreter of a script that is missing.
        Errno::NOENT | Errno::NOTDIR => Some(Refusal::new(
            NOT_FOUND,
            program,
            &format!("not found, or its interpreter is not ({error})"),
        )),
        _ => Some(Refusal::new(NOT_EXECUTABLE, program, &error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{NOT_EXECUTABLE, NOT_FOUND, locate_on};

    #[test]
    fn the_first_executable_file_on_the_path_is_taken() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let put = |name: &str, mode: u32| {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
            std::fs::write(&file, "").expect("a file");
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("a mode");
        };
        put("a/plain", 0o644);
        put("b/plain", 0o755);
        put("a/never", 0o644);
        std::fs::create_dir(root.path().join("a/dir")).expect("a directory");
        let search = std::env::join_paths(["a", "b"].map(|dir| root.path().join(dir)));
        let search: OsString = search.expect("a path");

        let found = locate_on(&search, "plain").expect("in b");
        assert_eq!(found, root.path().join("b/plain"));
        let exit = |program| locate_on(&search, program).map_err(|refusal| refusal.exit);
        assert_eq!(exit("never"), Err(NOT_EXECUTABLE));
        assert_eq!(exit("dir"), Err(NOT_FOUND));
        assert_eq!(exit("nothing"), Err(NOT_FOUND));
        assert_eq!(exit(""), Err(NOT_FOUND));
        assert_eq!(exit("./x").as_deref(), Ok(Path::new("./x")));
    }
}
