//! How much a boot depends on a command: which failures it must not survive.
//!
//! A step is *work* when what runs later stands on what it leaves behind: an installation, a migration, generated
//! configuration, ownership or a copy of data, a certificate, an account. It is a *service* when it starts something that
//! keeps running. It is *tolerable* when a boot may go on without it: a question (`grep`, `test`, `command -v`, `status`),
//! talk (`echo`), a wait (`sleep`, a health request), clean-up (`rm`, `kill`, `umount`), what is idempotent by its own
//! options (`mkdir -p`, `touch`), and what a container usually may not do (`sysctl`, `ulimit`, `modprobe`). All else is
//! *unknown*: a program of the image's own. An explicit `|| true` behind one of those is a decision that the reader of
//! the script must defend; a mere condition around it is not.

use super::{Invoked, fetch};

/// How much a boot depends on a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::shell) enum Step {
    Tolerable,
    Unknown,
    Service,
    Work,
}

impl Step {
    /// What it is behind a function that runs its arguments: a first word that says nothing may be an argument of another kind.
    pub(in crate::shell) fn forwarded(self) -> Self {
        match self {
            Self::Unknown => Self::Tolerable,
            known => known,
        }
    }
}

/// Commands that a boot may go on without, sorted.
const TOLERABLE: &[&str] = &[
    ":",
    "[",
    "[[",
    "alias",
    "arch",
    "awk",
    "base64",
    "basename",
    "bc",
    "bind",
    "break",
    "builtin",
    "cat",
    "cd",
    "chcon",
    "cksum",
    "clear",
    "cmp",
    "column",
    "comm",
    "complete",
    "compgen",
    "continue",
    "curl",
    "cut",
    "date",
    "dd",
    "declare",
    "df",
    "diff",
    "dig",
    "dircolors",
    "dirname",
    "dirs",
    "disown",
    "dmesg",
    "dpkg-query",
    "du",
    "echo",
    "egrep",
    "enable",
    "env",
    "export",
    "expr",
    "false",
    "fc",
    "fetch",
    "fgrep",
    "figlet",
    "file",
    "find",
    "flock",
    "free",
    "fuser",
    "gawk",
    "getcap",
    "getconf",
    "getent",
    "getfacl",
    "getopt",
    "getopts",
    "git-lfs",
    "grep",
    "groups",
    "hash",
    "head",
    "help",
    "hexdump",
    "history",
    "host",
    "hostname",
    "hostnamectl",
    "hwclock",
    "http",
    "id",
    "ifconfig",
    "iconv",
    "ip",
    "iptables",
    "jobs",
    "jq",
    "kill",
    "killall",
    "killall5",
    "last",
    "ldconfig",
    "ldd",
    "less",
    "let",
    "local",
    "locale",
    "localectl",
    "logger",
    "login",
    "logname",
    "ls",
    "lsb_release",
    "lscpu",
    "lsmod",
    "lsns",
    "lsof",
    "lspci",
    "mapfile",
    "md5sum",
    "mesg",
    "mkdir",
    "mkfifo",
    "mktemp",
    "modprobe",
    "more",
    "mountpoint",
    "nc",
    "ncat",
    "netstat",
    "nl",
    "nproc",
    "nslookup",
    "nvidia-smi",
    "od",
    "pg_isready",
    "pgrep",
    "pidof",
    "ping",
    "pkill",
    "popd",
    "print",
    "printenv",
    "printf",
    "ps",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readlink",
    "readonly",
    "realpath",
    "reset",
    "restorecon",
    "return",
    "rev",
    "rm",
    "rmdir",
    "route",
    "rpm",
    "s6-svok",
    "s6-svscanctl",
    "s6-svstat",
    "s6-svwait",
    "sed",
    "seq",
    "set",
    "setterm",
    "sha1sum",
    "sha256sum",
    "shift",
    "shopt",
    "shred",
    "shuf",
    "shutdown",
    "sleep",
    "socat",
    "sort",
    "source",
    ".",
    "split",
    "ss",
    "ssh-add",
    "stat",
    "strings",
    "stty",
    "sum",
    "sync",
    "sysctl",
    "tac",
    "tail",
    "taskset",
    "tee",
    "test",
    "time",
    "timedatectl",
    "timeout",
    "top",
    "touch",
    "tput",
    "tr",
    "trap",
    "true",
    "truncate",
    "tty",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "umount",
    "unalias",
    "uname",
    "uniq",
    "unlink",
    "unset",
    "uptime",
    "usleep",
    "vmstat",
    "w",
    "wait",
    "wc",
    "wget",
    "which",
    "who",
    "whoami",
    "whereis",
    "xargs",
    "xxd",
    "yes",
    "yq",
    "exit",
    "wait-for-it",
    "wait-for-it.sh",
    "wait-for",
    "wait-for.sh",
    "renice",
    "ionice",
    "nice",
    "chrt",
    "busybox",
    "lsblk",
    "blkid",
    "screenfetch",
    "neofetch",
    "tabs",
    "xset",
    "xsetroot",
    "setxkbmap",
    "xmodmap",
    "xrandr",
    "feh",
    "gsettings",
    "xfconf-query",
    "fc-cache",
    "xhost",
    "xrdb",
    "dbus-send",
    "notify-send",
    "mail",
    "sendmail",
    "mailx",
    "telnet",
    "healthcheck",
    "mysqladmin",
    "redis-cli",
    "screen",
    "tmux",
    "wmctrl",
    "xdotool",
];

/// Commands on whose work what follows stands.
const WORK: &[&str] = &[
    "add-shell",
    "addgroup",
    "adduser",
    "alembic",
    "chgrp",
    "chmod",
    "chown",
    "chpasswd",
    "collectstatic",
    "confd",
    "cp",
    "createdb",
    "createuser",
    "dbmate",
    "delgroup",
    "deluser",
    "envsubst",
    "envtpl",
    "flyway",
    "gomplate",
    "goose",
    "groupadd",
    "groupmod",
    "gunzip",
    "htpasswd",
    "initdb",
    "install",
    "j2",
    "keytool",
    "liquibase",
    "ln",
    "locale-gen",
    "migrate",
    "mkfs",
    "mkpasswd",
    "mount",
    "mv",
    "mysql_install_db",
    "mysql_upgrade",
    "mysql_tzinfo_to_sql",
    "openssl",
    "passwd",
    "patch",
    "pg_restore",
    "pg_upgrade",
    "rsync",
    "setcap",
    "setfacl",
    "sqitch",
    "ssh-keygen",
    "sshfs",
    "tar",
    "tempio",
    "unzip",
    "update-alternatives",
    "update-ca-certificates",
    "update-ca-trust",
    "useradd",
    "usermod",
    "mariadb-install-db",
    "mariadb-upgrade",
    "newaliases",
    "postmap",
    "dpkg-reconfigure",
];

/// Words of a command line that say that it makes what the boot stands on.
const WORK_WORDS: &[&str] = &[
    "migrate",
    "migration",
    "migrations",
    "migrator",
    "upgrade",
    "seed",
    "seeds",
    "seeder",
    "syncdb",
    "createsuperuser",
    "collectstatic",
    "loaddata",
    "compilemessages",
    "setup",
    "init",
    "initialize",
    "initialise",
    "bootstrap",
    "provision",
    "configure",
    "install",
    "deploy",
    "build",
    "compile",
    "precompile",
    "generate",
    "restore",
    "import",
    "create",
    "prepare",
    "initdb",
    "updb",
    "schema:load",
    "schema:update",
    "optimize",
    "publish",
    "push",
    "apply",
    "makemigrations",
    "createcachetable",
];

/// Programs that keep running.
const SERVICES: &[&str] = &[
    "apache2",
    "apache2ctl",
    "apache2-foreground",
    "apachectl",
    "atd",
    "avahi-daemon",
    "caddy",
    "celery",
    "chronyd",
    "clamd",
    "containerd",
    "cron",
    "crond",
    "dbus-daemon",
    "dnsmasq",
    "dockerd",
    "dovecot",
    "exim",
    "fail2ban-server",
    "fcgiwrap",
    "gunicorn",
    "haproxy",
    "httpd",
    "lighttpd",
    "mariadbd",
    "memcached",
    "mongod",
    "mysqld",
    "mysqld_safe",
    "nginx",
    "ntpd",
    "openvpn",
    "pg_ctl",
    "pg_ctlcluster",
    "php-fpm",
    "pm2",
    "postfix",
    "postgres",
    "proftpd",
    "pulseaudio",
    "redis-server",
    "rabbitmq-server",
    "rpcbind",
    "rsyslogd",
    "smbd",
    "sshd",
    "squid",
    "stunnel",
    "supercronic",
    "supervisord",
    "syslog-ng",
    "syslogd",
    "tor",
    "traefik",
    "unbound",
    "uvicorn",
    "uwsgi",
    "varnishd",
    "vncserver",
    "vsftpd",
    "wg-quick",
];

/// Verbs that only ask, or take away.
const ASKING: &[&str] = &[
    "status",
    "list",
    "ls",
    "show",
    "info",
    "check",
    "describe",
    "version",
    "ping",
    "get",
    "is-active",
    "is-enabled",
    "is-installed",
    "ps",
    "logs",
    "stop",
    "shutdown",
    "kill",
    "quit",
    "delete",
    "remove",
    "rm",
    "uninstall",
    "purge",
    "clean",
    "clear",
    "reset",
    "flush",
    "prune",
    "logout",
    "down",
    "test",
    "diff",
    "whoami",
    "env",
    "help",
    "doctor",
    "verify",
    "validate",
    "disable",
    "unlink",
    "umount",
    "destroy",
    "deactivate",
    "cache:clear",
    "config:clear",
    "route:clear",
    "view:clear",
    "optimize:clear",
    "event:clear",
    "cache:flush",
    "cache:forget",
    "queue:restart",
    "cr",
    "config",
    "autoclean",
    "autoremove",
    "del",
    "erase",
    "drop",
    "revoke",
    "wait",
    "inspect",
    "lsf",
    "lsd",
    "deletefile",
];

/// What programs that keep running are asked while they run, or to end.
const SERVED: [&str; 14] = [
    "stop", "quit", "shutdown", "kill", "delete", "del", "purge", "status", "list", "inspect",
    "logs", "validate", "version", "check",
];

/// What a command is to a boot, by what it is called and asked.
pub(in crate::shell) fn step(argv: &[&str]) -> Step {
    let Some(call) = Invoked::new(argv) else {
        return Step::Tolerable;
    };
    // `migrate --plan` and `makemigrations --check` tell what there would be to do.
    if call.only_asks() || call.has(&["--plan", "--check"]) {
        return Step::Tolerable;
    }
    let tool = call
        .tool
        .trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let own_streams = |arg: &&&str| {
        arg.starts_with("/proc/")
            || arg.starts_with("/dev/std")
            || arg.starts_with("/dev/tty")
            || arg.starts_with("/dev/pts")
    };
    match tool {
        // Questions to Home Assistant's supervisor, whatever the option is called: `bashio::config.true 'install_x'`.
        _ if tool.starts_with("bashio::") => return Step::Tolerable,
        // What it leaves behind is read later.
        "curl" | "wget" if fetch::leaves(&call) => return Step::Unknown,
        // The streams of the process itself: there is nothing to be missed.
        "chown" | "chmod" | "chgrp" if call.args.iter().any(|arg| own_streams(&arg)) => {
            return Step::Tolerable;
        }
        // What goes into a pipe is read there: the reader notices.
        "tar"
            if call
                .args
                .iter()
                .any(|arg| *arg == "-" || arg.ends_with("f-")) =>
        {
            return Step::Tolerable;
        }
        "gunzip" if call.args.iter().all(|arg| arg.starts_with('-')) => return Step::Tolerable,
        "gunzip" | "zcat" | "bzcat" | "xzcat" | "unxz" | "bunzip2"
            if call.has(&["-c", "--stdout"]) || tool.ends_with("cat") =>
        {
            return Step::Tolerable;
        }
        "sed" | "perl" if edits_in_place(&call) => return Step::Work,
        "openssl"
            if matches!(
                call.args.first(),
                Some(&("s_client" | "version" | "verify" | "x509"))
            ) =>
        {
            return Step::Tolerable;
        }
        "tar" | "unzip" if call.args.first().is_some_and(|arg| lists(arg)) => {
            return Step::Tolerable;
        }
        "nginx" if call.has(&["-t", "-T", "-v", "-V"]) => return Step::Unknown,
        "nginx" | "apachectl" | "apache2ctl" if call.has(&["stop", "quit", "configtest", "-s"]) => {
            return Step::Tolerable;
        }
        "service" | "systemctl" | "rc-service" | "supervisorctl" | "initctl" | "invoke-rc.d"
        | "brew" => {
            let starts = call.has(&["start", "restart", "reload", "enable", "update", "reread"]);
            return if starts {
                Step::Service
            } else {
                Step::Tolerable
            };
        }
        "ip" | "iptables" | "ip6tables" | "nft" | "route" | "git" => return changing(tool, &call),
        "install" if call.args.is_empty() => return Step::Tolerable,
        _ if looks(&call) => return Step::Tolerable,
        _ => {}
    }
    if TOLERABLE.contains(&call.tool) || TOLERABLE.contains(&tool) {
        return Step::Tolerable;
    }
    if WORK.contains(&call.tool) {
        return Step::Work;
    }
    if SERVICES.contains(&tool) || SERVICES.contains(&call.tool) || call.tool.ends_with("-daemon") {
        // `pm2 delete all`, `pg_ctl -D /data stop`, `celery status`.
        let asked = call.has(&SERVED);
        return if asked {
            Step::Tolerable
        } else {
            Step::Service
        };
    }
    by_words(&call)
}

/// Whether a client only asks if a database is there, or what it holds: `psql -c 'SELECT 1'`, `gpg --list-keys`.
fn looks(call: &Invoked<'_>) -> bool {
    if call.tool == "gpg" {
        return call.args.iter().any(|arg| arg.starts_with("--list"));
    }
    let asks = |arg: &&str| {
        let text = arg.trim().trim_end_matches(';').to_ascii_lowercase();
        let questions = ["select 1", "select version()", "show ", "\\q", "\\l", "\\d"];
        !text.contains(';') && questions.iter().any(|question| text.starts_with(question))
    };
    // A file of statements, or another statement, does more than ask.
    let given = |pair: &&[&str]| matches!(pair, ["-c" | "-e" | "--command" | "--execute", _]);
    let mut statements = call.args.windows(2).filter(given);
    matches!(call.tool, "psql" | "mysql" | "mariadb" | "sqlite3")
        && !call.has(&["-f", "--file"])
        && call.args.iter().any(asks)
        && statements.all(|pair| pair.last().is_some_and(&asks))
}

/// Whether a command is run for what it does, whoever reads what it prints: a migration, and not a new password.
pub(in crate::shell) fn does(argv: &[&str]) -> bool {
    const DONE: [&str; 14] = [
        "migrate",
        "migration",
        "migrations",
        "upgrade",
        "seed",
        "syncdb",
        "initdb",
        "updb",
        "collectstatic",
        "loaddata",
        "deploy",
        "compile",
        "restore",
        "provision",
    ];
    let parts = |word: &&str| {
        let last = word.rsplit('/').next().unwrap_or(word);
        last.split([':', '-', '_', '.'])
            .any(|part| DONE.contains(&part))
    };
    // The tables that a query names are not what it does.
    let mut verbs = argv.iter().take(7).filter(|arg| !arg.contains(' '));
    step(argv) == Step::Work && verbs.any(parts)
}

/// Tools that ask as often as they change: by their verbs.
fn changing(tool: &str, call: &Invoked<'_>) -> Step {
    let (verbs, step): (&[&str], Step) = if tool == "git" {
        let verbs = &["checkout", "reset", "apply", "am", "merge", "rebase"];
        (verbs, Step::Work)
    } else {
        let verbs = &["add", "-A", "-I", "-t", "replace", "-P", "-N", "-f"];
        (verbs, Step::Unknown)
    };
    if call.has(verbs) {
        step
    } else {
        Step::Tolerable
    }
}

/// What the words say: the first that says anything decides.
fn by_words(call: &Invoked<'_>) -> Step {
    let name = call.tool.trim_end_matches(".sh").trim_end_matches(".py");
    // A name that asks: `has_value`, `is-ready`, `check_version`.
    let asks = |part: &str| {
        matches!(
            part,
            "is" | "has"
                | "have"
                | "exists"
                | "exist"
                | "check"
                | "test"
                | "get"
                | "needs"
                | "should"
                | "can"
                | "detect"
                | "find"
                | "wait"
                | "validate"
                | "verify"
                | "show"
                | "list"
                | "print"
                | "log"
                | "status"
                | "health"
                | "ping"
                | "query"
        )
    };
    if name.split(['-', '_', '.', ':']).any(asks) {
        return Step::Tolerable;
    }
    let own = call.args.iter().take(6).filter(|arg| !arg.starts_with('-'));
    for word in own {
        // `db:migrate`, `doctrine:migrations:migrate`, `manage.py migrate`, `scripts/seed.js`.
        let last = word.rsplit('/').next().unwrap_or(word);
        let last = last.split('.').next().unwrap_or(last);
        if ASKING.contains(word)
            || word.ends_with(":clear")
            || word.ends_with(":status")
            || word.ends_with(":list")
            || word.ends_with(":get")
        {
            return Step::Tolerable;
        }
        // What is set is called after the setting: `config:system:set check_data_directory_permissions`.
        if word.ends_with(":set") {
            return Step::Unknown;
        }
        // `verify-seed`, `check_migrations`, `system-checks` ask; a bare `check` is a verb above.
        let mut parts = last.split([':', '-', '_']);
        if let (Some(head), Some(tail)) = (parts.next(), parts.next_back())
            && (asks(head) || matches!(tail, "check" | "checks" | "status"))
        {
            return Step::Tolerable;
        }
        if last
            .split([':', '-', '_'])
            .any(|part| WORK_WORDS.contains(&part))
            || WORK_WORDS.contains(&last)
        {
            return Step::Work;
        }
        if last.starts_with("db:") || last.ends_with(":cache") || last.ends_with(":link") {
            return Step::Work;
        }
        if last == "start" && call.tool.starts_with("/etc/init.d") {
            return Step::Service;
        }
    }
    let made = name
        .split(['-', '_', '.'])
        .any(|part| WORK_WORDS.contains(&part));
    if made { Step::Work } else { Step::Unknown }
}

fn edits_in_place(call: &Invoked<'_>) -> bool {
    call.args.iter().any(|arg| {
        let short = arg.starts_with('-') && !arg.starts_with("--") && arg.len() < 8;
        arg.starts_with("--in-place") || (short && arg.contains('i'))
    })
}

/// `tar tf x`, `unzip -l x`.
fn lists(arg: &str) -> bool {
    let letters = arg.trim_start_matches('-');
    !arg.starts_with("--")
        && letters.len() < 6
        && letters.contains(['t', 'l'])
        && !letters.contains(['x', 'c'])
}
