//! Resolution for `require`: Node's CommonJS algorithm.

use url::Url;

use super::error::{ErrorKind, ResolveError};
use super::package::Base;
use super::{Kind, Resolved, Resolver, Warning, builtin, format, target};
use crate::file_url::{contains_ignoring_case, path_of_url, path_to_file_url};
use crate::package_json::PackageJson;
use crate::path;

/// The extensions of a fresh `Module._extensions`.
const EXTENSIONS: [&str; 3] = [".js", ".json", ".node"];

/// The module that calls `require`, and what the guest changed about it.
#[derive(Debug, Clone, Copy)]
pub struct RequireContext<'c> {
    /// `module.filename`.
    pub filename: Option<&'c str>,
    /// `module.paths`; if absent, made from `filename`.
    pub module_paths: Option<&'c [String]>,
    /// `filename || id` of the module and its parents, for `requireStack`; if absent, `filename` alone.
    pub require_stack: Option<&'c [String]>,
    /// The `paths` option of `require.resolve`.
    pub paths: Option<&'c [String]>,
    /// The keys of `Module._extensions`, in their order.
    pub extensions: &'c [&'c str],
    /// Conditions instead of those of `require`.
    pub conditions: Option<&'c [String]>,
    /// `process.cwd()`.
    pub working_directory: &'c str,
}

impl Default for RequireContext<'_> {
    fn default() -> Self {
        Self {
            filename: None,
            module_paths: None,
            require_stack: None,
            paths: None,
            extensions: &EXTENSIONS,
            conditions: None,
            working_directory: "/",
        }
    }
}

impl<'c> RequireContext<'c> {
    /// A module of a fresh process.
    #[must_use]
    pub fn of(filename: &'c str) -> Self {
        Self {
            filename: Some(filename),
            ..Self::default()
        }
    }

    fn conditions<'a>(&'a self, resolver: &'a Resolver) -> &'a [String] {
        self.conditions.unwrap_or(&resolver.require_conditions)
    }
}

/// `require(request)`.
pub(super) fn require(
    resolver: &Resolver,
    request: &str,
    context: &RequireContext<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Resolved, ResolveError> {
    if let Some(id) = builtin::normalize(resolver.builtins, request) {
        return Ok(Resolved::Builtin(id));
    }
    if request.starts_with("node:") {
        return Err(ResolveError::unknown_builtin(request));
    }
    let path = resolve_filename(resolver, request, context, warnings)?;
    // An `imports` entry may lead to a builtin; the path is then its URL.
    if let Some(id) = builtin::normalize(resolver.builtins, &path) {
        return Ok(Resolved::Builtin(id));
    }
    let format = format::of_require(resolver, &path, context.extensions)?;
    Ok(Resolved::File {
        url: path_to_file_url(&path),
        path,
        format,
    })
}

/// `Module._resolveFilename(request, parent, isMain, options)`.
pub(super) fn resolve_filename(
    resolver: &Resolver,
    request: &str,
    context: &RequireContext<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<String, ResolveError> {
    if builtin::normalize(resolver.builtins, request).is_some() {
        return Ok(request.to_owned());
    }
    let paths = match context.paths {
        Some(paths) if is_relative(request) => paths.to_vec(),
        Some(paths) => lookup_paths_of(resolver, request, paths),
        None => lookup_paths(resolver, request, context).unwrap_or_default(),
    };
    if let Some(filename) = context.filename {
        let conditions = context.conditions(resolver);
        if request.starts_with('#')
            && let Some(package) = resolver.nearest_package(filename)?
            && package.imports()?.is_some()
        {
            return resolve_import(resolver, request, filename, &package, conditions, warnings);
        }
        if let Some(found) = resolve_self(resolver, request, filename, conditions, warnings)? {
            return Ok(found);
        }
    }
    if let Some(found) = find_path(resolver, request, &paths, context, warnings)? {
        return Ok(found);
    }
    let own = context.filename.map(str::to_owned);
    let stack = context
        .require_stack
        .map_or_else(|| own.into_iter().collect(), <[String]>::to_vec);
    let mut message = format!("Cannot find module '{request}'");
    if !stack.is_empty() {
        message.push_str("\nRequire stack:\n- ");
        message.push_str(&stack.join("\n- "));
    }
    let mut error = ResolveError::new("MODULE_NOT_FOUND", ErrorKind::Error, message);
    error.require_stack = Some(stack);
    Err(error)
}

/// `#name`.
fn resolve_import(
    resolver: &Resolver,
    request: &str,
    filename: &str,
    package: &PackageJson,
    conditions: &[String],
    warnings: &mut Vec<Warning>,
) -> Result<String, ResolveError> {
    let url = target::imports(
        resolver,
        request,
        &Base::of_path(filename),
        conditions,
        warnings,
    )
    .map_err(|error| not_found(error, request, None))?;
    finalize(resolver, &url, Some(filename), package.path())
}

/// A package that asks for itself by its name.
fn resolve_self(
    resolver: &Resolver,
    request: &str,
    filename: &str,
    conditions: &[String],
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, ResolveError> {
    let Some(package) = resolver.nearest_package(filename)? else {
        return Ok(None);
    };
    let Some(name) = package.name().filter(|_| package.has_exports()) else {
        return Ok(None);
    };
    let Some(rest) = request
        .strip_prefix(name)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
    else {
        return Ok(None);
    };
    let base = Base::of_path(filename);
    target::exports(
        resolver,
        &package,
        &format!(".{rest}"),
        Some(&base),
        conditions,
        warnings,
    )
    .map_err(|error| not_found(error, request, Some(package.path())))
    .and_then(|url| finalize(resolver, &url, Some(filename), package.path()))
    .map(Some)
}

/// A package in `directory` that has `exports`.
fn resolve_exports(
    resolver: &Resolver,
    directory: &str,
    request: &str,
    conditions: &[String],
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, ResolveError> {
    let Some((name, rest)) = split_package(request) else {
        return Ok(None);
    };
    let place = path::resolve(directory, name);
    let json = format!("{place}/package.json");
    let Some(package) = resolver
        .package_at(&json, None)?
        .filter(|package| package.has_exports())
    else {
        return Ok(None);
    };
    target::exports(
        resolver,
        &package,
        &format!(".{rest}"),
        None,
        conditions,
        warnings,
    )
    .map_err(|error| not_found(error, request, Some(&json)))
    .and_then(|url| finalize(resolver, &url, None, &place))
    .map(Some)
}

/// Name and subpath of `name`, `name/x`, `@scope/name`, `@scope/name/x`; nothing else can be a package.
fn split_package(request: &str) -> Option<(&str, &str)> {
    let end = match request
        .strip_prefix('@')
        .and_then(|rest| rest.split_once('/'))
    {
        Some((scope, rest)) if !scope.is_empty() && !scope.contains(['\\', '%']) => {
            let start = scope.len() + 2;
            start + rest.find('/').unwrap_or(rest.len())
        }
        _ => request.find('/').unwrap_or(request.len()),
    };
    let (name, rest) = request.split_at(end);
    let own = name.rsplit('/').next().unwrap_or(name);
    let valid = !own.is_empty() && !own.starts_with('.') && !own.contains(['\\', '%']);
    // The subpath must fit on one line.
    let one_line = !rest.contains(['\n', '\r', '\u{2028}', '\u{2029}']);
    (valid && one_line).then_some((name, rest))
}

/// `Module._findPath(request, paths)`.
pub(super) fn find_path(
    resolver: &Resolver,
    request: &str,
    paths: &[String],
    context: &RequireContext<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, ResolveError> {
    let root = [String::new()];
    let absolute = request.starts_with('/');
    let paths = if absolute { &root[..] } else { paths };
    let slash = matches!(request, "." | "..")
        || ["/", "/.", "/.."].iter().any(|end| request.ends_with(end));
    let inside = !(is_relative(request) && path::normalize(request).starts_with(".."));
    for place in paths {
        let place = if place.is_empty() {
            context.working_directory.to_owned()
        } else {
            let place = path::resolve(context.working_directory, place);
            if inside && resolver.kind(&place) != Kind::Directory {
                continue;
            }
            place
        };
        if !absolute {
            let conditions = context.conditions(resolver);
            let found = resolve_exports(resolver, &place, request, conditions, warnings)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let base = path::resolve(&place, request);
        let kind = resolver.kind(&base);
        let mut found = None;
        if !slash {
            found = file(resolver, &base)
                .or_else(|| with_extension(resolver, &base, context.extensions));
        }
        if found.is_none() && kind == Kind::Directory {
            found = as_directory(resolver, &base, request, context.extensions, warnings)?;
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// `LOAD_AS_DIRECTORY`.
fn as_directory(
    resolver: &Resolver,
    directory: &str,
    request: &str,
    extensions: &[&str],
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, ResolveError> {
    let json = path::resolve(directory, "package.json");
    let package = resolver.package_at(&json, None)?;
    let index = path::resolve(directory, "index");
    let Some(main) = package
        .as_deref()
        .and_then(PackageJson::main)
        .filter(|main| !main.is_empty())
    else {
        return Ok(with_extension(resolver, &index, extensions));
    };
    let file_name = path::resolve(directory, main);
    let found = file(resolver, &file_name)
        .or_else(|| with_extension(resolver, &file_name, extensions))
        .or_else(|| with_extension(resolver, &path::resolve(&file_name, "index"), extensions));
    if found.is_some() {
        return Ok(found);
    }
    let Some(found) = with_extension(resolver, &index, extensions) else {
        let mut error = ResolveError::new(
            "MODULE_NOT_FOUND",
            ErrorKind::Error,
            format!(
                "Cannot find module '{file_name}'. Please verify that the package.json has a valid \"main\" entry"
            ),
        );
        error.path = Some(json);
        error.request_path = Some(request.to_owned());
        return Err(error);
    };
    warnings.push(Warning {
        code: "DEP0128",
        message: format!(
            "Invalid 'main' field in '{json}' of '{main}'. Please either fix that or report it to the module author"
        ),
    });
    Ok(Some(found))
}

fn file(resolver: &Resolver, path: &str) -> Option<String> {
    if resolver.kind(path) != Kind::File {
        return None;
    }
    Some(if resolver.preserve_symlinks {
        path.to_owned()
    } else {
        resolver.real_path(path)
    })
}

fn with_extension(resolver: &Resolver, path: &str, extensions: &[&str]) -> Option<String> {
    extensions
        .iter()
        .find_map(|extension| file(resolver, &format!("{path}{extension}")))
}

/// What an `exports` or `imports` entry points to must be a file.
fn finalize(
    resolver: &Resolver,
    url: &Url,
    parent: Option<&str>,
    package: &str,
) -> Result<String, ResolveError> {
    if contains_ignoring_case(url.as_str(), "%2f") || contains_ignoring_case(url.as_str(), "%5c") {
        let reason = "must not include encoded \"/\" or \"\\\" characters";
        return Err(ResolveError::invalid_specifier(
            url.as_str(),
            reason,
            parent,
        ));
    }
    let path = path_of_url(url)?;
    file(resolver, &path).ok_or_else(|| ResolveError::target_not_found(&path, Some(package)))
}

/// CommonJS has its own words for a module that is not found.
fn not_found(error: ResolveError, request: &str, path: Option<&str>) -> ResolveError {
    if error.code == Some("ERR_MODULE_NOT_FOUND") {
        ResolveError::target_not_found(request, path)
    } else {
        error
    }
}

/// `Module._resolveLookupPaths(request, parent)`.
pub(super) fn lookup_paths(
    resolver: &Resolver,
    request: &str,
    context: &RequireContext<'_>,
) -> Option<Vec<String>> {
    if builtin::normalize(resolver.builtins, request).is_some() {
        return None;
    }
    if !looks_local(request) {
        let paths = match (context.module_paths, context.filename) {
            (Some(paths), _) => paths.to_vec(),
            (None, Some(filename)) => node_module_paths(path::dirname(filename)),
            (None, None) => Vec::new(),
        };
        return Some(paths).filter(|paths| !paths.is_empty());
    }
    Some(vec![context.filename.map_or(".", path::dirname).to_owned()])
}

/// Where `require.resolve(request, { paths })` looks for a package.
fn lookup_paths_of(resolver: &Resolver, request: &str, paths: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for start in paths {
        let module_paths = node_module_paths(start);
        let context = RequireContext {
            module_paths: Some(&module_paths),
            ..RequireContext::default()
        };
        for place in lookup_paths(resolver, request, &context).unwrap_or_default() {
            if !all.contains(&place) {
                all.push(place);
            }
        }
    }
    all
}

/// `Module._nodeModulePaths(from)`.
pub(super) fn node_module_paths(from: &str) -> Vec<String> {
    let from = path::resolve("/", from);
    let mut paths = Vec::new();
    let mut here = from.as_str();
    while let Some((above, name)) = here.rsplit_once('/') {
        if name != "node_modules" && here != "/" {
            paths.push(format!("{here}/node_modules"));
        }
        here = above;
    }
    paths.push("/node_modules".to_owned());
    paths
}

/// Whether Node looks for the request beside the module: it starts with `./` or `..`, or is `.`.
fn looks_local(request: &str) -> bool {
    request == "." || request.starts_with("./") || request.starts_with("..")
}

fn is_relative(request: &str) -> bool {
    super::esm::is_relative(request) || request.starts_with("..\\")
}
