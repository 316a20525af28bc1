//! What is told of probes while they come and at the end. A report writes where it is told to, and
//! judges nothing: what a probe is worth was decided before.

mod aggregates;
pub mod graph;
mod httping_json;
mod json;
mod line;
mod machine;
mod nagios;
mod paint;
mod summary;
mod text;
mod words;

use std::io::{self, Write};
use std::time::Duration;

use exchange::Failure;

use crate::plan::{Format, Plan};
use crate::prober::Probe;
use crate::settings::Bound;
use crate::statistics::{Fault, Statistics};

pub use summary::summary;
pub(crate) use words::trouble;

use crate::settings::Average;

/// The exit code of a plugin of Nagios that judges the average.
pub(crate) fn nagios_state(ending: &Ending, average: Average) -> u8 {
    nagios::state(ending, average) as u8
}

/// Tells of probes. What is told may be held back until [`Report::flush`].
pub trait Report: Send {
    /// Before the first probe.
    ///
    /// # Errors
    /// When it cannot be written.
    fn begin(&mut self) -> io::Result<()>;

    /// A probe has ended.
    ///
    /// # Errors
    /// When it cannot be written.
    fn probe(&mut self, told: &Told<'_>) -> io::Result<()>;

    /// What was told so far is to be read.
    ///
    /// # Errors
    /// When it cannot be written.
    fn flush(&mut self) -> io::Result<()>;

    /// Somebody wants to see how things stand.
    ///
    /// # Errors
    /// When it cannot be written.
    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()>;

    /// After the last probe.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end(&mut self, ending: &Ending) -> io::Result<()>;
}

/// A probe, what it is worth, and all so far.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The probe.
    pub probe: &'a Probe,
    /// Why it is not ok, if it is not.
    pub fault: Option<Fault>,
    /// With all before it.
    pub so_far: SoFar<'a>,
}

/// All probes so far.
#[derive(Clone, Copy, Debug)]
pub struct SoFar<'a> {
    /// What they come to.
    pub statistics: &'a Statistics,
    /// Since the first one was due.
    pub elapsed: Duration,
}

/// Why somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance {
    /// To see a summary, as SIGQUIT asks for.
    Summary,
    /// Because what is on the screen is no longer right.
    Redraw,
    /// To have the picture stand still, or move again.
    Halt,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What all probes come to.
    pub statistics: Statistics,
    /// From the first to the end.
    pub elapsed: Duration,
    /// Bounds that were not kept.
    pub missed: Vec<Missed>,
    /// Why there was not even a first probe.
    pub given_up: Option<Failure>,
    /// What went wrong last.
    pub last_trouble: Option<String>,
}

/// A bound that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The bound.
    pub bound: Bound,
    /// What it was instead; `None` where there were too few probes to tell.
    pub was: Option<Duration>,
}

/// What writes the format a plan asks for; a graph needs a terminal and is made where that is known.
pub fn report<'a>(
    plan: &'a Plan,
    out: &'a mut (dyn Write + Send),
    notes: &'a mut (dyn Write + Send),
) -> Box<dyn Report + 'a> {
    match &plan.format {
        Format::Text | Format::Graph { .. } => Box::new(text::Text::new(plan, out, notes)),
        Format::Quiet => Box::new(Quiet { plan, notes }),
        Format::Machine(wrong) => Box::new(machine::Machine { plan, out, notes, wrong }),
        Format::HttpingJson => Box::new(httping_json::HttpingJson::new(plan, out, notes)),
        Format::Json => Box::new(json::Json::new(plan, out, notes)),
        Format::NagiosAverage(_) | Format::NagiosFailures(_) => {
            Box::new(nagios::Nagios { plan, out, notes })
        }
    }
}

/// Says nothing unless it is asked.
struct Quiet<'a> {
    plan: &'a Plan,
    notes: &'a mut (dyn Write + Send),
}

impl Report for Quiet<'_> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn probe(&mut self, _: &Told<'_>) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()> {
        look_aside(self.plan, self.notes, glance, so_far)
    }

    fn end(&mut self, _: &Ending) -> io::Result<()> {
        Ok(())
    }
}

/// Where standard output is for machines, a summary in between goes beside it.
fn look_aside(
    plan: &Plan,
    notes: &mut (dyn Write + Send),
    glance: Glance,
    so_far: &SoFar<'_>,
) -> io::Result<()> {
    if glance != Glance::Summary {
        return Ok(());
    }
    notes.write_all(summary(plan, so_far).as_bytes())?;
    notes.flush()
}

#[cfg(test)]
pub(crate) mod fixtures;
