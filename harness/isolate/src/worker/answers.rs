//! The answering side: what the worker process itself calls.

use super::{LENGTH, WorkerError, message};
use rustix::io::fcntl_dupfd_cloexec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

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
        mut self,
        mut answer: impl FnMut(Q) -> A,
    ) -> Result<(), WorkerError> {
        let asked = Arc::new(AtomicUsize::new(0));
        let (sender, questions) = mpsc::channel();
        let open = Arc::clone(&asked);
        std::thread::Builder::new()
            .name("questions".to_owned())
            .spawn(move || {
                while let Ok(question) = read_message(&mut io::stdin().lock()) {
                    open.fetch_add(1, Ordering::SeqCst);
                    if sender.send(question).is_err() {
                        return;
                    }
                }
                if open.load(Ordering::SeqCst) > 0 {
                    std::process::abort();
                }
            })?;
        while let Ok(question) = questions.recv() {
            let question = serde_json::from_slice(&question).map_err(WorkerError::Json)?;
            let message = message(&answer(question), usize::MAX)?;
            asked.fetch_sub(1, Ordering::SeqCst);
            self.0.write_all(&message)?;
        }
        Ok(())
    }
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
