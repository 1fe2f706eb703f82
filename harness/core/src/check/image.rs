//! `image: { non-root: true, no-setuid: true }` — the image's configuration and modes; starts no container.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::engine::Image;

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageCheck {
    /// `USER`, or the subject's `run.user`, is not root.
    #[serde(default)]
    pub non_root: bool,
    /// No file of the image is setuid or setgid to another user than its own.
    #[serde(default)]
    pub no_setuid: bool,
}

impl Check for ImageCheck {
    fn asks(&self) -> Result<(), String> {
        if !self.non_root && !self.no_setuid {
            return Err("none of its rules is `true`".into());
        }
        Ok(())
    }

    fn needs_boot(&self) -> bool {
        false
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let mut findings = Vec::new();
        let user = context
            .subject
            .run
            .user
            .as_ref()
            .map(|u| u.value.as_str())
            .unwrap_or(&context.image.config.user);
        if self.non_root && !context.subject.needs.iter().any(|n| n.root) {
            findings.extend(root(context.image, user));
        }
        if self.no_setuid {
            let files = context
                .image
                .entries
                .values()
                .filter(|e| e.kind == adamant_probe::Kind::File && e.mode & 0o6000 != 0);
            let shown: Vec<String> = files
                .map(|e| {
                    format!(
                        "{} (mode {:04o}, uid {}, gid {})",
                        e.path, e.mode, e.uid, e.gid
                    )
                })
                .collect();
            if let Some(first) = shown.first().cloned() {
                findings.push(
                    Finding::new("no file of the image is setuid or setgid", first)
                        .coded("image/setuid")
                        .about(shown),
                );
            }
        }
        Ok(findings)
    }
}

/// The user is decided as a runtime does it: a number is a uid, a name is looked up in the image's passwd file.
fn root(image: &Image, user: &str) -> Option<Finding> {
    let name = user.split(':').next().unwrap_or_default();
    let seen = match image.user_ids(name) {
        Some((0, _)) if name.is_empty() => "it sets none, so root".to_owned(),
        Some((0, _)) => format!("`{user}`, which is uid 0"),
        Some(_) => return None,
        None => {
            let expected = format!("USER `{user}` is in the image's /etc/passwd");
            return Some(
                Finding::new(expected, "it is not, so nobody knows its uid")
                    .coded("image/unknown-user"),
            );
        }
    };
    Some(Finding::new("the image's USER is not root", seen).coded("image/root"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use adamant_probe::{Entry, Kind};

    #[test]
    fn root_is_who_has_uid_0() {
        let mut image = Image::default();
        for (path, kind) in [("/etc", Kind::Dir), ("/etc/passwd", Kind::File)] {
            image
                .entries
                .insert(path.into(), Entry::new(path, kind, 0o644));
        }
        let passwd = b"root:x:0:0::/:\ntoor:x:0:0::/:\napp:x:1000:1000::/:\n";
        image.texts.insert("/etc/passwd".into(), passwd.to_vec());
        for bad in ["", "root", "toor", "0", "0000", "+0", "0:1000", "nobody"] {
            assert!(root(&image, bad).is_some(), "{bad}");
        }
        for good in ["app", "1000", "65532:65532", "app:staff"] {
            assert_eq!(root(&image, good), None, "{good}");
        }
    }
}
