//! A program on a person's terminal in a container of a daemon: the daemon makes the terminal inside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Terminal, Typed};
use adamant_core::run::Deadline;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::client::{Trouble, api};
use super::instance::Container;

/// How soon a key, a new size or the end of a run is noticed.
const TURN: Duration = Duration::from_millis(50);

/// What comes from the person's side.
enum News {
    Keys(Vec<u8>),
    Size(u16, u16),
}

impl Container {
    /// Runs it until it ends; answers its exit code.
    pub(super) fn on_terminal(
        &self,
        argv: &[String],
        terminal: &Terminal,
        deadline: &Deadline,
    ) -> Result<i64, EngineError> {
        let attempt = format!("run `{}` in the container `{}`", argv.join(" "), self.name);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (tell, news) = unbounded_channel();
            scope.spawn(|| listen(terminal, tell, &over));
            let ran = self
                .client
                .call(&attempt, deadline, self.relay(argv, terminal, news));
            over.store(true, Ordering::SeqCst);
            ran
        })
        .map_err(|trouble: Trouble| EngineError::from(trouble))?
        .ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, attempt).caused_by("nobody knows how it ended")
        })
    }

    async fn relay(
        &self,
        argv: &[String],
        terminal: &Terminal,
        mut news: UnboundedReceiver<News>,
    ) -> Result<Option<i64>, api::errors::Error> {
        let docker = &self.client.docker;
        let options = api::exec::CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(true),
            env: Some(vec![format!("TERM={}", Terminal::kind())]),
            cmd: Some(argv.to_vec()),
            ..Default::default()
        };
        let id = docker.create_exec(&self.name, options).await?.id;
        let start = api::exec::StartExecOptions {
            tty: true,
            ..Default::default()
        };
        let api::exec::StartExecResults::Attached {
            mut output,
            mut input,
        } = docker.start_exec(&id, Some(start)).await?
        else {
            return Ok(None);
        };
        loop {
            tokio::select! {
                frame = output.next() => match frame {
                    Some(frame) => terminal.show(frame?.as_ref())?,
                    None => break,
                },
                Some(news) = news.recv() => match news {
                    News::Keys(keys) => {
                        input.write_all(&keys).await?;
                        input.flush().await?;
                    }
                    News::Size(columns, rows) => {
                        let size = api::query_parameters::ResizeExecOptionsBuilder::new()
                            .h(rows.into())
                            .w(columns.into())
                            .build();
                        // One that has ended meanwhile has no size.
                        let _ = docker.resize_exec(&id, size).await;
                    }
                },
            }
        }
        Ok(docker.inspect_exec(&id).await?.exit_code)
    }
}

/// Tells what is typed and how large the terminal is, until it is over.
fn listen(terminal: &Terminal, tell: UnboundedSender<News>, over: &AtomicBool) {
    let mut size = (0, 0);
    while !over.load(Ordering::SeqCst) {
        let now = terminal.size();
        let resized = (now != size).then_some(News::Size(now.0, now.1));
        size = now;
        let typed = match terminal.typed(TURN) {
            Ok(Typed::Keys(keys)) => Some(News::Keys(keys)),
            Ok(Typed::Nothing) => None,
            // Nobody will type an end any more.
            Ok(Typed::End) | Err(_) => return drop(tell.send(News::Keys(vec![4]))),
        };
        for news in resized.into_iter().chain(typed) {
            if tell.send(news).is_err() {
                return;
            }
        }
    }
}
