//! Report files: replaced in one step, so that a killed run leaves a whole one, and written no more often than they are worth.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::text;

/// However much a write costs, news waits no longer than this for the next event. A summary of thousands of trials takes a good
/// part of a second to write, and every trial waits for it.
const SLOWEST: Duration = Duration::from_secs(10);
/// Else a write is followed by a pause of this many times what it cost.
const SHARE: u32 = 20;
/// Errors that are kept; a full disk has the same to say about every trial.
const KEEP: usize = 3;

/// Writes a whole file or leaves the old one.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(dir)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(format!(".{name}.{}.tmp", std::process::id()));
    let written =
        fs_err::write(&temporary, content).and_then(|()| fs_err::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one that explains; what is left has a name of its own.
        let _ = fs_err::remove_file(&temporary);
    }
    written
}

/// Decides when a report that is rewritten as a whole is due: at once while it is cheap.
#[derive(Debug, Default)]
pub(super) struct Pace {
    written: Option<(Instant, Duration)>,
    has_news: bool,
}

impl Pace {
    /// There is something that the file does not tell yet.
    pub(super) fn note_news(&mut self) {
        self.has_news = true;
    }

    /// Whether there is news and enough time has passed since the last write.
    pub(super) fn is_due(&self) -> bool {
        self.has_news
            && self
                .written
                .is_none_or(|(at, cost)| at.elapsed() >= (cost * SHARE).min(SLOWEST))
    }

    /// Writes, and remembers what it cost.
    pub(super) fn measure<T>(&mut self, write: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = write();
        self.written = Some((Instant::now(), start.elapsed()));
        self.has_news = false;
        value
    }
}

/// Errors of a reporter: the first of them and how many more.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    kept: Vec<String>,
    more: usize,
}

impl Trouble {
    /// Keeps an error; `attempt` completes "failed to …".
    pub(super) fn keep(&mut self, attempt: &str, error: &dyn std::fmt::Display) {
        let text = text::chain(&[format!("failed to {attempt}"), error.to_string()], None);
        if self.kept.contains(&text) {
            return;
        }
        if self.kept.len() < KEEP {
            self.kept.push(text);
        } else {
            self.more += 1;
        }
    }

    /// What was kept.
    pub(super) fn texts(&self) -> Vec<String> {
        let more = (self.more > 0).then(|| {
            format!(
                "{} could not be written",
                text::count(self.more, "more report")
            )
        });
        self.kept.iter().cloned().chain(more).collect()
    }
}

/// RFC 3339 in milliseconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_out_of_range| String::new(), |t| format!("{t:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a/b.json");
        replace(&path, b"one").expect("written");
        replace(&path, b"two").expect("written");
        assert_eq!(fs_err::read(&path).expect("read"), b"two");
        assert_eq!(
            fs_err::read_dir(dir.path().join("a"))
                .expect("listed")
                .count(),
            1
        );
        assert!(replace(&path.join("under-a-file"), b"x").is_err());
    }

    #[test]
    fn the_first_errors_are_kept_and_the_rest_counted() {
        let mut trouble = Trouble::default();
        for n in [1, 1, 2, 3, 4, 5] {
            trouble.keep(&format!("write `{n}`"), &"no space left");
        }
        assert_eq!(trouble.texts().len(), 4);
        assert_eq!(trouble.texts()[3], "2 more reports could not be written");
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
