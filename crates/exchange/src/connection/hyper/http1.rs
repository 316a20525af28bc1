//! HTTP/1.1 by hyper, driven by the exchange itself.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body as _;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::failure::Of;
use crate::answer::{Answer, Malformed};
use crate::dial::Stream;
use crate::failure::Failure;
use crate::head::Head;
use crate::request::Prepared;
use crate::stamps::Stamps;

/// A connection, and what drives it.
pub(in crate::connection) struct Http1 {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// Moves bytes, as long as there is a connection.
struct Driver(Option<Connection<TokioIo<Stream>, Full<Bytes>>>);

impl Http1 {
    pub(super) async fn new(stream: Stream) -> Result<Self, Failure> {
        // A request is short: one piece is written faster than two.
        let handshake = Builder::new().writev(false).handshake(TokioIo::new(stream));
        let of = Of { stamps: &Stamps::now(), http2: false, answered: false };
        let (sender, connection) = handshake.await.map_err(|error| of.failure(&error))?;
        Ok(Self { sender, driver: Driver(Some(connection)) })
    }

    pub(super) async fn exchange(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        let done = self.attempt(request, stamps, on_head).await;
        let of = |error| Of { stamps, http2: false, answered: false }.failure(&error);
        done.map_err(of)?.map_err(Failure::from)
    }

    async fn attempt(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Result<Answer, Malformed>, hyper::Error> {
        let Self { sender, driver } = self;
        // The connection is driven only where it is needed: a short answer is there whole after
        // it was driven twice, once to send and once to receive.
        poll_fn(|context| match sender.poll_ready(context) {
            Poll::Pending => {
                driver.drive(context)?;
                sender.poll_ready(context)
            }
            ready @ Poll::Ready(_) => ready,
        })
        .await?;
        let mut response = pin!(sender.send_request(request.parts.http1.clone()));
        let response = poll_fn(|context| {
            let driven = driver.drive(context);
            // The first time round the request was written, as far as the system takes it.
            stamps.sent.get_or_insert_with(Instant::now);
            match response.as_mut().poll(context) {
                // What broke the connection says more than that it is gone.
                Poll::Ready(Err(error)) => Poll::Ready(Err(driven.err().unwrap_or(error))),
                other => other,
            }
        })
        .await?;
        stamps.first = Some(Instant::now());
        let (mut answer, mut body) = match super::begun(response, true, on_head) {
            Ok(begun) => begun,
            Err(malformed) => return Ok(Err(malformed)),
        };
        while let Some(frame) = poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
            Poll::Pending => {
                let driven = driver.drive(context);
                match Pin::new(&mut body).poll_frame(context) {
                    Poll::Ready(Some(Err(error))) => {
                        Poll::Ready(Some(Err(driven.err().unwrap_or(error))))
                    }
                    other => other,
                }
            }
            ready @ Poll::Ready(_) => ready,
        })
        .await
        {
            answer.body_bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        stamps.done = Some(Instant::now());
        // So that it is ready for the next request, or known not to be.
        let driven = poll_fn(|context| Poll::Ready(driver.drive(context))).await;
        answer.reusable = driven.is_ok() && driver.0.is_some() && !sender.is_closed();
        Ok(Ok(answer))
    }
}

impl Driver {
    /// Moves what can be moved; the failure that ended the connection, once.
    fn drive(&mut self, context: &mut Context<'_>) -> Result<(), hyper::Error> {
        let Some(connection) = &mut self.0 else { return Ok(()) };
        match Pin::new(connection).poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(ended) => {
                self.0 = None;
                ended
            }
        }
    }
}

impl fmt::Debug for Http1 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Http1").field("sender", &self.sender).finish_non_exhaustive()
    }
}
