//! The last moments before a container's process is the subject's program: seccomp, privileges, signals, then `execve`.

use std::ffi::CString;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};

use crate::kernel;
use crate::seccomp::Profile;
use crate::trouble::{Trouble, while_doing};

/// What the process says before an error number: the program could not be executed, or was not tried.
const REFUSED: u8 = b'r';
const UNPREPARED: u8 = b'u';
/// Ends a process that could not become the program; nobody sees the code but us.
const NOT_FOUND: i32 = 127;

/// Becomes the program of a specification.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// Installed last; every call after it must be one that it allows.
    profile: Rc<Profile>,
    /// Capabilities that are only there so that the profile can be installed.
    lent: u64,
    /// Closed by a successful `execve`; what comes out of it else is why there was none.
    told: Rc<PipeWriter>,
}

/// How the launch came out, once the process has told or has become the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Running,
    /// The program cannot be executed, with this error number.
    Refused(i32),
}

impl Launch {
    pub(crate) fn new(profile: Profile, lent: u64) -> Result<(Self, PipeReader), Trouble> {
        let (reader, writer) = std::io::pipe().map_err(while_doing("make a pipe"))?;
        let launch = Self {
            profile: Rc::new(profile),
            lent,
            told: Rc::new(writer),
        };
        Ok((launch, reader))
    }

    fn become_program(&self, spec: &Spec) -> (u8, std::io::Error) {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        kernel::reset_signals();
        let prepared = self.profile.install().and_then(|()| match self.lent {
            0 => Ok(()),
            lent => kernel::give_up(lent),
        });
        if let Err(error) = prepared {
            return (UNPREPARED, error);
        }
        // After the last change of user, which would undo it.
        kernel::end_with_parent();
        let process = spec.process().as_ref();
        let words = process.and_then(|p| p.args().clone()).unwrap_or_default();
        let mut env = process.and_then(|p| p.env().clone()).unwrap_or_default();
        // The runtime library looks the home directory up.
        if !env.iter().any(|pair| pair.starts_with("HOME=")) {
            let home = std::env::vars_os().find(|(name, _)| name == "HOME");
            env.extend(home.map(|(_, value)| format!("HOME={}", value.to_string_lossy())));
        }
        (REFUSED, execute(&words, env))
    }
}

fn execute(words: &[String], env: Vec<String>) -> std::io::Error {
    let invalid = || std::io::Error::from_raw_os_error(libc::EINVAL);
    let Some(name) = words.first() else {
        return invalid();
    };
    let path = match locate(name, &env) {
        Ok(path) => path,
        Err(error) => return error,
    };
    let c = |words: &[String]| -> Option<Vec<CString>> {
        let words = words.iter().map(|word| CString::new(word.as_bytes()).ok());
        words.collect()
    };
    match (CString::new(path), c(words), c(&env)) {
        (Ok(path), Some(words), Some(env)) => kernel::execute(&path, &words, &env),
        _ => invalid(),
    }
}

/// The file that a name means on `PATH`; a name with a slash is a path already.
fn locate(name: &str, env: &[String]) -> std::io::Result<String> {
    if name.contains('/') {
        return Ok(name.to_owned());
    }
    let path = env.iter().find_map(|pair| pair.strip_prefix("PATH="));
    let mut refusal = libc::ENOENT;
    for dir in path
        .unwrap_or_default()
        .split(':')
        .filter(|dir| !dir.is_empty())
    {
        let file = format!("{dir}/{name}");
        match std::fs::metadata(&file) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                return Ok(file);
            }
            Ok(_) => refusal = libc::EACCES,
            Err(_) => {}
        }
    }
    Err(std::io::Error::from_raw_os_error(refusal))
}

impl Executor for Launch {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let (kind, error) = self.become_program(spec);
        let mut told = [kind, 0, 0, 0, 0];
        told[1..].copy_from_slice(&error.raw_os_error().unwrap_or(libc::EIO).to_le_bytes());
        let _ = (&*self.told).write_all(&told);
        // The runtime library would go on as if it were the parent.
        std::process::exit(NOT_FOUND)
    }

    /// Nothing: whether the program can be executed shows when it is, as the user that executes it.
    fn validate(&self, _spec: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }
}

/// Waits until the process is the program, or has told why not.
pub(crate) fn outcome(launch: Launch, mut reader: PipeReader) -> Result<Outcome, Trouble> {
    drop(launch);
    let mut told = Vec::new();
    reader
        .read_to_end(&mut told)
        .map_err(while_doing("hear from the container's process"))?;
    match told.split_first() {
        None => Ok(Outcome::Running),
        Some((kind, number)) => {
            let number = number.try_into().map_or(libc::EIO, i32::from_le_bytes);
            if *kind == REFUSED {
                return Ok(Outcome::Refused(number));
            }
            Err(Trouble::new(
                "install the seccomp profile in the container's process",
                std::io::Error::from_raw_os_error(number),
            ))
        }
    }
}

/// A text as a file that libraries take by name, without leaving one on disk.
pub(crate) fn in_memory(name: &str, text: &str) -> Result<File, Trouble> {
    let doing = format!("keep `{name}` in memory");
    let file = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)
        .map_err(while_doing(&doing))?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())
        .map_err(while_doing(doing))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_on_the_subjects_path() {
        let dir = std::env::temp_dir();
        let path = |path: &str| vec![format!("PATH={path}")];
        assert_eq!(locate("/x/y", &[]).expect("a path"), "/x/y");
        assert_eq!(
            locate("sh", &path("/nowhere:/bin")).expect("found"),
            "/bin/sh"
        );
        let error = locate("sh", &path("/nowhere")).expect_err("not there");
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let name = dir.file_name().and_then(|n| n.to_str()).expect("a name");
        let parent = dir.parent().and_then(|p| p.to_str()).expect("a parent");
        let error = locate(name, &path(&format!("{parent}/"))).expect_err("a directory");
        assert_eq!(error.raw_os_error(), Some(libc::EACCES));
    }
}
