//! What is asked for: `http://host:port/path`, or less of it, as it is typed.

mod host;

use std::fmt;
use std::str::FromStr;

use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::login::Login;

/// Which of the two ways to speak HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In plain text.
    Http,
    /// Over TLS.
    Https,
}

/// Where a request goes, and for what. Shown without user and password.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    /// In plain text or over TLS.
    pub scheme: Scheme,
    /// A name in ASCII or an address; IPv6 without its brackets, with its zone behind a `%` where
    /// there is one.
    pub host: String,
    /// The port, where it was given, else the scheme's.
    pub port: u16,
    /// Path and query, from `/` on.
    pub path: String,
    /// Who asks, where the URL says so.
    pub login: Option<Login>,
}

/// What was typed is no URL. Shown without user and password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no URL: {reason}; write http://HOST:PORT/PATH or HOST[:PORT]")]
pub struct BadUrl {
    text: String,
    reason: String,
}

impl Scheme {
    /// The port where none is given.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// As it begins a URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Url {
    /// `HOST:PORT`, an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    /// The host as others know it: without the zone, which is this machine's own.
    #[must_use]
    pub fn name(&self) -> &str {
        self.host.split_once('%').map_or(&self.host, |(address, _)| address)
    }

    /// What the `Host` header says: the port only where it is not the scheme's, and no zone.
    #[must_use]
    pub fn host_header(&self) -> String {
        self.with_port(self.name())
    }

    /// The whole URL as a proxy is asked for it: without user, password and zone.
    pub(crate) fn for_proxy(&self) -> String {
        format!("{}://{}{}", self.scheme.name(), self.host_header(), self.path)
    }

    fn with_port(&self, host: &str) -> String {
        let host = bracketed(host);
        if self.port == self.scheme.port() { host } else { format!("{host}:{}", self.port) }
    }
}

/// A host as it stands before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Without user and password.
impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.scheme.name(), self.with_port(&self.host), self.path)
    }
}

impl FromStr for Url {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        parsed(text.trim()).map_err(|reason| BadUrl { text: redacted::address(text), reason })
    }
}

/// A URL, or why it is none.
fn parsed(text: &str) -> Result<Url, String> {
    let (scheme, rest) = scheme(text)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, place) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((login, place)) => {
            let login = Login::of_url(login).ok_or("user and password are not encoded as UTF-8")?;
            (Some(login), place)
        }
    };
    let (host, port) = host::split(place)?;
    let port = match port {
        None => scheme.port(),
        Some(digits) => match digits.parse() {
            Ok(port) if port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => port,
            _ => return Err("the port must be a number from 1 to 65535".to_owned()),
        },
    };
    Ok(Url { scheme, host: host::host(host)?, port, path: whole_path(path)?, login })
}

/// The scheme, `http` where none is typed, and what is behind it. What looks like one in a query is
/// none.
fn scheme(text: &str) -> Result<(Scheme, &str), String> {
    let is_scheme = |text: &str| {
        let mut letters = text.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
    };
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => match &*scheme.to_ascii_lowercase() {
            "http" => Ok((Scheme::Http, rest)),
            "https" => Ok((Scheme::Https, rest)),
            other => Err(format!("bench does not speak {other}://")),
        },
        Some(("", _)) => Err("it begins with :// and no scheme".to_owned()),
        _ => Ok((Scheme::Http, text)),
    }
}

/// Path and query as they are sent; a fragment is not. Letters beyond ASCII are encoded, as browsers
/// do it; what may be a slip is not repaired.
fn whole_path(text: &str) -> Result<String, String> {
    /// What is written encoded, besides what is not ASCII.
    const ENCODED: &AsciiSet = &CONTROLS.add(b'"').add(b'<').add(b'>').add(b'`');
    let sent = text.split_once('#').map_or(text, |(sent, _)| sent);
    let slip = sent.chars().find(|letter| letter.is_whitespace() || letter.is_control());
    match slip {
        Some(' ') => return Err("it has a space, which is %20 in a URL".to_owned()),
        Some(other) => {
            let mut bytes = [0; 4];
            let encoded: String = (other.encode_utf8(&mut bytes).bytes())
                .map(|byte| format!("%{byte:02X}"))
                .collect();
            return Err(format!(
                "it has a control character or a blank, which is {encoded} in a URL"
            ));
        }
        None => {}
    }
    let slash = if sent.starts_with('/') { "" } else { "/" };
    let path = format!("{slash}{}", utf8_percent_encode(sent, ENCODED));
    match PathAndQuery::try_from(&*path) {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("its path cannot be sent: {error}")),
    }
}

#[cfg(test)]
mod tests;
