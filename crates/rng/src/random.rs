//! Random bytes as a reply: made at once when few, while they are sent when many, so that no
//! request holds more than one chunk in memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Either};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use rand::Rng as _;
use service::Reply;
use service::reply;

const CHUNK: usize = 64 << 10;
const BINARY: &str = "application/octet-stream";

/// A reply of `count` random bytes from a cryptographic generator.
pub(crate) fn reply(count: u64) -> Reply {
    let stream = RandomBytes { left: count };
    if count <= CHUNK as u64 {
        return reply::bytes(StatusCode::OK, BINARY, stream.chunk());
    }
    let mut reply = Response::new(Either::Right(stream.boxed_unsync()));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(BINARY));
    reply
}

struct RandomBytes {
    left: u64,
}

impl RandomBytes {
    fn chunk(&self) -> Bytes {
        let length = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK));
        let mut chunk = BytesMut::zeroed(length);
        // ChaCha with 12 rounds, seeded and reseeded from the system.
        rand::rng().fill_bytes(&mut chunk);
        chunk.freeze()
    }
}

impl Body for RandomBytes {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let chunk = self.chunk();
        self.left -= chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
