//! `/etc/ld.so.cache`: the names that glibc's loader knows by heart.

use std::collections::BTreeMap;

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;

/// The paths by library name, best first; `None` when the bytes are no cache of the format that glibc writes since 2.2.
pub(crate) fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Vec<String>>> {
    let start = memchr::memmem::find(bytes.get(..bytes.len().min(1 << 24))?, MAGIC)?;
    let cache = bytes.get(start..)?;
    let number = |at: usize| -> Option<usize> {
        let four = cache.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    };
    let count = number(20)?;
    let string = |at: usize| -> Option<String> {
        let rest = cache.get(at..)?;
        let end = memchr::memchr(0, rest.get(..rest.len().min(4096))?)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for index in 0..count {
        let at = index.checked_mul(ENTRY)?.checked_add(HEADER)?;
        let Some((key, value)) = number(at + 4).zip(number(at + 8)) else {
            break;
        };
        if let Some((name, path)) = string(key).zip(string(value)) {
            known.entry(name).or_default().push(path);
        }
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_rubbish_is_refused() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(1_u32.to_le_bytes());
        bytes.resize(HEADER, 0);
        let strings = u32::try_from(HEADER + ENTRY).expect("small");
        for number in [3, strings, strings + 8, 0, 0, 0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(b"libx.so\0/lib/libx.so\0");
        let known = parse(&bytes).expect("parses");
        assert_eq!(known["libx.so"], ["/lib/libx.so"]);
        assert_eq!(parse(b"glibc-ld.so"), None);
        bytes.truncate(HEADER + 3);
        assert!(parse(&bytes).is_some_and(|known| known.is_empty()));
    }
}
