//! `data:` URLs as modules: their format and their body.

use std::sync::Arc;

use super::error::{ErrorKind, ResolveError};
use super::{Format, Resolved};
use crate::file_url::percent_decoded;

/// The module of a `data:` URL.
pub(super) fn load(url: &str) -> Result<Resolved, ResolveError> {
    let invalid = || ResolveError::invalid_url(url);
    let without_hash = url.split('#').next().unwrap_or(url);
    let body = without_hash.strip_prefix("data:").ok_or_else(invalid)?;
    let (header, body) = body.split_once(',').ok_or_else(invalid)?;
    let mut source = percent_decoded(body);
    if is_base64(header) {
        source = forgiving_base64(&source).ok_or_else(invalid)?;
    }
    let mime = mime(header);
    let format = match mime {
        Some(mime) if is_javascript(mime) => Format::Module,
        Some("application/json") => Format::Json,
        Some("application/wasm") => Format::Wasm,
        other => {
            let name = other.unwrap_or("null");
            return Err(ResolveError::new(
                "ERR_UNKNOWN_MODULE_FORMAT",
                ErrorKind::RangeError,
                format!("Unknown module format: {name} for URL {url}"),
            ));
        }
    };
    Ok(Resolved::Data {
        url: url.to_owned(),
        format,
        source: Arc::from(source),
    })
}

/// `type/subtype`, parameters left out.
fn mime(header: &str) -> Option<&str> {
    let slash = header.find('/').filter(|index| *index > 0)?;
    let end = header[slash..]
        .find(';')
        .map_or(header.len(), |index| slash + index);
    (end > slash + 1).then(|| &header[..end])
}

fn is_javascript(mime: &str) -> bool {
    let mime = mime.trim();
    ["text/javascript", "application/javascript"]
        .iter()
        .any(|name| mime.eq_ignore_ascii_case(name))
}

fn is_base64(header: &str) -> bool {
    let header = header.trim_matches(|c: char| c.is_ascii_whitespace());
    let Some(start) = header.len().checked_sub("base64".len()) else {
        return false;
    };
    let Some((before, name)) = header.split_at_checked(start) else {
        return false;
    };
    name.eq_ignore_ascii_case("base64") && before.trim_end_matches(' ').ends_with(';')
}

/// The forgiving base64 decode of the Infra standard.
fn forgiving_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !b"\t\n\x0c\r ".contains(byte))
        .collect();
    if digits.len().is_multiple_of(4) {
        for _ in 0..2 {
            if digits.last() == Some(&b'=') {
                digits.pop();
            }
        }
    }
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = bits << 6 | u32::from(value(*digit)?);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_forgivingly() {
        for (text, bytes) in [
            ("aGk=", Some(&b"hi"[..])),
            ("aGk", Some(b"hi")),
            (" a G k\n", Some(b"hi")),
            ("YWJj", Some(b"abc")),
            ("@@@", None),
            ("a", None),
            ("a=Gk", None),
        ] {
            assert_eq!(
                forgiving_base64(text.as_bytes()).as_deref(),
                bytes,
                "{text:?}"
            );
        }
    }
}
