//! What a guest may reach: host names with ports, and which addresses a name may mean.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One thing that is granted: `HOST[:PORT]`, `*.DOMAIN[:PORT]`, `private:HOST[:PORT]`. Without a port: 80 and 443.
///
/// A name may only mean public addresses, so that whoever answers for it cannot lead into the network of the broker; `private:` lifts
/// that for one name, `localhost` may mean loopback addresses and no others, and an address that is written out is granted as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    host: Host,
    port: Option<u16>,
    private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
    /// `*.example.org`: what ends with `.example.org`.
    Below(String),
}

/// Why a text is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no host that can be granted: {why}")]
pub struct GrantError {
    text: String,
    why: &'static str,
}

/// All that is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

/// Why something is not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No grant names it.
    Host(String, u16),
    /// It means addresses that its grant does not cover.
    Addresses(String),
    /// It is not `http:` or `https:`.
    Scheme(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) => write!(f, "`{host}:{port}` is not granted"),
            Self::Addresses(host) => write!(
                f,
                "`{host}` means private addresses, which are not granted by its name"
            ),
            Self::Scheme(scheme) => write!(f, "`{scheme}:` is not spoken"),
        }
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let wrong = |why| GrantError {
            text: text.to_owned(),
            why,
        };
        let (private, rest) = match text.strip_prefix("private:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest
                    .split_once(']')
                    .ok_or_else(|| wrong("a `[` without its `]`"))?;
                let port = match after {
                    "" => None,
                    after => Some(
                        after
                            .strip_prefix(':')
                            .ok_or_else(|| wrong("a port follows `]` behind a `:`"))?,
                    ),
                };
                (host, port)
            }
            None => match rest.split_once(':') {
                Some((_, port)) if port.contains(':') => (rest, None),
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let port = match port {
            None => None,
            Some(port) => Some(
                port.parse()
                    .ok()
                    .filter(|p| *p != 0)
                    .ok_or_else(|| wrong("its port is no number from 1 to 65535"))?,
            ),
        };
        let host = Host::parse(host).map_err(wrong)?;
        Ok(Self {
            host,
            port,
            private,
        })
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && l.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // What ends in a number is read as an address by whoever connects, in forms of many bases.
        let numeric = name
            .rsplit('.')
            .next()
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        if !name.split('.').all(label) || numeric {
            return Err("a name of letters, digits, `-` and `.`, or an address");
        }
        let name = name.to_ascii_lowercase();
        Ok(if below {
            Self::Below(format!(".{name}"))
        } else {
            Self::Name(name)
        })
    }

    fn is(&self, host: &str) -> bool {
        match self {
            Self::Address(address) => host.parse() == Ok(*address),
            Self::Name(name) => host == name,
            Self::Below(end) => host.len() > end.len() && host.ends_with(end.as_str()),
        }
    }
}

impl Grants {
    /// From their texts.
    pub fn parse(texts: &[String]) -> Result<Self, GrantError> {
        texts
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a host and port are granted, before anything is resolved. `host` is an address without brackets, or a name.
    pub fn host(&self, host: &str, port: u16) -> Result<(), Refusal> {
        let host = canonical(host);
        if self.covering(&host, Some(port)).next().is_some() {
            Ok(())
        } else {
            Err(Refusal::Host(host, port))
        }
    }

    /// Whether a name that resolved to `address` may be reached there.
    #[must_use]
    pub fn address(&self, host: &str, address: IpAddr) -> bool {
        let host = canonical(host);
        self.covering(&host, None).any(|grant| {
            grant.private
                || matches!(grant.host, Host::Address(_))
                || is_public(address)
                || (host == "localhost" && unmapped(address).is_loopback())
        })
    }

    fn covering<'a>(&'a self, host: &'a str, port: Option<u16>) -> impl Iterator<Item = &'a Grant> {
        let fits = move |grant: &&Grant| match (port, grant.port) {
            (Some(port), Some(granted)) => port == granted,
            (Some(port), None) => port == 80 || port == 443,
            (None, _) => true,
        };
        self.0
            .iter()
            .filter(|grant| grant.host.is(host))
            .filter(fits)
    }
}

fn canonical(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether an address is one of the internet at large (RFC 6890 and its registries).
fn is_public(address: IpAddr) -> bool {
    match unmapped(address) {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, c, ..] = v6.segments();
    // Only 2000::/3 is given out; inside of it: documentation, benchmarks, and ways to smuggle an IPv4 address.
    let embeds = a == 0x2002 || (a == 0x2001 && b == 0) || (a == 0x64 && b == 0xff9b);
    let special = (a == 0x2001 && b == 0xdb8) || (a == 0x2001 && b == 2 && c == 0) || a == 0x3fff;
    (0x2000..0x4000).contains(&a) && !embeds && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Grants {
        Grants::parse(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn nothing_is_granted_that_is_not_named() {
        let none = Grants::default();
        assert!(none.host("example.org", 443).is_err());
        let some = grants(&[
            "example.org",
            "*.example.net:8443",
            "127.0.0.1:8080",
            "[::1]:9",
        ]);
        for (host, port, granted) in [
            ("example.org", 80, true),
            ("EXAMPLE.org.", 443, true),
            ("example.org", 8080, false),
            ("www.example.org", 443, false),
            ("evilexample.org", 443, false),
            ("a.example.net", 8443, true),
            ("example.net", 8443, false),
            ("a.example.net", 443, false),
            ("127.0.0.1", 8080, true),
            ("127.0.0.2", 8080, false),
            ("localhost", 8080, false),
            ("[::1]", 9, true),
        ] {
            assert_eq!(some.host(host, port).is_ok(), granted, "{host}:{port}");
        }
    }

    #[test]
    fn a_name_does_not_lead_into_the_brokers_network() {
        let some = grants(&["example.org", "private:inside.example", "localhost:1"]);
        let may = |host: &str, address: &str| some.address(host, address.parse().unwrap());
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "ff02::1",
        ] {
            assert!(!may("example.org", private), "{private}");
        }
        assert!(may("example.org", "93.184.216.34") && may("example.org", "2606:2800:220:1::1"));
        assert!(may("inside.example", "10.1.2.3"));
        assert!(
            may("localhost", "127.0.0.1")
                && may("localhost", "::1")
                && !may("localhost", "10.0.0.1")
        );
        assert!(!may("other.example", "93.184.216.34"));
    }

    #[test]
    fn what_is_no_host_is_refused_by_name() {
        for text in [
            "",
            "*",
            "*.",
            "a b",
            "http://x",
            "x:0",
            "x:99999",
            "[::1",
            "1.2.3",
            "0x7f.1",
            "x:",
            "a..b",
            "2130706433",
        ] {
            assert!(text.parse::<Grant>().is_err(), "{text}");
        }
    }
}
