//! The native functions that our builtins stand on, grouped in rooms: `native.<room>.<function>` in JavaScript.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use adamant_modules::tree::Tree;

mod buffer;
mod bytes;
mod clone;
pub(crate) mod console;
mod crypto;
mod encoding;
pub(crate) mod event_loop;
mod fs;
mod lazy;
pub(crate) mod memory;
pub(crate) mod modules;
pub(crate) mod network;
pub(crate) mod process;
pub(crate) mod terminal;
mod url;
mod url_host;
mod url_record;
pub(crate) mod util;
mod zlib;

/// One group of native functions. The functions are raw callbacks without captured state, so that they can be external
/// references of the start-up snapshot; whatever belongs to an execution is found through the scope ([`state`], [`tree`]).
pub(crate) struct Room {
    name: &'static str,
    functions: Vec<(&'static str, v8::FunctionCallback)>,
}

impl Room {
    /// An empty room: `native.<name>`.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            functions: Vec::new(),
        }
    }

    /// Adds `native.<room>.<name>`.
    pub(crate) fn function(
        mut self,
        name: &'static str,
        callback: impl v8::MapFnTo<v8::FunctionCallback>,
    ) -> Self {
        self.functions.push((name, callback.map_fn_to()));
        self
    }
}

/// All rooms. Their order is part of the snapshot, which lives no longer than the process: add yours anywhere.
fn rooms() -> &'static [Room] {
    static ROOMS: OnceLock<Vec<Room>> = OnceLock::new();
    ROOMS.get_or_init(|| {
        vec![
            buffer::room(),
            console::room(),
            crypto::room(),
            util::room(),
            encoding::room(),
            event_loop::room(),
            fs::room(),
            lazy::room(),
            memory::room(),
            modules::room(),
            network::room(),
            process::room(),
            url::room(),
            zlib::room(),
        ]
    })
}

/// The addresses that V8 writes into and reads from the snapshot by number.
pub(crate) fn external_references() -> Vec<v8::ExternalReference<'static>> {
    rooms()
        .iter()
        .flat_map(|room| room.functions.iter())
        .map(|(_, function)| v8::ExternalReference {
            function: *function,
        })
        .chain(lazy::external_references())
        .collect()
}

/// Builds the `native` object in the current context.
pub(crate) fn object<'s>(scope: &mut v8::HandleScope<'s>) -> v8::Local<'s, v8::Object> {
    let native = null_object(scope);
    for room in rooms() {
        let group = group(scope, room);
        let key = string(scope, room.name);
        native.set(scope, key.into(), group.into());
    }
    native
}

/// The functions of one room, as an object of the current context.
fn group<'s>(scope: &mut v8::HandleScope<'s>, room: &Room) -> v8::Local<'s, v8::Object> {
    let group = null_object(scope);
    for (name, callback) in &room.functions {
        let Some(function) = v8::Function::builder_raw(*callback)
            .constructor_behavior(v8::ConstructorBehavior::Throw)
            .build(scope)
        else {
            continue;
        };
        let key = string(scope, name);
        function.set_name(key);
        group.set(scope, key.into(), function.into());
    }
    group
}

fn null_object<'s>(scope: &mut v8::HandleScope<'s>) -> v8::Local<'s, v8::Object> {
    let null = v8::null(scope).into();
    v8::Object::with_prototype_and_properties(scope, null, &[], &[])
}

/// What belongs to one execution: typed cells, made on first use and dropped with the execution.
#[derive(Default)]
pub(crate) struct States {
    /// A handful: they are found by looking at each.
    cells: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    tree: RefCell<Option<Arc<dyn Tree>>>,
}

impl States {
    /// The states of an execution on `tree`.
    pub(crate) fn new(tree: Arc<dyn Tree>) -> Self {
        Self {
            cells: RefCell::default(),
            tree: RefCell::new(Some(tree)),
        }
    }

    /// The same files, by a handle that is known to be good.
    pub(crate) fn set_tree(&self, tree: Arc<dyn Tree>) {
        *self.tree.borrow_mut() = Some(tree);
    }

    /// Puts a cell that must not start from its default.
    pub(crate) fn insert<T: 'static>(&self, value: T) {
        let id = TypeId::of::<T>();
        let cell: Rc<dyn Any> = Rc::new(RefCell::new(value));
        let mut cells = self.cells.borrow_mut();
        cells.retain(|(known, _)| *known != id);
        cells.push((id, cell));
    }

    /// Drops everything: handles in the cells would otherwise keep the finished context alive.
    pub(crate) fn clear(&self) {
        let cells = std::mem::take(&mut *self.cells.borrow_mut());
        drop(cells);
        self.tree.borrow_mut().take();
    }

    pub(crate) fn cell<T: Default + 'static>(&self) -> Rc<RefCell<T>> {
        let id = TypeId::of::<T>();
        let mut cells = self.cells.borrow_mut();
        let cell = match cells.iter().find(|(known, _)| *known == id) {
            Some((_, cell)) => Rc::clone(cell),
            None => {
                let cell: Rc<dyn Any> = Rc::new(RefCell::new(T::default()));
                cells.push((id, Rc::clone(&cell)));
                cell
            }
        };
        cell.downcast()
            .expect("a cell is stored under its own type")
    }
}

/// The state of type `T` of this execution, made by `Default` on first use. A room keeps its per-execution state here, never
/// in statics: it hangs on the context, so what a finished execution left behind (a late task, a microtask) sees only its own.
/// Do not hold a borrow while calling into JavaScript.
pub(crate) fn state<T: Default + 'static>(scope: &mut v8::HandleScope<'_>) -> Rc<RefCell<T>> {
    match states(scope) {
        Some(states) => states.cell(),
        None => Rc::default(),
    }
}

/// The package that this execution runs; `None` while the snapshot is made and after the execution ended.
pub(crate) fn tree(scope: &mut v8::HandleScope<'_>) -> Option<Arc<dyn Tree>> {
    states(scope).and_then(|states| states.tree.borrow().clone())
}

/// All states of the current context.
pub(crate) fn states(scope: &mut v8::HandleScope<'_>) -> Option<Rc<States>> {
    scope.get_current_context().get_slot::<States>()
}

/// A JavaScript string; the empty one when `text` is longer than V8's limit of 2^29 units.
pub(crate) fn string<'s>(
    scope: &mut v8::HandleScope<'s, ()>,
    text: &str,
) -> v8::Local<'s, v8::String> {
    v8::String::new(scope, text).unwrap_or_else(|| v8::String::empty(scope))
}

/// Makes an `Error` for what is a fault of ours: builtins make the errors that Node documents in JavaScript.
pub(crate) fn error<'s>(
    scope: &mut v8::HandleScope<'s>,
    message: &str,
) -> v8::Local<'s, v8::Value> {
    let message = string(scope, message);
    v8::Exception::error(scope, message)
}
