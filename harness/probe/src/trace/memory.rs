//! Reads the memory of a process that waits: bounded, and whatever stands there.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use super::kernel;

/// Every page size is a multiple of it: what does not cross it can be read at once or not at all.
const PAGE: usize = 4096;
/// The longest path that the kernel takes, its final NUL included.
pub(super) const PATH_MOST: usize = 4096;

/// The memory of the process of a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    tid: u32,
}

/// Bytes up to a NUL, or what there is of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Without the NUL.
    pub(super) bytes: Vec<u8>,
    /// Whether the NUL was found within the bound.
    pub(super) whole: bool,
}

impl Memory {
    /// The memory of the process of `tid`.
    pub(super) fn new(tid: u32) -> Self {
        Self { tid }
    }

    /// How many bytes from `address` on could be copied.
    fn copy(self, address: u64, into: &mut [u8]) -> usize {
        match kernel::read_memory(self.tid, address, into) {
            Ok(read) => read,
            // Docker's default profile denies the call to a supervisor inside a container; this is only a file.
            Err(Errno::PERM | Errno::NOSYS) => File::open(format!("/proc/{}/mem", self.tid))
                .and_then(|memory| memory.read_at(into, address))
                .unwrap_or(0),
            Err(_unmapped) => 0,
        }
    }

    /// Up to `most` bytes; fewer where the memory ends, none where there is no memory.
    pub(super) fn bytes(self, address: u64, most: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(most.min(PAGE));
        let mut page = [0; PAGE];
        let mut at = address;
        while bytes.len() < most {
            let want = to_page_end(at).min(most - bytes.len());
            let read = self.copy(at, &mut page[..want]);
            bytes.extend_from_slice(&page[..read]);
            let Some(next) = at.checked_add(want as u64).filter(|_| read == want) else {
                break;
            };
            at = next;
        }
        bytes
    }

    /// A structure of `N` bytes, when all of it can be read.
    pub(super) fn exact<const N: usize>(self, address: u64) -> Option<[u8; N]> {
        self.bytes(address, N).try_into().ok()
    }

    /// A string; `None` when not even its first byte can be read.
    pub(super) fn text(self, address: u64, most: usize) -> Option<Text> {
        let mut bytes = Vec::new();
        let mut page = [0; PAGE];
        let mut at = address;
        while bytes.len() < most {
            let want = to_page_end(at).min(most - bytes.len());
            let read = self.copy(at, &mut page[..want]);
            let read = &page[..read];
            if let Some(end) = read.iter().position(|byte| *byte == 0) {
                bytes.extend_from_slice(&read[..end]);
                return Some(Text { bytes, whole: true });
            }
            bytes.extend_from_slice(read);
            let Some(next) = at.checked_add(want as u64).filter(|_| read.len() == want) else {
                break;
            };
            at = next;
        }
        let whole = false;
        (!bytes.is_empty()).then_some(Text { bytes, whole })
    }

    /// A path.
    pub(super) fn path(self, address: u64) -> Option<Text> {
        self.text(address, PATH_MOST)
    }
}

fn to_page_end(address: u64) -> usize {
    let offset = usize::try_from(address % PAGE as u64).unwrap_or(0);
    PAGE - offset
}

/// The number at an offset of a structure.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let field = bytes.get(offset..offset.checked_add(8)?)?;
    Some(u64::from_ne_bytes(field.try_into().ok()?))
}

/// The number at an offset of a structure.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let field = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_ne_bytes(field.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Memory, PATH_MOST, Text, u32_at, u64_at};

    fn own() -> Memory {
        Memory::new(std::process::id())
    }

    fn address(bytes: &[u8]) -> u64 {
        bytes.as_ptr() as u64
    }

    #[test]
    fn a_string_is_read_across_pages() {
        let mut bytes = vec![b'a'; 9000];
        bytes[3000] = 0;
        let text = own().text(address(&bytes), 8000).expect("readable");
        assert_eq!((text.bytes.len(), text.whole), (3000, true));
        let text = own().text(address(&bytes[3001..]), 5000).expect("readable");
        assert_eq!((text.bytes.len(), text.whole), (5000, false));
    }

    #[test]
    fn what_is_not_mapped_is_nothing() {
        for address in [0, 1, 4096, u64::MAX, u64::MAX - 4096, 1 << 63] {
            assert_eq!(own().path(address), None);
            assert_eq!(own().bytes(address, 100), Vec::<u8>::new());
            assert_eq!(own().exact::<16>(address), None);
        }
    }

    #[test]
    fn a_string_without_an_end_is_bounded() {
        let bytes = vec![b'x'; 3 * PATH_MOST];
        let text = own().path(address(&bytes)).expect("readable");
        assert_eq!((text.bytes.len(), text.whole), (PATH_MOST, false));
        let empty = own().path(address(b"\0")).expect("readable");
        let expected = Text {
            bytes: Vec::new(),
            whole: true,
        };
        assert_eq!(empty, expected);
    }

    #[test]
    fn a_field_outside_a_structure_is_nothing() {
        let bytes = 7_u64.to_ne_bytes();
        assert_eq!((u64_at(&bytes, 0), u64_at(&bytes, 1)), (Some(7), None));
        assert_eq!(
            (u32_at(&bytes, 4), u32_at(&bytes, usize::MAX)),
            (Some(0), None)
        );
    }
}
