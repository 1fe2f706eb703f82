//! The made-up network of a traced boot: its addresses, and what stands behind them, which is nothing but ourselves.
//!
//! All of them are of 198.18.0.0/15 and `2001:2::/48`, which RFC 2544 and RFC 5180 set aside for tests of networks: no real
//! endpoint is among them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Our side of the link.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// The subject's side of the link.
pub const SUBJECT: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// How many leading bits the two have in common.
pub const PREFIX: u8 = 30;
/// The name server that the subject is told of; not on the link, so that a black hole swallows questions too.
pub const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 53);

/// Our side of the link, in the newer family.
pub const GATEWAY_6: Ipv6Addr = Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 1);
/// The subject's side of the link, in the newer family.
pub const SUBJECT_6: Ipv6Addr = Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 2);
/// How many leading bits those two have in common.
pub const PREFIX_6: u8 = 126;

/// What stands behind the subject's default route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Every name has an address, every address accepts TCP on every port.
    Sinkhole,
    /// Packets go out and nothing ever comes back.
    BlackHole,
    /// As a sinkhole, but questions for names are never answered.
    DnsHangs,
}

impl Profile {
    /// Its word on a command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sinkhole => "sinkhole",
            Self::BlackHole => "black-hole",
            Self::DnsHangs => "dns-hangs",
        }
    }

    /// The profile of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Sinkhole, Self::BlackHole, Self::DnsHangs]
            .into_iter()
            .find(|profile| profile.word() == word)
    }
}

/// The address of a name in the newer family.
#[must_use]
pub fn address_6_of(name: &str) -> Ipv6Addr {
    let [a, b, c, d] = address_of(name).octets().map(u16::from);
    Ipv6Addr::new(0x2001, 2, 0, 1, 0, 0, a << 8 | b, c << 8 | d)
}

/// Both addresses of a name.
#[must_use]
pub fn addresses_of(name: &str) -> [IpAddr; 2] {
    [address_of(name).into(), address_6_of(name).into()]
}

/// The address of a name, the same on every boot: whoever knows the names that were asked for can name the addresses.
#[must_use]
pub fn address_of(name: &str) -> Ipv4Addr {
    // FNV-1a; two names of one boot may meet on one address, as they do in any network.
    let hash = name
        .trim_end_matches('.')
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
        });
    // The upper half of the range: the link and the name server are in the lower one. Never all zeros or ones.
    let host = hash % 0xfffe + 1;
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 19, 0, 0)) | host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_address_and_has_none_of_ours() {
        assert_eq!(
            address_of("registry.example"),
            address_of("Registry.Example.")
        );
        assert_ne!(address_of("a.example"), address_of("b.example"));
        for name in ["", "a", "registry.npmjs.example"] {
            assert_eq!(address_of(name).octets()[..2], [198, 19]);
            assert_eq!(address_6_of(name).segments()[..4], [0x2001, 2, 0, 1]);
        }
    }

    #[test]
    fn a_profile_is_its_word() {
        for profile in [Profile::Sinkhole, Profile::BlackHole, Profile::DnsHangs] {
            assert_eq!(Profile::of(profile.word()), Some(profile));
        }
        assert_eq!(Profile::of("none"), None);
    }
}
