//! Where the container listens: the tables of its network namespace.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use adamant_probe::{Port, Reply};

use super::ProbeError;
use super::out::Out;

/// The kernel's number for a socket that listens.
const LISTENS: &str = "0A";
/// The kernel's number for a datagram socket that is connected to nobody.
const UNCONNECTED: &str = "07";

/// Every socket that listens or takes datagrams, sorted.
pub(super) fn list(out: &mut Out<'_>) -> Result<(), ProbeError> {
    let mut ports = Vec::new();
    for (protocol, file, state) in [
        ("tcp", "tcp", LISTENS),
        ("tcp", "tcp6", LISTENS),
        ("udp", "udp", UNCONNECTED),
        ("udp", "udp6", UNCONNECTED),
    ] {
        let path = format!("/proc/net/{file}");
        let table = match fs::read_to_string(&path) {
            Ok(table) => table,
            // A kernel without IPv6 has no table of it.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(ProbeError::system(format!("read `{path}`"), error)),
        };
        for line in table.lines().skip(1) {
            let address = listener(line, state).map_err(|what| ProbeError::Form {
                file: path.clone(),
                what,
            })?;
            ports.extend(address.map(|address| Port {
                protocol: protocol.to_owned(),
                address,
            }));
        }
    }
    ports.sort();
    ports.dedup();
    ports
        .into_iter()
        .try_for_each(|port| out.say(&Reply::Port(port)))
}

/// The local address of a line whose state is the one that is looked for.
fn listener(line: &str, state: &str) -> Result<Option<SocketAddr>, &'static str> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, found) = (fields.next(), fields.nth(1));
    let (Some(local), Some(found)) = (local, found) else {
        return Err("state of a socket");
    };
    if found != state {
        return Ok(None);
    }
    let wrong = "local address";
    let (ip, port) = local.split_once(':').ok_or(wrong)?;
    let port = u16::from_str_radix(port, 16).map_err(|_not_hex| wrong)?;
    // Each group of four bytes is a number of this machine.
    let mut bytes = Vec::new();
    for at in (0..ip.len()).step_by(8) {
        let group = ip.get(at..at + 8).ok_or(wrong)?;
        let group = u32::from_str_radix(group, 16).map_err(|_not_hex| wrong)?;
        bytes.extend(group.to_ne_bytes());
    }
    let ip = match (<[u8; 4]>::try_from(&*bytes), <[u8; 16]>::try_from(&*bytes)) {
        (Ok(four), _) => IpAddr::from(Ipv4Addr::from(four)),
        (_, Ok(six)) => IpAddr::from(Ipv6Addr::from(six)),
        _ => return Err(wrong),
    };
    Ok(Some(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_read_and_a_connection_is_not() {
        let line = "   0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000";
        let address = "127.0.0.1:9090".parse().expect("an address");
        assert_eq!(listener(line, LISTENS), Ok(Some(address)));
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), LISTENS), Ok(None));
        let six = "0: 00000000000000000000000001000000:0050 x 0A";
        let address = "[::1]:80".parse().expect("an address");
        assert_eq!(listener(six, LISTENS), Ok(Some(address)));
        assert!(listener("0: nonsense:1 x 0A", LISTENS).is_err());
        assert!(listener("", LISTENS).is_err());
    }
}
