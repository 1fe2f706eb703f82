//! `native.memory`: counts what V8 allocates past its array buffer allocator: resizable and growable buffers, wasm memories.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Room;
use crate::memory::Budget;

/// The reservations of an isolate; each is given back when the object that holds the memory is garbage.
pub(crate) struct Reservations {
    budget: Arc<Budget>,
    live: RefCell<Live>,
}

#[derive(Default)]
struct Live {
    next: u64,
    objects: HashMap<u64, v8::Weak<v8::Object>>,
}

impl Reservations {
    pub(crate) fn new(budget: Arc<Budget>) -> Rc<Self> {
        Rc::new(Self {
            budget,
            live: RefCell::default(),
        })
    }
}

pub(crate) fn room() -> Room {
    Room::new("memory")
        .function("reserve", reserve)
        .function("track", track)
}

/// `reserve(bytes)`: whether that much may be allocated; garbage is collected before it is refused.
fn reserve(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some(reservations) = scope.get_slot::<Rc<Reservations>>().cloned() else {
        return;
    };
    let Some(bytes) = bytes_of(scope, args.get(0)) else {
        return;
    };
    let mut granted = reservations.budget.take(bytes);
    if !granted && bytes <= reservations.budget.limit() {
        scope.low_memory_notification();
        granted = reservations.budget.take(bytes);
    }
    rv.set_bool(granted);
}

/// `track(object, bytes)`: gives the reservation back with the object; `track(undefined, bytes)` at once.
fn track(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let Some(reservations) = scope.get_slot::<Rc<Reservations>>().cloned() else {
        return;
    };
    let Some(bytes) = bytes_of(scope, args.get(1)) else {
        return;
    };
    let Ok(object) = v8::Local::<v8::Object>::try_from(args.get(0)) else {
        reservations.budget.give(bytes);
        return;
    };
    let id = {
        let mut live = reservations.live.borrow_mut();
        live.next += 1;
        live.next
    };
    let holder = Rc::downgrade(&reservations);
    let weak = v8::Weak::with_finalizer(
        scope,
        object,
        Box::new(move |_isolate| {
            if let Some(reservations) = holder.upgrade() {
                reservations.budget.give(bytes);
                reservations.live.borrow_mut().objects.remove(&id);
            }
        }),
    );
    reservations.live.borrow_mut().objects.insert(id, weak);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float-to-integer cast saturates, and more than the limit is refused anyway"
)]
fn bytes_of(scope: &mut v8::HandleScope<'_>, value: v8::Local<'_, v8::Value>) -> Option<usize> {
    value
        .number_value(scope)
        .filter(|bytes| *bytes >= 0.0)
        .map(|bytes| bytes as usize)
}
