//! `fatal: names-the-artifact` — the subject's fatal message names what the fault made absent, or the manifest that it refuses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{ManifestSource, Subject};
use crate::engine::{Exit, Reached, Watch};
use crate::report::text;

/// What the message must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fatal {
    /// It names the artifact by id, path or command.
    NamesTheArtifact,
    /// A line names the manifest that is refused, by its file's name.
    NamesTheManifest,
}

/// The watch for lines that name the subject's manifest; the error is that it has none.
fn manifest_watch(subject: &Subject) -> Result<(String, Watch), String> {
    let path = match &subject.manifest {
        Some(ManifestSource::Host(path) | ManifestSource::Image(path)) => path,
        None => return Err("manifest".to_owned()),
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let pattern = regex::Regex::new(&regex::escape(name)).map_err(|error| error.to_string())?;
    let stream = subject.fatal.stream.stream();
    Ok((name.to_owned(), Watch { stream, pattern }))
}

/// The watch for a subject's fatal messages.
pub(crate) fn watch(subject: &Subject) -> Watch {
    Watch {
        stream: subject.fatal.stream.stream(),
        pattern: subject.fatal.matches.0.clone(),
    }
}

impl Check for Fatal {
    fn watches(&self, subject: &Subject) -> Vec<Watch> {
        match self {
            Self::NamesTheArtifact => vec![watch(subject)],
            Self::NamesTheManifest => manifest_watch(subject)
                .map(|(_, w)| w)
                .into_iter()
                .collect(),
        }
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        match self {
            Self::NamesTheArtifact => Ok(()),
            Self::NamesTheManifest => manifest_watch(subject).map(drop),
        }
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        match self {
            Self::NamesTheArtifact => artifact(context, boot),
            Self::NamesTheManifest => manifest(context, boot),
        }
    }
}

fn manifest(context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
    let (name, watch) = manifest_watch(context.subject)
        .map_err(|claim| Unanswered(format!("the subject does not claim `{claim}`")))?;
    let (_, lines) = boot.matches(&watch)?;
    // A path ends in the name; a longer name is another file's.
    let of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut words = lines
        .iter()
        .flat_map(|line| line.text.split(|c| !of_a_name(c)));
    if words.any(|word| word.trim_end_matches('.') == name) {
        return Ok(Vec::new());
    }
    let expected = format!("a line that names the manifest, `{name}`");
    Ok(vec![
        Finding::new(expected, "no line names it")
            .coded("fatal/manifest-not-named")
            .with(super::ready::last_lines(&boot.log)),
    ])
}

fn artifact(context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
    let fault = context
        .fault
        .ok_or_else(|| Unanswered("the trial has no fault, so no message can name it".into()))?;
    let (count, lines) = boot.matches(&watch(context.subject))?;
    let names = fault.names();
    // A runtime that cannot start the missing program says so itself: no message of the subject can come before that.
    if let Some(Reached::Exited {
        exit: Exit {
            refused: Some(why), ..
        },
        ..
    }) = &boot.reached
        && names.iter().any(|n| names_it(why, n))
    {
        return Ok(Vec::new());
    }
    if lines
        .iter()
        .any(|l| names.iter().any(|n| names_it(&l.text, n)))
    {
        return Ok(Vec::new());
    }
    let expected = format!(
        "a line that matches `{}` and names `{}`",
        context.subject.fatal.matches,
        names.join("` or `")
    );
    if count == 0 {
        return Ok(vec![
            Finding::new(expected, "no line matches")
                .coded("fatal/silent")
                .with(super::ready::last_lines(&boot.log)),
        ]);
    }
    let shown = lines
        .iter()
        .map(|l| format!("{}:{}: {}", l.stream, l.line, l.text));
    Ok(vec![
        Finding::new(
            expected,
            format!("{}, none names it", text::count(count, "fatal line")),
        )
        .coded("fatal/not-named")
        .with(shown),
    ])
}

/// Whether a text has a name as a whole word: `app` is not named by `application`, nor `mcp` by `codex-mcp`.
pub(crate) fn names_it(text: &str, name: &str) -> bool {
    let of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let ends = |rest: &str| {
            let mut next = rest.chars();
            match next.next() {
                // A full stop ends a sentence; before a letter it belongs to a file name.
                Some('.') => !next.next().is_some_and(of_a_word),
                Some(c) => !of_a_word(c),
                None => true,
            }
        };
        let begins = before
            .chars()
            .next_back()
            .is_none_or(|c| !of_a_word(c) && c != '.');
        !name.is_empty() && begins && ends(after)
    })
}

#[cfg(test)]
mod tests {
    use super::names_it;

    #[test]
    fn a_name_is_a_whole_word() {
        for (text, name, named) in [
            ("FATAL: codex not in PATH", "codex", true),
            ("FATAL: missing `codex`.", "codex", true),
            (
                "FATAL: missing /opt/app/index.js",
                "/opt/app/index.js",
                true,
            ),
            ("unrelated to applications", "app", false),
            ("FATAL: openai-codex-mcp missing", "mcp", false),
            ("FATAL: missing /opt/mcp/index.js", "mcp", false),
            ("FATAL: missing app.js", "app", false),
            ("", "", false),
        ] {
            assert_eq!(names_it(text, name), named, "{text}");
        }
    }
}
