//! The modules that a boot loads, followed from its programs as Node would, and every name that one asks of another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use adamant_modules::{
    ExportNames, Format, Options, RequireContext, ResolveError, Resolved, Resolver, TypeScript,
    path_to_file_url,
};
use serde_json::Value;

use super::builtin::BUILTINS;
use super::bundle;
use super::entry::{JsEntry, Runtime};
use super::parse::{self, Call, CallKind, Goal, Module, Named};
use crate::finding::{Finding, Place, Report, Room};
use crate::programs::Why;
use crate::rule;
use crate::subject::Target;

/// The most modules that are followed from one program.
const MOST: usize = 30_000;

/// Follows every program that Node runs.
pub(crate) fn judge(target: &Target, entries: &[JsEntry], report: &mut Report) {
    let natives = natives(target);
    // Programs that find the same by the same names share what was read.
    let mut graphs: BTreeMap<_, Graph<'_>> = BTreeMap::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.runtime == Runtime::Node)
    {
        let key = (
            entry.conditions.clone(),
            entry.is_hooked(),
            entry.preserves_links,
            everywhere(target, entry),
        );
        let graph = graphs
            .entry(key)
            .or_insert_with(|| Graph::new(target, entry, &natives));
        graph.program(entry, entries, report);
    }
    let modules: usize = graphs.values().map(|graph| graph.done.len()).sum();
    let bound: usize = graphs.values().map(|graph| graph.bound).sum();
    if modules > 0 {
        report.count(Room::Packaging, "module", modules);
        report.count(Room::Packaging, "named import", bound);
    }
}

/// The packages of the image that have an addon.
fn natives(target: &Target) -> BTreeSet<String> {
    let addons = target
        .image
        .entries
        .keys()
        .filter(|path| path.ends_with(".node"));
    let name = |path: &String| {
        let rest = path.rsplit_once("/node_modules/")?.1;
        let mut parts = rest.split('/');
        let first = parts.next()?;
        Some(if first.starts_with('@') {
            format!("{first}/{}", parts.next()?)
        } else {
            first.to_owned()
        })
    };
    addons.filter_map(name).collect()
}

/// `Module.globalPaths`: `NODE_PATH`, the home's `.node_modules`, and `lib/node` beside the directory of the executable.
fn everywhere(target: &Target, entry: &JsEntry) -> Vec<String> {
    let env = target.env();
    let listed = env.get("NODE_PATH").into_iter();
    let mut places: Vec<String> = listed
        .flat_map(|list| list.split(':'))
        .filter(|place| !place.is_empty())
        .map(|place| adamant_modules::path::resolve(&entry.program.cwd, place))
        .collect();
    if let Some(home) = env.get("HOME") {
        places.extend([".node_modules", ".node_libraries"].map(|name| format!("{home}/{name}")));
    }
    if let Some(executable) = &entry.executable {
        places.push(adamant_modules::path::resolve(
            adamant_modules::path::dirname(&executable.path),
            "../lib/node",
        ));
    }
    places
}

/// A file that was read.
struct Loaded {
    module: Module,
    is_esm: bool,
    text: String,
}

struct Graph<'t> {
    target: &'t Target,
    resolver: Resolver,
    names: ExportNames,
    natives: &'t BTreeSet<String>,
    hooked: bool,
    /// Whether a loader finds packages in Yarn's archives.
    plugs: bool,
    /// Where `require` looks last, whoever asks.
    everywhere: Vec<String>,
    loaded: HashMap<String, Option<Arc<Loaded>>>,
    done: HashSet<String>,
    bound: usize,
}

/// A module that is still to be judged.
struct Step {
    path: String,
    format: Format,
}

impl<'t> Graph<'t> {
    fn new(target: &'t Target, entry: &JsEntry, natives: &'t BTreeSet<String>) -> Self {
        let options = Options {
            conditions: entry.conditions.clone(),
            builtins: BUILTINS,
            preserve_symlinks: entry.preserves_links,
        };
        Self {
            target,
            resolver: Resolver::new(target.tree.clone(), options),
            names: ExportNames::default(),
            natives,
            hooked: entry.is_hooked(),
            plugs: target
                .image
                .entries
                .keys()
                .any(|path| path.ends_with("/.pnp.cjs")),
            everywhere: everywhere(target, entry),
            loaded: HashMap::new(),
            done: HashSet::new(),
            bound: 0,
        }
    }

    fn program(&mut self, entry: &JsEntry, all: &[JsEntry], report: &mut Report) {
        let by = &entry.program.by;
        let mut queue = VecDeque::new();
        if let Some(script) = &entry.script {
            match self.resolver.require(script, "/") {
                Ok(Resolved::File { path, .. }) => {
                    let format = self.resolver.format_of(&path);
                    queue.push_back(Step { path, format });
                }
                Err(error)
                    if !self.target.is_mounted(script)
                        && entry.program.why != Why::Script
                        && !self.has_better_reading(entry, all) =>
                {
                    let finding = Finding::new(
                        &rule::PACKAGE_UNRESOLVED,
                        entry.program.place.clone(),
                        format!("`{script}` is not in the image"),
                    );
                    let finding =
                        finding.expected("the program that the runtime is given is in the image");
                    report.add(
                        finding
                            .because(format!("{by} runs it; Node ends with: {}", error.message))
                            .fix("copy it into the image, or correct the command"),
                    );
                }
                _ => {}
            }
        }
        let own = format!("{}/[eval]", entry.program.cwd.trim_end_matches('/'));
        let parent = path_to_file_url(&own);
        for preload in &entry.preloads {
            let found = if preload.is_required {
                self.require(&preload.specifier, &own)
            } else {
                self.resolver.import(&preload.specifier, &parent)
            };
            let preload = &preload.specifier;
            match found {
                Ok(Resolved::File { path, format, .. }) => queue.push_back(Step { path, format }),
                Ok(_) => {}
                Err(error) => {
                    let finding = Finding::new(
                        &rule::PACKAGE_UNRESOLVED,
                        entry.program.place.clone(),
                        format!("`{preload}`, which is to be loaded first, is not found"),
                    );
                    report.add(finding.because(format!(
                        "{by} asks for it; Node ends with: {}",
                        error.message
                    )));
                }
            }
        }
        while let Some(step) = queue.pop_front() {
            if self.done.len() >= MOST {
                report.broken(
                    Room::Packaging,
                    &step.path,
                    format!("more than {MOST} modules are reached; the rest was not followed"),
                );
                break;
            }
            if self.done.insert(step.path.clone()) {
                self.judge(&step, by, &mut queue, report);
            }
        }
    }

    /// `require`, which looks in some places of the whole process when it has looked above the module.
    fn require(&self, specifier: &str, path: &str) -> Result<Resolved, ResolveError> {
        self.resolver.require(specifier, path).or_else(|error| {
            if error.code != Some("MODULE_NOT_FOUND") || specifier.starts_with(['.', '/', '#']) {
                return Err(error);
            }
            let context = RequireContext {
                module_paths: Some(&self.everywhere),
                ..RequireContext::default()
            };
            // Of a failure the first is told: it names where a module is looked for.
            self.resolver
                .require_in(specifier, &context, &mut Vec::new())
                .or(Err(error))
        })
    }

    /// Whether another reading of the same line names a program that is there, or none that is known.
    fn has_better_reading(&self, entry: &JsEntry, all: &[JsEntry]) -> bool {
        let same = |other: &&JsEntry| {
            other.program.place == entry.program.place && entry.program.place.line.is_some()
        };
        let mut others = all.iter().filter(same);
        others.any(|other| {
            let script = other.script.as_ref();
            script.is_none_or(|script| self.resolver.require(script, "/").is_ok())
        })
    }

    fn load(&mut self, path: &str, format: &Format, report: &mut Report) -> Option<Arc<Loaded>> {
        if let Some(known) = self.loaded.get(path) {
            return known.clone();
        }
        let loaded = self.read(path, format, report).map(Arc::new);
        self.loaded.insert(path.to_owned(), loaded.clone());
        loaded
    }

    fn read(&self, path: &str, format: &Format, report: &mut Report) -> Option<Loaded> {
        let goal = match format {
            Format::Module | Format::TypeScript(TypeScript::Module) => Goal::Module,
            Format::CommonJs | Format::TypeScript(TypeScript::CommonJs) | Format::Unknown(_) => {
                Goal::CommonJs
            }
            Format::Ambiguous | Format::TypeScript(TypeScript::Ambiguous) => Goal::Either,
            Format::Json | Format::Wasm | Format::Addon => return None,
        };
        let parsed = self.target.text(path).and_then(|text| {
            // A first line for the kernel is a comment to the parser too.
            parse::parse(path, &text, goal).map(|module| (text, module))
        });
        match parsed {
            Ok((text, module)) => {
                let is_esm = goal == Goal::Module || goal == Goal::Either && module.is_module;
                Some(Loaded {
                    module,
                    is_esm,
                    text,
                })
            }
            Err(why) => {
                report.broken(Room::Packaging, path, why);
                None
            }
        }
    }

    fn judge(&mut self, step: &Step, by: &str, queue: &mut VecDeque<Step>, report: &mut Report) {
        let Some(loaded) = self.load(&step.path, &step.format, report) else {
            return;
        };
        let path = &step.path;
        if let Some((line, why)) = &loaded.module.broken {
            let finding =
                Finding::new(&rule::PACKAGE_SYNTAX, Place::line(path, *line), why.clone());
            report.add(finding.because(format!("{by} loads it; Node ends with a SyntaxError")));
            return;
        }
        if let Some(finding) = self.unread(step, &loaded) {
            report.add(finding.because(format!("{by} loads it; Node ends with an error")));
            return;
        }
        let own = !path.contains("/node_modules/");
        let bundle = own
            .then(|| bundle::of(self.target, path, &loaded.text))
            .flatten();
        if let Some(bundle) = &bundle {
            bundle::judge(
                self.target,
                path,
                &loaded.text,
                bundle,
                self.natives,
                by,
                report,
            );
        }
        let from = From {
            path,
            by,
            own,
            bundle: bundle.is_some(),
            requires: !loaded.is_esm || bundle.is_some() || makes_require(&loaded.text),
        };
        if loaded.is_esm {
            for (specifier, line) in &loaded.module.requested {
                match self.resolver.import(specifier, &path_to_file_url(path)) {
                    Ok(Resolved::File { path, format, .. }) => {
                        if format == Format::Json
                            && !self.hooked
                            && !loaded.module.attributed.contains(specifier)
                        {
                            report.add(without_attribute(&from, specifier, *line));
                        }
                        queue.push_back(Step { path, format });
                    }
                    Ok(_) => {}
                    Err(error) => self.unresolved(&from, specifier, *line, &error, queue, report),
                }
            }
            self.bind(&from, &loaded, report);
        }
        for call in &loaded.module.calls {
            self.call(&from, call, loaded.is_esm, queue, report);
        }
    }

    /// `import(…)` and `require(…)`.
    fn call(
        &mut self,
        from: &From<'_>,
        call: &Call,
        is_esm: bool,
        queue: &mut VecDeque<Step>,
        report: &mut Report,
    ) {
        // What others wrote may never come to its optional parts.
        if call.guarded || call.lazy && !from.own {
            return;
        }
        // `require` is no function of an ES module; bundlers and some people make one.
        if call.kind == CallKind::Require && is_esm && !from.requires {
            return;
        }
        let found = match call.kind {
            CallKind::Import => self
                .resolver
                .import(&call.specifier, &path_to_file_url(from.path)),
            CallKind::Require => self.require(&call.specifier, from.path),
        };
        match found {
            Ok(Resolved::File { path, format, .. }) => queue.push_back(Step { path, format }),
            Ok(_) => {}
            Err(_)
                if call.lazy
                    && call.kind == CallKind::Require
                    && !self.is_declared(from.path, &call.specifier) =>
            {
                let why = "it is not found, is asked for inside a function only, and the package does not declare it: it may be optional";
                report.note(
                    Room::Packaging,
                    format!("`{}` in {}:{}", call.specifier, from.path, call.line),
                    why,
                );
            }
            Err(error) => self.unresolved(from, &call.specifier, call.line, &error, queue, report),
        }
    }

    /// What Node does not even try to read: ES modules that are declared to be CommonJS, and TypeScript of a package.
    fn unread(&self, step: &Step, loaded: &Loaded) -> Option<Finding> {
        if self.hooked {
            return None;
        }
        let place = Place::file(&step.path);
        match &step.format {
            Format::CommonJs if loaded.module.is_module => Some(
                Finding::new(
                    &rule::PACKAGE_SYNTAX,
                    place,
                    "it has `import` or `export`, and its name or its package says that it is CommonJS",
                )
                .fix("name it `.mjs`, set `\"type\": \"module\"`, or compile it to CommonJS"),
            ),
            Format::TypeScript(_) if step.path.contains("/node_modules/") => Some(
                Finding::new(
                    &rule::PACKAGE_SYNTAX,
                    place,
                    "it is TypeScript of a package: Node strips types outside of `node_modules` only",
                )
                .fix("ship what the package is compiled to"),
            ),
            _ => None,
        }
    }

    /// Whether the nearest package declares a dependency, or a bare name is none of a package's.
    fn is_declared(&self, path: &str, specifier: &str) -> bool {
        if specifier.starts_with(['.', '/', '#']) {
            return false;
        }
        let Some(package) = self.resolver.package_scope(path) else {
            return false;
        };
        let text = self.target.text(package.path()).unwrap_or_default();
        let package: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut parts = specifier.splitn(3, '/');
        let first = parts.next().unwrap_or_default();
        let name = match parts.next() {
            Some(second) if first.starts_with('@') => format!("{first}/{second}"),
            _ => first.to_owned(),
        };
        package
            .get("dependencies")
            .is_some_and(|all| all.get(&name).is_some())
    }

    fn unresolved(
        &mut self,
        from: &From<'_>,
        specifier: &str,
        line: u32,
        error: &ResolveError,
        queue: &mut VecDeque<Step>,
        report: &mut Report,
    ) {
        let place = Place::line(from.path, line);
        // No loader brings a package that was to be installed, but Plug'n'Play.
        let is_owed = self.is_declared(from.path, specifier) && !self.plugs;
        if self.hooked && !is_owed {
            if let Some(step) = self.typescript(specifier, from.path) {
                queue.push_back(step);
                return;
            }
            report.note(
                Room::Packaging,
                format!("`{specifier}` in {place}"),
                "Node's own algorithm does not find it, but a loader that runs first may",
            );
            return;
        }
        let bare = !specifier.starts_with(['.', '/']) && !specifier.starts_with("file:");
        let rule = match (from.bundle, bare) {
            (true, true) => &rule::PACKAGE_EXTERNAL,
            (true, false) => &rule::PACKAGE_RELATIVE,
            (false, _) => &rule::PACKAGE_UNRESOLVED,
        };
        let finding = Finding::new(
            rule,
            place,
            format!(
                "`{specifier}` does not resolve from {}{}",
                from.path,
                self.hint(specifier)
            ),
        );
        let code = error
            .code
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        report.add(finding.because(format!(
            "{} loads it; Node ends with: {}{code}",
            from.by, error.message
        )));
    }

    /// Where a package is instead, when it is somewhere that Node does not look.
    fn hint(&self, specifier: &str) -> String {
        let end = format!("/node_modules/{specifier}");
        let elsewhere = self
            .target
            .image
            .entries
            .keys()
            .find(|path| path.ends_with(&end));
        elsewhere.map_or_else(String::new, |path| {
            format!("; it is in {path}, where Node does not look from there")
        })
    }

    /// What loaders for TypeScript find beyond Node: `./x` and `./x.js` for `x.ts`.
    fn typescript(&self, specifier: &str, parent: &str) -> Option<Step> {
        let stem = specifier.strip_suffix(".js").unwrap_or(specifier);
        let ends = [".ts", ".tsx", ".js", "/index.ts", "/index.js"];
        let mut found = ends.iter().filter_map(|end| {
            match self
                .resolver
                .import(&format!("{stem}{end}"), &path_to_file_url(parent))
            {
                Ok(Resolved::File { path, format, .. }) => Some(Step { path, format }),
                _ => None,
            }
        });
        found.next()
    }

    /// Every name that an ES module asks for.
    fn bind(&mut self, from: &From<'_>, loaded: &Loaded, report: &mut Report) {
        let is_typed = [".ts", ".mts", ".tsx"]
            .iter()
            .any(|end| from.path.ends_with(end));
        let reexported = loaded.module.reexports.iter().map(|r| &r.from);
        for named in loaded.module.imports.iter().chain(reexported) {
            let Some(name) = &named.name else { continue };
            // A loader drops what is used as a type only.
            if is_typed && self.hooked && !loaded.module.used.contains(&named.local) {
                continue;
            }
            let Some((path, format)) = self.find(named, from.path) else {
                continue;
            };
            self.bound += 1;
            match self.offers(&path, &format, name, &mut BTreeSet::new(), report) {
                Offer::Yes | Offer::Unknown => {}
                Offer::No { commonjs } => report.add(missing(from, named, name, &path, commonjs)),
            }
        }
    }

    fn find(&self, named: &Named, parent: &str) -> Option<(String, Format)> {
        let found = self
            .resolver
            .import(&named.specifier, &path_to_file_url(parent));
        match found {
            Ok(Resolved::File { path, format, .. }) => Some((path, format)),
            Err(_) if self.hooked => self
                .typescript(&named.specifier, parent)
                .map(|s| (s.path, s.format)),
            _ => None,
        }
    }

    fn offers(
        &mut self,
        path: &str,
        format: &Format,
        name: &str,
        seen: &mut BTreeSet<(String, String)>,
        report: &mut Report,
    ) -> Offer {
        if matches!(format, Format::Json) {
            return if name == "default" {
                Offer::Yes
            } else {
                Offer::No { commonjs: false }
            };
        }
        let Some(loaded) = self.load(path, format, report) else {
            return Offer::Unknown;
        };
        if loaded.module.broken.is_some() {
            return Offer::Unknown;
        }
        if !loaded.is_esm {
            let names = self.names.of(&self.resolver, path);
            let has =
                matches!(name, "default" | "module.exports") || names.iter().any(|n| n == name);
            return if has {
                Offer::Yes
            } else {
                Offer::No { commonjs: true }
            };
        }
        let module = &loaded.module;
        if module.exports.contains(name) {
            return Offer::Yes;
        }
        // A cycle of re-exports offers nothing by itself.
        if !seen.insert((path.to_owned(), name.to_owned())) {
            return Offer::No { commonjs: false };
        }
        if let Some(reexport) = module.reexports.iter().find(|r| r.exported == name) {
            let Some(wanted) = &reexport.from.name else {
                return Offer::Yes;
            };
            return match self.find(&reexport.from, path) {
                Some((path, format)) => self.offers(&path, &format, wanted, seen, report),
                None => Offer::Unknown,
            };
        }
        // `default` is never handed on by `export *`.
        if name == "default" {
            return Offer::No { commonjs: false };
        }
        let mut unknown = false;
        for star in &module.stars {
            let named = Named {
                specifier: star.clone(),
                name: None,
                local: String::new(),
                line: 0,
            };
            match self.find(&named, path) {
                None => unknown = true,
                Some((path, format)) => match self.offers(&path, &format, name, seen, report) {
                    Offer::Yes => return Offer::Yes,
                    Offer::Unknown => unknown = true,
                    Offer::No { .. } => {}
                },
            }
        }
        if unknown {
            Offer::Unknown
        } else {
            Offer::No { commonjs: false }
        }
    }
}

/// `const require = createRequire(import.meta.url)`.
fn makes_require(text: &str) -> bool {
    ["require = createRequire(", "require=createRequire("]
        .iter()
        .any(|made| memchr::memmem::find(text.as_bytes(), made.as_bytes()).is_some())
}

fn without_attribute(from: &From<'_>, specifier: &str, line: u32) -> Finding {
    let seen = format!("`{specifier}` is JSON, and is imported without `type: \"json\"`");
    Finding::new(&rule::PACKAGE_SYNTAX, Place::line(from.path, line), seen)
        .because(format!(
            "{} loads it; Node ends with: ERR_IMPORT_ATTRIBUTE_MISSING",
            from.by
        ))
        .fix(format!(
            "`import … from '{specifier}' with {{ type: 'json' }}`, or bundle the file"
        ))
}

/// The module that asks.
struct From<'a> {
    path: &'a str,
    by: &'a str,
    own: bool,
    bundle: bool,
    /// Whether `require` is a function in it.
    requires: bool,
}

/// Whether a module offers a name.
enum Offer {
    Yes,
    No { commonjs: bool },
    Unknown,
}

fn missing(from: &From<'_>, named: &Named, name: &str, path: &str, commonjs: bool) -> Finding {
    let specifier = &named.specifier;
    let seen = format!("`{name}` is asked of `{specifier}`, and {path} does not export it");
    let (says, fix) = if commonjs {
        let fix = format!(
            "import the default and take the name from it: `import pkg from '{specifier}'; const {{ {name} }} = pkg;`, or bundle the application so that nothing is bound across packages"
        );
        (
            format!(
                "Named export '{name}' not found. The requested module '{specifier}' is a CommonJS module, which may not support all module.exports as named exports."
            ),
            fix,
        )
    } else {
        let fix = "correct the name, or ship the version of the package that has it".to_owned();
        (
            format!("The requested module '{specifier}' does not provide an export named '{name}'"),
            fix,
        )
    };
    let finding = Finding::new(
        &rule::PACKAGE_EXPORT,
        Place::line(from.path, named.line),
        seen,
    );
    finding
        .because(format!(
            "{} loads it; Node ends with: SyntaxError: {says}",
            from.by
        ))
        .fix(fix)
}
