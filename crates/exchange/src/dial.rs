//! Making connections: names to addresses, TCP and unix sockets, through proxies, with TLS on top.

mod direct;
mod proxy;
mod resolve;
mod route;
mod stream;
mod tcp;
mod tls;

use tokio::net::UnixStream;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::habits::Habits;
use crate::request::{Form, Prepared, Request};
use crate::stamps::{Phase, Stamps};
use crate::url::{Scheme, Url};
use direct::Direct;
use stream::Plain;
use tls::Tls;

pub use proxy::{BadProxy, Proxy, ProxyKind};
pub use route::{Family, Peer, Route, Trust};
pub(crate) use stream::Stream;

/// Makes the connections of one route. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialer {
    route: Route,
    tls: Option<Tls>,
    habits: Habits,
}

impl Dialer {
    /// Reads the certificates that are trusted, where TLS is spoken.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(route: Route) -> Result<Self, Failure> {
        let tls = match route.url.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(Tls::new(&route)?),
        };
        Ok(Self { route, tls, habits: Habits::default() })
    }

    /// The way connections take.
    #[must_use]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Whether [`Self::resolve`] asks for the addresses of a name.
    #[must_use]
    pub fn resolves(&self) -> bool {
        self.route.unix.is_none() && resolve::literal(self.route.first_stop().0).is_none()
    }

    /// Whether connections agree on TLS.
    #[must_use]
    pub fn secures(&self) -> bool {
        self.tls.is_some()
    }

    /// How requests name what they ask for.
    #[must_use]
    pub fn form(&self) -> Form {
        match self.route.plain_proxy() {
            Some(_) => Form::Absolute,
            None => Form::Origin,
        }
    }

    /// Renders `request` for `url` as this way wants it, with the password of a proxy that reads
    /// along.
    #[must_use]
    pub fn prepare(&self, request: &Request, url: &Url) -> Prepared {
        match self.route.plain_proxy().and_then(Proxy::authorization) {
            None => Prepared::new(request, url, self.form()),
            Some(authorization) => {
                let mut request = request.clone();
                request.headers.push((http::header::PROXY_AUTHORIZATION, authorization));
                Prepared::new(&request, url, self.form())
            }
        }
    }

    /// Where connections can go: all addresses of the server, or of the proxy before it, of the
    /// family that was asked for. Stamps `resolved` where a name was looked up.
    ///
    /// # Errors
    /// When there is no such address.
    pub async fn resolve(&self, stamps: &mut Stamps) -> Result<Vec<Peer>, Failure> {
        if let Some(path) = &self.route.unix {
            return Ok(vec![Peer::Unix(path.clone())]);
        }
        let (host, port) = self.route.first_stop();
        let addresses = match resolve::literal(host) {
            Some(address) => vec![(address, port).into()],
            None => {
                let addresses = resolve::look_up(host, port).await?;
                stamps.resolved = Some(Instant::now());
                addresses
            }
        };
        let usable = resolve::usable(addresses, host, self.route.family, self.route.bind)?;
        Ok(usable.into_iter().map(Peer::Tcp).collect())
    }

    /// A new connection to the first of `peers` that takes one, `refused` hearing of those that do
    /// not. Only what refuses a connection is passed over: one that is bad in another way, as by its
    /// certificate, is not hidden behind its neighbours.
    ///
    /// # Errors
    /// The first refusal when all refuse, or what else went wrong.
    pub async fn connect_any<'a>(
        &self,
        peers: impl IntoIterator<Item = &'a Peer>,
        stamps: &mut Stamps,
        mut refused: impl FnMut(&Peer),
    ) -> Result<Connection, Failure> {
        let mut first = None;
        for peer in peers {
            (stamps.connected, stamps.secured) = (None, None);
            match self.connect(peer, stamps).await {
                Err(refusal @ Failure::Connect { .. }) => {
                    refused(peer);
                    first.get_or_insert(refusal);
                }
                other => return other,
            }
        }
        // A name without an address has failed before.
        Err(first.unwrap_or(Failure::Closed(Phase::Connect)))
    }

    /// A new connection to `peer`, ready for a request. Stamps `connected` and `secured`.
    ///
    /// # Errors
    /// When nobody answers there, the proxy refuses, or TLS is not agreed on.
    pub async fn connect(&self, peer: &Peer, stamps: &mut Stamps) -> Result<Connection, Failure> {
        let stream = self.reach(peer).await?;
        stamps.connected = Some(Instant::now());
        let (stream, secured) = match &self.tls {
            None => (Stream::Plain(stream), None),
            Some(tls) => {
                let (stream, secured) = tls.secure(stream).await?;
                stamps.secured = Some(Instant::now());
                (Stream::Secure(Box::new(stream)), Some(secured))
            }
        };
        let speaks = (self.route.protocol, self.habits.clone());
        Connection::new(peer.clone(), stream, secured, speaks).await
    }

    /// A connection to the server, through the proxy where it needs to be told whereto.
    async fn reach(&self, peer: &Peer) -> Result<Plain, Failure> {
        match peer {
            Peer::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|error| Failure::connect(peer, &error))?;
                Ok(Plain::Unix(Direct(stream)))
            }
            Peer::Tcp(address) => {
                let stream = tcp::connect(*address, self.route.bind).await;
                let Some(proxy) = &self.route.proxy else { return Ok(Plain::Tcp(Direct(stream?))) };
                let mut stream = stream.map_err(Failure::of_proxy)?;
                if self.route.plain_proxy().is_none() {
                    let (host, port) = self.route.server();
                    // The zone of an address is this machine's own.
                    let host = host.split_once('%').map_or(host, |(address, _)| address);
                    proxy.tunnel(&mut stream, host, port).await?;
                }
                Ok(Plain::Tcp(Direct(stream)))
            }
        }
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
