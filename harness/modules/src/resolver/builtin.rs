//! Which ids name builtin modules.

/// Those that exist only with `node:` in front.
const SCHEME_ONLY: [&str; 5] = ["quic", "sea", "sqlite", "test", "test/reporters"];

/// The builtin that `id` names, with `node:` or without.
pub(super) fn normalize(builtins: &'static [&'static str], id: &str) -> Option<&'static str> {
    match id.strip_prefix("node:") {
        Some(name) => find(builtins, name),
        None => without_scheme(builtins, id),
    }
}

/// The builtin that `id` names without `node:`.
pub(super) fn without_scheme(builtins: &'static [&'static str], id: &str) -> Option<&'static str> {
    find(builtins, id).filter(|name| !SCHEME_ONLY.contains(name))
}

fn find(builtins: &'static [&'static str], name: &str) -> Option<&'static str> {
    builtins.iter().find(|builtin| **builtin == name).copied()
}
