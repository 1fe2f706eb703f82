//! A module trial as its snapshot shows it: the verdict, and what the runtime answered to each execution. One for all engines: what
//! our isolates and Node answer differently shows here, whether the case's checks look at it or not.

use std::fmt::Write as _;
use std::path::Path;

use adamant_core::redact::volatile;
use adamant_core::report::{TrialReport, text};
use adamant_core::run::{Outcome, Skip};
use serde_json::Value;

use crate::snapshot::accepted;

/// What is shown of a text.
const LINES_MOST: usize = 40;
/// Where the clock and the memory of the machine decide what happens: there the verdict alone is kept.
const BY_THE_MACHINE: &[&str] = &[
    "module/attack/",
    "module/limits/",
    "module/in-vm/",
    // Whether a timer of no time comes before an immediate nobody promises.
    "module/env/11-order-of-the-loop",
];

/// Compares a trial with `suite/snapshots/module/<case>.snap`, or `<case>@<engine>.snap` where an engine is known to differ.
pub(crate) fn compare(report: &TrialReport) -> Result<(), String> {
    match &report.outcome {
        Outcome::Broken { .. } => return Ok(()),
        // The oracle is not asked everything. Our isolates are: what they claim no longer is a difference.
        Outcome::Skipped {
            kind: Skip::NotClaimed,
            ..
        } if report.engine == "node" => return Ok(()),
        _ => {}
    }
    let case = report.case.strip_prefix("module/").unwrap_or(&report.case);
    let own = format!("{case}@{}", report.engine);
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/module");
    let differs = snapshots.join(format!("{own}.snap")).is_file();
    let name = if differs { own.as_str() } else { case };
    accepted("module", Path::new(name), &told(report))
}

fn told(report: &TrialReport) -> String {
    let verdict = volatile(&text::judgment(report));
    // The engine stands in the header of a verdict.
    let mut told = verdict.replace(&format!("module on {}", report.engine), "module");
    if BY_THE_MACHINE
        .iter()
        .any(|area| report.case.starts_with(area))
    {
        return told;
    }
    let json = |name: &str| {
        let file = report
            .files
            .iter()
            .find(|f| f.path == Path::new("bundle").join(name))?;
        serde_json::from_slice::<Value>(&file.bytes).ok()
    };
    let nonce = json("run.json").and_then(|run| Some(run["nonce"].as_str()?.to_owned()));
    let mut id = 1;
    while let Some(answered) = json(&format!("answer-{id}.json")) {
        write!(told, "\nexecution {id}: {}", shown(&answered["answer"]))
            .expect("a string takes it");
        id += 1;
    }
    match nonce {
        Some(nonce) => told.replace(&nonce, "[NONCE]"),
        None => told,
    }
}

fn shown(answer: &Value) -> String {
    let outcome = answer["outcome"].as_str().unwrap_or_default();
    let mut shown = format!("{outcome}, exit code {}\n", answer["exit_code"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(message) = text(&answer["error"]["message"]) {
        let [name, code] =
            ["name", "code"].map(|key| text(&answer["error"][key]).unwrap_or_default());
        // What Node adds to a message is a place, which is the oracle's own affair.
        let message = message.lines().next().unwrap_or_default();
        writeln!(shown, "error: {name} [{code}] {message}").expect("a string takes it");
    }
    let response = &answer["response"];
    if !response.is_null() {
        let headers = response["headers"].to_string();
        writeln!(
            shown,
            "response: {} {headers}\n{}",
            response["status"],
            response["body"].as_str().unwrap_or_default()
        )
        .expect("a string takes it");
    }
    let chunks = answer["output"].as_array().into_iter().flatten();
    let stdout: String = chunks
        .filter(|c| c["stream"] == "stdout")
        .filter_map(|c| c["text"].as_str())
        .collect();
    for line in stdout
        .lines()
        .filter(|l| !l.starts_with("adamant-exports-"))
        .take(LINES_MOST)
    {
        writeln!(shown, "  {line}").expect("a string takes it");
    }
    shown
}
