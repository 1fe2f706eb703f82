//! `cargo test --test controls`: each planted image breaks exactly the law that its `control.yaml` names.

#[path = "support/images.rs"]
mod images;
#[path = "support/kept.rs"]
mod kept;
#[path = "support/session.rs"]
mod session;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adamant::standard;
use adamant_core::case::{Also, Control, FaultForm, Span, read};
use adamant_core::discover::{CaseFile, PlannedTrial, plan, read_subject};
use adamant_core::engine::ImageSource;
use adamant_core::frontend;
use adamant_core::report::TrialReport;
use adamant_core::run::Verdict;
use libtest_mimic::{Arguments, Trial};

/// How many artifacts' faults a control runs, twice as many where they are its law; all are the business of `agentbox`.
const VARIANTS: usize = 2;

/// How long a control is left alone after readiness: its fault is there by then.
const OBSERVE: Span = Span(Duration::from_secs(4));

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let planted: Vec<(String, Control)> = planted()
        .into_iter()
        .filter(|(name, _)| frontend::is_chosen(&args, name))
        .collect();
    if args.list || planted.is_empty() {
        return libtest_mimic::run(
            &args,
            planted
                .into_iter()
                .map(|(name, _)| Trial::test(name, || Ok(())))
                .collect(),
        )
        .exit_code();
    }
    images::current();
    let trials = planted
        .iter()
        .flat_map(|(name, control)| trials(name, control))
        .collect();
    let reports = kept::judged(trials, "controls");
    let engines = session::engine_names();
    let judged = planted.into_iter().map(|(name, control)| {
        let mine: Vec<TrialReport> = reports
            .iter()
            .filter(|r| r.subject == name)
            .cloned()
            .collect();
        let engines = engines.clone();
        // Each engine by itself: what one does not find the other must not hide.
        Trial::test(name, move || {
            for engine in engines {
                let on: Vec<TrialReport> = mine
                    .iter()
                    .filter(|r| r.engine == engine)
                    .cloned()
                    .collect();
                judge(&control, &on).map_err(|why| format!("on {engine}: {why}"))?;
            }
            Ok(())
        })
    });
    libtest_mimic::run(&args, judged.collect()).exit_code()
}

fn planted() -> Vec<(String, Control)> {
    let images = std::fs::read_dir(images::root().join("fixtures/images")).expect("images");
    let mut planted: Vec<_> = images
        .map(|e| e.expect("an entry").path())
        .filter(|dir| dir.join("control.yaml").is_file())
        .map(|dir| {
            (
                dir.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                read(&dir.join("control.yaml")).expect("a valid control"),
            )
        })
        .collect();
    planted.sort_by(|a, b| a.0.cmp(&b.0));
    planted
}

/// The standard cases, without most of the time in which nothing happens to a control.
///
/// What takes a boot for each file is for the control that breaks it alone.
fn cases(control: &Control) -> Vec<Arc<CaseFile>> {
    let mut cases = standard::all().expect("valid cases");
    cases.retain(|case| !standard::discovers(case) || case.id == control.breaks);
    for case in &mut cases {
        if let Some(boot) = &mut Arc::make_mut(case).case.boot {
            boot.observe = boot.observe.map(|_| OBSERVE);
        }
    }
    cases
}

fn trials(name: &str, control: &Control) -> Vec<PlannedTrial> {
    let dir = images::root().join("fixtures/images").join(name);
    let subject = read_subject(&dir.join(&control.subject), None).expect("a valid subject");
    let subject = subject.with_image(
        name,
        ImageSource::Layout {
            dir: dir.join("image"),
            tag: None,
        },
        control.within,
    );
    let all = plan(
        &session::engine_names(),
        &[Arc::new(subject)],
        &cases(control),
    );
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    all.into_iter()
        .filter(|t| {
            let count = seen.entry(t.case.id.clone()).or_default();
            *count += 1;
            let boot = t.case.case.boot.as_ref();
            // What an artifact is left as is told apart by few; one trial says whether a control does.
            let left = boot.is_some_and(|boot| boot.form != FaultForm::Absent);
            let most = match (t.case.id == control.breaks, left) {
                (true, _) => 2 * VARIANTS,
                (false, true) => 1,
                (false, false) => VARIANTS,
            };
            t.variant.is_none() || *count <= most
        })
        .collect()
}

fn judge(control: &Control, reports: &[TrialReport]) -> Result<(), String> {
    let broken: Vec<&TrialReport> = reports
        .iter()
        .filter(|r| r.outcome.verdict() == Verdict::Broken)
        .collect();
    if let Some(first) = broken.first() {
        return Err(format!(
            "{} of {} trials are broken, the first: {} {:?}",
            broken.len(),
            reports.len(),
            first.name,
            first.outcome
        ));
    }
    let failed: BTreeSet<&str> = reports
        .iter()
        .filter(|r| r.outcome.verdict() == Verdict::Failed)
        .map(|r| r.case.as_str())
        .collect();
    let (races, certain): (Vec<&Also>, Vec<&Also>) =
        control.also.iter().partition(|also| also.sometimes);
    let wanted: BTreeSet<&str> = std::iter::once(control.breaks.as_str())
        .chain(certain.iter().map(|a| a.case.as_str()))
        .collect();
    let allowed: BTreeSet<&str> = wanted
        .iter()
        .copied()
        .chain(races.iter().map(|a| a.case.as_str()))
        .collect();
    if !failed.is_superset(&wanted) || !failed.is_subset(&allowed) {
        let shown: Vec<String> = reports
            .iter()
            .filter(|r| r.outcome.verdict() == Verdict::Failed)
            .map(adamant_core::report::text::verdict)
            .collect();
        return Err(format!(
            "must break exactly {wanted:?} (and may {allowed:?}), broke {failed:?}\n{}",
            shown.join("\n")
        ));
    }
    let texts: Vec<String> = reports
        .iter()
        .filter(|r| r.case == control.breaks)
        .flat_map(|r| r.outcome.findings())
        .map(|f| {
            format!(
                "{}\n{}\n{}",
                f.finding.expected,
                f.finding.seen,
                f.finding.detail.join("\n")
            )
        })
        .collect();
    if texts.iter().any(|t| control.finding.0.is_match(t)) {
        Ok(())
    } else {
        Err(format!(
            "no finding matches `{}`: {texts:#?}",
            control.finding
        ))
    }
}
