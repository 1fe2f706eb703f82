//! `structuredClone`: values are written and read again by V8's own serialiser; array buffers on the list are moved.

use std::cell::RefCell;

use v8::{ValueDeserializerHelper, ValueSerializerHelper};

/// Shared buffers keep their memory: the bytes carry only their place in this list.
type Shared = RefCell<Vec<v8::Global<v8::SharedArrayBuffer>>>;

struct Writer<'a> {
    /// Makes the `DataCloneError` of a message.
    make_error: v8::Local<'a, v8::Function>,
    shared: &'a Shared,
}

impl v8::ValueSerializerImpl for Writer<'_> {
    fn throw_data_clone_error<'s>(
        &self,
        scope: &mut v8::HandleScope<'s>,
        message: v8::Local<'s, v8::String>,
    ) {
        let receiver = v8::undefined(scope).into();
        let make_error = v8::Local::new(scope, self.make_error);
        // Without a result the call itself threw, and that exception is pending.
        if let Some(error) = make_error.call(scope, receiver, &[message.into()]) {
            scope.throw_exception(error);
        }
    }

    fn get_shared_array_buffer_id<'s>(
        &self,
        scope: &mut v8::HandleScope<'s>,
        buffer: v8::Local<'s, v8::SharedArrayBuffer>,
    ) -> Option<u32> {
        let mut shared = self.shared.borrow_mut();
        shared.push(v8::Global::new(scope, buffer));
        u32::try_from(shared.len() - 1).ok()
    }
}

struct Reader<'a> {
    shared: &'a Shared,
}

impl v8::ValueDeserializerImpl for Reader<'_> {
    fn get_shared_array_buffer_from_id<'s>(
        &self,
        scope: &mut v8::HandleScope<'s>,
        id: u32,
    ) -> Option<v8::Local<'s, v8::SharedArrayBuffer>> {
        let shared = self.shared.borrow();
        let buffer = shared.get(usize::try_from(id).ok()?)?;
        let buffer = v8::Local::new(scope, buffer);
        Some(v8::SharedArrayBuffer::with_backing_store(
            scope,
            &buffer.get_backing_store(),
        ))
    }
}

/// `structuredClone(value, buffers, makeError)`. The caller has checked that `buffers` are distinct and not detached.
pub(super) fn structured_clone(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(make_error) = v8::Local::<v8::Function>::try_from(args.get(2)) else {
        return;
    };
    let buffers = transferred(scope, args.get(1));
    let shared = Shared::default();
    let context = scope.get_current_context();
    let bytes = {
        let writer = v8::ValueSerializer::new(
            scope,
            Box::new(Writer {
                make_error,
                shared: &shared,
            }),
        );
        for (id, buffer) in (0_u32..).zip(&buffers) {
            writer.transfer_array_buffer(id, *buffer);
        }
        writer.write_header();
        if writer.write_value(context, args.get(0)) != Some(true) {
            return;
        }
        writer.release()
    };
    let mut moved = Vec::with_capacity(buffers.len());
    for buffer in &buffers {
        let store = buffer.get_backing_store();
        if buffer.detach(None) != Some(true) {
            return;
        }
        moved.push(v8::ArrayBuffer::with_backing_store(scope, &store));
    }
    let reader = v8::ValueDeserializer::new(scope, Box::new(Reader { shared: &shared }), &bytes);
    for (id, buffer) in (0_u32..).zip(&moved) {
        reader.transfer_array_buffer(id, *buffer);
    }
    if reader.read_header(context) != Some(true) {
        return;
    }
    if let Some(value) = reader.read_value(context) {
        rv.set(value);
    }
}

fn transferred<'s>(
    scope: &mut v8::HandleScope<'s>,
    list: v8::Local<'_, v8::Value>,
) -> Vec<v8::Local<'s, v8::ArrayBuffer>> {
    let Ok(list) = v8::Local::<v8::Array>::try_from(list) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get_index(scope, index))
        .filter_map(|item| v8::Local::<v8::ArrayBuffer>::try_from(item).ok())
        .collect()
}
