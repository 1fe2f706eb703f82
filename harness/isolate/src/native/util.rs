//! Room `util`: what V8 knows of a value and JavaScript cannot ask: internal slots, proxies, promise states, call sites.

use super::{Room, clone, string};

/// `native.util`.
pub(crate) fn room() -> Room {
    let room = Room::new("util")
        .function("getProxyDetails", get_proxy_details)
        .function("getPromiseDetails", get_promise_details)
        .function("previewEntries", preview_entries)
        .function("getOwnNonIndexProperties", get_own_non_index_properties)
        .function("getConstructorName", get_constructor_name)
        .function("getCallSites", get_call_sites)
        .function("getContinuation", get_continuation)
        .function("setContinuation", set_continuation)
        .function("structuredClone", clone::structured_clone);
    type_checks(room)
}

/// Defines `native.util.<name>(value) -> boolean` over a predicate of [`v8::Value`].
macro_rules! checks {
    ($room:expr, $($name:literal => $check:expr),+ $(,)?) => {
        $room$(.function($name, |
            _: &mut v8::HandleScope<'_>,
            args: v8::FunctionCallbackArguments<'_>,
            mut rv: v8::ReturnValue<'_>,
        | {
            let check: fn(&v8::Value) -> bool = $check;
            rv.set_bool(check(&args.get(0)));
        }))+
    };
}

fn type_checks(room: Room) -> Room {
    checks!(room,
        "isExternal" => v8::Value::is_external,
        "isDate" => v8::Value::is_date,
        "isArgumentsObject" => v8::Value::is_arguments_object,
        "isBigIntObject" => v8::Value::is_big_int_object,
        "isBooleanObject" => v8::Value::is_boolean_object,
        "isNumberObject" => v8::Value::is_number_object,
        "isStringObject" => v8::Value::is_string_object,
        "isSymbolObject" => v8::Value::is_symbol_object,
        "isBoxedPrimitive" => is_boxed_primitive,
        "isNativeError" => v8::Value::is_native_error,
        "isRegExp" => v8::Value::is_reg_exp,
        "isAsyncFunction" => v8::Value::is_async_function,
        "isGeneratorFunction" => v8::Value::is_generator_function,
        "isGeneratorObject" => v8::Value::is_generator_object,
        "isPromise" => v8::Value::is_promise,
        "isMap" => v8::Value::is_map,
        "isSet" => v8::Value::is_set,
        "isMapIterator" => v8::Value::is_map_iterator,
        "isSetIterator" => v8::Value::is_set_iterator,
        "isWeakMap" => v8::Value::is_weak_map,
        "isWeakSet" => v8::Value::is_weak_set,
        "isArrayBuffer" => v8::Value::is_array_buffer,
        "isDataView" => v8::Value::is_data_view,
        "isSharedArrayBuffer" => v8::Value::is_shared_array_buffer,
        "isProxy" => v8::Value::is_proxy,
        "isModuleNamespaceObject" => v8::Value::is_module_namespace_object,
        "isAnyArrayBuffer" => is_any_array_buffer,
    )
}

fn is_boxed_primitive(value: &v8::Value) -> bool {
    value.is_number_object()
        || value.is_string_object()
        || value.is_boolean_object()
        || value.is_big_int_object()
        || value.is_symbol_object()
}

fn is_any_array_buffer(value: &v8::Value) -> bool {
    value.is_array_buffer() || value.is_shared_array_buffer()
}

/// `getProxyDetails(value)`: `[target, handler]`, both `null` when revoked; `undefined` when the value is no proxy.
fn get_proxy_details(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(proxy) = v8::Local::<v8::Proxy>::try_from(args.get(0)) else {
        return;
    };
    let parts = if proxy.is_revoked() {
        [v8::null(scope).into(), v8::null(scope).into()]
    } else {
        [proxy.get_target(scope), proxy.get_handler(scope)]
    };
    rv.set(v8::Array::new_with_elements(scope, &parts).into());
}

/// `getPromiseDetails(promise)`: `[0]` while pending, `[1, value]`, or `[2, reason]`.
fn get_promise_details(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(promise) = v8::Local::<v8::Promise>::try_from(args.get(0)) else {
        return;
    };
    let state = match promise.state() {
        v8::PromiseState::Pending => 0,
        v8::PromiseState::Fulfilled => 1,
        v8::PromiseState::Rejected => 2,
    };
    let number = v8::Integer::new(scope, state).into();
    let details = if state == 0 {
        v8::Array::new_with_elements(scope, &[number])
    } else {
        let result = promise.result(scope);
        v8::Array::new_with_elements(scope, &[number, result])
    };
    rv.set(details.into());
}

/// `previewEntries(collection | iterator)`: `[entries, whether they alternate between keys and values]`.
fn preview_entries(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(object) = v8::Local::<v8::Object>::try_from(args.get(0)) else {
        return;
    };
    let (entries, is_key_value) = object.preview_entries(scope);
    let entries = entries.unwrap_or_else(|| v8::Array::new(scope, 0));
    let is_key_value = v8::Boolean::new(scope, is_key_value);
    let details = v8::Array::new_with_elements(scope, &[entries.into(), is_key_value.into()]);
    rv.set(details.into());
}

/// `getOwnNonIndexProperties(object, onlyEnumerable)`: the own keys that are no array indices, symbols last.
fn get_own_non_index_properties(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(object) = v8::Local::<v8::Object>::try_from(args.get(0)) else {
        return;
    };
    let filter = if args.get(1).is_true() {
        v8::PropertyFilter::ONLY_ENUMERABLE
    } else {
        v8::PropertyFilter::ALL_PROPERTIES
    };
    let names = object.get_property_names(
        scope,
        v8::GetPropertyNamesArgs {
            mode: v8::KeyCollectionMode::OwnOnly,
            property_filter: filter,
            index_filter: v8::IndexFilter::SkipIndices,
            key_conversion: v8::KeyConversionMode::ConvertToString,
        },
    );
    if let Some(names) = names {
        rv.set(names.into());
    }
}

/// `getConstructorName(object)`: the class name that the engine keeps, whatever the prototype says.
fn get_constructor_name(
    _: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    if let Ok(object) = v8::Local::<v8::Object>::try_from(args.get(0)) {
        rv.set(object.get_constructor_name().into());
    }
}

/// `getCallSites(count)`: the frames of the caller, innermost first.
fn get_call_sites(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let count = args.get(0).uint32_value(scope).unwrap_or(0) as usize;
    let Some(trace) = v8::StackTrace::current_stack_trace(scope, count) else {
        return;
    };
    let mut sites = Vec::with_capacity(trace.get_frame_count());
    for index in 0..trace.get_frame_count() {
        let Some(frame) = trace.get_frame(scope, index) else {
            continue;
        };
        let empty = v8::String::empty(scope);
        let function = frame.get_function_name(scope).unwrap_or(empty);
        let script = frame.get_script_name(scope).unwrap_or(empty);
        let id = string(scope, &frame.get_script_id().to_string());
        let line = v8::Integer::new_from_unsigned(scope, to_u32(frame.get_line_number()));
        let column = v8::Integer::new_from_unsigned(scope, to_u32(frame.get_column()));
        let site: [v8::Local<'_, v8::Value>; 5] = [
            function.into(),
            id.into(),
            script.into(),
            line.into(),
            column.into(),
        ];
        sites.push(v8::Array::new_with_elements(scope, &site).into());
    }
    rv.set(v8::Array::new_with_elements(scope, &sites).into());
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// `getContinuation()`: the value that V8 carries along promise reactions: the frame of `AsyncLocalStorage`.
fn get_continuation(
    scope: &mut v8::HandleScope<'_>,
    _: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    rv.set(scope.get_continuation_preserved_embedder_data());
}

/// `setContinuation(frame)`.
fn set_continuation(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    scope.set_continuation_preserved_embedder_data(args.get(0));
}

/// Forgets the frame that an earlier execution of this isolate left: V8 keeps it on the isolate, not on the context.
pub(crate) fn clear_continuation(scope: &mut v8::HandleScope<'_>) {
    let undefined = v8::undefined(scope).into();
    scope.set_continuation_preserved_embedder_data(undefined);
}
