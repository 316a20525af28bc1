//! What the graph shows at one time, and how it is laid out. Pure.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use exchange::Phase;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget};

use super::bars::{Bar, Chart};
use crate::pace::Pace;
use crate::plan::{Format, Plan};
use crate::prober::Probe;
use crate::report::SoFar;
use crate::report::words::{time, trouble_of};
use crate::statistics::{PERCENTILES, milliseconds};

const KEYS: &str = "q ends   h halts the picture   ^L draws it anew";

/// What is shown at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    title: String,
    limit: Option<Duration>,
    patience: Duration,
    pub(super) halted: bool,
    /// Each probe with when it was known.
    pub(super) bars: VecDeque<(Duration, Bar)>,
    /// Slow and failed probes, the latest last.
    pub(super) listed: VecDeque<String>,
    counts: String,
    /// Something failed.
    failed: bool,
    times: String,
    faults: String,
    last: String,
}

impl Frame {
    pub(super) fn new(plan: &Plan) -> Self {
        let request = &plan.target.asked.request;
        let pace = match plan.pace {
            Pace::Flood => "without a pause".to_owned(),
            Pace::Every(interval) => format!("every {}", time(interval)),
        };
        let kept = if plan.target.keeps_connection { ", connection kept" } else { "" };
        let url = &plan.target.route.url;
        let limit = match plan.format {
            Format::Graph { most, .. } => most,
            _ => None,
        };
        let title = format!("{} {url}   {pace}{kept}", request.method);
        Self { title, limit, patience: plan.target.limit, ..Self::default() }
    }

    /// Takes in the latest probe.
    pub(super) fn update(&mut self, probe: &Probe, so_far: &SoFar<'_>) {
        let all = so_far.statistics;
        self.counts = format!(
            "{} probes, {} ok, {} failed ({:.2} %), {:.0} s",
            all.probes,
            all.ok,
            all.failed(),
            all.failed_percent(),
            so_far.elapsed.as_secs_f64()
        );
        self.failed = all.failed() > 0;
        let faults: Vec<_> =
            all.faults.iter().map(|(fault, count)| format!("{count} {fault}")).collect();
        self.faults = faults.join(", ");
        self.times.clear();
        let columns =
            [("min", all.total.min()), ("avg", all.total.mean()), ("median", all.total.median())];
        let percentiles = PERCENTILES.iter().skip(1);
        let percentiles = percentiles.map(|(name, quantile)| (*name, all.total.told(*quantile)));
        let rest = [("max", all.total.max()), ("jitter", all.jitter())];
        for (name, length) in columns.into_iter().chain(percentiles).chain(rest) {
            if let Some(length) = length {
                let name = name.replace('_', ".");
                let _ = write!(self.times, "{name} {:.3}   ", milliseconds(length));
            }
        }
        if !self.times.is_empty() {
            self.times.push_str("ms");
        }
        self.last = self.last_words(probe);
    }

    fn last_words(&self, probe: &Probe) -> String {
        let mut text = format!("last: {}", trouble_of(probe, self.patience));
        if let Some(reply) = probe.reply() {
            for phase in Phase::ALL {
                if let Some(length) = reply.phases.get(phase) {
                    let _ = write!(text, "   {phase} {:.3}", milliseconds(length));
                }
            }
            let _ = write!(text, "   = {:.3} ms", milliseconds(probe.elapsed));
        }
        text
    }
}

/// Draws a frame. What does not fit is left out; the bars get what the lines leave.
pub fn render(frame: &Frame, area: Rect, buffer: &mut Buffer) {
    let listed = u16::try_from(frame.listed.len()).unwrap_or(0);
    let second = u16::from(!frame.faults.is_empty());
    let rows = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(second),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(listed),
        Constraint::Length(1),
    ];
    let [title, counts, times, faults, last, chart, slow, keys] =
        Layout::vertical(rows).areas(area);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let wrong = if frame.failed { Style::new().fg(Color::Red) } else { Style::new() };
    let grey = Style::new().fg(Color::DarkGray);
    Line::styled(&*frame.title, bold).render(title, buffer);
    Line::styled(&*frame.counts, wrong).render(counts, buffer);
    Line::raw(&*frame.times).render(times, buffer);
    Line::styled(format!("failed: {}", frame.faults), wrong).render(faults, buffer);
    Line::raw(&*frame.last).render(last, buffer);
    let bars: Vec<_> = frame.bars.iter().copied().collect();
    Chart { bars: &bars, limit: frame.limit }.draw(chart, buffer);
    let lines: Vec<_> = frame.listed.iter().map(|line| Line::raw(&**line)).collect();
    Paragraph::new(lines).style(Color::Yellow).render(slow, buffer);
    match frame.halted {
        false => Line::styled(KEYS, grey).render(keys, buffer),
        true => Line::styled("halted: h goes on   q ends", bold).render(keys, buffer),
    }
}
