//! The only words spoken across the seam: questions about a container, and their answers.

use std::time::Duration;

use adamant_probe::converse::{Call, Heard, Said, StandIn};
use adamant_probe::{
    Command, CommandResult, Entry, Http, Mount, Port, Process, Target, TraceEvent,
};
use serde::{Deserialize, Serialize};

/// A question about a started container.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Its processes, seen from inside.
    Processes,
    /// Its mounts, seen from inside.
    Mounts,
    /// What differs from the image: the root file system and every writable mount.
    Drift,
    /// The result of commands, run one after the other as the container's user.
    Commands {
        /// What to run.
        commands: Vec<Command>,
    },
    /// The response to one `GET` on loopback.
    Http {
        /// The port.
        port: u16,
        /// The path with its query.
        path: String,
    },
    /// The responses to requests on loopback, one after the other.
    Converse {
        /// The port.
        port: u16,
        /// What is sent.
        calls: Vec<Call>,
    },
    /// What a stand-in for a workspace's daemon hears until its time is up.
    StandIn(StandIn),
    /// Whether something accepts at a target right now.
    Accepts {
        /// The target.
        target: Target,
    },
    /// The response to MCP's `initialize`.
    Mcp {
        /// The server.
        command: Command,
    },
    /// Paths as they are now, hashed.
    Stat {
        /// Absolute paths.
        paths: Vec<String>,
    },
    /// Whether a new file can be created in each directory by root.
    TryWrite {
        /// Absolute paths.
        dirs: Vec<String>,
    },
    /// The processes again after a while.
    ProcessesAfter {
        /// How long to let it run.
        pause: Duration,
    },
    /// What a signal to process 1 came to. Ends the container.
    Stop {
        /// The signal's name: `SIGTERM`.
        signal: String,
        /// How long it has before it is killed.
        within: Duration,
    },
    /// What a signal to process 1 comes to while a stand-in for a workspace's daemon answers. Ends the container.
    StopBeside {
        /// Who answers meanwhile.
        stand_in: StandIn,
        /// The signal's name: `SIGTERM`.
        signal: String,
        /// How long it has before it is killed.
        within: Duration,
    },
    /// What a companion service becomes reachable for: starts it, on the boot's isolated network, under `alias`.
    Companion {
        /// The host name that the subject knows it by.
        alias: String,
        /// The port that it answers on.
        port: u16,
    },
    /// What the processes of a traced boot have done so far.
    Trace,
    /// Where it listens, seen from inside.
    Ports,
    /// The files that a traced boot has executed, and those of the image or libraries that it has opened for reading,
    /// hashed as they are now.
    Loaded,
    /// Who has connected to the companions of this boot, from its network.
    CompanionPeers,
}

/// The answer to a question, one variant per kind of fact.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Question::Processes`] and [`Question::ProcessesAfter`].
    Processes(Vec<Process>),
    /// To [`Question::Mounts`].
    Mounts(Vec<Mount>),
    /// To [`Question::Drift`].
    Drift(Vec<Change>),
    /// To [`Question::Commands`], in order; to [`Question::Mcp`], one.
    Commands(Vec<CommandResult>),
    /// To [`Question::Http`].
    Http(Http),
    /// To [`Question::Converse`], in order.
    Said(Vec<Said>),
    /// To [`Question::StandIn`], in the order of their ends.
    Heard(Vec<Heard>),
    /// To [`Question::Accepts`]: why not, when it does not.
    Accepts {
        /// `None` when it accepts.
        refused: Option<String>,
    },
    /// To [`Question::Ports`].
    Ports(Vec<Port>),
    /// To [`Question::Stat`], in order, and to [`Question::Loaded`]; `None` where there is nothing.
    Entries(Vec<(String, Option<Entry>)>),
    /// To [`Question::TryWrite`], in order: the error's name, or `None` where the file could be created.
    Written(Vec<(String, Option<String>)>),
    /// To [`Question::Stop`] and [`Question::StopBeside`].
    Stopped(Stopped),
    /// To [`Question::Companion`]: it is up and reachable on the boot's network.
    Joined,
    /// To [`Question::Trace`].
    Trace(Trace),
    /// To [`Question::CompanionPeers`]: their addresses.
    Peers(Vec<String>),
    /// What came of boots without one file each; gathered from their ends, asked of nobody.
    Losses(Vec<Loss>),
}

/// A file that a boot was started without, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Its path in the image.
    pub path: String,
    /// What was seen.
    pub seen: LossSeen,
}

/// What a boot did without a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossSeen {
    /// Process 1 ended.
    Exit {
        /// Its code.
        code: i64,
    },
    /// It did not get ready, in several times the time of a boot that has all.
    NotReady,
    /// It got ready and its output names the file.
    Named {
        /// The line.
        line: String,
    },
    /// It got ready as if nothing were missing.
    Nothing,
}

/// What the processes of a boot did, in order, its control included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The path that the launcher tried to write before the subject started.
    pub control: String,
    /// Everything that was seen.
    pub events: Vec<TraceEvent>,
    /// Why there is more that is not here.
    pub cut: Option<String>,
}

/// One difference between the image and the running container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Absolute path.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What it is now; `None` when it was deleted or could not be read.
    pub now: Option<Entry>,
    /// For a change of content, mode or owner: what differs, for a person.
    pub detail: String,
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is not in the image.
    Added,
    /// Its content, mode, owner or kind differs from the image.
    Modified,
    /// It is in the image and gone.
    Deleted,
    /// It was opened for writing; its content is as shipped.
    Touched,
}

/// How process 1 ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// The exit code as the engine reports it: 128 + n for signal n, 127 when the executable does not exist.
    pub code: i64,
    /// Whether the memory limit killed it.
    pub oom_killed: bool,
    /// Milliseconds from start to end.
    pub after_ms: u64,
    /// Why the engine could not start the process, in its words; then `code` is 126 or 127.
    pub refused: Option<String>,
}

/// What a stop came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// How it ended.
    pub exit: Exit,
    /// Milliseconds from the signal to the end.
    pub took_ms: u64,
    /// Whether it had to be killed because its time was up.
    pub killed: bool,
}
