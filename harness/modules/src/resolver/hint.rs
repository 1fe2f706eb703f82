//! "Did you mean to import …": what CommonJS would have found.

use super::error::{ResolveError, quote};
use super::{RequireContext, Resolver, Warning, cjs, esm};
use crate::file_url::{encode_uri_component, file_url_to_path, path_to_file_url, url_of_path};
use crate::path;

/// Adds the hint to the message, if there is one. Looking for it warns like any other look.
pub(super) fn decorate(
    resolver: &Resolver,
    error: &mut ResolveError,
    specifier: &str,
    parent: &str,
    warnings: &mut Vec<Warning>,
) {
    let decoded = if specifier.starts_with("file://") {
        file_url_to_path(specifier).ok()
    } else {
        None
    };
    let specifier = decoded.as_deref().unwrap_or(specifier);
    if let Some(found) = find(resolver, specifier, parent, warnings)
        && found != specifier
    {
        error.message.push_str("\nDid you mean to import ");
        error.message.push_str(&quote(&found));
        error.message.push('?');
    }
}

fn find(
    resolver: &Resolver,
    specifier: &str,
    parent: &str,
    warnings: &mut Vec<Warning>,
) -> Option<String> {
    let path = file_url_to_path(parent).ok()?;
    let paths = cjs::node_module_paths(&path);
    // Node asks for a module without a file name, so relative requests start at the working directory, which is our root.
    let context = RequireContext {
        module_paths: Some(&paths),
        ..RequireContext::default()
    };
    let found = cjs::resolve_filename(resolver, specifier, &context, warnings).ok()?;
    if esm::is_relative(specifier) {
        let directory = parent.strip_prefix("file://")?;
        let directory = &directory[..directory.rfind('/')?];
        let relative = path::relative(directory, url_of_path(&found).path());
        return Some(if relative.starts_with("../") {
            relative
        } else {
            format!("./{relative}")
        });
    }
    if specifier.starts_with(['/', '.']) || specifier.is_empty() {
        return Some(found);
    }
    let package = specifier.split('/').next().unwrap_or(specifier);
    let needle = format!("/node_modules/{package}/");
    Some(match found.rfind(&needle) {
        Some(index) => {
            let inside = &found[index + needle.len()..];
            let parts: Vec<String> = inside.split('/').map(encode_uri_component).collect();
            format!("{package}/{}", parts.join("/"))
        }
        None => path_to_file_url(&found),
    })
}
