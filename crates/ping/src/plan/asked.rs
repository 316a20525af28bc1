//! What is asked: the method, the headers and the body.

use bytes::Bytes;
use exchange::Request;
use http::Method;
use http::header::{
    CACHE_CONTROL, CONNECTION, COOKIE, HeaderName, HeaderValue, PRAGMA, REFERER, USER_AGENT,
};

use super::{Refusal, unreadable};
use crate::prober::{Asked, Body};
use crate::settings::{Content, Settled};

/// How this program calls itself.
const NAME: &str = concat!("bench-ping/", env!("CARGO_PKG_VERSION"));

/// What was typed, and why it is what it is where nobody said so.
pub(super) fn asked(
    settled: Settled,
    content: Content,
    buster: Option<String>,
    closes: bool,
) -> Result<(Asked, Option<&'static str>), Refusal> {
    let (bytes, body) = body(content)?;
    let has_body = !bytes.is_empty() || body != Body::Fixed;
    let (method, chosen) = method(&settled, has_body)?;
    let hostless = settled.no_host_header;
    let headers = headers(settled, closes)?;
    let request = Request { method, headers, body: bytes, hostless, old: false };
    Ok((Asked { request, body, buster }, chosen))
}

fn method(settled: &Settled, has_body: bool) -> Result<(Method, Option<&'static str>), Refusal> {
    if settled.get_request && has_body {
        let both = "-G asks without a body: for a GET with one write --method GET";
        return Err(Refusal::Contradiction(both.to_owned()));
    }
    Ok(match &settled.method {
        Some(method) => (method.clone(), None),
        None if settled.get_request => (Method::GET, None),
        None if has_body => (Method::POST, Some("as there is a body; --method sends another")),
        None => (Method::HEAD, Some("as httping does; -G sends GET and reads the body")),
    })
}

fn body(content: Content) -> Result<(Bytes, Body), Refusal> {
    let Content { data, data_bytes, data_file } = content;
    let bytes = match (data, data_file) {
        (Some(text), _) => text.into(),
        (None, Some(path)) => match std::fs::read(&path) {
            Ok(bytes) => bytes.into(),
            Err(error) => return Err(unreadable("--data-file", path, &error)),
        },
        (None, None) => Bytes::new(),
    };
    Ok((bytes, data_bytes.map_or(Body::Fixed, Body::Random)))
}

/// What is sent by default, unless --header says otherwise, and what the flags say.
fn headers(settled: Settled, closes: bool) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let Settled { header, user_agent, referer, cookie, no_cache, .. } = settled;
    let fixed = HeaderValue::from_static;
    let once = [
        (USER_AGENT, Some(user_agent.unwrap_or_else(|| fixed(NAME)))),
        (CONNECTION, closes.then(|| fixed("close"))),
        (REFERER, referer),
        (PRAGMA, no_cache.then(|| fixed("no-cache"))),
        (CACHE_CONTROL, no_cache.then(|| fixed("no-cache"))),
        (COOKIE, cookies(&cookie)?),
    ];
    let given = |name: &HeaderName| header.iter().any(|(given, _)| given == name);
    let mut headers: Vec<_> = once
        .into_iter()
        .filter(|(name, _)| !given(name))
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    headers.extend(header);
    Ok(headers)
}

fn cookies(cookies: &[String]) -> Result<Option<HeaderValue>, Refusal> {
    if cookies.is_empty() {
        return Ok(None);
    }
    let value = HeaderValue::from_str(&cookies.join("; "));
    let wrong = |_| Refusal::Contradiction("-C must be printable text in one line".to_owned());
    value.map(Some).map_err(wrong)
}
