//! What each so many seconds came to.

use std::fmt::Write as _;
use std::time::Duration;

use crate::statistics::{Series, milliseconds};

/// The windows of one length, of which the last is open.
#[derive(Debug)]
pub(super) struct Window {
    length: Duration,
    /// When the open one ends, since the start.
    ends: Duration,
    values: Series,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, ends: length, values: Series::default() }
    }

    /// Adds a probe that was ok, and writes a line where it is the last of its window.
    pub(super) fn add(
        &mut self,
        text: &mut String,
        elapsed: Duration,
        time: Option<Duration>,
        with_deviation: bool,
    ) {
        if let Some(time) = time {
            self.values.add(time);
        }
        if elapsed < self.ends {
            return;
        }
        while self.ends <= elapsed {
            self.ends += self.length;
        }
        let values = std::mem::take(&mut self.values);
        let name = self.length.as_secs_f64();
        let ms = |length: Option<Duration>| milliseconds(length.unwrap_or_default());
        let (min, avg, max) = (ms(values.min()), ms(values.mean()), ms(values.max()));
        let _ = match with_deviation {
            false => writeln!(
                text,
                "AGG[{name}]: {} values, min/avg/max = {min:.1}/{avg:.1}/{max:.1} ms",
                values.count()
            ),
            true => writeln!(
                text,
                "AGG[{name}]: {} values, min/avg/max/sd = {min:.1}/{avg:.1}/{max:.1}/{:.1} ms",
                values.count(),
                ms(values.deviation())
            ),
        };
    }
}
