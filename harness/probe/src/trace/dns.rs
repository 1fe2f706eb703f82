//! Reads the name that a question to a name server asks for, as RFC 1035 writes it.

/// The longest name, with a dot after each label.
const NAME_MOST: usize = 255;
const HEADER: usize = 12;

/// The name in a question over TCP, which follows its own length.
pub(super) fn question_in_stream(bytes: &[u8]) -> Option<String> {
    let (length, message) = bytes.split_first_chunk::<2>()?;
    let whole = usize::from(u16::from_be_bytes(*length)) == message.len();
    whole.then(|| question(message)).flatten()
}

/// The name in a datagram that is one well-formed question and nothing else but its options.
pub(super) fn question(datagram: &[u8]) -> Option<String> {
    let header = datagram.get(..HEADER)?;
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    // A query of the ordinary kind, with one question and no answer.
    let is_query = header[2] & 0b1111_1010 == 0;
    let counts = [count(4), count(6), count(8)];
    if !is_query || counts != [1, 0, 0] || count(10) > 2 {
        return None;
    }
    let mut rest = datagram.get(HEADER..)?;
    let mut name = String::new();
    let mut length = 0;
    loop {
        let (size, tail) = rest.split_first()?;
        let (label, tail) = tail.split_at_checked(usize::from(*size))?;
        rest = tail;
        length += label.len() + 1;
        if *size > 63 || length > NAME_MOST {
            return None;
        }
        if label.is_empty() {
            break;
        }
        if !name.is_empty() {
            name.push('.');
        }
        push(&mut name, label);
    }
    let class = rest.get(2..4)?;
    // The internet, or any.
    let known = class == [0, 1] || class == [0, 255];
    if name.is_empty() {
        name.push('.');
    }
    known.then_some(name)
}

/// A label may hold any bytes; those that no host has are written as in a zone file.
fn push(name: &mut String, label: &[u8]) {
    for byte in label {
        match byte {
            b'.' | b'\\' => name.extend(['\\', char::from(*byte)]),
            byte if byte.is_ascii_graphic() => name.push(char::from(*byte)),
            byte => {
                name.push('\\');
                name.extend(
                    [byte / 100, byte / 10 % 10, byte % 10].map(|digit| char::from(b'0' + digit)),
                );
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{question, question_in_stream};

    /// A question for the address of `name`.
    pub(crate) fn query(name: &str) -> Vec<u8> {
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.').filter(|label| !label.is_empty()) {
            query.push(u8::try_from(label.len()).expect("a short label"));
            query.extend(label.as_bytes());
        }
        query.extend([0, 0, 1, 0, 1]);
        query
    }

    #[test]
    fn a_question_is_its_name() {
        for name in ["registry.example", "a", "xn--bcher-kva.example", "_dmarc.x"] {
            assert_eq!(question(&query(name)).as_deref(), Some(name));
        }
        assert_eq!(question(&query("")).as_deref(), Some("."));
        let mut with_options = query("a.b");
        with_options[11] = 1;
        with_options.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        assert_eq!(question(&with_options).as_deref(), Some("a.b"));
    }

    #[test]
    fn bytes_that_no_host_has_are_escaped() {
        let mut datagram = query("abcd");
        datagram[13..17].copy_from_slice(b".\\\0\xff");
        assert_eq!(question(&datagram).as_deref(), Some("\\.\\\\\\000\\255"));
    }

    #[test]
    fn over_tcp_a_question_follows_its_length() {
        let query = query("registry.example");
        let length = u16::try_from(query.len()).expect("short").to_be_bytes();
        let whole = [&length[..], &query].concat();
        assert_eq!(
            question_in_stream(&whole).as_deref(),
            Some("registry.example")
        );
        assert_eq!(question_in_stream(&whole[..whole.len() - 1]), None);
        assert_eq!(question_in_stream(&query), None);
        assert_eq!(question_in_stream(&[0]), None);
    }

    #[test]
    fn anything_else_is_no_question() {
        let good = query("registry.example");
        for length in 0..good.len() {
            assert_eq!(question(&good[..length]), None, "{length}");
        }
        for (at, byte) in [
            (2, 0x80),
            (2, 0x28),
            (5, 2),
            (7, 1),
            (9, 1),
            (11, 3),
            (12, 64),
        ] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(question(&bad), None, "{at} {byte}");
        }
        let long = vec!["a".repeat(63); 5].join(".");
        assert_eq!(question(&query(&long)), None);
        assert_eq!(question(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), None);
    }
}
