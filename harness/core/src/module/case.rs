//! The form of a module case: a package, its executions, and the checks of what came back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::{FileSpec, Many};
use super::wire::{Capability, Limits, Mode};
use crate::case::{At, Level, Span};
use crate::check::module::ModuleCheckSpec;

/// A claim about a module loader. Its id is its path under `cases/`, without `.yaml`.
///
/// `@NONCE@` anywhere in the file, and in the files of its package, is a word that is new in each run and that nobody can
/// know beforehand; `@CANARY@` is the path of a file of the host whose content no guest may ever see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Adamant module case")]
pub struct ModuleCase {
    /// The requirement it belongs to, its area and a number of two digits: `CJS-03`. Also a selector.
    pub spec: String,
    /// Where the claim comes from: a clause of a specification, a page of Node's documentation, a seed.
    pub clauses: Vec<String>,
    /// How binding the clauses are (RFC 2119).
    #[serde(default = "must")]
    pub level: Level,
    /// The claim in one sentence.
    pub about: String,
    /// What the author of a loader does about a finding.
    #[serde(default)]
    pub fix: Option<String>,
    /// Selectors `tag:x`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What a runtime must claim for the case to be about it, beside its `mode`.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// The lowest tier of containment that can hold the case (0 to 4).
    #[serde(default)]
    pub tier: Option<u8>,
    /// A fixture package by its name, or a directory relative to the case file when it begins with `./`.
    #[serde(default)]
    pub package: Option<At<String>>,
    /// Files by absolute path; with `package` they are added to its files, or replace them.
    #[serde(default)]
    pub files: BTreeMap<String, FileSpec>,
    /// Many files that differ in a number.
    #[serde(default)]
    pub many: Vec<Many>,
    /// The entry.
    #[serde(default = "index")]
    pub entry: String,
    /// What the entry is.
    #[serde(default)]
    pub mode: Mode,
    /// Whose package it is; the case's own id unless it is told.
    #[serde(default)]
    pub function: Option<String>,
    /// `process.argv` after the executable and the entry.
    #[serde(default)]
    pub argv: Vec<String>,
    /// All of `process.env`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What `process.stdin` gives.
    #[serde(default)]
    pub stdin: Option<String>,
    /// The `req` of a handler.
    #[serde(default)]
    pub request: Option<serde_json::Value>,
    /// What an execution may use.
    #[serde(default)]
    pub limits: LimitSpec,
    /// Commands that stand first on the host's `PATH` while the runtime works; none of them may ever run.
    #[serde(default)]
    pub decoys: Vec<String>,
    /// Several executions, one after the other in one runtime; one when it is left out.
    #[serde(default)]
    pub runs: Vec<RunSpec>,
    /// What is judged of every execution.
    #[serde(default)]
    pub checks: Vec<At<ModuleCheckSpec>>,
    /// Engines that are known to differ, each with the reason; one that holds all the same is a failure.
    #[serde(default)]
    pub expect_fail: Vec<Declared>,
}

/// One of several executions: what differs from the case's own keys, and what is judged of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunSpec {
    /// Files that are added or replaced from this execution on: another version of the package.
    #[serde(default)]
    pub files: BTreeMap<String, FileSpec>,
    /// Another entry.
    #[serde(default)]
    pub entry: Option<String>,
    /// Another mode.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Another function: nothing is shared with the others.
    #[serde(default)]
    pub function: Option<String>,
    /// Other arguments.
    #[serde(default)]
    pub argv: Option<Vec<String>>,
    /// Another environment.
    #[serde(default)]
    pub env: Option<BTreeMap<String, String>>,
    /// Another standard input.
    #[serde(default)]
    pub stdin: Option<String>,
    /// Another request.
    #[serde(default)]
    pub request: Option<serde_json::Value>,
    /// Other limits.
    #[serde(default)]
    pub limits: Option<LimitSpec>,
    /// What is judged of this execution, beside the case's own `checks`.
    #[serde(default)]
    pub checks: Vec<At<ModuleCheckSpec>>,
}

/// What an execution may use; what is left out is generous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitSpec {
    /// Wall clock: `500ms`, `2s`.
    #[serde(default)]
    pub wall: Option<Span>,
    /// Mebibytes of JavaScript heap.
    #[serde(default)]
    pub heap_mib: Option<u32>,
    /// Mebibytes outside of it.
    #[serde(default)]
    pub off_heap_mib: Option<u32>,
    /// Kibibytes of output.
    #[serde(default)]
    pub output_kib: Option<u32>,
}

impl LimitSpec {
    /// In the units of the protocol.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let wall = self.wall.map_or(10_000, |w| w.0.as_millis());
        Limits {
            wall_ms: u64::try_from(wall).unwrap_or(u64::MAX),
            heap_bytes: u64::from(self.heap_mib.unwrap_or(128)) << 20,
            off_heap_bytes: u64::from(self.off_heap_mib.unwrap_or(128)) << 20,
            output_bytes: u64::from(self.output_kib.unwrap_or(1024)) << 10,
        }
    }
}

/// A known difference of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The engine: `isolate` or `node`. What an adapter fails is for its author to declare, not for the case.
    pub engine: String,
    /// Why it differs.
    pub reason: String,
}

fn must() -> Level {
    Level::Must
}

fn index() -> String {
    "/index.js".into()
}

impl ModuleCase {
    /// What a type cannot say.
    pub fn validate(&self) -> Result<(), String> {
        let (area, number) = self.spec.rsplit_once('-').unwrap_or((&self.spec, ""));
        let named = !area.is_empty() && area.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        if !named || number.len() != 2 || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!(
                "`spec` is `{}`; expected an area and two digits, such as `CJS-03`",
                self.spec
            ));
        }
        if self.clauses.is_empty() || self.clauses.iter().any(|c| c.trim().is_empty()) {
            return Err("`clauses` is empty; a case names where its claim comes from".into());
        }
        if self.about.trim().is_empty() {
            return Err("`about` is empty; a case says its claim in one sentence".into());
        }
        if self.package.is_none() && self.files.is_empty() && self.many.is_empty() {
            return Err(
                "the case has neither `files` nor a `package`; there is nothing to run".into(),
            );
        }
        if self.tier.is_some_and(|t| t > 4) {
            return Err("`tier` is above 4".into());
        }
        self.has_checks()?;
        for check in self.every_check() {
            check.value.asks().map_err(|why| {
                let name = check.value.name();
                let place = if check.line > 0 {
                    format!(" (line {}, column {})", check.line, check.column)
                } else {
                    String::new()
                };
                format!("check `{name}` asks for nothing: {why}{place}")
            })?;
        }
        for declared in &self.expect_fail {
            if !matches!(declared.engine.as_str(), "isolate" | "node") {
                return Err(format!(
                    "`expect-fail` names the engine `{}`; expected `isolate` or `node`",
                    declared.engine
                ));
            }
            if declared.reason.trim().is_empty() {
                return Err(format!(
                    "`expect-fail` for `{}` has no reason",
                    declared.engine
                ));
            }
        }
        Ok(())
    }

    fn has_checks(&self) -> Result<(), String> {
        if self.runs.is_empty() {
            if self.checks.is_empty() {
                return Err("`checks` is empty; a case without checks judges nothing".into());
            }
            return Ok(());
        }
        if self.runs.len() > 100 {
            return Err(format!(
                "`runs` has {} executions; expected 1 to 100",
                self.runs.len()
            ));
        }
        // The first runs may only set the stage; somebody must look at the last.
        let last = self.runs.last().is_some_and(|r| !r.checks.is_empty());
        if self.checks.is_empty() && !last {
            return Err("the last of `runs` has no `checks`, and neither has the case; nothing would be judged".into());
        }
        Ok(())
    }

    fn every_check(&self) -> impl Iterator<Item = &At<ModuleCheckSpec>> {
        self.checks
            .iter()
            .chain(self.runs.iter().flat_map(|r| &r.checks))
    }

    /// Everything that a runtime must claim: what is written, and what mode and checks imply.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        let modes = std::iter::once(self.mode).chain(self.runs.iter().filter_map(|r| r.mode));
        let mut needed = self.needs.clone();
        needed.extend(modes.map(|mode| match mode {
            Mode::Cjs => Capability::Cjs,
            Mode::Esm => Capability::Esm,
            Mode::Handler => Capability::Handler,
        }));
        needed.extend(self.every_check().filter_map(|c| c.value.needs()));
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// Why an engine is known to differ.
    #[must_use]
    pub fn declared(&self, engine: &str) -> Option<&str> {
        let found = self.expect_fail.iter().find(|d| d.engine == engine);
        found.map(|d| d.reason.as_str())
    }
}
