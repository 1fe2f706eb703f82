//! Bytes behind JavaScript views, and the encodings of bytes as text: hexadecimal, base64 and UTF-16.

use std::ptr::{self, NonNull};
use std::slice;

/// The memory behind an `ArrayBuffer`, a `SharedArrayBuffer` or a view of one, for the length of one native call.
///
/// No JavaScript runs during such a call, so nothing can detach, shrink or free the memory in between, and no other thread runs
/// code of the same isolate or is handed its memory (workers are refused).
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    start: NonNull<u8>,
    len: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            start: NonNull::dangling(),
            len: 0,
        }
    }
}

impl Memory {
    /// The memory behind `value`; detached and out-of-bounds views have none.
    pub(super) fn of(value: v8::Local<'_, v8::Value>) -> Option<Self> {
        if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(value) {
            let len = view.byte_length();
            // Asked for its data, a view of detached memory would compute an address from nothing.
            if len == 0 {
                return Some(Self::default());
            }
            return Some(Self::new(view.data().cast(), len));
        }
        if let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(value) {
            let start = buffer
                .data()
                .map_or(ptr::null_mut(), |data| data.as_ptr().cast());
            return Some(Self::new(start, buffer.byte_length()));
        }
        if let Ok(buffer) = v8::Local::<v8::SharedArrayBuffer>::try_from(value) {
            let store = buffer.get_backing_store();
            let start = store
                .data()
                .map_or(ptr::null_mut(), |data| data.as_ptr().cast());
            return Some(Self::new(start, store.byte_length()));
        }
        None
    }

    fn new(start: *mut u8, len: usize) -> Self {
        NonNull::new(start).map_or_else(Self::default, |start| Self { start, len })
    }

    /// At most `len` bytes from `offset` on.
    pub(super) fn window(self, offset: usize, len: usize) -> Self {
        let offset = offset.min(self.len);
        #[expect(unsafe_code, reason = "the memory belongs to V8")]
        // SAFETY: `offset` is at most the length of the memory that starts here.
        let start = unsafe { self.start.add(offset) };
        Self {
            start,
            len: len.min(self.len - offset),
        }
    }

    /// The bytes, to read.
    pub(super) fn bytes(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "the memory belongs to V8")]
        // SAFETY: V8 vouches for the range, which outlives the native call (see the type); nothing writes while it is borrowed:
        // callers that write copy first or take one mutable borrow only.
        unsafe {
            slice::from_raw_parts(self.start.as_ptr(), self.len)
        }
    }

    /// The bytes, to write.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        #[expect(unsafe_code, reason = "the memory belongs to V8")]
        // SAFETY: as for `bytes`; callers hold no other borrow of the same memory meanwhile.
        unsafe {
            slice::from_raw_parts_mut(self.start.as_ptr(), self.len)
        }
    }

    /// Copies as much of `source` as fits; the two may overlap.
    pub(super) fn copy_from(self, source: Self) {
        #[expect(unsafe_code, reason = "the memory belongs to V8")]
        // SAFETY: both ranges are valid for their lengths, and `copy` allows overlap.
        unsafe {
            ptr::copy(
                source.start.as_ptr(),
                self.start.as_ptr(),
                self.len.min(source.len),
            );
        }
    }
}

/// Hexadecimal digits.
pub(super) mod hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    fn value(digit: u8) -> Option<u8> {
        match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        }
    }

    /// Decodes whole pairs up to the first that is none; returns how many bytes were written.
    pub(in super::super) fn decode(digits: &[u8], target: &mut [u8]) -> usize {
        let mut written = 0;
        for (pair, byte) in digits.chunks_exact(2).zip(target) {
            let (Some(high), Some(low)) = (value(pair[0]), value(pair[1])) else {
                break;
            };
            *byte = high << 4 | low;
            written += 1;
        }
        written
    }

    /// Two lowercase digits for each byte.
    pub(in super::super) fn encode(bytes: &[u8]) -> Vec<u8> {
        let mut digits = Vec::with_capacity(bytes.len() * 2);
        for byte in bytes {
            digits.push(DIGITS[usize::from(byte >> 4)]);
            digits.push(DIGITS[usize::from(byte & 15)]);
        }
        digits
    }
}

/// Base64, as forgiving as Node's Buffer and as strict as the web's `atob`.
pub(super) mod base64 {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// Which characters stand for 62 and 63, and whether padding is written.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in super::super) enum Alphabet {
        /// `+`, `/`, padded.
        Standard,
        /// `-`, `_`, not padded.
        UrlSafe,
    }

    /// Why `atob` refuses a text.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in super::super) enum Refusal {
        /// A character outside the alphabet.
        ForeignCharacter,
        /// Padding or length that no bytes encode to.
        Malformed,
    }

    fn value(digit: u8) -> Option<u8> {
        match digit {
            b'A'..=b'Z' => Some(digit - b'A'),
            b'a'..=b'z' => Some(digit - b'a' + 26),
            b'0'..=b'9' => Some(digit - b'0' + 52),
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        }
    }

    /// Encodes `bytes`.
    pub(in super::super) fn encode(bytes: &[u8], alphabet: Alphabet) -> Vec<u8> {
        let digits = match alphabet {
            Alphabet::Standard => STANDARD,
            Alphabet::UrlSafe => URL_SAFE,
        };
        let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
        for group in bytes.chunks(3) {
            let bits = group
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
                << (8 * (3 - group.len()));
            for place in 0..4 {
                if place <= group.len() {
                    text.push(digits[(bits >> (18 - 6 * place) & 63) as usize]);
                } else if alphabet == Alphabet::Standard {
                    text.push(b'=');
                }
            }
        }
        text
    }

    /// Decodes either alphabet, up to a `=`, over characters that belong to neither; returns how many bytes were written.
    pub(in super::super) fn decode(digits: &[u8], target: &mut [u8]) -> usize {
        let mut bits = 0_u32;
        let mut count = 0;
        let mut written = 0;
        for digit in digits.iter().take_while(|digit| **digit != b'=') {
            let Some(value) = value(*digit) else { continue };
            bits = bits << 6 | u32::from(value);
            count += 6;
            if count >= 8 {
                count -= 8;
                let Some(byte) = target.get_mut(written) else {
                    break;
                };
                *byte = (bits >> count & 0xff) as u8;
                written += 1;
            }
        }
        written
    }

    /// The web's "forgiving" decoding: white space is nothing, the standard alphabet is all, and the length must fit.
    pub(in super::super) fn decode_forgiving(text: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut digits: Vec<u8> = text
            .iter()
            .copied()
            .filter(|byte| !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' '))
            .collect();
        let padding = digits
            .iter()
            .rev()
            .take_while(|digit| **digit == b'=')
            .count();
        if padding > 0 && padding <= 2 && digits.len().is_multiple_of(4) {
            digits.truncate(digits.len() - padding);
        }
        if digits.iter().any(|digit| {
            matches!(digit, b'-' | b'_') || (value(*digit).is_none() && *digit != b'=')
        }) {
            return Err(Refusal::ForeignCharacter);
        }
        if digits.contains(&b'=') || digits.len() % 4 == 1 {
            return Err(Refusal::Malformed);
        }
        let mut bytes = vec![0; digits.len() * 3 / 4];
        let written = decode(&digits, &mut bytes);
        bytes.truncate(written);
        Ok(bytes)
    }
}

/// UTF-16 code units, little-endian.
pub(super) mod utf16 {
    /// The whole units of `bytes`; an odd last byte is left out.
    pub(in super::super) fn units(bytes: &[u8]) -> Vec<u16> {
        bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    }

    /// The first occurrence of `needle` at `start` or after, or the last at `start` or before. Knuth, Morris and Pratt's: a
    /// guest cannot make it quadratic, in a call that nothing could interrupt.
    pub(in super::super) fn find(
        haystack: &[u16],
        needle: &[u16],
        start: usize,
        forward: bool,
    ) -> Option<usize> {
        if forward {
            let at = first(
                haystack.get(start..)?.iter(),
                &needle.iter().collect::<Vec<_>>(),
            )?;
            return Some(start + at);
        }
        let end = haystack.len().min(start.checked_add(needle.len())?);
        let at = first(
            haystack[..end].iter().rev(),
            &needle.iter().rev().collect::<Vec<_>>(),
        )?;
        Some(end - at - needle.len())
    }

    fn first<'a>(haystack: impl Iterator<Item = &'a u16>, needle: &[&u16]) -> Option<usize> {
        if needle.is_empty() {
            return Some(0);
        }
        // For each prefix of the needle, the length of its longest proper border.
        let mut borders = vec![0; needle.len()];
        let mut matched = 0;
        for at in 1..needle.len() {
            while matched > 0 && needle[at] != needle[matched] {
                matched = borders[matched - 1];
            }
            if needle[at] == needle[matched] {
                matched += 1;
            }
            borders[at] = matched;
        }
        matched = 0;
        for (at, unit) in haystack.enumerate() {
            while matched > 0 && unit != needle[matched] {
                matched = borders[matched - 1];
            }
            if unit == needle[matched] {
                matched += 1;
            }
            if matched == needle.len() {
                return Some(at + 1 - matched);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{base64, hex, utf16};

    #[test]
    fn hex_stops_at_the_first_pair_that_is_none() {
        let mut target = [0; 4];
        assert_eq!(hex::decode(b"abFxcd", &mut target), 1);
        assert_eq!(target[0], 0xab);
        assert_eq!(hex::decode(b"abc", &mut target), 1);
        assert_eq!(hex::encode(&[0, 0xaf, 0xff]), b"00afff");
    }

    #[test]
    fn base64_reads_what_it_wrote_in_both_alphabets() {
        for len in 0..70_u8 {
            let bytes: Vec<u8> = (0..len).map(|byte| byte.wrapping_mul(37) ^ 0xfb).collect();
            for alphabet in [base64::Alphabet::Standard, base64::Alphabet::UrlSafe] {
                let text = base64::encode(&bytes, alphabet);
                let mut back = vec![0; bytes.len()];
                assert_eq!(base64::decode(&text, &mut back), bytes.len());
                assert_eq!(back, bytes);
            }
        }
    }

    #[test]
    fn atob_tells_foreign_characters_from_wrong_lengths() {
        assert_eq!(base64::decode_forgiving(b" Y Q= ="), Ok(b"a".to_vec()));
        assert_eq!(
            base64::decode_forgiving(b"a"),
            Err(base64::Refusal::Malformed)
        );
        assert_eq!(
            base64::decode_forgiving(b"Y-"),
            Err(base64::Refusal::ForeignCharacter)
        );
    }

    #[test]
    fn units_are_found_where_a_plain_search_finds_them() {
        let haystack = [1, 2, 1, 2, 1, 3, 1, 2, 1];
        for needle in [
            &[1_u16, 2, 1][..],
            &[2, 1, 3],
            &[3],
            &[9],
            &[1, 2, 1, 2, 1, 3, 1, 2, 1],
        ] {
            for start in 0..haystack.len() {
                let matches = |at: &usize| haystack[*at..].starts_with(needle);
                assert_eq!(
                    utf16::find(&haystack, needle, start, true),
                    (start..haystack.len()).find(matches)
                );
                assert_eq!(
                    utf16::find(&haystack, needle, start, false),
                    (0..=start).rev().find(matches)
                );
            }
        }
    }
}
