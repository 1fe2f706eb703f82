//! `cargo test --test watched`: `agentbox`, nginx and redis show not one unexpected write, egress or exec, on any engine.

#[path = "support/images.rs"]
mod images;
#[path = "support/kept.rs"]
mod kept;
#[path = "support/session.rs"]
mod session;

use std::process::ExitCode;
use std::sync::Arc;

use adamant_core::case::{Control, read};
use adamant_core::discover::{SubjectFile, parse_cases, plan, read_subject};
use adamant_core::engine::ImageSource;
use adamant_core::report::{TrialReport, text};
use adamant_core::run::Verdict;
use libtest_mimic::{Arguments, Trial};

/// The images of which the statement is made.
const SUBJECTS: [&str; 3] = ["agentbox", "nginx", "redis"];

/// Images of `agentbox` that do what the statement excludes, and the finding that must come of it.
const PLANTED: [(&str, &str); 4] = [
    ("planted-phones-home", "egress/attempt"),
    ("planted-tries-app-tree", "writes/tree"),
    ("planted-installs-quietly", "execs/installs"),
    ("planted-hides-failure", "execs/hides-failure"),
];

/// The statement: from the boot to ten seconds after readiness, whether it would have succeeded or not, nobody asks for a
/// change outside what the subject declares writable, nobody tries to leave, and nothing is run that installs, fetches or
/// fails unnoticed.
const STATEMENT: &str = "\
spec: WATCHED-01
clauses: [PRD-002 §5.1]
level: MUST
about: Nothing is written, reached or run that the subject does not declare.
fix: See the finding.
boot: { network: none, observe: 10s }
checks:
  - writes: { never-under: [/] }
  - egress: none
  - execs: { never: [install, fetch], hides-no-failure: true }
";

fn main() -> ExitCode {
    let args = Arguments::from_args();
    if args.list {
        let names = SUBJECTS.iter().chain(PLANTED.iter().map(|(name, _)| name));
        let listed = names.map(|name| Trial::test(*name, || Ok(())));
        return libtest_mimic::run(&args, listed.collect()).exit_code();
    }
    images::current();
    let mut subjects: Vec<Arc<SubjectFile>> = SUBJECTS.iter().map(|name| shipped(name)).collect();
    subjects.extend(PLANTED.iter().map(|(name, _)| planted(name)));
    let cases = parse_cases(&[("watched.yaml", STATEMENT)]).expect("a valid case");
    let engines = session::engine_names();
    let trials = plan(&engines, &subjects, &cases);
    let reports = kept::judged(trials, "watched");
    let judged = engines.iter().flat_map(|engine| {
        let reports = &reports;
        subjects.iter().map(move |subject| {
            let name = subject.subject.name.clone();
            let mut of = reports.iter().filter(|r| r.engine == *engine);
            let report = of.find(|r| r.subject == name).cloned();
            Trial::test(format!("{engine}::{name}"), move || {
                let report = report.ok_or("it was not judged")?;
                holds(&name, &report).map_err(Into::into)
            })
        })
    });
    libtest_mimic::run(&args, judged.collect()).exit_code()
}

/// Passed, and nothing less: a boot that could not be watched shows nothing. What is planted must be found.
fn holds(name: &str, report: &TrialReport) -> Result<(), String> {
    let verdict = report.outcome.verdict();
    let planted = PLANTED.iter().find(|(planted, _)| *planted == name);
    let held = match planted {
        None => verdict == Verdict::Passed,
        Some((_, code)) => {
            let mut findings = report.outcome.findings().iter();
            verdict == Verdict::Failed && findings.any(|f| f.finding.code == *code)
        }
    };
    let wanted = planted.map_or("nothing unexpected".to_owned(), |(_, code)| {
        format!("a finding `{code}`")
    });
    let told = || format!("expected {wanted}\n{}", text::verdict(report));
    held.then_some(()).ok_or_else(told)
}

fn shipped(name: &str) -> Arc<SubjectFile> {
    let dir = images::root().join("fixtures/images").join(name);
    read_subject(&dir, None).expect("a valid subject")
}

fn planted(name: &str) -> Arc<SubjectFile> {
    let dir = images::root().join("fixtures/images").join(name);
    let control: Control = read(&dir.join("control.yaml")).expect("a valid control");
    let subject = read_subject(&dir.join(&control.subject), None).expect("a valid subject");
    let image = ImageSource::Layout {
        dir: dir.join("image"),
        tag: None,
    };
    Arc::new(subject.with_image(name, image, control.within))
}
