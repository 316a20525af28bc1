//! When to log that something fails, and that it is back: at the first failure, then at most every
//! ten seconds with a count. What failed, and the log line itself, are the caller's.

use std::time::Duration;

use tokio::time::Instant;

/// Least time between two log lines about failures.
const REPORT_PERIOD: Duration = Duration::from_secs(10);

/// The failures of one thing that is depended on.
#[derive(Clone, Debug, Default)]
pub struct Outage {
    /// First failure since the last success.
    since: Option<Instant>,
    /// Failures since the last success.
    failures: u64,
    /// Failures since the last log line.
    unreported: u64,
    last_report: Option<Instant>,
    /// Whether this outage has been logged.
    reported: bool,
}

/// An outage that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// From its first failure to the success that ended it.
    pub after: Duration,
    /// Failures in that time.
    pub failures: u64,
}

impl Outage {
    /// Counts a failure; the number of failures since the last line when a line is due.
    pub fn failed(&mut self) -> Option<u64> {
        let now = Instant::now();
        self.since.get_or_insert(now);
        self.failures += 1;
        self.unreported += 1;
        if self.last_report.is_some_and(|last| now - last < REPORT_PERIOD) {
            return None;
        }
        self.last_report = Some(now);
        self.reported = true;
        Some(std::mem::take(&mut self.unreported))
    }

    /// Notes a success; the outage that it ends, if that outage was logged. Outages too short to
    /// be logged are part of the next line's count.
    pub fn succeeded(&mut self) -> Option<Recovery> {
        let after = self.since.take()?.elapsed();
        let failures = std::mem::take(&mut self.failures);
        std::mem::take(&mut self.reported).then_some(Recovery { after, failures })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lasting_outage_is_logged_at_once_every_ten_seconds_and_at_its_end() {
        let mut outage = Outage::default();
        assert_eq!(outage.succeeded(), None);
        let mut lines = Vec::new();
        for _ in 0..250 {
            lines.extend(outage.failed());
            advance(Duration::from_millis(100)).await;
        }
        assert_eq!(lines, [1, 100, 100]);
        let after = Duration::from_secs(25);
        assert_eq!(outage.succeeded(), Some(Recovery { after, failures: 250 }));
        assert_eq!(outage.succeeded(), None);
        assert_eq!(outage.failed(), None, "a second line within ten seconds of the last");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_and_goes_is_logged_as_seldom() {
        let mut outage = Outage::default();
        let (mut failures, mut recoveries) = (Vec::new(), 0);
        for _ in 0..200 {
            failures.extend(outage.failed());
            advance(Duration::from_millis(100)).await;
            recoveries += usize::from(outage.succeeded().is_some());
        }
        assert_eq!((failures, recoveries), (vec![1, 100], 2));
    }
}
