//! Native addons: what `dlopen` would say of each is foretold, by files that a compiler made.

use adamant_verify::{Report, Room};

use crate::object::Workshop;
use crate::support::{Draft, told};

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
const ADDON: &str = "/app/node_modules/m/build/Release/m.node";

/// A Node 24 that offers `napi_known` and nothing else, for this loader.
fn node(shop: &Workshop, loader: &str) -> Draft {
    let loader = format!("-Wl,--dynamic-linker={loader}");
    let source = "const char version[] __attribute__((used)) = \"node-v24.1.0\"; void napi_known(void) {} void _start(void) {}";
    let node = shop.link("node", source, &["-pie", "-rdynamic", &loader]);
    Draft::new(&["node", "/app/i.js"], &["PATH=/bin"])
        .file("/bin/node", 0o755, node)
        .text("/app/i.js", "")
        .text("/app/node_modules/m/package.json", r#"{"main":"i.js"}"#)
}

fn judge(draft: Draft) -> Report {
    let report = draft.judge("", &[Room::Addons]);
    assert!(!report.is_incomplete(), "{:?}", report.unjudged);
    report
}

/// The one finding of a draft: its rule and place, and what was seen.
fn only(draft: Draft) -> (String, String) {
    let report = judge(draft);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    (told(&report).remove(0), report.findings[0].seen.clone())
}

#[test]
fn an_addon_is_for_one_module_version() {
    let shop = Workshop::new();
    let addon = |version: u32| {
        let source = format!("void node_register_module_v{version}(void) {{}}");
        shop.link("m.node", &source, &["-shared"])
    };
    assert_eq!(
        told(&judge(node(&shop, GLIBC).file(ADDON, 0o755, addon(137)))),
        [""; 0]
    );
    let (rule, seen) = only(node(&shop, GLIBC).file(ADDON, 0o755, addon(127)));
    assert_eq!(rule, format!("native/module-version {ADDON}"));
    assert!(
        seen.contains("NODE_MODULE_VERSION 127")
            && seen.contains("Node 24.1.0 (/bin/node) has 137"),
        "{seen}"
    );
}

#[test]
fn a_symbol_that_the_runtime_does_not_export_is_named() {
    let shop = Workshop::new();
    let addon = |wants: &str| {
        let source =
            format!("void {wants}(void); void napi_register_module_v1(void) {{ {wants}(); }}");
        shop.link("m.node", &source, &["-shared"])
    };
    assert_eq!(
        told(&judge(node(&shop, GLIBC).file(
            ADDON,
            0o755,
            addon("napi_known")
        ))),
        [""; 0]
    );
    let (rule, seen) = only(node(&shop, GLIBC).file(ADDON, 0o755, addon("napi_unknown")));
    assert_eq!(rule, format!("native/undefined-symbol {ADDON}"));
    assert!(seen.contains("napi_unknown"), "{seen}");
}

#[test]
fn an_addon_needs_the_glibc_that_it_was_built_with() {
    let shop = Workshop::new();
    let libc = |version: &str| {
        let script = shop.note("versions", &format!("{version} {{ global: call; }};"));
        let script = format!("-Wl,--version-script={script}");
        shop.link(
            "libc.so.6",
            "void call(void) {}",
            &["-shared", "-Wl,-soname,libc.so.6", &script],
        )
    };
    libc("GLIBC_2.99");
    let at = shop.path("libc.so.6").display().to_string();
    let source = "void call(void); void napi_register_module_v1(void) { call(); }";
    let addon = shop.link("m.node", source, &["-shared", &at]);
    let image = |libc: Vec<u8>| {
        let draft = node(&shop, GLIBC).file(ADDON, 0o755, &addon);
        draft.file("/lib/x86_64-linux-gnu/libc.so.6", 0o755, libc)
    };
    assert_eq!(told(&judge(image(libc("GLIBC_2.99")))), [""; 0]);
    let (rule, seen) = only(image(libc("GLIBC_2.36")));
    assert_eq!(rule, format!("native/glibc {ADDON}"));
    assert!(
        seen.contains("needs GLIBC_2.99 of `libc.so.6`") && seen.contains("GLIBC_2.36"),
        "{seen}"
    );
}

#[test]
fn an_addon_is_for_the_machine_of_its_runtime() {
    let shop = Workshop::new();
    let mut addon = shop.link(
        "m.node",
        "void napi_register_module_v1(void) {}",
        &["-shared"],
    );
    assert_eq!(
        told(&judge(node(&shop, GLIBC).file(ADDON, 0o755, &addon))),
        [""; 0]
    );
    // e_machine of AArch64.
    addon[18..20].copy_from_slice(&183_u16.to_le_bytes());
    let (rule, seen) = only(node(&shop, GLIBC).file(ADDON, 0o755, &addon));
    assert_eq!(rule, format!("native/machine {ADDON}"));
    assert!(
        seen.contains("is for arm64, the runtime for amd64"),
        "{seen}"
    );
    let (rule, seen) = only(node(&shop, GLIBC).file(ADDON, 0o755, [0xcf, 0xfa, 0xed, 0xfe, 0, 0]));
    assert_eq!(rule, format!("native/machine {ADDON}"));
    assert!(seen.contains("is no ELF file"), "{seen}");
}

#[test]
fn a_library_is_looked_for_where_the_addon_says() {
    let shop = Workshop::new();
    let library = shop.link(
        "libx.so",
        "void x(void) {}",
        &["-shared", "-Wl,-soname,libx.so"],
    );
    let at = shop.path("libx.so").display().to_string();
    let source = "void x(void); void napi_register_module_v1(void) { x(); }";
    let addon = |paths: &str| {
        let rpath = format!("-Wl,--enable-new-dtags,-rpath,{paths}");
        shop.link("m.node", source, &["-shared", &at, &rpath])
    };
    let image = |paths: &str, place: &str| {
        let draft = node(&shop, GLIBC).file(ADDON, 0o755, addon(paths));
        draft.file(place, 0o755, &library)
    };
    let beside = "/app/node_modules/m/build/Release/lib/libx.so";
    assert_eq!(told(&judge(image("$ORIGIN/lib", beside))), [""; 0]);
    assert_eq!(
        told(&judge(image(
            "/none:$ORIGIN/../../vendor",
            "/app/node_modules/m/vendor/libx.so"
        ))),
        [""; 0]
    );
    let report = judge(image("$ORIGIN/gone", beside));
    assert_eq!(told(&report), [format!("native/library {ADDON}")]);
    let finding = &report.findings[0];
    assert!(
        finding
            .seen
            .contains("/app/node_modules/m/build/Release/gone"),
        "{}",
        finding.seen
    );
    assert!(
        finding.fix.contains(
            "is in /app/node_modules/m/build/Release/lib, where the loader does not look"
        ),
        "it lies elsewhere: {}",
        finding.fix
    );
}

#[test]
fn an_addon_is_for_one_libc() {
    let shop = Workshop::new();
    let addon = shop.link(
        "m.node",
        "void napi_register_module_v1(void) {}",
        &["-shared"],
    );
    let prebuilt = |loader: &str, libcs: &[&str]| {
        let draft = node(&shop, loader);
        libcs.iter().fold(draft, |draft, libc| {
            let path = format!("/app/node_modules/m/prebuilds/linux-x64/m.{libc}.node");
            draft.file(&path, 0o755, &addon)
        })
    };
    for (own, other, loader) in [("glibc", "musl", GLIBC), ("musl", "glibc", MUSL)] {
        assert_eq!(told(&judge(prebuilt(loader, &[own, other]))), [""; 0]);
        let (rule, seen) = only(prebuilt(loader, &[other]));
        assert_eq!(rule, "native/no-addon /app/node_modules/m");
        assert!(seen.contains(&format!("linux-x64, {own}")), "{seen}");
    }
    // One that was built for musl says so by the library that it needs.
    shop.link(
        "libc.so",
        "void call(void) {}",
        &["-shared", "-Wl,-soname,libc.musl-x86_64.so.1"],
    );
    let at = shop.path("libc.so").display().to_string();
    let source = "void call(void); void napi_register_module_v1(void) { call(); }";
    let musl = shop.link("m.node", source, &["-shared", &at]);
    let (rule, seen) = only(node(&shop, GLIBC).file(ADDON, 0o755, musl));
    assert_eq!(rule, format!("native/library {ADDON}"));
    assert!(seen.contains("libc.musl-x86_64.so.1"), "{seen}");
}

/// Files below `/app/node_modules`: for this platform and version, for others, and none at all.
#[test]
fn of_files_side_by_side_those_for_others_are_not_loaded() {
    let shop = Workshop::new();
    let addon = |version: u32| {
        let source = format!("void node_register_module_v{version}(void) {{}}");
        shop.link("m.node", &source, &["-shared"])
    };
    let (own, old) = (addon(137), addon(115));
    let alien = vec![0xcf, 0xfa, 0xed, 0xfe, 0, 0];
    // What lies where, and whether it is loaded on this platform.
    let trees: [&[(&str, &[u8])]; 7] = [
        &[
            ("m/build/Release/m-1.0.0-linux-x64.node", &own),
            ("m/build/Release/m-1.0.0-darwin-arm64.node", &alien),
        ],
        &[
            ("m/lib/cpu-linux-x64-glibc-137.node", &own),
            ("m/lib/cpu-linux-x64-glibc-115.node", &old),
        ],
        &[
            ("m/prebuilds/linuxglibc-x64/node-137.node", &own),
            ("m/prebuilds/linuxglibc-x64/node-115.node", &old),
            ("m/prebuilds/linuxmusl-x64/node-137.node", &alien),
        ],
        &[
            ("m/build/linux/x64/node/115/addon.node", &own),
            ("m/build/linux/x64/node/glibc-127-Release/addon.node", &old),
        ],
        &[
            ("@m/core-linux-x64-gnu/m.node", &own),
            ("@m/core-linux-x64-musl/m.node", &old),
        ],
        // The package that is built at its place, or else brings one for each platform.
        &[("m/binding.gyp", b""), ("m-linux-x64/m.node", &own)],
        &[("m/test/m.node", &old), ("m/m.node", &own)],
    ];
    let image = |files: &[(&str, &[u8])]| {
        files
            .iter()
            .fold(node(&shop, GLIBC), |draft, (name, bytes)| {
                draft.file(&format!("/app/node_modules/{name}"), 0o755, bytes)
            })
    };
    let package =
        r#"{"main":"i.js","optionalDependencies":{"m-linux-x64":"1","m-darwin-x64":"1"}}"#;
    for tree in trees {
        let draft = image(tree).text("/app/node_modules/m/package.json", package);
        assert_eq!(told(&judge(draft)), [""; 0], "{:?}", tree[0].0);
    }
    // Without the one that is loaded something is said, and when it is not what its name says.
    let swapped: [(&str, &[u8]); 2] = [
        ("m/lib/cpu-linux-x64-glibc-137.node", &old),
        ("m/lib/cpu-linux-x64-glibc-115.node", &own),
    ];
    for tree in [
        &trees[1][1..],
        &trees[2][1..],
        &trees[3][1..],
        &trees[5][..1],
        &swapped,
    ] {
        let draft = image(tree).text("/app/node_modules/m/package.json", package);
        assert_eq!(told(&judge(draft)).len(), 1, "{:?}", tree[0].0);
    }
}

/// What was never built, by how it is asked for.
#[test]
fn a_package_that_may_fail_to_be_built_is_no_fault() {
    let shop = Workshop::new();
    let (may, must) = (
        r#"{"optionalDependencies":{"m":"1"}}"#,
        r#"{"dependencies":{"m":"1"}}"#,
    );
    for (asks, project, wrong) in [
        (may, "{}", false),
        (may, must, true),
        (must, "{}", true),
        ("{}", "{}", true),
    ] {
        let draft = node(&shop, GLIBC)
            .text("/app/node_modules/m/binding.gyp", "")
            .text("/app/node_modules/n/package.json", asks)
            .text("/app/package.json", project);
        let count = told(&judge(draft)).len();
        assert_eq!(count, usize::from(wrong), "{asks} {project}");
    }
}
