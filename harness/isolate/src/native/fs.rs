//! `native.fs`: reads of the package's file tree. A function gives its value, or the negative `errno` of the failure, from which
//! `internal/fs` makes Node's error; paths are guest paths, absolute and normalised by the caller.

use std::io;
use std::sync::Arc;

use adamant_modules::tree::{FileType, Metadata, Tree};

use super::{Room, string, tree};

const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const ENOTDIR: i32 = 20;
const EISDIR: i32 = 21;
const EINVAL: i32 = 22;
const EFBIG: i32 = 27;
const EROFS: i32 = 30;
const ENAMETOOLONG: i32 = 36;

/// The longest path that `open(2)` takes.
const PATH_MAX: usize = 4096;

pub(crate) fn room() -> Room {
    Room::new("fs")
        .function("stat", stat)
        .function("lstat", lstat)
        .function("read", read)
        .function("readText", read_text)
        .function("readAt", read_at)
        .function("readDir", read_dir)
        .function("readLink", read_link)
        .function("realPath", real_path)
}

/// The number that Node shows for a failure.
fn errno(error: &io::Error) -> i32 {
    let number = error.raw_os_error().unwrap_or(match error.kind() {
        io::ErrorKind::NotFound => ENOENT,
        io::ErrorKind::PermissionDenied => EACCES,
        io::ErrorKind::NotADirectory => ENOTDIR,
        io::ErrorKind::IsADirectory => EISDIR,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => EINVAL,
        io::ErrorKind::FileTooLarge => EFBIG,
        io::ErrorKind::ReadOnlyFilesystem => EROFS,
        io::ErrorKind::InvalidFilename => ENAMETOOLONG,
        _ => EIO,
    });
    // A link that leaves the package is refused by the kernel as one that crosses devices.
    const EXDEV: i32 = 18;
    -(if number == EXDEV { EACCES } else { number })
}

/// Does `work` on the tree and the path in the first argument.
fn on_path<T>(
    scope: &mut v8::HandleScope<'_>,
    args: &v8::FunctionCallbackArguments<'_>,
    work: impl FnOnce(&dyn Tree, &str) -> io::Result<T>,
) -> Result<T, i32> {
    let path = args.get(0).to_rust_string_lossy(scope);
    if path.len() >= PATH_MAX {
        return Err(-ENAMETOOLONG);
    }
    let tree: Arc<dyn Tree> = tree(scope).ok_or(-ENOENT)?;
    work(&*tree, &path).map_err(|error| errno(&error))
}

fn stat(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    match on_path(scope, &args, |tree, path| tree.metadata(path)) {
        Ok(metadata) => rv.set(facts(scope, &metadata)),
        Err(errno) => rv.set_int32(errno),
    }
}

fn lstat(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    match on_path(scope, &args, |tree, path| tree.symlink_metadata(path)) {
        Ok(metadata) => rv.set(facts(scope, &metadata)),
        Err(errno) => rv.set_int32(errno),
    }
}

/// `[mode, nlink, ino, size, mtime seconds, mtime nanoseconds]`.
fn facts<'s>(scope: &mut v8::HandleScope<'s>, metadata: &Metadata) -> v8::Local<'s, v8::Value> {
    const SECOND: i128 = 1_000_000_000;
    const TYPE_MASK: u32 = 0o170_000;
    let type_bits = match metadata.file_type {
        FileType::File => 0o100_000,
        FileType::Directory => 0o040_000,
        FileType::Symlink => 0o120_000,
        FileType::Special => match metadata.mode & TYPE_MASK {
            0 => 0o010_000,
            bits => bits,
        },
    };
    let mode = (metadata.mode & !TYPE_MASK) | type_bits;
    let numbers = [
        f64::from(mode),
        wide(metadata.nlink),
        wide(metadata.ino),
        wide(metadata.len),
        seconds(metadata.mtime_ns.div_euclid(SECOND)),
        seconds(metadata.mtime_ns.rem_euclid(SECOND)),
    ];
    let numbers = numbers.map(|number| v8::Number::new(scope, number).into());
    v8::Array::new_with_elements(scope, &numbers).into()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "JavaScript's numbers are doubles, as Node's own Stats are"
)]
fn wide(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds and nanoseconds of a second are far below 2^53"
)]
fn seconds(number: i128) -> f64 {
    number as f64
}

/// `read(path)` → the whole content as a `Uint8Array`.
fn read(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    match on_path(scope, &args, |tree, path| tree.read(path)) {
        Ok(bytes) => {
            let length = bytes.len();
            let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes.to_vec()).make_shared();
            let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
            match v8::Uint8Array::new(scope, buffer, 0, length) {
                Some(view) => rv.set(view.into()),
                None => rv.set_int32(-EFBIG),
            }
        }
        Err(errno) => rv.set_int32(errno),
    }
}

/// `readText(path)` → the whole content as text; malformed bytes become U+FFFD.
fn read_text(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    match on_path(scope, &args, |tree, path| tree.read(path)) {
        Ok(bytes) => {
            let text = if bytes.is_ascii() {
                v8::String::new_from_one_byte(scope, &bytes, v8::NewStringType::Normal)
            } else {
                v8::String::new_from_utf8(scope, &bytes, v8::NewStringType::Normal)
            };
            match text {
                Some(text) => rv.set(text.into()),
                // Longer than V8's strings may be.
                None => rv.set_int32(-EFBIG),
            }
        }
        Err(errno) => rv.set_int32(errno),
    }
}

/// `readAt(path, position, view, offset, length)` → how many bytes were put into `view` at `offset`.
fn read_at(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(args.get(2)) else {
        rv.set_int32(-EINVAL);
        return;
    };
    let size = view.byte_length();
    let position = index(args.get(1).number_value(scope));
    let offset = index(args.get(3).number_value(scope)).min(size as u64);
    let length = index(args.get(4).number_value(scope)).min(size as u64 - offset);
    let length = usize::try_from(length).unwrap_or(0);
    let bytes = match on_path(scope, &args, |tree, path| {
        tree.read_at(path, position, length)
    }) {
        Ok(bytes) => bytes,
        Err(errno) => {
            rv.set_int32(errno);
            return;
        }
    };
    match put(scope, view, offset, &bytes) {
        Some(count) => rv.set_double(wide(count as u64)),
        None => rv.set_int32(-EINVAL),
    }
}

/// A non-negative whole number; anything else is 0.
fn index(number: Option<f64>) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, NaN gives 0"
    )]
    {
        number.unwrap_or(0.0) as u64
    }
}

/// Copies `bytes` into the memory under `view`; `None` if they do not fit.
fn put(
    scope: &mut v8::HandleScope<'_>,
    view: v8::Local<'_, v8::ArrayBufferView>,
    offset: u64,
    bytes: &[u8],
) -> Option<usize> {
    if bytes.is_empty() {
        return Some(0);
    }
    let store = view.buffer(scope)?.get_backing_store();
    let start = view
        .byte_offset()
        .checked_add(usize::try_from(offset).ok()?)?;
    let end = start.checked_add(bytes.len())?;
    let cells = store.get(start..end)?;
    for (cell, byte) in cells.iter().zip(bytes) {
        cell.set(*byte);
    }
    Some(bytes.len())
}

/// `readDir(path)` → `[name, type, name, type, …]` with libuv's numbers for types, sorted by name.
fn read_dir(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let entries = match on_path(scope, &args, |tree, path| tree.read_dir(path)) {
        Ok(entries) => entries,
        Err(errno) => {
            rv.set_int32(errno);
            return;
        }
    };
    let mut flat: Vec<v8::Local<'_, v8::Value>> = Vec::with_capacity(entries.len() * 2);
    for entry in entries {
        let kind = match entry.file_type {
            FileType::File => 1,
            FileType::Directory => 2,
            FileType::Symlink => 3,
            FileType::Special => 4,
        };
        flat.push(string(scope, &entry.name).into());
        flat.push(v8::Integer::new(scope, kind).into());
    }
    let list = v8::Array::new_with_elements(scope, &flat);
    rv.set(list.into());
}

fn read_link(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    match on_path(scope, &args, |tree, path| tree.read_link(path)) {
        Ok(target) => {
            let target = string(scope, &target);
            rv.set(target.into());
        }
        Err(errno) => rv.set_int32(errno),
    }
}

fn real_path(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    match on_path(scope, &args, |tree, path| tree.real_path(path)) {
        Ok(path) => {
            let path = string(scope, &path);
            rv.set(path.into());
        }
        Err(errno) => rv.set_int32(errno),
    }
}
