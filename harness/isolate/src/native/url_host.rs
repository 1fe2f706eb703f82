//! Hosts of URLs as the URL Standard parses and serialises them: domains, IPv4 and IPv6 addresses, opaque hosts.

use std::net::Ipv6Addr;

use idna::AsciiDenyList;

use super::url_record::{C0_CONTROL, percent_decode, percent_encode};

/// Code points that no host has.
const FORBIDDEN_HOST: &str = "\0\t\n\r #/:<>?@[\\]^|";

/// Parses a host and serialises it; nothing where it is none. `special` tells domains from opaque hosts.
pub(super) fn parse(input: &str, special: bool) -> Option<String> {
    if let Some(rest) = input.strip_prefix('[') {
        let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{}]", serialise_ipv6(address.segments())));
    }
    if !special {
        return (!input.contains(|c| FORBIDDEN_HOST.contains(c)))
            .then(|| percent_encode(input, C0_CONTROL));
    }
    let domain = percent_decode(input);
    let ascii = idna::domain_to_ascii_cow(&domain, AsciiDenyList::URL).ok()?;
    if ascii.is_empty() {
        return None;
    }
    if ends_in_number(&ascii) {
        return Some(std::net::Ipv4Addr::from(parse_ipv4(&ascii)?).to_string());
    }
    Some(ascii.into_owned())
}

/// Whether the last label makes the host an IPv4 address, valid or not.
fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
        || parse_ipv4_number(last).is_some()
}

/// A part of an IPv4 address, in decimal, octal or hexadecimal; it saturates, since any bound on parts is far below.
fn parse_ipv4_number(part: &str) -> Option<u64> {
    if part.is_empty() {
        return None;
    }
    let hexadecimal = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if part.len() > 1 && part.starts_with('0') => (&part[1..], 8),
        None => (part, 10),
    };
    digits.chars().try_fold(0_u64, |number, digit| {
        Some(
            number
                .saturating_mul(u64::from(radix))
                .saturating_add(u64::from(digit.to_digit(radix)?)),
        )
    })
}

fn parse_ipv4(host: &str) -> Option<u32> {
    let parts: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let numbers: Vec<u64> = parts
        .into_iter()
        .map(parse_ipv4_number)
        .collect::<Option<_>>()?;
    let (last, front) = numbers.split_last()?;
    if front.iter().any(|number| *number > 255) {
        return None;
    }
    // The last part fills all bytes that the others leave.
    let free = 4 - front.len();
    if *last >= 1_u64 << (8 * free) {
        return None;
    }
    let address = front
        .iter()
        .enumerate()
        .fold(*last, |address, (place, number)| {
            address + (number << (8 * (3 - place)))
        });
    u32::try_from(address).ok()
}

/// The first longest run of at least two zero pieces is left out.
fn serialise_ipv6(pieces: [u16; 8]) -> String {
    let mut longest = 0..0;
    let mut start = 0;
    while start < pieces.len() {
        let zeros = pieces[start..]
            .iter()
            .take_while(|piece| **piece == 0)
            .count();
        if zeros > longest.len() {
            longest = start..start + zeros;
        }
        start += zeros.max(1);
    }
    let join = |pieces: &[u16]| {
        pieces
            .iter()
            .map(|piece| format!("{piece:x}"))
            .collect::<Vec<_>>()
            .join(":")
    };
    if longest.len() < 2 {
        return join(&pieces);
    }
    format!(
        "{}::{}",
        join(&pieces[..longest.start]),
        join(&pieces[longest.end..])
    )
}
