//! TLS over a stream: agreeing on it, what was agreed on, and what went wrong in a person's words.

mod trust;
mod words;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection};
use tokio_rustls::{TlsConnector, rustls::client::Resumption};

use super::route::Route;
use super::stream::Plain;
use crate::connection::{Protocol, Secured};
use crate::failure::Failure;
use crate::stamps::Phase;

/// Agrees on TLS with the server of a route.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    host: Arc<str>,
    wants_http2: bool,
}

/// A stream over TLS, whose failures are [`Failure::Tls`] where TLS is to blame.
#[derive(Debug)]
pub(crate) struct Secure {
    stream: TlsStream<Plain>,
    host: Arc<str>,
}

impl Tls {
    /// Reads the certificates that are trusted.
    pub(super) fn new(route: &Route) -> Result<Self, Failure> {
        let host: Arc<str> = route.url.name().into();
        let failure = |reason| Failure::Tls { host: host.to_string(), reason };
        let name = ServerName::try_from(host.to_string())
            .map_err(|_| failure("no certificate can be for a name like this".to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failure(error.to_string()))?;
        let verifier = trust::verifier(&route.trust, &provider).map_err(failure)?;
        let mut config =
            versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        let wants_http2 = route.protocol == Protocol::Http2;
        config.alpn_protocols = vec![if wants_http2 { b"h2".into() } else { b"http/1.1".into() }];
        // Each connection agrees anew, so that all are measured alike.
        config.resumption = Resumption::disabled();
        Ok(Self { connector: Arc::new(config).into(), name, host, wants_http2 })
    }

    /// Agrees on TLS over `stream`.
    pub(super) async fn secure(&self, stream: Plain) -> Result<(Secure, Secured), Failure> {
        let agreed = self.connector.connect(self.name.clone(), stream).await;
        let stream = agreed.map_err(|error| {
            let failure = explained(error, &self.host, self.wants_http2);
            Failure::broken(Phase::Tls, &failure)
        })?;
        let (_, session) = stream.get_ref();
        if self.wants_http2 && session.alpn_protocol() != Some(b"h2") {
            let reason = words::NO_HTTP2.to_owned();
            return Err(Failure::Tls { host: self.host.to_string(), reason });
        }
        let secured = secured(session);
        Ok((Secure { stream, host: Arc::clone(&self.host) }, secured))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("host", &self.host).finish_non_exhaustive()
    }
}

/// What was agreed on.
fn secured(session: &ClientConnection) -> Secured {
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let version = session.protocol_version().and_then(|version| version.as_str());
    let cipher = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    Secured {
        fingerprint: certificate.map(|der| Sha256::digest(der).into()).unwrap_or_default(),
        version: version.unwrap_or_default().replace('_', "."),
        cipher: cipher.unwrap_or_default().to_owned(),
    }
}

/// The same failure, as a [`Failure`] inside where TLS is to blame.
fn explained(error: io::Error, host: &str, wants_http2: bool) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        None => error,
        Some(inner) => {
            let reason = words::of(inner, wants_http2);
            io::Error::other(Failure::Tls { host: host.to_owned(), reason })
        }
    }
}

impl Secure {
    fn explained<T>(&self, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        poll.map_err(|error| explained(error, &self.host, false))
    }
}

impl AsyncRead for Secure {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.explained(poll)
    }
}

impl AsyncWrite for Secure {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.explained(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.explained(poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.explained(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.explained(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
