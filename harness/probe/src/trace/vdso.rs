//! The kernel's code in every program that tells the time without a call: found in a process, and made to call.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::memory::{u32_at, u64_at};

/// How much of it is looked at: it is a few pages.
const MOST: usize = 64 * 1024;
/// The entry of the auxiliary vector that says where it is.
const AT_SYSINFO_EHDR: u64 = 33;
const PT_DYNAMIC: u32 = 2;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
/// Bytes of a symbol.
const SYMBOL: usize = 24;

/// One function of it, by its distance from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    offset: u64,
    /// What stands there instead: the call, and the return.
    code: Vec<u8>,
}

/// Functions that tell the time of day, and the calls in their place.
#[cfg(target_arch = "x86_64")]
const FUNCTIONS: [(&str, libc::c_long); 3] = [
    ("__vdso_clock_gettime", libc::SYS_clock_gettime),
    ("__vdso_gettimeofday", libc::SYS_gettimeofday),
    ("__vdso_time", libc::SYS_time),
];
/// Functions that tell the time of day, and the calls in their place.
#[cfg(target_arch = "aarch64")]
const FUNCTIONS: [(&str, libc::c_long); 2] = [
    ("__kernel_clock_gettime", libc::SYS_clock_gettime),
    ("__kernel_gettimeofday", libc::SYS_gettimeofday),
];

/// `mov eax, NUMBER; syscall; ret`
#[cfg(target_arch = "x86_64")]
fn code(number: libc::c_long) -> Vec<u8> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    [&[0xb8][..], &number.to_le_bytes(), &[0x0f, 0x05, 0xc3]].concat()
}

/// `mov x8, NUMBER; svc 0; ret`
#[cfg(target_arch = "aarch64")]
fn code(number: libc::c_long) -> Vec<u8> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    [0xd280_0008 | (number << 5), 0xd400_0001, 0xd65f_03c0]
        .map(u32::to_le_bytes)
        .concat()
}

/// Makes the program of a thread ask the kernel, whose `memory` is open for writing; `ways` are looked up once for all programs.
pub(super) fn bend(thread: u32, memory: &File, ways: &mut Option<Vec<Way>>) -> io::Result<()> {
    // A kernel that is told to has none, and then every program asks.
    let Some(base) = base(&std::fs::read(format!("/proc/{thread}/auxv"))?) else {
        return Ok(());
    };
    if ways.is_none() {
        let found = find(&image(memory, base));
        if found.is_empty() {
            return Err(io::Error::other("this kernel's vDSO is not understood"));
        }
        *ways = Some(found);
    }
    for way in ways.iter().flatten() {
        let address = base + way.offset;
        let mut there = vec![0; way.code.len()];
        memory.read_exact_at(&mut there, address)?;
        if there != way.code {
            memory.write_all_at(&way.code, address)?;
        }
    }
    Ok(())
}

/// Where the kernel has put it.
fn base(auxv: &[u8]) -> Option<u64> {
    let mut pairs = auxv.chunks_exact(16);
    pairs.find_map(|pair| {
        let is = u64_at(pair, 0) == Some(AT_SYSINFO_EHDR);
        u64_at(pair, 8).filter(|base| is && *base != 0)
    })
}

/// All of it, as far as it goes.
fn image(memory: &File, base: u64) -> Vec<u8> {
    const PAGE: usize = 4096;
    let mut image = Vec::new();
    let mut page = [0; PAGE];
    while image.len() < MOST
        && memory
            .read_exact_at(&mut page, base + image.len() as u64)
            .is_ok()
    {
        image.extend_from_slice(&page);
    }
    image
}

/// The functions of an image that tell the time of day.
fn find(image: &[u8]) -> Vec<Way> {
    symbols(image).unwrap_or_default()
}

fn symbols(image: &[u8]) -> Option<Vec<Way>> {
    let at = |offset: u64| usize::try_from(offset).ok();
    // Program headers of ELF64: where, how long each, how many.
    let headers = at(u64_at(image, 32)?)?;
    let count = usize::from(u16::from_ne_bytes(image.get(56..58)?.try_into().ok()?));
    let dynamic = (0..count)
        .map(|n: usize| headers.saturating_add(n * 56))
        .find(|header| u32_at(image, *header) == Some(PT_DYNAMIC))?;
    let start = at(u64_at(image, dynamic.checked_add(16)?)?)?;
    let entries = image.get(start..)?.chunks_exact(16);
    let entry = |tag: u64| {
        let mut entries = entries.clone();
        entries.find_map(|entry| {
            let is = u64_at(entry, 0) == Some(tag);
            u64_at(entry, 8).filter(|_| is)
        })
    };
    let (names, table) = (at(entry(DT_STRTAB)?)?, at(entry(DT_SYMTAB)?)?);
    let count = match entry(DT_HASH).and_then(at) {
        // The number of chains is the number of symbols.
        Some(hash) => usize::try_from(u32_at(image, hash.checked_add(4)?)?).ok()?,
        // The newer kind of hash does not say: the names follow the symbols.
        None => names.checked_sub(table)? / SYMBOL,
    };
    // Each takes room: more than there is room for are none.
    let ways = (0..count.min(image.len() / SYMBOL)).filter_map(|n| {
        let symbol = table.checked_add(n.checked_mul(SYMBOL)?)?;
        let name = names.checked_add(usize::try_from(u32_at(image, symbol)?).ok()?)?;
        let name = image.get(name..)?.split(|byte| *byte == 0).next()?;
        let (_, number) = FUNCTIONS
            .iter()
            .find(|(known, _)| known.as_bytes() == name)?;
        Some(Way {
            offset: u64_at(image, symbol.checked_add(8)?)?,
            code: code(*number),
        })
    });
    Some(ways.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_this_kernels_are_found() {
        let memory = File::open("/proc/self/mem").expect("our own memory");
        let auxv = std::fs::read("/proc/self/auxv").expect("readable");
        let base = base(&auxv).expect("a vDSO");
        let ways = find(&image(&memory, base));
        assert_eq!(ways.len(), FUNCTIONS.len(), "{ways:?}");
    }

    #[test]
    fn what_is_none_has_none() {
        for image in [&b""[..], b"\x7fELF", &[0xff; 4096], &[0; 4096]] {
            assert_eq!(find(image), []);
        }
    }
}
