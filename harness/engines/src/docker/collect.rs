//! Takes images back that earlier runs gave to the daemon: each run finds its own by content, and makes it again when it is gone.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use adamant_core::engine::EngineError;
use adamant_core::run::{Cancel, Deadline};

use super::client::{Client, api, found};
use super::{companion, connect, images};
use crate::owner;

/// How long an image is kept for the next run.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// What a daemon says of an image that a container uses.
const IN_USE: u16 = 409;
const PATIENCE: Duration = Duration::from_secs(120);

/// Removes images of ours that no container uses and no living run may need; those of the last day stay, unless `all` go.
///
/// `None` where a run of ours is at work: it may have looked for an image that it has not used yet. No daemon has no images.
pub fn collect(all: bool) -> Result<Option<Vec<String>>, EngineError> {
    if !connect::listens() {
        return Ok(Some(Vec::new()));
    }
    let deadline = Deadline::after(PATIENCE, &Cancel::default());
    let client = connect::connect(&deadline)?;
    let (here, now) = (owner::Here::read(), SystemTime::now());
    let objects = client.objects(&deadline)?;
    if objects
        .iter()
        .any(|object| !owner::is_abandoned(&object.labels, &here, now))
    {
        return Ok(None);
    }
    let mut removed = Vec::new();
    for reference in client.ours(&deadline)? {
        if (all || client.is_old(&reference, now, &deadline)?)
            && client.untag(&reference, &deadline)?
        {
            removed.push(format!("image {reference}"));
        }
    }
    Ok(Some(removed))
}

impl Client {
    /// The names of what we have loaded.
    fn ours(&self, deadline: &Deadline) -> Result<Vec<String>, EngineError> {
        let mut names = Vec::new();
        for repository in [images::REPOSITORY, companion::REPOSITORY] {
            let filters = HashMap::from([("reference", vec![repository])]);
            let options = api::query_parameters::ListImagesOptionsBuilder::new()
                .filters(&filters)
                .build();
            let listed = self.call(
                "list images",
                deadline,
                self.docker.list_images(Some(options)),
            )?;
            let tags = listed.into_iter().flat_map(|image| image.repo_tags);
            // An image may have a user's name beside ours.
            names.extend(tags.filter(|tag| tag.starts_with(&format!("{repository}:"))));
        }
        Ok(names)
    }

    fn is_old(
        &self,
        reference: &str,
        now: SystemTime,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        let work = self.docker.inspect_image(reference);
        let image = found(self.call(&format!("look at the image `{reference}`"), deadline, work))?;
        let tagged = image.and_then(|image| image.metadata?.last_tag_time);
        Ok(tagged.is_none_or(|at| {
            now.duration_since(SystemTime::from(at))
                .is_ok_and(|age| age >= KEPT)
        }))
    }

    /// Takes a name of ours away, and the image with its last name; answers whether it was there and nobody used it.
    fn untag(&self, reference: &str, deadline: &Deadline) -> Result<bool, EngineError> {
        let options = None::<api::query_parameters::RemoveImageOptions>;
        let work = self.docker.remove_image(reference, options, None);
        let removed = self.call(&format!("remove the image `{reference}`"), deadline, work);
        if removed
            .as_ref()
            .is_err_and(|trouble| trouble.status() == Some(IN_USE))
        {
            return Ok(false);
        }
        Ok(found(removed)?.is_some())
    }
}
