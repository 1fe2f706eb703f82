//! Variables in a compose file, as compose fills them in: `${X:-default}`, `${X:?why}`, `${X:+other}`, `$$`.

/// A text with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Filled {
    /// The text.
    pub(super) text: String,
    /// The values of the host that are in it.
    pub(super) secrets: Vec<String>,
}

/// Fills the variables of `text` in. A variable that is not set and has no default is an error: compose would go on with
/// nothing in its place, and nobody would know what was judged.
pub(super) fn interpolate(
    text: &str,
    host: &dyn Fn(&str) -> Option<String>,
) -> Result<Filled, String> {
    let mut filled = Filled::default();
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        filled.text.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        rest = if let Some(after) = after.strip_prefix('$') {
            filled.text.push('$');
            after
        } else if let Some(inner) = after.strip_prefix('{') {
            let end = closing(inner).ok_or_else(|| format!("`{text}` has `${{` without `}}`"))?;
            braced(&inner[..end], host, &mut filled)?;
            &inner[end + 1..]
        } else {
            let end = name_length(after);
            if end == 0 {
                return Err(format!(
                    "`{text}` has a `$` before no name; a `$` itself is written `$$`"
                ));
            }
            take(&after[..end], host, &mut filled)?;
            &after[end..]
        };
    }
    filled.text.push_str(rest);
    Ok(filled)
}

/// Where the brace closes that is open before `text`; defaults may have variables of their own.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
        before = c;
    }
    None
}

/// How much of the beginning is a variable's name.
fn name_length(text: &str) -> usize {
    let is_name = |(at, c): &(usize, char)| {
        *c == '_' || c.is_ascii_alphabetic() || (*at > 0 && c.is_ascii_digit())
    };
    text.char_indices().take_while(is_name).count()
}

fn take(
    name: &str,
    host: &dyn Fn(&str) -> Option<String>,
    filled: &mut Filled,
) -> Result<(), String> {
    let value = host(name).ok_or_else(|| {
        format!(
            "the environment variable `{name}` is not set; write `${{{name}:-}}` where it may be empty"
        )
    })?;
    filled.text.push_str(&value);
    filled.secrets.push(value);
    Ok(())
}

/// What stands between the braces: a name, and perhaps what to do without its value.
fn braced(
    inner: &str,
    host: &dyn Fn(&str) -> Option<String>,
    filled: &mut Filled,
) -> Result<(), String> {
    let (name, rest) = inner.split_at(name_length(inner));
    let wrong = || {
        format!(
            "`${{{inner}}}` is not a variable; expected `${{NAME}}`, or one of `:-`, `-`, `:?`, `?`, `:+`, `+` behind the name"
        )
    };
    if name.is_empty() {
        return Err(wrong());
    }
    if rest.is_empty() {
        return take(name, host, filled);
    }
    // With a colon, an empty value is as good as none.
    let (given, rest) = match rest.strip_prefix(':') {
        Some(rest) => (host(name).filter(|v| !v.is_empty()), rest),
        None => (host(name), rest),
    };
    let mut chars = rest.chars();
    let (mark, word) = (chars.next(), chars.as_str());
    match (mark, given) {
        (Some('-' | '?'), Some(value)) => {
            filled.text.push_str(&value);
            filled.secrets.push(value);
        }
        (Some('-'), None) | (Some('+'), Some(_)) => {
            let other = interpolate(word, host)?;
            filled.text.push_str(&other.text);
            filled.secrets.extend(other.secrets);
        }
        (Some('+'), None) => {}
        (Some('?'), None) => {
            return Err(if word.is_empty() {
                format!("the environment variable `{name}` is required and not set")
            } else {
                format!("the environment variable `{name}` is required: {word}")
            });
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Option<String> {
        let value = match name {
            "SET" => "value",
            "EMPTY" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        for (text, expected) in [
            ("plain", "plain"),
            ("$SET", "value"),
            ("a-${SET}-b", "a-value-b"),
            ("$SET.x", "value.x"),
            ("${SET:-d}", "value"),
            ("${NONE:-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${NONE-d}", "d"),
            ("${NONE:-}", ""),
            ("${NONE:-a b:c}", "a b:c"),
            ("${NONE:-${SET}}/x", "value/x"),
            ("${NONE:-$SET}", "value"),
            ("${SET:?why}", "value"),
            ("${EMPTY?why}", ""),
            ("${SET:+other}", "other"),
            ("${EMPTY:+other}", ""),
            ("${EMPTY+other}", "other"),
            ("${NONE+other}", ""),
            ("$$SET", "$SET"),
            ("$${SET}", "${SET}"),
            ("a$$", "a$"),
        ] {
            let filled = interpolate(text, &host).map(|f| f.text);
            assert_eq!(filled.as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn only_what_came_from_the_host_is_secret() {
        let secrets = |text: &str| interpolate(text, &host).expect("fills").secrets;
        assert_eq!(secrets("${SET} ${NONE:-d}"), ["value"]);
        assert!(secrets("${NONE:-d} $$SET ${SET:+x}").is_empty());
    }

    #[test]
    fn what_compose_refuses_is_refused_and_so_is_what_it_would_leave_empty() {
        for (text, part) in [
            ("$NONE", "`${NONE:-}`"),
            ("${NONE}", "`NONE` is not set"),
            ("${NONE:?set it to 1}", "`NONE` is required: set it to 1"),
            ("${EMPTY:?}", "`EMPTY` is required and not set"),
            ("${SET", "without `}`"),
            ("${}", "not a variable"),
            ("${1X}", "not a variable"),
            ("${SET/a/b}", "not a variable"),
            ("${SET:}", "not a variable"),
            ("cost: 5$", "`$$`"),
        ] {
            let error = interpolate(text, &host).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
