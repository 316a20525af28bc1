//! How long each part of a step takes.

use std::time::Duration;

/// How long each part of a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Longest wait for the replicas to serve.
    pub settle_timeout: Duration,
    /// From settled to the window; `None` for as long as the app needs.
    pub warmup: Option<Duration>,
    /// The window.
    pub length: Length,
}

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// So long.
    Fixed(Duration),
    /// Until the rate is known well enough.
    Precise {
        /// Half-width of its interval, as a share of it.
        precision: f64,
        /// It ends then in any case.
        most: Duration,
    },
}

impl Timing {
    /// Why the warm-up ends when it does, in a few words.
    #[must_use]
    pub fn warmup_rule(&self) -> &'static str {
        match self.warmup {
            Some(_) => "as long as was asked (--warmup)",
            None => "two flush periods and ten loops",
        }
    }
}
