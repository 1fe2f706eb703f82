//! The URL Standard's basic URL parser, its setters and its serialisation.

use super::url_host;

/// A set of code points to percent-encode: the listed ASCII ones, all controls, and all beyond ASCII.
pub(super) type EncodeSet = &'static str;

/// Nothing beyond the controls.
pub(super) const C0_CONTROL: EncodeSet = "";
const FRAGMENT: EncodeSet = " \"<>`";
const QUERY: EncodeSet = " \"#<>";
const SPECIAL_QUERY: EncodeSet = " \"#<>'";
const PATH: EncodeSet = " \"#<>?^`{}";
const USERINFO: EncodeSet = " \"#<>?^`{}/:;=@[\\]|";

fn push_encoded(target: &mut String, c: char, set: EncodeSet) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if (' '..='~').contains(&c) && !set.contains(c) {
        target.push(c);
        return;
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        target.push('%');
        target.push(char::from(DIGITS[usize::from(byte >> 4)]));
        target.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Percent-encodes `text` by UTF-8.
pub(super) fn percent_encode(text: &str, set: EncodeSet) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        push_encoded(&mut encoded, c, set);
    }
    encoded
}

/// The bytes of `text`, each `%` with two digits made one.
pub(super) fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// The path of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Path {
    /// Of `mailto:` and its like: a text.
    Opaque(String),
    Segments(Vec<String>),
}

/// A URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    scheme: String,
    username: String,
    password: String,
    host: Option<String>,
    port: Option<u16>,
    path: Path,
    query: Option<String>,
    fragment: Option<String>,
}

/// Where the parts of a serialised URL lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offsets {
    pub(super) scheme_end: usize,
    pub(super) username_end: usize,
    pub(super) host_start: usize,
    pub(super) host_end: usize,
    pub(super) port: Option<u16>,
    pub(super) path_start: usize,
    pub(super) query_start: Option<usize>,
    pub(super) fragment_start: Option<usize>,
}

/// The part that a setter sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Protocol,
    Username,
    Password,
    Host,
    Hostname,
    Port,
    Pathname,
    Search,
    Hash,
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "ftp" => Some(21),
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

fn is_special(scheme: &str) -> bool {
    scheme == "file" || default_port(scheme).is_some()
}

fn is_drive_letter(text: &str, separators: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next().is_some_and(|c| separators.contains(c))
        && chars.next().is_none()
}

/// Whether a first segment of a `file:` path stays when the path is shortened: the standard asks for a drive letter alone, Node's
/// parser (ada 3.4) only that the segment begins with one.
fn keeps_drive(segment: &str) -> bool {
    let mut chars = segment.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':')
}

fn starts_with_drive_letter(text: &[char]) -> bool {
    matches!(text, [letter, ':' | '|', rest @ ..]
        if letter.is_ascii_alphabetic() && matches!(rest.first(), None | Some('/' | '\\' | '?' | '#')))
}

fn is_single_dot(segment: &str) -> bool {
    segment == "." || segment.eq_ignore_ascii_case("%2e")
}

fn is_double_dot(segment: &str) -> bool {
    ["..", ".%2e", "%2e.", "%2e%2e"]
        .iter()
        .any(|dots| segment.eq_ignore_ascii_case(dots))
}

/// The scheme at the front, in lower case, and what follows its colon.
fn split_scheme(input: &[char]) -> Option<(String, &[char])> {
    let colon = input.iter().position(|c| *c == ':')?;
    let scheme = &input[..colon];
    let valid = scheme.first().is_some_and(char::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c));
    valid.then(|| {
        (
            scheme.iter().map(char::to_ascii_lowercase).collect(),
            &input[colon + 1..],
        )
    })
}

fn text(chars: &[char]) -> String {
    chars.iter().collect()
}

fn without_tabs_and_newlines(input: &str) -> Vec<char> {
    input
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect()
}

/// What is left of `rest` until one of `ends`, and from there on.
fn split_at_any<'a>(rest: &'a [char], ends: &str) -> (&'a [char], &'a [char]) {
    rest.split_at(
        rest.iter()
            .position(|c| ends.contains(*c))
            .unwrap_or(rest.len()),
    )
}

impl Record {
    fn empty(scheme: String) -> Self {
        Self {
            scheme,
            username: String::new(),
            password: String::new(),
            host: None,
            port: None,
            path: Path::Segments(Vec::new()),
            query: None,
            fragment: None,
        }
    }

    fn is_special(&self) -> bool {
        is_special(&self.scheme)
    }

    fn path_ends(&self) -> &'static str {
        if self.is_special() { "/\\?#" } else { "/?#" }
    }

    /// Parses `input`, relative to `base` where it has no scheme of its own.
    pub(super) fn parse(input: &str, base: Option<&Self>) -> Option<Self> {
        let trimmed = input.trim_matches(|c| c <= ' ');
        let chars = without_tabs_and_newlines(trimmed);
        if let Some((scheme, rest)) = split_scheme(&chars) {
            return Self::parse_with_scheme(scheme, rest, base);
        }
        let base = base?;
        if let Path::Opaque(_) = base.path {
            let ['#', fragment @ ..] = chars.as_slice() else {
                return None;
            };
            let mut url = base.clone();
            url.set_fragment(fragment);
            return Some(url);
        }
        if base.scheme == "file" {
            return Self::parse_file(&chars, Some(base));
        }
        Self::parse_relative(&chars, base)
    }

    fn parse_with_scheme(scheme: String, rest: &[char], base: Option<&Self>) -> Option<Self> {
        if scheme == "file" {
            return Self::parse_file(rest, base.filter(|base| base.scheme == "file"));
        }
        let mut url = Self::empty(scheme);
        if url.is_special() {
            let slashes = rest.iter().take_while(|c| matches!(c, '/' | '\\')).count();
            if let Some(base) = base.filter(|base| base.scheme == url.scheme)
                && !rest.starts_with(&['/', '/'])
            {
                return Self::parse_relative(rest, base);
            }
            return url.parse_authority(&rest[slashes..]).then_some(url);
        }
        match rest {
            ['/', '/', authority @ ..] => url.parse_authority(authority).then_some(url),
            ['/', ..] => {
                url.parse_path(rest);
                Some(url)
            }
            _ => {
                url.parse_opaque_path(rest);
                Some(url)
            }
        }
    }

    fn parse_relative(rest: &[char], base: &Self) -> Option<Self> {
        let mut url = Self::empty(base.scheme.clone());
        let special = url.is_special();
        let is_slash = |c: &char| *c == '/' || (special && *c == '\\');
        if rest.first().is_some_and(is_slash) {
            if special && rest.get(1).is_some_and(is_slash) {
                let slashes = rest.iter().take_while(|c| is_slash(c)).count();
                return url.parse_authority(&rest[slashes..]).then_some(url);
            }
            if rest.get(1) == Some(&'/') {
                return url.parse_authority(&rest[2..]).then_some(url);
            }
            url.take_authority(base);
            url.parse_path(rest);
            return Some(url);
        }
        url.take_authority(base);
        url.path = base.path.clone();
        url.continue_from_base(rest, base);
        Some(url)
    }

    fn take_authority(&mut self, base: &Self) {
        self.username.clone_from(&base.username);
        self.password.clone_from(&base.password);
        self.host.clone_from(&base.host);
        self.port = base.port;
    }

    /// A relative path, query or fragment upon the base's path, which is in place.
    fn continue_from_base(&mut self, rest: &[char], base: &Self) {
        match rest {
            [] => self.query.clone_from(&base.query),
            ['?', ..] => self.parse_query_and_fragment(rest),
            ['#', ..] => {
                self.query.clone_from(&base.query);
                self.parse_query_and_fragment(rest);
            }
            _ => {
                self.shorten_path();
                self.parse_segments(rest);
            }
        }
    }

    fn parse_file(rest: &[char], base: Option<&Self>) -> Option<Self> {
        let mut url = Self::empty("file".to_owned());
        url.host = Some(String::new());
        match rest {
            ['/' | '\\', '/' | '\\', authority @ ..] => {
                let (host, path) = split_at_any(authority, "/\\?#");
                let host = text(host);
                if is_drive_letter(&host, ":|") {
                    // A drive letter is no host but the start of the path.
                    url.parse_segments(authority);
                } else {
                    if !host.is_empty() {
                        let host = url_host::parse(&host, true)?;
                        url.host = Some(if host == "localhost" {
                            String::new()
                        } else {
                            host
                        });
                    }
                    url.parse_path(path);
                }
            }
            ['/' | '\\', ..] => {
                if let Some(base) = base {
                    url.host.clone_from(&base.host);
                    if let Path::Segments(segments) = &base.path
                        && let Some(drive) = segments.first()
                        && !starts_with_drive_letter(&rest[1..])
                        && keeps_drive(drive)
                    {
                        url.path = Path::Segments(vec![drive.clone()]);
                    }
                }
                url.parse_segments(&rest[1..]);
            }
            _ => match base {
                Some(base) if !starts_with_drive_letter(rest) => {
                    url.host.clone_from(&base.host);
                    url.path = base.path.clone();
                    url.continue_from_base(rest, base);
                }
                _ => url.parse_segments(rest),
            },
        }
        Some(url)
    }

    /// Credentials, host and port, and all that follows; whether they are valid.
    fn parse_authority(&mut self, rest: &[char]) -> bool {
        let (authority, path) = split_at_any(rest, self.path_ends());
        let mut host = authority;
        if let Some(at) = authority.iter().rposition(|c| *c == '@') {
            let credentials = &authority[..at];
            host = &authority[at + 1..];
            if host.is_empty() {
                return false;
            }
            let colon = credentials
                .iter()
                .position(|c| *c == ':')
                .unwrap_or(credentials.len());
            self.username = percent_encode(&text(&credentials[..colon]), USERINFO);
            let password = credentials.get(colon + 1..).unwrap_or_default();
            self.password = percent_encode(&text(password), USERINFO);
        }
        let (name, port) = split_port(host);
        if name.is_empty() && (self.is_special() || port.is_some()) {
            return false;
        }
        let Some(name) = self.host_of(name) else {
            return false;
        };
        self.host = Some(name);
        if let Some(port) = port
            && !self.parse_port(port)
        {
            return false;
        }
        self.parse_path(path);
        true
    }

    fn host_of(&self, name: &[char]) -> Option<String> {
        if name.is_empty() {
            Some(String::new())
        } else {
            url_host::parse(&text(name), self.is_special())
        }
    }

    fn parse_port(&mut self, digits: &[char]) -> bool {
        if digits.is_empty() {
            self.port = None;
            return true;
        }
        if !digits.iter().all(char::is_ascii_digit) {
            return false;
        }
        let significant = text(digits);
        let significant = significant.trim_start_matches('0');
        match if significant.is_empty() {
            Ok(0)
        } else {
            significant.parse()
        } {
            Ok(port) => {
                self.port = Some(port).filter(|port| default_port(&self.scheme) != Some(*port));
                true
            }
            Err(_) => false,
        }
    }

    /// The path from its first slash on, if it has one, and all that follows.
    fn parse_path(&mut self, rest: &[char]) {
        match rest {
            ['/', segments @ ..] => self.parse_segments(segments),
            ['\\', segments @ ..] if self.is_special() => self.parse_segments(segments),
            [] | ['?' | '#', ..] if !self.is_special() => self.parse_query_and_fragment(rest),
            _ => self.parse_segments(rest),
        }
    }

    /// Segments, the first without its slash, and all that follows.
    fn parse_segments(&mut self, mut rest: &[char]) {
        let ends = self.path_ends();
        loop {
            let (segment, after) = split_at_any(rest, ends);
            let more = matches!(after.first(), Some('/' | '\\'));
            self.push_segment(percent_encode(&text(segment), PATH), more);
            rest = after;
            if !more {
                break;
            }
            rest = &rest[1..];
        }
        self.parse_query_and_fragment(rest);
    }

    fn push_segment(&mut self, segment: String, more: bool) {
        let is_file = self.scheme == "file";
        if is_double_dot(&segment) {
            self.shorten_path();
        }
        let Path::Segments(segments) = &mut self.path else {
            return;
        };
        if is_double_dot(&segment) || is_single_dot(&segment) {
            if !more {
                segments.push(String::new());
            }
        } else if is_file && segments.is_empty() && is_drive_letter(&segment, ":|") {
            segments.push(segment.replace('|', ":"));
        } else {
            segments.push(segment);
        }
    }

    fn shorten_path(&mut self) {
        let is_file = self.scheme == "file";
        if let Path::Segments(segments) = &mut self.path {
            let drive = is_file && segments.len() == 1 && keeps_drive(&segments[0]);
            if !drive {
                segments.pop();
            }
        }
    }

    fn parse_opaque_path(&mut self, rest: &[char]) {
        let (path, after) = split_at_any(rest, "?#");
        let mut encoded = percent_encode(&text(path), C0_CONTROL);
        // A space before a query or fragment would be lost when they are taken away.
        if !after.is_empty() && encoded.ends_with(' ') {
            encoded.pop();
            encoded.push_str("%20");
        }
        self.path = Path::Opaque(encoded);
        self.parse_query_and_fragment(after);
    }

    fn parse_query_and_fragment(&mut self, rest: &[char]) {
        let (query, fragment) = split_at_any(rest, "#");
        if let ['?', query @ ..] = query {
            self.set_query(query);
        }
        if let ['#', fragment @ ..] = fragment {
            self.set_fragment(fragment);
        }
    }

    fn set_query(&mut self, query: &[char]) {
        let set = if self.is_special() {
            SPECIAL_QUERY
        } else {
            QUERY
        };
        self.query = Some(percent_encode(&text(query), set));
    }

    fn set_fragment(&mut self, fragment: &[char]) {
        self.fragment = Some(percent_encode(&text(fragment), FRAGMENT));
    }

    /// Sets a part as the setter of the same name does; what it refuses changes nothing.
    pub(super) fn set(&mut self, part: Part, value: &str) {
        let chars = without_tabs_and_newlines(value);
        match part {
            Part::Protocol => self.set_protocol(&chars),
            Part::Username if self.may_have_credentials() => {
                self.username = percent_encode(value, USERINFO);
            }
            Part::Password if self.may_have_credentials() => {
                self.password = percent_encode(value, USERINFO);
            }
            Part::Host => self.set_host(&chars, true),
            Part::Hostname => self.set_host(&chars, false),
            Part::Port if self.may_have_credentials() => self.set_port(value, &chars),
            Part::Pathname if matches!(self.path, Path::Segments(_)) => self.set_pathname(&chars),
            Part::Search => {
                self.query = None;
                if !value.is_empty() {
                    let value = value.strip_prefix('?').unwrap_or(value);
                    self.set_query(&without_tabs_and_newlines(value));
                }
                self.strip_opaque_path();
            }
            Part::Hash => {
                self.fragment = None;
                if !value.is_empty() {
                    let value = value.strip_prefix('#').unwrap_or(value);
                    self.set_fragment(&without_tabs_and_newlines(value));
                }
                self.strip_opaque_path();
            }
            _ => {}
        }
    }

    fn may_have_credentials(&self) -> bool {
        self.host.as_ref().is_some_and(|host| !host.is_empty()) && self.scheme != "file"
    }

    fn set_protocol(&mut self, value: &[char]) {
        let mut with_colon = value.to_vec();
        with_colon.push(':');
        let Some((scheme, _)) = split_scheme(&with_colon) else {
            return;
        };
        let credentials = !self.username.is_empty() || !self.password.is_empty();
        let refused = is_special(&scheme) != self.is_special()
            || (scheme == "file" && (credentials || self.port.is_some()))
            || (self.scheme == "file" && self.host.as_ref().is_none_or(String::is_empty));
        if refused {
            return;
        }
        self.scheme = scheme;
        self.port = self
            .port
            .filter(|port| default_port(&self.scheme) != Some(*port));
    }

    fn set_host(&mut self, value: &[char], with_port: bool) {
        if matches!(self.path, Path::Opaque(_)) {
            return;
        }
        let (authority, _) = split_at_any(value, self.path_ends());
        if self.scheme == "file" {
            if authority.is_empty() {
                self.host = Some(String::new());
            } else if let Some(host) = url_host::parse(&text(authority), true) {
                self.host = Some(if host == "localhost" {
                    String::new()
                } else {
                    host
                });
            }
            return;
        }
        let (name, port) = split_port(authority);
        let credentials = !self.username.is_empty() || !self.password.is_empty();
        if name.is_empty()
            && (self.is_special() || port.is_some() || credentials || self.port.is_some())
        {
            return;
        }
        // A port is no part of a host name.
        if port.is_some() && !with_port {
            return;
        }
        // An empty host does not make an authority where there is none (ada again; the standard would).
        if name.is_empty() && self.host.is_none() {
            return;
        }
        let Some(host) = self.host_of(name) else {
            return;
        };
        self.host = Some(host);
        if let Some(port) = port {
            self.parse_leading_port(port);
        }
    }

    /// The digits at the front as the port; none, or too many, change nothing.
    fn parse_leading_port(&mut self, value: &[char]) {
        let digits = value.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits > 0 {
            self.parse_port(&value[..digits]);
        }
    }

    fn set_port(&mut self, value: &str, chars: &[char]) {
        if value.is_empty() {
            self.port = None;
        } else {
            self.parse_leading_port(chars);
        }
    }

    fn set_pathname(&mut self, value: &[char]) {
        self.path = Path::Segments(Vec::new());
        // Here `?` and `#` are part of the path.
        let is_slash = |c: char| c == '/' || (self.is_special() && c == '\\');
        let mut segments = value;
        match value.first() {
            Some(first) if is_slash(*first) => segments = &value[1..],
            None if !self.is_special() => {
                // Without a host, a path is all that there is to such a URL.
                if self.host.is_none() {
                    self.path = Path::Segments(vec![String::new()]);
                }
                return;
            }
            _ => {}
        }
        let pieces: Vec<String> = segments
            .split(|c| is_slash(*c))
            .map(|segment| percent_encode(&text(segment), PATH))
            .collect();
        let last = pieces.len() - 1;
        for (place, piece) in pieces.into_iter().enumerate() {
            self.push_segment(piece, place < last);
        }
    }

    /// Spaces at the end of an opaque path stay only while a query or fragment follows them.
    fn strip_opaque_path(&mut self) {
        if self.query.is_none()
            && self.fragment.is_none()
            && let Path::Opaque(path) = &mut self.path
        {
            path.truncate(path.trim_end_matches(' ').len());
        }
    }

    /// The URL's text, and where its parts lie in it.
    pub(super) fn serialise(&self) -> (String, Offsets) {
        let mut href = format!("{}:", self.scheme);
        let scheme_end = self.scheme.len();
        let (mut username_end, mut host_start, mut host_end) = (href.len(), href.len(), href.len());
        if let Some(host) = &self.host {
            href.push_str("//");
            href.push_str(&self.username);
            username_end = href.len();
            if !self.password.is_empty() {
                href.push(':');
                href.push_str(&self.password);
            }
            if !self.username.is_empty() || !self.password.is_empty() {
                href.push('@');
            }
            host_start = href.len();
            href.push_str(host);
            host_end = href.len();
            if let Some(port) = self.port {
                href.push(':');
                href.push_str(&port.to_string());
            }
        } else if let Path::Segments(segments) = &self.path
            && segments.len() > 1
            && segments[0].is_empty()
        {
            // Else the path would read as a host.
            href.push_str("/.");
        }
        let path_start = href.len();
        match &self.path {
            Path::Opaque(path) => href.push_str(path),
            Path::Segments(segments) => {
                for segment in segments {
                    href.push('/');
                    href.push_str(segment);
                }
            }
        }
        let query_start = self.query.as_ref().map(|query| {
            let start = href.len();
            href.push('?');
            href.push_str(query);
            start
        });
        let fragment_start = self.fragment.as_ref().map(|fragment| {
            let start = href.len();
            href.push('#');
            href.push_str(fragment);
            start
        });
        let port = self.port;
        let offsets = Offsets {
            scheme_end,
            username_end,
            host_start,
            host_end,
            port,
            path_start,
            query_start,
            fragment_start,
        };
        (href, offsets)
    }

    /// The host's text, if there is a host.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

/// The name and, behind a colon outside brackets, the port.
fn split_port(host: &[char]) -> (&[char], Option<&[char]>) {
    let mut inside = false;
    for (at, c) in host.iter().enumerate() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => return (&host[..at], Some(&host[at + 1..])),
            _ => {}
        }
    }
    (host, None)
}
