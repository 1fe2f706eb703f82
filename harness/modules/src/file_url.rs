//! `url.pathToFileURL` and `url.fileURLToPath` of Node, on guest paths.

use url::Url;

use crate::resolver::{ErrorKind, ResolveError};

/// `url.pathToFileURL(path).href` of an absolute guest path; a slash at the end is kept.
#[must_use]
pub fn path_to_file_url(path: &str) -> String {
    url_of_path(path).into()
}

/// `url.fileURLToPath(url)`: percent-decoding, with Node's errors for hosts, encoded slashes and broken escapes.
pub fn file_url_to_path(url: &str) -> Result<String, ResolveError> {
    let url = Url::parse(url).map_err(|_error| ResolveError::invalid_url(url))?;
    path_of_url(&url)
}

/// The URL of an absolute path. Node escapes first what the URL parser would otherwise read as syntax.
pub(crate) fn url_of_path(path: &str) -> Url {
    let mut text = String::with_capacity(path.len() + 16);
    text.push_str("file://");
    for character in path.chars() {
        match character {
            '%' => text.push_str("%25"),
            '\\' => text.push_str("%5C"),
            '\n' => text.push_str("%0A"),
            '\r' => text.push_str("%0D"),
            '\t' => text.push_str("%09"),
            '?' => text.push_str("%3F"),
            '#' => text.push_str("%23"),
            '|' => text.push_str("%7C"),
            '[' => text.push_str("%5B"),
            ']' => text.push_str("%5D"),
            '^' => text.push_str("%5E"),
            '~' => text.push_str("%7E"),
            other => text.push(other),
        }
    }
    // A path made of the pieces above is always a valid `file:` URL; the root stands in for the impossible.
    Url::parse(&text).unwrap_or_else(|_| root())
}

/// The path of a `file:` URL.
pub(crate) fn path_of_url(url: &Url) -> Result<String, ResolveError> {
    if url.scheme() != "file" {
        return Err(ResolveError::new(
            "ERR_INVALID_URL_SCHEME",
            ErrorKind::TypeError,
            "The URL must be of scheme file",
        ));
    }
    if url.host_str().is_some_and(|host| !host.is_empty()) {
        return Err(ResolveError::new(
            "ERR_INVALID_FILE_URL_HOST",
            ErrorKind::TypeError,
            "File URL host must be \"localhost\" or empty on linux",
        ));
    }
    let pathname = url.path();
    if !pathname.contains('%') {
        return Ok(pathname.to_owned());
    }
    if contains_ignoring_case(pathname, "%2f") {
        let mut error = ResolveError::new(
            "ERR_INVALID_FILE_URL_PATH",
            ErrorKind::TypeError,
            "File URL path must not include encoded / characters",
        );
        error.input = Some(url.to_string());
        return Err(error);
    }
    decode_uri_component(pathname)
        .ok_or_else(|| ResolveError::without_code(ErrorKind::UriError, "URI malformed"))
}

/// `decodeURIComponent`; `None` where it throws.
pub(crate) fn decode_uri_component(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            out.push(first);
            rest = tail;
            continue;
        }
        out.push(hex_pair(tail)?);
        rest = tail.get(2..)?;
    }
    // The untouched parts are valid UTF-8, so any fault comes from the escapes: there `decodeURIComponent` throws.
    String::from_utf8(out).ok()
}

/// `encodeURIComponent`.
pub(crate) fn encode_uri_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| {
                char::from_digit(u32::from(digit), 16)
                    .map_or('0', |digit| digit.to_ascii_uppercase())
            }));
        }
    }
    out
}

/// The bytes of a text in which `%` and two hexadecimal digits stand for one; any other `%` is itself.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match hex_pair(tail).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

pub(crate) fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let high = char::from(*bytes.first()?).to_digit(16)?;
    let low = char::from(*bytes.get(1)?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

pub(crate) fn contains_ignoring_case(text: &str, lower: &str) -> bool {
    text.as_bytes()
        .windows(lower.len())
        .any(|window| window.eq_ignore_ascii_case(lower.as_bytes()))
}

pub(crate) fn root() -> Url {
    Url::parse("file:///").expect("`file:///` is a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expectations are Node 24's.
    #[test]
    fn paths_become_urls_as_in_node() {
        assert_eq!(
            path_to_file_url("/a^b|c{}`\"<>?#% \t\n\\é~[]@:;=\u{1}\u{7f}"),
            "file:///a%5Eb%7Cc%7B%7D%60%22%3C%3E%3F%23%25%20%09%0A%5C%C3%A9%7E%5B%5D@:;=%01%7F"
        );
        assert_eq!(path_to_file_url("/a/"), "file:///a/");
    }

    #[test]
    fn urls_become_paths_with_nodes_errors() {
        assert_eq!(
            file_url_to_path("file:///a%20b%C3%A9%5c").unwrap(),
            "/a bé\\"
        );
        for (url, code, message) in [
            (
                "file:///x%2Fy",
                Some("ERR_INVALID_FILE_URL_PATH"),
                "File URL path must not include encoded / characters",
            ),
            (
                "file://host/x",
                Some("ERR_INVALID_FILE_URL_HOST"),
                "File URL host must be \"localhost\" or empty on linux",
            ),
            ("file:///%E0%A4%A", None, "URI malformed"),
            ("file:///%E0%A4", None, "URI malformed"),
            (
                "data:x",
                Some("ERR_INVALID_URL_SCHEME"),
                "The URL must be of scheme file",
            ),
        ] {
            let error = file_url_to_path(url).unwrap_err();
            assert_eq!(
                (error.code, error.message.as_str()),
                (code, message),
                "{url}"
            );
        }
    }
}
