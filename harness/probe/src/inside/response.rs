//! Reads one HTTP/1 response from a stream: its head, then as much of its body as a reply keeps.

use std::io::{self, BufRead, Read};

use adamant_probe::KEEP_BYTES;

use super::connect::plain;

/// Bytes that a response's head may have.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResponseError {
    /// The peer hung up without a word.
    #[error("connection closed without a response")]
    Nothing,
    /// The peer hung up in the middle.
    #[error("connection closed too early")]
    Cut,
    /// What came is not HTTP/1.
    #[error("malformed response: {0}")]
    Malformed(String),
    /// The connection failed, or its time ran out.
    #[error("{}", plain(.0))]
    Stream(#[from] io::Error),
}

/// The first part of a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The status.
    pub(super) status: u16,
    /// Header names in lower case, in order.
    pub(super) headers: Vec<(String, String)>,
}

/// How the end of a body is known.
#[derive(Debug, PartialEq, Eq)]
enum Length {
    Exact(u64),
    Chunked,
    ToEnd,
}

/// Reads the head of the final response; interim ones (1xx) are passed over.
pub(super) fn head(reader: &mut impl BufRead) -> Result<Head, ResponseError> {
    let mut room = HEAD_BYTES;
    if reader.fill_buf()?.is_empty() {
        return Err(ResponseError::Nothing);
    }
    loop {
        let status = status(&line(reader, &mut room)?)?;
        let mut headers = Vec::new();
        loop {
            let line = line(reader, &mut room)?;
            if line.is_empty() {
                break;
            }
            headers.push(header(&line)?);
        }
        if status >= 200 || status == 101 {
            return Ok(Head { status, headers });
        }
    }
}

/// Reads the body that belongs to `head`, at most [`KEEP_BYTES`] of it.
pub(super) fn body(reader: &mut impl BufRead, head: &Head) -> Result<Vec<u8>, ResponseError> {
    let mut body = Vec::new();
    match length(head)? {
        Length::Exact(bytes) => exactly(reader, bytes, &mut body)?,
        Length::Chunked => chunks(reader, &mut body)?,
        Length::ToEnd => {
            reader.take(KEEP_BYTES as u64).read_to_end(&mut body)?;
        }
    }
    Ok(body)
}

/// One line of a head without its end, of at most `room` bytes.
pub(super) fn line(reader: &mut impl BufRead, room: &mut usize) -> Result<String, ResponseError> {
    let mut line = Vec::new();
    let read = reader.take(*room as u64).read_until(b'\n', &mut line)?;
    *room -= read;
    if line.pop() != Some(b'\n') {
        return Err(if *room == 0 {
            malformed(format!("head of more than {HEAD_BYTES} bytes"))
        } else {
            ResponseError::Cut
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn status(line: &str) -> Result<u16, ResponseError> {
    let code = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_once(' '))
        .filter(|(minor, _)| matches!(*minor, "0" | "1"))
        .map(|(_, rest)| rest.split_once(' ').map_or(rest, |(code, _reason)| code));
    code.filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|code| code.parse().ok())
        .filter(|code| *code >= 100)
        .ok_or_else(|| malformed(format!("`{}` is not a status line", short(line))))
}

/// One header, its name in lower case.
pub(super) fn header(line: &str) -> Result<(String, String), ResponseError> {
    line.split_once(':')
        .filter(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .ok_or_else(|| malformed(format!("`{}` is not a header", short(line))))
}

fn length(head: &Head) -> Result<Length, ResponseError> {
    if head.status < 200 || matches!(head.status, 204 | 304) {
        return Ok(Length::Exact(0));
    }
    let values = |wanted: &'static str| {
        let named = head.headers.iter().filter(move |(name, _)| name == wanted);
        named.flat_map(|(_, value)| value.split(',').map(str::trim))
    };
    if let Some(coding) = values("transfer-encoding").last() {
        return Ok(if coding.eq_ignore_ascii_case("chunked") {
            Length::Chunked
        } else {
            Length::ToEnd
        });
    }
    let mut lengths = values("content-length");
    let Some(first) = lengths.next() else {
        return Ok(Length::ToEnd);
    };
    if lengths.any(|other| other != first) {
        return Err(malformed(String::from(
            "`content-length` contradicts itself",
        )));
    }
    number(first, 10)
        .map(Length::Exact)
        .ok_or_else(|| malformed(format!("`{}` is not a length", short(first))))
}

/// Appends `bytes` of the stream, or as many of them as there is room for.
fn exactly(reader: &mut impl Read, bytes: u64, body: &mut Vec<u8>) -> Result<(), ResponseError> {
    let wanted = bytes.min((KEEP_BYTES - body.len()) as u64);
    if reader.take(wanted).read_to_end(body)? as u64 == wanted {
        Ok(())
    } else {
        Err(ResponseError::Cut)
    }
}

fn chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Result<(), ResponseError> {
    while body.len() < KEEP_BYTES {
        let line_of_size = line(reader, &mut HEAD_BYTES.clone())?;
        let size = line_of_size.split(';').next().unwrap_or_default().trim();
        let size = number(size, 16)
            .ok_or_else(|| malformed(format!("`{}` is not a chunk size", short(size))))?;
        // What follows the last chunk says nothing about the body.
        if size == 0 {
            return Ok(());
        }
        exactly(reader, size, body)?;
        if body.len() < KEEP_BYTES && !line(reader, &mut HEAD_BYTES.clone())?.is_empty() {
            return Err(malformed(String::from("a chunk is longer than its size")));
        }
    }
    Ok(())
}

/// Digits alone: `from_str_radix` would take a sign.
fn number(digits: &str, radix: u32) -> Option<u64> {
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

fn malformed(what: String) -> ResponseError {
    ResponseError::Malformed(what)
}

/// Enough of a line to recognise it.
fn short(line: &str) -> String {
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::{HEAD_BYTES, Head, KEEP_BYTES, body, head};

    fn read(mut bytes: &[u8]) -> Result<(Head, Vec<u8>), String> {
        let reader = &mut bytes;
        let head = head(reader).map_err(|error| error.to_string())?;
        let body = body(reader, &head).map_err(|error| error.to_string())?;
        Ok((head, body))
    }

    fn read_body(bytes: &[u8]) -> Vec<u8> {
        read(bytes).expect("a response").1
    }

    #[test]
    fn a_head_is_read_with_its_names_in_lower_case() {
        let (head, body) =
            read(b"HTTP/1.1 503 Not Yet\r\nX-One: a\r\nx-two:b : c \r\n\r\nrest").expect("fine");
        assert_eq!(head.status, 503);
        let names: Vec<_> = head
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(names, [("x-one", "a"), ("x-two", "b : c")]);
        assert_eq!(body, b"rest");
    }

    #[test]
    fn a_reason_carriage_returns_and_interim_responses_are_optional() {
        let (head, body) =
            read(b"HTTP/1.1 103 Early Hints\nlink: x\n\nHTTP/1.0 200\n\n").expect("fine");
        assert_eq!((head.status, body.len()), (200, 0));
    }

    #[test]
    fn a_length_ends_the_body() {
        assert_eq!(
            read_body(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd"),
            b"ab"
        );
        assert_eq!(
            read_body(b"HTTP/1.1 204 No\r\ncontent-length: 2\r\n\r\nab"),
            b""
        );
    }

    #[test]
    fn chunks_are_joined() {
        let response =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n\
            3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nlast: 1\r\n\r\n";
        assert_eq!(read_body(response), b"abc0123456789");
    }

    #[test]
    fn a_body_is_capped_however_it_is_framed() {
        let much = "x".repeat(KEEP_BYTES + 10);
        let length = much.len();
        for response in [
            format!("HTTP/1.1 200 OK\r\n\r\n{much}"),
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{much}"),
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{much}"),
        ] {
            assert_eq!(read_body(response.as_bytes()).len(), KEEP_BYTES);
        }
    }

    #[test]
    fn what_is_not_a_response_is_named() {
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(HEAD_BYTES));
        let pairs: [(&str, &str); 12] = [
            ("", "connection closed without a response"),
            ("HTTP/1.1 200 OK\r\na: b\r\n", "connection closed too early"),
            (
                "SSH-2.0-x\r\n",
                "malformed response: `SSH-2.0-x` is not a status line",
            ),
            (
                "HTTP/1.1 2000 OK\r\n",
                "malformed response: `HTTP/1.1 2000 OK` is not a status line",
            ),
            (
                "HTTP/1.1 +20 OK\r\n",
                "malformed response: `HTTP/1.1 +20 OK` is not a status line",
            ),
            (
                "HTTP/1.1 200 OK\r\nno colon\r\n",
                "malformed response: `no colon` is not a header",
            ),
            (
                "HTTP/1.1 200 OK\r\na: b\r\n c: d\r\n",
                "malformed response: ` c: d` is not a header",
            ),
            (&long, "malformed response: head of more than 65536 bytes"),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
                "malformed response: `-1` is not a length",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
                "malformed response: `content-length` contradicts itself",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
                "connection closed too early",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                "malformed response: `zz` is not a chunk size",
            ),
        ];
        for (response, message) in pairs {
            assert_eq!(read(response.as_bytes()), Err(message.to_owned()));
        }
    }
}
