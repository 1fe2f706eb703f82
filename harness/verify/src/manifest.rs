//! The manifest against the image: each feature that is switched on is known, and what it stands for is there.

use adamant_core::case::{Artifact, ArtifactKind};
use adamant_probe::Kind;
use globset::GlobBuilder;

use crate::finding::{Finding, Place, Report, Room};
use crate::programs;
use crate::rule;
use crate::subject::{ReadManifest, Target};

/// Judges the room.
pub(crate) fn judge(target: &Target, report: &mut Report) {
    let manifest = target.manifest();
    if let Some(manifest) = &manifest {
        match &manifest.parsed {
            Err(why) => {
                let finding =
                    Finding::new(&rule::MANIFEST_UNREADABLE, Place::file(&manifest.path), why);
                report.add(finding.because("nothing says which features are switched on, so that every artifact is looked for"));
            }
            Ok(_) => flags(target, manifest, report),
        }
    }
    let enabled = target.enabled();
    for artifact in &enabled {
        if let Some(seen) = missing(target, artifact) {
            report.add(absent(artifact, manifest.as_ref(), seen));
        }
    }
    report.count(Room::Manifest, "artifact", enabled.len());
}

/// The flags that the subject names and the manifest does not have, and the other way round.
fn flags(target: &Target, manifest: &ReadManifest, report: &mut Report) {
    let Ok(parsed) = &manifest.parsed else { return };
    let known: Vec<&str> = target
        .subject
        .artifacts()
        .filter_map(|a| a.when.as_deref())
        .collect();
    for artifact in target.subject.artifacts() {
        if let Some(flag) = &artifact.when
            && parsed.flag(flag).is_err()
        {
            let seen = format!("the manifest has no flag `{flag}` that is true or false");
            let finding = Finding::new(&rule::MANIFEST_FLAG, Place::file(&manifest.path), seen);
            report.add(finding.because(format!("artifact `{}` is switched on by it", artifact.id)));
        }
    }
    let flags = parsed.flags();
    let section = |path: &str| {
        path.rsplit_once('.')
            .map_or("", |(section, _)| section)
            .to_owned()
    };
    for (path, _) in flags.iter().filter(|(_, on)| *on) {
        let switch = path.strip_suffix(".enabled");
        let flag = switch.unwrap_or(path);
        // What stands inside a known feature's own table is a setting of it.
        let inside = |k: &&str| {
            flag.strip_prefix(k)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        if known.contains(&flag) || known.iter().any(inside) {
            continue;
        }
        let place = Place {
            file: manifest.path.clone(),
            line: line_of(&manifest.text, flag),
        };
        let beside = known.iter().any(|k| section(k) == section(flag));
        if !beside && switch.is_none() {
            let why = "it is true, but stands in no section of which the subject knows a feature; declare its artifacts with `when` if it is one";
            report.note(Room::Manifest, format!("`{flag}` of {place}"), why);
            continue;
        }
        let seen =
            format!("`{flag}` is switched on, and no artifact of the subject has `when: {flag}`");
        let finding = Finding::new(&rule::MANIFEST_UNKNOWN, place, seen);
        report.add(finding.because(
            "nobody has said what must be in the image for it, so that nothing proves it",
        ));
    }
    let on = flags.iter().filter(|(_, on)| *on).count();
    report.count(Room::Manifest, "feature", on);
}

/// The line at which a feature is switched on, in TOML, YAML or JSON: its `enabled`, or the flag itself.
pub(crate) fn line_of(text: &str, flag: &str) -> Option<u32> {
    find_line(text, &format!("{flag}.enabled")).or_else(|| find_line(text, flag))
}

/// The line of a dotted key, as far as its parts can be followed from the top.
fn find_line(text: &str, key: &str) -> Option<u32> {
    let parts: Vec<&str> = key.split('.').collect();
    let bare = |key: &str| key.trim().trim_matches(['"', '\'']).to_owned();
    let mut section: Vec<String> = Vec::new();
    let (mut next, mut header) = (0, None);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let number = u32::try_from(number + 1).ok()?;
        if let Some(head) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = head.trim_matches(['[', ']']).split('.').map(bare).collect();
            if section == parts {
                header = Some(number);
            }
            continue;
        }
        let Some(end) = line.find(['=', ':']) else {
            continue;
        };
        let own: Vec<String> = line[..end]
            .trim_start_matches('{')
            .split('.')
            .map(bare)
            .collect();
        let whole: Vec<&str> = section.iter().chain(&own).map(String::as_str).collect();
        if whole == parts {
            return Some(number);
        }
        // YAML and JSON: each key of the path comes after the one that it stands under.
        if section.is_empty() && parts.get(next).is_some_and(|part| own == [*part]) {
            next += 1;
            if next == parts.len() {
                return Some(number);
            }
        }
    }
    header
}

fn absent(artifact: &Artifact, manifest: Option<&ReadManifest>, seen: String) -> Finding {
    let (place, cause) = match (&artifact.when, manifest) {
        (Some(flag), Some(manifest)) => {
            let place = Place {
                file: manifest.path.clone(),
                line: line_of(&manifest.text, flag),
            };
            (
                place,
                format!(
                    "`{flag}` is switched on and artifact `{}` belongs to it",
                    artifact.id
                ),
            )
        }
        _ => (
            Place::configuration(),
            format!("artifact `{}` belongs to the subject always", artifact.id),
        ),
    };
    Finding::new(&rule::MANIFEST_MISSING, place, seen).because(cause)
}

/// What of an artifact is not in the image.
fn missing(target: &Target, artifact: &Artifact) -> Option<String> {
    let there = |path: &str| target.image.resolve(path).is_some() || target.is_mounted(path);
    match artifact.kind().ok()? {
        ArtifactKind::Path(path) => (!there(path)).then(|| format!("`{path}` is not in the image")),
        ArtifactKind::Load(load) => {
            let file = &load.path;
            let first = load.run.first()?;
            if !there(file) {
                return Some(format!("`{file}` is not in the image"));
            }
            unrunnable(target, first)
        }
        ArtifactKind::Glob(glob) => {
            let matcher = GlobBuilder::new(glob)
                .literal_separator(true)
                .build()
                .ok()?;
            let matcher = matcher.compile_matcher();
            let found = target
                .image
                .entries
                .keys()
                .any(|path| matcher.is_match(path));
            (!found).then(|| format!("no path of the image matches `{glob}`"))
        }
        ArtifactKind::Command(argv, _) => unrunnable(target, argv.first()?),
        ArtifactKind::Mcp(argv) => {
            let found = unrunnable(target, argv.first()?);
            // An argument that is an absolute path is the server itself.
            found.or_else(|| {
                let files = argv[1..].iter().filter(|word| word.starts_with('/'));
                let mut gone = files.filter(|path| !there(path));
                gone.next()
                    .map(|path| format!("`{path}` is not in the image"))
            })
        }
        ArtifactKind::Tcp(_) | ArtifactKind::Unix(_) => None,
    }
}

fn unrunnable(target: &Target, name: &str) -> Option<String> {
    if programs::executable(target, name, target.workdir()).is_some() {
        return None;
    }
    let link = target.image.entries.values().find(|e| {
        e.kind == Kind::Symlink
            && programs::base(&e.path) == name
            && target.image.resolve(&e.path).is_none()
    });
    Some(match link {
        Some(link) => format!(
            "`{}` is a link to `{}`, which is not in the image",
            link.path,
            link.target.as_deref().unwrap_or_default()
        ),
        None if name.contains('/') => format!("`{name}` is not in the image"),
        None => format!("no executable `{name}` in {}", programs::path_env(target)),
    })
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_flag_is_found_where_it_is_written() {
        let toml = "# x\n[a]\nb = true\n[a.c]\nenabled = true\n";
        assert_eq!(line_of(toml, "a.b"), Some(3));
        assert_eq!(line_of(toml, "a.c"), Some(5));
        assert_eq!(line_of("a:\n  b: true\n  c: false\n", "a.c"), Some(3));
        assert_eq!(
            line_of("{\n  \"a\": {\n    \"b\": true\n  }\n}", "a.b"),
            Some(3)
        );
        assert_eq!(line_of(toml, "z"), None);
    }
}
