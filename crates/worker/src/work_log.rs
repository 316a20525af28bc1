//! The log line of the original's worker, `12 units of work done, hashes counter incremented`,
//! about once a second and after Redis has confirmed it.

use std::time::Duration;

use tokio::time::Instant;

/// Least time between two lines: flushes a second apart are confirmed a little more or less later.
const PERIOD: Duration = Duration::from_millis(900);

/// Units of work that were counted and not logged yet.
#[derive(Debug)]
pub(crate) struct WorkLog {
    enabled: bool,
    units: u64,
    last_line: Option<Instant>,
}

impl WorkLog {
    pub(crate) fn new(enabled: bool) -> Self {
        Self { enabled, units: 0, last_line: None }
    }

    /// Takes note of units that Redis has counted, and logs them when a line is due.
    pub(crate) fn counted(&mut self, units: u64) {
        self.units += units;
        if self.last_line.is_none_or(|last| last.elapsed() >= PERIOD) {
            self.write();
        }
    }

    /// Logs what was counted since the last line.
    pub(crate) fn write(&mut self) {
        if self.enabled && self.units > 0 {
            tracing::info!("{} units of work done, hashes counter incremented", self.units);
        }
        self.units = 0;
        self.last_line = Some(Instant::now());
    }
}
