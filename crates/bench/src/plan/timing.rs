//! How long each part of a step takes.

use std::time::Duration;

use crate::cli::MeasureArgs;

/// The warm-up of a window of fixed length.
const FIXED_WARMUP: Duration = Duration::from_secs(10);

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
    /// The precision that is wanted of several runs together; 1 % where that was not said.
    #[must_use]
    pub fn precision(&self) -> f64 {
        match self.length {
            Length::Fixed(_) => 0.01,
            Length::Precise { precision, .. } => precision,
        }
    }

    /// The same where nobody can loop: there is nothing to wait for.
    #[must_use]
    pub fn of_nothing(self) -> Self {
        Self { warmup: Some(Duration::ZERO), length: Length::Fixed(Duration::ZERO), ..self }
    }

    /// Why the warm-up ends when it does, in a few words.
    #[must_use]
    pub fn warmup_rule(&self) -> &'static str {
        match self.warmup {
            Some(_) => "as long as was asked (--warmup)",
            None => "two flush periods and ten loops",
        }
    }
}

impl From<MeasureArgs> for Timing {
    fn from(arguments: MeasureArgs) -> Self {
        let MeasureArgs { precision, max_duration, duration, warmup, settle_timeout } = arguments;
        let precise = Length::Precise { precision, most: max_duration };
        Self {
            settle_timeout,
            warmup: warmup.or(duration.map(|_| FIXED_WARMUP)),
            length: duration.map_or(precise, Length::Fixed),
        }
    }
}
