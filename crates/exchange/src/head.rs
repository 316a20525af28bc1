//! The head of an answer, as its readers see it: borrowed, whichever protocol it came by.

use std::borrow::Cow;

use http::HeaderMap;

/// Status and headers of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The status code.
    pub status: u16,
    /// What the server wrote behind it; empty in HTTP/2.
    pub reason: &'a str,
    /// The headers.
    pub headers: Headers<'a>,
}

/// Headers in the order in which they came.
#[derive(Clone, Copy, Debug)]
pub enum Headers<'a> {
    /// Of an HTTP/1.1 answer that was read here.
    Raw(&'a [httparse::Header<'a>]),
    /// Of one that hyper read.
    Map(&'a HeaderMap),
}

impl<'a> Headers<'a> {
    /// The values of a header; `name` in small letters.
    pub fn all(self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let (raw, map) = match self {
            Self::Raw(headers) => (headers, None),
            Self::Map(map) => (&[][..], Some(map.get_all(name))),
        };
        let named = raw.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        let mapped = map.into_iter().flatten().map(http::HeaderValue::as_bytes);
        named.map(|header| header.value).chain(mapped)
    }

    /// The first value of a header as text, if it is text; `name` in small letters. One that goes on
    /// over several lines is one line with spaces between (RFC 9112, section 5.2).
    #[must_use]
    pub fn text(self, name: &'a str) -> Option<Cow<'a, str>> {
        let text = str::from_utf8(self.all(name).next()?).ok()?;
        if !text.contains(['\r', '\n']) {
            return Some(text.into());
        }
        let lines = text.split(['\r', '\n']).map(|line| line.trim_matches([' ', '\t']));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        Some(lines.join(" ").into())
    }

    /// Names and values.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let (raw, map) = match self {
            Self::Raw(headers) => (headers, None),
            Self::Map(map) => (&[][..], Some(map)),
        };
        let mapped = map.into_iter().flatten();
        raw.iter()
            .map(|header| (header.name, header.value))
            .chain(mapped.map(|(name, value)| (name.as_str(), value.as_bytes())))
    }
}
