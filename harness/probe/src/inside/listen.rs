//! The sockets that take connections, from `/proc/net`, and whose they are, from `/proc/PID/fd`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use adamant_probe::{Listen, Process};

/// Docker's resolver, which it puts into the network namespace of a container.
const DOCKER_RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
/// `TCP_LISTEN` of `net/tcp_states.h`.
const LISTENS: &str = "0A";
/// `__SO_ACCEPTCON` in the flags of a unix socket.
const ACCEPTS: u32 = 1 << 16;

/// Gives each listening socket to the process that holds it; where nobody may see who does, to the first.
pub(super) fn assign(processes: &mut [Process]) {
    let mut sockets = BTreeMap::new();
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    for (file, is_v6) in [("/proc/net/tcp", false), ("/proc/net/tcp6", true)] {
        sockets.extend(read(file).lines().filter_map(|line| tcp(line, is_v6)));
    }
    sockets.extend(read("/proc/net/unix").lines().filter_map(unix));
    if sockets.is_empty() {
        return;
    }
    for process in processes.iter_mut() {
        for inode in held(process.pid) {
            // The first process that holds it made it, or has it from the one that did.
            if let Some(socket) = sockets.remove(&inode) {
                process.listens.push(socket);
            }
        }
    }
    if let Some(first) = processes.first_mut() {
        first.listens.extend(sockets.into_values());
    }
    for process in processes {
        process.listens.sort_unstable();
        process.listens.dedup();
    }
}

/// The inodes of the sockets that a process holds, as far as this process may see them.
fn held(pid: i32) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links
        .filter_map(|link| {
            let inner = link.to_str()?.strip_prefix("socket:[")?;
            inner.strip_suffix(']')?.parse().ok()
        })
        .collect()
}

/// One line of `/proc/net/tcp` or `tcp6`, when it listens.
fn tcp(line: &str, is_v6: bool) -> Option<(u64, Listen)> {
    let mut fields = line.split_ascii_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if fields.nth(1)? != LISTENS {
        return None;
    }
    // The inode is the tenth field; the state was the fourth.
    let inode = fields.nth(10 - 4 - 1)?.parse().ok()?;
    // Each word of the address is in the order of the host's bytes.
    let word = |at: usize| {
        Some(
            u32::from_str_radix(address.get(at..at + 8)?, 16)
                .ok()?
                .to_ne_bytes(),
        )
    };
    let address = if is_v6 {
        let mut bytes = [0; 16];
        for part in 0..4 {
            bytes[part * 4..part * 4 + 4].copy_from_slice(&word(part * 8)?);
        }
        Ipv6Addr::from(bytes).to_string()
    } else {
        let address = Ipv4Addr::from(word(0)?);
        if address == DOCKER_RESOLVER {
            return None;
        }
        address.to_string()
    };
    Some((inode, Listen::Tcp { address, port }))
}

/// One line of `/proc/net/unix`, when it listens at a path.
fn unix(line: &str) -> Option<(u64, Listen)> {
    let mut fields = line.split_ascii_whitespace();
    let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
    if flags & ACCEPTS == 0 || fields.next()? != "0001" {
        return None;
    }
    let inode = fields.nth(1)?.parse().ok()?;
    let path = fields.next()?.to_owned();
    path.starts_with('/')
        .then_some((inode, Listen::Unix { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_is_read_and_a_connected_one_is_not() {
        let listens = "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0";
        let socket = Listen::Tcp {
            address: "0.0.0.0".into(),
            port: 8080,
        };
        assert_eq!(tcp(listens, false), Some((4242, socket)));
        assert_eq!(tcp(&listens.replace(" 0A ", " 01 "), false), None);
        // In a container of Docker's, this one is not the subject's.
        let resolver = listens.replace("00000000:1F90", "0B00007F:1F90");
        if cfg!(target_endian = "little") {
            assert_eq!(tcp(&resolver, false), None);
        }
        let six = "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1";
        let socket = Listen::Tcp {
            address: "::".into(),
            port: 80,
        };
        assert_eq!(tcp(six, true), Some((7, socket)));
    }

    #[test]
    fn a_unix_socket_listens_at_a_path() {
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 99 /run/app.sock";
        let socket = Listen::Unix {
            path: "/run/app.sock".into(),
        };
        assert_eq!(unix(line), Some((99, socket)));
        assert_eq!(unix(&line.replace("00010000", "00000000")), None);
        assert_eq!(unix(&line.replace("/run/app.sock", "@abstract")), None);
    }

    #[test]
    fn a_socket_of_this_process_is_its_own() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let pid = i32::try_from(std::process::id()).expect("an id");
        let process = |pid| Process {
            pid,
            ..Process::default()
        };
        let mut processes = [process(i32::MAX), process(pid)];
        assign(&mut processes);
        let is_it = |listen: &Listen| matches!(listen, Listen::Tcp { port: p, .. } if *p == port);
        assert!(processes[1].listens.iter().any(is_it));
        assert!(!processes[0].listens.iter().any(is_it));
    }
}
