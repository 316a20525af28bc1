//! Why there was no answer, in words for a person and as a kind to count by.

use std::fmt;
use std::io;

use crate::answer::Malformed;
use crate::stamps::Phase;

/// Why an exchange brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name has no address, or none of the wanted family.
    #[error("cannot resolve {host}: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// No connection.
    #[error("cannot connect to {peer}: {reason}")]
    Connect {
        /// Where to.
        peer: String,
        /// What kind of failure it counts as.
        kind: Kind,
        /// What the system said.
        reason: String,
    },
    /// The process may open no further file.
    #[error("too many open files: raise the limit with `ulimit -n`, or use fewer connections")]
    Descriptors,
    /// No agreement on TLS, or a certificate that is not trusted.
    #[error("TLS with {host}: {reason}")]
    Tls {
        /// The name that was asked for.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The proxy refused.
    #[error("proxy {proxy}: {reason}")]
    Proxy {
        /// The proxy.
        proxy: String,
        /// What it said.
        reason: String,
    },
    /// The connection broke.
    #[error("connection reset while {}", doing(*.0))]
    Reset(Phase),
    /// The server closed the connection before the answer was whole.
    #[error("connection closed {}", closed(*.0))]
    Closed(Phase),
    /// Bytes that followed an earlier response came in the place of this one.
    #[error("bytes that belong to no response came before the response")]
    Excess,
    /// What came is no answer.
    #[error("not an HTTP answer: {0}")]
    Malformed(#[from] Malformed),
    /// HTTP/2 failed in a way of its own.
    #[error("HTTP/2: {reason}")]
    Http2 {
        /// What kind of failure it counts as.
        kind: Kind,
        /// What went wrong.
        reason: String,
    },
    /// It took longer than it was given.
    #[error("no {} in time", awaited(*.0))]
    Timeout(Phase),
}

/// What failures are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The name could not be resolved.
    Resolve,
    /// Nobody listens there.
    Refused,
    /// There is no way there.
    Unreachable,
    /// Another failure to connect.
    Connect,
    /// The process may open no further file.
    Descriptors,
    /// TLS, certificates among it.
    Tls,
    /// The proxy refused.
    Proxy,
    /// The connection broke.
    Reset,
    /// The connection was closed too early.
    Closed,
    /// No HTTP, or HTTP that contradicts itself.
    Malformed,
    /// Took too long.
    Timeout,
}

impl Failure {
    /// What it is counted by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Resolve { .. } => Kind::Resolve,
            Self::Connect { kind, .. } | Self::Http2 { kind, .. } => *kind,
            Self::Descriptors => Kind::Descriptors,
            Self::Tls { .. } => Kind::Tls,
            Self::Proxy { .. } => Kind::Proxy,
            Self::Reset(_) => Kind::Reset,
            Self::Closed(_) => Kind::Closed,
            Self::Malformed(_) | Self::Excess => Kind::Malformed,
            Self::Timeout(_) => Kind::Timeout,
        }
    }

    /// Whether this is only about a connection that was kept: a server that closes idle connections
    /// would have caused it, or bytes that followed the response before. The request belongs on
    /// another connection.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Closed(phase) | Self::Reset(phase) => {
                matches!(phase, Phase::Send | Phase::Wait)
            }
            Self::Excess => true,
            _ => false,
        }
    }

    /// A failure to look up `host`.
    pub(crate) fn resolve(host: &str, error: &io::Error) -> Self {
        if out_of_descriptors(error) {
            return Self::Descriptors;
        }
        Self::Resolve { host: host.to_owned(), reason: words(error) }
    }

    /// A failure to connect to `peer`.
    #[must_use]
    pub fn connect(peer: &impl fmt::Display, error: &io::Error) -> Self {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
        if out_of_descriptors(error) {
            return Self::Descriptors;
        }
        let kind = match error.kind() {
            ConnectionRefused => Kind::Refused,
            HostUnreachable | NetworkUnreachable => Kind::Unreachable,
            // The system's own patience ended before ours.
            TimedOut => Kind::Timeout,
            _ => Kind::Connect,
        };
        Self::Connect { peer: peer.to_string(), kind, reason: words(error) }
    }

    /// The same, where the peer is a proxy.
    pub(crate) fn of_proxy(self) -> Self {
        match self {
            Self::Connect { peer, kind, reason } => {
                Self::Connect { peer: format!("proxy {peer}"), kind, reason }
            }
            other => other,
        }
    }

    /// A connection that failed in `phase`.
    pub(crate) fn broken(phase: Phase, error: &io::Error) -> Self {
        // A layer below may have found the words already.
        if let Some(known) = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            return known.clone();
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed(phase),
            // The system's own patience ended before ours.
            io::ErrorKind::TimedOut => Self::Timeout(phase),
            _ => Self::Reset(phase),
        }
    }
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::Resolve,
        Self::Refused,
        Self::Unreachable,
        Self::Connect,
        Self::Descriptors,
        Self::Tls,
        Self::Proxy,
        Self::Reset,
        Self::Closed,
        Self::Malformed,
        Self::Timeout,
    ];

    /// Its name, in JSON and in text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Connect => "connect",
            Self::Descriptors => "descriptors",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Malformed => "malformed",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Whether the process, or the machine, has no file descriptor left.
pub(crate) fn out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

/// What the system says, as part of a sentence and without the number it adds.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    let lookup = "failed to lookup address information: ";
    let words = words.strip_prefix(lookup).unwrap_or(words);
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "resolving",
        Phase::Connect => "connecting",
        Phase::Tls => "agreeing on TLS",
        Phase::Send => "sending the request",
        Phase::Wait => "waiting for the answer",
        Phase::Receive => "receiving the answer",
    }
}

fn closed(phase: Phase) -> &'static str {
    match phase {
        Phase::Receive => "in the middle of the answer",
        Phase::Wait => "before the answer",
        Phase::Tls => "while agreeing on TLS",
        _ => "before the request was sent",
    }
}

fn awaited(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "address of the name",
        Phase::Connect => "connection",
        Phase::Tls => "agreement on TLS",
        Phase::Send => "end of sending",
        Phase::Wait => "answer",
        Phase::Receive => "whole answer",
    }
}
