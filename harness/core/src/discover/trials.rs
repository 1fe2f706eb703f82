//! The plan: each case on each subject on each engine, once for each place where its fault applies.

use std::sync::Arc;

use super::{CaseFile, SubjectFile};
use crate::case::{Artifact, FaultForm, FaultKind, Manifest, ManifestState};

/// A case on a subject on an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTrial {
    /// `<engine>::<subject>::<spec>::<case-stem>[::<variant>]`.
    pub name: String,
    /// The engine's name.
    pub engine: &'static str,
    /// The subject.
    pub subject: Arc<SubjectFile>,
    /// The case.
    pub case: Arc<CaseFile>,
    /// The id of the artifact that the fault makes absent.
    pub variant: Option<String>,
}

impl PlannedTrial {
    /// The artifact that the fault makes absent.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact> {
        // A variant of a manifest is no artifact, whatever it is called.
        self.fault()?;
        let id = self.variant.as_ref()?;
        self.subject.subject.artifacts().find(|a| a.id == *id)
    }

    /// Whether this is the trial's whole name, with or without its engine and subject.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.name.splitn(3, "::").nth(2) == Some(name)
    }

    /// The kind of fault, when there is one.
    #[must_use]
    pub fn fault(&self) -> Option<FaultKind> {
        self.case.case.boot.as_ref()?.fault
    }

    /// The name as a relative path, for evidence.
    #[must_use]
    pub fn path(&self) -> std::path::PathBuf {
        name_path(&self.name)
    }
}

/// A trial's name as a relative path.
pub(crate) fn name_path(name: &str) -> std::path::PathBuf {
    let clean = |part: &str| -> String {
        part.chars()
            .map(|c| {
                if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                    c
                } else {
                    '_'
                }
            })
            .collect()
    };
    name.split("::")
        .map(clean)
        .map(|p| {
            if p.trim_matches('.').is_empty() {
                "_".into()
            } else {
                p
            }
        })
        .collect()
}

/// Every trial, in a stable order: by engine, subject, case, variant.
#[must_use]
pub fn plan(
    engines: &[&'static str],
    subjects: &[Arc<SubjectFile>],
    cases: &[Arc<CaseFile>],
) -> Vec<PlannedTrial> {
    let mut trials = Vec::new();
    for engine in engines {
        for subject in subjects {
            for case in cases {
                for variant in variants(subject, case) {
                    let mut name = format!(
                        "{engine}::{}::{}::{}",
                        subject.subject.name,
                        case.case.spec,
                        case.stem()
                    );
                    if let Some(variant) = &variant {
                        name.push_str("::");
                        name.push_str(variant);
                    }
                    trials.push(PlannedTrial {
                        name,
                        engine,
                        subject: subject.clone(),
                        case: case.clone(),
                        variant,
                    });
                }
            }
        }
    }
    trials
}

fn variants(subject: &SubjectFile, case: &CaseFile) -> Vec<Option<String>> {
    let boot = case.case.boot.as_ref();
    let Some(fault) = boot.and_then(|b| b.fault) else {
        return manifests(subject, boot.map(|b| b.manifest).unwrap_or_default());
    };
    if fault == FaultKind::DiscoveredArtifactAbsent {
        return vec![None];
    }
    let form = boot.map(|b| b.form).unwrap_or_default();
    let chosen = subject
        .subject
        .artifacts()
        .filter(|a| a.is_file())
        // Nobody executes what is only a file; that it is one nobody may execute is how it was shipped.
        .filter(|a| form != FaultForm::NotExecutable || a.command.is_some() || a.mcp.is_some())
        .filter(|a| {
            // Unknown while the manifest is in an image: planned, and decided when the image is there.
            let on = match (&a.when, &subject.manifest) {
                (None, _) => Some(true),
                (Some(flag), Some(manifest)) => manifest.flag(flag).ok(),
                (Some(_), None) => None,
            };
            match fault {
                FaultKind::RequiredArtifactAbsent => a.required && on != Some(false),
                FaultKind::OptionalArtifactAbsent => !a.required || on != Some(true),
                FaultKind::DiscoveredArtifactAbsent => false,
            }
        });
    let chosen: Vec<Option<String>> = chosen.map(|a| Some(a.id.clone())).collect();
    // No place to apply it: one trial remains, which says so.
    if chosen.is_empty() {
        vec![None]
    } else {
        chosen
    }
}

/// What a manifest is changed to: a feature each, or the ways in which it is invalid.
fn manifests(subject: &SubjectFile, state: ManifestState) -> Vec<Option<String>> {
    let mut flags: Vec<String> = Vec::new();
    for flag in subject.subject.artifacts().filter_map(|a| a.when.clone()) {
        // While the manifest is in an image, whether it is off as shipped is decided when the image is there.
        let on = |manifest: &Manifest| manifest.flag(&flag) != Ok(false);
        if !flags.contains(&flag) && subject.manifest.as_ref().is_none_or(on) {
            flags.push(flag);
        }
    }
    match state {
        ManifestState::AsShipped | ManifestState::AllOn => vec![None],
        // One trial remains, which says so.
        _ if flags.is_empty() => vec![None],
        ManifestState::EachOff => flags.into_iter().map(Some).collect(),
        ManifestState::Invalid => ManifestState::WAYS.map(|way| Some(way.to_owned())).into(),
    }
}
