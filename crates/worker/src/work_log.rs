//! The log line of the original's worker, `12 units of work done, hashes counter incremented`,
//! about once a second and after Redis has confirmed it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::Instant;

/// Least time between two lines: flushes a second apart are confirmed a little more or less later.
const PERIOD: Duration = Duration::from_millis(900);

/// Whether units of work are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WorkLogging {
    /// For as long as the worker runs.
    Fixed(bool),
    /// As the file says at each line, `true` or `false`, so that it can be changed meanwhile.
    File(PathBuf),
}

impl FromStr for WorkLogging {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix('@')) {
            ("true", _) => Ok(Self::Fixed(true)),
            ("false", _) => Ok(Self::Fixed(false)),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("must be true, false or @FILE"),
        }
    }
}

impl WorkLogging {
    /// Whether a line that is due is logged. A file that does not say `false` counts as `true`,
    /// the default of the setting.
    fn is_on(&self) -> bool {
        match self {
            Self::Fixed(on) => *on,
            Self::File(path) => {
                std::fs::read_to_string(path).map_or(true, |text| text.trim() != "false")
            }
        }
    }
}

/// Units of work that were counted and not logged yet.
#[derive(Debug)]
pub(crate) struct WorkLog {
    logging: WorkLogging,
    units: u64,
    last_line: Option<Instant>,
}

impl WorkLog {
    pub(crate) fn new(logging: WorkLogging) -> Self {
        Self { logging, units: 0, last_line: None }
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
        if self.units > 0 && self.logging.is_on() {
            tracing::info!("{} units of work done, hashes counter incremented", self.units);
        }
        self.units = 0;
        self.last_line = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_for_each_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("switch");
        let logging: WorkLogging = format!("@{}", path.display()).parse().unwrap();
        assert!(logging.is_on(), "without a file");
        for (text, is_on) in [("false\n", false), ("true\n", true), ("false", false), ("", true)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(logging.is_on(), is_on, "{text:?}");
        }
    }

    #[test]
    fn anything_but_a_boolean_or_a_file_is_refused() {
        assert_eq!("false".parse(), Ok(WorkLogging::Fixed(false)));
        for text in ["", "yes", "@", "switch"] {
            assert!(text.parse::<WorkLogging>().is_err(), "{text:?}");
        }
    }
}
