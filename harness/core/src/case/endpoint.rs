//! An endpoint outside that a subject may reach once it is ready: a name or an address, with or without a port.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use adamant_probe::sinkhole::addresses_of;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(String),
    Address(IpAddr),
}

impl Endpoint {
    /// The endpoint `name:port`.
    #[must_use]
    pub fn named(name: &str, port: u16) -> Self {
        Self {
            host: Host::Name(name.to_owned()),
            port: Some(port),
        }
    }

    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not an endpoint; expected a host name or an address, with or without a port, such as `api.example:443`"
            )
        };
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self {
                host: Host::Address(address),
                port: None,
            });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self {
                host: Host::Address(address.ip()),
                port: Some(address.port()),
            });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().map_err(|_not_a_port| wrong())?)),
            None => (text, None),
        };
        let label = |label: &str| {
            !label.is_empty()
                && label.len() < 64
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if name.is_empty() || !name.split('.').all(label) || port == Some(0) {
            return Err(wrong());
        }
        Ok(Self {
            host: Host::Name(name.to_ascii_lowercase()),
            port,
        })
    }

    /// Whether asking for `name` is on the way to it.
    #[must_use]
    pub fn is_asked_for(&self, name: &str) -> bool {
        matches!(&self.host, Host::Name(own) if own.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }

    /// Whether it is known by a name, so that a name server must be asked first.
    #[must_use]
    pub fn has_name(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }

    /// Whether a connection to `address` and `port` is one to it, by the addresses that a made network gives to names.
    #[must_use]
    pub fn is_at(&self, address: IpAddr, port: u16) -> bool {
        let here = match &self.host {
            Host::Name(name) => addresses_of(name).contains(&address),
            Host::Address(own) => *own == address,
        };
        here && self.port.is_none_or(|own| own == port)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (Host::Name(name), None) => f.write_str(name),
            (Host::Name(name), Some(port)) => write!(f, "{name}:{port}"),
            (Host::Address(address), None) => write!(f, "{address}"),
            (Host::Address(address), Some(port)) => {
                write!(f, "{}", SocketAddr::new(*address, port))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Endpoint {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "description": "A host name or an address outside, with or without a port: `api.example:443`." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_read_and_print_the_same() {
        for text in [
            "api.example",
            "api.example:443",
            "10.0.0.1",
            "10.0.0.1:80",
            "[fe80::1]:80",
            "fe80::1",
        ] {
            assert_eq!(Endpoint::parse(text).expect("parses").to_string(), text);
        }
        for wrong in [
            "",
            ":1",
            "a:b",
            "a..b",
            "https://a.example",
            "a:0",
            "a:70000",
            "a b",
        ] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_is_met_by_its_name_its_address_and_its_port() {
        let named = Endpoint::parse("api.example:443").expect("parses");
        assert!(named.is_asked_for("API.example."));
        assert!(!named.is_asked_for("x.api.example"));
        for at in addresses_of("api.example") {
            assert!(named.is_at(at, 443) && !named.is_at(at, 80));
        }
        let plain = Endpoint::parse("10.0.0.1").expect("parses");
        assert!(plain.is_at([10, 0, 0, 1].into(), 1) && !plain.is_asked_for("10.0.0.1"));
    }
}
