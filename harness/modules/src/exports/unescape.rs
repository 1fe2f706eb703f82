//! Escapes in the string literals that name exports.

use crate::file_url::hex_pair;

/// The bytes of a string literal, quotes left out; `None` if an escape is broken or leaves half a surrogate pair.
///
/// This is the lexer's reading, not the language's: `\0` is always NUL, a line continuation keeps its line end, and `\xHH` is
/// one byte, which then need not be UTF-8.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'\\' {
            out.push(byte);
            rest = tail;
            continue;
        }
        let (&kind, tail) = tail.split_first()?;
        rest = tail;
        match kind {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'0' => out.push(0),
            b'x' => {
                out.push(hex_pair(rest)?);
                rest = &rest[2..];
            }
            b'u' => {
                let (character, after) = code_point(rest)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// The character behind `\u`, a surrogate pair of two escapes of the same form included.
fn code_point(text: &[u8]) -> Option<(char, &[u8])> {
    let braced = text.first() == Some(&b'{');
    let (unit, rest) = unit(text, braced, true)?;
    if !(0xd800..0xdc00).contains(&unit) {
        return Some((char::from_u32(unit)?, rest));
    }
    let rest = rest.strip_prefix(b"\\u")?;
    if braced != (rest.first() == Some(&b'{')) {
        return None;
    }
    let (low, rest) = self::unit(rest, braced, false)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    Some((
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?,
        rest,
    ))
}

/// `HHHH` or `{H…}`. Only the first of a pair is kept within Unicode; the second just loses its high bits.
fn unit(text: &[u8], braced: bool, bounded: bool) -> Option<(u32, &[u8])> {
    let (digits, rest) = if braced {
        let inside = text.get(1..)?;
        let end = inside.iter().position(|byte| *byte == b'}')?;
        (&inside[..end], &inside[end + 1..])
    } else {
        text.split_at_checked(4)?
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u32;
    for digit in digits {
        value = (value << 4) | char::from(*digit).to_digit(16)?;
        if bounded && value > 0x10_ffff {
            return None;
        }
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_the_lexer_of_node_reads_them() {
        for (text, expected) in [
            (r"a\n\t\0\'\\", Some(b"a\n\t\0'\\".to_vec())),
            (r"\x41\xe9", Some(vec![b'A', 0xe9])),
            (r"\u00e9", Some("é".into())),
            (r"\uD83D\uDE00", Some("😀".into())),
            (r"\u{1F600}", Some("😀".into())),
            (r"\u{D83D}\u{DE00}", Some("😀".into())),
            (r"\u{D83D}\uDE00", None),
            (r"\uD83D", None),
            (r"\uDE00", None),
            (r"\u{110000}", None),
            (r"\u{}", None),
            (r"\u12", None),
            (r"\x4", None),
            ("\\", None),
            ("\\q\\\n", Some(b"q\n".to_vec())),
        ] {
            assert_eq!(unescape(text.as_bytes()), expected, "{text:?}");
        }
    }
}
