//! The documented exit codes, one for each class of end.

/// Every claim that was judged holds.
pub const HELD: u8 = 0;
/// The subject is wrong, or was declared to fail and passed.
pub const FINDINGS: u8 = 1;
/// Bad input before anything ran: a case, a subject, an image, an option.
pub const BAD_INPUT: u8 = 2;
/// Could not judge: something of ours or the host's broke, an engine that was asked for is missing, or nothing was judged.
pub const COULD_NOT_JUDGE: u8 = 3;

/// What was judged holds, but for budgets that were exceeded.
pub const OVER_BUDGET: u8 = 4;

/// Interrupted by a signal; reports are written.
#[must_use]
pub fn signal(number: i32) -> u8 {
    u8::try_from(128 + number).unwrap_or(u8::MAX)
}
