//! The time of day of a service. A variable can shift it, so that tests can show what a wrong clock does
//! to measurements: `<S>_CLOCK_OFFSET` names a file with the offset in seconds, which is read at each
//! use, so that the clock of a running process can be stepped. Without it, nothing is read.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// The file with the offset, of this process.
static OFFSET: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Time since 1970 by the clock of this service, whose variables begin with `prefix`: `WORKER`.
#[must_use]
pub fn unix_time(prefix: &str) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let file = || std::env::var_os(format!("{prefix}_CLOCK_OFFSET")).map(PathBuf::from);
    match OFFSET.get_or_init(file) {
        None => now,
        Some(file) => shifted(now, file),
    }
}

/// The time shifted by the seconds in the file; not at all where it holds no number.
fn shifted(now: Duration, file: &Path) -> Duration {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let seconds: f64 = text.trim().parse().unwrap_or_default();
    let by = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
    if seconds < 0.0 { now.saturating_sub(by) } else { now.saturating_add(by) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_shifts_the_time_both_ways() {
        let path = std::env::temp_dir().join(format!("clock-offset-{}", std::process::id()));
        let now = Duration::from_secs(1_000_000);
        assert_eq!(shifted(now, &path), now, "no file");
        for (text, expected) in
            [("3600\n", 1_003_600), ("-60", 999_940), ("0", 1_000_000), ("x", 1_000_000)]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(shifted(now, &path), Duration::from_secs(expected), "{text}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
