//! The connection to a daemon: the only file that names bollard, and the only one that knows an executor.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::run::Deadline;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::output::LAST_WORDS;

pub(super) use bollard as api;

/// Our deadlines end every call; the client library's own limit must never be the first.
const NO_LIMIT_SECONDS: u64 = 86_400;

/// A daemon behind a unix socket.
pub(super) struct Client {
    pub(super) docker: api::Docker,
    pub(super) runtime: Runtime,
    pub(super) socket: PathBuf,
    /// Told apart by what it answers, where the two differ.
    pub(super) product: Product,
}

/// Whose daemon it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Docker,
    Podman,
}

impl Product {
    /// How long the news of an end may be on its way when something that needs the container has failed. Podman looks for it a
    /// few times a second, and what it looks at is written by a helper that it starts for that.
    pub(super) fn news(self) -> Duration {
        match self {
            Self::Docker => LAST_WORDS,
            Self::Podman => 5 * LAST_WORDS,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("socket", &self.socket)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

/// A call that did not succeed.
#[derive(Debug)]
pub(super) struct Trouble {
    attempt: String,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    TimedOut,
    Cancelled,
    Failed(api::errors::Error),
}

/// What the daemon said, without what the client library adds.
#[derive(Debug, thiserror::Error)]
#[error("{message} (status {status})")]
struct Refusal {
    status: u16,
    message: String,
}

impl Trouble {
    /// The HTTP status, when the daemon answered.
    pub(super) fn status(&self) -> Option<u16> {
        self.refusal().map(|(status, _)| status)
    }

    /// The daemon's words, when it answered.
    pub(super) fn message(&self) -> Option<&str> {
        self.refusal().map(|(_, message)| message)
    }

    /// Whether its time was up before the daemon answered.
    pub(super) fn is_timed_out(&self) -> bool {
        matches!(self.cause, Cause::TimedOut)
    }

    fn refusal(&self) -> Option<(u16, &str)> {
        match &self.cause {
            Cause::Failed(api::errors::Error::DockerResponseServerError {
                status_code,
                message,
            }) => Some((*status_code, message)),
            Cause::Failed(_) | Cause::TimedOut | Cause::Cancelled => None,
        }
    }
}

impl From<Trouble> for EngineError {
    fn from(trouble: Trouble) -> Self {
        match trouble.cause {
            Cause::TimedOut => {
                Self::new(ErrorKind::TimedOut, trouble.attempt).caused_by("the time for it was up")
            }
            Cause::Cancelled => Self::new(ErrorKind::Cancelled, trouble.attempt)
                .caused_by("the run was interrupted"),
            Cause::Failed(api::errors::Error::DockerResponseServerError {
                status_code,
                message,
            }) => Self::new(ErrorKind::Engine, trouble.attempt).caused_by(Refusal {
                status: status_code,
                message: message.trim().to_owned(),
            }),
            Cause::Failed(error) => Self::new(ErrorKind::Engine, trouble.attempt).caused_by(error),
        }
    }
}

/// What answers at a socket.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) product: Product,
    pub(super) version: String,
    /// `os/architecture`.
    pub(super) platform: String,
}

impl Client {
    /// Connects and agrees on a version of the API.
    pub(super) fn connect(socket: &Path, deadline: &Deadline) -> Result<Self, EngineError> {
        let attempt = format!("connect to `{}`", socket.display());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("docker")
            .enable_all()
            .build()
            .map_err(|error| EngineError::new(ErrorKind::Unsupported, &attempt).caused_by(error))?;
        let docker = api::Docker::connect_with_unix(
            &socket.to_string_lossy(),
            NO_LIMIT_SECONDS,
            api::API_DEFAULT_VERSION,
        )
        .map_err(|error| EngineError::new(ErrorKind::Unsupported, &attempt).caused_by(error))?;
        let docker = complete(&runtime, &attempt, deadline, docker.negotiate_version())?;
        let mut client = Self {
            docker,
            runtime,
            socket: socket.to_owned(),
            product: Product::Docker,
        };
        client.product = client.version(deadline)?.product;
        Ok(client)
    }

    /// Completes one call, or gives up when the time is up or the run is cancelled.
    pub(super) fn call<T>(
        &self,
        attempt: &str,
        deadline: &Deadline,
        work: impl Future<Output = Result<T, api::errors::Error>>,
    ) -> Result<T, Trouble> {
        complete(&self.runtime, attempt, deadline, work)
    }

    /// Completes work of another kind, or gives up likewise.
    pub(super) fn within<T>(
        &self,
        attempt: &str,
        deadline: &Deadline,
        work: impl Future<Output = T>,
    ) -> Result<T, EngineError> {
        let work = async { Ok(work.await) };
        Ok(self.call(attempt, deadline, work)?)
    }

    pub(super) fn version(&self, deadline: &Deadline) -> Result<Version, EngineError> {
        let answer = self.call("ask for the version", deadline, self.docker.version())?;
        let podman = answer
            .components
            .iter()
            .flatten()
            .find(|c| c.name.contains("Podman"));
        Ok(Version {
            product: match podman {
                Some(_) => Product::Podman,
                None => Product::Docker,
            },
            version: podman
                .map(|c| c.version.clone())
                .or(answer.version)
                .unwrap_or_default(),
            platform: format!(
                "{}/{}",
                answer.os.unwrap_or_default(),
                answer.arch.unwrap_or_default()
            ),
        })
    }

    pub(super) fn create(
        &self,
        name: &str,
        body: api::models::ContainerCreateBody,
        deadline: &Deadline,
    ) -> Result<String, Trouble> {
        let options = api::query_parameters::CreateContainerOptionsBuilder::new()
            .name(name)
            .build();
        let work = self.docker.create_container(Some(options), body);
        Ok(self
            .call(&format!("create the container `{name}`"), deadline, work)?
            .id)
    }

    pub(super) fn start(&self, name: &str, deadline: &Deadline) -> Result<(), Trouble> {
        let work = self
            .docker
            .start_container(name, None::<api::query_parameters::StartContainerOptions>);
        self.call(&format!("start the container `{name}`"), deadline, work)
    }

    /// The daemon's record of a container; `None` when it knows none.
    pub(super) fn inspect(
        &self,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Option<api::models::ContainerInspectResponse>, EngineError> {
        let work = self
            .docker
            .inspect_container(name, None::<api::query_parameters::InspectContainerOptions>);
        let work = async {
            work.await
                .or_else(|error| in_our_words(error, &["State", "Status"]))
        };
        found(self.call(&format!("inspect the container `{name}`"), deadline, work))
    }

    /// Sends a signal; answers whether there was a running container to take it.
    pub(super) fn kill(
        &self,
        name: &str,
        signal: &str,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        let options = api::query_parameters::KillContainerOptionsBuilder::new()
            .signal(signal)
            .build();
        let work = self.docker.kill_container(name, Some(options));
        match self.call(
            &format!("send `{signal}` to the container `{name}`"),
            deadline,
            work,
        ) {
            Ok(()) => Ok(true),
            Err(trouble) if matches!(trouble.status(), Some(404 | 409)) => Ok(false),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Kills and removes a container with its anonymous volumes; answers whether it existed.
    pub(super) fn remove(&self, name: &str, deadline: &Deadline) -> Result<bool, EngineError> {
        let options = api::query_parameters::RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        let work = self.docker.remove_container(name, Some(options));
        match self.call(&format!("remove the container `{name}`"), deadline, work) {
            // Somebody else removes it at this moment: ours was not the first call, but it is going.
            Err(trouble)
                if trouble.status() == Some(409)
                    && trouble
                        .message()
                        .is_some_and(|m| m.contains("already in progress")) =>
            {
                Ok(true)
            }
            other => Ok(found(other)?.is_some()),
        }
    }

    /// The paths of a container that may differ from its image.
    pub(super) fn changes(
        &self,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Vec<String>, EngineError> {
        let work = self.docker.container_changes(name);
        let changes = self.call(
            &format!("list the changed files of `{name}`"),
            deadline,
            work,
        )?;
        Ok(changes
            .into_iter()
            .flatten()
            .map(|change| change.path)
            .collect())
    }
}

/// Reads an answer again that was not understood for the states that only Podman knows, one that has ended and is not put
/// away yet, and one that is about to start; `path` leads to the state in each record.
pub(super) fn in_our_words<T: DeserializeOwned>(
    error: api::errors::Error,
    path: &[&str],
) -> Result<T, api::errors::Error> {
    let api::errors::Error::JsonDataError { contents, .. } = &error else {
        return Err(error);
    };
    let Ok(mut answer) = serde_json::from_str::<Value>(contents) else {
        return Err(error);
    };
    let records = match &mut answer {
        Value::Array(records) => records.iter_mut().collect(),
        record => vec![record],
    };
    for record in records {
        let state = path.iter().try_fold(record, |at, key| at.get_mut(key));
        if let Some(state) = state {
            match state.as_str() {
                Some("stopped") => *state = Value::from("exited"),
                Some("initialized") => *state = Value::from("created"),
                _ => {}
            }
        }
    }
    // What is still not understood is told as it was first.
    serde_json::from_value(answer).or(Err(error))
}

/// `None` for what the daemon does not have.
pub(super) fn found<T>(answer: Result<T, Trouble>) -> Result<Option<T>, EngineError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(trouble) if trouble.status() == Some(404) => Ok(None),
        Err(trouble) => Err(trouble.into()),
    }
}

fn complete<T>(
    runtime: &Runtime,
    attempt: &str,
    deadline: &Deadline,
    work: impl Future<Output = Result<T, api::errors::Error>>,
) -> Result<T, Trouble> {
    let trouble = |cause| Trouble {
        attempt: attempt.to_owned(),
        cause,
    };
    runtime.block_on(async {
        let mut work = pin!(work);
        loop {
            let Some(slice) = deadline.slice() else {
                return Err(trouble(if deadline.is_cancelled() {
                    Cause::Cancelled
                } else {
                    Cause::TimedOut
                }));
            };
            if let Ok(outcome) = tokio::time::timeout(slice, &mut work).await {
                return outcome.map_err(|error| trouble(Cause::Failed(error)));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: DeserializeOwned>(contents: &str, path: &[&str]) -> Result<T, api::errors::Error> {
        let error = api::errors::Error::JsonDataError {
            message: String::new(),
            contents: contents.to_owned(),
            column: 0,
        };
        in_our_words(error, path)
    }

    #[test]
    fn podmans_states_are_understood_and_no_others() {
        use api::models::{ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary};
        let path = ["State", "Status"];
        for (word, state) in [
            ("stopped", ContainerStateStatusEnum::EXITED),
            ("initialized", ContainerStateStatusEnum::CREATED),
        ] {
            let text = format!(r#"{{"State":{{"Status":"{word}","ExitCode":3}}}}"#);
            let record: ContainerInspectResponse = read(&text, &path).expect("understood");
            let read = record.state.expect("a state");
            assert_eq!((read.status, read.exit_code), (Some(state), Some(3)));
        }
        let list = r#"[{"Id":"a","State":"running"},{"Id":"b","State":"stopped"}]"#;
        let listed: Vec<ContainerSummary> = read(list, &["State"]).expect("understood");
        assert_eq!(listed.len(), 2);
        let other = r#"{"State":{"Status":"molten"}}"#;
        assert!(read::<ContainerInspectResponse>(other, &path).is_err());
        assert!(read::<ContainerInspectResponse>("[", &path).is_err());
    }
}
