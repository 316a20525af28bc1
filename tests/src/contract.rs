//! What clients of the original app depend on, as a table: for each row the bytes of a request and
//! what must come back. The same rows hold for the original's frameworks and for these services, so
//! only what both must answer alike is in it. It starts nothing: tests bring the addresses.
//!
//! Left out, since no client depends on it: reason phrases, the version in the status line, `Server`
//! and other headers of a framework, parameters of a content type, bodies of errors.

mod exchange;
mod table;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

pub use exchange::{Answer, Wire};
pub use table::{HASHER, RNG, WEBUI};

/// How long rng and hasher work on a request.
pub const SERVICE_TIME: Duration = Duration::from_millis(100);
/// What a timer may be early by.
const TIMER_SLACK: Duration = Duration::from_millis(2);
/// The counter that Redis must hold for rows with [`Given::Counted`].
pub const COUNTED_HASHES: &str = "345";
/// The size of the wallet for these rows.
pub const COUNTED_COINS: u64 = 2;

/// A request and what must come back.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The bytes on the wire.
    pub request: &'static [u8],
    /// What Redis must hold.
    pub given: Given,
    /// The status code.
    pub status: u16,
    /// What must be in the header.
    pub headers: &'static [Header],
    /// What must be in the body. An answer to `HEAD` has none, whatever stands here.
    pub body: Body,
    /// Whether the request is worked on for [`SERVICE_TIME`].
    pub work: Work,
}

/// What Redis holds when a row is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Anything.
    Anything,
    /// Neither `hashes` nor `wallet`.
    Nothing,
    /// `hashes` is [`COUNTED_HASHES`], and `wallet` has [`COUNTED_COINS`] fields.
    Counted,
}

/// What must be in a header.
#[derive(Clone, Copy, Debug)]
pub enum Header {
    /// The content type, without its parameters.
    Type(&'static str),
    /// The value of `Content-Length`.
    Length(usize),
    /// The value of `Location`.
    Location(&'static str),
    /// The methods in `Allow`, in any order.
    Allow(&'static [&'static str]),
}

/// What must be in a body.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Anything.
    Any,
    /// At least one byte.
    NonEmpty,
    /// Exactly these bytes.
    Is(&'static str),
    /// As many bytes, other ones each time.
    Random(usize),
    /// `<NAME> running on <word>` and a newline.
    Greeting(&'static str),
    /// `{"coins": <number>, "hashes": <string or null>, "now": <seconds, at least about now>}`, no
    /// more fields and no fewer.
    Counts {
        /// The number of coins.
        coins: u64,
        /// The counter: a JSON string, or null.
        hashes: Option<&'static str>,
    },
}

/// Whether a request is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// For [`SERVICE_TIME`].
    Done,
    /// Not, or it does not matter.
    None,
}

impl Row {
    /// The request line, to name the row by.
    #[must_use]
    pub fn name(&self) -> String {
        let line = self.request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }

    fn is_head(&self) -> bool {
        self.request.starts_with(b"HEAD ")
    }

    /// Sends the request twice to the service at `address` and compares what comes back: over one
    /// connection where the first answer keeps it, else over two. Returns whether it was kept.
    ///
    /// # Errors
    /// Every deviation, in a sentence each.
    pub async fn check(&self, address: SocketAddr) -> Result<bool, String> {
        let mut wire = Wire::connect(address).await.map_err(|error| self.wrong(&error))?;
        let first = self.once(&mut wire).await?;
        if !first.keeps_connection(self.request) {
            // A service that says that the connection ends must end it: a client may wait for that.
            wire.ends().await.map_err(|error| self.wrong(&error))?;
            wire = Wire::connect(address).await.map_err(|error| self.wrong(&error))?;
        }
        let second = self.once(&mut wire).await?;
        if let Body::Random(8..) = self.body
            && !self.is_head()
            && first.body == second.body
        {
            return Err(self.wrong(&"the same random bytes twice"));
        }
        Ok(first.keeps_connection(self.request))
    }

    async fn once(&self, wire: &mut Wire) -> Result<Answer, String> {
        let begin = Instant::now();
        let answer = wire.ask(self.request).await.map_err(|error| self.wrong(&error))?;
        let took = begin.elapsed();
        let mut wrong = self.deviations(&answer);
        if self.work == Work::Done && took + TIMER_SLACK < SERVICE_TIME {
            wrong.push(format!("answered after {took:?}"));
        }
        match wrong.is_empty() {
            true => Ok(answer),
            false => Err(self.wrong(&format_args!("{}\n  in {answer:?}", wrong.join("; ")))),
        }
    }

    fn wrong(&self, what: &dyn std::fmt::Display) -> String {
        format!("{}: {what}", self.name())
    }

    /// What differs from the row, in a few words each.
    #[must_use]
    pub fn deviations(&self, answer: &Answer) -> Vec<String> {
        let mut wrong = Vec::new();
        if answer.status != self.status {
            wrong.push(format!("status {}, not {}", answer.status, self.status));
        }
        wrong.extend(self.headers.iter().filter_map(|header| header.deviation(answer)));
        match self.is_head() {
            true if !answer.body.is_empty() => wrong.push("a body after HEAD".to_owned()),
            true => {}
            false => wrong.extend(self.body.deviation(&answer.body)),
        }
        wrong
    }
}

impl Header {
    fn deviation(self, answer: &Answer) -> Option<String> {
        let name = match self {
            Self::Type(_) => "content-type",
            Self::Length(_) => "content-length",
            Self::Location(_) => "location",
            Self::Allow(_) => "allow",
        };
        let found = answer.header(name);
        let value = found.unwrap_or_default();
        let fits = match self {
            Self::Type(expected) => {
                value.split(';').next().is_some_and(|kind| kind.trim() == expected)
            }
            Self::Length(expected) => value == expected.to_string(),
            Self::Location(expected) => value == expected,
            Self::Allow(expected) => {
                let mut methods: Vec<_> = value.split(',').map(str::trim).collect();
                methods.sort_unstable();
                methods == expected
            }
        };
        (!fits).then(|| format!("{name} is {found:?}, not {self:?}"))
    }
}

impl Body {
    fn deviation(self, body: &[u8]) -> Option<String> {
        let fits = match self {
            Self::Any => true,
            Self::NonEmpty => !body.is_empty(),
            Self::Is(expected) => body == expected.as_bytes(),
            Self::Random(length) => body.len() == length,
            Self::Greeting(name) => is_greeting(name, body),
            Self::Counts { coins, hashes } => return counts_deviation(body, coins, hashes),
        };
        (!fits).then(|| format!("the body is not {self:?}"))
    }
}

fn is_greeting(name: &str, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let host = text.strip_prefix(&format!("{name} running on "));
    let host = host.and_then(|rest| rest.strip_suffix('\n'));
    host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
}

fn counts_deviation(body: &[u8], coins: u64, hashes: Option<&str>) -> Option<String> {
    let counts: serde_json::Value = match serde_json::from_slice(body) {
        Ok(counts) => counts,
        Err(error) => return Some(format!("the body is no JSON: {error}")),
    };
    let now = counts["now"].as_f64().unwrap_or_default();
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let clock = clock.unwrap_or_default().as_secs_f64();
    // Also a whole number, once in a thousand times; never milliseconds.
    let is_now = (now - clock).abs() < 60.0;
    let expected = serde_json::json!({ "coins": coins, "hashes": hashes, "now": counts["now"] });
    (counts != expected || !is_now).then(|| format!("the counts are {counts}"))
}
