//! `entrypoint: installs-nothing` — the scripts of the boot chain, read from the image (PRD-002 AC-1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::engine::Image;
use crate::shell::{self, Class, File};

/// What is judged of the scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Entrypoint {
    /// No command resolves dependencies or fetches software.
    InstallsNothing,
    /// No failure of a boot-critical step is swallowed.
    SwallowsNothing,
}

impl Check for Entrypoint {
    fn needs_boot(&self) -> bool {
        false
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let image = context.image;
        let argv = match (&context.subject.entrypoint, &context.subject.run.args) {
            (Some(entrypoint), _) => vec![entrypoint.path.clone()],
            (None, Some(args)) => image
                .config
                .entrypoint
                .iter()
                .chain(args)
                .cloned()
                .collect(),
            (None, None) => image
                .config
                .entrypoint
                .iter()
                .chain(&image.config.cmd)
                .cloned()
                .collect(),
        };
        if argv.is_empty() {
            return Ok(vec![Finding::new(
                "the image has an ENTRYPOINT or CMD",
                "it has neither, and the subject names no entrypoint",
            )]);
        }
        if let Some(entrypoint) = &context.subject.entrypoint
            && image.resolve(&entrypoint.path).is_none()
        {
            return Ok(vec![Finding::new(
                format!("the entrypoint {} is in the image", entrypoint.path),
                "it is not",
            )]);
        }
        let lint = shell::boot_chain(&argv, &|path| file(image, path), image.path_env());
        let mut findings: Vec<Finding> = lint
            .smells
            .iter()
            .filter(|s| self.is_about(s.class))
            .map(smell)
            .collect();
        findings.extend(lint.unparsed.iter().map(|u| {
            let expected = format!("the script {} can be read whole", u.file);
            Finding::new(expected, format!("{}:{}: {}", u.file, u.line, u.why))
        }));
        Ok(findings)
    }
}

impl Entrypoint {
    fn is_about(self, class: Class) -> bool {
        match class {
            Class::Install | Class::Fetch => self == Self::InstallsNothing,
            Class::Swallow => self == Self::SwallowsNothing,
        }
    }
}

fn smell(smell: &shell::Smell) -> Finding {
    let chain = if smell.reached_by.is_empty() {
        String::new()
    } else {
        format!(", reached by {}", smell.reached_by.join(" → "))
    };
    let finding = Finding::new(
        smell.explain,
        format!("{}:{}: `{}`{chain}", smell.file, smell.line, smell.text),
    );
    finding.with([
        format!("rule {} ({})", smell.rule, smell.clause),
        format!("fix: {}", smell.fix),
    ])
}

fn file(image: &Image, path: &str) -> Option<File> {
    let entry = image.resolve(path)?;
    // A file without kept text is binary or too large to be a script: its magic number says so.
    let text = image
        .texts
        .get(&entry.path)
        .cloned()
        .unwrap_or_else(|| b"\x7fELF".to_vec());
    Some(File {
        text,
        path: entry.path.clone(),
        executable: entry.mode & 0o111 != 0,
    })
}
