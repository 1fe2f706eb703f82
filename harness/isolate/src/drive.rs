//! Drives the JavaScript of one execution: the entry, the event loop, errors nobody caught, the end.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::control::{Control, Stop};
use crate::execution::{Mode, Thrown};
use crate::native::console::SharedSink;
use crate::native::event_loop::LoopState;
use crate::native::modules::{Answer, MainState, ModulesState};
use crate::native::network::{self, NetworkState};
use crate::native::terminal::{self, TerminalState};
use crate::native::{self, state, string};
use crate::output::Stream;
use crate::{esm, platform, report};

/// Why a call into JavaScript did not return.
pub(crate) enum Halt {
    /// It was told to stop; the control knows why.
    Stopped,
    /// It threw.
    Threw(Uncaught),
}

/// An error on its way to `uncaughtException`.
pub(crate) struct Uncaught {
    error: v8::Global<v8::Value>,
    /// `file:line`, the source line and the carets, as Node prints them above the error.
    arrow: Option<String>,
    /// What `uncaughtException` listeners see as its origin.
    origin: &'static str,
}

/// How the guest came to its end.
pub(crate) enum End {
    Finished(i32),
    Stopped,
    Threw(Thrown),
}

/// A deadline that never comes, for walls beyond what the clock can say.
pub(crate) const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Calls into the JavaScript of one execution.
pub(crate) struct Drive {
    /// Nothing is called after it.
    pub(crate) deadline: Instant,
    /// Tells why it was stopped.
    pub(crate) control: Arc<Control>,
    pub(crate) mode: Mode,
    pub(crate) on_terminal: bool,
}

impl Drive {
    /// All of it, from the entry to the end.
    pub(crate) fn complete(&mut self, scope: &mut v8::HandleScope<'_>, entry: &str) -> End {
        let entry = string(scope, entry).into();
        let start = match self.mode {
            Mode::Script => "runMain",
            Mode::Handler => "runHandler",
        };
        let ended = self
            .guarded(scope, |drive, scope| {
                if drive.on_terminal {
                    let device = terminal::object(scope).into();
                    drive.call(scope, "attachTerminal", &[device])?;
                }
                drive.call(scope, start, &[entry]).map(drop)
            })
            .and_then(|done| {
                if done {
                    self.guarded(scope, Self::settle_ticks).map(drop)
                } else {
                    Ok(())
                }
            })
            .and_then(|()| self.exit_if_idle(scope))
            .and_then(|ended| match ended {
                Some(exit) => Ok(End::Finished(exit)),
                None => self.event_loop(scope).map(|()| self.finish(scope)),
            });
        match ended {
            Ok(end) | Err(end) => end,
        }
    }

    /// The exit code of a handler that is through and left the loop nothing to do, as most do: in one call what a turn of the loop
    /// and the end would take six for, while somebody waits. Nothing where there is anything left.
    fn exit_if_idle(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<Option<i32>, End> {
        let unsettled = matches!(
            state::<ModulesState>(scope).borrow().main,
            MainState::Pending(_)
        );
        let waits = self.on_terminal
            || unsettled
            || self.is_waiting(scope)
            || !state::<LoopState>(scope).borrow().deferred.is_empty();
        if waits || !self.answered(scope) || self.pump(scope)? {
            return Ok(None);
        }
        // A listener that threw, and whose error another one took, has begun the end all the same.
        let mut exit = Some(0);
        self.guarded(scope, |drive, scope| {
            let code = drive.call(scope, "exitIfIdle", &[])?;
            exit = code.is_number().then(|| code.int32_value(scope)).flatten();
            if exit.is_some() {
                drive.settle_ticks(scope)?;
            }
            Ok(())
        })?;
        Ok(exit)
    }

    /// The modules of a handler, up to its call; whether that came to an end by itself.
    pub(crate) fn load(&mut self, scope: &mut v8::HandleScope<'_>, entry: &str) -> bool {
        let entry = string(scope, entry).into();
        match self.call(scope, "loadHandler", &[entry]) {
            Ok(loaded) if loaded.is_true() => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
        // An ES module is read in the poll phase.
        loop {
            if self.settle_ticks(scope).is_err() {
                return false;
            }
            match self.call(scope, "isHandlerLoaded", &[]) {
                Ok(loaded) if loaded.is_true() => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
            let due = std::mem::take(&mut state::<LoopState>(scope).borrow_mut().deferred);
            if due.is_empty() {
                return false;
            }
            for callback in due {
                let callback = v8::Local::new(scope, callback);
                let done = self.call_function(scope, callback, &[]).map(drop);
                if done.and_then(|()| self.settle_ticks(scope)).is_err() {
                    return false;
                }
            }
        }
    }

    /// The loop: timers, deferred callbacks, immediates, until nothing keeps it alive.
    fn event_loop(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<(), End> {
        loop {
            while self.turn(scope)? {}
            if self.answered(scope) {
                return Ok(());
            }
            self.guarded(scope, |drive, scope| {
                drive.call(scope, "beforeExit", &[]).map(drop)?;
                drive.settle_ticks(scope)
            })?;
            if !self.alive(scope)? {
                return Ok(());
            }
        }
    }

    /// One turn; whether there is anything to wait for.
    fn turn(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<bool, End> {
        let scope = &mut v8::HandleScope::new(scope);
        let next = self.timers(scope)?;
        let due = std::mem::take(&mut state::<LoopState>(scope).borrow_mut().deferred);
        for callback in due {
            self.guarded(scope, |drive, scope| {
                let callback = v8::Local::new(scope, callback);
                drive.call_function(scope, callback, &[])?;
                drive.settle_ticks(scope)
            })?;
        }
        let heard = self.network(scope)?;
        let more = self.immediates(scope)?;
        let pumped = self.pump(scope)?;
        if self.answered(scope) {
            return Ok(false);
        }
        let busy =
            more || pumped || heard || !state::<LoopState>(scope).borrow().deferred.is_empty();
        let waiting = self.is_waiting(scope);
        // What the user does is of no account once nothing keeps the loop alive.
        if self.on_terminal && (busy || waiting || next > 0.0) && self.terminal(scope)? {
            return Ok(true);
        }
        if busy {
            return Ok(true);
        }
        if scope.has_pending_background_tasks() {
            self.pause(Duration::from_micros(200));
            return Ok(true);
        }
        if waiting || next > 0.0 {
            // A timer that keeps nothing alive (a negative time) still fires while something else does; no timer, no end, and
            // whatever comes over the network ends the pause.
            let wish = if next == 0.0 {
                FOREVER
            } else {
                let now = state::<LoopState>(scope).borrow().now();
                Duration::from_secs_f64(((next.abs() - now) / 1e3).clamp(0.0, 3600.0))
            };
            self.pause(wish.min(self.until_user(scope)));
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether anything from outside is still to come that keeps the loop alive.
    fn is_waiting(&self, scope: &mut v8::HandleScope<'_>) -> bool {
        state::<NetworkState>(scope).borrow().is_waiting()
            || self.on_terminal && state::<TerminalState>(scope).borrow().is_waiting()
    }

    /// How long the user of the terminal does nothing by themselves.
    fn until_user(&self, scope: &mut v8::HandleScope<'_>) -> Duration {
        if !self.on_terminal {
            return FOREVER;
        }
        let due = state::<TerminalState>(scope).borrow().due();
        due.map_or(FOREVER, |due| due.saturating_duration_since(Instant::now()))
    }

    /// What came from the terminal since: all signals, and one read's bytes; whether anything did.
    fn terminal(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<bool, End> {
        let mut any = false;
        loop {
            // The borrow ends before the guest is called.
            let signal = state::<TerminalState>(scope).borrow_mut().signal();
            let event = match signal {
                Some(signal) => signal,
                None => match state::<TerminalState>(scope).borrow_mut().input() {
                    Some(input) => input,
                    None => return Ok(any),
                },
            };
            any = true;
            let last = matches!(event, terminal::Event::Input(..));
            self.guarded(scope, |drive, scope| {
                let scope = &mut v8::HandleScope::new(scope);
                match event {
                    terminal::Event::Signal(number) => {
                        let number = v8::Integer::new(scope, number).into();
                        drive.call(scope, "signal", &[number])?;
                    }
                    terminal::Event::Input(reader, bytes) => {
                        let reader = v8::Local::new(scope, reader);
                        let bytes = terminal::argument(scope, bytes);
                        drive.call_function(scope, reader, &[bytes])?;
                    }
                }
                drive.settle_ticks(scope)
            })?;
            if last {
                return Ok(true);
            }
        }
    }

    /// What came over the network since; whether anything did.
    fn network(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<bool, End> {
        let mut any = false;
        while let Some(told) = network::next(scope) {
            any = true;
            self.guarded(scope, |drive, scope| {
                let scope = &mut v8::HandleScope::new(scope);
                let (listener, arguments) = network::call_of(scope, told);
                drive.call_function(scope, listener, &arguments)?;
                drive.settle_ticks(scope)
            })?;
        }
        Ok(any)
    }

    /// The timers that are due; when the next one is. One that throws does not keep the others from running at once.
    fn timers(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<f64, End> {
        let next = loop {
            let now = state::<LoopState>(scope).borrow().now();
            let now = v8::Number::new(scope, now).into();
            match self.call(scope, "timers", &[now]) {
                Ok(next) => break next.number_value(scope).unwrap_or(0.0),
                Err(Halt::Stopped) => return Err(End::Stopped),
                Err(Halt::Threw(uncaught)) => self.uncaught(scope, uncaught)?,
            }
        };
        self.guarded(scope, Self::settle_ticks)?;
        Ok(next)
    }

    /// The immediates queued so far; whether more wait. One that throws does not keep the others from running, after the ticks.
    fn immediates(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<bool, End> {
        loop {
            let mut ran = None;
            self.guarded(scope, |drive, scope| {
                ran = Some(drive.call(scope, "immediates", &[])?.is_true());
                drive.settle_ticks(scope)
            })?;
            if let Some(more) = ran {
                return Ok(more);
            }
        }
    }

    /// Runs V8's own tasks (asynchronous wasm, finalization registries) and what they resolve.
    fn pump(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<bool, End> {
        let mut any = false;
        while v8::Platform::pump_message_loop(platform::start(), scope, false) {
            any = true;
            self.guarded(scope, Self::settle_ticks)?;
        }
        Ok(any)
    }

    /// Waits, but not beyond the deadline.
    fn pause(&self, wish: Duration) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        std::thread::park_timeout(wish.min(left));
    }

    /// Whether anything came up that keeps the loop going after `beforeExit`.
    fn alive(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<bool, End> {
        if !state::<LoopState>(scope).borrow().deferred.is_empty() || self.is_waiting(scope) {
            return Ok(true);
        }
        let mut alive = false;
        self.guarded(scope, |drive, scope| {
            alive = drive.call(scope, "alive", &[])?.is_true();
            Ok(())
        })?;
        Ok(alive)
    }

    /// Whether a handler is through: it answered and its promise settled.
    fn answered(&self, scope: &mut v8::HandleScope<'_>) -> bool {
        if self.mode != Mode::Handler {
            return false;
        }
        let modules = state::<ModulesState>(scope);
        let modules = modules.borrow();
        matches!(modules.answer, Answer::Failed(_))
            || (modules.settled && matches!(modules.answer, Answer::Response(_)))
    }

    /// Drains ticks and microtasks, then rejections nobody handled, until both are empty.
    fn settle_ticks(&mut self, scope: &mut v8::HandleScope<'_>) -> Result<(), Halt> {
        loop {
            self.call(scope, "tick", &[])?;
            let fatal = state::<ModulesState>(scope).borrow_mut().fatal.take();
            if let Some(error) = fatal {
                let local = v8::Local::new(scope, &error);
                let arrow = arrow_of(scope, local);
                return Err(Halt::Threw(Uncaught {
                    error,
                    arrow,
                    origin: "unhandledRejection",
                }));
            }
            let waiting = {
                let state = state::<LoopState>(scope);
                let state = state.borrow();
                !state.rejections.is_empty() || !state.handled.is_empty()
            };
            if !waiting {
                return Ok(());
            }
            self.call(scope, "unhandledRejections", &[])?;
        }
    }

    /// Does `work`; an error out of it goes to the listeners of `uncaughtException`, and ends the execution if there are none.
    /// Whether `work` came to its end: the ticks behind an error that was handled run with the next turn, as in Node.
    fn guarded(
        &mut self,
        scope: &mut v8::HandleScope<'_>,
        work: impl FnOnce(&mut Self, &mut v8::HandleScope<'_>) -> Result<(), Halt>,
    ) -> Result<bool, End> {
        let result = work(self, scope);
        if self.control.stopped().is_some() {
            return Err(End::Stopped);
        }
        match result {
            Ok(()) => Ok(true),
            Err(Halt::Stopped) => Err(End::Stopped),
            Err(Halt::Threw(uncaught)) => self.uncaught(scope, uncaught).map(|()| false),
        }
    }

    fn uncaught(&mut self, scope: &mut v8::HandleScope<'_>, uncaught: Uncaught) -> Result<(), End> {
        let error = v8::Local::new(scope, &uncaught.error);
        let origin = string(scope, uncaught.origin).into();
        let uncaught = match self.call(scope, "uncaught", &[error, origin]) {
            Ok(handled) if handled.is_true() => return Ok(()),
            Ok(_) => uncaught,
            Err(Halt::Stopped) => return Err(End::Stopped),
            // An error in a listener is fatal in place of the first.
            Err(Halt::Threw(second)) => second,
        };
        let error = v8::Local::new(scope, &uncaught.error);
        let text = match self.call(scope, "describeFatal", &[error]) {
            Ok(text) => text.to_rust_string_lossy(scope),
            Err(_) => report::text(scope, error),
        };
        // A syntax error carries its place in its stack already.
        let arrow = uncaught
            .arrow
            .filter(|arrow| !text.starts_with(arrow.as_str()))
            .map(|arrow| {
                // Node leaves a blank line above errors only.
                let blank = if error.is_native_error() { "\n" } else { "" };
                arrow + blank
            })
            .unwrap_or_default();
        let thrown = report::thrown(scope, error);
        let sink = Arc::clone(&state::<SharedSink>(scope).borrow().0);
        sink.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(Stream::Stderr, format!("{arrow}{text}\n").as_bytes());
        Err(End::Threw(thrown))
    }

    /// The exit code, after `exit` listeners.
    fn finish(&mut self, scope: &mut v8::HandleScope<'_>) -> End {
        let unsettled = state::<ModulesState>(scope).borrow().main.clone();
        let code: v8::Local<'_, v8::Value> = match unsettled {
            MainState::Pending(main) => {
                if let Some(warning) = esm::stalled(scope, main) {
                    let sink = Arc::clone(&state::<SharedSink>(scope).borrow().0);
                    sink.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .write(Stream::Stderr, warning.as_bytes());
                }
                v8::Integer::new(scope, 13).into()
            }
            MainState::None | MainState::Settled => v8::undefined(scope).into(),
        };
        let mut exit = 0;
        let ended = self.guarded(scope, |drive, scope| {
            exit = drive
                .call(scope, "exit", &[code])?
                .int32_value(scope)
                .unwrap_or(0);
            // Ticks are over, but microtasks of the listeners still run.
            drive.settle_ticks(scope)
        });
        match ended {
            Ok(_) => End::Finished(exit),
            Err(end) => end,
        }
    }

    /// Calls a function of the bootstrap.
    pub(crate) fn call<'s>(
        &self,
        scope: &mut v8::HandleScope<'s>,
        hook: &str,
        args: &[v8::Local<'_, v8::Value>],
    ) -> Result<v8::Local<'s, v8::Value>, Halt> {
        match native::modules::hook(scope, hook) {
            Some(function) => self.call_function(scope, function, args),
            None => {
                let error = native::error(scope, &format!("the environment has no hook `{hook}`"));
                let error = v8::Global::new(scope, error);
                Err(Halt::Threw(Uncaught {
                    error,
                    arrow: None,
                    origin: "uncaughtException",
                }))
            }
        }
    }

    fn call_function<'s>(
        &self,
        scope: &mut v8::HandleScope<'s>,
        function: v8::Local<'_, v8::Function>,
        args: &[v8::Local<'_, v8::Value>],
    ) -> Result<v8::Local<'s, v8::Value>, Halt> {
        if Instant::now() >= self.deadline {
            self.control.stop(Stop::TimedOut);
        }
        if self.control.stopped().is_some() {
            return Err(Halt::Stopped);
        }
        let scope = &mut v8::TryCatch::new(scope);
        let undefined = v8::undefined(scope).into();
        if let Some(value) = function.call(scope, undefined, args) {
            return Ok(value);
        }
        if scope.has_terminated() || self.control.stopped().is_some() {
            return Err(Halt::Stopped);
        }
        let Some(error) = scope.exception() else {
            return Err(Halt::Stopped);
        };
        let message = scope.message();
        let arrow = message.and_then(|message| report::arrow(scope, message));
        scope.reset();
        let arrow = arrow.or_else(|| arrow_of(scope, error));
        let error = v8::Global::new(scope, error);
        Err(Halt::Threw(Uncaught {
            error,
            arrow,
            origin: "uncaughtException",
        }))
    }
}

/// The place that an error object remembers, for one that was thrown again by our own code.
fn arrow_of(scope: &mut v8::HandleScope<'_>, error: v8::Local<'_, v8::Value>) -> Option<String> {
    if !error.is_native_error() {
        return None;
    }
    let message = v8::Exception::create_message(scope, error);
    report::arrow(scope, message)
}
