//! `files: [{ path: /etc/passwd, mode: '0644' }]` — files of the image; starts no container.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Pattern;

/// Files and what they must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Files(pub Vec<One>);

/// One path; symlinks are followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct One {
    /// Absolute path.
    pub path: String,
    /// Whether it is there, `true` when absent.
    #[serde(default = "yes")]
    pub exists: bool,
    /// Permission bits in octal: `'0644'`.
    #[serde(default)]
    pub mode: Option<String>,
    /// Numeric owner.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Numeric group.
    #[serde(default)]
    pub gid: Option<u32>,
    /// SHA-256 of its content in hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What a line of it must match (text files of at most 256 KiB).
    #[serde(default)]
    pub contains: Option<Pattern>,
}

fn yes() -> bool {
    true
}

impl Check for Files {
    fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Err("its list is empty".into());
        }
        Ok(())
    }

    fn needs_boot(&self) -> bool {
        false
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        if self.0.is_empty() {
            return Err(Unanswered("`files` is empty".into()));
        }
        let mut findings = Vec::new();
        for one in &self.0 {
            findings.extend(one.judge(context)?);
        }
        Ok(findings)
    }
}

impl One {
    fn judge(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unanswered> {
        let path = &self.path;
        let Some(entry) = context.image.resolve(path) else {
            let finding =
                Finding::new(format!("{path} is in the image"), "it is not").coded("files/absent");
            return Ok(if self.exists {
                vec![finding]
            } else {
                Vec::new()
            });
        };
        if !self.exists {
            return Ok(vec![
                Finding::new(
                    format!("{path} is not in the image"),
                    format!("it is a {:?}", entry.kind).to_lowercase(),
                )
                .coded("files/present"),
            ]);
        }
        let mut findings = Vec::new();
        let mut differ = |what: &str, wanted: String, seen: String| {
            if wanted != seen {
                findings.push(
                    Finding::new(format!("{path} has {what} {wanted}"), seen)
                        .coded("files/differs"),
                );
            }
        };
        if let Some(mode) = &self.mode {
            let wanted = u32::from_str_radix(mode, 8)
                .map_err(|_not_octal| Unanswered(format!("`{mode}` is not an octal mode")))?;
            differ(
                "mode",
                format!("{wanted:04o}"),
                format!("{:04o}", entry.mode),
            );
        }
        if let Some(uid) = self.uid {
            differ("uid", uid.to_string(), entry.uid.to_string());
        }
        if let Some(gid) = self.gid {
            differ("gid", gid.to_string(), entry.gid.to_string());
        }
        if let Some(sha256) = &self.sha256 {
            differ(
                "SHA-256",
                sha256.to_ascii_lowercase(),
                entry.sha256.clone().unwrap_or_else(|| "no content".into()),
            );
        }
        if let Some(pattern) = &self.contains {
            // Of a script that is too large only the beginning is kept.
            let whole = |text: &&[u8]| text.len() as u64 == entry.size;
            let text = context.image.text(path).filter(whole).ok_or_else(|| {
                Unanswered(format!("{path} is not a text file of at most 256 KiB"))
            })?;
            if !String::from_utf8_lossy(text)
                .lines()
                .any(|l| pattern.0.is_match(l))
            {
                findings.push(
                    Finding::new(
                        format!("a line of {path} matches `{pattern}`"),
                        "no line does",
                    )
                    .coded("files/content"),
                );
            }
        }
        Ok(findings)
    }
}
