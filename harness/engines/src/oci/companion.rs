//! Companion services: a process beside the subject, in a network of its own that only leads to the subject's.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Stream};
use adamant_core::run::Deadline;
use adamant_probe::{Reply, Request, Target};
use adamant_shim::Note;

use super::exec::out_of_time;
use super::shim::{Heard, Shim};
use crate::ask::{Replies, encode, millis};
use crate::embedded::{PROBE, SHIM};

/// A running companion; it ends when this goes.
#[derive(Debug)]
pub(super) struct Companion {
    alias: String,
    port: u16,
    /// Its process on this host.
    pid: i32,
    _shim: Shim,
}

/// What a companion is to be.
#[derive(Debug)]
pub(super) struct Wanted<'w> {
    pub(super) alias: &'w str,
    pub(super) port: u16,
    /// How many the subject has already.
    pub(super) number: u8,
    /// The subject's shim.
    pub(super) shim: u32,
    /// The subject's `/etc/hosts`.
    pub(super) hosts: &'w Path,
}

impl Companion {
    /// Starts it, waits until it answers, and tells the subject its name.
    pub(super) fn start(wanted: &Wanted<'_>, deadline: &Deadline) -> Result<Self, EngineError> {
        let attempt = format!("start the companion `{}`", wanted.alias);
        let probe = PROBE.file()?.display().to_string();
        let order = adamant_shim::Companion {
            shim: wanted.shim,
            number: wanted.number,
            argv: vec![probe, "serve".to_owned(), wanted.port.to_string()],
        };
        let trouble =
            |error: std::io::Error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(error);
        let mut shim = Shim::start(&SHIM.file()?, "companion", &order).map_err(trouble)?;
        let pid = started(&mut shim, &attempt, deadline)?;
        let companion = Self {
            alias: wanted.alias.to_owned(),
            port: wanted.port,
            pid,
            _shim: shim,
        };
        companion.answers(deadline)?;
        // The file itself is mounted: it must be written to, not replaced.
        let line = format!("{}\t{}\n", Ipv4Addr::from(order.address()), wanted.alias);
        let hosts = fs_err::OpenOptions::new().append(true).open(wanted.hosts);
        hosts
            .and_then(|mut hosts| hosts.write_all(line.as_bytes()))
            .map_err(trouble)?;
        Ok(companion)
    }

    fn answers(&self, deadline: &Deadline) -> Result<(), EngineError> {
        let request = Request::Ready {
            target: Target::Http {
                port: self.port,
                path: "/".into(),
                status: 200,
            },
            within_ms: millis(deadline.left().unwrap_or(Duration::ZERO)),
            interval_ms: 20,
        };
        let attempt = format!("reach the companion `{}` on port {}", self.alias, self.port);
        if self
            .probe(&request, &attempt)?
            .contains(&Reply::Ready { ready: true })
        {
            return Ok(());
        }
        Err(EngineError::new(ErrorKind::Engine, attempt).caused_by("it does not answer"))
    }

    /// The addresses from which somebody connected, in order of arrival.
    pub(super) fn peers(&self, deadline: &Deadline) -> Result<Vec<String>, EngineError> {
        let request = Request::Http {
            port: self.port,
            path: "/".into(),
            timeout_ms: millis(deadline.left().unwrap_or(Duration::ZERO)),
        };
        let attempt = format!("ask the companion `{}` who connected", self.alias);
        let body = self
            .probe(&request, &attempt)?
            .into_iter()
            .find_map(|reply| match reply {
                Reply::Http(http) if http.status == Some(200) => Some(http.body),
                _ => None,
            });
        let body = body.ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, attempt).caused_by("it does not answer")
        })?;
        Ok(body.lines().map(str::to_owned).collect())
    }

    /// Runs the probe beside the service, on the same loopback; the request itself says how long it may take.
    fn probe(&self, request: &Request, attempt: &str) -> Result<Vec<Reply>, EngineError> {
        let output = std::process::Command::new(SHIM.file()?)
            .args(["beside", &self.pid.to_string()])
            .arg(PROBE.file()?)
            .arg(encode(request))
            .env_clear()
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error))?;
        let mut replies = Replies::default();
        let _ = replies.take(Stream::Stdout, &output.stdout);
        let _ = replies.take(Stream::Stderr, &output.stderr);
        replies.finish(attempt)
    }
}

fn started(shim: &mut Shim, attempt: &str, deadline: &Deadline) -> Result<i32, EngineError> {
    let engine = |why: String| EngineError::new(ErrorKind::Engine, attempt).caused_by(why);
    while !shim.is_gone() {
        let Some(slice) = deadline.slice() else {
            return Err(out_of_time(attempt, deadline));
        };
        for heard in shim
            .hear(slice)
            .map_err(|error| engine(error.to_string()))?
        {
            match heard {
                Heard::Note(Note::Started { pid }) => return Ok(pid),
                Heard::Note(Note::Failed { chain }) => return Err(engine(chain.join(": "))),
                _ => {}
            }
        }
    }
    Err(engine("its parent process has ended".to_owned()))
}
