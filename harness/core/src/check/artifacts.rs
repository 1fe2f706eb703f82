//! `artifacts: present` — every declared artifact that is switched on is there and works (PRD-002 §5.2, AC-5).

use adamant_probe::{Command, CommandResult, Target};
use globset::GlobBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Artifact, ArtifactKind, Subject};
use crate::engine::{Answer, Question};
use crate::report::text;

/// How long one artifact's command may take.
const COMMAND_MS: u64 = 30_000;

/// What is judged of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Artifacts {
    /// Files exist, commands run, endpoints accept, servers answer.
    Present,
    /// Files and commands are found in the image; nothing is started.
    Resolvable,
    /// The same probes are run but not judged: what they leave behind is another check's business.
    Probed,
}

impl Check for Artifacts {
    fn needs_boot(&self) -> bool {
        *self != Self::Resolvable
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        if subject.artifacts.is_empty() {
            Err("artifacts".into())
        } else {
            Ok(())
        }
    }

    fn disturbs(&self) -> bool {
        true
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        if *self == Self::Resolvable {
            return Vec::new();
        }
        // All commands go in one question: one call into the container runs them all.
        let mut questions = vec![Question::Commands {
            commands: commands(context).map(|(_, c)| c).collect(),
        }];
        questions.extend(single(context).map(|(_, q)| q));
        questions
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        if *self != Self::Probed && context.artifacts().next().is_none() {
            return Err(Unanswered(
                "the manifest switches every artifact off, so nothing was judged".into(),
            ));
        }
        if *self == Self::Resolvable {
            return Ok(context
                .artifacts()
                .filter_map(|a| in_image(context, a))
                .collect());
        }
        if *self == Self::Probed {
            return boot.answer(0, |a| {
                if let Answer::Commands(_) = a {
                    Some(Vec::new())
                } else {
                    None
                }
            });
        }
        let mut findings: Vec<Finding> = context
            .artifacts()
            .filter_map(|a| on_file(context, a))
            .collect();
        let results = boot.answer(0, |a| {
            if let Answer::Commands(results) = a {
                Some(results)
            } else {
                None
            }
        })?;
        let asked: Vec<&Artifact> = commands(context).map(|(a, _)| a).collect();
        if asked.len() != results.len() {
            return Err(Unanswered(format!(
                "{} of {} were answered",
                results.len(),
                text::count(asked.len(), "command")
            )));
        }
        findings.extend(asked.iter().zip(results).filter_map(|(a, r)| ran(a, r)));
        for (index, (artifact, _)) in single(context).enumerate() {
            let answer = boot.answer(index + 1, Some)?;
            findings.extend(answered(artifact, answer)?);
        }
        Ok(findings)
    }
}

fn commands<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a Artifact, Command)> {
    context.artifacts().filter_map(|a| {
        let argv = match a.kind().ok()? {
            ArtifactKind::Command(argv, _) => argv,
            ArtifactKind::Load(load) => &load.run,
            _ => return None,
        };
        Some((
            a,
            Command {
                argv: argv.to_vec(),
                timeout_ms: COMMAND_MS,
            },
        ))
    })
}

fn single<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a Artifact, Question)> {
    context.artifacts().filter_map(|a| {
        let question = match a.kind().ok()? {
            ArtifactKind::Tcp(port) => Question::Accepts {
                target: Target::Tcp { port },
            },
            ArtifactKind::Unix(path) => Question::Accepts {
                target: Target::Unix {
                    path: path.to_owned(),
                },
            },
            ArtifactKind::Mcp(argv) => Question::Mcp {
                command: Command {
                    argv: argv.to_vec(),
                    timeout_ms: COMMAND_MS,
                },
            },
            _ => return None,
        };
        Some((a, question))
    })
}

/// What the image alone says of an artifact: its files, and its command on `PATH`.
fn in_image(context: &Context<'_>, artifact: &Artifact) -> Option<Finding> {
    let (ArtifactKind::Command(argv, _) | ArtifactKind::Mcp(argv)) = artifact.kind().ok()? else {
        return on_file(context, artifact);
    };
    let found = !context.image.find_command(&argv[0]).is_empty();
    let expected = format!(
        "artifact `{}`: an executable `{}` is on PATH in the image",
        artifact.id, argv[0]
    );
    let path = context.image.path_env();
    (!found).then(|| Finding::new(expected, format!("none in {path}")).coded("artifacts/absent"))
}

fn on_file(context: &Context<'_>, artifact: &Artifact) -> Option<Finding> {
    let id = &artifact.id;
    match artifact.kind().ok()? {
        ArtifactKind::Path(path) if context.image.resolve(path).is_none() => Some(
            Finding::new(
                format!("artifact `{id}`: {path} is in the image"),
                "it is not",
            )
            .coded("artifacts/absent"),
        ),
        ArtifactKind::Glob(glob) => {
            let matcher = GlobBuilder::new(glob)
                .literal_separator(true)
                .build()
                .ok()?
                .compile_matcher();
            let found = context.image.entries.keys().any(|p| matcher.is_match(p));
            (!found).then(|| {
                Finding::new(
                    format!("artifact `{id}`: a path of the image matches {glob}"),
                    "none does",
                )
                .coded("artifacts/absent")
            })
        }
        ArtifactKind::Load(load) if context.image.resolve(&load.path).is_none() => Some(
            Finding::new(
                format!("artifact `{id}`: {} is in the image", load.path),
                "it is not",
            )
            .coded("artifacts/absent"),
        ),
        _ => None,
    }
}

fn ran(artifact: &Artifact, result: &CommandResult) -> Option<Finding> {
    let shown = result.argv.join(" ");
    let expected = format!("artifact `{}`: `{shown}` exits 0", artifact.id);
    let said = || {
        result
            .stderr
            .lines()
            .chain(result.stdout.lines())
            .take(5)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let seen = match (result.exit, result.signal) {
        _ if result.timed_out => format!("it was still running after {} s", COMMAND_MS / 1000),
        (Some(0), _) => {
            let version = artifact.version.as_ref()?;
            if version.0.is_match(&result.stdout) || version.0.is_match(&result.stderr) {
                return None;
            }
            let expected = format!("artifact `{}`: `{shown}` prints `{version}`", artifact.id);
            return Some(
                Finding::new(expected, "it exits 0 but prints something else")
                    .coded("artifacts/wrong-version")
                    .with(said()),
            );
        }
        (Some(127), _) => "it is not on PATH (127)".into(),
        (Some(126), _) => "it cannot be executed (126)".into(),
        (Some(code), _) => format!("it exits {code}"),
        (None, Some(signal)) => format!("signal {signal} killed it"),
        (None, None) => "it ended in no known way".into(),
    };
    Some(
        Finding::new(expected, seen)
            .coded("artifacts/does-not-run")
            .with(said()),
    )
}

fn answered(artifact: &Artifact, answer: &Answer) -> Result<Option<Finding>, Unanswered> {
    match (artifact.kind().map_err(Unanswered)?, answer) {
        (_, Answer::Accepts { refused: None }) => Ok(None),
        (ArtifactKind::Tcp(port), Answer::Accepts { refused: Some(why) }) => Ok(Some(
            Finding::new(
                format!("artifact `{}`: port {port} accepts", artifact.id),
                why,
            )
            .coded("artifacts/does-not-answer"),
        )),
        (ArtifactKind::Unix(path), Answer::Accepts { refused: Some(why) }) => Ok(Some(
            Finding::new(
                format!("artifact `{}`: socket {path} accepts", artifact.id),
                why,
            )
            .coded("artifacts/does-not-answer"),
        )),
        (ArtifactKind::Mcp(argv), Answer::Commands(results)) => {
            let [result] = results.as_slice() else {
                return Err(Unanswered("`initialize` got no single answer".into()));
            };
            let reply: serde_json::Value = serde_json::from_str(&result.stdout).unwrap_or_default();
            if reply
                .pointer("/result/protocolVersion")
                .is_some_and(serde_json::Value::is_string)
            {
                return Ok(None);
            }
            let expected = format!(
                "artifact `{}`: `{}` answers MCP `initialize`",
                artifact.id,
                argv.join(" ")
            );
            let seen = match result.exit {
                Some(127) => "it is not on PATH (127)".to_owned(),
                _ if result.stdout.is_empty() => "it answered nothing".into(),
                _ => "its answer has no `result.protocolVersion`".into(),
            };
            Ok(Some(
                Finding::new(expected, seen)
                    .coded("artifacts/does-not-answer")
                    .with(result.stdout.lines().chain(result.stderr.lines()).take(4)),
            ))
        }
        _ => Err(Unanswered(format!(
            "artifact `{}` got an answer of another kind",
            artifact.id
        ))),
    }
}
