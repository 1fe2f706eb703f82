//! A trial with another manifest: where it lies in the image, what it says instead, and which artifacts that switches on.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Skip;
use super::trial::{Stop, Trial, skipped};
use crate::case::{FaultForm, Manifest, ManifestSource, ManifestState};
use crate::check::Unanswered;
use crate::engine::{Fault, Image};

impl Trial<'_> {
    /// What the case's boot makes of the manifest.
    pub(super) fn manifest_state(&self) -> ManifestState {
        let boot = self.plan.case.case.boot.as_ref();
        boot.map(|boot| boot.manifest).unwrap_or_default()
    }

    /// The manifest's other text, at its place in the image; `None` where it stays as shipped.
    pub(super) fn altered_manifest(&self, image: &Image) -> Result<Option<Fault>, Stop> {
        let state = self.manifest_state();
        if state == ManifestState::AsShipped {
            return Ok(None);
        }
        let (path, text) = self.shipped(image)?;
        let artifacts = self.plan.subject.subject.artifacts();
        let mut flags: Vec<&str> = artifacts.filter_map(|a| a.when.as_deref()).collect();
        flags.sort_unstable();
        flags.dedup();
        let Some(first) = flags.first() else {
            let why = "no artifact of the subject has a `when`: nothing is known to be switched";
            return Err(skipped(Skip::NotApplicable, why));
        };
        let set = |flags: &[&str], on: bool| {
            let values: Vec<(&str, Value)> = flags.iter().map(|f| (*f, on.into())).collect();
            Manifest::with(&path, &text, &values)
        };
        let variant = self.plan.variant.as_deref().unwrap_or_default();
        let other = match state {
            ManifestState::AsShipped | ManifestState::AllOn => set(&flags, true),
            ManifestState::EachOff => set(&[variant], false),
            ManifestState::Invalid => Manifest::spoiled(&path, &text, variant, first),
        };
        let other = other.map_err(|error| Unanswered(error.to_string()))?;
        if other == text {
            let why = match state {
                ManifestState::EachOff => {
                    format!("`{variant}` is switched off as shipped: RC-002-01 is about that")
                }
                _ => "every feature is switched on as shipped: RC-002-01 is about that".to_owned(),
            };
            return Err(skipped(Skip::NotApplicable, why));
        }
        let mut fault = Fault::new(path, FaultForm::Absent);
        fault.text = Some(other);
        Ok(Some(fault))
    }

    /// The path and the text of the manifest in the image. One that the subject names on the host is the file of the image
    /// that has its name and its content.
    fn shipped(&self, image: &Image) -> Result<(String, String), Stop> {
        let subject = &self.plan.subject.subject;
        let text_of = |path: &str| {
            let bytes = image.text(path)?.to_vec();
            String::from_utf8(bytes).ok()
        };
        let not_there = |why: String| Err(skipped(Skip::NotClaimed, why));
        match (&subject.manifest, &subject.manifest_text) {
            (Some(ManifestSource::Image(path)), _) => match text_of(path) {
                Some(text) => Ok((path.clone(), text)),
                None => Err(Unanswered(format!(
                    "the manifest {path} is not a text file of the image"
                ))
                .into()),
            },
            (Some(ManifestSource::Host(path)), Some(text)) => {
                let name = path.rsplit('/').next().unwrap_or(path);
                let digest: String = Sha256::digest(text.as_bytes())
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect();
                let same = |entry: &&adamant_probe::Entry| {
                    entry.sha256.as_ref() == Some(&digest)
                        && entry.path.rsplit('/').next() == Some(name)
                };
                match image.entries.values().find(same) {
                    Some(entry) => Ok((entry.path.clone(), text.clone())),
                    None => not_there(format!(
                        "not claimed: no file of the image is the manifest `{name}`; name it with `manifest: image:PATH`"
                    )),
                }
            }
            _ => not_there("not claimed: the subject has no `manifest`".to_owned()),
        }
    }
}
