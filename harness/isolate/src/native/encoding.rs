//! Room `encoding`: the web's text encodings, for `TextEncoder` and `TextDecoder`.

use encoding_rs::{DecoderResult, Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::bytes::Memory;
use super::{Room, string};

/// `native.encoding`.
pub(crate) fn room() -> Room {
    Room::new("encoding")
        .function("nameOf", name_of)
        .function("decode", decode)
        .function("encodeInto", encode_into)
}

/// `nameOf(label)`: the encoding's name; `undefined` for an unknown label.
fn name_of(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(label) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    // No label is longer; a text of half a gigabyte need not be copied to know.
    if label.length() > 1024 {
        return;
    }
    let label = label.to_rust_string_lossy(scope);
    if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
        let name = string(scope, &encoding.name().to_ascii_lowercase());
        rv.set(name.into());
    }
}

/// `encodeInto(text, view)`: `[read, written]`, in units and bytes.
fn encode_into(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(text) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    let mut memory = Memory::of(args.get(1)).unwrap_or_default();
    let flags = v8::WriteFlags::kReplaceInvalidUtf8;
    let mut read = 0;
    let written = text.write_utf8_v2(scope, memory.bytes_mut(), flags, Some(&mut read));
    let counts = [read, written].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let elements = counts.map(|count| v8::Integer::new_from_unsigned(scope, count).into());
    rv.set(v8::Array::new_with_elements(scope, &elements).into());
}

/// What one piece of a stream decodes to.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    units: Vec<u16>,
    /// What the next piece must be preceded by: the bytes of an unfinished character.
    pending: Vec<u8>,
}

/// How many bytes at the end of `bytes` are the beginning of a UTF-16 character.
fn open_utf16(bytes: &[u8], encoding: &'static Encoding) -> usize {
    let odd = bytes.len() % 2;
    let whole = &bytes[..bytes.len() - odd];
    // Where the byte stands that tells a high surrogate, counted from the end.
    match whole
        .len()
        .checked_sub(if encoding == UTF_16LE { 1 } else { 2 })
    {
        Some(at) if whole[at] & 0xfc == 0xd8 => 2 + odd,
        _ => odd,
    }
}

/// Whether `bytes` begin with one of ISO-2022-JP's escape sequences, which all have three bytes.
fn starts_with_escape(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0x1b, b'(', b'B' | b'J' | b'I', ..] | [0x1b, b'$', b'@' | b'B', ..]
    )
}

/// Decodes one piece; nothing where `fatal` and the bytes are malformed.
fn decode_piece(
    encoding: &'static Encoding,
    bytes: &[u8],
    fatal: bool,
    last: bool,
) -> Option<Piece> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let capacity = decoder.max_utf16_buffer_length(bytes.len())?;
    let mut units = vec![0; capacity];
    let mut kept = 0;
    let mut body = bytes;
    let mut body_is_last = last;
    if !last && (encoding == UTF_16LE || encoding == UTF_16BE) {
        kept = open_utf16(bytes, encoding);
        body = &bytes[..bytes.len() - kept];
        // What is left ends with a whole character, or with a high surrogate that another one follows.
        body_is_last = true;
    }
    let written = if fatal {
        let (result, _, written) =
            decoder.decode_to_utf16_without_replacement(body, &mut units, body_is_last);
        if result != DecoderResult::InputEmpty {
            return None;
        }
        written
    } else {
        decoder.decode_to_utf16(body, &mut units, body_is_last).2
    };
    units.truncate(written);
    if !body_is_last {
        // Told that nothing follows, the decoder complains about just the bytes that it still holds.
        let mut rest = [0; 8];
        if let (DecoderResult::Malformed(length, after), _, _) =
            decoder.decode_to_utf16_without_replacement(&[], &mut rest, true)
        {
            kept = usize::from(length + after);
        }
    }
    let mut pending = bytes[bytes.len() - kept.min(bytes.len())..].to_vec();
    if !last && encoding == ISO_2022_JP {
        // This one has a mode besides: the next piece begins with the escape sequence that set it.
        let decoded = &bytes[..bytes.len() - pending.len()];
        if let Some(escape) = decoded
            .windows(3)
            .rfind(|window| starts_with_escape(window))
        {
            pending.splice(0..0, escape.iter().copied());
        }
    }
    Some(Piece { units, pending })
}

/// The bytes that a piece decodes from: what was pending, and the input.
fn joined(encoding: &'static Encoding, pending: &[u8], input: &[u8]) -> Vec<u8> {
    let whole = [pending, input].concat();
    // A mode that is changed at once was never used, and two escape sequences in a row would be an error.
    if encoding == ISO_2022_JP && starts_with_escape(pending) && starts_with_escape(&whole[3..]) {
        return whole[3..].to_vec();
    }
    whole
}

/// `decode(name, input, pending, fatal, last)`: `[text, pending]`, where the text is `undefined` if V8 cannot hold it; `undefined`
/// for malformed bytes that are fatal.
fn decode(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Ok(name) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    let name = name.to_rust_string_lossy(scope);
    let encoding = Encoding::for_label(name.as_bytes()).unwrap_or(REPLACEMENT);
    let input = Memory::of(args.get(1)).unwrap_or_default();
    let pending = Memory::of(args.get(2));
    let (fatal, last) = (args.get(3).is_true(), args.get(4).is_true());
    if encoding == UTF_8 && last && pending.is_none() {
        // V8 replaces as the standard says, and allocates the text only.
        if fatal && std::str::from_utf8(input.bytes()).is_err() {
            return;
        }
        let text = v8::String::new_from_utf8(scope, input.bytes(), v8::NewStringType::Normal);
        return set_pair(scope, rv, text, None);
    }
    let whole = pending.map(|pending| joined(encoding, pending.bytes(), input.bytes()));
    let bytes = whole.as_deref().unwrap_or(input.bytes());
    let Some(piece) = decode_piece(encoding, bytes, fatal, last) else {
        rv.set_undefined();
        return;
    };
    let text = if piece.units.is_empty() {
        Some(v8::String::empty(scope))
    } else {
        v8::String::new_from_two_byte(scope, &piece.units, v8::NewStringType::Normal)
    };
    set_pair(
        scope,
        rv,
        text,
        (!piece.pending.is_empty()).then_some(piece.pending),
    );
}

fn set_pair<'s>(
    scope: &mut v8::HandleScope<'s>,
    mut rv: v8::ReturnValue<'_>,
    text: Option<v8::Local<'s, v8::String>>,
    pending: Option<Vec<u8>>,
) {
    let undefined: v8::Local<'_, v8::Value> = v8::undefined(scope).into();
    let pending = pending.and_then(|bytes| {
        let length = bytes.len();
        let buffer = v8::ArrayBuffer::new(scope, length);
        let mut target = Memory::of(buffer.into())?;
        target.bytes_mut().copy_from_slice(&bytes);
        Some(v8::Local::<v8::Value>::from(buffer))
    });
    let text = text.map_or(undefined, Into::into);
    let pair = [text, pending.unwrap_or(undefined)];
    rv.set(v8::Array::new_with_elements(scope, &pair).into());
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
        WINDOWS_1252,
    };

    use super::{decode_piece, joined};

    /// Bytes that fall into every branch of the multi-byte decoders, from a fixed sequence.
    fn noise(seed: u32, length: usize) -> Vec<u8> {
        const PARTS: [&[u8]; 12] = [
            b"a",
            b"\x1b$B",
            b"\x1b(B",
            b"\x1b(J",
            b"\x24\x22",
            b"\x81\x30\x81\x30",
            b"\xe2\x82\xac",
            b"\xf0\x9f\x98\x80",
            b"\xd8\x3d\xde\x00",
            b"\x8f\xa2\xb7",
            b"\xff",
            b"\x1b",
        ];
        let mut state = seed;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let part = PARTS[(state >> 16) as usize % PARTS.len()];
            let take = 1 + (state >> 24) as usize % part.len();
            bytes.extend_from_slice(&part[..take]);
        }
        bytes
    }

    #[test]
    fn a_stream_decodes_to_the_same_text_wherever_it_is_cut() {
        for encoding in [
            UTF_8,
            UTF_16LE,
            UTF_16BE,
            GBK,
            GB18030,
            BIG5,
            EUC_JP,
            EUC_KR,
            SHIFT_JIS,
            WINDOWS_1252,
        ] {
            for seed in 0..60 {
                let bytes = noise(seed, 24);
                let whole = decode_piece(encoding, &bytes, false, true).unwrap().units;
                for cut in 0..=bytes.len() {
                    let first = decode_piece(encoding, &bytes[..cut], false, false).unwrap();
                    let rest = joined(encoding, &first.pending, &bytes[cut..]);
                    let second = decode_piece(encoding, &rest, false, true).unwrap();
                    let text = [first.units, second.units].concat();
                    assert_eq!(
                        text,
                        whole,
                        "{} cut at {cut}: {bytes:02x?}",
                        encoding.name()
                    );
                }
            }
        }
    }

    #[test]
    fn a_japanese_stream_keeps_its_mode_across_pieces() {
        let bytes = b"a\x1b$B\x24\x22\x24\x24\x1b(Bb\x1b$B\x24\x26\x1b(Bc";
        let whole = decode_piece(ISO_2022_JP, bytes, false, true).unwrap().units;
        for cut in 0..=bytes.len() {
            let first = decode_piece(ISO_2022_JP, &bytes[..cut], false, false).unwrap();
            let rest = joined(ISO_2022_JP, &first.pending, &bytes[cut..]);
            let second = decode_piece(ISO_2022_JP, &rest, false, true).unwrap();
            assert_eq!([first.units, second.units].concat(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn malformed_bytes_are_fatal_only_where_asked() {
        assert_eq!(decode_piece(UTF_8, b"a\xff", true, true), None);
        assert!(decode_piece(UTF_8, b"a\xe2\x82", true, false).is_some());
        assert_eq!(decode_piece(UTF_8, b"a\xe2\x82", true, true), None);
    }
}
