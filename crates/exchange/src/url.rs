//! What is asked for: `http://host:port/path`, or less of it, as it is typed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// Which of the two ways to speak HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In plain text.
    Http,
    /// Over TLS.
    Https,
}

/// Where a request goes, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    /// In plain text or over TLS.
    pub scheme: Scheme,
    /// A name or an address; IPv6 without its brackets.
    pub host: String,
    /// The port, where it was given, else the scheme's.
    pub port: u16,
    /// Path and query, from `/` on.
    pub path: String,
}

/// What was typed is no URL.
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
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// What the `Host` header says: the port only where it is not the scheme's.
    #[must_use]
    pub fn host_header(&self) -> String {
        if self.port == self.scheme.port() { self.bracketed() } else { self.authority() }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.scheme.name(), self.host_header(), self.path)
    }
}

impl FromStr for Url {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let bad = |reason: &str| BadUrl { text: text.to_owned(), reason: reason.to_owned() };
        let whole = complete(text.trim());
        let uri: Uri = whole.parse().map_err(|error: http::uri::InvalidUri| {
            bad(error.to_string().trim_start_matches("invalid "))
        })?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(other) => return Err(bad(&format!("{other}:// is not spoken here"))),
            None => return Err(bad("it has no host")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("user and password belong into -U and -P"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad("it has no host"));
        }
        let port = match port_text(authority.as_str()) {
            None => scheme.port(),
            Some(digits) => match digits.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(bad("the port must be a number from 1 to 65535")),
            },
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, host, port, path })
    }
}

/// A whole URL of what was typed: `HOST`, `HOST:PORT/PATH`, `::1`.
fn complete(text: &str) -> String {
    if text.contains("://") {
        text.to_owned()
    } else if text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
        format!("http://[{text}]")
    } else {
        format!("http://{text}")
    }
}

/// What stands behind the colon of an authority, if there is one.
fn port_text(authority: &str) -> Option<&str> {
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    after_host.rsplit_once(':').map(|(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Scheme, String, u16, String) {
        let Url { scheme, host, port, path } = text.parse().unwrap();
        (scheme, host, port, path)
    }

    #[test]
    fn what_is_not_typed_has_the_usual_value() {
        use Scheme::{Http, Https};
        for (text, scheme, host, port, path) in [
            ("localhost", Http, "localhost", 80, "/"),
            ("localhost:8001", Http, "localhost", 8001, "/"),
            ("localhost:8001/32?a=b", Http, "localhost", 8001, "/32?a=b"),
            ("http://rng/", Http, "rng", 80, "/"),
            ("https://example.org?q", Https, "example.org", 443, "/?q"),
            ("::1", Http, "::1", 80, "/"),
            ("[::1]:8080/x", Http, "::1", 8080, "/x"),
            ("http://127.0.0.1:1", Http, "127.0.0.1", 1, "/"),
        ] {
            assert_eq!(parts(text), (scheme, host.to_owned(), port, path.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "no URL"),
            ("ftp://x", "ftp:// is not spoken"),
            ("http://", "no URL"),
            ("x:0", "port"),
            ("x:99999", "port"),
            ("x:abc", "no URL"),
            ("a b", "no URL"),
            ("http://me:pw@x/", "-U"),
        ] {
            let error = text.parse::<Url>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_host_header_names_only_an_unusual_port() {
        let header = |text: &str| text.parse::<Url>().unwrap().host_header();
        assert_eq!(header("http://a:80/"), "a");
        assert_eq!(header("http://a:81/"), "a:81");
        assert_eq!(header("https://[::1]:443/"), "[::1]");
        assert_eq!("[::1]:82".parse::<Url>().unwrap().to_string(), "http://[::1]:82/");
    }
}
