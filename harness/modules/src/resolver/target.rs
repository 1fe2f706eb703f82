//! `exports` and `imports`: which entry a subpath means, and what it points to.

use serde_json::{Map, Value};
use url::Url;

use super::error::{ErrorKind, ResolveError};
use super::package::{self, Base};
use super::{Resolver, Warning, field_name};
use crate::file_url::{path_of_url, percent_decoded, url_of_path};
use crate::package_json::PackageJson;

/// What an entry comes to.
enum Target {
    /// No condition held.
    Undefined,
    /// Closed by `null`.
    Null,
    Url(Url),
}

/// What stays the same while the target of one request is looked for.
struct Search<'s> {
    resolver: &'s Resolver,
    package: &'s PackageJson,
    url: Url,
    base: Option<&'s Base>,
    conditions: &'s [String],
    imports: bool,
    /// The key that matched, and what `*` stands for if it is a pattern.
    key: &'s str,
    star: Option<&'s str>,
    /// The request ends in a slash: Node then stays silent about odd segments.
    slash: bool,
}

/// `PACKAGE_EXPORTS_RESOLVE` for a package that has `exports`.
pub(super) fn exports(
    resolver: &Resolver,
    package: &PackageJson,
    subpath: &str,
    base: Option<&Base>,
    conditions: &[String],
    warnings: &mut Vec<Warning>,
) -> Result<Url, ResolveError> {
    let not_exported = || {
        let base = base.map(|base| base.path.as_str());
        ResolveError::not_exported(package.directory(), subpath, base)
    };
    let field = package.exports()?.ok_or_else(not_exported)?;
    let map = match field {
        Value::Object(map) if !is_sugar(map, package, base)? => map,
        // The field is the target of the package itself.
        _ if subpath == "." => {
            let search = Search::new(resolver, package, base, conditions, false, ".");
            return found(search.resolve(field, warnings)?).ok_or_else(not_exported);
        }
        _ => return Err(not_exported()),
    };
    if let Some(target) = map
        .get(subpath)
        .filter(|_| !subpath.contains('*') && !subpath.ends_with('/'))
    {
        let search = Search::new(resolver, package, base, conditions, false, subpath);
        return found(search.resolve(target, warnings)?).ok_or_else(not_exported);
    }
    let slash = subpath.ends_with('/');
    let best = best_pattern(map, subpath);
    if slash && best.touched {
        warn_trailing_slash(subpath, package, base, warnings);
    }
    let (key, star, target) = best.entry.ok_or_else(not_exported)?;
    let mut search = Search::new(resolver, package, base, conditions, false, key);
    search.star = Some(star);
    search.slash = slash;
    found(search.resolve(target, warnings)?).ok_or_else(not_exported)
}

/// `PACKAGE_IMPORTS_RESOLVE` for a name that starts with `#`.
pub(super) fn imports(
    resolver: &Resolver,
    name: &str,
    base: &Base,
    conditions: &[String],
    warnings: &mut Vec<Warning>,
) -> Result<Url, ResolveError> {
    if name == "#" || name.ends_with('/') {
        let reason = "is not a valid internal imports specifier name";
        return Err(ResolveError::invalid_specifier(
            name,
            reason,
            Some(&base.path),
        ));
    }
    let package = resolver.nearest_package(&base.path)?;
    if let Some(package) = package.as_deref()
        && let Some(Value::Object(map)) = package.imports()?
    {
        let exact = map.get(name).filter(|_| !name.contains('*'));
        let entry = match exact {
            Some(target) => Some((name, None, target)),
            None => best_pattern(map, name)
                .entry
                .map(|(key, star, target)| (key, Some(star), target)),
        };
        if let Some((key, star, target)) = entry {
            let mut search = Search::new(resolver, package, Some(base), conditions, true, key);
            search.star = star;
            if let Some(url) = found(search.resolve(target, warnings)?) {
                return Ok(url);
            }
        }
    }
    let place = package
        .map(|package| format!(" in package {}", package.path()))
        .unwrap_or_default();
    Err(ResolveError::new(
        "ERR_PACKAGE_IMPORT_NOT_DEFINED",
        ErrorKind::TypeError,
        format!(
            "Package import specifier \"{name}\" is not defined{place} imported from {}",
            base.path
        ),
    ))
}

fn found(target: Target) -> Option<Url> {
    match target {
        Target::Url(url) => Some(url),
        Target::Null | Target::Undefined => None,
    }
}

/// Whether the keys are conditions, not subpaths.
fn is_sugar(
    map: &Map<String, Value>,
    package: &PackageJson,
    base: Option<&Base>,
) -> Result<bool, ResolveError> {
    let mut kinds = map.keys().map(|key| !key.starts_with('.'));
    let Some(first) = kinds.next() else {
        return Ok(false);
    };
    if kinds.all(|kind| kind == first) {
        return Ok(first);
    }
    Err(ResolveError::package_config(
        package.path(),
        base.map(|base| base.href.as_str()),
        "\"exports\" cannot contain some keys starting with '.' and some not. The exports object must either be an object of \
         package subpath keys or an object of main entry condition name keys only.",
    ))
}

struct Best<'m> {
    /// Key, what its `*` stands for, and target.
    entry: Option<(&'m str, &'m str, &'m Value)>,
    /// Some pattern began like the request, whether it then matched or not.
    touched: bool,
}

/// The most specific pattern that matches.
fn best_pattern<'m>(map: &'m Map<String, Value>, request: &'m str) -> Best<'m> {
    let length = js_length(request);
    let mut best = Best {
        entry: None,
        touched: false,
    };
    for (key, target) in map {
        let Some((head, tail)) = key.split_once('*') else {
            continue;
        };
        let Some(rest) = request.strip_prefix(head) else {
            continue;
        };
        best.touched = true;
        if length < js_length(key) || tail.contains('*') {
            continue;
        }
        let Some(star) = rest.strip_suffix(tail) else {
            continue;
        };
        if best
            .entry
            .is_none_or(|(other, ..)| more_specific(key, other))
        {
            best.entry = Some((key, star, target));
        }
    }
    best
}

/// `PATTERN_KEY_COMPARE`: a longer head wins, then a longer key; the first of two equals stays.
fn more_specific(key: &str, other: &str) -> bool {
    let head = |key: &str| js_length(key.split_once('*').map_or(key, |(head, _)| head));
    (head(key), js_length(key)) > (head(other), js_length(other))
}

/// The length of a string in JavaScript.
fn js_length(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

impl<'s> Search<'s> {
    fn new(
        resolver: &'s Resolver,
        package: &'s PackageJson,
        base: Option<&'s Base>,
        conditions: &'s [String],
        imports: bool,
        key: &'s str,
    ) -> Self {
        let url = url_of_path(package.path());
        Self {
            resolver,
            package,
            url,
            base,
            conditions,
            imports,
            key,
            star: None,
            slash: false,
        }
    }

    fn resolve(&self, target: &Value, warnings: &mut Vec<Warning>) -> Result<Target, ResolveError> {
        match target {
            Value::String(text) => self.resolve_text(text, warnings).map(Target::Url),
            Value::Array(items) => self.resolve_first(items, warnings),
            Value::Object(map) => self.resolve_conditions(map, warnings),
            Value::Null => Ok(Target::Null),
            Value::Bool(_) | Value::Number(_) => Err(self.invalid_target(&target.to_string())),
        }
    }

    /// The first item that is valid; what was wrong with the last one, if none is.
    fn resolve_first(
        &self,
        items: &[Value],
        warnings: &mut Vec<Warning>,
    ) -> Result<Target, ResolveError> {
        let mut last = if items.is_empty() {
            Ok(Target::Null)
        } else {
            Ok(Target::Undefined)
        };
        for item in items {
            match self.resolve(item, warnings) {
                Ok(Target::Url(url)) => return Ok(Target::Url(url)),
                Ok(Target::Undefined) => {}
                Ok(Target::Null) => last = Ok(Target::Null),
                Err(error) if error.code == Some("ERR_INVALID_PACKAGE_TARGET") => last = Err(error),
                Err(error) => return Err(error),
            }
        }
        last
    }

    fn resolve_conditions(
        &self,
        map: &Map<String, Value>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Target, ResolveError> {
        if map.keys().any(|key| is_array_index(key)) {
            return Err(ResolveError::package_config(
                self.package.path(),
                self.base.map(|base| base.href.as_str()),
                "\"exports\" cannot contain numeric property keys.",
            ));
        }
        for (key, target) in map {
            if key == "default" || self.conditions.contains(key) {
                match self.resolve(target, warnings)? {
                    Target::Undefined => {}
                    settled => return Ok(settled),
                }
            }
        }
        Ok(Target::Undefined)
    }

    fn resolve_text(&self, target: &str, warnings: &mut Vec<Warning>) -> Result<Url, ResolveError> {
        let Some(inside) = target.strip_prefix("./") else {
            return self.resolve_outside(target, warnings);
        };
        match segments(inside) {
            Segments::Fine => {}
            Segments::Empty => self.warn_segment(target, true, warnings),
            Segments::Invalid => return Err(self.invalid_target(target)),
        }
        let url = self
            .url
            .join(target)
            .map_err(|_error| ResolveError::invalid_url(target))?;
        let directory = self
            .url
            .join(".")
            .map_err(|_error| ResolveError::invalid_url("."))?;
        if !url.path().starts_with(directory.path()) {
            return Err(self.invalid_target(target));
        }
        let Some(star) = self.star.filter(|star| !star.is_empty()) else {
            return Ok(url);
        };
        match segments(star) {
            Segments::Fine => {}
            Segments::Empty => self.warn_segment(target, false, warnings),
            Segments::Invalid => {
                let reason = format!(
                    "request is not a valid match in pattern \"{}\" for the \"{}\" resolution of {}",
                    self.key,
                    field_name(self.imports),
                    self.package.path()
                );
                return Err(ResolveError::invalid_specifier(
                    &self.request(),
                    &reason,
                    self.base_path(),
                ));
            }
        }
        let href = url.as_str().replace('*', star);
        Url::parse(&href).map_err(|_error| ResolveError::invalid_url(&href))
    }

    /// A target that is not a path of the package: `imports` may name another package.
    fn resolve_outside(
        &self,
        target: &str,
        warnings: &mut Vec<Warning>,
    ) -> Result<Url, ResolveError> {
        if !self.imports
            || target.starts_with('/')
            || target.starts_with("../")
            || Url::parse(target).is_ok()
        {
            return Err(self.invalid_target(target));
        }
        let specifier = match self.star {
            Some(star) => target.replace('*', star),
            None => target.to_owned(),
        };
        let base = Base {
            href: self.url.to_string(),
            path: path_of_url(&self.url)?,
        };
        package::resolve(self.resolver, &specifier, &base, self.conditions, warnings)
    }

    /// The request, put together again from the pattern.
    fn request(&self) -> String {
        match self.star {
            Some(star) => self.key.replacen('*', star, 1),
            None => self.key.to_owned(),
        }
    }

    fn base_path(&self) -> Option<&str> {
        self.base.map(|base| base.path.as_str())
    }

    fn invalid_target(&self, target: &str) -> ResolveError {
        ResolveError::package_target(
            self.package.directory(),
            self.key,
            target,
            self.imports,
            self.base_path(),
        )
    }

    fn warn_segment(&self, target: &str, in_target: bool, warnings: &mut Vec<Warning>) {
        if self.slash {
            return;
        }
        let request = self.request();
        let resolved = self
            .star
            .map_or_else(|| target.to_owned(), |star| target.replace('*', star));
        let judged = if in_target { &resolved } else { &request };
        let doubled = judged
            .as_bytes()
            .windows(2)
            .any(|pair| pair.iter().all(|byte| b"/\\".contains(byte)));
        let what = if doubled {
            "double slash"
        } else {
            "leading or trailing slash matching"
        };
        let matched = if request == self.key {
            String::new()
        } else {
            format!("matched to \"{}\" ", self.key)
        };
        let from = self
            .base_path()
            .map(|path| format!(" imported from {path}"))
            .unwrap_or_default();
        warnings.push(Warning {
            code: "DEP0166",
            message: format!(
                "Use of deprecated {what} resolving \"{resolved}\" for module request \"{request}\" {matched}in the \"{}\" \
                 field module resolution of the package at {}{from}.",
                field_name(self.imports),
                self.package.path()
            ),
        });
    }
}

/// Warns of a request that ends in a slash, once for each package and request.
fn warn_trailing_slash(
    subpath: &str,
    package: &PackageJson,
    base: Option<&Base>,
    warnings: &mut Vec<Warning>,
) {
    let start = format!(
        "Use of deprecated trailing slash pattern mapping \"{subpath}\" in the \"exports\" field module resolution of the package \
         at {}",
        package.path()
    );
    if warnings
        .iter()
        .any(|warning| warning.message.starts_with(&start))
    {
        return;
    }
    let from = base
        .map(|base| format!(" imported from {}", base.path))
        .unwrap_or_default();
    let message =
        format!("{start}{from}. Mapping specifiers ending in \"/\" is no longer supported.");
    warnings.push(Warning {
        code: "DEP0155",
        message,
    });
}

enum Segments {
    Fine,
    /// An empty one, that is a doubled, leading or trailing slash: deprecated.
    Empty,
    /// `.`, `..` or `node_modules`, plain or percent-encoded.
    Invalid,
}

fn segments(path: &str) -> Segments {
    let mut verdict = Segments::Fine;
    for segment in path.split(['/', '\\']) {
        if segment.is_empty() {
            verdict = Segments::Empty;
            continue;
        }
        let decoded = percent_decoded(segment);
        if matches!(decoded.as_slice(), b"." | b"..")
            || decoded.eq_ignore_ascii_case(b"node_modules")
        {
            return Segments::Invalid;
        }
    }
    verdict
}

/// Whether JavaScript takes the key for an array index.
fn is_array_index(key: &str) -> bool {
    let canonical =
        key == "0" || !key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit());
    canonical && key.parse::<u32>().is_ok_and(|index| index != u32::MAX)
}
