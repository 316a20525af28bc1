//! Talking to a Docker engine: connecting, agreeing on an API version, time limits, and what went
//! wrong in sentences that say what to do. Knows nothing of the app.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{LocalNodeState, SwarmInfo};
use bollard::{API_DEFAULT_VERSION, BollardRequest, ClientVersion, Docker};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use serde_json::Value;

use super::endpoint::Endpoint;
use super::log::Logs;
use super::transport::{self, LARGEST_RESPONSE};
use crate::failure::Failure;

/// How long an answer of the engine may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the first may: whoever waits for it does not know yet that there is an engine.
const FIRST_PATIENCE: Duration = Duration::from_secs(15);
/// Docker Engine 20.10's API.
const OLDEST_API: (usize, usize) = (1, 41);

/// A connection to an engine that is a manager of a swarm.
#[derive(Debug)]
pub struct Engine {
    docker: Docker,
    endpoint: Endpoint,
    /// API version in use.
    version: (usize, usize),
    node: Option<String>,
}

/// Why an engine cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers there, or not as an engine does.
    #[error("{0}")]
    Away(String),
    /// It is there, but no manager of a swarm.
    #[error("{0}")]
    NoManager(String),
    /// It refused what was asked of it.
    #[error("{0}")]
    Refused(String),
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Away(reason) => Self::Engine(reason),
            EngineError::NoManager(reason) | EngineError::Refused(reason) => Self::Swarm(reason),
        }
    }
}

impl Engine {
    /// Connects to the engine at `endpoint` and sees that it manages a swarm.
    ///
    /// # Errors
    /// When it does not answer, is too old, or is no manager.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, EngineError> {
        let version = Arc::new(OnceLock::new());
        let docker =
            open(endpoint, Arc::clone(&version)).map_err(|error| away(endpoint, &error))?;
        let said = tokio::time::timeout(FIRST_PATIENCE, docker.version()).await;
        let said = said.map_err(|_| silent(endpoint, FIRST_PATIENCE))?;
        let said = said.map_err(|error| away(endpoint, &error))?;
        let agreed = agreed(&said.api_version.unwrap_or_default())
            .map_err(|reason| EngineError::Away(format!("the engine at {endpoint} {reason}")))?;
        let version = *version.get_or_init(|| agreed);
        let info = limited(docker.info()).await.map_err(|error| away(endpoint, &error))?;
        let swarm = info.swarm.unwrap_or_default();
        manager(endpoint, &swarm)?;
        Ok(Self { docker, endpoint: endpoint.clone(), version, node: swarm.node_id })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Id of the node it is.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// The API itself, for what needs no time limit.
    #[must_use]
    pub fn api(&self) -> &Docker {
        &self.docker
    }

    /// Where logs are read, which end only with their service.
    pub(super) fn logs(&self) -> Logs {
        Logs { endpoint: self.endpoint.clone(), version: self.version }
    }

    /// Asks for `path`, sending `body` if there is one, with JSON as it comes; about `what`.
    ///
    /// # Errors
    /// As [`Engine::ask`].
    pub async fn exchange(
        &self,
        what: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, EngineError> {
        let json = async {
            let bytes = Full::<Bytes>::from(body.map(Value::to_string).unwrap_or_default());
            let mut request = Request::new(bytes);
            *request.method_mut() = if body.is_some() { Method::POST } else { Method::GET };
            *request.uri_mut() = path.parse().map_err(io::Error::other)?;
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
            let version = Some(self.version);
            let answer =
                transport::send(&self.endpoint, version, request, LARGEST_RESPONSE).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
            match status.is_success() {
                true => Ok(serde_json::from_slice(&body).map_err(io::Error::other)?),
                false => Err(Error::DockerResponseServerError {
                    status_code: status.as_u16(),
                    message: message(&body),
                }),
            }
        };
        self.ask(what, json).await
    }

    /// Waits for the answer to `question`, which is about `what`.
    ///
    /// # Errors
    /// When there is none in time, or it is a refusal.
    pub fn ask<T>(
        &self,
        what: &str,
        question: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, EngineError>> {
        // The library's futures hold whole descriptions of services: far too large for the stack.
        let question = Box::pin(question);
        async move {
            limited(question).await.map_err(|error| match error {
                Error::DockerResponseServerError { message, .. } => refusal(what, &message),
                error => away(&self.endpoint, &error),
            })
        }
    }
}

/// The library's client over this project's connections, so that there is one way to an engine.
fn open(endpoint: &Endpoint, version: Arc<OnceLock<(usize, usize)>>) -> Result<Docker, Error> {
    let endpoint = endpoint.clone();
    let send = move |request: BollardRequest| {
        let (endpoint, version) = (endpoint.clone(), version.get().copied());
        async move { Ok(transport::send(&endpoint, version, request, LARGEST_RESPONSE).await?) }
    };
    Docker::connect_with_custom_transport(
        send,
        Some("http://engine"),
        PATIENCE.as_secs(),
        API_DEFAULT_VERSION,
    )
}

/// What the engine says of a refusal.
fn message(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    let said = said.as_ref().and_then(|said| said.get("message")?.as_str());
    said.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

/// The library limits the wait for an answer's head only; its body may stall too.
async fn limited<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(PATIENCE, question).await.unwrap_or(Err(Error::RequestTimeoutError))
}

/// The newest API version both sides know.
fn agreed(theirs: &str) -> Result<(usize, usize), String> {
    let parsed = theirs.split_once('.').and_then(|(major, minor)| {
        Some((major.parse::<usize>().ok()?, minor.parse::<usize>().ok()?))
    });
    let theirs = parsed.ok_or_else(|| format!("names no API version ('{theirs}')"))?;
    let ClientVersion { major_version, minor_version } = API_DEFAULT_VERSION;
    match theirs < OLDEST_API {
        true => Err(format!(
            "is too old: its API is {}.{}, Docker Engine 20.10 or newer is needed",
            theirs.0, theirs.1
        )),
        false => Ok(theirs.min((*major_version, *minor_version))),
    }
}

/// What the engine's own words leave out: what to do.
fn refusal(what: &str, message: &str) -> EngineError {
    let message = message.trim().trim_start_matches("rpc error: ");
    let lost = message.contains("does not have a leader") || message.contains("context deadline");
    match lost {
        true => EngineError::Away(format!(
            "{what}: the swarm has no leader ({message}): bring back managers until more than half \
             of them are up"
        )),
        false => EngineError::Refused(format!("{what}: the engine refused: {message}")),
    }
}

fn manager(endpoint: &Endpoint, swarm: &SwarmInfo) -> Result<(), EngineError> {
    let reason = match swarm.local_node_state {
        Some(LocalNodeState::ACTIVE) if swarm.control_available == Some(true) => return Ok(()),
        Some(LocalNodeState::ACTIVE) => {
            let managers = swarm.remote_managers.iter().flatten();
            let managers: Vec<_> = managers.filter_map(|peer| peer.addr.as_deref()).collect();
            format!(
                "is a worker of its swarm; name a manager with --engine, --context or DOCKER_HOST \
                 (managers: {})",
                managers.join(", ")
            )
        }
        Some(LocalNodeState::LOCKED) => {
            String::from("is locked; unlock it with `docker swarm unlock`")
        }
        Some(LocalNodeState::PENDING | LocalNodeState::ERROR) => format!(
            "has not joined its swarm: {}",
            swarm.error.as_deref().filter(|text| !text.is_empty()).unwrap_or("still pending")
        ),
        _ => String::from("is in no swarm; make one with `docker swarm init`"),
    };
    Err(EngineError::NoManager(format!("the engine at {endpoint} {reason}")))
}

/// Why an engine does not answer, from whatever the layers below said.
fn away(endpoint: &Endpoint, error: &Error) -> EngineError {
    let reason = innermost(error);
    let advice = match error {
        Error::RequestTimeoutError => return silent(endpoint, PATIENCE),
        Error::JsonDataError { .. } => "what answers there is no Docker engine",
        _ if is_too_large(error) => "no engine needs as much for its answer",
        _ if reason.contains("ermission denied") => {
            "run bench as root or as a member of the group docker"
        }
        _ if reason.contains("cannot read") => "that is all bench knows of this engine's keys",
        _ if reason.contains("ertificate") || reason.contains("UnknownIssuer") => {
            "the certificates in DOCKER_CERT_PATH must be of the engine's own authority"
        }
        _ if reason.contains("HTTPS server") => {
            "it wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
        }
        _ if reason.contains("nvalid") => "what answers there is no Docker engine, or wants TLS",
        _ => "start it, or name another with --engine, --context or DOCKER_HOST",
    };
    EngineError::Away(format!("no Docker engine at {endpoint}: {reason}; {advice}"))
}

fn silent(endpoint: &Endpoint, patience: Duration) -> EngineError {
    EngineError::Away(format!(
        "the engine at {endpoint} does not answer within {patience:?}; is it stopped, overloaded or \
         behind a firewall?"
    ))
}

/// Whether a response was larger than any that is read.
fn is_too_large(error: &Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::FileTooLarge)
}

/// The innermost reason: what is around it only says that a request was made.
fn innermost(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_version_is_the_newest_both_know() {
        assert_eq!(agreed("1.41"), Ok((1, 41)));
        assert_eq!(agreed("1.99"), Ok((1, API_DEFAULT_VERSION.minor_version)));
        assert!(agreed("1.40").unwrap_err().contains("20.10"));
        assert!(agreed("").is_err());
    }

    #[tokio::test]
    async fn a_response_without_end_is_read_no_further_than_its_limit() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let endpoint = Endpoint::Unix(socket);
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[").await.unwrap();
            while stream.write_all(&b"1,".repeat(10_000)).await.is_ok() {}
        };
        let reading = async {
            let request = Request::new(Full::<Bytes>::default());
            let answer = transport::send(&endpoint, None, request, 70_000).await.unwrap();
            answer.into_body().collect().await.map_err(io::Error::other).unwrap_err()
        };
        let (error, ()) = tokio::join!(reading, serving);
        let error = Error::from(error);
        assert!(is_too_large(&error));
        let said = away(&endpoint, &error).to_string();
        assert!(said.contains("larger than 70000 bytes") && said.contains("docker.sock"), "{said}");
    }

    #[test]
    fn only_a_manager_will_do() {
        let endpoint = Endpoint::Tcp("m1:2375".into());
        let said = |swarm: &SwarmInfo| manager(&endpoint, swarm).map_err(|e| e.to_string());
        let mut swarm = SwarmInfo::default();
        assert!(said(&swarm).unwrap_err().contains("docker swarm init"));
        swarm.local_node_state = Some(LocalNodeState::ACTIVE);
        assert!(said(&swarm).unwrap_err().contains("is a worker"));
        swarm.control_available = Some(true);
        assert_eq!(said(&swarm), Ok(()));
        swarm.local_node_state = Some(LocalNodeState::LOCKED);
        assert!(said(&swarm).unwrap_err().contains("swarm unlock"));
    }
}
