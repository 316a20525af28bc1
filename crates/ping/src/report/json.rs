//! --json: one document, written as probes come, so that nothing piles up, and closed however it
//! ends. Every number has its unit in its name; what is not there is null.

mod document;

use std::io::{self, Write};

use serde::Serialize;

use super::{Ending, Glance, Report, SoFar, Told, look_aside};
use crate::plan::Plan;

/// JSON for programs.
pub(super) struct Json<'a> {
    plan: &'a Plan,
    out: &'a mut (dyn Write + Send),
    notes: &'a mut (dyn Write + Send),
    first: bool,
}

impl<'a> Json<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        out: &'a mut (dyn Write + Send),
        notes: &'a mut (dyn Write + Send),
    ) -> Self {
        Self { plan, out, notes, first: true }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }
}

impl Report for Json<'_> {
    /// All that is known before, without its closing brace, and the opening of the probes.
    fn begin(&mut self) -> io::Result<()> {
        let head = text(&document::Head::new(self.plan))?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        self.write(&format!("{open},\"probes\":[\n"))
    }

    fn probe(&mut self, told: &Told<'_>) -> io::Result<()> {
        let comma = if self.first { "" } else { ",\n" };
        self.first = false;
        let probe = text(&document::Row::new(self.plan, told))?;
        self.write(&format!("{comma}{probe}"))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()> {
        look_aside(self.plan, self.notes, glance, so_far)
    }

    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let summary = text(&document::Summary::new(self.plan, ending))?;
        self.write(&format!("\n],\"summary\":{summary}}}\n"))
    }
}

fn text(value: &impl Serialize) -> io::Result<String> {
    serde_json::to_string(value).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
