//! The names of a CommonJS module together with those of the modules it re-exports.

use std::collections::{HashMap, HashSet};

use super::cjs_exports;
use crate::resolver::{Format, Resolved, Resolver};

/// The export names of the CommonJS modules seen so far, as one process of Node remembers them.
///
/// The memory is part of the behaviour: in a cycle, the module that is looked at second gets what is known of the first by
/// then, and keeps that.
#[derive(Debug, Default)]
pub struct ExportNames {
    known: HashMap<String, Names>,
}

/// Names in the order of their detection.
#[derive(Debug, Default)]
struct Names {
    order: Vec<String>,
    set: HashSet<String>,
}

/// A module whose re-exports are being followed.
struct Visit {
    path: String,
    /// What is left, last first.
    reexports: Vec<String>,
    /// The module just followed, whose names are to be taken over.
    followed: Option<String>,
}

/// The names that the CommonJS module at `path` offers, re-exports followed. `default` and `'module.exports'` are the caller's.
#[must_use]
pub fn exports_of(resolver: &Resolver, path: &str) -> Vec<String> {
    ExportNames::default().of(resolver, path).to_vec()
}

impl ExportNames {
    /// As [`exports_of`], remembering.
    pub fn of(&mut self, resolver: &Resolver, path: &str) -> &[String] {
        // Chains of re-exports may be longer than our stack is deep.
        let mut visits: Vec<Visit> = self.begin(resolver, path).into_iter().collect();
        while let Some(visit) = visits.last_mut() {
            if let Some(followed) = visit.followed.take() {
                self.take_over(&visit.path, &followed);
            }
            let Some(request) = visit.reexports.pop() else {
                visits.pop();
                continue;
            };
            // What cannot be found is left out, as in Node.
            let Ok(Resolved::File { path, format, .. }) = resolver.require(&request, &visit.path)
            else {
                continue;
            };
            if matches!(format, Format::Json | Format::Addon) {
                continue;
            }
            let next = self.begin(resolver, &path);
            visit.followed = Some(path);
            visits.extend(next);
        }
        self.known.get(path).map_or(&[], |names| &names.order)
    }

    /// Detects the module's own names, if it is not known yet.
    fn begin(&mut self, resolver: &Resolver, path: &str) -> Option<Visit> {
        if self.known.contains_key(path) {
            return None;
        }
        let exports = match resolver.tree().read(path) {
            Ok(bytes) => cjs_exports(&String::from_utf8_lossy(&bytes)),
            Err(_) => super::CjsExports::default(),
        };
        let mut names = Names::default();
        names.extend(exports.names);
        self.known.insert(path.to_owned(), names);
        let mut reexports = exports.reexports;
        reexports.reverse();
        Some(Visit {
            path: path.to_owned(),
            reexports,
            followed: None,
        })
    }

    fn take_over(&mut self, path: &str, from: &str) {
        let names = self
            .known
            .get(from)
            .map(|names| names.order.clone())
            .unwrap_or_default();
        if let Some(own) = self.known.get_mut(path) {
            own.extend(names);
        }
    }
}

impl Names {
    fn extend(&mut self, names: Vec<String>) {
        for name in names {
            if self.set.insert(name.clone()) {
                self.order.push(name);
            }
        }
    }
}
