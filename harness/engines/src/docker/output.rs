//! What streams from a container: its output, the output of an exec, and the moment of its end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, LogCapture, Stream};
use adamant_core::run::{Deadline, monotonic_ns};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::client::{Client, Trouble, api};

/// How long a stream may still go on when what it belongs to has ended.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a daemon may take to say that it is alive.
const ALIVE: Duration = Duration::from_secs(5);
const EXEC_BUFFER_BYTES: usize = 64 * 1024;

/// Tells when a container has ended, or why nobody can tell any more.
#[derive(Debug, Clone)]
pub(super) struct ExitWatch(watch::Receiver<Option<Result<(), String>>>);

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A process to run in a container.
#[derive(Debug)]
pub(super) struct Exec {
    pub(super) argv: Vec<String>,
    /// `None` for the container's own.
    pub(super) user: Option<String>,
}

impl Client {
    /// Starts to take a container's output, before the container starts.
    pub(super) fn attach(
        &self,
        name: &str,
        log: Arc<LogCapture>,
        deadline: &Deadline,
    ) -> Result<Task, Trouble> {
        let options = api::query_parameters::AttachContainerOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .stream(true)
            .build();
        let work = self.docker.attach_container(name, Some(options));
        let attached = self.call(&format!("attach to the container `{name}`"), deadline, work)?;
        Ok(Task(self.runtime.spawn(pump(
            self.docker.clone(),
            attached,
            log,
        ))))
    }

    /// Watches for the end of a started container.
    pub(super) fn watch_exit(&self, name: &str) -> (ExitWatch, Task) {
        let (tell, watch) = watch::channel(None);
        let (docker, name) = (self.docker.clone(), name.to_owned());
        let task = self.runtime.spawn(async move {
            let options = api::query_parameters::WaitContainerOptionsBuilder::new()
                .condition("not-running")
                .build();
            let mut answers = std::pin::pin!(docker.wait_container(&name, Some(options)));
            let ended = match answers.next().await {
                // The client library makes an error of every exit code but 0.
                Some(Ok(_) | Err(api::errors::Error::DockerContainerWaitError { .. })) => Ok(()),
                Some(Err(error)) => Err(format!("the engine went away: {error}")),
                None => Err("the engine went away".to_owned()),
            };
            tell.send_replace(Some(ended));
        });
        (ExitWatch(watch), Task(task))
    }

    /// Runs a process in a container and hands over its output, until it ends, `take` has enough, or the container ends.
    pub(super) fn exec(
        &self,
        container: &str,
        exec: Exec,
        exit: &ExitWatch,
        deadline: &Deadline,
        mut take: impl FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Trouble> {
        let options = api::exec::CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(exec.argv),
            user: exec.user,
            ..Default::default()
        };
        let work = async {
            let id = self.docker.create_exec(container, options).await?.id;
            let start = api::exec::StartExecOptions {
                output_capacity: Some(EXEC_BUFFER_BYTES),
                ..Default::default()
            };
            // Dropping the input would close the connection on some daemons.
            let api::exec::StartExecResults::Attached {
                mut output,
                input: _input,
            } = self.docker.start_exec(&id, Some(start)).await?
            else {
                return Ok(());
            };
            let mut over = std::pin::pin!(exit.clone().ended_and_quiet());
            loop {
                let frame = tokio::select! {
                    frame = output.next() => frame,
                    () = &mut over => None,
                };
                let Some(frame) = frame else { return Ok(()) };
                let frame = frame?;
                let stream = if matches!(frame, api::container::LogOutput::StdOut { .. }) {
                    Stream::Stdout
                } else {
                    Stream::Stderr
                };
                if take(stream, frame.as_ref()).is_break() {
                    return Ok(());
                }
            }
        };
        self.call(
            &format!("run a process in the container `{container}`"),
            deadline,
            work,
        )
    }

    /// Waits for the end of a container; answers whether it came in time.
    pub(super) fn wait_exit(
        &self,
        name: &str,
        exit: &ExitWatch,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        let attempt = format!("wait for the end of the container `{name}`");
        loop {
            if let Some(ended) = exit.seen() {
                return ended
                    .map(|()| true)
                    .map_err(|why| EngineError::new(ErrorKind::Engine, attempt).caused_by(why));
            }
            let Some(slice) = deadline.slice() else {
                if deadline.is_cancelled() {
                    return Err(EngineError::new(ErrorKind::Cancelled, attempt)
                        .caused_by("the run was interrupted"));
                }
                return Ok(false);
            };
            let mut receiver = exit.0.clone();
            self.runtime.block_on(async {
                // A slice that passes is no news; the loop looks again.
                let _ = tokio::time::timeout(slice, receiver.wait_for(Option::is_some)).await;
            });
        }
    }
}

impl ExitWatch {
    /// A container that never ran has ended.
    pub(super) fn ended() -> Self {
        Self(watch::channel(Some(Ok(()))).1)
    }

    /// What is known now.
    pub(super) fn seen(&self) -> Option<Result<(), String>> {
        self.0.borrow().clone()
    }

    /// Completes when the container has ended and its streams had time for their last words.
    async fn ended_and_quiet(mut self) {
        // A watch without a sender has nothing more to tell either.
        let _ = self.0.wait_for(Option::is_some).await;
        tokio::time::sleep(LAST_WORDS).await;
    }
}

/// Takes every frame as it comes: a container whose output nobody takes stands still.
async fn pump(
    docker: api::Docker,
    attached: api::container::AttachContainerResults,
    log: Arc<LogCapture>,
) {
    let api::container::AttachContainerResults {
        mut output,
        input: _input,
    } = attached;
    let cut = loop {
        match output.next().await {
            Some(Ok(api::container::LogOutput::StdOut { message })) => {
                log.push(Stream::Stdout, &message, monotonic_ns());
            }
            Some(Ok(api::container::LogOutput::StdErr { message })) => {
                log.push(Stream::Stderr, &message, monotonic_ns());
            }
            // The client library's name for what is no whole frame.
            Some(Ok(_)) => break Some("the stream ended in the middle of a frame".to_owned()),
            Some(Err(error)) => break Some(error.to_string()),
            None => break daemon_gone(&docker).await,
        }
    };
    log.end(cut);
}

/// The end of a stream is the end of the output only while the daemon lives: a dead one ends it too.
async fn daemon_gone(docker: &api::Docker) -> Option<String> {
    match tokio::time::timeout(ALIVE, docker.ping()).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("the engine went away: {error}")),
        Err(_) => Some("the engine went away: it does not answer".to_owned()),
    }
}
