//! `native.lazy`: properties whose value is made when it is first read, and that look like plain ones before.

use super::{Room, modules};

/// `native.lazy`.
pub(crate) fn room() -> Room {
    Room::new("lazy").function("define", define)
}

/// What the snapshot refers to beside the room's functions.
pub(crate) fn external_references() -> Vec<v8::ExternalReference<'static>> {
    let getter: v8::AccessorNameGetterCallback<'_> = v8::MapFnTo::map_fn_to(get);
    vec![v8::ExternalReference {
        pointer: getter as *mut std::ffi::c_void,
    }]
}

/// `define(target, name, enumerable, index)`: gives `target` a property that reads as a writable, configurable value. The hook
/// `lazyValue(index)` makes it with the first read and puts a plain property in its place; writing does the same, without it.
fn define(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let (Ok(target), Ok(name)) = (
        v8::Local::<v8::Object>::try_from(args.get(0)),
        v8::Local::<v8::Name>::try_from(args.get(1)),
    ) else {
        return;
    };
    let attributes = if args.get(2).is_true() {
        v8::PropertyAttribute::NONE
    } else {
        v8::PropertyAttribute::DONT_ENUM
    };
    // A number and no function: the snapshot shares the accessor between all contexts.
    let configuration = v8::AccessorConfiguration::new(get)
        .property_attribute(attributes)
        .data(args.get(3));
    let defined = target.set_accessor_with_configuration(scope, name, configuration);
    rv.set_bool(defined.unwrap_or(false));
}

fn get(
    scope: &mut v8::HandleScope<'_>,
    _key: v8::Local<'_, v8::Name>,
    args: v8::PropertyCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some(make) = modules::hook(scope, "lazyValue") else {
        return;
    };
    let undefined = v8::undefined(scope).into();
    // Without a value an error is pending.
    if let Some(value) = make.call(scope, undefined, &[args.data()]) {
        rv.set(value);
    }
}
