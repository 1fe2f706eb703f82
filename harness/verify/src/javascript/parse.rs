//! What a JavaScript or TypeScript file imports and exports, taken from its syntax tree.

use std::collections::BTreeSet;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrowFunctionExpression, CallExpression, ConditionalExpression, ExportAllDeclaration,
    ExportFromDeclaration, Expression, Function, IdentifierReference, IfStatement,
    ImportDeclaration, ImportExpression, LogicalExpression, StringLiteral, TSType, TryStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan as _, SourceType, Span};
use oxc_syntax::module_record::{ExportExportName, ExportImportName, ImportImportName};
use oxc_syntax::scope::ScopeFlags;

/// Brackets inside one another, and tokens of one expression: what recursion over the tree can bear.
const MAX_NESTING: u32 = 2_500;
const MAX_TOKENS: u32 = 60_000;
/// The stack on which files are parsed; only what is used of it costs memory.
pub(crate) const STACK: usize = 1 << 30;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    CommonJs,
    Module,
    /// A module if it has module syntax.
    Either,
}

/// A name that is asked for from another module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) specifier: String,
    /// `None` for the namespace.
    pub(crate) name: Option<String>,
    pub(crate) local: String,
    pub(crate) line: u32,
}

/// A name that is exported from another module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reexport {
    pub(crate) exported: String,
    pub(crate) from: Named,
}

/// How a module is asked for while the code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    Import,
    Require,
}

/// `import(…)` or `require(…)` of a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) specifier: String,
    pub(crate) kind: CallKind,
    pub(crate) line: u32,
    /// A failure is caught.
    pub(crate) guarded: bool,
    /// It runs only when something else happens: in a function or under a condition.
    pub(crate) lazy: bool,
}

/// A file as a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Module {
    /// Whether it has `import` or `export`.
    pub(crate) is_module: bool,
    /// Every module that is asked for statically, with its line; each once.
    pub(crate) requested: Vec<(String, u32)>,
    pub(crate) imports: Vec<Named>,
    pub(crate) exports: BTreeSet<String>,
    pub(crate) reexports: Vec<Reexport>,
    /// `export * from`.
    pub(crate) stars: Vec<String>,
    /// What is asked for with attributes: `with { type: "json" }`.
    pub(crate) attributed: BTreeSet<String>,
    pub(crate) calls: Vec<Call>,
    /// The names that are used as values.
    pub(crate) used: BTreeSet<String>,
    /// Where the parser gave up, and why.
    pub(crate) broken: Option<(u32, String)>,
}

/// Parses a file; the error says why it was not tried.
pub(crate) fn parse(path: &str, text: &str, goal: Goal) -> Result<Module, String> {
    bearable(text)?;
    let typed = [".ts", ".mts", ".cts", ".tsx"]
        .iter()
        .find(|end| path.ends_with(*end));
    let base = match (typed, goal) {
        (Some(&".tsx"), _) => SourceType::tsx(),
        (Some(_), _) => SourceType::ts(),
        (None, Goal::Module) => SourceType::mjs(),
        (None, Goal::CommonJs) => SourceType::cjs(),
        (None, Goal::Either) => SourceType::unambiguous(),
    };
    let base = if path.ends_with(".jsx") {
        base.with_jsx(true)
    } else {
        base
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, base).parse();
    let lines = Lines::new(text);
    let mut module = Module::default();
    if parsed.panicked {
        let first = parsed.diagnostics.iter().next();
        let line = first
            .and_then(|d| d.labels.iter().next())
            .map_or(1, |label| lines.of(label.offset()));
        let why = first.map_or_else(String::new, |d| d.message.to_string());
        module.broken = Some((line, why));
        return Ok(module);
    }
    record(&parsed.module_record, &lines, &mut module);
    let mut calls = Calls {
        lines: &lines,
        module: &mut module,
        functions: 0,
        guards: 0,
        conditions: 0,
    };
    calls.visit_program(&parsed.program);
    Ok(module)
}

fn record(
    record: &oxc_syntax::module_record::ModuleRecord<'_>,
    lines: &Lines,
    module: &mut Module,
) {
    module.is_module = record.has_module_syntax;
    for (specifier, requests) in &record.requested_modules {
        if let Some(request) = requests.iter().find(|request| !request.is_type) {
            module
                .requested
                .push((specifier.to_string(), lines.of(request.span.start)));
        }
    }
    // The map has no order of its own.
    module
        .requested
        .sort_by_key(|(specifier, line)| (*line, specifier.clone()));
    for import in record
        .import_entries
        .iter()
        .filter(|import| !import.is_type)
    {
        let name = match &import.import_name {
            ImportImportName::Name(name) => Some(name.name.to_string()),
            ImportImportName::Default(_) => Some("default".to_owned()),
            ImportImportName::NamespaceObject => None,
        };
        module.imports.push(Named {
            specifier: import.module_request.name.to_string(),
            name,
            local: import.local_name.name.to_string(),
            line: lines.of(import.statement_span.start),
        });
    }
    let exported = |name: &ExportExportName<'_>| match name {
        ExportExportName::Name(name) => Some(name.name.to_string()),
        ExportExportName::Default(_) => Some("default".to_owned()),
        ExportExportName::Null => None,
    };
    for export in record
        .local_export_entries
        .iter()
        .filter(|export| !export.is_type)
    {
        module.exports.extend(exported(&export.export_name));
    }
    for export in record
        .indirect_export_entries
        .iter()
        .filter(|export| !export.is_type)
    {
        let (Some(name), Some(request)) = (exported(&export.export_name), &export.module_request)
        else {
            continue;
        };
        let from = imported(record, &export.import_name);
        module.reexports.push(Reexport {
            from: Named {
                specifier: request.name.to_string(),
                name: from,
                local: name.clone(),
                line: lines.of(export.statement_span.start),
            },
            exported: name,
        });
    }
    for export in record
        .star_export_entries
        .iter()
        .filter(|export| !export.is_type)
    {
        let Some(request) = &export.module_request else {
            continue;
        };
        match exported(&export.export_name) {
            // `export * as name`.
            Some(name) => drop(module.exports.insert(name)),
            None => module.stars.push(request.name.to_string()),
        }
    }
}

/// The name that is asked for by an export of another module's name; `None` for the namespace.
fn imported(
    record: &oxc_syntax::module_record::ModuleRecord<'_>,
    name: &ExportImportName<'_>,
) -> Option<String> {
    let ExportImportName::Name(name) = name else {
        return None;
    };
    // The parser gives the local name of a default import that is exported again: `import d from 'x'; export { d }` asks `x` for
    // `default`.
    let is_default = record.import_entries.iter().any(|import| {
        import.local_name.span == name.span
            && matches!(import.import_name, ImportImportName::Default(_))
    });
    Some(if is_default {
        "default".to_owned()
    } else {
        name.name.to_string()
    })
}

/// Whether a text can be parsed within the stack. Comments and strings count as code: the bound is far above what people and
/// bundlers write.
fn bearable(text: &str) -> Result<(), String> {
    let (mut depth, mut deepest, mut tokens, mut longest): (u32, u32, u32, u32) = (0, 0, 0, 0);
    let mut in_word = false;
    for byte in text.bytes() {
        let word =
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.') || byte >= 0x80;
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                tokens = 0;
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                tokens = 0;
            }
            b',' | b';' => tokens = 0,
            _ if byte.is_ascii_whitespace() => {}
            _ if word && in_word => {}
            _ => {
                tokens += 1;
                longest = longest.max(tokens);
            }
        }
        in_word = word;
    }
    if deepest > MAX_NESTING || longest > MAX_TOKENS {
        return Err(format!(
            "it nests too deeply to be parsed ({deepest} brackets, {longest} tokens in one expression)"
        ));
    }
    Ok(())
}

/// Line numbers of offsets.
struct Lines(Vec<u32>);

impl Lines {
    fn new(text: &str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        Self(ends.filter_map(|at| u32::try_from(at).ok()).collect())
    }

    fn of(&self, offset: u32) -> u32 {
        u32::try_from(self.0.partition_point(|end| *end < offset) + 1).unwrap_or(u32::MAX)
    }
}

struct Calls<'m> {
    lines: &'m Lines,
    module: &'m mut Module,
    functions: u32,
    guards: u32,
    conditions: u32,
}

impl Calls<'_> {
    fn note(&mut self, specifier: &Expression<'_>, kind: CallKind, span: Span, guarded: bool) {
        let text = match specifier {
            Expression::StringLiteral(literal) => literal.value.to_string(),
            Expression::TemplateLiteral(template) if template.expressions.is_empty() => template
                .quasis
                .iter()
                .map(|part| part.value.raw.as_str())
                .collect(),
            _ => return,
        };
        self.module.calls.push(Call {
            specifier: text,
            kind,
            line: self.lines.of(span.start),
            guarded: guarded || self.guards > 0,
            lazy: self.functions > 0 || self.conditions > 0,
        });
    }

    fn attributes(&mut self, has_some: bool, source: &StringLiteral<'_>) {
        if has_some {
            self.module.attributed.insert(source.value.to_string());
        }
    }
}

impl<'a> Visit<'a> for Calls<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        // `import(x).catch(…)`, `import(x).then(…, …)` and `Promise.allSettled([import(x)])` look after their failure.
        if let Expression::StaticMemberExpression(member) = &call.callee
            && (matches!(member.property.name.as_str(), "catch" | "allSettled")
                || member.property.name == "then" && call.arguments.len() > 1)
        {
            self.guards += 1;
            walk::walk_call_expression(self, call);
            self.guards -= 1;
            return;
        }
        let name = match &call.callee {
            Expression::Identifier(identifier) => Some(identifier.name.as_str()),
            _ => None,
        };
        if matches!(name, Some("require" | "__require"))
            && let Some(first) = call.arguments.first().and_then(Argument::as_expression)
        {
            self.note(first, CallKind::Require, call.span, false);
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        self.note(&import.source, CallKind::Import, import.span(), false);
        walk::walk_import_expression(self, import);
    }

    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        self.attributes(import.with_clause.is_some(), &import.source);
        walk::walk_import_declaration(self, import);
    }

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        self.attributes(export.with_clause.is_some(), &export.source);
        walk::walk_export_from_declaration(self, export);
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        self.attributes(export.with_clause.is_some(), &export.source);
        walk::walk_export_all_declaration(self, export);
    }

    fn visit_try_statement(&mut self, statement: &TryStatement<'a>) {
        let guards = u32::from(statement.handler.is_some());
        self.guards += guards;
        self.visit_block_statement(&statement.block);
        self.guards -= guards;
        if let Some(handler) = &statement.handler {
            self.conditions += 1;
            self.visit_catch_clause(handler);
            self.conditions -= 1;
        }
        if let Some(finalizer) = &statement.finalizer {
            self.visit_block_statement(finalizer);
        }
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        self.functions += 1;
        walk::walk_function(self, function, flags);
        self.functions -= 1;
    }

    fn visit_arrow_function_expression(&mut self, function: &ArrowFunctionExpression<'a>) {
        self.functions += 1;
        walk::walk_arrow_function_expression(self, function);
        self.functions -= 1;
    }

    fn visit_if_statement(&mut self, statement: &IfStatement<'a>) {
        self.conditions += 1;
        walk::walk_if_statement(self, statement);
        self.conditions -= 1;
    }

    fn visit_conditional_expression(&mut self, expression: &ConditionalExpression<'a>) {
        self.conditions += 1;
        walk::walk_conditional_expression(self, expression);
        self.conditions -= 1;
    }

    fn visit_logical_expression(&mut self, expression: &LogicalExpression<'a>) {
        self.conditions += 1;
        walk::walk_logical_expression(self, expression);
        self.conditions -= 1;
    }

    fn visit_identifier_reference(&mut self, reference: &IdentifierReference<'a>) {
        self.module.used.insert(reference.name.to_string());
    }

    // What is only a type is no value.
    fn visit_ts_type(&mut self, _: &TSType<'a>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_exports_and_calls_are_told_apart() {
        let text = "import d, { a as b } from 'x';\nimport * as n from 'y';\nimport 'z';\nexport { c } from 'x';\nexport * from 's';\nexport const e = 1, { f } = {};\nexport default 1;\nlet r = require('top');\ntry { require('tried') } catch {}\nfunction g() { return import('late') }\nimport('opt').catch(() => {});\n";
        let module = parse("/m.mjs", text, Goal::Module).expect("parses");
        assert_eq!(module.broken, None);
        let requested: Vec<&str> = module.requested.iter().map(|(s, _)| s.as_str()).collect();
        assert_eq!(requested, ["x", "y", "z", "s"]);
        let names: Vec<Option<&str>> = module.imports.iter().map(|i| i.name.as_deref()).collect();
        assert_eq!(names, [Some("default"), Some("a"), None]);
        assert_eq!(
            module
                .exports
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            ["default", "e", "f"]
        );
        assert_eq!(
            (
                module.reexports[0].exported.as_str(),
                module.reexports[0].from.line
            ),
            ("c", 4)
        );
        assert_eq!(module.stars, ["s"]);
        let calls: Vec<(&str, bool, bool)> = module
            .calls
            .iter()
            .map(|c| (c.specifier.as_str(), c.guarded, c.lazy))
            .collect();
        assert_eq!(
            calls,
            [
                ("top", false, false),
                ("tried", true, false),
                ("late", false, true),
                ("opt", true, false)
            ]
        );
    }

    #[test]
    fn a_text_that_would_exhaust_the_stack_is_not_tried() {
        assert!(parse("/x.js", &"[".repeat(100_000), Goal::Either).is_err());
        assert!(parse("/x.js", &"!".repeat(100_000), Goal::Either).is_err());
        assert!(
            parse("/x.js", "import {", Goal::Module)
                .expect("tried")
                .broken
                .is_some()
        );
    }
}
