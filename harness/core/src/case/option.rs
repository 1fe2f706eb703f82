//! Run options that an engine would refuse: each is checked where it is written, so that no boot is tried in vain.

use std::fmt;
use std::path::{Path, PathBuf};

use adamant_probe::capability;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::parse::nearest;

/// What stands for every capability.
const ALL: &str = "ALL";

/// Less than this no Docker takes: its runtime could not even start a process.
const LEAST_MEMORY: u64 = 6 << 20;

/// A bind mount, `HOST:CONTAINER[:ro]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Mount {
    /// As it is written.
    text: String,
    /// The path of the host, relative to the subject file.
    pub source: PathBuf,
    /// The absolute path in the container.
    target: String,
    /// Whether it can be written.
    pub read_only: bool,
}

impl Mount {
    /// A mount that is shown as `text`.
    pub fn new(text: &str, source: &str, target: &str, read_only: bool) -> Result<Self, String> {
        let wrong = |why: &str| format!("mount `{text}` {why}");
        if source.is_empty() {
            return Err(wrong("names no path of the host"));
        }
        if !target.starts_with('/') || target.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(wrong(
                "does not end in an absolute path of the container without `.` and `..`",
            ));
        }
        if target.trim_matches('/').is_empty() {
            return Err(wrong("would hide the whole image; mount below `/`"));
        }
        Ok(Self {
            text: text.to_owned(),
            source: source.into(),
            target: target.trim_end_matches('/').to_owned(),
            read_only,
        })
    }

    /// The absolute path in the container, without a `/` at its end.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path of the host as it is, when it is relative to `base`.
    pub fn on_host(&self, base: &Path) -> Result<PathBuf, String> {
        fs_err::canonicalize(base.join(&self.source))
            .map_err(|e| format!("mount `{self}` cannot be used: {}", e.kind()))
    }
}

impl TryFrom<String> for Mount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            [source, target] => Self::new(&text, source, target, false),
            [source, target, "ro"] => Self::new(&text, source, target, true),
            _ => Err(format!("mount `{text}` is not `HOST:CONTAINER[:ro]`")),
        }
    }
}

impl From<Mount> for String {
    fn from(mount: Mount) -> Self {
        mount.text
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An amount of memory in bytes: `512m`, `2g`, `1073741824`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Memory(pub u64);

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = bytes(&text)
            .ok_or_else(|| format!("`{text}` is not an amount of memory, such as `512m`"))?;
        if bytes < LEAST_MEMORY {
            return Err(format!(
                "`{text}` is less memory than a container can be started with; expected `6m` or more"
            ));
        }
        Ok(Self(bytes))
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        memory.0.to_string()
    }
}

/// `512m`, `2G`, `64kb`, `1048576`, as Docker reads it.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, factor) = match lower.char_indices().last()? {
        (at, 'k') => (&lower[..at], 1 << 10),
        (at, 'm') => (&lower[..at], 1 << 20),
        (at, 'g') => (&lower[..at], 1 << 30),
        _ => (lower, 1),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let bytes = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    // An API in signed numbers stands between us and the kernel.
    i64::try_from(bytes).is_ok().then_some(bytes)
}

/// The capability that `name` means, as it is written.
pub(super) fn capability(name: &str) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    let known = || capability::NAMES.into_iter().chain([ALL]);
    if known().any(|name| name == bare) {
        return Ok(());
    }
    let begins = |name: &&str| !bare.is_empty() && name.starts_with(bare);
    let hint = known()
        .filter(begins)
        .min()
        .or_else(|| nearest(bare, known()))
        .map(|n| format!("; did you mean `{n}`?"))
        .unwrap_or_default();
    Err(format!("unknown capability `{name}`{hint}"))
}

/// An absolute path of the container.
pub(super) fn absolute(path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        Ok(())
    } else {
        Err(format!("`{path}` is not an absolute path of the container"))
    }
}

/// The path of an HTTP request, with its query.
fn http_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!(
            "`{path}` is not the path of a URL; it begins with `/`"
        ));
    }
    if path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!(
            "`{path}` is not the path of a URL; a space is written `%20`"
        ));
    }
    Ok(())
}

/// A text of which `check` says whether it can be used.
struct Checked<const KIND: u8>(String);

const CAPABILITY: u8 = 0;
const ABSOLUTE: u8 = 1;
const HTTP_PATH: u8 = 2;

impl<'de, const KIND: u8> Deserialize<'de> for Checked<KIND> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let check = match KIND {
            CAPABILITY => capability,
            ABSOLUTE => absolute,
            _ => http_path,
        };
        check(&text).map_err(de::Error::custom)?;
        Ok(Self(text))
    }
}

/// For `deserialize_with`: names of capabilities.
pub(super) fn capabilities<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<Checked<CAPABILITY>>::deserialize(d)?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// For `deserialize_with`: the name of a capability.
pub(super) fn one_capability<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Checked<CAPABILITY>>::deserialize(d)?.map(|name| name.0))
}

/// For `deserialize_with`: an absolute path of the container.
pub(super) fn absolute_path<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(Checked::<ABSOLUTE>::deserialize(d)?.0)
}

/// For `deserialize_with`: an absolute path of the container, or none.
pub(super) fn maybe_absolute_path<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<Checked<ABSOLUTE>>::deserialize(d)?.map(|path| path.0))
}

/// For `deserialize_with`: the path of an HTTP request.
pub(super) fn url_path<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(Checked::<HTTP_PATH>::deserialize(d)?.0)
}

/// For `deserialize_with`: a limit of processes; 0 would be no limit at all.
pub(super) fn some_pids<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    let pids = Option::<u32>::deserialize(d)?;
    if pids == Some(0) {
        return Err(de::Error::custom(
            "`0` is no limit of processes; leave `pids` out for none",
        ));
    }
    Ok(pids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_reads_as_docker_reads_it() {
        let memory = |text: &str| Memory::try_from(text.to_owned()).map(|m| m.0);
        assert_eq!(memory("512m"), Ok(512 << 20));
        assert_eq!(memory("2G"), Ok(2 << 30));
        assert_eq!(memory("65536kb"), Ok(64 << 20));
        assert_eq!(memory("10485760b"), Ok(10 << 20));
        assert_eq!(memory("6m"), Ok(6 << 20));
        for wrong in [
            "",
            "b",
            "m",
            "lots",
            "5m",
            "0",
            "-1",
            "+8m",
            "1.5g",
            "512mbb",
            "99999999999g",
            "9223372036854775808",
        ] {
            assert!(memory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_capability_may_have_its_prefix_and_any_case() {
        for known in ["ALL", "all", "NET_ADMIN", "CAP_NET_ADMIN", "cap_chown"] {
            assert_eq!(capability(known), Ok(()), "{known}");
        }
        assert_eq!(
            capability("NET_ADMN"),
            Err("unknown capability `NET_ADMN`; did you mean `NET_ADMIN`?".into())
        );
        assert!(capability("NET_BIND").is_err_and(|e| e.contains("`NET_BIND_SERVICE`")));
        assert!(capability("").is_err());
    }
}
