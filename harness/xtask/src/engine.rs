//! Whether containers can be run on this host, by a daemon or without one.

use crate::failure::Failure;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
const START: &str = "dockerd >/tmp/dockerd.log 2>&1 &";
const PATIENCE: Duration = Duration::from_secs(5);

/// What runs the containers, when it is not a daemon, for a person; an error that says what to do when nothing can.
pub(crate) fn require() -> Result<Option<String>, Failure> {
    let host = docker_host();
    let Err(error) = ping(&host) else {
        return Ok(None);
    };
    let why = format!("no Docker socket answers at `{host}` ({error})");
    if is_root() && has_overlayfs() {
        return Ok(Some(format!(
            "{why}: the embedded engine `oci` runs the containers"
        )));
    }
    Err(Failure::host(format!(
        "{why}, and the embedded engine `oci` takes root and overlayfs"
    ))
    .with_hint(format!(
        "run as root, or start a daemon as root: `{START}`, or set DOCKER_HOST"
    )))
}

/// The owner of what this process makes is the user whom it runs as.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs_err::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

fn has_overlayfs() -> bool {
    let known = fs_err::read_to_string("/proc/filesystems").unwrap_or_default();
    known.lines().any(|line| line.ends_with("\toverlay"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "xtask depends on none of our packages, core's `env.rs` included"
)]
fn docker_host() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    if host.is_empty() {
        DEFAULT_HOST.to_owned()
    } else {
        host
    }
}

fn ping(host: &str) -> std::io::Result<()> {
    if let Some(path) = host.strip_prefix("unix://") {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        greet(stream)
    } else if let Some(address) = host.strip_prefix("tcp://") {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        greet(stream)
    } else {
        Err(std::io::Error::other(
            "only `unix://` and `tcp://` are understood",
        ))
    }
}

fn greet(mut stream: impl Read + Write) -> std::io::Result<()> {
    stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    Read::take(stream, 1024).read_to_string(&mut answer)?;
    match answer.split_ascii_whitespace().nth(1) {
        Some("200") => Ok(()),
        _ => Err(std::io::Error::other(
            "what answers is not a container engine",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_speak_docker_is_no_engine() {
        assert!(ping("ssh://somewhere").is_err());
        assert!(ping("unix:///nowhere/docker.sock").is_err());
    }
}
