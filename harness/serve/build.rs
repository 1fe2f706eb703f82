//! Says how this package's tests and benches are linked to V8; what is built on top says it for itself.

fn main() {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo hands on what a package below says by this variable"
    )]
    let args = std::env::var("DEP_ADAMANT_V8_LINK_ARGS").unwrap_or_default();
    for arg in args.split('\x1f').filter(|arg| !arg.is_empty()) {
        println!("cargo::rustc-link-arg={arg}");
    }
}
