//! Resolution for `import`: Node's ESM algorithm.

use url::Url;

use super::error::{ErrorKind, ResolveError};
use super::package::{self, Base};
use super::{Format, Kind, Resolved, Resolver, Warning, builtin, data_url, format, hint, target};
use crate::file_url::{contains_ignoring_case, path_of_url, url_of_path};
use crate::path;

/// `import specifier`, with what Node refuses only when it loads.
pub(super) fn import(
    resolver: &Resolver,
    specifier: &str,
    parent: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Resolved, ResolveError> {
    let href = resolve(resolver, specifier, parent, warnings)?;
    if let Some(id) = href.strip_prefix("node:") {
        return builtin::normalize(resolver.builtins, &href)
            .map(Resolved::Builtin)
            .ok_or_else(|| ResolveError::unknown_builtin(&format!("node:{id}")));
    }
    if href.starts_with("data:") {
        return data_url::load(&href);
    }
    let url = Url::parse(&href).map_err(|_error| ResolveError::invalid_url(&href))?;
    if url.scheme() != "file" {
        return Err(unsupported_scheme(url.scheme()));
    }
    let path = path_of_url(&url)?;
    match format::of_url(resolver, &url)? {
        Format::Unknown(extension) => Err(format::unknown_extension(&extension, &path)),
        format => Ok(Resolved::File {
            url: href,
            path,
            format,
        }),
    }
}

/// `import.meta.resolve(specifier)`, but for what it forgives.
pub(super) fn resolve(
    resolver: &Resolver,
    specifier: &str,
    parent: &str,
    warnings: &mut Vec<Warning>,
) -> Result<String, ResolveError> {
    let parent_url = Url::parse(parent).map_err(|_error| ResolveError::invalid_url(parent))?;
    let parsed = if is_path(specifier) {
        parent_url.join(specifier)
    } else {
        Url::parse(specifier)
    };
    match parsed.as_ref().map(Url::scheme) {
        Ok("data") => return Ok(parsed.map(String::from).unwrap_or_default()),
        Ok("node") => return Ok(specifier.to_owned()),
        _ => {}
    }
    let mut resolved = resolve_module(resolver, specifier, &parent_url, warnings);
    if let Err(error) = &mut resolved
        && matches!(
            error.code,
            Some("ERR_MODULE_NOT_FOUND" | "ERR_UNSUPPORTED_DIR_IMPORT")
        )
    {
        hint::decorate(resolver, error, specifier, parent, warnings);
    }
    resolved.map(String::from)
}

fn resolve_module(
    resolver: &Resolver,
    specifier: &str,
    parent: &Url,
    warnings: &mut Vec<Warning>,
) -> Result<Url, ResolveError> {
    let conditions = &resolver.import_conditions;
    let url = if is_path(specifier) {
        parent
            .join(specifier)
            .map_err(|_error| unsupported_request(specifier, parent))?
    } else if parent.scheme() == "file" && specifier.starts_with('#') {
        target::imports(
            resolver,
            specifier,
            &Base::of_url(parent)?,
            conditions,
            warnings,
        )?
    } else if let Ok(url) = Url::parse(specifier) {
        url
    } else if let Some(id) = builtin::without_scheme(resolver.builtins, specifier) {
        Url::parse(&format!("node:{id}")).map_err(|_error| ResolveError::invalid_url(id))?
    } else if parent.scheme() == "data" {
        return Err(unsupported_request(specifier, parent));
    } else {
        package::resolve(
            resolver,
            specifier,
            &Base::of_url(parent)?,
            conditions,
            warnings,
        )?
    };
    if url.scheme() == "file" {
        finalize(resolver, url, parent)
    } else {
        Ok(url)
    }
}

/// The file must be there; links are replaced by what they point to.
fn finalize(resolver: &Resolver, mut url: Url, parent: &Url) -> Result<Url, ResolveError> {
    let base = || path_of_url(parent).unwrap_or_else(|_| parent.to_string());
    if contains_ignoring_case(url.path(), "%2f") || contains_ignoring_case(url.path(), "%5c") {
        let reason = "must not include encoded \"/\" or \"\\\" characters";
        return Err(ResolveError::invalid_specifier(
            url.path(),
            reason,
            Some(&base()),
        ));
    }
    let path = path_of_url(&url).map_err(|mut error| {
        error.input = Some(url.to_string());
        error.module = Some(parent.to_string());
        error
    })?;
    // Node looks at `/` instead of a path that ends in a slash, so that is always a directory.
    let kind = if path.ends_with('/') {
        Kind::Directory
    } else {
        resolver.kind(&path)
    };
    match kind {
        Kind::File => {}
        Kind::Directory => {
            let mut error = ResolveError::new(
                "ERR_UNSUPPORTED_DIR_IMPORT",
                ErrorKind::Error,
                format!(
                    "Directory import '{path}' is not supported resolving ES modules imported from {}",
                    base()
                ),
            );
            error.url = Some(url.to_string());
            return Err(error);
        }
        Kind::Nothing => {
            return Err(ResolveError::module_not_found(
                &path,
                &base(),
                Some(url.as_str()),
            ));
        }
    }
    if !resolver.preserve_symlinks {
        let mut real = url_of_path(&resolver.real_path(&path));
        real.set_query(url.query());
        real.set_fragment(url.fragment());
        url = real;
    }
    Ok(url)
}

/// `main` without `exports`: as CommonJS finds it, but for packages that are directories inside.
pub(super) fn legacy_main(
    resolver: &Resolver,
    directory: &str,
    main: Option<&str>,
    base: &Base,
    warnings: &mut Vec<Warning>,
) -> Result<Url, ResolveError> {
    const WITH_MAIN: [&str; 7] = [
        "",
        ".js",
        ".json",
        ".node",
        "/index.js",
        "/index.json",
        "/index.node",
    ];
    let mut first = None;
    let mut found = None;
    if let Some(main) = main {
        let start = path::resolve(directory, main);
        found = WITH_MAIN
            .iter()
            .find(|end| resolver.kind(&format!("{start}{end}")) == Kind::File)
            .map(|end| format!("{}{end}", if main.is_empty() { "./" } else { main }));
        first = Some(start);
    }
    if found.is_none() {
        found = ["./index.js", "./index.json", "./index.node"]
            .iter()
            .find(|name| resolver.kind(&path::resolve(directory, name)) == Kind::File)
            .map(|name| (*name).to_owned());
    }
    let Some(relative) = found else {
        let missing = first.unwrap_or_else(|| format!("{directory}/index.js"));
        return Err(ResolveError::module_not_found(&missing, &base.path, None));
    };
    let file = path::resolve(directory, &relative);
    let url = url_of_path(&file);
    warn_legacy_main(resolver, &url, &file, directory, main, base, warnings);
    Ok(url)
}

fn warn_legacy_main(
    resolver: &Resolver,
    url: &Url,
    file: &str,
    directory: &str,
    main: Option<&str>,
    base: &Base,
    warnings: &mut Vec<Warning>,
) {
    if format::of_url(resolver, url).ok() != Some(Format::Module) {
        return;
    }
    let inside = file
        .strip_prefix(directory)
        .unwrap_or(file)
        .trim_start_matches('/');
    let message = match main.filter(|main| !main.is_empty()) {
        None => format!(
            "No \"main\" or \"exports\" field defined in the package.json for {directory}/ resolving the main entry point \
             \"{inside}\", imported from {}.\nDefault \"index\" lookups for the main are deprecated for ES modules.",
            base.path
        ),
        Some(main) if path::resolve(directory, main) != file => format!(
            "Package {directory}/ has a \"main\" field set to \"{main}\", excluding the full filename and extension to the \
             resolved file at \"{inside}\", imported from {}.\n Automatic extension resolution of the \"main\" field is \
             deprecated for ES modules.",
            base.path
        ),
        Some(_) => return,
    };
    warnings.push(Warning {
        code: "DEP0151",
        message,
    });
}

fn unsupported_request(specifier: &str, parent: &Url) -> ResolveError {
    let mut error = ResolveError::new(
        "ERR_UNSUPPORTED_RESOLVE_REQUEST",
        ErrorKind::TypeError,
        format!(
            "Failed to resolve module specifier \"{specifier}\" from \"{parent}\": Invalid relative URL or base scheme is not \
             hierarchical."
        ),
    );
    error.cause = Some(ResolveError::invalid_url(specifier));
    error
}

fn unsupported_scheme(scheme: &str) -> ResolveError {
    // Node lets these two pass its first check and refuses them in its second, in other words.
    let known = if matches!(scheme, "http" | "https") {
        "file and data"
    } else {
        "file, data, and node"
    };
    ResolveError::new(
        "ERR_UNSUPPORTED_ESM_URL_SCHEME",
        ErrorKind::Error,
        format!(
            "Only URLs with a scheme in: {known} are supported by the default ESM loader. Received protocol '{scheme}:'"
        ),
    )
}

/// Whether a specifier is a path: `/x`, `.`, `..`, `./x`, `../x`.
pub(super) fn is_path(specifier: &str) -> bool {
    specifier.starts_with('/') || is_relative(specifier)
}

pub(super) fn is_relative(specifier: &str) -> bool {
    matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../")
}
