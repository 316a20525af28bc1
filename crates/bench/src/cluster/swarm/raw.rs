//! One request to an engine with its JSON as it came: what is read here and written back loses
//! nothing, whatever the engine adds to its descriptions.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::endpoint::Endpoint;

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RawError {
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(#[from] io::Error),
    /// What came was not HTTP.
    #[error("{0}")]
    Protocol(#[from] hyper::Error),
    /// The body was not JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The engine said no, and this.
    #[error("{0}")]
    Refused(String),
}

/// Asks the engine at `endpoint` for `path`, sending `body` if there is one.
///
/// # Errors
/// See [`RawError`].
pub(super) async fn exchange(
    endpoint: &Endpoint,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, RawError> {
    let request = request(endpoint, path, body)?;
    match endpoint {
        Endpoint::Unix(path) => over(UnixStream::connect(path).await?, request).await,
        Endpoint::Tcp(address) => over(TcpStream::connect(address).await?, request).await,
        Endpoint::Tls { address, certificates } => {
            let host = endpoint.host().unwrap_or_default().to_owned();
            let name = ServerName::try_from(host).map_err(invalid)?;
            let stream = TcpStream::connect(address).await?;
            over(connector(certificates)?.connect(name, stream).await?, request).await
        }
    }
}

fn request(
    endpoint: &Endpoint,
    path: &str,
    body: Option<&Value>,
) -> Result<Request<Full<Bytes>>, RawError> {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let bytes = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, endpoint.host().unwrap_or("localhost"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(bytes));
    Ok(request.map_err(invalid)?)
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Value, RawError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its failures are seen by the request.
        let _ = connection.await;
    });
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    match status {
        StatusCode::OK | StatusCode::CREATED => Ok(serde_json::from_slice(&body)?),
        _ => Err(RawError::Refused(message(status, &body))),
    }
}

/// What the engine says of a refusal.
fn message(status: StatusCode, body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    let said = said.as_ref().and_then(|said| said.get("message")?.as_str());
    said.map_or_else(|| format!("{status}: {}", String::from_utf8_lossy(body)), str::to_owned)
}

/// TLS with both sides known by the certificates that docker keeps in one directory.
fn connector(certificates: &Path) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(&certificates.join("ca.pem"))? {
        roots.add(certificate).map_err(invalid)?;
    }
    let own = read_certificates(&certificates.join("cert.pem"))?;
    let key = PrivateKeyDer::from_pem_file(certificates.join("key.pem")).map_err(invalid)?;
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(config.with_client_auth_cert(own, key).map_err(invalid)?).into())
}

fn read_certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(invalid)?;
    certificates.collect::<Result<_, _>>().map_err(invalid)
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
