//! `package.json` as Node 24 reads it: lenient about what it does not need, strict about what it does.
//!
//! Node looks at the top level only and leaves `exports` and `imports` as text until they are used, so a file that
//! `JSON.parse` would refuse can still serve, and a broken `exports` fails only when somebody asks for it. Doing the same here
//! keeps the verdicts equal.

use std::sync::OnceLock;

use serde_json::Value;

use crate::resolver::ResolveError;

/// The `type` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PackageType {
    /// Absent, or none of the two that Node knows.
    #[default]
    None,
    /// `"commonjs"`.
    CommonJs,
    /// `"module"`.
    Module,
}

/// The fields of a `package.json` that decide how modules are found and read.
#[derive(Debug, Default)]
pub struct PackageJson {
    path: String,
    name: Option<String>,
    main: Option<String>,
    package_type: PackageType,
    exports: Option<Field>,
    imports: Option<Field>,
}

/// The file is not what Node takes for a `package.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// `exports` or `imports`: its text, and its value once somebody asked.
#[derive(Debug, Default)]
struct Field {
    text: String,
    value: OnceLock<Result<Value, String>>,
}

impl PackageJson {
    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The directory of the package, with a slash at the end.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.path.strip_suffix("package.json").unwrap_or(&self.path)
    }

    /// The `name` field.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The `main` field, if it is a string.
    #[must_use]
    pub fn main(&self) -> Option<&str> {
        self.main.as_deref()
    }

    /// The `type` field.
    #[must_use]
    pub const fn package_type(&self) -> PackageType {
        self.package_type
    }

    /// Whether there is an `exports` field that counts: a string, an array or an object.
    #[must_use]
    pub const fn has_exports(&self) -> bool {
        self.exports.is_some()
    }

    /// The value of `exports`.
    pub fn exports(&self) -> Result<Option<&Value>, ResolveError> {
        self.exports.as_ref().map(Field::value).transpose()
    }

    /// The value of `imports`.
    pub fn imports(&self) -> Result<Option<&Value>, ResolveError> {
        self.imports.as_ref().map(Field::value).transpose()
    }

    pub(crate) fn parse(path: &str, bytes: &[u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(bytes).map_err(|_error| Malformed)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut package = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut scanner = Scanner { text, position: 0 };
        check_strings(text)?;
        if !text.trim_end_matches(is_space).ends_with('}') {
            return Err(Malformed);
        }
        scanner.expect(b'{')?;
        if scanner.peek() == Some(b'}') {
            return Ok(package);
        }
        loop {
            let key = scanner.string()?;
            scanner.expect(b':')?;
            let value = scanner.value()?;
            package.set(key, value)?;
            match scanner.next() {
                Some(b',') => {}
                Some(b'}') => return Ok(package),
                _ => return Err(Malformed),
            }
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Malformed> {
        match key {
            "name" => self.name = Some(string_of(value)?),
            "type" => {
                self.package_type = match string_of(value)?.as_str() {
                    "commonjs" => PackageType::CommonJs,
                    "module" => PackageType::Module,
                    _ => self.package_type,
                }
            }
            "main" => self.main = string_of(value).ok().or(self.main.take()),
            "exports" => self.exports = Field::read(value)?.or(self.exports.take()),
            "imports" => self.imports = Field::read(value)?.or(self.imports.take()),
            _ => {}
        }
        Ok(())
    }
}

impl Field {
    /// A string is taken as it is, unless it looks like JSON: Node cannot tell it from the text of an object.
    fn read(value: &str) -> Result<Option<Self>, Malformed> {
        let text = match value.as_bytes().first() {
            Some(b'{' | b'[') => value.to_owned(),
            Some(b'"') => string_of(value)?,
            _ => return Ok(None),
        };
        Ok(Some(Self {
            text,
            value: OnceLock::new(),
        }))
    }

    fn value(&self) -> Result<&Value, ResolveError> {
        let parsed = self.value.get_or_init(|| {
            if self.text.starts_with(['{', '[']) {
                serde_json::from_str(&self.text).map_err(|error| error.to_string())
            } else {
                Ok(Value::String(self.text.clone()))
            }
        });
        parsed
            .as_ref()
            .map_err(|message| ResolveError::invalid_json(&self.text, message))
    }
}

/// The characters of a JSON string, escapes decoded.
fn string_of(value: &str) -> Result<String, Malformed> {
    serde_json::from_str(value).map_err(|_error| Malformed)
}

const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Every string in the file must end and hold no control character, even one nobody reads.
fn check_strings(text: &str) -> Result<(), Malformed> {
    let mut bytes = text.bytes();
    let mut inside = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => inside = !inside,
            b'\\' if inside => {
                let escaped = bytes.next();
                if escaped.is_some_and(|escaped| escaped < 0x20) {
                    return Err(Malformed);
                }
            }
            0..0x20 if inside => return Err(Malformed),
            _ => {}
        }
    }
    if inside { Err(Malformed) } else { Ok(()) }
}

/// Walks the top level; what is nested is only skipped.
struct Scanner<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes
            .get(self.position)
            .is_some_and(|byte| is_space(char::from(*byte)))
        {
            self.position += 1;
        }
        bytes.get(self.position).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.position += 1;
        byte
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.next() == Some(byte) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    /// The text between the quotes, escapes as they stand: Node compares keys without decoding them.
    fn string(&mut self) -> Result<&'t str, Malformed> {
        self.expect(b'"')?;
        let start = self.position;
        self.skip_string()?;
        self.text.get(start..self.position - 1).ok_or(Malformed)
    }

    /// To behind the quote that ends the string.
    fn skip_string(&mut self) -> Result<(), Malformed> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.position) {
                None => return Err(Malformed),
                Some(b'"') => break,
                Some(b'\\') => self.position += 2,
                Some(_) => self.position += 1,
            }
        }
        self.position += 1;
        Ok(())
    }

    /// The text of a value. Brackets are counted, not matched.
    fn value(&mut self) -> Result<&'t str, Malformed> {
        let first = self.peek().ok_or(Malformed)?;
        let start = self.position;
        match first {
            b'"' => {
                self.position += 1;
                self.skip_string()?;
            }
            b'{' | b'[' => self.skip_nested()?,
            b'}' | b']' | b',' | b':' => return Err(Malformed),
            _ => {
                let rest = self.text.get(start..).ok_or(Malformed)?;
                let end = rest.find(|c: char| {
                    is_space(c) || matches!(c, ',' | '}' | ']' | ':' | '"' | '{' | '[')
                });
                self.position = start + end.unwrap_or(rest.len());
            }
        }
        self.text.get(start..self.position).ok_or(Malformed)
    }

    fn skip_nested(&mut self) -> Result<(), Malformed> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        loop {
            let byte = *bytes.get(self.position).ok_or(Malformed)?;
            self.position += 1;
            match byte {
                b'"' => self.skip_string()?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PackageJson, Malformed> {
        PackageJson::parse("/package.json", text.as_bytes())
    }

    // Both tables were made by Node 24.
    #[test]
    fn node_refuses_these() {
        for text in [
            r#"{"name":5}"#,
            r#"{"type":5}"#,
            r#"{"name":null}"#,
            r#"{"type":null}"#,
            r#"{"a":1,}"#,
            "{} x",
            "[]",
            "\"x\"",
            "",
            "{",
            r#"{"name":"a\ud800"}"#,
            r#"{"main":"m.js" "x":1}"#,
            r#"{"main":"m.js","x"}"#,
            "// c\n{}",
            "{\"x\":\"a\nb\"}",
            r#"{"x":1 2}"#,
            "null",
            "{\"x\":\"\u{1}\"}",
            "{x:1}",
            "{'main':'m.js'}",
            r#"{"main":"m.js""#,
            r#"{"main":"m.js","x":{}"#,
            r#"{"x":"unterminated}"#,
            r#"{"main": "m.js"},"#,
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn node_accepts_these() {
        for (text, main, exports) in [
            (r#"{"main":5}"#, None, false),
            (r#"{"exports":5}"#, None, false),
            (r#"{"exports":null}"#, None, false),
            (r#"{"a":{"b":1,}}"#, None, false),
            ("{}}", None, false),
            (r#"{"type":"module","x":tru}"#, None, false),
            ("\u{feff}{\"main\":\"m.js\"}", Some("m.js"), false),
            (r#"{"exports":["./m.js"],"exports":null}"#, None, true),
            (r#"{"main":"\ud800"}"#, None, false),
            (r#"{"x":[1}},"main":"m.js"}"#, None, false),
            (r#"{"\u006dain":"m.js"}"#, None, false),
            ("{\"main\":\"m.js\"}  \n", Some("m.js"), false),
            (r#"{"exports":{"./x":bad}}"#, None, true),
        ] {
            let package = parse(text).unwrap_or_else(|_| panic!("{text:?} is refused"));
            assert_eq!(
                (package.main(), package.has_exports()),
                (main, exports),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_broken_exports_fails_when_it_is_asked_for() {
        let error = parse(r#"{"exports":{"./x":bad}}"#)
            .unwrap()
            .exports()
            .unwrap_err();
        assert_eq!(error.code, None);
        assert_eq!(error.json_source.as_deref(), Some(r#"{"./x":bad}"#));
    }
}
