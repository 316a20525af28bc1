//! Proxies: how one is written down, and what it is asked for.

mod connect;
mod socks5;

use std::fmt;
use std::io;
use std::str::FromStr;

use http::HeaderValue;
use tokio::net::TcpStream;

use super::authority;
use crate::failure::Failure;
use crate::login::Login;
use crate::url::Url;

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Which kind.
    pub kind: ProxyKind,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password.
    pub login: Option<Login>,
}

/// Kinds of proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP: asked for the whole URL, or told to CONNECT where TLS or HTTP/2 follows.
    Http,
    /// SOCKS5, which looks names up itself.
    Socks5,
}

/// What was typed names no proxy. Shown without user and password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no proxy: write [socks5://][USER[:PASSWORD]@]HOST:PORT")]
pub struct BadProxy(String);

impl Proxy {
    /// Makes `stream`, which goes to this proxy, one that goes to a server.
    pub(super) async fn tunnel(
        &self,
        stream: &mut TcpStream,
        host: &str,
        port: u16,
    ) -> Result<(), Failure> {
        let refused = match self.kind {
            ProxyKind::Http => connect::connect(stream, self, host, port).await,
            ProxyKind::Socks5 => socks5::connect(stream, self, host, port).await,
        };
        refused.map_err(|reason| Failure::Proxy { proxy: self.to_string(), reason })
    }

    /// What `Proxy-Authorization` says, if there is a user.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.login.as_ref()?.authorization()
    }
}

/// Without the password.
impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&authority(&self.host, self.port))
    }
}

/// How the connection to a proxy broke.
fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection before its answer was whole",
        _ => "it reset the connection",
    }
    .to_owned()
}

impl FromStr for Proxy {
    type Err = BadProxy;

    /// The port must be given: HTTP proxies have no usual one. User and password are
    /// percent-encoded.
    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let bad = || BadProxy(redacted::address(text));
        let (kind, rest) = match text.split_once("://") {
            None => (ProxyKind::Http, text),
            Some(("http", rest)) => (ProxyKind::Http, rest),
            Some(("socks5" | "socks5h", rest)) => (ProxyKind::Socks5, rest),
            Some(_) => return Err(bad()),
        };
        let rest = rest.trim_end_matches('/');
        let (login, address) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((login, address)) => (Some(Login::of_url(login).ok_or_else(bad)?), address),
        };
        let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
            let is_whole = !host.contains(':') || host.ends_with(']');
            is_whole && port.parse::<u16>().is_ok()
        });
        let url: Url = format!("http://{address}/").parse().map_err(|_| bad())?;
        if !has_port || url.path != "/" {
            return Err(bad());
        }
        Ok(Self { kind, host: url.host, port: url.port, login })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_written_as_a_url_or_less() {
        let proxy: Proxy = "localhost:3128".parse().unwrap();
        assert_eq!((proxy.kind, proxy.to_string()), (ProxyKind::Http, "localhost:3128".to_owned()));
        let proxy: Proxy = "socks5://m%3Ae:a:b%40@[::1]:1080/".parse().unwrap();
        assert_eq!((proxy.kind, proxy.to_string()), (ProxyKind::Socks5, "[::1]:1080".to_owned()));
        let login = Login { user: "m:e".to_owned(), password: Some("a:b@".to_owned()) };
        assert_eq!(proxy.login, Some(login));
        assert_eq!("me@x:1".parse::<Proxy>().unwrap().login.unwrap().password, None);
        for wrong in ["", "proxy", "ftp://x:1", "x:", "x:0", "x:1/path", "me:hidden@x", "::1"] {
            let error = wrong.parse::<Proxy>().unwrap_err().to_string();
            assert!(error.contains("HOST:PORT"), "{wrong:?}: {error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn the_password_is_encoded_and_not_shown() {
        let proxy: Proxy = "Aladdin:open sesame@x:1".parse().unwrap();
        let value = proxy.authorization().unwrap();
        assert_eq!(value.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?} {proxy:?}").contains("QWxh"));
        assert!(!format!("{proxy:?}").contains("sesame"));
    }
}
