//! -K: probes as bars in a terminal. What is shown is one value, the [`Frame`]; drawing it is a pure
//! function.

mod bars;
mod frame;
mod terminal;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::time::Instant;

use super::summary::{missed, summary, underneath};
use super::words::trouble;
use super::{Ending, Glance, Report, SoFar, Told};
use crate::plan::{Format, Plan};
use crate::statistics::Statistics;
use bars::Bar;
pub use frame::{Frame, render};
pub use terminal::{Keys, Pressed, Taken};

/// Bars that are kept; no terminal is wider.
const KEPT: usize = 1_000;
/// Slow probes that are listed.
const LISTED: usize = 4;
/// Shortest time between two pictures: a flood would draw more than it probes.
const FRAME: Duration = Duration::from_millis(50);
/// A probe is slow from so many medians on, where nothing else is said.
const SLOW_MEDIANS: u32 = 3;

/// Draws a graph, and writes the summary once the terminal is as it was.
pub struct Graph<'a, B: Backend> {
    plan: &'a Plan,
    /// Gone once it is over.
    terminal: Option<Terminal<B>>,
    /// Puts the terminal back when it is dropped.
    taken: Option<Taken>,
    out: &'a mut (dyn Write + Send),
    notes: &'a mut (dyn Write + Send),
    frame: Frame,
    halted: bool,
    drawn: Option<Instant>,
}

impl<'a, B: Backend> Graph<'a, B>
where
    B::Error: Send + Sync + 'static,
{
    /// Draws on `terminal`; `out` and `notes` are written to at the end.
    pub fn new(
        plan: &'a Plan,
        terminal: Terminal<B>,
        taken: Option<Taken>,
        out: &'a mut (dyn Write + Send),
        notes: &'a mut (dyn Write + Send),
    ) -> Self {
        let frame = Frame::new(plan);
        let terminal = Some(terminal);
        Self { plan, terminal, taken, out, notes, frame, halted: false, drawn: None }
    }

    fn draw(&mut self) -> io::Result<()> {
        self.drawn = Some(Instant::now());
        if let Some(terminal) = &mut self.terminal {
            let frame = &self.frame;
            let drawn = terminal.draw(|area| render(frame, area.area(), area.buffer_mut()));
            drawn.map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// From where on a probe is slow: as was said, else some medians of all so far.
    fn slow_from(&self, statistics: &Statistics) -> Option<Duration> {
        let said = match self.plan.format {
            Format::Graph { slow, .. } => slow,
            _ => None,
        };
        let look = &self.plan.look;
        let usual = || Some(statistics.total.median()? * SLOW_MEDIANS);
        said.or(look.yellow).or(look.red).or_else(usual)
    }
}

impl<B: Backend + Send> Report for Graph<'_, B>
where
    B::Error: Send + Sync + 'static,
{
    fn begin(&mut self) -> io::Result<()> {
        self.draw()
    }

    fn probe(&mut self, told: &Told<'_>) -> io::Result<()> {
        let Told { probe, fault, so_far } = told;
        let slow_from = self.slow_from(so_far.statistics);
        let is_slow = slow_from.is_some_and(|from| probe.elapsed >= from);
        let is_red = self.plan.look.red.is_some_and(|from| probe.elapsed >= from);
        let bar = match (fault, is_red, is_slow) {
            (Some(_), ..) => Bar::Failed,
            (None, true, _) => Bar::VerySlow(probe.elapsed),
            (None, false, true) => Bar::Slow(probe.elapsed),
            (None, false, false) => Bar::Good(probe.elapsed),
        };
        let after = crate::statistics::milliseconds(probe.elapsed);
        let line = format!("seq={} {after:.2} ms {}", probe.seq, trouble(self.plan, probe));
        if fault.is_some() || is_slow {
            push(&mut self.frame.listed, line, LISTED);
        }
        push(&mut self.frame.bars, (so_far.elapsed, bar), KEPT);
        self.frame.update(probe, so_far);
        let is_due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        if self.halted || !is_due { Ok(()) } else { self.draw() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn look(&mut self, glance: Glance, _: &SoFar<'_>) -> io::Result<()> {
        match glance {
            // It is there all the time.
            Glance::Summary => Ok(()),
            Glance::Redraw => {
                if let Some(terminal) = &mut self.terminal {
                    // `Terminal::clear` asks where the cursor is, and the answer would come as keys.
                    let size = terminal.size().map_err(io::Error::other)?;
                    terminal.resize(size.into()).map_err(io::Error::other)?;
                }
                self.draw()
            }
            Glance::Halt => {
                self.halted = !self.halted;
                self.frame.halted = self.halted;
                self.draw()
            }
        }
    }

    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        self.terminal = None;
        self.taken = None;
        let so_far = SoFar { statistics: &ending.statistics, elapsed: ending.elapsed };
        let text = summary(self.plan, &so_far) + &underneath(self.plan, &so_far);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()?;
        self.notes.write_all(missed(ending).as_bytes())
    }
}

fn push<T>(queue: &mut VecDeque<T>, value: T, most: usize) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(value);
}

#[cfg(test)]
mod tests;
