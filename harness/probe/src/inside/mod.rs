//! Answers a request from inside the container: one file for each question.

pub(crate) mod clock;
mod command;
mod connect;
mod converse;
mod entry;
mod group;
mod http;
mod listen;
mod mcp;
mod mount;
pub(crate) mod out;
mod port;
mod process;
pub(crate) mod program;
mod ready;
mod response;
pub(crate) mod serve;
mod stand_in;
mod tree;
mod write;

use std::io;

use adamant_probe::{Command, Reply, Request, Target};

use self::out::Out;

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The argument is not a request that this probe knows.
    #[error("the request could not be read: {0}")]
    Read(#[from] serde_json::Error),
    /// The request asks for something that cannot be meant.
    #[error("{0}")]
    Ask(String),
    /// The system refused something that the answer needs.
    #[error("failed to {doing}: {why}")]
    System {
        /// What was tried, after "failed to".
        doing: String,
        /// What the system said.
        why: io::Error,
    },
    /// A file of `/proc` does not have the form that `proc(5)` describes.
    #[error("`{file}` has no readable {what}")]
    Form {
        /// The file.
        file: String,
        /// What was looked for in it.
        what: &'static str,
    },
    /// Nobody reads the answer.
    #[error("failed to write the answer: {0}")]
    Say(io::Error),
}

impl ProbeError {
    /// What the system refused, and while doing what.
    fn system(doing: impl Into<String>, why: impl Into<io::Error>) -> Self {
        let (doing, why) = (doing.into(), why.into());
        Self::System { doing, why }
    }
}

/// Answers the request in `json`, line by line, down to the last line.
pub(crate) fn answer(json: &str, out: &mut Out<'_>) -> Result<(), ProbeError> {
    let request: Request = serde_json::from_str(json)?;
    check(&request)?;
    dispatch(&request, out)?;
    out.say(&Reply::Done)
}

fn dispatch(request: &Request, out: &mut Out<'_>) -> Result<(), ProbeError> {
    match request {
        Request::Ready {
            target,
            within_ms,
            interval_ms,
        } => ready::wait(target, *within_ms, *interval_ms, out),
        Request::Http {
            port,
            path,
            timeout_ms,
        } => out.say(&Reply::Http(http::get(
            *port,
            path,
            clock::Deadline::after_ms(*timeout_ms),
        ))),
        Request::Converse {
            port,
            calls,
            timeout_ms,
        } => converse::hold(*port, calls, clock::Deadline::after_ms(*timeout_ms), out),
        Request::StandIn(wanted) => stand_in::stand_in(wanted, out),
        Request::Commands { commands } => commands
            .iter()
            .try_for_each(|command| out.say(&Reply::Command(command::run(command)?))),
        Request::Mcp { command } => out.say(&Reply::Command(mcp::initialize(command)?)),
        Request::Tree { roots, hash } => roots
            .iter()
            .try_for_each(|root| tree::walk(root, *hash, out)),
        Request::Stat { paths, hash } => paths
            .iter()
            .try_for_each(|path| out.say(&entry::stat(path, *hash)?)),
        Request::TryWrite { dirs } => dirs
            .iter()
            .try_for_each(|dir| out.say(&write::attempt(dir)?)),
        Request::Processes => process::list(out),
        Request::Mounts => mount::list(out),
        Request::Ports => port::list(out),
    }
}

/// Refuses what cannot be meant before anything is done, so that no answer is half an answer.
fn check(request: &Request) -> Result<(), ProbeError> {
    match request {
        Request::Ready { target, .. } => match target {
            Target::Http { path, .. } => check_url(path),
            Target::Unix { path } => check_absolute(path),
            Target::Tcp { .. } => Ok(()),
        },
        Request::Http { path, .. } => check_url(path),
        Request::Converse { calls, .. } => calls.iter().try_for_each(|call| check_url(&call.path)),
        Request::StandIn(wanted) => [
            &wanted.routes.health,
            &wanted.routes.idle,
            &wanted.routes.create,
            &wanted.routes.restore,
            &wanted.routes.configure,
        ]
        .into_iter()
        .try_for_each(|path| check_url(path)),
        Request::Commands { commands } => commands.iter().try_for_each(check_command),
        Request::Mcp { command } => check_command(command),
        Request::Tree { roots, .. } => roots.iter().try_for_each(|root| tree::check(root)),
        Request::Stat { paths, .. } => paths.iter().try_for_each(|path| check_absolute(path)),
        Request::TryWrite { dirs } => dirs.iter().try_for_each(|dir| check_absolute(dir)),
        Request::Processes | Request::Mounts | Request::Ports => Ok(()),
    }
}

fn check_url(path: &str) -> Result<(), ProbeError> {
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(ProbeError::Ask(format!(
        "`{path}` is not a path of a URL\n\nhint: begin with a slash and percent-encode the rest"
    )))
}

fn check_absolute(path: &str) -> Result<(), ProbeError> {
    if path.starts_with('/') && !path.contains('\0') {
        return Ok(());
    }
    Err(ProbeError::Ask(format!("`{path}` is not an absolute path")))
}

fn check_command(command: &Command) -> Result<(), ProbeError> {
    match command.argv.first() {
        None => Err(ProbeError::Ask(String::from("a command has no program"))),
        Some(program) if command.argv.iter().any(|word| word.contains('\0')) => Err(
            ProbeError::Ask(format!("a word of the command `{program}` contains NUL")),
        ),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Out, answer};

    fn refusal(json: &str) -> String {
        answer(json, &mut Out::new(&mut Vec::new()))
            .expect_err("this request is wrong")
            .to_string()
    }

    #[test]
    fn unknown_requests_are_errors() {
        for json in ["", "{}", "\"reboot\"", r#"{"mounts":{"all":true}}"#] {
            assert!(refusal(json).starts_with("the request could not be read: "));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_before_anything_is_done() {
        let pairs = [
            (
                r#"{"commands":{"commands":[{"argv":["/bin/true"],"timeout_ms":1},{"argv":[],"timeout_ms":1}]}}"#,
                "a command has no program",
            ),
            (
                r#"{"stat":{"paths":["etc"],"hash":false}}"#,
                "`etc` is not an absolute path",
            ),
            (
                r#"{"tree":{"roots":["/proc/1"],"hash":false}}"#,
                "`/proc/1` lies in a file system of the kernel, which is not walked",
            ),
        ];
        for (json, message) in pairs {
            assert_eq!(refusal(json), message);
        }
        let message = refusal(r#"{"http":{"port":1,"path":"/a b","timeout_ms":1}}"#);
        assert!(
            message.starts_with("`/a b` is not a path of a URL"),
            "{message}"
        );
    }

    #[test]
    fn a_complete_answer_ends_with_done() {
        let mut lines = Vec::new();
        answer(
            r#"{"stat":{"paths":["/no-such-path"],"hash":false}}"#,
            &mut Out::new(&mut lines),
        )
        .expect("an absent path is an answer");
        assert_eq!(
            String::from_utf8_lossy(&lines),
            "{\"absent\":{\"path\":\"/no-such-path\"}}\n\"done\"\n"
        );
    }
}
