//! -m: the time of each probe, and nothing else.

use std::io::{self, Write};

use super::{Ending, Glance, Report, SoFar, Told, look_aside};
use crate::plan::Plan;
use crate::statistics::milliseconds;

/// Numbers for scripts: one line a probe, also for one without an answer.
pub(super) struct Machine<'a> {
    pub(super) plan: &'a Plan,
    pub(super) out: &'a mut (dyn Write + Send),
    pub(super) notes: &'a mut (dyn Write + Send),
    /// What stands for a time where a probe is not ok.
    pub(super) wrong: &'a str,
}

impl Report for Machine<'_> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn probe(&mut self, told: &Told<'_>) -> io::Result<()> {
        let mut line = match told.fault {
            None => format!("{:.6}", milliseconds(told.probe.elapsed)),
            Some(_) => self.wrong.to_owned(),
        };
        if let Some(reply) = told.probe.reply()
            && self.plan.look.parts.status
        {
            line = format!("{line} {}", reply.answer.status);
        }
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()> {
        look_aside(self.plan, self.notes, glance, so_far)
    }

    fn end(&mut self, _: &Ending) -> io::Result<()> {
        Ok(())
    }
}
