//! Errors as people read them: what was thrown, and the place above it that Node prints.

use crate::execution::Thrown;
use crate::native::string;

/// Longest message or stack that is carried out of an execution: a guest can throw half a gigabyte.
const MAX_TEXT: usize = 64 << 10;

/// Reads a thrown value. Its getters are guest code: they run under the deadline, and what they throw is ignored.
pub(crate) fn thrown(scope: &mut v8::HandleScope<'_>, error: v8::Local<'_, v8::Value>) -> Thrown {
    let scope = &mut v8::TryCatch::new(scope);
    let Ok(object) = v8::Local::<v8::Object>::try_from(error) else {
        return Thrown {
            message: text(scope, error),
            ..Thrown::default()
        };
    };
    let mut member = |name: &str| -> Option<String> {
        let key = string(scope, name);
        let value = object.get(scope, key.into());
        scope.reset();
        let value = value.filter(|value| value.is_string() || value.is_number())?;
        Some(text(scope, value))
    };
    let name = member("name");
    let code = member("code");
    let message = member("message");
    let stack = member("stack").unwrap_or_default();
    let message = message.unwrap_or_else(|| text(scope, error));
    Thrown {
        name,
        code,
        message,
        stack,
    }
}

/// A value as text, whatever its `toString` does.
pub(crate) fn text(scope: &mut v8::HandleScope<'_>, value: v8::Local<'_, v8::Value>) -> String {
    let scope = &mut v8::TryCatch::new(scope);
    let text = if let Ok(symbol) = v8::Local::<v8::Symbol>::try_from(value) {
        let description = symbol.description(scope).to_rust_string_lossy(scope);
        format!("Symbol({description})")
    } else {
        match value.to_string(scope) {
            Some(text) => text.to_rust_string_lossy(scope),
            None => "a value that has no text".to_owned(),
        }
    };
    cut(text)
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// `file:line`, the source line and carets under the place, as Node prints them above an uncaught error; `None` for a place in
/// one of our builtins, whose text is nobody's business.
pub(crate) fn arrow(
    scope: &mut v8::HandleScope<'_>,
    message: v8::Local<'_, v8::Message>,
) -> Option<String> {
    let file = message.get_script_resource_name(scope)?;
    if !file.is_string() {
        return None;
    }
    let file = file.to_rust_string_lossy(scope);
    if file.is_empty() || file.starts_with("node:") {
        return None;
    }
    let line = message.get_line_number(scope)?;
    let source = message.get_source_line(scope)?.to_rust_string_lossy(scope);
    let source = cut(source);
    let start = message.get_start_column();
    let end = message.get_end_column().max(start + 1);
    let mut carets: String = source
        .chars()
        .take(start)
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    carets.extend(std::iter::repeat_n(
        '^',
        (end - start).min(source.chars().count().saturating_sub(start).max(1)),
    ));
    Some(format!("{file}:{line}\n{source}\n{carets}\n"))
}
