//! The daemon's side: what it is sent, and what its answers and its directory must be.

use std::time::Duration;

use adamant_probe::converse::{Call, Said};
use adamant_probe::{Entry, Kind};
use sha2::{Digest as _, Sha256};

use super::super::{Boot, Context, Finding, Unanswered};
use super::tape::{self, Node, What, node};
use super::{Workspace, claim, entries, post, said, shown, token, words};
use crate::case::{AppClaim, DaemonClaim, RoutesClaim};
use crate::engine::{Answer, Question};

/// A pause after which something that was broken off has been put away, and idleness has grown.
const PAUSE: Duration = Duration::from_millis(1100);

/// What is known of the daemon.
pub(super) struct Side<'a> {
    routes: &'a RoutesClaim,
    daemon: &'a DaemonClaim,
    token: &'a str,
    /// As whom the subject runs: whose files a workspace of it holds.
    owner: (u32, u32),
}

/// An archive that must be refused.
struct Hostile {
    /// What is wrong with it, after `an archive with`.
    with: &'static str,
    nodes: Vec<Node>,
    /// What it would make outside.
    escapes: Option<String>,
}

impl<'a> Side<'a> {
    pub(super) fn of(context: &Context<'a>) -> Result<Self, Unanswered> {
        let claim = claim(context)?;
        let daemon = claim.daemon.as_ref();
        let user = context.subject.run.user.as_ref();
        let user = user.map_or(context.image.config.user.as_str(), |user| &user.value);
        Ok(Self {
            routes: &claim.routes,
            daemon: daemon
                .ok_or_else(|| Unanswered("the subject claims no `workspace.daemon`".into()))?,
            token: token(claim)?,
            owner: context.image.user_ids(user).unwrap_or((0, 0)),
        })
    }

    pub(super) fn questions(&self, what: Workspace) -> Vec<Question> {
        match what {
            Workspace::RoundTrip => vec![
                self.ask(vec![self.restore(&tape::sample())]),
                Question::Stat {
                    paths: tape::sample()
                        .iter()
                        .map(|node| self.below(&node.name))
                        .collect(),
                },
                self.ask(vec![self.create()]),
            ],
            Workspace::LeavesTmpOut => vec![
                self.ask(vec![self.restore(&with_tmp())]),
                Question::Stat {
                    paths: vec![self.below("tmp/scratch"), self.below("src/tmp/kept")],
                },
                self.ask(vec![self.create()]),
            ],
            Workspace::AnswersByTheRules => self.rules(),
            Workspace::AsksForTheToken => {
                let mut calls = vec![self.restore(&tape::other())];
                calls.extend(self.strangers().into_iter().map(|(_, call)| call));
                calls.push(get(&self.routes.health));
                calls.push(self.create());
                vec![self.ask(calls)]
            }
            Workspace::RefusesHostileTars => self.try_all(&self.hostile()),
            Workspace::RefusesDoubtfulTars => self.try_all(&doubtful()),
            Workspace::RestoresAsAWhole => self.wholes(),
            _ => self.daemon.app.as_ref().map_or_else(Vec::new, |app| {
                let config = post(
                    &self.routes.configure,
                    Some(app.config.clone().into_bytes()),
                );
                let mut config = self.with_token(config);
                let json = ("Content-Type".to_owned(), "application/json".to_owned());
                config.headers.push(json);
                vec![
                    self.ask(vec![self.restore(&tape::sample()), config]),
                    Question::ProcessesAfter {
                        pause: app.within.0,
                    },
                    Question::Http {
                        port: app.http.port,
                        path: app.http.path.clone(),
                    },
                ]
            }),
        }
    }

    pub(super) fn judge(&self, what: Workspace, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        match what {
            Workspace::RoundTrip => self.judge_round_trip(boot),
            Workspace::LeavesTmpOut => self.judge_tmp(boot),
            Workspace::AnswersByTheRules => self.judge_rules(boot),
            Workspace::AsksForTheToken => self.judge_token(boot),
            Workspace::RefusesHostileTars => self.judge_refusals(&self.hostile(), boot),
            Workspace::RefusesDoubtfulTars => self.judge_refusals(&doubtful(), boot),
            Workspace::RestoresAsAWhole => self.judge_wholes(boot),
            _ => match &self.daemon.app {
                Some(app) => self.judge_app(app, boot),
                None => Err(Unanswered("the subject claims no `app`".into())),
            },
        }
    }

    fn ask(&self, calls: Vec<Call>) -> Question {
        Question::Converse {
            port: self.daemon.port,
            calls,
        }
    }

    fn with_token(&self, mut call: Call) -> Call {
        let bearer = format!("Bearer {}", self.token);
        call.headers.push(("Authorization".into(), bearer));
        call
    }

    fn create(&self) -> Call {
        self.with_token(post(&self.routes.create, None))
    }

    fn restore(&self, nodes: &[Node]) -> Call {
        self.restore_bytes(tape::tar(nodes, self.owner))
    }

    fn restore_bytes(&self, bytes: Vec<u8>) -> Call {
        let mut call = self.with_token(post(&self.routes.restore, Some(bytes)));
        let tar = ("Content-Type".to_owned(), "application/x-tar".to_owned());
        call.headers.push(tar);
        call
    }

    fn below(&self, name: &str) -> String {
        let root = self.daemon.root.trim_end_matches('/');
        match tape::plain(name).as_str() {
            "" => root.to_owned(),
            path => format!("{root}/{path}"),
        }
    }

    fn beside(&self, name: &str) -> String {
        let root = self.daemon.root.trim_end_matches('/');
        let above = root.rsplit_once('/').map_or("", |(above, _)| above);
        format!("{above}/{name}")
    }

    fn judge_round_trip(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let restored = &said(boot, 0, 1)?[0];
        if let Some(finding) = self.answers(restored, &self.routes.restore, 200) {
            return Ok(vec![finding]);
        }
        let seen = entries(boot, 1)?;
        let nodes = tape::sample();
        if seen.len() != nodes.len() {
            return Err(Unanswered("not every path was looked at".into()));
        }
        let wrong: Vec<String> = nodes
            .iter()
            .zip(seen)
            .skip(1)
            .filter_map(|(node, (path, entry))| unlike(node, path, entry.as_ref()))
            .collect();
        let mut findings = Vec::new();
        if !wrong.is_empty() {
            let expected = format!(
                "a restore lays out in {} what it was sent",
                self.daemon.root
            );
            let told = format!("{} of {} paths are not as sent", wrong.len(), nodes.len());
            findings.push(
                Finding::new(expected, told)
                    .coded("workspace/tree")
                    .about(wrong),
            );
        }
        findings.extend(self.holds(&said(boot, 2, 1)?[0], &nodes, "what was restored"));
        Ok(findings)
    }

    fn judge_tmp(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let restored = &said(boot, 0, 1)?[0];
        if let Some(finding) = self.answers(restored, &self.routes.restore, 200) {
            return Ok(vec![finding]);
        }
        if entries(boot, 1)?.iter().any(|(_, entry)| entry.is_none()) {
            return Err(Unanswered(format!(
                "{} is not there after a restore that brought it, so nothing could be left out",
                self.below("tmp/scratch")
            )));
        }
        let snapshot = &said(boot, 2, 1)?[0];
        let held = match self.snapshot(snapshot) {
            Ok(held) => held,
            Err(finding) => return Ok(vec![*finding]),
        };
        let mut findings = Vec::new();
        let kept: Vec<String> = held
            .keys()
            .filter(|path| *path == "tmp" || path.starts_with("tmp/"))
            .map(|path| format!("./{path}"))
            .collect();
        if !kept.is_empty() {
            findings.push(
                Finding::new(
                    "a snapshot leaves out ./tmp",
                    format!("it has {}", kept.join(", ")),
                )
                .coded("workspace/tmp"),
            );
        }
        if !held.contains_key("src/tmp/kept") {
            findings.push(
                Finding::new(
                    "a snapshot leaves out only the tmp at its top",
                    "./src/tmp/kept is missing",
                )
                .coded("workspace/tmp"),
            );
        }
        Ok(findings)
    }

    fn rules(&self) -> Vec<Question> {
        let idle = || self.with_token(get(&self.routes.idle));
        vec![
            Question::Stat {
                paths: vec![self.daemon.root.clone()],
            },
            self.ask(vec![
                self.create(),
                self.with_token(post(&self.routes.restore, None)),
                self.restore_bytes(Vec::new()),
                self.restore_bytes(b"this is no archive\n".to_vec()),
                self.create(),
            ]),
            self.ask(vec![
                self.restore(&[node("./", What::Dir, 0o755)]),
                self.create(),
                self.restore(&tape::sample()),
                idle(),
            ]),
            Question::ProcessesAfter { pause: PAUSE },
            self.ask(vec![idle()]),
        ]
    }

    fn judge_rules(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let RoutesClaim {
            create, restore, ..
        } = self.routes;
        let there = entries(boot, 0)?
            .first()
            .is_some_and(|(_, entry)| entry.is_some());
        let first = said(boot, 1, 5)?;
        let second = said(boot, 2, 4)?;
        let mut findings = Vec::new();
        let mut expect = |said: &Said, route: &str, status: u16, when: &str| {
            if said.status != Some(status) {
                let expected = format!("POST {route} answers {status} {when}");
                findings.push(
                    Finding::new(expected, shown(said))
                        .coded("workspace/answer")
                        .with(words(said)),
                );
            }
        };
        if !there {
            let when = format!("while there is no {}", self.daemon.root);
            expect(&first[0], create, 404, &when);
            expect(
                &first[4],
                create,
                404,
                "after a restore that failed, for there is still nothing",
            );
        }
        expect(&first[1], restore, 400, "without a body");
        expect(&first[2], restore, 400, "with an empty body");
        expect(&first[3], restore, 500, "for what is no archive");
        expect(&second[0], restore, 200, "for an empty workspace");
        expect(&second[1], create, 204, "for an empty workspace");
        expect(&second[2], restore, 200, "for a good archive");
        if first[3].status == Some(500) && first[3].body.0.iter().all(u8::is_ascii_whitespace) {
            findings.push(
                Finding::new(
                    format!("POST {restore} says why it answers 500"),
                    "the body is empty",
                )
                .coded("workspace/answer"),
            );
        }
        findings.extend(self.judge_idle(&second[3], &said(boot, 4, 1)?[0]));
        Ok(findings)
    }

    fn judge_idle(&self, first: &Said, second: &Said) -> Option<Finding> {
        let expected = format!(
            "GET {} answers lastActivityAt and an idleMs that grows while nothing changes",
            self.routes.idle
        );
        let finding = |told: String| Some(Finding::new(expected, told).coded("workspace/idle"));
        let read = |said: &Said| -> Result<u64, String> {
            if said.status != Some(200) {
                return Err(shown(said));
            }
            let body: serde_json::Value =
                serde_json::from_slice(&said.body.0).map_err(|_no_json| {
                    format!("a body that is not JSON: {}", words(said).join(" "))
                })?;
            let when = body.get("lastActivityAt").and_then(|at| at.as_str());
            if when.is_none_or(|at| at.parse::<jiff::Timestamp>().is_err()) {
                return Err(format!("`lastActivityAt` is no moment in {body}"));
            }
            let idle = body.get("idleMs").and_then(serde_json::Value::as_u64);
            idle.ok_or_else(|| format!("`idleMs` is no number of milliseconds in {body}"))
        };
        match (read(first), read(second)) {
            (Err(told), _) | (_, Err(told)) => finding(told),
            (Ok(first), Ok(second)) if second < first + 900 => finding(format!(
                "{first} ms, and {second} ms at least {} ms later",
                PAUSE.as_millis()
            )),
            _ => None,
        }
    }

    /// Calls without the right to make them, and what is wrong with each.
    fn strangers(&self) -> Vec<(String, Call)> {
        let cut: String = self
            .token
            .chars()
            .take(self.token.chars().count().saturating_sub(1))
            .collect();
        let credentials = [
            ("no token", None),
            (
                "another token",
                Some(format!("Bearer {}", "x".repeat(self.token.len()))),
            ),
            (
                "a token that is only a part of the right one",
                Some(format!("Bearer {cut}")),
            ),
            (
                "a token that goes on after the right one",
                Some(format!("Bearer {}x", self.token)),
            ),
            (
                "the token by another scheme",
                Some(format!("Basic {}", self.token)),
            ),
        ];
        let routes = [
            post(&self.routes.create, None),
            post(
                &self.routes.restore,
                Some(tape::tar(&tape::sample()[..3], self.owner)),
            ),
            get(&self.routes.idle),
        ];
        let mut calls = Vec::new();
        for call in routes {
            for (with, value) in &credentials {
                let mut call = call.clone();
                let header = value
                    .clone()
                    .map(|value| ("Authorization".to_owned(), value));
                call.headers.extend(header);
                calls.push((format!("{} {} with {with}", call.method, call.path), call));
            }
        }
        calls
    }

    fn judge_token(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let strangers = self.strangers();
        let all = said(boot, 0, strangers.len() + 3)?;
        let mut findings: Vec<Finding> = self
            .answers(&all[0], &self.routes.restore, 200)
            .into_iter()
            .collect();
        let open: Vec<String> = strangers
            .iter()
            .zip(&all[1..])
            .filter(|(_, said)| !matches!(said.status, Some(401 | 403)))
            .map(|((call, _), said)| format!("{call}: {}", shown(said)))
            .collect();
        if !open.is_empty() {
            let told = format!(
                "{} of {} calls without the right token were answered",
                open.len(),
                strangers.len()
            );
            let expected = "every route but health answers 401 to who has not the token";
            let finding = Finding::new(expected, told);
            findings.push(finding.coded("workspace/token").about(open));
        }
        let health = &all[strangers.len() + 1];
        if health.status != Some(200) {
            let expected = format!("GET {} answers 200 without a token", self.routes.health);
            findings.push(Finding::new(expected, shown(health)).coded("workspace/token"));
        }
        findings.extend(self.holds(
            &all[strangers.len() + 2],
            &tape::other(),
            "what was there before anybody came without the token",
        ));
        Ok(findings)
    }

    fn hostile(&self) -> Vec<Hostile> {
        use What::{Device, Dir, File, HardLink, Symlink};
        let out = |name: &str| Some(self.beside(name));
        let evil = || File("from outside\n");
        vec![
            Hostile {
                with: "a name that climbs out (`../`)",
                nodes: vec![node("../adamant-climbed", evil(), 0o644)],
                escapes: out("adamant-climbed"),
            },
            Hostile {
                with: "a name that climbs out of a directory of its own (`a/../../`)",
                nodes: vec![
                    node("./a/", Dir, 0o755),
                    node("./a/../../adamant-climbed-deep", evil(), 0o644),
                ],
                escapes: out("adamant-climbed-deep"),
            },
            Hostile {
                with: "an absolute name",
                nodes: vec![node(&self.beside("adamant-absolute"), evil(), 0o644)],
                escapes: out("adamant-absolute"),
            },
            Hostile {
                with: "a symbolic link that leads out, and a file behind it",
                nodes: vec![
                    node("./out", Symlink(".."), 0o777),
                    node("./out/adamant-through-link", evil(), 0o644),
                ],
                escapes: out("adamant-through-link"),
            },
            Hostile {
                with: "a hard link to a file outside (`/etc/passwd`)",
                nodes: vec![node("./passwd", HardLink("/etc/passwd"), 0o644)],
                escapes: None,
            },
            Hostile {
                with: "a device",
                nodes: vec![node("./null", Device, 0o666)],
                escapes: None,
            },
        ]
    }

    fn try_all(&self, hostile: &[Hostile]) -> Vec<Question> {
        let mut calls = vec![self.restore(&tape::other())];
        for hostile in hostile {
            calls.push(self.restore(&hostile.nodes));
            calls.push(self.create());
        }
        let paths: Vec<String> = hostile.iter().filter_map(|h| h.escapes.clone()).collect();
        // There is always something to look at: the workspace itself.
        let paths = [vec![self.daemon.root.clone()], paths].concat();
        vec![self.ask(calls), Question::Stat { paths }]
    }

    fn judge_refusals(&self, hostile: &[Hostile], boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let all = said(boot, 0, 1 + 2 * hostile.len())?;
        let seen = entries(boot, 1)?;
        if let Some(finding) = self.answers(&all[0], &self.routes.restore, 200) {
            return Ok(vec![finding]);
        }
        let mut findings = Vec::new();
        for (hostile, pair) in hostile.iter().zip(all[1..].chunks(2)) {
            let with = hostile.with;
            if pair[0].status.is_none_or(|status| status < 400) {
                findings.push(
                    Finding::new(
                        format!("an archive with {with} is refused with a reason"),
                        format!("POST {} answers {}", self.routes.restore, shown(&pair[0])),
                    )
                    .coded("workspace/hostile")
                    .with(words(&pair[0])),
                );
            }
            let escaped = |path: &String| {
                let found = seen.iter().find(|(seen, _)| seen == path);
                found.is_some_and(|(_, entry)| entry.is_some())
            };
            if let Some(path) = hostile.escapes.as_ref().filter(|path| escaped(path)) {
                findings.push(
                    Finding::new(
                        format!(
                            "an archive with {with} makes nothing outside {}",
                            self.daemon.root
                        ),
                        format!("it made {path}"),
                    )
                    .coded("workspace/escaped"),
                );
            }
            // What comes after a restore that was let through is no longer the old workspace: told once.
            if pair[0].status.is_some_and(|status| status < 400) {
                break;
            }
            let was = format!("what was there before an archive with {with}");
            let changed = self.holds(&pair[1], &tape::other(), &was);
            // What is wrong now is wrong after the next archive too.
            let is_lost = changed.is_some();
            findings.extend(changed);
            if is_lost {
                break;
            }
        }
        Ok(findings)
    }

    fn wholes(&self) -> Vec<Question> {
        let other = tape::tar(&tape::other(), self.owner);
        let mut cut = self.restore_bytes(other[..1536].to_vec());
        cut.cut = true;
        vec![
            self.ask(vec![
                self.restore(&tape::sample()),
                self.restore_bytes(tape::entries(&tape::other(), self.owner)),
                self.create(),
                self.restore_bytes(other[..other.len() - 1024 - 512].to_vec()),
                self.create(),
                cut,
            ]),
            Question::ProcessesAfter { pause: PAUSE },
            self.ask(vec![
                self.create(),
                self.restore(&tape::other()),
                self.create(),
            ]),
        ]
    }

    fn judge_wholes(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let (first, second) = (said(boot, 0, 6)?, said(boot, 2, 3)?);
        if let Some(finding) = self.answers(&first[0], &self.routes.restore, 200) {
            return Ok(vec![finding]);
        }
        let tries = [
            (&first[1], &first[2], "an archive without its end"),
            (
                &first[3],
                &first[4],
                "an archive that ends in the middle of a file",
            ),
            (
                &first[5],
                &second[0],
                "a connection that is cut in the middle of the archive",
            ),
        ];
        for (restored, after, what) in tries {
            if restored.status.is_some_and(|status| status < 400) {
                let expected = format!("POST {} refuses {what}", self.routes.restore);
                let finding = Finding::new(expected, shown(restored));
                return Ok(vec![
                    finding.coded("workspace/truncated").with(words(restored)),
                ]);
            }
            let was = format!("the old workspace as a whole after {what}");
            if let Some(changed) = self.holds(after, &tape::sample(), &was) {
                return Ok(vec![changed]);
            }
        }
        let was = "the new workspace and nothing of the old one after a restore that succeeds";
        let restored = self.answers(&second[1], &self.routes.restore, 200);
        let held = self.holds(&second[2], &tape::other(), was);
        Ok(restored.into_iter().chain(held).collect())
    }

    fn judge_app(&self, app: &AppClaim, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let calls = said(boot, 0, 2)?;
        let mut findings: Vec<Finding> = self
            .answers(&calls[0], &self.routes.restore, 200)
            .into_iter()
            .collect();
        if calls[1].status.is_none_or(|status| status >= 300) {
            let expected = format!("POST {} is taken after a restore", self.routes.configure);
            findings.push(
                Finding::new(expected, shown(&calls[1]))
                    .coded("workspace/app")
                    .with(words(&calls[1])),
            );
        }
        let http = boot.answer(2, |answer| match answer {
            Answer::Http(http) => Some(http),
            _ => None,
        })?;
        if http.status != Some(app.http.status) {
            let expected = format!(
                "GET http://127.0.0.1:{}{} answers {} within {} of the configuration of a restored workspace",
                app.http.port, app.http.path, app.http.status, app.within
            );
            let told = match (http.status, &http.error) {
                (Some(status), _) => format!("status {status}"),
                (None, Some(why)) => why.clone(),
                (None, None) => "no response".into(),
            };
            findings.push(
                Finding::new(expected, told)
                    .coded("workspace/app")
                    .with(super::super::last_lines(&boot.log)),
            );
        }
        Ok(findings)
    }

    /// The finding when a `POST` does not answer with `status`.
    fn answers(&self, said: &Said, route: &str, status: u16) -> Option<Finding> {
        (said.status != Some(status)).then(|| {
            Finding::new(format!("POST {route} answers {status}"), shown(said))
                .coded("workspace/answer")
                .with(words(said))
        })
    }

    fn snapshot(
        &self,
        said: &Said,
    ) -> Result<std::collections::BTreeMap<String, tape::Held>, Box<Finding>> {
        if let Some(finding) = self.answers(said, &self.routes.create, 200) {
            return Err(Box::new(finding));
        }
        tape::read(&said.body.0).map_err(|why| {
            let expected = format!("POST {} gives a whole tar", self.routes.create);
            Box::new(Finding::new(expected, why).coded("workspace/snapshot"))
        })
    }

    /// The finding when a snapshot is not `nodes`.
    fn holds(&self, said: &Said, nodes: &[Node], was: &str) -> Option<Finding> {
        let held = match self.snapshot(said) {
            Ok(held) => held,
            Err(finding) => return Some(*finding),
        };
        let lines = tape::differences(nodes, &held);
        if lines.is_empty() {
            return None;
        }
        let told = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("{} differences, the first: {}", many.len(), many[0]),
        };
        Some(
            Finding::new(format!("a snapshot is {was}"), told)
                .coded("workspace/tree")
                .about(lines),
        )
    }
}

fn get(path: &str) -> Call {
    Call {
        method: "GET".into(),
        ..post(path, None)
    }
}

/// The sample with scratch files.
pub(super) fn with_tmp() -> Vec<Node> {
    let mut nodes = tape::sample();
    nodes.push(node("./tmp/", What::Dir, 0o755));
    nodes.push(node("./tmp/scratch", What::File("scratch\n"), 0o644));
    nodes
}

fn doubtful() -> Vec<Hostile> {
    use What::{Fifo, File, Foreign};
    let doubt = |with, nodes| Hostile {
        with,
        nodes,
        escapes: None,
    };
    vec![
        doubt(
            "one name twice",
            vec![
                node("./twice", File("one\n"), 0o644),
                node("./twice", File("two\n"), 0o644),
            ],
        ),
        doubt(
            "two names that differ in case only",
            vec![
                node("./Readme", File("one\n"), 0o644),
                node("./README", File("two\n"), 0o644),
            ],
        ),
        doubt(
            "a file of another owner",
            vec![node("./foreign", Foreign("whose?\n"), 0o644)],
        ),
        doubt("a pipe", vec![node("./pipe", Fifo, 0o644)]),
    ]
}

/// How a path of the workspace is not what was sent.
fn unlike(node: &Node, path: &str, entry: Option<&Entry>) -> Option<String> {
    let Some(entry) = entry else {
        return Some(format!("{path} is not there"));
    };
    let (kind, content, target) = match node.what {
        What::File(content) => (Kind::File, Some(content), None),
        What::Symlink(target) => (Kind::Symlink, None, Some(target)),
        _ => (Kind::Dir, None, None),
    };
    if entry.kind != kind {
        return Some(format!("{path} is another kind of file"));
    }
    if target.is_some() {
        return (entry.target.as_deref() != target)
            .then(|| format!("{path} is a link to another place"));
    }
    if entry.mode != node.mode {
        return Some(format!(
            "{path} has mode {:04o}, was sent with {:04o}",
            entry.mode, node.mode
        ));
    }
    let digest = content.map(|content| {
        let digest = Sha256::digest(content.as_bytes());
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    (digest.is_some() && entry.sha256 != digest).then(|| format!("{path} has another content"))
}
