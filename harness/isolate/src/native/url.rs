//! Room `url`: the URL Standard's parser and setters.

use idna::AsciiDenyList;

use super::bytes::Memory;
use super::url_record::{Part, Record};
use super::{Room, string};

/// `native.url`.
pub(crate) fn room() -> Room {
    Room::new("url")
        .function("parse", parse)
        .function("update", update)
        .function("toASCII", to_ascii)
        .function("domainToASCII", domain_to_ascii)
        .function("domainToUnicode", domain_to_unicode)
}

/// Stands for a part that a URL does not have.
const ABSENT: u32 = u32::MAX;

fn text(
    scope: &mut v8::HandleScope<'_>,
    args: &v8::FunctionCallbackArguments<'_>,
    at: i32,
) -> Option<String> {
    // Lone surrogates become replacement characters, as the standard's conversion to scalar values says.
    let text = v8::Local::<v8::String>::try_from(args.get(at)).ok()?;
    Some(text.to_rust_string_lossy(scope))
}

/// Hands out a URL: returns its text and writes where its parts lie into the caller's `Uint32Array` of eight.
fn return_url(
    scope: &mut v8::HandleScope<'_>,
    mut rv: v8::ReturnValue<'_>,
    offsets: v8::Local<'_, v8::Value>,
    url: &Record,
) {
    let (href, parts) = url.serialise();
    let at = |offset: usize| u32::try_from(offset).unwrap_or(ABSENT);
    let numbers = [
        at(parts.scheme_end),
        at(parts.username_end),
        at(parts.host_start),
        at(parts.host_end),
        parts.port.map_or(ABSENT, u32::from),
        at(parts.path_start),
        parts.query_start.map_or(ABSENT, at),
        parts.fragment_start.map_or(ABSENT, at),
    ];
    let mut memory = Memory::of(offsets).unwrap_or_default();
    for (cell, number) in memory.bytes_mut().chunks_exact_mut(4).zip(numbers) {
        cell.copy_from_slice(&number.to_ne_bytes());
    }
    let href = string(scope, &href);
    rv.set(href.into());
}

/// `parse(input, base | undefined, offsets)`: the URL's text; `undefined` where it is none.
fn parse(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let Some(input) = text(scope, &args, 0) else {
        return;
    };
    let base = match text(scope, &args, 1).map(|base| Record::parse(&base, None)) {
        Some(None) => return,
        Some(base) => base,
        None => None,
    };
    if let Some(url) = Record::parse(&input, base.as_ref()) {
        return_url(scope, rv, args.get(2), &url);
    }
}

/// `update(href, part, value, offsets)`: the URL with one part set, or as it was where the setter refuses.
fn update(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    let (Some(href), Some(part), Some(value)) = (
        text(scope, &args, 0),
        text(scope, &args, 1),
        text(scope, &args, 2),
    ) else {
        return;
    };
    let part = match part.as_str() {
        "protocol" => Part::Protocol,
        "username" => Part::Username,
        "password" => Part::Password,
        "host" => Part::Host,
        "hostname" => Part::Hostname,
        "port" => Part::Port,
        "pathname" => Part::Pathname,
        "search" => Part::Search,
        "hash" => Part::Hash,
        _ => return,
    };
    if let Some(mut url) = Record::parse(&href, None) {
        url.set(part, &value);
        return_url(scope, rv, args.get(3), &url);
    }
}

fn convert_domain(
    scope: &mut v8::HandleScope<'_>,
    args: &v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
    convert: fn(&str) -> String,
) {
    let Some(domain) = text(scope, args, 0) else {
        return;
    };
    // A domain is converted as the host of a special URL: what cannot be one is the empty text.
    let mut url = Record::parse("ws://x", None);
    if let Some(url) = &mut url {
        url.set(Part::Hostname, &domain);
    }
    let converted = url
        .as_ref()
        .and_then(Record::host)
        .filter(|host| *host != "x" || domain.eq_ignore_ascii_case("x"))
        .map(convert)
        .unwrap_or_default();
    let converted = string(scope, &converted);
    rv.set(converted.into());
}

/// `toASCII(name)`: international labels in Punycode, nothing else checked or parsed; the empty text where that fails.
fn to_ascii(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let Some(name) = text(scope, &args, 0) else {
        return;
    };
    let converted = idna::domain_to_ascii_cow(name.as_bytes(), AsciiDenyList::EMPTY);
    let converted = string(scope, converted.as_deref().unwrap_or_default());
    rv.set(converted.into());
}

fn domain_to_ascii(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    convert_domain(scope, &args, rv, str::to_owned);
}

fn domain_to_unicode(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    rv: v8::ReturnValue<'_>,
) {
    convert_domain(scope, &args, rv, |domain| idna::domain_to_unicode(domain).0);
}
