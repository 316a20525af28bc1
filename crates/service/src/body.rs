//! Reading a request's body piece by piece, within a size and a time, so that no service holds a
//! whole body in memory or waits for one for ever.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};

use crate::within::within;

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Nothing more came within the time allowed.
    #[error("no more of the body came for {0:?}")]
    Stalled(Duration),
    /// The body is, or says it will be, larger than allowed.
    #[error("the body is over the limit of {0} bytes")]
    TooLarge(u64),
    /// The connection broke or the framing is not HTTP.
    #[error("the body broke off: {0}")]
    Broken(#[from] hyper::Error),
}

impl BodyError {
    /// The status that tells the client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Stalled(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// The next piece of `body`, or `None` at its end. `left` is how many bytes may still come out of
/// `limit`; the piece's length is taken off it.
///
/// # Errors
/// See [`BodyError`].
pub async fn next_chunk(
    body: &mut Incoming,
    left: &mut u64,
    limit: u64,
    patience: Duration,
) -> Result<Option<Bytes>, BodyError> {
    if body.size_hint().lower() > *left {
        return Err(BodyError::TooLarge(limit));
    }
    loop {
        // Known from Content-Length, without another turn of the connection.
        if body.is_end_stream() {
            return Ok(None);
        }
        let frame = within(patience, body.frame()).await.ok_or(BodyError::Stalled(patience))?;
        let Some(frame) = frame.transpose()? else {
            return Ok(None);
        };
        let Ok(chunk) = frame.into_data() else {
            continue; // trailers
        };
        *left = left.checked_sub(chunk.len() as u64).ok_or(BodyError::TooLarge(limit))?;
        return Ok(Some(chunk));
    }
}
