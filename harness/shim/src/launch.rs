//! The last moments before a process of a container is the subject's program: user, privileges, seccomp, signals, `execve`.

use std::ffi::CString;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;

use adamant_probe::capability::bits;

use crate::kernel;
use crate::seccomp::Profile;
use crate::spec::Process;
use crate::trouble::{Trouble, while_doing};

/// What the process says first: the program could not be executed, or something before that failed.
const REFUSED: u8 = b'r';
const FAILED: u8 = b'f';
/// Ends a process that could not become the program; nobody sees the code but us.
const NOT_FOUND: i32 = 127;
/// More of a list of users is an attack.
const USERS_MOST: u64 = 4 << 20;

/// How the launch came out, once the process has told or has become the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Running,
    /// The program cannot be executed, with this error number.
    Refused(i32),
}

/// Becomes the program, in the container's own root; what it cannot do it tells, and ends.
pub(crate) fn become_program(process: &Process, mut told: PipeWriter) -> ! {
    let refused = match prepare(process, &told) {
        Ok(env) => execute(&process.args, env),
        Err(trouble) => fail(&trouble, told),
    };
    let mut words = [REFUSED, 0, 0, 0, 0];
    words[1..].copy_from_slice(&refused.raw_os_error().unwrap_or(libc::EIO).to_le_bytes());
    let _ = told.write_all(&words);
    kernel::leave(NOT_FOUND)
}

/// Says why there will be no program, and ends.
pub(crate) fn fail(trouble: &Trouble, mut told: PipeWriter) -> ! {
    let mut words = vec![FAILED];
    words.extend(serde_json::to_vec(&trouble.chain()).unwrap_or_default());
    let _ = told.write_all(&words);
    kernel::leave(NOT_FOUND)
}

/// Everything but the program itself; answers its environment.
fn prepare(process: &Process, told: &PipeWriter) -> Result<Vec<String>, Trouble> {
    // What leads out of the container is closed before a path of the image is followed.
    kernel::close_others(told.as_raw_fd())
        .map_err(while_doing("close what is not the container's"))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    kernel::reset_signals();
    let _ = rustix::process::setsid();
    if process.terminal {
        rustix::stdio::dup2_stdin(std::io::stdout())
            .and_then(|()| rustix::process::ioctl_tiocsctty(std::io::stdin()))
            .map_err(while_doing("take the terminal"))?;
    }
    let cwd = &process.cwd;
    rustix::process::chdir(cwd.as_str())
        .map_err(while_doing(format!("enter `{cwd}` in the container")))?;
    let mut env = process.env.clone();
    if !env.iter().any(|pair| pair.starts_with("HOME=")) {
        env.push(format!("HOME={}", home(process.user.uid)));
    }
    let may = bits(process.capabilities.bounding.iter().map(String::as_str));
    let profile = Profile::new(may)?;
    let install = || {
        let doing = while_doing("install the seccomp profile in the container's process");
        profile.install().map_err(doing)
    };
    let user = &process.user;
    let become_user = || {
        kernel::become_user(user.uid, user.gid, &user.additional_gids, may).map_err(while_doing(
            format!("become the user {}:{}", user.uid, user.gid),
        ))
    };
    // Without `no_new_privs` the kernel takes a profile from somebody with privileges only.
    if process.no_new_privileges {
        become_user()?;
        kernel::no_new_privileges().map_err(while_doing("give up new privileges"))?;
        install()?;
    } else {
        install()?;
        become_user()?;
    }
    // After the last change of user, which would undo it.
    kernel::end_with_parent();
    Ok(env)
}

/// Where a user is at home, by the image's list of users.
fn home(uid: u32) -> String {
    let mut list = String::new();
    let read =
        File::open("/etc/passwd").and_then(|file| file.take(USERS_MOST).read_to_string(&mut list));
    let found = read.ok().and_then(|_| home_in(&list, uid));
    found.unwrap_or_else(|| "/".to_owned())
}

fn home_in(list: &str, uid: u32) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        let number: u32 = fields.next()?.parse().ok()?;
        (number == uid).then(|| fields.nth(2).unwrap_or_default().to_owned())
    })
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

/// Waits until the process is the program, or has told why not.
pub(crate) fn outcome(mut reader: PipeReader) -> Result<Outcome, Trouble> {
    const HEAR: &str = "hear from the container's process";
    let mut told = Vec::new();
    reader.read_to_end(&mut told).map_err(while_doing(HEAR))?;
    match told.split_first() {
        None => Ok(Outcome::Running),
        Some((&REFUSED, number)) => {
            let number = number.try_into().map_or(libc::EIO, i32::from_le_bytes);
            Ok(Outcome::Refused(number))
        }
        Some((_, chain)) => {
            let chain: Vec<String> = serde_json::from_slice(chain).map_err(while_doing(HEAR))?;
            Err(Trouble::new(
                "set the container's process up",
                chain.join(": "),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_at_home_where_the_image_says() {
        let list = "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1000::/home/app:/bin/sh\n";
        assert_eq!(home_in(list, 1000).as_deref(), Some("/home/app"));
        assert_eq!(home_in(list, 0).as_deref(), Some("/root"));
        assert_eq!(home_in(list, 7), None);
    }

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
