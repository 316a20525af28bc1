//! Clocks beside each other: webui's, by which rates are measured, and this machine's monotonic one, which
//! cannot be set. Written down only: `analyse::clocks` compares them.

use serde::{Deserialize, Serialize};

/// The clocks at one reading of the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Microseconds since reading began, by the monotonic clock of the machine that measures, when the
    /// response was there.
    pub elapsed_us: u64,
    /// How long it was waited for, in microseconds: webui looked at its clock some time in it.
    pub waited_us: u64,
    /// Unix time by webui's clock, in microseconds.
    pub webui_us: u64,
    /// Unix time by the clock of the machine that measures; none where the app is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_us: Option<u64>,
}

/// Unix time in microseconds by the clock of this machine, which may be set.
pub(super) fn unix_us() -> Option<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_micros()).ok()
}
