//! The eyes: which process wrote, connected or ran what, by seccomp user notification.
//!
//! A launcher ([`launch`]) installs the filter in itself, hands the listener to a supervisor ([`watch`]) and becomes the
//! subject. The supervisor reads every call of the table ([`calls`]) before the kernel runs it, and always lets it go on:
//! it observes and forbids nothing. Where a boot is to have a network that leads nowhere, it makes that too ([`sink`]), and
//! where it is to have another time of day, it is asked for that ([`clock`]).

mod calls;
mod clock;
mod crowd;
mod decode;
mod dns;
mod exec;
mod filter;
mod hand;
mod kernel;
pub(crate) mod launch;
mod memory;
mod net;
mod origin;
mod place;
mod question;
mod sink;
mod tell;
mod vdso;
mod walk;
pub(crate) mod watch;
