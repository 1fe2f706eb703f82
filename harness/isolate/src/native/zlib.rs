//! `native.zlib`: deflate, zlib and gzip, and back.

use flate2::{
    Compress, Compression, Crc, Decompress, DecompressError, FlushCompress, FlushDecompress, Status,
};

use super::bytes::Memory;
use super::{Room, string};
use crate::memory::Ceiling;

/// `native.zlib`.
pub(crate) fn room() -> Room {
    Room::new("zlib")
        .function("compress", compress)
        .function("decompress", decompress)
        .function("crc32", crc32)
}

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a>;
type Scope<'s> = v8::HandleScope<'s>;

/// What stands around the deflated bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Raw,
    Zlib,
    Gzip,
    /// zlib or gzip, by the first byte.
    Either,
}

impl Format {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "raw" => Self::Raw,
            "zlib" => Self::Zlib,
            "gzip" => Self::Gzip,
            "either" => Self::Either,
            _ => return None,
        })
    }
}

/// The most bytes that a room grows by at once.
const STEP: usize = 64 << 10;

/// Bytes of a gzip header without options, as zlib writes it on Unix: no name, no time.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

fn deflated(format: Format, level: Option<u32>, input: &[u8]) -> Option<Vec<u8>> {
    let compression = level.map_or_else(Compression::default, Compression::new);
    let mut output = Vec::with_capacity(input.len() / 2 + 64);
    if format == Format::Gzip {
        output.extend_from_slice(&GZIP_HEAD);
        // Which effort was made: most, least, or anything between.
        output[8] = match level {
            Some(9) => 2,
            Some(1) => 4,
            _ => 0,
        };
    }
    let mut compress = Compress::new(compression, format == Format::Zlib);
    loop {
        let read = usize::try_from(compress.total_in()).ok()?;
        output.reserve(STEP.min(input.len() / 2 + 64));
        let status = compress
            .compress_vec(input.get(read..)?, &mut output, FlushCompress::Finish)
            .ok()?;
        if status == Status::StreamEnd {
            break;
        }
    }
    if format == Format::Gzip {
        let mut crc = Crc::new();
        crc.update(input);
        output.extend_from_slice(&crc.sum().to_le_bytes());
        output.extend_from_slice(&crc.amount().to_le_bytes());
    }
    Some(output)
}

/// Why bytes cannot be inflated: zlib's code and its text.
type Fault = (&'static str, &'static str);

const UNEXPECTED_END: Fault = ("Z_BUF_ERROR", "unexpected end of file");

/// The inflated bytes, and how many of the input they were made of.
fn inflated(
    format: Format,
    input: &[u8],
    most: usize,
    partial: bool,
) -> Result<(Vec<u8>, usize), Fault> {
    match format {
        Format::Raw => member(false, input, most, partial),
        Format::Zlib => {
            let [first, second, ..] = *input else {
                return if partial {
                    Ok((Vec::new(), input.len()))
                } else {
                    Err(UNEXPECTED_END)
                };
            };
            if (u32::from(first) << 8 | u32::from(second)) % 31 != 0 {
                return Err(("Z_DATA_ERROR", "incorrect header check"));
            }
            if first & 15 != 8 {
                return Err(("Z_DATA_ERROR", "unknown compression method"));
            }
            if second & 0x20 != 0 {
                return Err(("Z_NEED_DICT", "Missing dictionary"));
            }
            member(true, input, most, partial)
        }
        Format::Gzip => members(input, most, partial),
        Format::Either if input.starts_with(&[0x1f]) => members(input, most, partial),
        Format::Either => inflated(Format::Zlib, input, most, partial),
    }
}

/// One stream of deflate, bare or with zlib's frame.
fn member(
    framed: bool,
    input: &[u8],
    most: usize,
    partial: bool,
) -> Result<(Vec<u8>, usize), Fault> {
    let mut inflate = Decompress::new(framed);
    let mut output = Vec::new();
    loop {
        let read = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
        let rest = input.get(read..).unwrap_or_default();
        output.reserve(STEP.min(most.saturating_sub(output.len()).saturating_add(1)));
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress_vec(rest, &mut output, FlushDecompress::None)
            .map_err(|error| fault_of(framed, &error))?;
        if output.len() > most {
            return Err(("ERR_BUFFER_TOO_LARGE", ""));
        }
        let consumed = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
        match status {
            Status::StreamEnd => return Ok((output, consumed)),
            Status::Ok | Status::BufError
                if before == (inflate.total_in(), inflate.total_out()) =>
            {
                return if partial {
                    Ok((output, consumed))
                } else {
                    Err(UNEXPECTED_END)
                };
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

fn fault_of(framed: bool, error: &DecompressError) -> Fault {
    let text = error.message().unwrap_or_default();
    if framed && text.contains("check") {
        return ("Z_DATA_ERROR", "incorrect data check");
    }
    ("Z_DATA_ERROR", "invalid stored block lengths")
}

/// The members of a gzip file, one behind the other; what is no member at the end is left alone.
fn members(input: &[u8], most: usize, partial: bool) -> Result<(Vec<u8>, usize), Fault> {
    let mut output = Vec::new();
    let mut at = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let head = match gzip_head(rest) {
            Ok(head) => head,
            Err(_) if at > 0 => return Ok((output, at)),
            Err(UNEXPECTED_END) if partial => return Ok((output, input.len())),
            Err(fault) => return Err(fault),
        };
        let body = rest.get(head..).unwrap_or_default();
        let (bytes, read) = member(false, body, most.saturating_sub(output.len()), partial)?;
        let Some(tail) = body.get(read..read + 8) else {
            output.extend_from_slice(&bytes);
            return if partial {
                Ok((output, input.len()))
            } else {
                Err(UNEXPECTED_END)
            };
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if tail.get(..4) != Some(&crc.sum().to_le_bytes()[..]) {
            return Err(("Z_DATA_ERROR", "incorrect data check"));
        }
        if tail.get(4..) != Some(&crc.amount().to_le_bytes()[..]) {
            return Err(("Z_DATA_ERROR", "incorrect length check"));
        }
        output.extend_from_slice(&bytes);
        at += head + read + 8;
        if input.get(at..).unwrap_or_default().is_empty() {
            return Ok((output, at));
        }
    }
}

/// The length of a gzip header (RFC 1952, section 2.3).
fn gzip_head(input: &[u8]) -> Result<usize, Fault> {
    if !input.starts_with(&[0x1f, 0x8b]) {
        return Err(
            if input.len() < 2 && (input.is_empty() || input[0] == 0x1f) {
                UNEXPECTED_END
            } else {
                ("Z_DATA_ERROR", "incorrect header check")
            },
        );
    }
    let (Some(method), Some(flags)) = (input.get(2), input.get(3)) else {
        return Err(UNEXPECTED_END);
    };
    if *method != 8 {
        return Err(("Z_DATA_ERROR", "unknown compression method"));
    }
    if flags & 0xe0 != 0 {
        return Err(("Z_DATA_ERROR", "unknown header flags set"));
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let length = input.get(at..at + 2).ok_or(UNEXPECTED_END)?;
        at += 2 + usize::from(length[0]) + (usize::from(length[1]) << 8);
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let text = input.get(at..).ok_or(UNEXPECTED_END)?;
            at += 1 + text
                .iter()
                .position(|byte| *byte == 0)
                .ok_or(UNEXPECTED_END)?;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    if at > input.len() {
        Err(UNEXPECTED_END)
    } else {
        Ok(at)
    }
}

fn give(scope: &mut Scope<'_>, rv: &mut Return<'_>, bytes: Vec<u8>) {
    let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes).make_shared();
    rv.set(v8::ArrayBuffer::with_backing_store(scope, &store).into());
}

/// `compress(format, level, view)` → `ArrayBuffer`; a level below 0 is zlib's own.
fn compress<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let format = Format::named(&args.get(0).to_rust_string_lossy(scope));
    let level = args.get(1).int32_value(scope).unwrap_or(-1);
    let (Some(format), Some(input)) = (format, Memory::of(args.get(2))) else {
        return;
    };
    if let Some(bytes) = deflated(format, u32::try_from(level).ok(), input.bytes()) {
        give(scope, &mut rv, bytes);
    }
}

/// `decompress(format, view, most, partial, place)` → `ArrayBuffer`, or `[code, message]`. `place.consumed` gets how many bytes of the
/// view were read; `partial` accepts an end in the middle.
fn decompress<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let format = Format::named(&args.get(0).to_rust_string_lossy(scope));
    let (Some(format), Some(input)) = (format, Memory::of(args.get(1))) else {
        return;
    };
    let wish = args.get(2).number_value(scope).unwrap_or(0.0).max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest number that there is"
    )]
    let wish = wish as usize;
    // A bomb must not get more than the guest may have.
    let most = scope
        .get_slot::<Ceiling>()
        .map_or(wish, |ceiling| wish.min(ceiling.off_heap));
    match inflated(format, input.bytes(), most, args.get(3).is_true()) {
        Ok((bytes, consumed)) => {
            if let Ok(place) = v8::Local::<v8::Object>::try_from(args.get(4)) {
                let key = string(scope, "consumed").into();
                let consumed = u32::try_from(consumed).unwrap_or(u32::MAX);
                let consumed = v8::Integer::new_from_unsigned(scope, consumed).into();
                place.set(scope, key, consumed);
            }
            give(scope, &mut rv, bytes);
        }
        Err((code, message)) => {
            let code = string(scope, code).into();
            let message = string(scope, message).into();
            rv.set(v8::Array::new_with_elements(scope, &[code, message]).into());
        }
    }
}

/// `crc32(view, value)`: continues from a value.
fn crc32<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(data) = Memory::of(args.get(0)) else {
        return;
    };
    let value = args.get(1).uint32_value(scope).unwrap_or(0);
    let mut hasher = crc32fast::Hasher::new_with_initial(value);
    hasher.update(data.bytes());
    rv.set_uint32(hasher.finalize());
}
