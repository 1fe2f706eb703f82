//! Finds the daemon's socket: `DOCKER_HOST`, or the places where Docker and Podman put theirs.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use adamant_core::run::Deadline;

use super::client::Client;

const HINT: &str = "start a daemon (`systemctl start docker`, or `podman system service --time 0 &`), or name its socket: \
                    `DOCKER_HOST=unix:///PATH`";

/// The first socket that answers; the error names each that was tried.
pub(super) fn connect(deadline: &Deadline) -> Result<Client, EngineError> {
    let mut tried = Vec::new();
    for socket in candidates(env::host("DOCKER_HOST"), env::host("XDG_RUNTIME_DIR"))? {
        let reason = match Client::connect(&socket, deadline) {
            Ok(client) => return Ok(client),
            Err(_) if !socket.exists() => "does not exist".to_owned(),
            Err(error) => {
                std::error::Error::source(&error).map_or_else(|| error.to_string(), root_cause)
            }
        };
        tried.push(format!("`{}` {reason}", socket.display()));
    }
    let why = tried.join("; ");
    Err(
        EngineError::new(ErrorKind::Unsupported, "find a container engine")
            .caused_by(why)
            .hint(HINT),
    )
}

/// Whether any of the sockets takes connections; a `DOCKER_HOST` that cannot be used is left to [`connect`] to explain.
pub(super) fn listens() -> bool {
    candidates(env::host("DOCKER_HOST"), env::host("XDG_RUNTIME_DIR")).map_or(true, |sockets| {
        sockets
            .iter()
            .any(|socket| UnixStream::connect(socket).is_ok())
    })
}

/// Client libraries wrap "permission denied" many times over.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(below) = error.source() {
        error = below;
    }
    format!("does not answer: {error}")
}

fn candidates(
    docker_host: Option<String>,
    runtime_dir: Option<String>,
) -> Result<Vec<PathBuf>, EngineError> {
    if let Some(host) = docker_host.filter(|h| !h.is_empty()) {
        return match host.strip_prefix("unix://") {
            Some(path) => Ok(vec![path.into()]),
            None => Err(EngineError::new(
                ErrorKind::Unsupported,
                format!("use the daemon of `DOCKER_HOST={host}`"),
            )
            .caused_by("only daemons on this host are used: another does not see our files")
            .hint(HINT)),
        };
    }
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    if let Some(dir) = runtime_dir
        .filter(|d| d.starts_with('/'))
        .map(PathBuf::from)
    {
        sockets.extend([dir.join("docker.sock"), dir.join("podman/podman.sock")]);
    }
    sockets.push("/run/podman/podman.sock".into());
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_host_decides_alone_and_only_sockets_will_do() {
        let named = candidates(Some("unix:///x/y.sock".into()), Some("/run/user/1".into()))
            .expect("a socket");
        assert_eq!(named, [PathBuf::from("/x/y.sock")]);
        let remote = candidates(Some("tcp://10.0.0.1:2375".into()), None).expect_err("refused");
        assert_eq!(remote.kind(), ErrorKind::Unsupported);
        assert!(remote.to_string().contains("tcp://10.0.0.1:2375"));
        let usual = candidates(None, Some("/run/user/1".into())).expect("sockets");
        assert_eq!(usual.len(), 4);
    }
}
