//! The host that test262 asks for: `print`, `$262` and realms, each of which starts with the module loader and nothing else.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use adamant_modules::{Resolver, Tree};

use crate::native::event_loop::LoopState;
use crate::native::modules::ModulesState;
use crate::native::{States, string};
use crate::snapshot;

/// What one run of a test has of its host.
pub(super) struct Host {
    tree: Arc<dyn Tree>,
    resolver: Arc<Resolver>,
    /// Guest path of the test.
    entry: String,
    state: RefCell<HostState>,
}

#[derive(Default)]
struct HostState {
    realms: Vec<Realm>,
    printed: Vec<String>,
}

struct Realm {
    context: v8::Global<v8::Context>,
    states: Rc<States>,
}

/// A callback that waits for its turn, and the realm it belongs to.
type Deferred = (v8::Global<v8::Context>, v8::Global<v8::Function>);

impl Host {
    /// A host without realms, for the test at `entry`.
    pub(super) fn new(tree: Arc<dyn Tree>, resolver: Arc<Resolver>, entry: &str) -> Rc<Self> {
        Rc::new(Self {
            tree,
            resolver,
            entry: entry.to_owned(),
            state: RefCell::default(),
        })
    }

    /// Makes a realm with its own loader, module map and `$262`; `None` if the loader is not there.
    pub(super) fn realm<'s>(
        self: &Rc<Self>,
        scope: &mut v8::HandleScope<'s, ()>,
    ) -> Option<v8::Local<'s, v8::Context>> {
        let context = v8::Context::new(scope, v8::ContextOptions::default());
        let states = Rc::new(States::new(Arc::clone(&self.tree)));
        context.set_slot(Rc::clone(&states));
        let kept = v8::Global::new(scope, context);
        let scope = &mut v8::ContextScope::new(scope, context);
        let hooks = snapshot::hooks(scope)?;
        states.insert(ModulesState {
            hooks: Some(v8::Global::new(scope, hooks)),
            resolver: Some(Arc::clone(&self.resolver)),
            ..ModulesState::default()
        });
        install(scope)?;
        self.state.borrow_mut().realms.push(Realm {
            context: kept,
            states,
        });
        Some(context)
    }

    /// What was printed so far, line by line.
    pub(super) fn printed(&self) -> Vec<String> {
        self.state.borrow().printed.clone()
    }

    /// Takes what the realms want to have called in the next turn.
    pub(super) fn take_deferred(&self) -> Vec<Deferred> {
        let state = self.state.borrow();
        let mut deferred = Vec::new();
        for realm in &state.realms {
            let callbacks =
                std::mem::take(&mut realm.states.cell::<LoopState>().borrow_mut().deferred);
            deferred.extend(
                callbacks
                    .into_iter()
                    .map(|callback| (realm.context.clone(), callback)),
            );
        }
        deferred
    }

    /// Lets go of everything, so that the contexts are garbage.
    pub(super) fn clear(&self, scope: &mut v8::HandleScope<'_, ()>) {
        let realms = std::mem::take(&mut self.state.borrow_mut().realms);
        for realm in realms {
            realm.states.clear();
            v8::Local::new(scope, realm.context).clear_all_slots();
        }
    }
}

/// The host of the run that is going on.
fn current(scope: &mut v8::HandleScope<'_>) -> Option<Rc<Host>> {
    scope.get_slot::<Rc<Host>>().cloned()
}

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a>;
type Scope<'s> = v8::HandleScope<'s>;

/// Gives the current realm its `print` and `$262`.
fn install(scope: &mut Scope<'_>) -> Option<()> {
    let global = scope.get_current_context().global(scope);
    let host = v8::Object::new(scope);
    method(scope, host, "createRealm", create_realm)?;
    method(scope, host, "detachArrayBuffer", detach_array_buffer)?;
    method(scope, host, "evalScript", eval_script)?;
    method(scope, host, "gc", gc)?;
    let key = string(scope, "global");
    host.create_data_property(scope, key.into(), global.into())?;
    let key = string(scope, "$262");
    global.define_own_property(
        scope,
        key.into(),
        host.into(),
        v8::PropertyAttribute::DONT_ENUM,
    )?;
    let print = v8::Function::new(scope, print)?;
    let key = string(scope, "print");
    global.define_own_property(
        scope,
        key.into(),
        print.into(),
        v8::PropertyAttribute::DONT_ENUM,
    )?;
    Some(())
}

/// Adds a function to an object of the host.
fn method(
    scope: &mut Scope<'_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    callback: impl v8::MapFnTo<v8::FunctionCallback>,
) -> Option<()> {
    let function = v8::Function::new(scope, callback)?;
    let key = string(scope, name);
    function.set_name(key);
    object.create_data_property(scope, key.into(), function.into())?;
    Some(())
}

fn print(scope: &mut Scope<'_>, args: Args<'_>, _rv: Return<'_>) {
    if let Some(host) = current(scope)
        && let Some(text) = args.get(0).to_string(scope)
    {
        let text = text.to_rust_string_lossy(scope);
        host.state.borrow_mut().printed.push(text);
    }
}

/// `createRealm()`: the `$262` of a new realm, which may touch this one and be touched.
fn create_realm(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let Some(host) = current(scope) else { return };
    let token = scope.get_current_context().get_security_token(scope);
    let Some(context) = host.realm(scope) else {
        return;
    };
    context.set_security_token(token);
    let scope = &mut v8::ContextScope::new(scope, context);
    let global = context.global(scope);
    let key = string(scope, "$262");
    if let Some(object) = global.get(scope, key.into()) {
        rv.set(object);
    }
}

fn detach_array_buffer(scope: &mut Scope<'_>, args: Args<'_>, mut rv: Return<'_>) {
    let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(args.get(0)) else {
        throw_type_error(scope, "`$262.detachArrayBuffer` takes an ArrayBuffer");
        return;
    };
    if buffer.is_detachable() && buffer.detach(None) == Some(true) {
        rv.set_null();
    } else {
        throw_type_error(scope, "the ArrayBuffer cannot be detached");
    }
}

/// `evalScript(text)`: what a script of this text gives in the realm that the function belongs to.
fn eval_script(scope: &mut Scope<'_>, args: Args<'_>, mut rv: Return<'_>) {
    let Some(host) = current(scope) else { return };
    let Some(text) = args.get(0).to_string(scope) else {
        return;
    };
    if let Some(script) = compile(scope, text, &host.entry)
        && let Some(value) = script.run(scope)
    {
        rv.set(value);
    }
}

/// Compiles a script that is named after a file of the checkout: what it imports is relative to that.
pub(super) fn compile<'s>(
    scope: &mut Scope<'s>,
    text: v8::Local<'_, v8::String>,
    path: &str,
) -> Option<v8::Local<'s, v8::Script>> {
    let name = string(scope, path);
    let origin = v8::ScriptOrigin::new(
        scope,
        name.into(),
        0,
        0,
        false,
        0,
        None,
        false,
        false,
        false,
        None,
    );
    v8::Script::compile(scope, text, Some(&origin))
}

fn gc(scope: &mut Scope<'_>, _args: Args<'_>, _rv: Return<'_>) {
    scope.low_memory_notification();
}

fn throw_type_error(scope: &mut Scope<'_>, message: &str) {
    let message = string(scope, message);
    let error = v8::Exception::type_error(scope, message);
    scope.throw_exception(error);
}
