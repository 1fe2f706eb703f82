//! Starts V8 once in this process, with the flags that containment needs.

use std::sync::OnceLock;

/// Flags that must be set before V8 starts.
///
/// Without `--no-turboshaft-loop-unrolling`, an allocating loop that was optimised on the stack ignores termination and the
/// heap limit in V8 13.6 (`let k;for(;;){k=new Array(1000)}`). The stack size is Node's, so that recursion ends where it ends
/// there; our threads have far more, for the native frames above it. Shared wasm memories are bounded each.
/// Source phase imports are on because they are in Node 24.
const FLAGS: &[&str] = &[
    "--no-turboshaft-loop-unrolling",
    "--stack-size=984",
    "--js-source-phase-imports",
];

/// Starts V8; later calls only return the platform.
pub(crate) fn start() -> &'static v8::SharedRef<v8::Platform> {
    static PLATFORM: OnceLock<v8::SharedRef<v8::Platform>> = OnceLock::new();
    PLATFORM.get_or_init(|| {
        for flag in FLAGS {
            v8::V8::set_flags_from_string(flag);
        }
        // Unprotected: isolates are made on threads that are no children of this one (no PKU inheritance needed).
        let platform = v8::new_unprotected_default_platform(2, false).make_shared();
        v8::V8::initialize_platform(platform.clone());
        v8::V8::initialize();
        platform
    })
}
