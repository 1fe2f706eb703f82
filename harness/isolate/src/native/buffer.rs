//! Room `buffer`: texts to bytes and back, comparison and search, straight on the memory behind a view.

use std::cmp::Ordering;

use memchr::memmem;

use super::Room;
use super::bytes::{Memory, base64, hex, utf16};

/// `native.buffer`.
pub(crate) fn room() -> Room {
    Room::new("buffer")
        .function("byteLengthUtf8", byte_length_utf8)
        .function("utf8Write", utf8_write)
        .function("latin1Write", latin1_write)
        .function("ucs2Write", ucs2_write)
        .function("hexWrite", hex_write)
        .function("base64Write", base64_write)
        .function("utf8Slice", utf8_slice)
        .function("latin1Slice", latin1_slice)
        .function("asciiSlice", ascii_slice)
        .function("ucs2Slice", ucs2_slice)
        .function("hexSlice", hex_slice)
        .function("base64Slice", base64_slice)
        .function("base64urlSlice", base64url_slice)
        .function("atob", atob)
        .function("btoa", btoa)
        .function("compare", compare)
        .function("copy", copy)
        .function("fill", fill)
        .function("swap", swap)
        .function("indexOf", index_of)
        .function("indexOfByte", index_of_byte)
        .function("isUtf8", is_utf8)
        .function("isAscii", is_ascii)
        .function("isAnyArrayBuffer", is_any_array_buffer)
        .function("calledFromNodeModules", called_from_node_modules)
}

/// A number argument. Nothing is converted: a guest's `valueOf` could detach the very memory that the call is about.
fn number(args: &v8::FunctionCallbackArguments<'_>, at: i32) -> f64 {
    v8::Local::<v8::Number>::try_from(args.get(at)).map_or(0.0, |number| number.value())
}

/// An index argument: what is negative or no number counts as 0, what is beyond the address space as its end.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float-to-integer cast saturates, which is what an index needs"
)]
fn index(args: &v8::FunctionCallbackArguments<'_>, at: i32) -> usize {
    number(args, at) as usize
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lengths of memory stay below 2^53"
)]
fn set_length(rv: &mut v8::ReturnValue<'_>, length: usize) {
    rv.set_double(length as f64);
}

/// `byteLengthUtf8(text)`
fn byte_length_utf8(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    if let Ok(text) = v8::Local::<v8::String>::try_from(args.get(0)) {
        set_length(&mut rv, text.utf8_length(scope));
    }
}

/// The window that a `write(view, text, offset, length)` call may fill, and the text.
fn write_target<'s>(
    args: &v8::FunctionCallbackArguments<'s>,
) -> Option<(Memory, v8::Local<'s, v8::String>)> {
    let memory = Memory::of(args.get(0))?;
    let text = v8::Local::<v8::String>::try_from(args.get(1)).ok()?;
    let offset = index(args, 2);
    let length = index(args, 3);
    Some((memory.window(offset, length), text))
}

fn utf8_write(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some((mut memory, text)) = write_target(&args) else {
        return rv.set_int32(0);
    };
    let flags = v8::WriteFlags::kReplaceInvalidUtf8;
    let written = text.write_utf8_v2(scope, memory.bytes_mut(), flags, None);
    set_length(&mut rv, written);
}

fn latin1_write(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some((mut memory, text)) = write_target(&args) else {
        return rv.set_int32(0);
    };
    let bytes = memory.bytes_mut();
    let length = text.length().min(bytes.len());
    text.write_one_byte_v2(scope, 0, &mut bytes[..length], v8::WriteFlags::empty());
    set_length(&mut rv, length);
}

fn ucs2_write(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some((mut memory, text)) = write_target(&args) else {
        return rv.set_int32(0);
    };
    let bytes = memory.bytes_mut();
    let count = text.length().min(bytes.len() / 2);
    // The window may start on an odd address, so the units go through a buffer of their own.
    let mut units = vec![0_u16; count];
    text.write_v2(scope, 0, &mut units, v8::WriteFlags::empty());
    for (pair, unit) in bytes.chunks_exact_mut(2).zip(&units) {
        pair.copy_from_slice(&unit.to_le_bytes());
    }
    set_length(&mut rv, count * 2);
}

/// The characters of a text whose meaningful ones are all ASCII: any other is 0xff, which no encoding here knows.
fn narrow(scope: &mut v8::HandleScope<'_>, text: v8::Local<'_, v8::String>) -> Vec<u8> {
    let length = text.length();
    if text.is_onebyte() {
        let mut bytes = vec![0; length];
        text.write_one_byte_v2(scope, 0, &mut bytes, v8::WriteFlags::empty());
        return bytes;
    }
    let mut units = vec![0_u16; length];
    text.write_v2(scope, 0, &mut units, v8::WriteFlags::empty());
    units
        .into_iter()
        .map(|unit| u8::try_from(unit).unwrap_or(0xff))
        .collect()
}

fn hex_write(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some((mut memory, text)) = write_target(&args) else {
        return rv.set_int32(0);
    };
    let digits = narrow(scope, text);
    set_length(&mut rv, hex::decode(&digits, memory.bytes_mut()));
}

fn base64_write(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some((mut memory, text)) = write_target(&args) else {
        return rv.set_int32(0);
    };
    // Node looks at the lower byte of each unit only.
    let mut digits = vec![0; text.length()];
    text.write_one_byte_v2(scope, 0, &mut digits, v8::WriteFlags::empty());
    set_length(&mut rv, base64::decode(&digits, memory.bytes_mut()));
}

/// The part of a view that a `slice(view, start, end)` call reads.
fn read_source(args: &v8::FunctionCallbackArguments<'_>) -> Memory {
    let memory = Memory::of(args.get(0)).unwrap_or_default();
    let start = index(args, 1);
    let end = index(args, 2);
    memory.window(start, end.saturating_sub(start))
}

/// Returns a text; `undefined`, which the caller turns into an error, where V8 cannot hold it.
fn return_text(mut rv: v8::ReturnValue<'_>, text: Option<v8::Local<'_, v8::String>>) {
    if let Some(text) = text {
        rv.set(text.into());
    }
}

fn one_byte<'s>(
    scope: &mut v8::HandleScope<'s>,
    bytes: &[u8],
) -> Option<v8::Local<'s, v8::String>> {
    if bytes.is_empty() {
        return Some(v8::String::empty(scope));
    }
    v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Normal)
}

fn utf8_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let source = read_source(&args);
    let text = v8::String::new_from_utf8(scope, source.bytes(), v8::NewStringType::Normal);
    return_text(rv, text);
}

fn latin1_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let source = read_source(&args);
    let text = one_byte(scope, source.bytes());
    return_text(rv, text);
}

fn ascii_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let source = read_source(&args);
    let bytes = source.bytes();
    let text = if bytes.is_ascii() {
        one_byte(scope, bytes)
    } else if bytes.len() > v8::String::MAX_LENGTH {
        None
    } else {
        let masked: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
        one_byte(scope, &masked)
    };
    return_text(rv, text);
}

fn ucs2_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let source = read_source(&args);
    if source.bytes().len() / 2 > v8::String::MAX_LENGTH {
        return;
    }
    let units = utf16::units(source.bytes());
    let text = if units.is_empty() {
        Some(v8::String::empty(scope))
    } else {
        v8::String::new_from_two_byte(scope, &units, v8::NewStringType::Normal)
    };
    return_text(rv, text);
}

fn hex_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let source = read_source(&args);
    if source.bytes().len() > v8::String::MAX_LENGTH / 2 {
        return;
    }
    let digits = hex::encode(source.bytes());
    let text = one_byte(scope, &digits);
    return_text(rv, text);
}

fn encode_base64(
    scope: &mut v8::HandleScope<'_>,
    args: &v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
    alphabet: base64::Alphabet,
) {
    let source = read_source(args);
    if source.bytes().len() > v8::String::MAX_LENGTH / 4 * 3 {
        return;
    }
    let digits = base64::encode(source.bytes(), alphabet);
    let text = one_byte(scope, &digits);
    return_text(rv, text);
}

fn base64_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    encode_base64(scope, &args, rv, base64::Alphabet::Standard);
}

fn base64url_slice(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    encode_base64(scope, &args, rv, base64::Alphabet::UrlSafe);
}

/// `atob(text)`: the text; `true` for a foreign character, `false` for a wrong length or padding.
fn atob(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(text) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    let digits = narrow(scope, text);
    match base64::decode_forgiving(&digits) {
        Ok(bytes) => {
            let text = one_byte(scope, &bytes);
            return_text(rv, text);
        }
        Err(base64::Refusal::ForeignCharacter) => rv.set_bool(true),
        Err(base64::Refusal::Malformed) => rv.set_bool(false),
    }
}

/// `btoa(text)`: the digits; `undefined` for a character beyond one byte.
fn btoa(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let Ok(text) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    if !text.contains_only_onebyte() || text.length() > v8::String::MAX_LENGTH / 4 * 3 {
        return;
    }
    let mut bytes = vec![0; text.length()];
    text.write_one_byte_v2(scope, 0, &mut bytes, v8::WriteFlags::empty());
    let digits = base64::encode(&bytes, base64::Alphabet::Standard);
    let text = one_byte(scope, &digits);
    return_text(rv, text);
}

/// `compare(a, b)` or `compare(a, b, aStart, aEnd, bStart, bEnd)`: -1, 0 or 1.
fn compare(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let mut a = Memory::of(args.get(0)).unwrap_or_default();
    let mut b = Memory::of(args.get(1)).unwrap_or_default();
    if args.length() > 2 {
        let [a_start, a_end, b_start, b_end] = [2, 3, 4, 5].map(|at| index(&args, at));
        a = a.window(a_start, a_end.saturating_sub(a_start));
        b = b.window(b_start, b_end.saturating_sub(b_start));
    }
    rv.set_int32(match a.bytes().cmp(b.bytes()) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    });
}

/// `copy(source, target, targetStart, sourceStart, count)`; the two may be the same memory.
fn copy(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let (Some(source), Some(target)) = (Memory::of(args.get(0)), Memory::of(args.get(1))) else {
        return;
    };
    let [target_start, source_start, count] = [2, 3, 4].map(|at| index(&args, at));
    target
        .window(target_start, count)
        .copy_from(source.window(source_start, count));
}

/// `fill(view, pattern, start, end)`: whether the range lies in the view.
fn fill(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let (Some(view), Some(pattern)) = (Memory::of(args.get(0)), Memory::of(args.get(1))) else {
        return rv.set_bool(false);
    };
    let [start, end] = [2, 3].map(|at| index(&args, at));
    if start > end || end > view.bytes().len() {
        return rv.set_bool(false);
    }
    // The pattern may be part of what is filled: a copy keeps it whole.
    let pattern = pattern.bytes().to_vec();
    let mut range = view.window(start, end - start);
    if !pattern.is_empty() {
        for piece in range.bytes_mut().chunks_mut(pattern.len()) {
            piece.copy_from_slice(&pattern[..piece.len()]);
        }
    }
    rv.set_bool(true);
}

/// `swap(view, width)`: reverses the bytes of each element.
fn swap(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let Some(mut memory) = Memory::of(args.get(0)) else {
        return;
    };
    let width = index(&args, 1).max(1);
    for element in memory.bytes_mut().chunks_exact_mut(width) {
        element.reverse();
    }
}

/// Where a search of a needle of `needle` bytes starts in `length` bytes, or what it answers at once.
enum Start {
    At(usize),
    Answer(i64),
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "JavaScript keeps the offset within 32 bits"
)]
fn search_start(offset: f64, length: usize, needle: usize, forward: bool) -> Start {
    let (Ok(length), Ok(needle)) = (i64::try_from(length), i64::try_from(needle)) else {
        return Start::Answer(-1);
    };
    let offset = offset as i64;
    let start = if offset < 0 {
        // Counted from the end.
        if offset + length >= 0 {
            offset + length
        } else if forward || needle == 0 {
            0
        } else {
            -1
        }
    } else if offset + needle <= length {
        offset
    } else if needle == 0 {
        length
    } else if forward {
        -1
    } else {
        length - 1
    };
    if needle == 0 {
        return Start::Answer(start);
    }
    if start < 0 || needle > length || (forward && start + needle > length) {
        return Start::Answer(-1);
    }
    usize::try_from(start).map_or(Start::Answer(-1), Start::At)
}

/// `indexOf(view, needle, offset, inUnits, forward)`: in 16-bit units, matches lie on even offsets only.
fn index_of(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let haystack = Memory::of(args.get(0)).unwrap_or_default();
    let needle = Memory::of(args.get(1)).unwrap_or_default();
    let (haystack, needle) = (haystack.bytes(), needle.bytes());
    let offset = number(&args, 2);
    let (in_units, forward) = (args.get(3).is_true(), args.get(4).is_true());
    let start = match search_start(offset, haystack.len(), needle.len(), forward) {
        Start::At(start) => start,
        #[expect(
            clippy::cast_precision_loss,
            reason = "a position in memory is below 2^53"
        )]
        Start::Answer(answer) => return rv.set_double(answer as f64),
    };
    let found = if in_units {
        if haystack.len() < 2 || needle.len() < 2 {
            None
        } else {
            let (units, pattern) = (utf16::units(haystack), utf16::units(needle));
            utf16::find(&units, &pattern, start / 2, forward).map(|at| at * 2)
        }
    } else if forward {
        memmem::find(&haystack[start..], needle).map(|at| start + at)
    } else {
        // The last match that begins at `start` or before.
        let end = haystack.len().min(start + needle.len());
        memmem::rfind(&haystack[..end], needle)
    };
    match found {
        Some(at) => set_length(&mut rv, at),
        None => rv.set_int32(-1),
    }
}

/// `indexOfByte(view, byte, offset, forward)`
fn index_of_byte(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let memory = Memory::of(args.get(0)).unwrap_or_default();
    let haystack = memory.bytes();
    let byte = index(&args, 1).to_le_bytes()[0];
    let offset = number(&args, 2);
    let forward = args.get(3).is_true();
    let found = match search_start(offset, haystack.len(), 1, forward) {
        Start::At(start) if forward => {
            memchr::memchr(byte, &haystack[start..]).map(|at| start + at)
        }
        Start::At(start) => memchr::memrchr(byte, &haystack[..=start]),
        Start::Answer(_) => None,
    };
    match found {
        Some(at) => set_length(&mut rv, at),
        None => rv.set_int32(-1),
    }
}

/// What a check of bytes answers; nothing for memory that was taken away.
fn check(
    args: &v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
    holds: fn(&[u8]) -> bool,
) {
    let detached = v8::Local::<v8::ArrayBuffer>::try_from(args.get(0))
        .is_ok_and(|memory| memory.was_detached());
    if !detached {
        let memory = Memory::of(args.get(0)).unwrap_or_default();
        rv.set_bool(holds(memory.bytes()));
    }
}

fn is_utf8(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    check(&args, rv, |bytes| std::str::from_utf8(bytes).is_ok());
}

fn is_ascii(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    check(&args, rv, <[u8]>::is_ascii);
}

fn is_any_array_buffer(
    _scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let value = args.get(0);
    rv.set_bool(value.is_array_buffer() || value.is_shared_array_buffer());
}

/// Whether the guest code that called the builtin belongs to a dependency: its authors are spared some warnings.
fn called_from_node_modules(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let caller = v8::StackTrace::current_stack_trace(scope, 10).and_then(|stack| {
        (0..stack.get_frame_count()).find_map(|at| {
            let name = stack.get_frame(scope, at)?.get_script_name(scope)?;
            let name = name.to_rust_string_lossy(scope);
            (!name.starts_with("node:")).then_some(name)
        })
    });
    rv.set_bool(caller.is_some_and(|name| name.contains("/node_modules/")));
}
