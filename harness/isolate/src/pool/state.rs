//! What a pool holds, and every decision about it; nothing here waits, starts a thread or reads a clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::metrics::{PoolActivity, PoolMetrics};
use super::{AcquireError, Reuse, Settings, StartError};
use crate::execution::Health;

/// How long a function without an isolate lets others go first that have one. Taking an isolate away from a busy function costs a
/// start for each of the two; done at every turn, a full pool would do nothing else.
pub(super) const COURTESY: Duration = Duration::from_secs(1);

/// And how long a function waits for an isolate that it has and that is at work, before it takes another one's.
pub(super) const LOYALTY: Duration = Duration::from_secs(10);

/// How long nothing is started unasked after a start failed.
const RECOVERY: Duration = Duration::from_secs(1);

/// An isolate that is ready.
struct Idle<T> {
    isolate: T,
    /// The function that it ran for, once it ran.
    function: Option<String>,
    since: Instant,
}

/// A request that waits for an isolate.
struct Waiter<T> {
    function: String,
    since: Instant,
    until: Instant,
    reply: mpsc::Sender<Granted<T>>,
}

/// What a request gets in the end.
pub(super) type Granted<T> = Result<Grant<T>, AcquireError>;

/// An isolate for one request.
pub(super) struct Grant<T> {
    pub(super) isolate: T,
    /// Whether it ran nothing before.
    pub(super) fresh: bool,
}

/// What the pool's threads are to do.
pub(super) enum Job<T> {
    /// Make an isolate.
    Start,
    /// Give back what this one holds.
    End(T),
}

pub(super) struct State<T> {
    settings: Settings,
    /// The least recently used first.
    idle: VecDeque<Idle<T>>,
    waiting: VecDeque<Waiter<T>>,
    pub(super) jobs: VecDeque<Job<T>>,
    active: usize,
    /// Of those, how many work for a function.
    at_work: BTreeMap<String, usize>,
    starting: usize,
    ending: usize,
    /// No start unasked before then.
    recovers: Option<Instant>,
    /// New requests are turned away.
    draining: bool,
    /// And those that wait, too.
    closed: bool,
    created: u64,
    destroyed: u64,
    corrupted: u64,
    activity: PoolActivity,
}

impl<T> State<T> {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            idle: VecDeque::new(),
            waiting: VecDeque::new(),
            jobs: VecDeque::new(),
            active: 0,
            at_work: BTreeMap::new(),
            starting: 0,
            ending: 0,
            recovers: None,
            draining: false,
            closed: false,
            created: 0,
            destroyed: 0,
            corrupted: 0,
            activity: PoolActivity::default(),
        }
    }

    /// A request; its answer comes by the channel, perhaps at once.
    pub(super) fn request(
        &mut self,
        function: &str,
        now: Instant,
        patience: Duration,
        reply: mpsc::Sender<Granted<T>>,
    ) {
        let refusal = if self.draining {
            AcquireError::Closed
        } else if self.waiting.len() >= self.settings.waiting {
            // Those whose time is over do not keep others out.
            self.settle(now);
            if self.waiting.len() < self.settings.waiting {
                return self.enqueue(function, now, patience, reply);
            }
            self.activity.refused += 1;
            AcquireError::Full(self.settings.waiting)
        } else {
            return self.enqueue(function, now, patience, reply);
        };
        let _the_caller_holds_the_other_end = reply.send(Err(refusal));
    }

    fn enqueue(
        &mut self,
        function: &str,
        now: Instant,
        patience: Duration,
        reply: mpsc::Sender<Granted<T>>,
    ) {
        self.waiting.push_back(Waiter {
            function: function.to_owned(),
            since: now,
            until: now
                .checked_add(patience)
                .unwrap_or(now + Duration::from_secs(1 << 30)),
            reply,
        });
        self.settle(now);
    }

    /// An isolate comes back.
    pub(super) fn release(&mut self, isolate: T, function: String, health: Health, now: Instant) {
        self.active -= 1;
        if let Some(count) = self.at_work.get_mut(&function) {
            *count -= 1;
            if *count == 0 {
                self.at_work.remove(&function);
            }
        }
        match health {
            Health::Reusable => self.idle.push_back(Idle {
                isolate,
                function: Some(function),
                since: now,
            }),
            Health::Corrupted => {
                self.corrupted += 1;
                self.end(isolate);
            }
        }
        self.settle(now);
    }

    /// An isolate was made.
    pub(super) fn started(&mut self, isolate: T, now: Instant) {
        self.starting -= 1;
        self.created += 1;
        self.recovers = None;
        self.idle.push_back(Idle {
            isolate,
            function: None,
            since: now,
        });
        self.settle(now);
    }

    /// An isolate could not be made: whoever waits longest is told, as nobody else may ever find out.
    pub(super) fn not_started(&mut self, error: StartError, now: Instant) {
        self.starting -= 1;
        self.activity.failed += 1;
        self.recovers = Some(now + RECOVERY);
        if let Some(waiter) = self.waiting.pop_front() {
            let _it_may_have_left = waiter.reply.send(Err(AcquireError::Start(error)));
        }
        self.settle(now);
    }

    /// What an isolate held was given back.
    pub(super) fn ended(&mut self, now: Instant) {
        self.ending -= 1;
        self.settle(now);
    }

    /// From now on no request is taken; with `close`, those that wait go away empty-handed too.
    pub(super) fn drain(&mut self, close: bool, now: Instant) {
        self.draining = true;
        self.closed |= close;
        self.settle(now);
    }

    /// Decides all that can be decided now.
    pub(super) fn settle(&mut self, now: Instant) {
        self.turn_away(now);
        self.hand_out(now);
        self.make_room(now);
        if self.draining {
            if self.waiting.is_empty() {
                while let Some(idle) = self.idle.pop_front() {
                    self.end(idle.isolate);
                }
            }
            return;
        }
        self.refill(now);
        self.clean(now);
    }

    fn turn_away(&mut self, now: Instant) {
        let mut kept = VecDeque::with_capacity(self.waiting.len());
        for waiter in self.waiting.drain(..) {
            let error = if self.closed {
                AcquireError::Closed
            } else if waiter.until <= now {
                self.activity.timed_out += 1;
                AcquireError::TimedOut(now.saturating_duration_since(waiter.since))
            } else {
                kept.push_back(waiter);
                continue;
            };
            let _it_may_have_left = waiter.reply.send(Err(error));
        }
        self.waiting = kept;
    }

    /// Gives what is ready to those who wait, the first come first: to each an isolate of its own function, else one that never ran.
    fn hand_out(&mut self, now: Instant) {
        let mut overlooked = 0;
        let mut at = 0;
        while at < self.waiting.len() && !self.idle.is_empty() {
            // Whoever waited too long for others gets the next isolate that is ready, when it has none in prospect.
            if overlooked > self.prospects() {
                return;
            }
            let waiter = &self.waiting[at];
            let Some(fit) = self.fit(&waiter.function) else {
                overlooked += usize::from(self.has_waited(waiter, COURTESY, now));
                at += 1;
                continue;
            };
            let (Some(waiter), Some(idle)) = (self.waiting.remove(at), self.idle.remove(fit))
            else {
                return;
            };
            let Idle {
                isolate,
                function,
                since,
            } = idle;
            let fresh = function.is_none();
            let wanted = waiter.function;
            match waiter.reply.send(Ok(Grant { isolate, fresh })) {
                Ok(()) => {
                    self.active += 1;
                    *self.at_work.entry(wanted).or_default() += 1;
                    self.activity.leased += 1;
                    self.activity.fresh += u64::from(fresh);
                }
                // It left without a word; the isolate is as it was.
                Err(mpsc::SendError(returned)) => {
                    if let Ok(Grant { isolate, .. }) = returned {
                        let idle = Idle {
                            isolate,
                            function,
                            since,
                        };
                        self.idle.insert(fit, idle);
                    }
                }
            }
        }
    }

    /// The best isolate that is ready for a function: the one it used last, else one that nobody used.
    fn fit(&self, function: &str) -> Option<usize> {
        let last = |wanted: &dyn Fn(&Idle<T>) -> bool| self.idle.iter().rposition(wanted);
        last(&|idle| idle.function.as_deref() == Some(function))
            .or_else(|| last(&|idle| idle.function.is_none()))
            .or_else(|| match self.settings.reuse {
                Reuse::Function => None,
                Reuse::Any => last(&|_| true),
            })
    }

    /// Isolates under way, and places that become free: each ends one request's waiting.
    fn prospects(&self) -> usize {
        self.starting + self.ending
    }

    /// Isolates that exist in some form.
    fn places(&self) -> usize {
        self.idle.len() + self.active + self.starting + self.ending
    }

    /// Whether a request waits for long enough to take an isolate from another function: `courtesy` when its own has none.
    fn has_waited(&self, waiter: &Waiter<T>, courtesy: Duration, now: Instant) -> bool {
        let enough = if self.at_work.contains_key(&waiter.function) {
            LOYALTY
        } else {
            courtesy
        };
        now.saturating_duration_since(waiter.since) >= enough
    }

    /// Sees that there is something in prospect for everybody who waits, as far as the pool may grow; and in a full pool for those
    /// who have nothing to wait for.
    fn make_room(&mut self, now: Instant) {
        let waiting = self.waiting.iter();
        let needy = waiting
            .filter(|waiter| self.has_waited(waiter, Duration::ZERO, now))
            .count();
        while self.starting < self.waiting.len() {
            if self.places() < self.settings.max {
                self.start();
            } else if self.prospects() < needy
                && let Some(idle) = self.idle.pop_front()
            {
                self.activity.retired += 1;
                self.end(idle.isolate);
            } else {
                return;
            }
        }
    }

    /// Keeps the base warm.
    fn refill(&mut self, now: Instant) {
        match self.recovers {
            Some(recovers) if now < recovers => return,
            _ => self.recovers = None,
        }
        let living = |state: &Self| state.idle.len() + state.active + state.starting;
        while living(self) < self.settings.base && self.places() < self.settings.max {
            self.start();
        }
    }

    /// Takes out what nobody used for long, down to the base.
    fn clean(&mut self, now: Instant) {
        while let Some(until) = self.expiry() {
            if until > now {
                return;
            }
            if let Some(idle) = self.idle.pop_front() {
                self.activity.expired += 1;
                self.end(idle.isolate);
            }
        }
    }

    /// When the next isolate has been ready for too long.
    fn expiry(&self) -> Option<Instant> {
        let total = self.idle.len() + self.active;
        let oldest = self.idle.front().filter(|_| total > self.settings.base)?;
        oldest.since.checked_add(self.settings.idle)
    }

    fn start(&mut self) {
        self.starting += 1;
        self.jobs.push_back(Job::Start);
    }

    fn end(&mut self, isolate: T) {
        self.destroyed += 1;
        self.ending += 1;
        self.jobs.push_back(Job::End(isolate));
    }

    /// When to settle again although nothing happened.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let waits = self.waiting.iter().map(|waiter| waiter.until).min();
        // Somebody's loyalty ends while another one's isolate is ready.
        let loyal = self.waiting.iter().map(|waiter| waiter.since + LOYALTY);
        let loyal = loyal
            .filter(|until| !self.idle.is_empty() && *until > now)
            .min();
        let expiry = self.expiry().filter(|_| !self.draining);
        let recovers = self.recovers.filter(|_| !self.draining);
        [waits, loyal, expiry, recovers].into_iter().flatten().min()
    }

    /// Whether nothing that was taken on is still under way.
    pub(super) fn is_calm(&self) -> bool {
        self.waiting.is_empty() && self.active == 0
    }

    /// Whether every isolate that is not at work is gone.
    pub(super) fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.starting == 0 && self.ending == 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn metrics(&self) -> PoolMetrics {
        PoolMetrics {
            total: self.idle.len() + self.active,
            available: self.idle.len(),
            active: self.active,
            corrupted: self.corrupted,
            created: self.created,
            destroyed: self.destroyed,
        }
    }

    pub(super) fn activity(&self) -> PoolActivity {
        PoolActivity {
            starting: self.starting,
            ending: self.ending,
            waiting: self.waiting.len(),
            ..self.activity
        }
    }
}
