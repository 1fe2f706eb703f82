//! What an address or a path names, by its ending and its place: software, or data.

/// What an address or a path is, by its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Software,
    Data,
    Unknown,
}

/// Endings of code, archives, packages, models and executables.
const SOFTWARE: &[&str] = &[
    "sh",
    "bash",
    "py",
    "pl",
    "rb",
    "js",
    "mjs",
    "cjs",
    "ts",
    "php",
    "phar",
    "jar",
    "war",
    "ear",
    "zip",
    "tar",
    "tgz",
    "gz",
    "tbz",
    "tbz2",
    "bz2",
    "txz",
    "xz",
    "zst",
    "7z",
    "rar",
    "deb",
    "rpm",
    "apk",
    "whl",
    "egg",
    "gem",
    "so",
    "dll",
    "exe",
    "msi",
    "bin",
    "run",
    "appimage",
    "img",
    "iso",
    "qcow2",
    "vsix",
    "xpi",
    "crx",
    "nupkg",
    "safetensors",
    "ckpt",
    "pt",
    "pth",
    "gguf",
    "ggml",
    "onnx",
    "tflite",
    "h5",
    "pkl",
    "npz",
    "wasm",
    "node",
    "flatpak",
    "snap",
    "pkg",
    "vpk",
    "pak",
    "lua",
    "elf",
    "smx",
    "mcpack",
    "hpi",
    "jpi",
    "nar",
    "kar",
    "litemod",
    "mrpack",
    "traineddata",
];
/// Endings of settings, certificates, pages and tables.
const DATA: &[&str] = &[
    "json",
    "yml",
    "yaml",
    "toml",
    "ini",
    "cfg",
    "conf",
    "cnf",
    "env",
    "txt",
    "md",
    "csv",
    "tsv",
    "xml",
    "html",
    "htm",
    "pem",
    "crt",
    "cer",
    "key",
    "pub",
    "asc",
    "gpg",
    "sig",
    "sha256",
    "sha512",
    "md5",
    "log",
    "sql",
    "dump",
    "png",
    "jpg",
    "jpeg",
    "ico",
    "svg",
    "gif",
    "rules",
    "list",
    "dat",
    "mmdb",
    "lst",
    "hosts",
    "properties",
    "list",
    "repo",
    "tmpl",
    "template",
    "rss",
    "ics",
];

pub(super) fn kind_of(text: &str) -> Kind {
    let path = text.split_once("://").map_or(text, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let name = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path)
        .to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if SOFTWARE.contains(&ending) {
        Kind::Software
    } else if DATA.contains(&ending) || name == "sha256sums" {
        Kind::Data
    } else {
        Kind::Unknown
    }
}

/// Whether a path is where programs or plugins stand.
pub(super) fn is_for_programs(path: &str) -> bool {
    // What stands below `/var/lib` is state, for all its name.
    let path = path.strip_prefix("/var/lib/").unwrap_or(path);
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    parts.iter().any(|part| {
        matches!(
            *part,
            "bin"
                | "sbin"
                | "plugins"
                | "mods"
                | "extensions"
                | "addons"
                | "models"
                | "checkpoints"
                | "lib"
                | "custom_nodes"
        )
    })
}
