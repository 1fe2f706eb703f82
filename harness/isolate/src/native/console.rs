//! `native.console`: the bounded, ordered sink behind `process.stdout`, `process.stderr` and `console`.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Room, state};
use crate::output::{Sink, Stream};

/// The sink of this execution; shared with the one who waits for it, who has it even when the isolate is lost.
#[derive(Default)]
pub(crate) struct SharedSink(pub(crate) Arc<Mutex<Sink>>);

pub(crate) fn room() -> Room {
    Room::new("console").function("write", write)
}

/// `write(fd, text | bytes)`: to the sink of this execution; more than its limit is dropped, and the output marked as cut.
fn write(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let stream = if args.get(0).int32_value(scope) == Some(2) {
        Stream::Stderr
    } else {
        Stream::Stdout
    };
    let sink = Arc::clone(&state::<SharedSink>(scope).borrow().0);
    let locked = || sink.lock().unwrap_or_else(PoisonError::into_inner);
    let room = locked().room();
    let data = args.get(1);
    if let Ok(text) = v8::Local::<v8::String>::try_from(data) {
        // A guest may write a string of half a gigabyte: no more of it is copied than is kept.
        if text.length() <= room {
            let text = text.to_rust_string_lossy(scope);
            locked().write(stream, text.as_bytes());
        } else {
            let mut bytes = vec![0; room];
            let flags = v8::WriteFlags::kReplaceInvalidUtf8;
            let written = text.write_utf8_v2(scope, &mut bytes, flags, None);
            bytes.truncate(written);
            let mut sink = locked();
            sink.write(stream, &bytes);
            sink.cut();
        }
    } else if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(data) {
        let length = view.byte_length();
        let mut bytes = vec![0; length.min(room)];
        let copied = view.copy_contents(&mut bytes);
        bytes.truncate(copied);
        let mut sink = locked();
        sink.write(stream, &bytes);
        if length > room {
            sink.cut();
        }
    }
}
