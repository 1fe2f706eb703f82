//! Where packages are: their `package.json`, the scope of a file, the walk up through `node_modules`.

use std::sync::Arc;

use url::Url;

use super::error::{ErrorKind, ResolveError};
use super::{Kind, PackageEntry, Resolver, Warning, builtin, esm, target};
use crate::file_url::{path_of_url, path_to_file_url};
use crate::package_json::PackageJson;
use crate::path;

/// The module that asks: its URL for one message, its path for all others.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) href: String,
    pub(super) path: String,
}

impl Base {
    pub(super) fn of_path(path: &str) -> Self {
        Self {
            href: path_to_file_url(path),
            path: path.to_owned(),
        }
    }

    pub(super) fn of_url(url: &Url) -> Result<Self, ResolveError> {
        Ok(Self {
            href: url.to_string(),
            path: path_of_url(url)?,
        })
    }
}

impl Resolver {
    /// The `package.json` at a path. `importing` is what Node mentions if the file is malformed: specifier and module.
    pub(super) fn package_at(
        &self,
        path: &str,
        importing: Option<(&str, &str)>,
    ) -> Result<Option<Arc<PackageJson>>, ResolveError> {
        let entry = self
            .packages
            .get_or(path.to_owned(), || match self.tree.read(path) {
                Err(_) => PackageEntry::Absent,
                Ok(bytes) => match PackageJson::parse(path, &bytes) {
                    Ok(package) => PackageEntry::Present(Arc::new(package)),
                    Err(_) => PackageEntry::Malformed,
                },
            });
        match entry {
            PackageEntry::Absent => Ok(None),
            PackageEntry::Present(package) => Ok(Some(package)),
            PackageEntry::Malformed => {
                let while_importing = importing
                    .map(|(specifier, from)| {
                        format!(" while importing \"{specifier}\" from {from}")
                    })
                    .unwrap_or_default();
                Err(ResolveError::new(
                    "ERR_INVALID_PACKAGE_CONFIG",
                    ErrorKind::Error,
                    format!("Invalid package config {path}{while_importing}."),
                ))
            }
        }
    }

    /// The nearest `package.json` above a path. Node looks at the root of the file system in one of its two walks only; our
    /// root is the root of a package, so it counts in both.
    pub(super) fn nearest_package(
        &self,
        of: &str,
    ) -> Result<Option<Arc<PackageJson>>, ResolveError> {
        let mut directory = match of.rfind('/') {
            Some(index) => &of[..index],
            None => return Ok(None),
        };
        while !directory.ends_with("/node_modules") {
            let found = self.package_at(&format!("{directory}/package.json"), None)?;
            if found.is_some() {
                return Ok(found);
            }
            match directory.rfind('/') {
                Some(index) => directory = &directory[..index],
                None => break,
            }
        }
        Ok(None)
    }
}

/// `PACKAGE_RESOLVE`: a bare specifier, to a `node:` or `file:` URL.
pub(super) fn resolve(
    resolver: &Resolver,
    specifier: &str,
    base: &Base,
    conditions: &[String],
    warnings: &mut Vec<Warning>,
) -> Result<Url, ResolveError> {
    if builtin::without_scheme(resolver.builtins, specifier).is_some() {
        return Url::parse(&format!("node:{specifier}"))
            .map_err(|_error| ResolveError::invalid_url(specifier));
    }
    let (name, subpath) = parse_name(specifier, &base.path)?;
    if let Some(package) = resolver.nearest_package(&base.path)?
        && package.has_exports()
        && package.name() == Some(name)
    {
        return target::exports(
            resolver,
            &package,
            &subpath,
            Some(base),
            conditions,
            warnings,
        );
    }
    let directory = find(resolver, name, base)?;
    let json = format!("{directory}/package.json");
    let package = resolver.package_at(&json, Some((specifier, &base.path)))?;
    if let Some(package) = package.as_deref().filter(|package| package.has_exports()) {
        return target::exports(
            resolver,
            package,
            &subpath,
            Some(base),
            conditions,
            warnings,
        );
    }
    if subpath == "." {
        let main = package.as_deref().and_then(PackageJson::main);
        return esm::legacy_main(resolver, &directory, main, base, warnings);
    }
    let json = crate::file_url::url_of_path(&json);
    json.join(&subpath)
        .map_err(|_error| ResolveError::invalid_url(&subpath))
}

/// The directory of a package: the nearest `node_modules` that has it.
fn find(resolver: &Resolver, name: &str, base: &Base) -> Result<String, ResolveError> {
    let mut directory = path::dirname(&base.path);
    loop {
        let prefix = if directory == "/" { "" } else { directory };
        // An empty name is the directory itself, as it is in Node.
        let candidate = path::resolve("/", &format!("{prefix}/node_modules/{name}"));
        if resolver.kind(&candidate) == Kind::Directory {
            return Ok(candidate);
        }
        if directory == "/" {
            return Err(ResolveError::module_not_found(name, &base.path, None));
        }
        directory = path::dirname(directory);
    }
}

/// The name of the package and the subpath with a dot in front.
fn parse_name<'s>(specifier: &'s str, base: &str) -> Result<(&'s str, String), ResolveError> {
    let mut end = specifier.find('/');
    let mut valid = true;
    if specifier.starts_with('@') {
        match end {
            None => valid = false,
            Some(slash) => {
                let second = specifier[slash + 1..].find('/');
                end = second.map(|index| slash + 1 + index);
            }
        }
    }
    let (name, rest) = specifier.split_at(end.unwrap_or(specifier.len()));
    if !valid || name.starts_with('.') || name.contains(['%', '\\']) {
        return Err(ResolveError::invalid_specifier(
            specifier,
            "is not a valid package name",
            Some(base),
        ));
    }
    Ok((name, format!(".{rest}")))
}
