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

use super::failure::{Of, is_excess};
use super::paced::Paced;
use crate::answer::{Answer, MOST_HEAD, MOST_HEADERS, Malformed};
use crate::dial::Stream;
use crate::failure::Failure;
use crate::habits::Habits;
use crate::head::Head;
use crate::request::Prepared;
use crate::stamps::Stamps;
use crate::turn::Turn;

/// A connection, and what drives it.
pub(in crate::connection) struct Http1 {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    /// Whether it brought an answer before.
    answered: bool,
    /// Whether its last answer was one that never has a body.
    bodiless: bool,
    habits: Habits,
}

/// Moves bytes, as long as there is a connection.
struct Driver {
    connection: Option<Connection<TokioIo<Paced>, Full<Bytes>>>,
    /// Whether it ended by bytes that belong to no response.
    excess: bool,
}

impl Http1 {
    pub(super) async fn new(stream: Stream, habits: Habits) -> Result<Self, Failure> {
        let mut builder = Builder::new();
        // A request is short: one piece is written faster than two.
        // Room for so many headers is made for each response.
        builder.writev(false).max_buf_size(MOST_HEAD).max_headers(MOST_HEADERS);
        builder.allow_obsolete_multiline_headers_in_responses(true);
        let handshake = builder.handshake(TokioIo::new(Paced::new(stream)));
        let of = Of { stamps: &Stamps::now(), http2: false, answered: false };
        let (sender, connection) = handshake.await.map_err(|error| of.failure(&error))?;
        let driver = Driver { connection: Some(connection), excess: false };
        Ok(Self { sender, driver, answered: false, bodiless: false, habits })
    }

    pub(super) async fn exchange(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        let done = self.attempt(request, stamps, on_head).await;
        let answered = std::mem::replace(&mut self.answered, true);
        let of = |error| Of { stamps, http2: false, answered }.failure(&error);
        let done = done.map_err(of).and_then(|done| done.map_err(Failure::from));
        if matches!(done, Err(Failure::Excess)) {
            self.habits.exceeded(self.bodiless);
        }
        let mut answer = done?;
        self.bodiless = request.head_only || matches!(answer.status, 204 | 304);
        if answer.excess {
            self.habits.exceeded(self.bodiless);
        }
        // Where such answers were followed by bodies, the next body may be on its way.
        let is_risky = self.bodiless && self.habits.sends_unasked_bodies();
        answer.reusable &= !request.closes && !answer.excess && !is_risky;
        Ok(answer)
    }

    async fn attempt(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Result<Answer, Malformed>, hyper::Error> {
        let Self { sender, driver, .. } = self;
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
        let mut turn = Turn::default();
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
            let bytes = frame?.data_ref().map_or(0, Bytes::len);
            answer.body_bytes += bytes as u64;
            turn.taken(bytes).await;
        }
        stamps.done = Some(Instant::now());
        // So that it is ready for the next request, or known not to be.
        let driven = poll_fn(|context| Poll::Ready(driver.drive(context))).await;
        answer.excess |= driver.excess;
        answer.reusable = driven.is_ok() && driver.connection.is_some() && !sender.is_closed();
        Ok(Ok(answer))
    }
}

impl Driver {
    /// Moves what can be moved; the failure that ended the connection, once.
    fn drive(&mut self, context: &mut Context<'_>) -> Result<(), hyper::Error> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        match Pin::new(connection).poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(ended) => {
                self.connection = None;
                self.excess = ended.as_ref().is_err_and(is_excess);
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
