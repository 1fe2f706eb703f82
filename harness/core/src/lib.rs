//! Cases, checks, verdicts and reports of Adamant: pure, synchronous, without Docker or V8.
//!
//! # Words
//!
//! One word each, everywhere:
//!
//! - *subject* — what is judged: an image with its contract (`adamant.yaml`).
//! - *case* — a claim on file. *trial* — a case on a subject on an engine.
//! - *engine* — what runs a subject. *instance* — one started container.
//! - *question*, *answer* — the only words spoken across the engine seam.
//! - *check* — a pure judgment of answers. *finding* — what was expected, what was seen, and the line of the case that asked.
//! - *outcome* — passed, failed, expected failure, skipped (with a reason) or broken.
//! - *probe* — our static binary inside the container. *fault* — a change that we make to a subject on purpose.
//! - *control* — a planted subject that breaks one law and must produce exactly that finding.
//! - *evidence* — what a trial leaves that did not pass.

pub mod case;
pub mod check;
pub mod discover;
pub mod engine;
pub mod env;
pub mod explain;
pub mod frontend;
pub mod module;
pub mod propose;
pub mod redact;
pub mod report;
pub mod run;
pub mod shell;
