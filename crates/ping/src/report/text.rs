//! httping's lines, its summary, and a richer one below it.

use std::io::{self, Write};

use http::Method;

use super::aggregates::Window;
use super::line::line;
use super::summary::{beginning, missed, summary, underneath};
use super::{Ending, Glance, Report, SoFar, Told};
use crate::plan::Plan;

/// Text for people.
pub(super) struct Text<'a> {
    plan: &'a Plan,
    out: &'a mut (dyn Write + Send),
    notes: &'a mut (dyn Write + Send),
    /// The memory of a line, used again for the next.
    spare: String,
    windows: Vec<Window>,
    /// Whether it was said that HEAD is not answered.
    told_of_head: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        out: &'a mut (dyn Write + Send),
        notes: &'a mut (dyn Write + Send),
    ) -> Self {
        let windows = plan.look.aggregates.iter().copied().map(Window::new).collect();
        Self { plan, out, notes, spare: String::new(), windows, told_of_head: false }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// A server that does not answer HEAD: said once, with what to do.
    fn tell_of_head(&mut self, told: &Told<'_>) -> io::Result<()> {
        let Some(reply) = told.probe.reply() else { return Ok(()) };
        let is_head = self.plan.target.asked.request.method == Method::HEAD;
        if !is_head || self.told_of_head || ![405, 501].contains(&reply.answer.status) {
            return Ok(());
        }
        self.told_of_head = true;
        self.out.flush()?;
        let status = reply.status_text();
        writeln!(self.notes, "the server does not answer HEAD ({status}): use -G to send GET")
    }
}

impl Report for Text<'_> {
    fn begin(&mut self) -> io::Result<()> {
        if let Some(why) = self.plan.chosen {
            let request = &self.plan.target.asked.request;
            let path = &self.plan.target.route.url.path;
            writeln!(self.notes, "sends {} {path}: {why}", request.method)?;
        }
        self.write(&beginning(self.plan))
    }

    fn probe(&mut self, told: &Told<'_>) -> io::Result<()> {
        let Told { probe, fault, so_far } = told;
        let mut text = std::mem::take(&mut self.spare);
        text.clear();
        let shown = self.plan.look.show.is_none_or(|from| probe.elapsed >= from);
        if shown || fault.is_some() {
            line(&mut text, self.plan, probe, *fault);
        }
        let time = fault.is_none().then_some(probe.elapsed);
        for window in &mut self.windows {
            window.add(&mut text, so_far.elapsed, time, self.plan.look.verbose > 0);
        }
        let written = if text.is_empty() { Ok(()) } else { self.write(&text) };
        self.spare = text;
        written?;
        self.tell_of_head(told)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()> {
        match glance {
            Glance::Summary => self.write(&summary(self.plan, so_far)),
            Glance::Redraw | Glance::Halt => Ok(()),
        }
    }

    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        if ending.given_up.is_some() {
            return Ok(());
        }
        let so_far = SoFar { statistics: &ending.statistics, elapsed: ending.elapsed };
        let text = summary(self.plan, &so_far) + &underneath(self.plan, &so_far);
        self.write(&text)?;
        self.out.flush()?;
        self.notes.write_all(missed(ending).as_bytes())
    }
}
