//! -n and -N: one line at the end, as plugins of Nagios print it.

use std::io::{self, Write};

use super::{Ending, Glance, Report, SoFar, Told, look_aside};
use crate::plan::{Format, Plan};
use crate::settings::Average;
use crate::statistics::milliseconds;

/// One line at the end.
pub(super) struct Nagios<'a> {
    pub(super) plan: &'a Plan,
    pub(super) out: &'a mut (dyn Write + Send),
    pub(super) notes: &'a mut (dyn Write + Send),
}

/// What the average comes to, with the exit code of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Below both limits.
    Fine = 0,
    /// The first is reached.
    Warning = 1,
    /// The second is reached, or nothing was ok.
    Critical = 2,
}

/// Judges the average.
pub(crate) fn state(ending: &Ending, average: Average) -> State {
    match ending.statistics.total.mean() {
        None => State::Critical,
        Some(mean) if mean >= average.critical => State::Critical,
        Some(mean) if mean >= average.warn => State::Warning,
        Some(_) => State::Fine,
    }
}

impl Report for Nagios<'_> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn probe(&mut self, _: &Told<'_>) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()> {
        look_aside(self.plan, self.notes, glance, so_far)
    }

    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        writeln!(self.out, "{}", verdict(&self.plan.format, ending))
    }
}

fn verdict(format: &Format, ending: &Ending) -> String {
    let trouble = ending.last_trouble.as_deref().unwrap_or_default();
    let mean = milliseconds(ending.statistics.total.mean().unwrap_or_default());
    match format {
        Format::NagiosAverage(average) if ending.statistics.ok > 0 => match state(ending, *average)
        {
            State::Fine => {
                format!("OK - average httping-time is {mean:.1} ({trouble})|ping={mean:.6}")
            }
            State::Warning => format!("WARNING - average httping-time is {mean:.1}"),
            State::Critical => format!("CRITICAL - average httping-time is {mean:.1}"),
        },
        Format::NagiosAverage(_) => format!("CRITICAL - connecting failed: {trouble}"),
        _ if ending.statistics.failed() == 0 && ending.statistics.ok > 0 => {
            format!("OK - all fine, avg httping time is {mean:.1}|ping={mean:.6}")
        }
        _ => format!("CRITICAL: - failed: {trouble}"),
    }
}

#[cfg(test)]
mod tests;
