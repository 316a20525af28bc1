//! The answers services give: a status, a content type, and a body that is either at hand or
//! still being made. No routes, no policy.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// A body at hand, or one that is made while it is sent.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, std::convert::Infallible>>;

/// An answer of a service.
pub type Reply = Response<Body>;

/// A reply with the body at hand.
#[must_use]
pub fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let body: Bytes = body.into();
    let empty = body.is_empty();
    let mut reply = Response::new(Either::Left(Full::new(body)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if empty {
        // hyper leaves it out of its answer to HEAD.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    reply
}

/// Plain text.
#[must_use]
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    bytes(status, "text/plain; charset=utf-8", body)
}

/// 204: done, and nothing to tell.
#[must_use]
pub fn no_content() -> Reply {
    let mut reply = Response::new(Either::Left(Full::default()));
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// A value as JSON; one that cannot be written as JSON becomes a 500 that says so.
#[must_use]
pub fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => bytes(status, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// A failure in one line of plain text.
#[must_use]
pub fn error(status: StatusCode, reason: impl std::fmt::Display) -> Reply {
    text(status, format!("{reason}\n"))
}

/// The answer to a path or method the service does not have.
#[must_use]
pub fn not_found() -> Reply {
    error(StatusCode::NOT_FOUND, "not found")
}

/// 200 without a body: the answer to `OPTIONS`, which says what `methods` a path has.
#[must_use]
pub fn options(methods: &'static str) -> Reply {
    allowing(text(StatusCode::OK, ""), methods)
}

/// 405: the path is there, but not with this method; it has these `methods`.
#[must_use]
pub fn method_not_allowed(methods: &'static str) -> Reply {
    allowing(error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"), methods)
}

fn allowing(mut reply: Reply, methods: &'static str) -> Reply {
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    reply
}
