//! When each part of an exchange ended, and how long each part took. Durations are differences of
//! neighbouring stamps, so that they add up to the whole exactly.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

/// When what happened, on the monotonic clock. What did not happen has no stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// The exchange began.
    pub began: Instant,
    /// The name was looked up; none for an address, a known name, or a kept connection.
    pub resolved: Option<Instant>,
    /// The connection stood, through the proxy where there is one; none for a kept one.
    pub connected: Option<Instant>,
    /// TLS was agreed on.
    pub secured: Option<Instant>,
    /// The last byte of the request was handed to the system.
    pub sent: Option<Instant>,
    /// The first bytes of the answer were there.
    pub first: Option<Instant>,
    /// The answer was whole.
    pub done: Option<Instant>,
}

/// A part of an exchange, in the order in which they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Looking up the name.
    Resolve,
    /// Making the connection.
    Connect,
    /// Agreeing on TLS.
    Tls,
    /// Sending the request.
    Send,
    /// Waiting for the first byte of the answer.
    Wait,
    /// Receiving the answer.
    Receive,
}

/// How long each part of an exchange took; they add up to [`Phases::total`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Looking up the name.
    pub resolve: Option<Duration>,
    /// Making the connection.
    pub connect: Option<Duration>,
    /// Agreeing on TLS.
    pub tls: Option<Duration>,
    /// Sending the request.
    pub send: Duration,
    /// From sent to the first byte of the answer.
    pub wait: Duration,
    /// From the first byte of the answer to its last.
    pub receive: Duration,
}

impl Stamps {
    /// An exchange that begins now.
    #[must_use]
    pub fn now() -> Self {
        Self::from(Instant::now())
    }

    /// An exchange that began at `began`.
    #[must_use]
    pub fn from(began: Instant) -> Self {
        Self {
            began,
            resolved: None,
            connected: None,
            secured: None,
            sent: None,
            first: None,
            done: None,
        }
    }

    /// The phase under way after the last stamp: where an exchange that was given up stood. `dials`
    /// and `secures` say whether it was to make a connection and to agree on TLS.
    #[must_use]
    pub fn under_way(&self, resolves: bool, dials: bool, secures: bool) -> Phase {
        match self {
            Self { first: Some(_), .. } => Phase::Receive,
            Self { sent: Some(_), .. } => Phase::Wait,
            Self { secured: Some(_), .. } => Phase::Send,
            Self { connected: Some(_), .. } if secures => Phase::Tls,
            Self { connected: Some(_), .. } => Phase::Send,
            Self { resolved: None, .. } if resolves => Phase::Resolve,
            _ if dials => Phase::Connect,
            _ => Phase::Send,
        }
    }

    /// How long each part took, once the answer is whole.
    #[must_use]
    pub fn phases(&self) -> Option<Phases> {
        let (sent, first, done) = (self.sent?, self.first?, self.done?);
        let mut last = self.began;
        let mut since_last = |stamp: Option<Instant>| {
            let stamp = stamp?;
            let length = stamp.saturating_duration_since(last);
            last = stamp;
            Some(length)
        };
        let (resolve, connect) = (since_last(self.resolved), since_last(self.connected));
        let tls = since_last(self.secured);
        Some(Phases {
            resolve,
            connect,
            tls,
            send: sent.saturating_duration_since(last),
            wait: first.saturating_duration_since(sent),
            receive: done.saturating_duration_since(first),
        })
    }
}

impl Phases {
    /// The length of one phase, if there was such a phase.
    #[must_use]
    pub fn get(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Resolve => self.resolve,
            Phase::Connect => self.connect,
            Phase::Tls => self.tls,
            Phase::Send => Some(self.send),
            Phase::Wait => Some(self.wait),
            Phase::Receive => Some(self.receive),
        }
    }

    /// The whole exchange.
    #[must_use]
    pub fn total(&self) -> Duration {
        Phase::ALL.iter().filter_map(|phase| self.get(*phase)).sum()
    }
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Resolve, Self::Connect, Self::Tls, Self::Send, Self::Wait, Self::Receive];

    /// Its name, as it is printed and as it begins the names of JSON fields.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::Wait => "wait",
            Self::Receive => "receive",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(resolve: bool, connect: bool, tls: bool) -> Stamps {
        let began = Instant::now();
        let after = |there: bool, microseconds: u64| {
            there.then(|| began + Duration::from_micros(microseconds))
        };
        Stamps {
            began,
            resolved: after(resolve, 10),
            connected: after(connect, 30),
            secured: after(tls, 60),
            sent: after(true, 100),
            first: after(true, 1_100),
            done: after(true, 1_300),
        }
    }

    #[test]
    fn phases_add_up_to_the_whole_whichever_there_were() {
        for which in 0..8 {
            let stamps = stamps(which & 1 != 0, which & 2 != 0, which & 4 != 0);
            let phases = stamps.phases().unwrap();
            assert_eq!(phases.total(), Duration::from_micros(1_300), "{phases:?}");
        }
        let all = stamps(true, true, true).phases().unwrap();
        assert_eq!(all.tls, Some(Duration::from_micros(30)));
        assert_eq!(all.wait, Duration::from_millis(1));
    }

    #[test]
    fn an_answer_that_is_not_whole_has_no_phases_but_a_place() {
        let mut stamps = Stamps { done: None, ..stamps(true, true, true) };
        assert_eq!(stamps.phases(), None);
        assert_eq!(stamps.under_way(true, true, true), Phase::Receive);
        stamps.first = None;
        assert_eq!(stamps.under_way(true, true, true), Phase::Wait);
        stamps.sent = None;
        assert_eq!(stamps.under_way(true, true, true), Phase::Send);
        stamps.secured = None;
        assert_eq!(stamps.under_way(true, true, true), Phase::Tls);
        assert_eq!(stamps.under_way(true, true, false), Phase::Send);
        stamps.connected = None;
        assert_eq!(stamps.under_way(true, true, true), Phase::Connect);
        stamps.resolved = None;
        assert_eq!(stamps.under_way(true, true, true), Phase::Resolve);
        assert_eq!(stamps.under_way(false, true, true), Phase::Connect);
        assert_eq!(stamps.under_way(false, false, false), Phase::Send);
    }
}
