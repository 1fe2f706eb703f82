//! `adamant-probe launch`: gives away its own listener, proves that it is seen, and becomes the subject.

use std::ffi::{CString, OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adamant_probe::{CONTROL_ADDRESS, TRACE_SOCKET};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, connect, socket};
use rustix::thread::set_no_new_privs;

use super::{filter, hand, kernel, origin};
use crate::inside::program;

/// The exit code when the subject was not started because it would not be seen.
const UNSEEN: u8 = 125;
/// The exit code of a shell for a program that is there and cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
/// The exit code of a shell for a program that is not there.
const NOT_FOUND: u8 = 127;

/// What is launched, and how.
#[derive(Debug, PartialEq, Eq)]
struct Plan<'a> {
    /// The supervisor's socket.
    socket: &'a OsStr,
    /// The path of the write that proves that writes are seen; with it goes a connect.
    control: Option<&'a OsStr>,
    /// Whether files that are opened for reading are told too.
    reads: bool,
    /// Whether the time of day begins in 1970.
    epoch: bool,
    /// The program and its arguments.
    words: &'a [OsString],
}

impl<'a> Plan<'a> {
    fn read(mut arguments: &'a [OsString]) -> Option<Self> {
        let (mut socket, mut control): (_, Option<&OsStr>) = (OsStr::new(TRACE_SOCKET), None);
        let (mut reads, mut epoch) = (false, false);
        loop {
            match arguments {
                [dashes, words @ ..] if dashes == "--" && !words.is_empty() => {
                    return Some(Self {
                        socket,
                        control,
                        reads,
                        epoch,
                        words,
                    });
                }
                [name, rest @ ..] if name == "--reads" => (reads, arguments) = (true, rest),
                [name, rest @ ..] if name == "--epoch" => (epoch, arguments) = (true, rest),
                [name, value, rest @ ..] if name == "--control-write" => {
                    (control, arguments) = (Some(value.as_os_str()), rest);
                }
                [name, value, rest @ ..] if name == "--socket" => {
                    (socket, arguments) = (value.as_os_str(), rest);
                }
                _ => return None,
            }
        }
    }
}

/// Becomes the program of `arguments`, or ends.
pub(crate) fn launch(arguments: &[OsString]) -> ! {
    kernel::end(try_to_launch(arguments))
}

/// The exit code when it cannot.
fn try_to_launch(arguments: &[OsString]) -> u8 {
    let Some(plan) = Plan::read(arguments) else {
        return refuse(
            "usage: adamant-probe launch [--control-write PATH] [--socket PATH] [--reads] [--epoch] -- PROGRAM ARGS…",
        );
    };
    let mut stream = match attach(&plan) {
        Ok(stream) => stream,
        Err(message) => return refuse(&message),
    };
    // Without what must appear in the trace, nobody takes this end for the subject's own.
    if plan.epoch && !is_1970() {
        return refuse("the clock does not begin in 1970; the subject was not started");
    }
    if let Some(path) = plan.control {
        prove(path);
    }
    let errno = become_subject(plan.words);
    // When the supervisor is gone, the exit code is all that is left to say.
    let _ = stream.write_all(&errno.raw_os_error().to_le_bytes());
    match errno {
        Errno::NOENT | Errno::NOTDIR => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    }
}

fn refuse(message: &str) -> u8 {
    let _ = writeln!(io::stderr(), "adamant-probe: {message}");
    UNSEEN
}

/// Makes this process seen; the stream stays open until it has become the subject.
fn attach(plan: &Plan<'_>) -> Result<UnixStream, String> {
    let socket = plan.socket;
    let to = |doing: &str| {
        let doing = doing.to_owned();
        move |error: io::Error| format!("failed to {doing}: {error}; the subject was not started")
    };
    let path = socket.to_string_lossy();
    let mut stream =
        UnixStream::connect(socket).map_err(to(&format!("reach the supervisor at `{path}`")))?;
    let ours = stream.try_clone().map_err(to("share the socket"))?;
    let (give, given) = mpsc::channel::<OwnedFd>();
    // The filter binds the thread that installs it. Its first call would be the one that hands over the listener, and
    // would wait for itself; so another thread makes it, which ends when this one becomes the subject at the latest.
    let hand = std::thread::Builder::new()
        .spawn(move || match given.recv() {
            Ok(listener) => hand::offer(&ours, listener),
            Err(_not_installed) => Ok(()),
        })
        .map_err(to("start a thread"))?;
    set_no_new_privs(true).map_err(|errno| to("give up new privileges")(errno.into()))?;
    let listener = kernel::install(&mut filter::program(plan.reads, plan.epoch))
        .map_err(to("install the seccomp filter"))?;
    let lost = |_gone| to("hand over the listener")(io::Error::other("the thread has ended"));
    give.send(listener).map_err(lost)?;
    hand.join()
        .unwrap_or_else(|_panic| Err(io::Error::other("the thread has ended")))
        .map_err(to("hand over the listener"))?;
    let mut byte = [0];
    stream
        .read_exact(&mut byte)
        .map_err(to("hear from the supervisor"))?;
    if byte != [hand::ACKNOWLEDGED] {
        return Err(to("understand the supervisor")(io::Error::other(
            "not an acknowledgement",
        )));
    }
    Ok(stream)
}

/// Whether this process is told another time, without a call and by one.
fn is_1970() -> bool {
    // One of the calls by which the supervisor hears of a program that begins.
    let _ = rustix::thread::sched_getaffinity(None);
    let without = SystemTime::now().duration_since(UNIX_EPOCH);
    let [without, called] = [without.ok(), kernel::time_of_day()];
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    [without, called]
        .iter()
        .all(|told| told.is_some_and(|told| told < year))
}

/// Does what must appear in the trace; that both fail is as good as that they succeed.
fn prove(path: &OsStr) {
    // Connecting a datagram socket sends nothing.
    if let (Ok(socket), Ok(address)) = (
        socket(AddressFamily::INET, SocketType::DGRAM, None),
        CONTROL_ADDRESS.parse::<SocketAddr>(),
    ) {
        let _ = connect(&socket, &address);
    }
    let _ = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
}

/// Returns only what kept it from becoming the program.
fn become_subject(words: &[OsString]) -> Errno {
    let Some(name) = words.first() else {
        return Errno::NOENT;
    };
    let path = match program::locate(&name.to_string_lossy()) {
        // Of a name with a slash the bytes matter, which a lossy text may not have.
        Ok(_) if name.as_bytes().contains(&b'/') => name.as_os_str().to_owned(),
        Ok(path) => path.into_os_string(),
        Err(refusal) if refusal.exit == i32::from(NOT_EXECUTABLE) => return Errno::ACCESS,
        Err(_) => return Errno::NOENT,
    };
    let text = |word: &OsStr| CString::new(word.as_bytes());
    let (Ok(path), Ok(words)) = (
        text(&path),
        words
            .iter()
            .map(|word| text(word))
            .collect::<Result<Vec<_>, _>>(),
    ) else {
        return Errno::INVAL;
    };
    origin::restore();
    kernel::execute(&path, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<(String, Option<String>, usize)> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let text = |word: &OsStr| word.to_string_lossy().into_owned();
        Plan::read(&words).map(|p| (text(p.socket), p.control.map(text), p.words.len()))
    }

    #[test]
    fn options_stand_before_the_dashes_only() {
        let socket = TRACE_SOCKET.to_owned();
        assert_eq!(read(&["--", "sh"]), Some((socket.clone(), None, 1)));
        let words = ["--control-write", "/opt/x", "--", "sh", "--", "--socket"];
        assert_eq!(
            read(&words),
            Some((socket.clone(), Some("/opt/x".into()), 3))
        );
        assert_eq!(read(&["--reads", "--", "sh"]), Some((socket, None, 1)));
        for wrong in [
            &[][..],
            &["--"],
            &["sh"],
            &["--control-write", "--"],
            &["--x", "y", "--", "sh"],
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
