//! Plays the user of a terminal: waits for what is shown, types, and changes the size.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use regex::bytes::Regex;

use super::{Action, Terminal};

/// What the user just did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// These keys were pressed.
    Typed(Vec<u8>),
    /// The terminal has this size now.
    Resized(u16, u16),
}

/// The user of one execution.
#[derive(Debug)]
pub(crate) struct User {
    steps: VecDeque<(Duration, Plan)>,
    /// When the step that is next became that.
    since: Instant,
    /// How much of what was shown a wait has used up.
    used: usize,
    /// How much there was when it was last looked at, in vain.
    looked: Option<usize>,
}

#[derive(Debug)]
enum Plan {
    /// For a pattern, and how long what it matches is, where that is known.
    Wait(Regex, Option<usize>),
    Do(Action),
}

impl User {
    /// A user who follows the script from now on.
    ///
    /// # Errors
    /// When a pattern of the script is none.
    pub(crate) fn new(terminal: &Terminal) -> Result<Self, regex::Error> {
        let mut steps = VecDeque::with_capacity(terminal.script.len());
        for step in &terminal.script {
            let plan = match &step.action {
                Action::Expect(text) => {
                    Plan::Wait(Regex::new(&regex::escape(text))?, Some(text.len()))
                }
                Action::Pattern(pattern) => Plan::Wait(Regex::new(pattern)?, None),
                Action::Send(_) | Action::Resize(..) => Plan::Do(step.action.clone()),
            };
            steps.push_back((Duration::from_millis(step.after_ms), plan));
        }
        Ok(Self {
            steps,
            since: Instant::now(),
            used: 0,
            looked: None,
        })
    }

    /// What the user does at `now`, when all of `shown` has been shown so far.
    pub(crate) fn act(&mut self, shown: &[u8], now: Instant) -> Option<Deed> {
        loop {
            let (pause, plan) = self.steps.front()?;
            if now < self.since + *pause {
                return None;
            }
            if let Plan::Wait(pattern, length) = plan {
                if self.looked == Some(shown.len()) {
                    return None;
                }
                // A text that ends in what is new begins at most its length before.
                let known = self.looked.zip(*length);
                let from = known.map_or(0, |(looked, length)| looked.saturating_sub(length));
                let from = from.max(self.used);
                self.looked = Some(shown.len());
                let found = shown.get(from..).and_then(|new| pattern.find(new))?;
                self.used = from + found.end();
            }
            self.since = now;
            self.looked = None;
            match self.steps.pop_front()?.1 {
                Plan::Do(Action::Send(keys)) => return Some(Deed::Typed(keys)),
                Plan::Do(Action::Resize(columns, rows)) => {
                    return Some(Deed::Resized(columns, rows));
                }
                Plan::Do(Action::Expect(_) | Action::Pattern(_)) | Plan::Wait(..) => {}
            }
        }
    }

    /// When the user goes on by themselves; `None` while only what is shown can move them.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (pause, _) = self.steps.front()?;
        let waits = self.looked.is_some();
        (!waits).then(|| self.since + *pause)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::{Action, Step, Terminal};
    use super::{Deed, User};

    fn user(steps: &[(u64, Action)]) -> User {
        let script = steps
            .iter()
            .map(|(after_ms, action)| Step {
                after_ms: *after_ms,
                action: action.clone(),
            })
            .collect();
        User::new(&Terminal {
            script,
            ..Terminal::default()
        })
        .expect("the patterns are some")
    }

    fn typed(text: &str) -> Option<Deed> {
        Some(Deed::Typed(text.as_bytes().to_vec()))
    }

    #[test]
    fn a_user_waits_for_what_was_shown_since() {
        let mut user = user(&[
            (0, Action::Expect("> ".to_owned())),
            (0, Action::Send(b"one".to_vec())),
            (0, Action::Expect("> ".to_owned())),
            (0, Action::Send(b"two".to_vec())),
        ]);
        let now = Instant::now();
        assert_eq!(user.act(b"", now), None);
        assert_eq!(user.due(), None, "only output can move the user");
        assert_eq!(user.act(b"> ", now), typed("one"));
        assert_eq!(user.act(b"> ", now), None);
        assert_eq!(user.act(b"> one\r\n> ", now), typed("two"));
        assert_eq!(user.act(b"> one\r\n> > ", now), None);
    }

    #[test]
    fn a_pause_begins_with_the_step() {
        let mut user = user(&[
            (0, Action::Pattern("[0-9]+!".to_owned())),
            (20, Action::Resize(1, 2)),
        ]);
        let now = Instant::now();
        assert_eq!(user.act(b"12!", now), None);
        let due = user.due().expect("time moves the user");
        assert_eq!(due, now + Duration::from_millis(20));
        assert_eq!(user.act(b"12!", due), Some(Deed::Resized(1, 2)));
    }

    #[test]
    fn a_pattern_that_is_none_is_told() {
        let script = vec![Step {
            after_ms: 0,
            action: Action::Pattern("(".to_owned()),
        }];
        let terminal = Terminal {
            script,
            ..Terminal::default()
        };
        assert!(User::new(&terminal).is_err());
    }
}
