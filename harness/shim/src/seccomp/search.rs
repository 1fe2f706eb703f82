//! The short way to a call that is always allowed: a search over ranges of numbers, in front of a program that tries rule by rule.
//!
//! The kernel runs a new program once for each call that it knows, and each further call runs it again: in a row of three
//! hundred comparisons that is a millisecond for every process.

use seccompiler::sock_filter;

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_ABOVE: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
/// Where the kernel's data have the call's number and the architecture.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// A program that allows these calls and goes on with `rest` for all others, and for other architectures.
pub(super) fn before(calls: &[u32], rest: Vec<sock_filter>) -> Vec<sock_filter> {
    let mut program = vec![
        plain(LOAD, ARCHITECTURE_AT),
        branch(IF_EQUAL, ARCHITECTURE, 1, 0),
        // Beyond the search.
        plain(JUMP, 0),
        plain(LOAD, NUMBER_AT),
    ];
    let beyond = 2;
    let mut misses = vec![beyond];
    search(&ranges(calls), &mut program, &mut misses);
    let end = program.len();
    for miss in misses {
        program[miss].k = distance(miss, end);
    }
    program.extend(rest);
    program
}

/// Numbers that follow each other, first and last.
fn ranges(calls: &[u32]) -> Vec<(u32, u32)> {
    let mut sorted = calls.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for call in sorted {
        match ranges.last_mut() {
            Some((_, last)) if call <= *last + 1 => *last = call,
            _ => ranges.push((call, call)),
        }
    }
    ranges
}

/// Allows what is in a range; notes the jumps that leave.
fn search(ranges: &[(u32, u32)], program: &mut Vec<sock_filter>, misses: &mut Vec<usize>) {
    if let [(first, last)] = ranges {
        program.push(branch(IF_AT_LEAST, *first, 0, 2));
        program.push(branch(IF_ABOVE, *last, 1, 0));
        program.push(plain(RETURN, ALLOW));
        misses.push(program.len());
        program.push(plain(JUMP, 0));
        return;
    }
    let (below, above) = ranges.split_at(ranges.len() / 2);
    let Some((first, _)) = above.first() else {
        return;
    };
    program.push(branch(IF_AT_LEAST, *first, 0, 1));
    let over = program.len();
    program.push(plain(JUMP, 0));
    search(below, program, misses);
    program[over].k = distance(over, program.len());
    search(above, program, misses);
}

/// From the instruction after `from`.
fn distance(from: usize, to: usize) -> u32 {
    u32::try_from(to - from - 1).unwrap_or(u32::MAX)
}

fn plain(code: u16, k: u32) -> sock_filter {
    branch(code, k, 0, 0)
}

fn branch(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[5, 3, 4, 9, 1, 4]), [(1, 1), (3, 5), (9, 9)]);
    }
}
