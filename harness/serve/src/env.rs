//! Every environment variable that the service reads.

/// Isolates that are kept warm (seed 001).
pub(crate) const POOL_SIZE: &str = "ISOLATE_POOL_SIZE";
/// The most isolates (seed 001).
pub(crate) const MAX_POOL_SIZE: &str = "ISOLATE_MAX_POOL_SIZE";
/// Megabytes of heap, and as many of buffers, for each isolate (seed 001).
pub(crate) const MEMORY_LIMIT: &str = "ISOLATE_MEMORY_LIMIT_MB";
/// After so long an isolate above the base that nobody uses ends (seed 001).
pub(crate) const IDLE_TIMEOUT: &str = "ISOLATE_IDLE_TIMEOUT_MS";
/// The wall clock of an execution (seed 001).
pub(crate) const FUNCTION_TIMEOUT: &str = "FUNCTION_TIMEOUT_MS";
/// Whether compiled code is kept (seed 001).
pub(crate) const MODULE_CACHE: &str = "ENABLE_MODULE_CACHE";
/// Of how many modules (seed 001).
pub(crate) const MODULE_CACHE_SIZE: &str = "MODULE_CACHE_MAX_SIZE";
/// Whether a function's modules are evaluated before its next request comes.
pub(crate) const LOAD_AHEAD: &str = "ISOLATE_LOAD_AHEAD";
/// Who may get a used isolate: `function` or `any`.
pub(crate) const REUSE: &str = "ISOLATE_REUSE";
/// Where an isolate lives: `process` or `thread`.
pub(crate) const CONTAINMENT: &str = "ISOLATE_CONTAINMENT";
/// How long a request waits for an isolate.
pub(crate) const WAIT_TIMEOUT: &str = "ISOLATE_WAIT_TIMEOUT_MS";
/// How many requests wait for one.
pub(crate) const MAX_WAITING: &str = "ISOLATE_MAX_WAITING";
/// How long a shutdown waits for what was accepted.
pub(crate) const GRACE: &str = "SHUTDOWN_TIMEOUT_MS";
/// The longest body of a request.
pub(crate) const MAX_BODY: &str = "MAX_BODY_BYTES";
/// Where to listen.
pub(crate) const HOST: &str = "HOST";
/// Where to listen.
pub(crate) const PORT: &str = "PORT";
/// Where functions are described: `sqlite:FILE` or `postgres://…`.
pub(crate) const DATABASE: &str = "DATABASE_URL";

/// The value of a variable, when it is set and is text.
pub(crate) fn host(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file that reads the environment"
    )]
    std::env::var(name).ok()
}
