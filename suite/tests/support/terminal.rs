//! A person at a terminal: what they type, and all that they see.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Columns and rows of it.
pub(crate) const SIZE: (u16, u16) = (100, 30);
/// A person who waits longer goes.
const PATIENCE: Duration = Duration::from_secs(240);

/// Runs the command on a terminal of its own, typing each text once what it waits for is on the screen; its exit code, and the screen.
pub(crate) fn person(
    mut command: Command,
    types: &[(&str, &str)],
) -> std::io::Result<(i32, String)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&ours)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let theirs: OwnedFd = ioctl_tiocgptpeer(&ours, flags)?;
    let size = Winsize {
        ws_col: SIZE.0,
        ws_row: SIZE.1,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size)?;
    let mut child = command
        .stdin(Stdio::from(theirs.try_clone()?))
        .stdout(Stdio::from(theirs.try_clone()?))
        .stderr(Stdio::from(theirs))
        .spawn()?;
    // The command keeps the other end open as long as it is kept itself.
    drop(command);
    let (mut screen, mut types) = (String::new(), types.iter());
    let mut next = types.next();
    let began = Instant::now();
    loop {
        if let Some((seen, typed)) = next
            && screen.contains(seen)
        {
            rustix::io::write(&ours, typed.as_bytes())?;
            next = types.next();
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::other(format!(
                "nothing ended; on the screen:\n{screen}"
            )));
        }
        let mut fds = [PollFd::new(&ours, PollFlags::IN)];
        let turn = Timespec::try_from(Duration::from_millis(100)).map_err(std::io::Error::other)?;
        if poll(&mut fds, Some(&turn))? == 0 {
            continue;
        }
        let mut piece = [0; 4096];
        match rustix::io::read(&ours, &mut piece) {
            Ok(count @ 1..) => screen.push_str(&String::from_utf8_lossy(&piece[..count])),
            // Nobody holds the other end any more.
            _ => break,
        }
    }
    let status = child.wait()?;
    Ok((status.code().unwrap_or(-1), screen))
}
