//! A connection to a server, whichever protocol it speaks.

mod hyper;

use crate::answer::Answer;
use crate::dial::{Peer, Stream};
use crate::failure::Failure;
use crate::habits::Habits;
use crate::head::Head;
use crate::request::Prepared;
use crate::stamps::Stamps;
use crate::wire::Wire;

/// What is spoken over a connection, and by whose code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 (or 1.0), spoken here.
    #[default]
    Http1,
    /// HTTP/1.1, spoken by hyper.
    Hyper1,
    /// HTTP/2, spoken by hyper: over TLS where the server agrees, else with prior knowledge.
    Http2,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    peer: Peer,
    secured: Option<Secured>,
    speaker: Speaker,
}

/// What is known of a connection over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// SHA-256 of the server's certificate.
    pub fingerprint: [u8; 32],
    /// The protocol, such as `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
}

#[derive(Debug)]
enum Speaker {
    Http1(Wire<Stream>),
    Hyper(hyper::Speaker),
}

impl Connection {
    /// Speaks `protocol` over a stream to `peer`.
    pub(crate) async fn new(
        peer: Peer,
        stream: Stream,
        secured: Option<Secured>,
        (protocol, habits): (Protocol, Habits),
    ) -> Result<Self, Failure> {
        let speaker = match protocol {
            Protocol::Http1 => Speaker::Http1(Wire::new(stream, habits)),
            Protocol::Hyper1 => Speaker::Hyper(hyper::Speaker::http1(stream, habits).await?),
            Protocol::Http2 => Speaker::Hyper(hyper::Speaker::http2(stream).await?),
        };
        Ok(Self { peer, secured, speaker })
    }

    /// Sends `request` and reads its answer whole; the body is counted and dropped. Stamps `sent`,
    /// `first` and `done` (with hyper: handed over, head there, body there). After a failure, an
    /// answer that is not reusable, or an exchange that was given up, the connection must not be
    /// used again; a stream of HTTP/2 that was given up or refused leaves the others as they are.
    ///
    /// # Errors
    /// When there was no whole answer.
    pub async fn exchange(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        match &mut self.speaker {
            Speaker::Http1(wire) => wire.exchange(request, stamps, on_head).await,
            Speaker::Hyper(speaker) => speaker.exchange(request, stamps, on_head).await,
        }
    }

    /// The other end: the server, or the proxy before it.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// TLS, where it is spoken.
    #[must_use]
    pub fn secured(&self) -> Option<&Secured> {
        self.secured.as_ref()
    }

    /// Another handle to the same connection, for exchanges side by side; only HTTP/2 has them.
    #[must_use]
    pub fn share(&self) -> Option<Self> {
        let Speaker::Hyper(speaker) = &self.speaker else { return None };
        let speaker = Speaker::Hyper(speaker.share()?);
        Some(Self { peer: self.peer.clone(), secured: self.secured.clone(), speaker })
    }
}
