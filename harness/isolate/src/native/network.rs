//! `native.network`: requests that a broker outside of the sandbox makes for the guest; without a wire to one, there are none.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{self, Receiver, Sender};

use adamant_network::{Event, Exchange, Failure, Network, RequestHead, ResponseHead};

use super::bytes::Memory;
use super::{Room, state, string};

/// The exchanges of one execution. Dropping it gives them up.
pub(crate) struct NetworkState {
    network: Option<Network>,
    events: Sender<(u32, Event)>,
    inbox: Receiver<(u32, Event)>,
    open: HashMap<u32, Waiting>,
    /// Whether the guest took notice of the network at all.
    asked: bool,
}

/// An exchange and who hears of it.
struct Waiting {
    exchange: Exchange,
    listener: v8::Global<v8::Function>,
    /// What came and the guest has not taken into its own memory, which is counted.
    parts: VecDeque<Vec<u8>>,
}

impl Default for NetworkState {
    fn default() -> Self {
        Self::over(None)
    }
}

impl NetworkState {
    /// The state of an execution that may use `network`.
    pub(crate) fn over(network: Option<Network>) -> Self {
        let (events, inbox) = mpsc::channel();
        Self {
            network,
            events,
            inbox,
            open: HashMap::new(),
            asked: false,
        }
    }

    /// Whether the guest looked for the network, be there one or not.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked
    }

    /// Whether something is still to come.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }
}

/// What a listener is called with.
pub(crate) struct Told {
    listener: v8::Global<v8::Function>,
    event: Heard,
}

/// An [`Event`] whose bytes wait for the guest's memory.
enum Heard {
    Head(ResponseHead),
    Data(usize),
    End,
    Failed(Failure),
}

/// The next thing that came for somebody who still waits.
pub(crate) fn next(scope: &mut v8::HandleScope<'_>) -> Option<Told> {
    let state = state::<NetworkState>(scope);
    let mut state = state.borrow_mut();
    loop {
        let (id, event) = state.inbox.try_recv().ok()?;
        let listener = match event {
            Event::End | Event::Failed(_) => state.open.remove(&id).map(|w| w.listener),
            Event::Head(_) | Event::Data(_) => state.open.get(&id).map(|w| w.listener.clone()),
        };
        let event = match event {
            Event::Head(head) => Heard::Head(head),
            Event::End => Heard::End,
            Event::Failed(failure) => Heard::Failed(failure),
            Event::Data(bytes) => {
                let length = bytes.len();
                if let Some(waiting) = state.open.get_mut(&id) {
                    waiting.parts.push_back(bytes);
                }
                Heard::Data(length)
            }
        };
        if let Some(listener) = listener {
            return Some(Told { listener, event });
        }
    }
}

/// A listener and the arguments of its call: a word and what belongs to it.
pub(crate) fn call_of<'s>(
    scope: &mut v8::HandleScope<'s>,
    told: Told,
) -> (v8::Local<'s, v8::Function>, Vec<v8::Local<'s, v8::Value>>) {
    let listener = v8::Local::new(scope, told.listener);
    let arguments: Vec<v8::Local<'_, v8::Value>> = match told.event {
        Heard::Head(head) => {
            let pairs: Vec<v8::Local<'_, v8::Value>> = head
                .headers
                .iter()
                .flat_map(|(name, value)| [name, value])
                .map(|text| string(scope, text).into())
                .collect();
            vec![
                string(scope, "head").into(),
                v8::Integer::new(scope, i32::from(head.status)).into(),
                string(scope, &head.reason).into(),
                v8::Array::new_with_elements(scope, &pairs).into(),
            ]
        }
        Heard::Data(length) => {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            vec![
                string(scope, "data").into(),
                v8::Integer::new_from_unsigned(scope, length).into(),
            ]
        }
        Heard::End => vec![string(scope, "end").into()],
        Heard::Failed(failure) => vec![
            string(scope, "failed").into(),
            string(scope, &failure.code).into(),
            string(scope, &failure.message).into(),
        ],
    };
    (listener, arguments)
}

pub(crate) fn room() -> Room {
    Room::new("network")
        .function("isGranted", is_granted)
        .function("open", open)
        .function("send", send)
        .function("finish", finish)
        .function("read", read)
        .function("taken", taken)
        .function("abort", abort)
}

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a>;
type Scope<'s> = v8::HandleScope<'s>;

/// `isGranted()`: whether there is anybody to ask.
fn is_granted(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let state = state::<NetworkState>(scope);
    let mut state = state.borrow_mut();
    state.asked = true;
    rv.set_bool(state.network.is_some());
}

/// `open(method, url, [name, value, …], hasBody, listener)` → the exchange's number. The listener is called with `'head', status,
/// reason, headers`, then `'data', length` for each part, then `'end'` or `'failed', code, message`.
fn open(scope: &mut Scope<'_>, args: Args<'_>, mut rv: Return<'_>) {
    let (Ok(pairs), Ok(listener)) = (
        v8::Local::<v8::Array>::try_from(args.get(2)),
        v8::Local::<v8::Function>::try_from(args.get(4)),
    ) else {
        return;
    };
    let mut texts = Vec::new();
    for index in 0..pairs.length() {
        let Some(text) = pairs.get_index(scope, index) else {
            return;
        };
        texts.push(text.to_rust_string_lossy(scope));
    }
    let head = RequestHead {
        method: args.get(0).to_rust_string_lossy(scope),
        url: args.get(1).to_rust_string_lossy(scope),
        headers: texts
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect(),
        body: args.get(3).is_true(),
    };
    let listener = v8::Global::new(scope, listener);
    let state = state::<NetworkState>(scope);
    let mut state = state.borrow_mut();
    state.asked = true;
    let Some(network) = &state.network else {
        return;
    };
    let exchange = network.open(&head, &state.events);
    let id = exchange.id();
    let waiting = Waiting {
        exchange,
        listener,
        parts: VecDeque::new(),
    };
    state.open.insert(id, waiting);
    rv.set_uint32(id);
}

fn id_of(scope: &mut Scope<'_>, args: &Args<'_>) -> u32 {
    args.get(0).uint32_value(scope).unwrap_or_default()
}

/// `send(id, bytes)`: some of the request's body.
fn send(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let id = id_of(scope, &args);
    let Some(memory) = Memory::of(args.get(1)) else {
        return;
    };
    if let Some(waiting) = state::<NetworkState>(scope).borrow().open.get(&id) {
        waiting.exchange.send(memory.bytes());
    }
}

/// `finish(id)`: the request's body has ended.
fn finish(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let id = id_of(scope, &args);
    if let Some(waiting) = state::<NetworkState>(scope).borrow().open.get(&id) {
        waiting.exchange.finish();
    }
}

/// `read(id, target)`: copies the part that came first into `target`, which has its length.
fn read(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let id = id_of(scope, &args);
    let Some(mut target) = Memory::of(args.get(1)) else {
        return;
    };
    let state = state::<NetworkState>(scope);
    let mut state = state.borrow_mut();
    if let Some(part) = state.open.get_mut(&id).and_then(|w| w.parts.pop_front()) {
        let target = target.bytes_mut();
        let length = target.len().min(part.len());
        target[..length].copy_from_slice(&part[..length]);
    }
}

/// `taken(id, length)`: so much of the response was used, and as much more may come.
fn taken(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let id = id_of(scope, &args);
    let length = args.get(1).uint32_value(scope).unwrap_or_default();
    if let Some(waiting) = state::<NetworkState>(scope).borrow().open.get(&id) {
        waiting.exchange.taken(length as usize);
    }
}

/// `abort(id)`: nobody wants the rest.
fn abort(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    let id = id_of(scope, &args);
    let given_up = state::<NetworkState>(scope).borrow_mut().open.remove(&id);
    drop(given_up);
}
