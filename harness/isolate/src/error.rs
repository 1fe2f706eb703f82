//! Why the engine itself could not do its work; what a guest throws is no such error but part of its execution.

/// The engine could not judge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Our own JavaScript could not be evaluated: a bug of ours, or too little memory.
    #[error("failed to make the start-up environment: {reason}")]
    Environment {
        /// What V8 said.
        reason: String,
    },
    /// The thread of an isolate could not be started.
    #[error("failed to start the thread of an isolate")]
    Thread(#[source] std::io::Error),
    /// What the user of a terminal waits for is no regular expression.
    #[error("failed to read a pattern in the script of the terminal")]
    Terminal(#[source] Box<regex::Error>),
    /// The isolate was lost in an earlier execution; it must be replaced.
    #[error("the isolate was lost in an earlier execution")]
    Lost,
}
