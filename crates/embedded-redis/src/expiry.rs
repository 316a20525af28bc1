//! Turns the times clients give into deadlines and back; must not look at the clock itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::CommandError;
use crate::integer::parse_integer;

/// Redis keeps deadlines as milliseconds since 1970 and refuses those that overflow. This many
/// are about what has passed, rounded up to the year 2039.
const SINCE_1970: i64 = 1 << 41;

/// The unit in which a command states a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

impl Unit {
    fn milliseconds(self) -> i64 {
        match self {
            Self::Seconds => 1000,
            Self::Milliseconds => 1,
        }
    }

    /// What remains until the deadline, as a reply states it: milliseconds rounded up, so that
    /// a deadline just set reads as it was set, seconds to the nearest.
    pub(crate) fn remaining(self, now: Instant, deadline: Instant) -> i64 {
        let nanoseconds = deadline.saturating_duration_since(now).as_nanos();
        let milliseconds = i64::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(i64::MAX);
        match self {
            Self::Seconds => milliseconds.saturating_add(500) / 1000,
            Self::Milliseconds => milliseconds,
        }
    }
}

/// The deadline that lies `text` units after now; none if that is now or in the past.
pub(crate) fn parse_deadline(
    text: &[u8],
    unit: Unit,
    now: Instant,
    command: &'static str,
) -> Result<Option<Instant>, CommandError> {
    let amount = parse_integer(text).ok_or(CommandError::NotAnInteger)?;
    let milliseconds = amount
        .checked_mul(unit.milliseconds())
        .filter(|milliseconds| milliseconds.checked_add(SINCE_1970).is_some())
        .ok_or(CommandError::InvalidExpiry(command))?;
    let Ok(ahead) = u64::try_from(milliseconds) else {
        return Ok(None);
    };
    if ahead == 0 {
        return Ok(None);
    }
    now.checked_add(Duration::from_millis(ahead))
        .map(Some)
        .ok_or(CommandError::InvalidExpiry(command))
}
