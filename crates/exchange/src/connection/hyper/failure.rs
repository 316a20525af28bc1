//! What hyper's failures mean.

use std::error::Error;
use std::io;

use h2::Reason;

use crate::answer::Malformed;
use crate::failure::{Failure, Kind};
use crate::stamps::{Phase, Stamps};

/// The exchange that failed.
pub(super) struct Of<'a> {
    pub(super) stamps: &'a Stamps,
    pub(super) http2: bool,
    /// Whether the connection brought an answer before.
    pub(super) answered: bool,
}

impl Of<'_> {
    /// What `error` means for this exchange.
    pub(super) fn failure(&self, error: &hyper::Error) -> Failure {
        let phase = if self.stamps.first.is_some() { Phase::Receive } else { Phase::Wait };
        if error.is_parse_too_large() {
            return match self.http2 {
                true => Malformed::HeadTooLong.into(),
                false => Malformed::HeadTooLarge.into(),
            };
        }
        if error.is_parse() {
            let in_place_of_answer = self.answered && self.stamps.first.is_none();
            return if in_place_of_answer { Failure::Excess } else { Malformed::Hyper.into() };
        }
        if !self.http2 && self.answered && is_excess(error) {
            return Failure::Excess;
        }
        let http2 = source::<h2::Error>(error);
        let system = http2.and_then(h2::Error::get_io).or_else(|| source::<io::Error>(error));
        if let Some(error) = system {
            return match error.kind() {
                // h2's word for a connection that the other end closed.
                io::ErrorKind::BrokenPipe if self.http2 => Failure::Closed(phase),
                // What hyper says of a length of a chunk that is none.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Malformed::Chunk.into(),
                _ => Failure::broken(phase, error),
            };
        }
        if let Some(error) = http2 {
            return self.of_http2(phase, error);
        }
        // A request that was cancelled says why below.
        let error = source::<hyper::Error>(error).unwrap_or(error);
        let gone = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
        match (gone, self.http2) {
            (true, _) => Failure::Closed(phase),
            (false, true) => Failure::Http2 { kind: Kind::Malformed, reason: error.to_string() },
            (false, false) => Malformed::Hyper.into(),
        }
    }

    fn of_http2(&self, phase: Phase, error: &h2::Error) -> Failure {
        let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
        let (kind, reason) = match reason {
            Reason::NO_ERROR if error.is_go_away() => return Failure::Closed(phase),
            Reason::FRAME_SIZE_ERROR if error.is_library() && !self.answered => {
                (Kind::Malformed, "the server speaks another protocol".to_owned())
            }
            Reason::REFUSED_STREAM => (Kind::Reset, "the server refuses the request".to_owned()),
            reason if error.is_library() => {
                (Kind::Malformed, format!("the server breaks the protocol: {reason}"))
            }
            reason if error.is_go_away() => {
                (Kind::Closed, format!("the server ends the connection: {reason}"))
            }
            reason => (Kind::Reset, format!("the server ends the request: {reason}")),
        };
        Failure::Http2 { kind, reason }
    }
}

/// Whether bytes came that belong to no response, over a connection of HTTP/1 whose response was
/// whole.
pub(super) fn is_excess(error: &hyper::Error) -> bool {
    // A request that was cancelled says why below.
    let error = source::<hyper::Error>(error).unwrap_or(error);
    let gone = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    let known = gone || error.is_parse() || error.is_user();
    !known && source::<io::Error>(error).is_none()
}

/// The first error of a kind among those below.
fn source<E: Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut below = error.source();
    while let Some(error) = below {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        below = error.source();
    }
    None
}
