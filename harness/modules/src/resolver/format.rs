//! How a file is to be read, by its extension and the `type` of its package.

use url::Url;

use super::Resolver;
use super::error::{ErrorKind, ResolveError};
use crate::file_url::{path_of_url, url_of_path};
use crate::package_json::PackageType;

/// How a module is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// CommonJS.
    CommonJs,
    /// An ES module.
    Module,
    /// JSON.
    Json,
    /// WebAssembly.
    Wasm,
    /// A native addon, `.node`.
    Addon,
    /// TypeScript, whose types Node would strip; what is left is an ES module, CommonJS, or either.
    TypeScript(TypeScript),
    /// CommonJS, unless it only parses as an ES module.
    Ambiguous,
    /// An extension that `import` does not know, with its dot.
    Unknown(String),
}

/// What TypeScript is without its types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeScript {
    /// CommonJS.
    CommonJs,
    /// An ES module.
    Module,
    /// CommonJS, unless it only parses as an ES module.
    Ambiguous,
}

/// How `import` reads the file at a path.
pub(super) fn of_import(resolver: &Resolver, path: &str) -> Result<Format, ResolveError> {
    of_url(resolver, &url_of_path(path))
}

/// How `import` reads a `file:` URL.
pub(super) fn of_url(resolver: &Resolver, url: &Url) -> Result<Format, ResolveError> {
    let path = path_of_url(url)?;
    Ok(match extension(url.path()) {
        ".js" => of_type(resolver, &path)?,
        "" => match of_type(resolver, &path)? {
            Format::Module | Format::Ambiguous if is_wasm(resolver, &path) => Format::Wasm,
            format => format,
        },
        ".mjs" => Format::Module,
        ".cjs" => Format::CommonJs,
        ".json" => Format::Json,
        ".wasm" => Format::Wasm,
        ".node" => Format::Addon,
        ".mts" | ".cts" | ".ts" => typescript(resolver, &path)?,
        other => Format::Unknown(other.to_owned()),
    })
}

/// How `require` reads a file: by its longest registered extension, `.js` being the one for all others.
pub(super) fn of_require(
    resolver: &Resolver,
    path: &str,
    extensions: &[&str],
) -> Result<Format, ResolveError> {
    Ok(match registered(path, extensions) {
        ".json" => Format::Json,
        ".node" => Format::Addon,
        ".js" if path.ends_with(".cjs") => Format::CommonJs,
        ".js" if path.ends_with(".mjs") => Format::Module,
        ".js" if path.ends_with(".js") => of_type(resolver, path)?,
        ".js"
            if [".ts", ".mts", ".cts"]
                .iter()
                .any(|end| path.ends_with(end)) =>
        {
            typescript(resolver, path)?
        }
        _ => Format::Ambiguous,
    })
}

/// The longest extension of the name that is registered, else `.js`.
pub(super) fn registered<'e>(path: &str, extensions: &[&'e str]) -> &'e str {
    let name = crate::path::basename(path);
    name.char_indices()
        .filter(|(index, character)| *character == '.' && *index > 0)
        .find_map(|(index, _)| {
            extensions
                .iter()
                .find(|extension| **extension == &name[index..])
        })
        .copied()
        .unwrap_or(".js")
}

pub(super) fn unknown_extension(extension: &str, path: &str) -> ResolveError {
    ResolveError::new(
        "ERR_UNKNOWN_FILE_EXTENSION",
        ErrorKind::TypeError,
        format!("Unknown file extension \"{extension}\" for {path}"),
    )
}

fn of_type(resolver: &Resolver, path: &str) -> Result<Format, ResolveError> {
    let package = resolver.nearest_package(path)?;
    Ok(
        match package.map_or(PackageType::None, |package| package.package_type()) {
            PackageType::CommonJs => Format::CommonJs,
            PackageType::Module => Format::Module,
            PackageType::None => Format::Ambiguous,
        },
    )
}

fn typescript(resolver: &Resolver, path: &str) -> Result<Format, ResolveError> {
    let kind = if path.ends_with(".mts") {
        TypeScript::Module
    } else if path.ends_with(".cts") {
        TypeScript::CommonJs
    } else {
        match of_type(resolver, path)? {
            Format::Module => TypeScript::Module,
            Format::CommonJs => TypeScript::CommonJs,
            _ => TypeScript::Ambiguous,
        }
    };
    Ok(Format::TypeScript(kind))
}

/// `path.extname`, of the path as it stands in the URL.
fn extension(pathname: &str) -> &str {
    let name = pathname.rsplit('/').next().unwrap_or(pathname);
    match name.rfind('.') {
        Some(index) if index > 0 => &name[index..],
        _ => "",
    }
}

fn is_wasm(resolver: &Resolver, path: &str) -> bool {
    resolver
        .tree
        .read_at(path, 0, 4)
        .is_ok_and(|start| start == b"\0asm")
}
