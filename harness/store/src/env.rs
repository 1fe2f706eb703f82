//! Every environment variable that keeping workspaces reads.

/// The bearer token of a daemon.
pub(crate) const TOKEN: &str = "DAEMON_TOKEN";
/// Selects S3 (seed 002).
#[cfg(feature = "keep")]
pub(crate) const BUCKET: &str = "SANDBOX_SNAPSHOTS_BUCKET";
/// Default `us-east-1`.
#[cfg(feature = "keep")]
pub(crate) const REGION: &str = "SANDBOX_SNAPSHOTS_REGION";
/// Default `sandbox-snapshots`.
#[cfg(feature = "keep")]
pub(crate) const PREFIX: &str = "SANDBOX_SNAPSHOTS_PREFIX";
/// Another S3 than Amazon's.
#[cfg(feature = "keep")]
pub(crate) const ENDPOINT: &str = "SANDBOX_SNAPSHOTS_ENDPOINT";
/// `true` or `1`: the bucket stands in the path, not in the host name.
#[cfg(feature = "keep")]
pub(crate) const PATH_STYLE: &str = "SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE";
/// Without a bucket, snapshots are kept in `sandbox-snapshots` below it.
#[cfg(feature = "keep")]
pub(crate) const DATA_DIR: &str = "DATA_DIR";

/// The value of a variable, when it is set and is text.
pub(crate) fn host(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file that reads the environment"
    )]
    std::env::var(name).ok()
}
