//! The shell of our images: the distribution's static busybox and links to it.

use crate::failure::Failure;
use crate::tree::{Node, Tree};

const HOST_PATHS: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];
const PATH: &str = "/bin/busybox";

/// The host's busybox, which must need nothing else.
pub(crate) fn read() -> Result<Vec<u8>, Failure> {
    let bytes = HOST_PATHS
        .iter()
        .find_map(|path| fs_err::read(path).ok())
        .ok_or_else(|| Failure::not_installed("no busybox on this host"))?;
    if !is_static(&bytes) {
        return Err(Failure::not_installed(
            "the busybox of this host is not static",
        ));
    }
    Ok(bytes)
}

pub(crate) fn install(tree: &mut Tree, busybox: &[u8], applets: &[String]) {
    tree.put(PATH, Node::file(busybox.to_vec(), true));
    for applet in applets {
        tree.put(&format!("/bin/{applet}"), Node::symlink(PATH));
    }
}

/// A 64-bit ELF without a program header that names an interpreter.
pub(crate) fn is_static(elf: &[u8]) -> bool {
    const INTERPRETER: u64 = 3;
    let number = |at: usize, width: usize| {
        let field = elf.get(at..at + width)?;
        let digits = field.iter().rev();
        Some(digits.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let headers = || {
        let start = usize::try_from(number(0x20, 8)?).ok()?;
        let size = usize::try_from(number(0x36, 2)?).ok()?;
        let count = usize::try_from(number(0x38, 2)?).ok()?;
        Some((0..count).map(move |index| start + index * size))
    };
    elf.starts_with(b"\x7fELF\x02")
        && headers().is_some_and(|mut headers| {
            headers.all(|at| number(at, 4).is_some_and(|kind| kind != INTERPRETER))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_an_interpreter_is_not_static() {
        let ourselves = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!is_static(&ourselves));
        assert!(!is_static(b"#!/bin/sh\n"));
    }
}
