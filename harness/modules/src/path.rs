//! The parts of Node's `path.posix` that resolution needs, on guest paths.

/// `path.posix.normalize`: `.` and `..` folded, repeated slashes joined, a slash at the end kept.
#[must_use]
pub fn normalize(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let absolute = path.starts_with('/');
    let body = fold(path, !absolute);
    let mut text = match (absolute, body.is_empty()) {
        (true, _) => format!("/{body}"),
        (false, true) => ".".to_owned(),
        (false, false) => body,
    };
    if path.ends_with('/') && !text.ends_with('/') {
        text.push('/');
    }
    text
}

/// `path.posix.resolve(base, path)` where `base` is absolute: never a slash at the end, but for `/` itself.
#[must_use]
pub fn resolve(base: &str, path: &str) -> String {
    if path.starts_with('/') {
        format!("/{}", fold(path, false))
    } else {
        format!("/{}", fold(&format!("{base}/{path}"), false))
    }
}

/// `path.posix.dirname`.
#[must_use]
pub fn dirname(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        Some(index) => {
            let parent = trimmed[..index].trim_end_matches('/');
            if parent.is_empty() { "/" } else { parent }
        }
        None if path.starts_with('/') => "/",
        None => ".",
    }
}

/// The part after the last slash, slashes at the end ignored.
#[must_use]
pub fn basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

/// `path.posix.relative` of two absolute, folded paths.
#[must_use]
pub fn relative(from: &str, to: &str) -> String {
    let from: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = to.split('/').filter(|part| !part.is_empty()).collect();
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    let mut parts = vec![".."; from.len() - shared];
    parts.extend(&to[shared..]);
    parts.join("/")
}

fn fold(path: &str, keep_leading_parents: bool) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if keep_leading_parents => parts.push(".."),
                _ => {}
            },
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalize_is_nodes() {
        for (input, expected) in [
            ("", "."),
            ("./", "./"),
            ("a/..", "."),
            ("a/../", "./"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/../a//b/./c/", "/a/b/c/"),
            ("/", "/"),
            ("..", ".."),
        ] {
            assert_eq!(normalize(input), expected, "normalize({input:?})");
        }
    }

    #[test]
    fn resolve_never_leaves_the_root() {
        assert_eq!(resolve("/a/b", "../../../../etc"), "/etc");
        assert_eq!(resolve("/a", "/x/"), "/x");
        assert_eq!(resolve("/", "."), "/");
    }

    #[test]
    fn dirname_and_basename_are_nodes() {
        for (input, directory, name) in [
            ("/a/b", "/a", "b"),
            ("/a", "/", "a"),
            ("/", "/", ""),
            ("a", ".", "a"),
            ("/a//b/", "/a", "b"),
        ] {
            assert_eq!(dirname(input), directory, "dirname({input:?})");
            assert_eq!(basename(input), name, "basename({input:?})");
        }
    }

    #[test]
    fn relative_goes_up_and_down() {
        assert_eq!(relative("/a/b", "/a/c/d"), "../c/d");
        assert_eq!(relative("/", "/x.js"), "x.js");
        assert_eq!(relative("/a", "/a"), "");
    }
}
