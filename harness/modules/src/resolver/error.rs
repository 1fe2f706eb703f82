//! What resolution throws, in Node's words.

use std::ops::{Deref, DerefMut};

/// The constructor of the JavaScript error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `Error`.
    Error,
    /// `TypeError`.
    TypeError,
    /// `RangeError`.
    RangeError,
    /// `SyntaxError`.
    SyntaxError,
    /// `URIError`.
    UriError,
}

impl ErrorKind {
    /// The name of the constructor.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::TypeError => "TypeError",
            Self::RangeError => "RangeError",
            Self::SyntaxError => "SyntaxError",
            Self::UriError => "URIError",
        }
    }
}

/// An error as Node 24 throws it; boxed, because it has much to say and is rarely made. Its fields are those of [`Thrown`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ResolveError(Box<Thrown>);

/// What there is to say of an error, with guest paths: the caller makes the JavaScript object of `kind` with `message`, and
/// sets `code` and each of the other properties that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// `error.code`.
    pub code: Option<&'static str>,
    /// The constructor.
    pub kind: ErrorKind,
    /// `error.message`.
    pub message: String,
    /// `error.url`.
    pub url: Option<String>,
    /// `error.requireStack`.
    pub require_stack: Option<Vec<String>>,
    /// `error.path`.
    pub path: Option<String>,
    /// `error.requestPath`.
    pub request_path: Option<String>,
    /// `error.input`.
    pub input: Option<String>,
    /// `error.module`.
    pub module: Option<String>,
    /// A JSON text that `JSON.parse` refuses: Node throws what `JSON.parse` throws, so the caller gives the text to it.
    pub json_source: Option<String>,
    /// `error.cause`.
    pub cause: Option<ResolveError>,
}

impl Deref for ResolveError {
    type Target = Thrown;

    fn deref(&self) -> &Thrown {
        &self.0
    }
}

impl DerefMut for ResolveError {
    fn deref_mut(&mut self) -> &mut Thrown {
        &mut self.0
    }
}

impl ResolveError {
    pub(crate) fn new(code: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::thrown(Some(code), kind, message.into())
    }

    /// An error of the language itself: those have no code.
    pub(crate) fn without_code(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::thrown(None, kind, message.into())
    }

    fn thrown(code: Option<&'static str>, kind: ErrorKind, message: String) -> Self {
        Self(Box::new(Thrown {
            code,
            kind,
            message,
            url: None,
            require_stack: None,
            path: None,
            request_path: None,
            input: None,
            module: None,
            json_source: None,
            cause: None,
        }))
    }

    pub(crate) fn invalid_url(input: &str) -> Self {
        let mut error = Self::new("ERR_INVALID_URL", ErrorKind::TypeError, "Invalid URL");
        error.input = Some(input.to_owned());
        error
    }

    pub(crate) fn invalid_json(source: &str, message: &str) -> Self {
        let mut error = Self::without_code(ErrorKind::SyntaxError, message);
        error.json_source = Some(source.to_owned());
        error
    }

    pub(crate) fn invalid_specifier(request: &str, reason: &str, base: Option<&str>) -> Self {
        let from = imported_from(base);
        Self::new(
            "ERR_INVALID_MODULE_SPECIFIER",
            ErrorKind::TypeError,
            format!("Invalid module \"{request}\" {reason}{from}"),
        )
    }

    pub(crate) fn module_not_found(path: &str, base: &str, url: Option<&str>) -> Self {
        let noun = if url.is_some() { "module" } else { "package" };
        let mut error = Self::new(
            "ERR_MODULE_NOT_FOUND",
            ErrorKind::Error,
            format!("Cannot find {noun} '{path}' imported from {base}"),
        );
        error.url = url.map(str::to_owned);
        error
    }

    /// What CommonJS throws for a file that an `exports` or `imports` entry names and that is not there.
    pub(crate) fn target_not_found(request: &str, path: Option<&str>) -> Self {
        let mut error = Self::new(
            "MODULE_NOT_FOUND",
            ErrorKind::Error,
            format!("Cannot find module '{request}'"),
        );
        error.path = path.map(str::to_owned);
        error
    }

    pub(crate) fn unknown_builtin(id: &str) -> Self {
        Self::new(
            "ERR_UNKNOWN_BUILTIN_MODULE",
            ErrorKind::Error,
            format!("No such built-in module: {id}"),
        )
    }

    pub(crate) fn package_config(path: &str, base: Option<&str>, message: &str) -> Self {
        let importing = base
            .map(|base| format!(" while importing {base}"))
            .unwrap_or_default();
        Self::new(
            "ERR_INVALID_PACKAGE_CONFIG",
            ErrorKind::Error,
            format!("Invalid package config {path}{importing}. {message}"),
        )
    }

    /// `target` is the text of the target; `package` the directory of the package with a slash at the end.
    pub(crate) fn package_target(
        package: &str,
        key: &str,
        target: &str,
        imports: bool,
        base: Option<&str>,
    ) -> Self {
        let from = imported_from(base);
        let quoted = quote(target);
        let advice = if !imports && !target.is_empty() && !target.starts_with("./") {
            "; targets must start with \"./\""
        } else {
            ""
        };
        let message = if key == "." {
            format!(
                "Invalid \"exports\" main target {quoted} defined in the package config {package}package.json{from}{advice}"
            )
        } else {
            let field = field_name(imports);
            format!(
                "Invalid \"{field}\" target {quoted} defined for '{key}' in the package config {package}package.json{from}{advice}"
            )
        };
        Self::new("ERR_INVALID_PACKAGE_TARGET", ErrorKind::Error, message)
    }

    pub(crate) fn not_exported(package: &str, subpath: &str, base: Option<&str>) -> Self {
        let from = imported_from(base);
        let message = if subpath == "." {
            format!("No \"exports\" main defined in {package}package.json{from}")
        } else {
            format!(
                "Package subpath '{subpath}' is not defined by \"exports\" in {package}package.json{from}"
            )
        };
        Self::new("ERR_PACKAGE_PATH_NOT_EXPORTED", ErrorKind::Error, message)
    }
}

/// `JSON.stringify` of a string.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(crate) const fn field_name(imports: bool) -> &'static str {
    if imports { "imports" } else { "exports" }
}

fn imported_from(base: Option<&str>) -> String {
    base.map(|base| format!(" imported from {base}"))
        .unwrap_or_default()
}
