//! How busy the machine is.

/// The load average: figures of a busy machine must say so.
pub(crate) fn load() -> String {
    fs_err::read_to_string("/proc/loadavg").map_or_else(
        |_error| "unknown".to_owned(),
        |text| text.split(' ').take(3).collect::<Vec<_>>().join(" "),
    )
}
