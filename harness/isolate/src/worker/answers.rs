//! The answering side: what the worker process itself calls.

use super::pipe::wait;
use super::{LENGTH, WorkerError, message};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::fcntl_dupfd_cloexec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead, Read, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether something is at work for nobody.
const LOOK: Duration = Duration::from_millis(50);
/// How long whatever goes on after the last answer may take, once nobody is left who could ask.
const PATIENCE: Duration = Duration::from_secs(30);

/// The worker's own end: where its answers go, once nothing else can be written there by accident.
#[derive(Debug)]
pub struct Answers(File);

impl Answers {
    /// Take standard output away from the rest of the process: what is printed from now on goes to standard error.
    ///
    /// V8 prints there when it runs out of memory. Call this first of all: a confined process cannot do it any more.
    pub fn take() -> io::Result<Self> {
        let answers = fcntl_dupfd_cloexec(io::stdout(), 3)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        Ok(Self(answers.into()))
    }

    /// Answer each question that comes on standard input, one after the other, until that is closed.
    ///
    /// Closed while a question is at work, whoever asked is gone, and the process aborts: nothing else may be able to stop it.
    pub fn serve<Q: DeserializeOwned, A: Serialize>(
        self,
        mut answer: impl FnMut(Q) -> A,
    ) -> Result<(), WorkerError> {
        self.serve_early(|question, asker| asker.tell(&answer(question)))
    }

    /// The same, where `answer` tells the asker itself, and goes on after that.
    pub fn serve_early<Q: DeserializeOwned>(
        self,
        mut answer: impl FnMut(Q, &Asker) -> Result<(), WorkerError>,
    ) -> Result<(), WorkerError> {
        self.answer(read_message, |question, asker| {
            let question = serde_json::from_slice(question).map_err(WorkerError::Json)?;
            answer(question, asker)
        })
    }

    /// The same in lines: say `first`, then answer each line with a line.
    pub fn serve_lines<Q: DeserializeOwned, A: Serialize>(
        mut self,
        first: &A,
        mut answer: impl FnMut(Q) -> A,
    ) -> Result<(), WorkerError> {
        self.0.write_all(&line(first)?)?;
        self.answer(read_line, |question, asker| {
            let question = serde_json::from_slice(question).map_err(WorkerError::Json)?;
            asker.send(&line(&answer(question))?)
        })
    }

    fn answer(
        self,
        read: fn(&mut io::StdinLock<'static>) -> io::Result<Vec<u8>>,
        mut answer: impl FnMut(&[u8], &Asker) -> Result<(), WorkerError>,
    ) -> Result<(), WorkerError> {
        let asker = Asker {
            answers: Arc::new(self.0),
            waits: Arc::new(AtomicBool::new(false)),
        };
        let waits = Arc::clone(&asker.waits);
        std::thread::Builder::new()
            .name("asker".to_owned())
            .spawn(move || end_with_asker(&waits))?;
        // Read here: a thread between the pipe and whoever works would be one more to be woken while somebody waits.
        let mut stdin = io::stdin().lock();
        while let Ok(question) = read(&mut stdin) {
            asker.waits.store(true, Ordering::SeqCst);
            answer(&question, &asker)?;
        }
        Ok(())
    }
}

/// Who asked the question that is at work.
#[derive(Debug, Clone)]
pub struct Asker {
    answers: Arc<File>,
    /// Whether they wait for an answer.
    waits: Arc<AtomicBool>,
}

impl Asker {
    /// Gives them the answer.
    pub fn tell<A: Serialize>(&self, answer: &A) -> Result<(), WorkerError> {
        self.send(&message(answer, usize::MAX)?)
    }

    fn send(&self, message: &[u8]) -> Result<(), WorkerError> {
        self.waits.store(false, Ordering::SeqCst);
        Ok((&*self.answers).write_all(message)?)
    }

    /// Whether they wait for the answer.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.waits.load(Ordering::SeqCst)
    }

    /// Whether they have sent the next question, or are gone.
    #[must_use]
    pub fn asks_again(&self) -> bool {
        let stdin = io::stdin();
        let mut input = [PollFd::new(&stdin, PollFlags::IN)];
        wait(&mut input, Duration::ZERO).unwrap_or(true)
    }
}

/// Ends the process once nobody is left who could ask, and something is at work; where nothing is, the end of the input is read.
fn end_with_asker(waits: &AtomicBool) {
    let stdin = io::stdin();
    // Told without being asked for: that the other end is closed.
    let mut end = [PollFd::new(&stdin, PollFlags::empty())];
    while poll(&mut end, None).is_err() {
        std::thread::park_timeout(LOOK);
    }
    let until = Instant::now() + PATIENCE;
    // What was asked before may be begun only now.
    while !waits.load(Ordering::SeqCst) && Instant::now() < until {
        std::thread::park_timeout(LOOK);
    }
    std::process::abort();
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, WorkerError> {
    let mut line = serde_json::to_vec(value).map_err(WorkerError::Json)?;
    line.push(b'\n');
    Ok(line)
}

fn read_line(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

fn read_message(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; LENGTH];
    input.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let mut message = Vec::new();
    // Memory is taken as bytes come, not as they are announced.
    let read = input.take(length).read_to_end(&mut message)?;
    if read as u64 == length {
        Ok(message)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_breaks_off_is_none() {
        assert_eq!(read_message(&mut &b"\x02\0\0\0[]"[..]).unwrap(), b"[]");
        assert!(read_message(&mut &b"\x03\0\0\0[]"[..]).is_err());
        assert!(read_message(&mut &b"\x03\0"[..]).is_err());
    }
}
