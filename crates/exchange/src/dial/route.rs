//! The way to a server: what is spoken, through whom, from where, and whom to trust.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::proxy::{Proxy, ProxyKind};
use crate::connection::Protocol;
use crate::url::{Scheme, Url};

/// How connections to a server are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The server.
    pub url: Url,
    /// What is spoken.
    pub protocol: Protocol,
    /// A unix socket to connect to in place of the URL's host; no proxy is asked then.
    pub unix: Option<PathBuf>,
    /// A host and port to connect to in place of the URL's, which is asked for all the same.
    pub instead: Option<(String, u16)>,
    /// A proxy to go through.
    pub proxy: Option<Proxy>,
    /// Only addresses of this family, where it is given; of the proxy's, where there is one.
    pub family: Option<Family>,
    /// Local address to connect from.
    pub bind: Option<IpAddr>,
    /// Which certificates are trusted.
    pub trust: Trust,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Which certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those of the system's authorities, or of the file that `SSL_CERT_FILE` names.
    #[default]
    System,
    /// Those of the authorities in a PEM file.
    File(PathBuf),
    /// All: what is measured may be anyone.
    Anyone,
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An address.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl Route {
    /// Straight to the server of a URL, speaking HTTP/1.1.
    #[must_use]
    pub fn to(url: Url) -> Self {
        Self {
            url,
            protocol: Protocol::default(),
            unix: None,
            instead: None,
            proxy: None,
            family: None,
            bind: None,
            trust: Trust::default(),
        }
    }

    /// The host and port of the server, whatever stands before it.
    pub(super) fn server(&self) -> (&str, u16) {
        match &self.instead {
            Some((host, port)) => (host, *port),
            None => (&self.url.host, self.url.port),
        }
    }

    /// The host and port a connection goes to first: the proxy's, else the server's.
    pub(super) fn first_stop(&self) -> (&str, u16) {
        match &self.proxy {
            Some(proxy) => (&proxy.host, proxy.port),
            None => self.server(),
        }
    }

    /// A proxy that is asked for the whole URL: one for HTTP in plain text, where nothing is
    /// tunnelled.
    pub(super) fn plain_proxy(&self) -> Option<&Proxy> {
        let in_plain = self.url.scheme == Scheme::Http && self.protocol != Protocol::Http2;
        let proxy = self.proxy.as_ref().filter(|_| self.unix.is_none() && in_plain);
        proxy.filter(|proxy| proxy.kind == ProxyKind::Http)
    }
}

impl Family {
    /// Whether an address is of this family.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        address.is_ipv4() == (self == Self::V4)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}
