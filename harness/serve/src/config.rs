//! What the environment says about the engine; every fault is found before anything starts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use adamant_isolate::Memory;
use adamant_isolate::pool::{self, Reuse};
use thiserror::Error;

use crate::env;

/// Seed 001's service.
const DEFAULT_PORT: u16 = 3001;

/// How the engine is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The pool.
    pub pool: pool::Settings,
    /// What each isolate may use.
    pub memory: Memory,
    /// The wall clock of an execution.
    pub timeout: Duration,
    /// How many modules' compiled code is kept; 0: none.
    pub modules: usize,
    /// Whether a function's modules are evaluated before its next request comes, in that request's own context.
    pub load_ahead: bool,
    /// Where isolates live.
    pub containment: Containment,
    /// How long a request waits for an isolate.
    pub wait: Duration,
    /// How long a shutdown waits for what was accepted.
    pub grace: Duration,
    /// The longest body of a request, in bytes.
    pub max_body: usize,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where functions are described, when that is a database.
    pub database: Option<String>,
}

/// Where an isolate lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Containment {
    /// In a process of its own, confined by the kernel (tiers 3 and 4).
    #[default]
    Process,
    /// On a thread of this process (tier 2).
    Thread,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pool: pool::Settings::default(),
            memory: Memory::default(),
            timeout: Duration::from_secs(30),
            modules: 1000,
            load_ahead: true,
            containment: Containment::default(),
            wait: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            max_body: 10 << 20,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            database: None,
        }
    }
}

/// A variable that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            let newline = if n == 0 { "" } else { "\n" };
            write!(f, "{newline}`{}` {}", fault.variable, fault.reason)?;
        }
        Ok(())
    }
}

/// Reads variables and gathers what is wrong with them.
struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, variable: &'static str, reason: impl Into<String>) {
        self.faults.push(Fault {
            variable,
            reason: reason.into(),
        });
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let text = (self.variable)(name)?;
        let text = text.trim();
        if text.is_empty() {
            self.fault(name, "is set but empty");
            return None;
        }
        Some(text.to_owned())
    }

    /// A whole number within bounds.
    fn number(&mut self, name: &'static str, default: u64, least: u64, most: u64) -> u64 {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                let reason = format!("is `{text}`; expected a whole number from {least} to {most}");
                self.fault(name, reason);
                default
            }
        }
    }

    fn size(&mut self, name: &'static str, default: usize, least: u64, most: u64) -> usize {
        usize::try_from(self.number(name, default as u64, least, most)).unwrap_or(usize::MAX)
    }

    fn milliseconds(&mut self, name: &'static str, default: Duration, most: u64) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.number(name, default, 1, most))
    }

    fn choice<T: Copy>(&mut self, name: &'static str, known: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        self.fault(name, format!("is `{text}`; known: {}", words.join(", ")));
        default
    }
}

/// The longest time that a variable may say: a day.
const DAY: u64 = 24 * 60 * 60 * 1000;

impl Config {
    /// What the environment says.
    ///
    /// # Errors
    /// All variables that do not say what they should.
    pub fn from_env() -> Result<Self, Faults> {
        Self::from(&env::host)
    }

    /// The same, for any source of variables.
    ///
    /// # Errors
    /// As `from_env`.
    pub fn from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let Self {
            pool,
            timeout,
            modules,
            load_ahead,
            wait,
            grace,
            max_body,
            listen,
            memory,
            ..
        } = Self::default();
        let mut read = Reader {
            variable,
            faults: Vec::new(),
        };
        let base = read.size(env::POOL_SIZE, pool.base, 1, 1000);
        let max = read.size(env::MAX_POOL_SIZE, pool.max.max(base), 1, 1000);
        if max < base && read.faults.is_empty() {
            let reason = format!("is {max}, less than `{}`, which is {base}", env::POOL_SIZE);
            read.fault(env::MAX_POOL_SIZE, reason);
        }
        let heap = read.size(env::MEMORY_LIMIT, memory.heap >> 20, 16, 65_536) << 20;
        let pool = pool::Settings {
            base,
            max,
            idle: read.milliseconds(env::IDLE_TIMEOUT, pool.idle, 30 * DAY),
            reuse: read.choice(
                env::REUSE,
                &[("function", Reuse::Function), ("any", Reuse::Any)],
                pool.reuse,
            ),
            waiting: read.size(env::MAX_WAITING, pool.waiting, 1, 10_000),
        };
        let switches = [("true", true), ("1", true), ("false", false), ("0", false)];
        let keeps = read.choice(env::MODULE_CACHE, &switches, true);
        let modules = read.size(env::MODULE_CACHE_SIZE, modules, 1, 1_000_000);
        let containment = [
            ("process", Containment::Process),
            ("thread", Containment::Thread),
        ];
        let host = read.text(env::HOST);
        let ip = match host.as_deref().map(str::parse) {
            None => listen.ip(),
            Some(Ok(ip)) => ip,
            Some(Err(_)) => {
                let host = host.unwrap_or_default();
                read.fault(env::HOST, format!("is `{host}`; expected an IP address"));
                listen.ip()
            }
        };
        let port = read.number(env::PORT, listen.port().into(), 0, u16::MAX.into());
        let config = Self {
            pool,
            memory: Memory {
                heap,
                off_heap: heap,
            },
            timeout: read.milliseconds(env::FUNCTION_TIMEOUT, timeout, DAY),
            modules: if keeps { modules } else { 0 },
            load_ahead: read.choice(env::LOAD_AHEAD, &switches, load_ahead),
            containment: read.choice(env::CONTAINMENT, &containment, Containment::Process),
            wait: read.milliseconds(env::WAIT_TIMEOUT, wait, DAY),
            grace: read.milliseconds(env::GRACE, grace, DAY),
            max_body: read.size(env::MAX_BODY, max_body, 1, 48 << 20),
            listen: SocketAddr::new(ip, u16::try_from(port).unwrap_or_default()),
            database: read.text(env::DATABASE),
        };
        if read.faults.is_empty() {
            Ok(config)
        } else {
            Err(Faults(read.faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::from(&|name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .map_err(|faults| faults.to_string())
    }

    #[test]
    fn the_defaults_are_the_seeds() {
        let seed = [
            ("ISOLATE_POOL_SIZE", "5"),
            ("ISOLATE_MAX_POOL_SIZE", "20"),
            ("ISOLATE_MEMORY_LIMIT_MB", "128"),
            ("ISOLATE_IDLE_TIMEOUT_MS", "300000"),
            ("FUNCTION_TIMEOUT_MS", "30000"),
            ("ENABLE_MODULE_CACHE", "true"),
            ("MODULE_CACHE_MAX_SIZE", "1000"),
        ];
        assert_eq!(config(&seed), Ok(Config::default()));
        assert_eq!(config(&[]), Ok(Config::default()));
        assert_eq!(Config::default().listen.port(), 3001);
    }

    #[test]
    fn what_is_set_counts() {
        let set = config(&[
            ("ISOLATE_POOL_SIZE", "30"),
            ("ISOLATE_MEMORY_LIMIT_MB", " 64 "),
            ("ENABLE_MODULE_CACHE", "false"),
            ("ISOLATE_REUSE", "any"),
            ("ISOLATE_LOAD_AHEAD", "0"),
            ("PORT", "0"),
        ])
        .unwrap();
        assert_eq!((set.pool.base, set.pool.max), (30, 30));
        assert_eq!((set.memory.heap, set.modules), (64 << 20, 0));
        assert!(!set.load_ahead && Config::default().load_ahead);
        assert_eq!((set.pool.reuse, set.listen.port()), (Reuse::Any, 0));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = config(&[
            ("ISOLATE_POOL_SIZE", "five"),
            ("ISOLATE_IDLE_TIMEOUT_MS", "-1"),
            ("FUNCTION_TIMEOUT_MS", ""),
            ("ENABLE_MODULE_CACHE", "yes"),
            ("HOST", "localhost"),
        ])
        .unwrap_err();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "`ISOLATE_POOL_SIZE` is `five`; expected a whole number from 1 to 1000",
                "`ISOLATE_IDLE_TIMEOUT_MS` is `-1`; expected a whole number from 1 to 2592000000",
                "`ENABLE_MODULE_CACHE` is `yes`; known: true, 1, false, 0",
                "`HOST` is `localhost`; expected an IP address",
                "`FUNCTION_TIMEOUT_MS` is set but empty",
            ]
        );
        let text = config(&[("ISOLATE_POOL_SIZE", "6"), ("ISOLATE_MAX_POOL_SIZE", "2")]);
        assert_eq!(
            text.unwrap_err(),
            "`ISOLATE_MAX_POOL_SIZE` is 2, less than `ISOLATE_POOL_SIZE`, which is 6"
        );
    }
}
