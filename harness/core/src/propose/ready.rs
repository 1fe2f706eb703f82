//! Chooses what readiness, liveness and metrics are from what listened and answered.

use adamant_probe::Target;
use regex::Regex;

use super::Look;
use crate::case::Span;
use crate::engine::{Image, Until};

/// A path that no server serves on purpose: whoever answers it answers anything.
pub(super) const NOWHERE: &str = "/adamant-asks-for-nothing";
/// Where servers say that they are ready, best first.
const READY: [&str; 4] = ["/ready", "/readyz", "/healthz", "/health"];
/// Where they say that they live.
const LIVE: [&str; 2] = ["/livez", "/live"];
const METRICS: &str = "/metrics";

/// The paths that a port is asked for, in order.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    [NOWHERE, "/"]
        .into_iter()
        .chain(READY)
        .chain(LIVE)
        .chain([METRICS])
}

/// The number of the watch for a line that means ready.
pub(super) const OUTPUT: usize = 3;

/// What to wait for, and what was seen that says so.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) target: Readiness,
    pub(super) why: String,
}

/// A readiness claim.
#[derive(Debug, Clone)]
pub(super) enum Readiness {
    Target(Target),
    /// A line of output.
    Output(Regex),
    /// Process 1 does its work and goes.
    Exit(i64),
}

impl Readiness {
    pub(super) fn until(&self) -> Until {
        match self {
            Self::Target(target) => Until::Target(target.clone()),
            Self::Output(_) => Until::Output { watch: OUTPUT },
            Self::Exit(_) => Until::Exit,
        }
    }
}

/// An endpoint: port, path, status.
pub(super) type Endpoint = (u16, &'static str, u16);

fn good(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Every answer that means something, by the rank of its path, then of its port.
fn best(image: &Image, look: &Look, paths: &[&'static str]) -> Option<Endpoint> {
    let exposed = |port: u16| {
        let is_it = |text: &String| text.split('/').next() == Some(&port.to_string());
        image.config.exposed.iter().any(is_it)
    };
    let mut found: Vec<(usize, bool, u16, &'static str, u16)> = Vec::new();
    for service in &look.services {
        let answers_all = service.status(NOWHERE).is_some_and(good);
        for (rank, path) in paths.iter().enumerate() {
            match service.status(path) {
                Some(status) if good(status) && (!answers_all || *path == "/") => {
                    found.push((rank, !exposed(service.port), service.port, path, status));
                }
                _ => {}
            }
        }
    }
    let (_, _, port, path, status) = found.into_iter().min()?;
    Some((port, path, status))
}

/// What means that the image is ready.
pub(super) fn choose(image: &Image, look: &Look) -> Option<Choice> {
    if let Some(exit) = &look.exit {
        return (exit.code == 0 && exit.refused.is_none()).then(|| Choice {
            target: Readiness::Exit(0),
            why: "process 1 did its work and ended with 0".to_owned(),
        });
    }
    let listener = |port: u16| {
        let service = look.services.iter().find(|service| service.port == port);
        service.map_or("a process", |service| service.process.as_str())
    };
    let http = best(image, look, &READY).or_else(|| best(image, look, &["/"]));
    if let Some((port, path, status)) = http {
        let target = Target::Http {
            port,
            path: path.to_owned(),
            status,
        };
        let all = look
            .services
            .iter()
            .find(|s| s.port == port)
            .and_then(|s| s.status(NOWHERE));
        let why = match all {
            Some(any) if good(any) => format!(
                "{} answered {status}, as it answers any path: nothing better says that it is ready",
                listener(port)
            ),
            _ => format!("{} answered {status}", listener(port)),
        };
        return Some(Choice {
            target: Readiness::Target(target),
            why,
        });
    }
    let exposed = |port: u16| image.config.exposed.contains(&format!("{port}/tcp"));
    let mut ports: Vec<u16> = look.services.iter().map(|service| service.port).collect();
    ports.sort_by_key(|port| (!exposed(*port), *port));
    if let Some(port) = ports.first() {
        return Some(Choice {
            target: Readiness::Target(Target::Tcp { port: *port }),
            why: format!(
                "{} listened; no HTTP endpoint answered 2xx",
                listener(*port)
            ),
        });
    }
    if let Some(socket) = look.sockets.first() {
        return Some(Choice {
            target: Readiness::Target(Target::Unix {
                path: socket.clone(),
            }),
            why: "it listened; no TCP port did".to_owned(),
        });
    }
    let target = Readiness::Output(line(look)?);
    let why = "the last line that speaks of it; nothing listened".to_owned();
    Some(Choice { target, why })
}

/// The last line that says that something is ready, with its numbers left open.
fn line(look: &Look) -> Option<Regex> {
    let speaks = Regex::new(r"(?i)\b(ready|started|listening|serving|running|accepting)\b");
    let speaks = speaks.expect("a valid pattern");
    let number = Regex::new("[0-9]+").expect("a valid pattern");
    let lines = look.log.head.lines().chain(look.log.tail.lines());
    let line = lines
        .map(str::trim)
        .filter(|line| line.len() <= 200 && !line.chars().any(char::is_control))
        .rfind(|line| speaks.is_match(line))?;
    // What stands before the word may be a time or an id: it is not part of the claim.
    let at = speaks.find(line)?.start();
    let pattern = regex::escape(&line[at..]).replace(r"\-", "-");
    Regex::new(&number.replace_all(&pattern, r"\d+")).ok()
}

/// The liveness endpoint.
pub(super) fn livez(image: &Image, look: &Look) -> Option<Endpoint> {
    best(image, look, &LIVE)
}

/// The metrics endpoint, when what it answers are metrics.
pub(super) fn metrics(image: &Image, look: &Look) -> Option<Endpoint> {
    let (port, path, status) = best(image, look, &[METRICS])?;
    let service = look.services.iter().find(|service| service.port == port)?;
    let (_, answer) = service.answers.iter().find(|(asked, _)| asked == path)?;
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':');
        (begins && value.parse::<f64>().is_ok()).then_some(())
    };
    answer
        .body
        .lines()
        .any(|line| sample(line).is_some())
        .then_some((port, path, status))
}

/// A time with room for slower machines: five times what was seen, at least ten seconds, rounded up.
pub(super) fn with_margin(seen_ms: u64, least_s: u64) -> Span {
    const STEPS: [u64; 12] = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];
    let wanted = (seen_ms.saturating_mul(5)).div_ceil(1000).max(least_s);
    let step = STEPS.iter().find(|step| **step >= wanted);
    Span(std::time::Duration::from_secs(
        *step.unwrap_or(&wanted.min(86_400)),
    ))
}
