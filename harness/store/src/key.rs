//! Keys of snapshots: `<org>/<project>/<branch>.tar`, where no component can name anything but itself.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Below the 255 bytes of a file name, with room for `.tar`.
const LONGEST: usize = 200;
/// How much of a component stays readable when it is too long.
const READABLE: usize = 140;
const SUFFIX: &str = ".tar";

/// The key of a snapshot (seed 002: `<orgId>/<vmcpId>/<branch>.tar`).
///
/// Two different names never have the same key: what is not a letter, a digit, `.`, `_`, `-`, `@`, `+` or `=` is
/// percent-encoded, and a component that is too long ends in its digest. A `/` in a branch stays hierarchy; a component
/// `.` or `..` is encoded, so that it is a name like any other.
///
/// ```
/// use adamant_store::Key;
///
/// let key = Key::new("acme", "shop", "feature/../basket")?;
/// assert_eq!(key.path(), "acme/shop/feature/%2E%2E/basket.tar");
/// # Ok::<(), adamant_store::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A component has no text.
    #[error("the {part} of key `{key}` has an empty component")]
    Empty {
        /// `organisation`, `project` or `branch`.
        part: &'static str,
        /// The key as it was given.
        key: String,
    },
    /// It has fewer than three components.
    #[error("key `{0}` has not the form `ORGANISATION/PROJECT/BRANCH`")]
    Form(String),
    /// No store takes a path of this length.
    #[error("key of {0} bytes is longer than 1024")]
    Long(usize),
}

impl Key {
    /// The key of a branch of a project of an organisation.
    ///
    /// # Errors
    /// When a component is empty, or all together is longer than the 1024 bytes that S3 allows with its prefix.
    pub fn new(org: &str, project: &str, branch: &str) -> Result<Self, KeyError> {
        let given = || format!("{org}/{project}/{branch}");
        let mut parts = vec![("organisation", org), ("project", project)];
        parts.extend(branch.split('/').map(|name| ("branch", name)));
        let last = parts.len() - 1;
        let mut path = String::new();
        for (n, (part, name)) in parts.into_iter().enumerate() {
            if name.is_empty() {
                return Err(KeyError::Empty { part, key: given() });
            }
            if n > 0 {
                path.push('/');
            }
            let mut safe = component(name);
            // A directory `a.tar` and the snapshot of branch `a` would want the same name.
            if n != last
                && let Some(stem) = safe.strip_suffix(SUFFIX)
            {
                safe = format!("{stem}%2Etar");
            }
            path.push_str(&safe);
        }
        path.push_str(SUFFIX);
        if path.len() > 900 {
            return Err(KeyError::Long(path.len()));
        }
        Ok(Self(path))
    }

    /// The path below the base of a store, with `/` between components.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads `ORGANISATION/PROJECT/BRANCH` as a person types it.
impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(org), Some(project), Some(branch)) => Self::new(org, project, branch),
            _ => Err(KeyError::Form(text.to_owned())),
        }
    }
}

fn component(name: &str) -> String {
    let dots = matches!(name, "." | "..");
    let mut safe = String::with_capacity(name.len());
    for byte in name.bytes() {
        let plain =
            byte.is_ascii_alphanumeric() || b"_-@+=".contains(&byte) || (byte == b'.' && !dots);
        if plain {
            safe.push(char::from(byte));
        } else {
            safe.push('%');
            for digit in [byte >> 4, byte & 15] {
                safe.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    if safe.len() > LONGEST {
        let digest = hex(&Sha256::digest(name.as_bytes()));
        safe.truncate(READABLE);
        // `~` is encoded everywhere else, so that no other name ends like this.
        safe.push('~');
        safe.push_str(&digest[..32]);
    }
    safe
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn hierarchy_stays_and_dots_are_names() {
        let key = |text: &str| text.parse::<Key>().unwrap().0;
        assert_eq!(key("o/p/main"), "o/p/main.tar");
        assert_eq!(key("o/p/user/fix-1.2"), "o/p/user/fix-1.2.tar");
        assert_eq!(key("../../etc/passwd"), "%2E%2E/%2E%2E/etc/passwd.tar");
        assert_eq!(key("o/p/a.tar/b"), "o/p/a%2Etar/b.tar");
        assert_ne!(key("o/p/a b"), key("o/p/a_b"));
        assert_ne!(key("o/p/a%20b"), key("o/p/a b"));
    }

    #[test]
    fn what_is_no_key_is_told() {
        let error = |text: &str| text.parse::<Key>().unwrap_err().to_string();
        assert_eq!(
            error("o/p"),
            "key `o/p` has not the form `ORGANISATION/PROJECT/BRANCH`"
        );
        assert_eq!(
            error("o//b"),
            "the project of key `o//b` has an empty component"
        );
        assert_eq!(
            error("o/p/a//b"),
            "the branch of key `o/p/a//b` has an empty component"
        );
        assert!(error(&format!("o/p/{}", "x/".repeat(600) + "x")).contains("longer"));
    }

    /// Names that try to be paths, drawn more often than chance would.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            "[^/]{1,8}",
            "(\\.|%|~|\\\\|:|\u{0}|tar|[a-b]){1,5}",
            Just("..".to_owned()),
            "[.~x]{190,300}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_key_is_a_path_of_plain_components(org in name(), project in name(), branch in proptest::collection::vec(name(), 1..3)) {
            let key = Key::new(&org, &project, &branch.join("/")).unwrap();
            let path = Path::new(key.path());
            prop_assert!(path.components().all(|c| matches!(c, Component::Normal(_))), "{key}");
            prop_assert_eq!(path.components().count(), 2 + branch.len());
            prop_assert!(path.components().all(|c| c.as_os_str().len() <= 255));
            prop_assert!(key.path().bytes().all(|b| b.is_ascii_graphic() && !b"\\:*?\"<>|".contains(&b)));
        }

        #[test]
        fn different_names_have_different_keys(a in (name(), name(), name()), b in (name(), name(), name())) {
            let key = |n: &(String, String, String)| Key::new(&n.0, &n.1, &n.2).unwrap();
            prop_assert_eq!(a == b, key(&a) == key(&b));
        }

        /// The file of one key is never the directory of another.
        #[test]
        fn no_key_is_a_directory_of_another(a in name(), b in proptest::collection::vec(name(), 2..3)) {
            let file = Key::new("o", "p", &a).unwrap();
            let deep = Key::new("o", "p", &b.join("/")).unwrap();
            let below = format!("{}/", file.path());
            prop_assert!(!deep.path().starts_with(&below));
        }
    }
}
