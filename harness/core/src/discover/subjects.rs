//! A subject file with what it refers to on this host: image source, manifest, environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::case::{At, Manifest, ManifestSource, Mount, ParseError, Span, Subject};
use crate::check::is_under;
use crate::engine::{Image, ImageSource};
use crate::redact::{Redactor, Secrets};

/// A subject and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectFile {
    /// The file.
    pub path: PathBuf,
    /// What it says, with what its compose file adds.
    pub subject: Subject,
    /// Its image.
    pub image: ImageSource,
    /// The image asked for in place of the subject's own.
    pub image_override: Option<String>,
    /// The manifest, when it is a file of the host.
    pub manifest: Option<Manifest>,
    /// The environment with `${NAME}` filled in.
    pub env: BTreeMap<String, String>,
    /// What came from the host's environment: never shown.
    pub secrets: Secrets,
}

impl SubjectFile {
    /// What of the run options an image cannot do: nothing to run, a user that it does not know.
    pub fn fits(&self, image: &Image) -> Result<(), ParseError> {
        let config = &image.config;
        let args = self.subject.run.args.as_ref().unwrap_or(&config.cmd);
        if config.entrypoint.is_empty() && args.is_empty() {
            let told = format!(
                "`{}` has neither ENTRYPOINT nor CMD, and nothing says what to run; add `run: {{ args: [PROGRAM, …] }}`",
                self.image
            );
            return Err(ParseError::file(&self.path, told));
        }
        let Some(user) = &self.subject.run.user else {
            return Ok(());
        };
        // A file that is too large, or mounted, is known to the engine alone.
        let unread = ["/etc/passwd", "/etc/group"].iter().any(|file| {
            let is_mounted = |m: &At<Mount>| is_under(file, m.value.target());
            image.resolve(file).is_some() && image.text(file).is_none()
                || self.subject.run.mounts.iter().any(is_mounted)
        });
        if unread || image.user_ids(&user.value).is_some() {
            return Ok(());
        }
        let told = format!(
            "user `{}` is not known to the passwd and group files of `{}`; name one that is, or give numbers",
            user.value, self.image
        );
        Err(user.error(&self.path, Redactor::new(&self.secrets).text(&told)))
    }

    /// The same contract for another image, as the controls use it.
    #[must_use]
    pub fn with_image(&self, name: &str, image: ImageSource, within: Option<Span>) -> Self {
        let mut other = self.clone();
        other.subject.name = name.to_owned();
        other.image_override = Some(image.to_string());
        other.image = image;
        if let (Some(ready), Some(within)) = (&mut other.subject.ready, within) {
            ready.within = within;
        }
        other
    }
}

/// Reads a subject file; `image` replaces its image when given (relative to the working directory).
pub fn read_subject(path: &Path, image: Option<&str>) -> Result<Arc<SubjectFile>, ParseError> {
    // A directory stands for the subject file in it, as users expect of such tools.
    let path = if path.is_dir() {
        path.join("adamant.yaml")
    } else {
        path.to_owned()
    };
    let mut subject = Subject::read(&path)?;
    let base = path.parent().unwrap_or(Path::new("."));
    let wrong = |message: String| ParseError::file(&path, message);
    let source = match image {
        Some(text) => ImageSource::parse(text, Path::new("")),
        None => ImageSource::parse(&subject.image, base),
    };
    let source = source.map_err(wrong)?;
    let manifest = match &subject.manifest {
        Some(ManifestSource::Host(file)) => {
            let at = base.join(file);
            let text = fs_err::read_to_string(&at).map_err(|e| {
                wrong(format!(
                    "manifest `{}` cannot be read: {}",
                    at.display(),
                    e.kind()
                ))
            })?;
            let manifest = Manifest::parse(file, &text).map_err(|e| wrong(e.to_string()))?;
            for artifact in subject.artifacts() {
                artifact
                    .when
                    .iter()
                    .try_for_each(|flag| manifest.flag(flag).map(drop))
                    .map_err(|e| wrong(e.to_string()))?;
            }
            subject.manifest_text = Some(text);
            Some(manifest)
        }
        _ => None,
    };
    for mount in &subject.run.mounts {
        // Looked at now: a boot that must fail is not tried.
        mount
            .value
            .on_host(base)
            .map_err(|why| mount.error(&path, why))?;
    }
    let mut secrets = subject.run.secrets.clone();
    let mut env = subject.run.compose_env.clone();
    for (name, at) in &subject.run.env {
        let known = secrets.values.len();
        let filled = fill(&at.value, &mut secrets.values).map_err(|why| at.error(&path, why))?;
        if secrets.values.len() > known {
            secrets.named.insert(name.clone(), filled.clone());
        }
        env.insert(name.clone(), filled);
    }
    if let Some(workspace) = &mut subject.workspace {
        // What opens a daemon is shown nowhere, wherever it stands.
        workspace.token = env.get(&workspace.token_env).cloned();
        secrets.values.extend(workspace.token.clone());
    }
    Ok(Arc::new(SubjectFile {
        path,
        subject,
        image: source,
        image_override: image.map(str::to_owned),
        manifest,
        env,
        secrets,
    }))
}

/// Replaces each `${NAME}` by the host's value.
fn fill(text: &str, secrets: &mut Vec<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        let Some(end) = after.find('}') else {
            return Err(format!("`{text}` has `${{` without `}}`"));
        };
        let name = &after[2..end];
        let value = crate::env::host(name).ok_or_else(|| {
            format!("`{text}` needs the environment variable `{name}`, which is not set")
        })?;
        filled.push_str(before);
        filled.push_str(&value);
        secrets.push(value);
        rest = &after[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}
