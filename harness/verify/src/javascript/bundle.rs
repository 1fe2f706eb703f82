//! Whether a file is a bundle, and what was put into it that must stay outside.

use std::collections::BTreeSet;

use super::inlined::{self, Harm};
use crate::finding::{Finding, Place, Report, Room};
use crate::rule;
use crate::subject::Target;

/// What esbuild, Rollup, webpack, ncc and Bun leave in what they make.
const MARKS: [&str; 9] = [
    "__commonJS(",
    "__commonJS =",
    "__toESM(",
    "__esm(",
    "__webpack_require__",
    "__nccwpck_require__",
    "\n// node_modules/",
    "\n// ../node_modules/",
    "// @bun",
];

/// A bundle's source map, when it has one beside it.
fn map_of(target: &Target, path: &str, text: &str) -> Option<String> {
    let at = text.rfind("//# sourceMappingURL=")?;
    let name = text[at..]
        .trim_start_matches("//# sourceMappingURL=")
        .split_whitespace()
        .next()?;
    if name.starts_with("data:") || name.contains("://") {
        return None;
    }
    let dir = adamant_modules::path::dirname(path);
    target.text(&adamant_modules::path::resolve(dir, name)).ok()
}

/// A file that a bundler made.
pub(crate) struct Bundle {
    map: Option<String>,
    is_marked: bool,
}

/// Whether a file is a bundle: it says so, or its name does, or its source map has several sources.
pub(crate) fn of(target: &Target, path: &str, text: &str) -> Option<Bundle> {
    let map = map_of(target, path, text);
    let is_marked = MARKS
        .iter()
        .any(|mark| memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some());
    let name = path.rsplit('/').next().unwrap_or_default();
    let sources = map.as_deref().map_or(0, |map| {
        let value: serde_json::Value = serde_json::from_str(map).unwrap_or_default();
        value
            .get("sources")
            .and_then(|s| s.as_array())
            .map_or(0, Vec::len)
    });
    let is = is_marked || sources > 1 || name.contains("bundle");
    is.then_some(Bundle { map, is_marked })
}

/// Judges what was inlined into a bundle.
pub(crate) fn judge(
    target: &Target,
    path: &str,
    text: &str,
    bundle: &Bundle,
    natives: &BTreeSet<String>,
    by: &str,
    report: &mut Report,
) {
    let packages = inlined::packages(text, bundle.map.as_deref());
    if packages.is_empty() && !bundle.is_marked && bundle.map.is_none() {
        report.note(
            Room::Packaging,
            format!("what is inlined in {path}"),
            "it is minified and has no source map, so that its packages cannot be told",
        );
    }
    for (package, line) in packages {
        let Some(harm) = inlined::harm(&package, natives) else {
            continue;
        };
        // The package may be there all the same, for what else needs it: in the bundle it is wrong anyway.
        let (rule, cause) = match harm {
            Harm::Native => (
                &rule::PACKAGE_INLINED_NATIVE,
                "it looks for its `.node` file from the place of its own source, which is now the bundle's",
            ),
            Harm::Hooked => (
                &rule::PACKAGE_INLINED_HOOKED,
                "its hooks see no `require` or `import` of what is inlined with it, and its workers have no file to start from",
            ),
        };
        let outside = target
            .image
            .entries
            .keys()
            .any(|p| p.ends_with(&format!("/node_modules/{package}")));
        let beside = if outside {
            "; it is installed too, so that two copies of it exist"
        } else {
            ""
        };
        let finding = Finding::new(
            rule,
            Place::line(path, line),
            format!("`{package}` is inlined into the bundle"),
        );
        report.add(finding.because(format!("{by} runs it; {cause}{beside}")));
    }
}
