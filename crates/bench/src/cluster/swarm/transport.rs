//! Connections to an engine: one for each request, over a unix socket, TCP, or TLS with the
//! certificates that docker keeps. Trust is in the engine's own authority alone.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::endpoint::Endpoint;

/// Largest response of an engine, in bytes: the tasks of a service take about 3,000 each.
pub(super) const LARGEST_RESPONSE: u64 = 256 << 20;

/// Sends `request` to the engine at `endpoint`, below the path of an API version if there is one,
/// for a response of at most `most` bytes.
///
/// # Errors
/// When there is no connection, or no answer that is HTTP. Reading the response fails with
/// [`io::ErrorKind::FileTooLarge`] once it is larger.
pub(super) async fn send<B>(
    endpoint: &Endpoint,
    version: Option<(usize, usize)>,
    mut request: Request<B>,
    most: u64,
) -> io::Result<Response<Incoming>>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    *request.uri_mut() = below(version, request.uri());
    let host = HeaderValue::from_str(endpoint.host().unwrap_or("localhost")).map_err(invalid)?;
    request.headers_mut().insert(HOST, host);
    match endpoint {
        Endpoint::Unix(path) => over(UnixStream::connect(path).await?, request, most).await,
        Endpoint::Tcp(address) => over(TcpStream::connect(address).await?, request, most).await,
        Endpoint::Tls { address, certificates } => {
            let connector = connector(certificates)?;
            let host = endpoint.host().unwrap_or_default().to_owned();
            let name = ServerName::try_from(host).map_err(invalid)?;
            let stream = TcpStream::connect(address).await?;
            over(connector.connect(name, stream).await?, request, most).await
        }
    }
}

/// The path alone, below `/v<major>.<minor>`: without, an engine answers in the newest shape it
/// knows, whatever that is.
fn below(version: Option<(usize, usize)>, uri: &Uri) -> Uri {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let prefix = version.map_or_else(String::new, |(major, minor)| format!("/v{major}.{minor}"));
    format!("{prefix}{path}").parse().unwrap_or_default()
}

async fn over<S, B>(stream: S, request: Request<B>, most: u64) -> io::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // One request a connection: what may be read from it is what the response may be.
    let stream = Bounded { stream, left: most, most };
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(io::Error::other)?;
    tokio::spawn(async move {
        // Its failures are seen by the request.
        let _ = connection.await;
    });
    sender.send_request(request).await.map_err(io::Error::other)
}

/// A stream from which a limited number of bytes can be read.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    left: u64,
    most: u64,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = u64::try_from(buffer.filled().len() - before).unwrap_or(u64::MAX);
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                read
            }
            None => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("its response is larger than {} bytes", self.most),
            ))),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// TLS with both sides known by the certificates that docker keeps in one directory.
fn connector(certificates: &Path) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(&certificates.join("ca.pem"))? {
        roots.add(certificate).map_err(invalid)?;
    }
    let own = read_certificates(&certificates.join("cert.pem"))?;
    let key = certificates.join("key.pem");
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| unreadable(&key, &error))?;
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(config.with_client_auth_cert(own, key).map_err(invalid)?).into())
}

fn read_certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    certificates.map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &impl std::error::Error) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "cannot read {}: {error}; TLS needs ca.pem, cert.pem and key.pem in the directory that \
             DOCKER_CERT_PATH or the context names",
            path.display()
        ),
    )
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_below_the_version_in_use() {
        let uri = "http://engine/services?filters=%7B%7D".parse().unwrap();
        assert_eq!(below(Some((1, 41)), &uri).to_string(), "/v1.41/services?filters=%7B%7D");
        assert_eq!(below(None, &uri).to_string(), "/services?filters=%7B%7D");
    }
}
