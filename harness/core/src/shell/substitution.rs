//! Finds `$(…)` and backticks in the text of a here-document, which the syntax tree misses there.

/// One substitution: its code, where it begins, and how many lines below the text's first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) offset: usize,
    pub(super) line: u32,
}

/// The substitutions of `text`, outermost only: the parser finds those inside them.
pub(super) fn substitutions(text: &str) -> Vec<Code> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let open = match byte {
            b'\\' => {
                line += u32::from(bytes.get(at + 1) == Some(&b'\n'));
                at += 2;
                continue;
            }
            b'$' if bytes.get(at + 1) == Some(&b'(') && bytes.get(at + 2) != Some(&b'(') => 2,
            b'`' => 1,
            _ => {
                line += u32::from(byte == b'\n');
                at += 1;
                continue;
            }
        };
        let start = at + open;
        let close = if open == 2 {
            closing_parenthesis(bytes, start)
        } else {
            closing_backtick(bytes, start)
        };
        let code = text.get(start..close).unwrap_or_default();
        let code = if open == 1 {
            code.replace("\\`", "`")
        } else {
            code.to_owned()
        };
        let lines = code.matches('\n').count();
        found.push(Code {
            code,
            offset: start,
            line,
        });
        line += u32::try_from(lines).unwrap_or(u32::MAX);
        at = close + 1;
    }
    found
}

fn closing_backtick(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'`' => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Quotes hide parentheses. An unclosed one runs to the end; the parser then says that it is missing.
fn closing_parenthesis(bytes: &[u8], mut at: usize) -> usize {
    let (mut depth, mut quote) = (1, None);
    while let Some(&byte) = bytes.get(at) {
        match (byte, quote) {
            (b'\\', None | Some(b'"')) => at += 1,
            (b'\'' | b'"', None) => quote = Some(byte),
            (b'\'' | b'"', Some(open)) if open == byte => quote = None,
            (b'(', None) => depth += 1,
            (b')', None) => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
