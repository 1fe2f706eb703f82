//! Which prebuilt addon `node-gyp-build` and `prebuildify` would choose, by the tags in its name.

use super::runtime::Facts;
use crate::javascript::entry::Runtime;

/// The tags of a file's name: `node.abi137.glibc.node`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Tags {
    runtime: Option<String>,
    napi: bool,
    abi: Option<u32>,
    libc: Option<String>,
    specificity: u32,
}

fn tags(name: &str) -> Option<Tags> {
    let stem = name.strip_suffix(".node")?;
    let mut tags = Tags::default();
    for part in stem.split('.') {
        match part {
            "node" | "electron" | "node-webkit" => tags.runtime = Some(part.to_owned()),
            "napi" => tags.napi = true,
            "glibc" | "musl" => tags.libc = Some(part.to_owned()),
            _ if part
                .strip_prefix("abi")
                .is_some_and(|n| n.parse::<u32>().is_ok()) =>
            {
                tags.abi = part[3..].parse().ok();
            }
            _ if part.starts_with("uv") || part.starts_with("armv") => {}
            _ => continue,
        }
        tags.specificity += 1;
    }
    Some(tags)
}

/// `platform-arch` as packages spell it.
pub(super) fn wanted(facts: &Facts) -> String {
    let abi = facts.abi.map(|abi| format!(", NODE_MODULE_VERSION {abi}"));
    format!(
        "linux-{}, {}{}",
        facts.cpu(),
        facts.libc(),
        abi.unwrap_or_default()
    )
}

/// Whether the directory is one of `prebuildify`'s for this platform: `linux-x64`. Others name theirs as they like.
pub(super) fn is_laid_out(prebuilds: &str, files: &[&String], facts: &Facts) -> bool {
    files.iter().any(|file| {
        let rest = file.strip_prefix(prebuilds).unwrap_or(file);
        let tuple = rest.trim_start_matches('/').split('/').next();
        let parts = tuple.and_then(|tuple| tuple.split_once('-'));
        parts.is_some_and(|(platform, machines)| {
            platform == "linux" && machines.split('+').any(|machine| machine == facts.cpu())
        })
    })
}

/// The file that is loaded, of those below `prebuilds`.
pub(super) fn choose(prebuilds: &str, files: &[&String], facts: &Facts) -> Option<String> {
    let mut fitting: Vec<(Tags, &String)> = Vec::new();
    for file in files {
        let rest = file.strip_prefix(prebuilds)?.trim_start_matches('/');
        let Some((tuple, name)) = rest.split_once('/') else {
            continue;
        };
        let Some((platform, machines)) = tuple.split_once('-') else {
            continue;
        };
        if platform != "linux" || !machines.split('+').any(|machine| machine == facts.cpu()) {
            continue;
        }
        let Some(tags) = tags(name) else { continue };
        if matches(&tags, facts) {
            fitting.push((tags, file));
        }
    }
    // The runtime by name first, then the version by number, then whoever says most.
    fitting.sort_by_key(|(tags, _)| {
        (
            tags.runtime.is_none(),
            tags.abi.is_none(),
            u32::MAX - tags.specificity,
        )
    });
    fitting.first().map(|(_, file)| (*file).clone())
}

fn matches(tags: &Tags, facts: &Facts) -> bool {
    // Bun says that it is Node, too.
    let runtime = tags
        .runtime
        .as_deref()
        .is_none_or(|runtime| runtime == "node" && (facts.runtime != Runtime::Deno || tags.napi));
    let abi = tags
        .abi
        .is_none_or(|abi| tags.napi || facts.abi.is_none_or(|own| own == abi));
    let libc = tags.libc.as_deref().is_none_or(|libc| libc == facts.libc());
    runtime && abi && libc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_wherever_they_stand() {
        let read = tags("isolated-vm.abi137.glibc.node").expect("an addon");
        assert_eq!(
            (read.abi, read.libc.as_deref(), read.specificity),
            (Some(137), Some("glibc"), 2)
        );
        assert!(tags("node.napi.node").expect("an addon").napi);
        assert_eq!(tags("readme.txt"), None);
    }
}
