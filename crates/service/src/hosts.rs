//! Whether a request comes from whom it seems to. A page of another site can have its own name point to
//! this server (DNS rebinding), and then its visitors' browsers take the server for that site. They
//! still say the site's name, in `Host`, and where the page is from, in `Origin`. So a request must name
//! an IP address, `localhost`, one of the server's own names, or one that was allowed.
//!
//! It says who may ask, not what for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::{Request, StatusCode, Version};

/// What Swarm puts before a service's name for the addresses of its tasks.
const TASKS: &str = "tasks.";

/// Host names that are allowed besides a server's own: a comma between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Host>);

impl FromStr for AllowedHosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let allowed = names.map(|name| match authority(name) {
            Some((host, None)) => Ok(host),
            _ => Err(format!("'{name}' is no host name; write it without scheme, port and path")),
        });
        allowed.collect::<Result<_, _>>().map(Self)
    }
}

/// A host as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// In lower case, without a dot at the end.
    Name(String),
}

/// The names under which a server may be asked.
#[derive(Debug)]
pub struct Hosts {
    own: Vec<Host>,
    allowed: AllowedHosts,
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// HTTP/1.1 demands it.
    #[error("a request must name its host")]
    Nameless,
    /// A header that says where a request goes to or comes from.
    #[error("{0} is there more than once")]
    Repeated(HeaderName),
    /// Not written as a host is.
    #[error("Host '{0}' is no host")]
    Malformed(String),
    /// Another name than the server's.
    #[error(
        "webui does not go by the name '{0}': use an IP address or localhost, or allow the name with \
         --allowed-hosts or WEBUI_ALLOWED_HOSTS"
    )]
    Unknown(String),
    /// A page of another host.
    #[error(
        "a page of '{0}' may not ask this: if it is webui's own behind a proxy, allow its host name \
         with --allowed-hosts or WEBUI_ALLOWED_HOSTS"
    )]
    Foreign(String),
}

impl Stranger {
    /// The status that says so.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Nameless | Self::Repeated(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unknown(_) | Self::Foreign(_) => StatusCode::FORBIDDEN,
        }
    }
}

impl Hosts {
    /// Those of a server that goes by these names, with others that are allowed. `localhost` and every
    /// IP address are among them.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>, allowed: AllowedHosts) -> Self {
        let names = names.into_iter().chain(["localhost"]);
        let own = names.filter_map(|name| authority(name).map(|(host, _)| host)).collect();
        Self { own, allowed }
    }

    /// Whether this request may be answered.
    ///
    /// # Errors
    /// When it names a host that is not the server's, or comes from a page of another host.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Stranger> {
        let in_header = match only(request, HOST)? {
            Some(text) => Some(self.known(&text)?),
            // No browser sends such a request.
            None if request.version() < Version::HTTP_11 => None,
            None => return Err(Stranger::Nameless),
        };
        // `GET http://host/path`: this host is the one that counts, but both must be known.
        let in_target = request.uri().authority().map(|text| self.known(text.as_str()));
        let asked = in_target.transpose()?.or(in_header);
        let Some(origin) = only(request, ORIGIN)? else {
            return Ok(());
        };
        let host = origin_host(&origin)
            .filter(|host| Some(host) == asked.as_ref() || self.allowed.0.contains(host));
        host.map(drop).ok_or(Stranger::Foreign(origin))
    }

    fn known(&self, text: &str) -> Result<Host, Stranger> {
        let (host, _port) = authority(text).ok_or_else(|| Stranger::Malformed(text.to_owned()))?;
        let is_known = match &host {
            // Where no name was asked for, none was pointed here.
            Host::Address(_) => true,
            Host::Name(name) => {
                let service = Host::Name(name.strip_prefix(TASKS).unwrap_or(name).to_owned());
                self.own.contains(&service) || self.allowed.0.contains(&host)
            }
        };
        if is_known { Ok(host) } else { Err(Stranger::Unknown(text.to_owned())) }
    }
}

/// The value of a header that may be there once.
fn only<B>(request: &Request<B>, name: HeaderName) -> Result<Option<String>, Stranger> {
    let mut values = request.headers().get_all(&name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Stranger::Repeated(name));
    }
    Ok(first.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()))
}

/// The host of `http://host` or `https://host`, with or without a port. `null`, which a browser sends
/// where it hides the page, has none.
fn origin_host(origin: &str) -> Option<Host> {
    let (scheme, rest) = origin.split_once("://")?;
    let is_http = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let (host, _port) = authority(rest)?;
    is_http.then_some(host)
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`, and nothing else: no user, no path.
fn authority(text: &str) -> Option<(Host, Option<u16>)> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some((Host::Address(IpAddr::from(address).to_canonical()), None));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (literal, rest) = rest.split_once(']')?;
            // Behind a `%` is the zone, which names an interface of the client.
            let literal = literal.split('%').next().unwrap_or_default();
            let address = IpAddr::from(literal.parse::<Ipv6Addr>().ok()?);
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
            (Host::Address(address.to_canonical()), port)
        }
        None => {
            let (name, port) = match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            };
            (named(name)?, port)
        }
    };
    // A port may be left empty.
    match port.filter(|port| !port.is_empty()) {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        Some(_) => None,
        None => Some((host, None)),
    }
}

fn named(text: &str) -> Option<Host> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Some(Host::Address(address.into()));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = !name.is_empty() && name.bytes().all(fits);
    is_name.then(|| Host::Name(name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_in_all_its_spellings() {
        let name = |text: &str| Some((Host::Name(text.to_owned()), None));
        let at = |text: &str, port| Some((Host::Address(text.parse().unwrap()), port));
        for (text, expected) in [
            ("webui", name("webui")),
            ("WebUI.", name("webui")),
            ("docker-coins_webui", name("docker-coins_webui")),
            ("webui:", name("webui")),
            ("10.1.2.3", at("10.1.2.3", None)),
            ("10.1.2.3.:8000", at("10.1.2.3", Some(8000))),
            ("::1", at("::1", None)),
            ("[::1]", at("::1", None)),
            ("[::1]:8000", at("::1", Some(8000))),
            ("[::FFFF:127.0.0.1]:80", at("127.0.0.1", Some(80))),
            ("[fe80::1%25eth0]:8000", at("fe80::1", Some(8000))),
        ] {
            assert_eq!(authority(text), expected, "{text}");
        }
        for text in [
            "",
            ".",
            ":8000",
            "a b",
            "a:b",
            "a:99999",
            "a:-1",
            "a:+1",
            "user@localhost",
            "localhost/x",
            "[::1",
            "[::1]8000",
            "[]",
            "[localhost]",
            "ex\u{e4}mple",
            "localhost,evil.example",
            "*",
        ] {
            assert_eq!(authority(text), None, "{text}");
        }
        // What only looks like an address is a name, and so is not known.
        for text in ["127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1.evil.example"] {
            assert_eq!(authority(text), name(text), "{text}");
        }
    }

    #[test]
    fn allowed_hosts_are_a_list_of_names() {
        let list: AllowedHosts = " Shop.Example. ,,10.0.0.1,[::1]".parse().unwrap();
        assert_eq!(list.0.len(), 3);
        assert_eq!(list.0[0], Host::Name("shop.example".to_owned()));
        assert_eq!("".parse(), Ok(AllowedHosts::default()));
        for wrong in ["shop.example:8000", "https://shop.example", "a,*", "a b"] {
            let error = wrong.parse::<AllowedHosts>().unwrap_err();
            assert!(error.contains("without scheme, port and path"), "{wrong}: {error}");
        }
    }

    #[test]
    fn only_pages_of_the_web_have_an_origin() {
        for origin in ["http://Localhost:8000", "HTTPS://localhost"] {
            assert_eq!(origin_host(origin), Some(Host::Name("localhost".to_owned())), "{origin}");
        }
        for origin in ["null", "", "localhost", "file://localhost", "http://", "http://a/b"] {
            assert_eq!(origin_host(origin), None, "{origin}");
        }
    }
}
