//! What each kind of finding means, where it comes from and how to fix it: the pages of `cases/findings/` and the lint's rules.

use crate::check::verify;
use crate::shell;

macro_rules! pages {
    ($($family:literal),+ $(,)?) => {
        &[$((concat!($family, ".md"), include_str!(concat!("../../../cases/findings/", $family, ".md")))),+]
    };
}

/// One page a family of checks: its file below `cases/findings/` and its text.
pub const FILES: &[(&str, &str)] = pages![
    "artifacts",
    "before-ready",
    "cold-start",
    "commands",
    "drift",
    "egress",
    "entrypoint",
    "events",
    "exceptions",
    "execs",
    "exit",
    "expect-fail",
    "external",
    "fatal",
    "files",
    "http",
    "image",
    "losses",
    "module",
    "mounts",
    "output",
    "processes",
    "programs",
    "ready",
    "refuses-writes",
    "require",
    "same",
    "secrets",
    "settles",
    "stop",
    "workspace",
    "writes",
];

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// The code: `drift/tree-changed`, or a rule's id.
    pub code: &'a str,
    /// What is wrong, in one sentence without its full stop.
    pub title: &'a str,
    /// The clauses that it breaks.
    pub clause: &'a str,
    /// Where it usually comes from.
    pub cause: &'a str,
    /// What a maintainer does about it.
    pub fix: &'a str,
}

/// Every page, by family and then as its file has it; the rules of the lint and of `verify` last.
pub fn pages() -> impl Iterator<Item = Page<'static>> {
    let kinds = FILES
        .iter()
        .flat_map(|(_, text)| text.split("\n## ").skip(1))
        .map(|section| page(section).expect("a unit test reads every page"));
    let rules = shell::rules().map(|rule| Page {
        code: rule.id,
        title: rule.explain,
        clause: rule.clause,
        cause: "A script of the boot chain has this command.",
        fix: rule.fix,
    });
    let proofs = verify::rule::rules().iter().map(|rule| Page {
        code: rule.id,
        title: rule.about,
        clause: rule.clause,
        cause: "The image's files prove the contrary; the finding names the file and who needs it.",
        fix: rule.fix,
    });
    kinds.chain(rules).chain(proofs)
}

/// The page of a code.
#[must_use]
pub fn find(code: &str) -> Option<Page<'static>> {
    pages().find(|page| page.code == code)
}

/// A code, an empty line, `Title. (clauses)`, and the two paragraphs that begin with **Cause.** and **Fix.**
fn page(section: &str) -> Option<Page<'_>> {
    let mut paragraphs = section.split("\n\n").map(str::trim);
    let code = paragraphs.next()?;
    let (title, clause) = paragraphs.next()?.strip_suffix(')')?.rsplit_once(". (")?;
    Some(Page {
        code,
        title,
        clause,
        cause: paragraphs.next()?.strip_prefix("**Cause.** ")?,
        fix: paragraphs.next()?.strip_prefix("**Fix.** ")?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_section_is_a_page_of_its_family() {
        let mut codes = BTreeSet::new();
        for (file, text) in FILES {
            let family = file.trim_end_matches(".md");
            assert!(text.starts_with(&format!("# `{family}`: ")), "{file}");
            assert!(text.contains("\n## "), "{file} has no code");
            for section in text.split("\n## ").skip(1) {
                let page = page(section).unwrap_or_else(|| panic!("{file}: {section}"));
                assert!(
                    page.code.starts_with(&format!("{family}/")),
                    "{file}: {}",
                    page.code
                );
                assert!(codes.insert(page.code), "{} has two pages", page.code);
                for text in [page.title, page.clause, page.cause, page.fix] {
                    assert!(!text.is_empty(), "{}", page.code);
                }
            }
        }
        assert!(pages().all(|page| codes.contains(page.code) || page.code.contains('/')));
    }

    #[test]
    fn a_rule_of_the_lint_is_explained_too() {
        let rule = shell::rules().next().expect("there are rules");
        assert_eq!(find(rule.id).map(|page| page.fix), Some(rule.fix));
        assert_eq!(find("drift/no-such"), None);
    }
}
