//! The process that runs tests for the supervisor: confined, with one warm isolate.

use super::checkout::Checkout;
use super::runner::Runner;
use super::verdict::{Answer, Question, Ran, Verdict};
use crate::confine::{self, ConfineError, Policy};
use crate::seat::STACK;
use crate::worker::{Answers, WorkerError};

/// Why this process is no worker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Its standard output could not be kept for answers, or its thread not be started.
    #[error("cannot set the worker up")]
    SetUp(#[source] std::io::Error),
    /// The walls could not be put up.
    #[error("cannot confine the worker")]
    Confine(#[from] ConfineError),
    /// Whoever asks does not speak as agreed.
    #[error("cannot answer")]
    Answer(#[from] WorkerError),
    /// A bug of ours.
    #[error("the thread that runs tests panicked")]
    Panicked,
}

/// Answers on standard output what is asked on standard input, until that is closed. The process can read the checkout
/// afterwards, and nothing else.
pub fn serve(checkout: &Checkout) -> Result<(), ServeError> {
    let answers = Answers::take().map_err(ServeError::SetUp)?;
    let policy = Policy {
        readable: vec![checkout.root().to_owned()],
        limits: confine::Limits::default(),
    };
    confine::apply(&policy)?;
    let checkout = checkout.clone();
    // V8 counts its stack from the thread's, and the main thread has what the shell happened to say.
    let thread = std::thread::Builder::new()
        .name("test262".to_owned())
        .stack_size(STACK)
        .spawn(move || answer_all(answers, &checkout))
        .map_err(ServeError::SetUp)?;
    Ok(thread.join().map_err(|_panic| ServeError::Panicked)??)
}

fn answer_all(answers: Answers, checkout: &Checkout) -> Result<(), WorkerError> {
    let mut runner: Option<Result<Runner, String>> = None;
    answers.serve(|question: Question| {
        let runner = runner.get_or_insert_with(|| {
            let tree = checkout.tree().map_err(|error| error.to_string())?;
            Runner::new(tree).map_err(|error| error.to_string())
        });
        match (runner, question) {
            (Err(reason), _) => Answer::Broken(reason.clone()),
            (Ok(_), Question::Ready) => Answer::Ready {
                v8: v8::V8::get_version().to_owned(),
            },
            (Ok(runner), Question::Run(tests)) => {
                Answer::Ran(tests.into_iter().map(|test| run(runner, test)).collect())
            }
        }
    })
}

fn run(runner: &mut Runner, test: String) -> Ran {
    let (runs, verdict, features) = runner.test(&test);
    let features = if verdict == Verdict::Passed {
        Vec::new()
    } else {
        features
    };
    Ran {
        test,
        runs,
        verdict,
        features,
    }
}
