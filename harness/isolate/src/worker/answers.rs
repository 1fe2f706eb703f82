//! The answering side: what the worker process itself calls.

use super::{LENGTH, WorkerError, message};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::fcntl_dupfd_cloexec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead, Read, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often it is looked whether something is at work for nobody.
const LOOK: Duration = Duration::from_millis(50);

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
        self.answer(read_message, |question| {
            let question = serde_json::from_slice(question).map_err(WorkerError::Json)?;
            message(&answer(question), usize::MAX)
        })
    }

    /// The same in lines: say `first`, then answer each line with a line.
    pub fn serve_lines<Q: DeserializeOwned, A: Serialize>(
        mut self,
        first: &A,
        mut answer: impl FnMut(Q) -> A,
    ) -> Result<(), WorkerError> {
        self.0.write_all(&line(first)?)?;
        self.answer(read_line, |question| {
            let question = serde_json::from_slice(question).map_err(WorkerError::Json)?;
            line(&answer(question))
        })
    }

    fn answer(
        mut self,
        read: fn(&mut io::StdinLock<'static>) -> io::Result<Vec<u8>>,
        mut answer: impl FnMut(&[u8]) -> Result<Vec<u8>, WorkerError>,
    ) -> Result<(), WorkerError> {
        let at_work = Arc::new(AtomicBool::new(false));
        let busy = Arc::clone(&at_work);
        std::thread::Builder::new()
            .name("asker".to_owned())
            .spawn(move || end_with_asker(&busy))?;
        // Read here: a thread between the pipe and whoever works would be one more to be woken while somebody waits.
        let mut stdin = io::stdin().lock();
        while let Ok(question) = read(&mut stdin) {
            at_work.store(true, Ordering::SeqCst);
            let message = answer(&question)?;
            at_work.store(false, Ordering::SeqCst);
            self.0.write_all(&message)?;
        }
        Ok(())
    }
}

/// Ends the process once nobody is left who could ask, and something is at work; where nothing is, the end of the input is read.
fn end_with_asker(at_work: &AtomicBool) {
    let stdin = io::stdin();
    // Told without being asked for: that the other end is closed.
    let mut end = [PollFd::new(&stdin, PollFlags::empty())];
    while poll(&mut end, None).is_err() {
        std::thread::park_timeout(LOOK);
    }
    loop {
        // What was asked before may be begun only now.
        if at_work.load(Ordering::SeqCst) {
            std::process::abort();
        }
        std::thread::park_timeout(LOOK);
    }
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
