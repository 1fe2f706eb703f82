//! What Docker gives every container unasked, for engines that have to be told: files in `/etc`, and how memory is mounted.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use adamant_core::engine::Network;
use adamant_probe::sinkhole::NAME_SERVER;
use fs_err as fs;

const HOSTS: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n\
                     ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
/// Name servers where the host's are its own loopback.
const NAME_SERVERS: [&str; 2] = ["8.8.8.8", "8.8.4.4"];

/// Writes `hosts` and `resolv.conf`, as a container sees them that way.
pub(crate) fn write(network: &Network, dir: &Path) -> io::Result<()> {
    let resolver = match network {
        Network::None => resolver(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default()),
        // The made network's own name server, which the supervisor plays.
        Network::Made(_) => format!("nameserver {NAME_SERVER}\n"),
        // As a daemon's: a question for a name that is not in `hosts` is heard, and never answered.
        Network::Isolated => "nameserver 127.0.0.11\noptions ndots:0\n".to_owned(),
    };
    for (name, content) in [("hosts", HOSTS), ("resolv.conf", &resolver)] {
        let path = dir.join(name);
        fs::write(&path, content)?;
        // Every user of the container reads it, whatever our own mask is.
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// The options of a mount of memory, with what nobody may do there unless it was asked for.
pub(crate) fn memory(asked: &str) -> String {
    last_words(&format!("noexec,nosuid,nodev,{asked}"))
}

/// The last word on a subject counts, as for `mount`.
fn last_words(options: &str) -> String {
    const OPPOSITES: [(&str, &str); 4] = [
        ("exec", "noexec"),
        ("suid", "nosuid"),
        ("dev", "nodev"),
        ("rw", "ro"),
    ];
    let key = |option: &str| {
        let pair = OPPOSITES
            .iter()
            .find(|(on, off)| [on, off].contains(&&option));
        let name = option.split('=').next().unwrap_or(option);
        pair.map_or(name, |(on, _)| on).to_owned()
    };
    let mut kept: Vec<&str> = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        kept.retain(|known| key(known) != key(option));
        kept.push(option);
    }
    kept.join(",")
}

/// The host's, without servers on its own loopback, which is not the container's.
fn resolver(host: &str) -> String {
    let local = |line: &str| {
        let server = line.strip_prefix("nameserver").map(str::trim);
        server.is_some_and(|server| server.starts_with("127.") || server == "::1")
    };
    let mut lines: Vec<&str> = host.lines().filter(|line| !local(line)).collect();
    let servers = NAME_SERVERS.map(|server| format!("nameserver {server}"));
    if !lines.iter().any(|line| line.starts_with("nameserver")) {
        lines.extend(servers.iter().map(String::as_str));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_options_of_memory_the_last_word_counts() {
        assert_eq!(memory("size=1m,exec,size=2m"), "nosuid,nodev,exec,size=2m");
        assert_eq!(last_words("noexec,,mode=1777"), "noexec,mode=1777");
    }

    #[test]
    fn a_resolver_on_the_hosts_loopback_is_not_the_containers() {
        assert_eq!(
            resolver("# x\nnameserver 127.0.0.53\nsearch a\n"),
            "# x\nsearch a\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"
        );
        assert_eq!(resolver("nameserver 10.0.0.1\n"), "nameserver 10.0.0.1\n");
    }
}
