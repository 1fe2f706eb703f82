//! The terminal of one execution as a guest's streams reach it. Only executions that have one make its functions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{Room, group, state, string};
use crate::output::Sink;
use crate::terminal::{Deed, Signal, Terminal, User};

/// What an execution on a terminal waits for.
#[derive(Default)]
pub(crate) struct TerminalState {
    device: Option<Device>,
}

struct Device {
    sink: Arc<Mutex<Sink>>,
    user: User,
    size: (u16, u16),
    signals: VecDeque<Signal>,
    /// Who hears what is typed, while somebody reads.
    reader: Option<v8::Global<v8::Function>>,
    /// Whether a reader keeps the loop alive.
    referenced: bool,
}

/// What came from a terminal.
pub(crate) enum Event {
    /// A signal for the whole execution.
    Signal(i32),
    /// What one read gave, for this reader.
    Input(v8::Global<v8::Function>, Vec<u8>),
}

impl TerminalState {
    /// The state of an execution on `terminal`, which shows what is in `sink`.
    pub(crate) fn of(terminal: &Terminal, user: User, sink: Arc<Mutex<Sink>>) -> Self {
        let device = Device {
            sink,
            user,
            size: (terminal.columns, terminal.rows),
            signals: VecDeque::new(),
            reader: None,
            referenced: true,
        };
        Self {
            device: Some(device),
        }
    }

    /// Whether somebody reads, and the loop lives for it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.device
            .as_ref()
            .is_some_and(|device| device.referenced && device.reader.is_some())
    }

    /// When the user goes on by themselves.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.device.as_ref().and_then(|device| device.user.due())
    }

    /// What the user did since: what the kernel would send at once, without what a read gives.
    pub(crate) fn signal(&mut self) -> Option<Event> {
        let device = self.device.as_mut()?;
        loop {
            if let Some(signal) = device.signals.pop_front() {
                return Some(Event::Signal(signal.number()));
            }
            let mut sink = device.sink.lock().unwrap_or_else(PoisonError::into_inner);
            match device.user.act(sink.shown(), Instant::now())? {
                Deed::Typed(keys) => device.signals.extend(sink.type_in(&keys)),
                Deed::Resized(columns, rows) if (columns, rows) != device.size => {
                    device.size = (columns, rows);
                    device.signals.push_back(Signal::Resize);
                }
                Deed::Resized(..) => {}
            }
        }
    }

    /// What one read gives, if somebody reads and there is something.
    pub(crate) fn input(&mut self) -> Option<Event> {
        let device = self.device.as_mut()?;
        let reader = device.reader.clone()?;
        let mut sink = device.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = sink.terminal()?.read()?;
        Some(Event::Input(reader, bytes))
    }
}

/// The functions, for the hook that gives them to the streams: `{ size, setRawMode, start, stop, reference }`.
pub(crate) fn object<'s>(scope: &mut v8::HandleScope<'s>) -> v8::Local<'s, v8::Object> {
    let room = Room::new("terminal")
        .function("size", size)
        .function("setRawMode", set_raw_mode)
        .function("start", start)
        .function("stop", stop)
        .function("reference", reference);
    group(scope, &room)
}

/// The arguments of a reader: the bytes, or nothing at the end of the input.
pub(crate) fn argument<'s>(
    scope: &mut v8::HandleScope<'s>,
    bytes: Vec<u8>,
) -> v8::Local<'s, v8::Value> {
    if bytes.is_empty() {
        return v8::null(scope).into();
    }
    let length = bytes.len();
    let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes).make_shared();
    let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
    match v8::Uint8Array::new(scope, buffer, 0, length) {
        Some(view) => view.into(),
        None => string(scope, "").into(),
    }
}

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a>;
type Scope<'s> = v8::HandleScope<'s>;

/// `size()` → `[columns, rows]`.
fn size(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let state = state::<TerminalState>(scope);
    let (columns, rows) = state.borrow().device.as_ref().map_or((0, 0), |d| d.size);
    let numbers = [columns, rows].map(|number| v8::Integer::new(scope, i32::from(number)).into());
    let list = v8::Array::new_with_elements(scope, &numbers);
    rv.set(list.into());
}

/// `setRawMode(flag)`.
fn set_raw_mode(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let raw = args.get(0).is_true();
    if let Some(device) = &state::<TerminalState>(scope).borrow().device {
        let mut sink = device.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(terminal) = sink.terminal() {
            terminal.set_raw(raw);
        }
    }
}

/// `start(listener)`: calls it with the bytes of each read, and with `null` at the end.
fn start(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let Ok(listener) = v8::Local::<v8::Function>::try_from(args.get(0)) else {
        return;
    };
    let listener = v8::Global::new(scope, listener);
    if let Some(device) = &mut state::<TerminalState>(scope).borrow_mut().device {
        device.reader = Some(listener);
    }
}

/// `stop()`: nobody reads until the next `start`.
fn stop(scope: &mut Scope<'_>, _args: Args<'_>, _rv: Return<'_>) {
    if let Some(device) = &mut state::<TerminalState>(scope).borrow_mut().device {
        device.reader = None;
    }
}

/// `reference(flag)`: whether reading keeps the loop alive.
fn reference(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let referenced = args.get(0).is_true();
    if let Some(device) = &mut state::<TerminalState>(scope).borrow_mut().device {
        device.referenced = referenced;
    }
}
