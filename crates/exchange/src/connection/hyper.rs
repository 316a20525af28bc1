//! Exchanges through hyper: HTTP/2, and HTTP/1.1 where it is asked for.

mod failure;
mod http1;
mod paced;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::{self, Connection, SendRequest};
use hyper::ext::ReasonPhrase;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::Instant;

use crate::answer::{Answer, MOST_HEAD, Malformed};
use crate::dial::Stream;
use crate::failure::Failure;
use crate::habits::Habits;
use crate::head::{Head, Headers};
use crate::request::Prepared;
use crate::stamps::Stamps;
use crate::turn::Turn;
use failure::Of;
use http1::Http1;

/// A connection that hyper speaks over.
#[derive(Debug)]
pub(super) enum Speaker {
    /// Driven by the exchange itself: no other task needs to be woken for it.
    Http1(Box<Http1>),
    /// Driven by a task of its own, since several exchanges share it.
    Http2(Http2),
}

/// A handle to a connection that others may share.
#[derive(Clone, Debug)]
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    /// What ended the connection; exchanges that come later are told only that it is gone.
    ended: Arc<OnceLock<hyper::Error>>,
    /// Whether it brought an answer before.
    answered: bool,
}

impl Speaker {
    /// Speaks HTTP/1.1 over `stream`.
    pub(super) async fn http1(stream: Stream, habits: Habits) -> Result<Self, Failure> {
        Ok(Self::Http1(Box::new(Http1::new(stream, habits).await?)))
    }

    /// Speaks HTTP/2 over `stream`, for as long as a handle to it is there.
    pub(super) async fn http2(stream: Stream) -> Result<Self, Failure> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(u32::try_from(MOST_HEAD).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(stream));
        let of = Of { stamps: &Stamps::now(), http2: true, answered: false };
        let (sender, connection) = handshake.await.map_err(|error| of.failure(&error))?;
        let ended = Arc::new(OnceLock::new());
        tokio::spawn(drive(connection, Arc::clone(&ended)));
        Ok(Self::Http2(Http2 { sender, ended, answered: false }))
    }

    pub(super) async fn exchange(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        match self {
            Self::Http1(http1) => http1.exchange(request, stamps, on_head).await,
            Self::Http2(http2) => {
                let done = stream(&mut http2.sender, request, stamps, on_head).await;
                let of = Of { stamps, http2: true, answered: http2.answered };
                let done = match done {
                    Ok(done) => done,
                    Err(error) => {
                        let failure = of.failure(&error);
                        return Err(match http2.cause(&failure).await {
                            Some(cause) => of.failure(cause),
                            None => failure,
                        });
                    }
                };
                http2.answered = true;
                done.map_err(Failure::from)
            }
        }
    }

    /// Another handle to the same connection.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(http2) => Some(Self::Http2(http2.clone())),
        }
    }
}

/// Moves the bytes of a connection until it ends, and notes why before anybody sees that it did.
async fn drive(
    mut connection: Connection<TokioIo<Stream>, Full<Bytes>, TokioExecutor>,
    ended: Arc<OnceLock<hyper::Error>>,
) {
    if let Err(error) = Pin::new(&mut connection).await {
        ended.get_or_init(|| error);
    }
    drop(connection);
}

impl Http2 {
    /// What ended the connection, where an exchange was told only that it is gone.
    async fn cause(&self, failure: &Failure) -> Option<&hyper::Error> {
        if !matches!(failure, Failure::Closed(_)) {
            return None;
        }
        // What drives the connection may have seen its end but not noted it.
        tokio::task::yield_now().await;
        self.ended.get()
    }
}

/// One exchange over a stream of HTTP/2.
async fn stream(
    sender: &mut SendRequest<Full<Bytes>>,
    request: &Prepared,
    stamps: &mut Stamps,
    on_head: &mut impl FnMut(&Head<'_>),
) -> Result<Result<Answer, Malformed>, hyper::Error> {
    sender.ready().await?;
    let response = sender.send_request(request.parts.http2.clone());
    stamps.sent = Some(Instant::now());
    let response = response.await?;
    stamps.first = Some(Instant::now());
    let (mut answer, mut body) = match begun(response, false, on_head) {
        Ok(begun) => begun,
        Err(malformed) => return Ok(Err(malformed)),
    };
    let mut turn = Turn::default();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let bytes = frame?.data_ref().map_or(0, Bytes::len);
        answer.body_bytes += bytes as u64;
        turn.taken(bytes).await;
    }
    stamps.done = Some(Instant::now());
    answer.reusable = !sender.is_closed();
    Ok(Ok(answer))
}

/// What an answer's head says, before its body.
fn begun(
    response: Response<Incoming>,
    has_reason: bool,
    on_head: &mut impl FnMut(&Head<'_>),
) -> Result<(Answer, Incoming), Malformed> {
    let (parts, body) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Malformed::Switched);
    }
    let own = parts.extensions.get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
    let usual = parts.status.canonical_reason().unwrap_or_default();
    let reason = own.map_or(usual, |own| str::from_utf8(own).unwrap_or_default());
    let status = parts.status.as_u16();
    on_head(&Head {
        status,
        reason: if has_reason { reason } else { "" },
        headers: Headers::Map(&parts.headers),
    });
    let head_bytes = head_bytes(reason, &parts.headers);
    // A 204 has no framing at all (RFC 9112, section 6); in HTTP/2 it does no harm.
    let length = parts.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    let announces = length || parts.headers.contains_key(TRANSFER_ENCODING);
    let excess = has_reason && status == 204 && announces;
    Ok((Answer { status, head_bytes, body_bytes: 0, reusable: false, excess }, body))
}

/// Bytes of a head as HTTP/1.1 writes it.
fn head_bytes(reason: &str, headers: &HeaderMap) -> u64 {
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    ("HTTP/1.1 200 \r\n\r\n".len() + reason.len() + lines.sum::<usize>()) as u64
}
