//! The front matter of a test: the YAML between `/*---` and `---*/` that says how the test is run and what must come of it.

use serde::Deserialize;

/// What a test says about itself. What only people read (description, info, author) is passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FrontMatter {
    /// How it is run.
    pub flags: Vec<Flag>,
    /// Harness files that it needs beside those that every test gets.
    pub includes: Vec<String>,
    /// The error that must come of it.
    pub negative: Option<Negative>,
    /// What of the language it needs.
    pub features: Vec<String>,
}

/// How a test is run; INTERPRETING.md of test262 defines each. An unknown flag is an error, as it could change the meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Flag {
    /// Only in strict mode.
    #[serde(rename = "onlyStrict")]
    OnlyStrict,
    /// Only in sloppy mode.
    #[serde(rename = "noStrict")]
    NoStrict,
    /// As a module.
    #[serde(rename = "module")]
    Module,
    /// As it stands: no harness, no directive.
    #[serde(rename = "raw")]
    Raw,
    /// It is over when it prints so.
    #[serde(rename = "async")]
    Async,
    /// It was made by a tool.
    #[serde(rename = "generated")]
    Generated,
    /// Where the main agent may not wait.
    #[serde(rename = "CanBlockIsFalse")]
    CanBlockIsFalse,
    /// Where the main agent may wait.
    #[serde(rename = "CanBlockIsTrue")]
    CanBlockIsTrue,
    /// Its result depends on chance.
    #[serde(rename = "non-deterministic")]
    NonDeterministic,
}

/// An error that must be thrown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Negative {
    /// When.
    pub phase: Phase,
    /// The name of its constructor.
    #[serde(rename = "type")]
    pub name: String,
}

/// When an error is thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// While the test itself is parsed.
    Parse,
    /// While its imports are loaded and linked.
    Resolution,
    /// While it runs.
    Runtime,
}

impl Phase {
    /// As the front matter writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Resolution => "resolution",
            Self::Runtime => "runtime",
        }
    }
}

impl FrontMatter {
    /// Reads the front matter of a test's source.
    pub fn parse(source: &str) -> Result<Self, String> {
        const OPEN: &str = "/*---";
        const CLOSE: &str = "---*/";
        let (_, rest) = source
            .split_once(OPEN)
            .ok_or("no front matter: `/*---` is missing")?;
        let (yaml, _) = rest
            .split_once(CLOSE)
            .ok_or("the front matter never ends: `---*/` is missing")?;
        serde_saphyr::from_str(yaml).map_err(|error| format!("bad front matter: {error}"))
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_lists_and_the_negative_are_read() {
        let text = "// c\n/*---\ndescription: >\n  a: b\nflags: [module, async]\nincludes:\n  - a.js\n  - b.js\n\
                    negative:\n  phase: resolution\n  type: SyntaxError\nfeatures: [top-level-await]\n---*/\n1;";
        let matter = FrontMatter::parse(text).unwrap();
        assert!(matter.has(Flag::Module) && matter.has(Flag::Async) && !matter.has(Flag::Raw));
        assert_eq!(matter.includes, ["a.js", "b.js"]);
        assert_eq!(matter.features, ["top-level-await"]);
        let negative = matter.negative.unwrap();
        assert_eq!(
            (negative.phase, negative.name.as_str()),
            (Phase::Resolution, "SyntaxError")
        );
    }

    #[test]
    fn what_could_change_the_meaning_is_refused() {
        let bad = |text: &str| FrontMatter::parse(text).unwrap_err();
        assert!(bad("1;").contains("`/*---` is missing"));
        assert!(bad("/*---\nflags: []\n").contains("never ends"));
        assert!(bad("/*---\nflags: [sometimes]\n---*/").contains("sometimes"));
        assert!(bad("/*---\nnegative: { phase: early, type: E }\n---*/").contains("early"));
    }
}
