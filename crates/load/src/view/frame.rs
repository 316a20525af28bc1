//! What the live view shows, and how. Pure: a frame is made of what a run says of itself, and
//! drawn into a buffer of any size.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Gauge, Paragraph, Sparkline, Widget};

use crate::distribution::Distribution;
use crate::numbers::{float, share, whole};
use crate::plan::Plan;
use crate::run::{Live, Phase};
use crate::schedule::Arrival;
use crate::words::{count, counted, nanoseconds, rate};

/// Percentiles that are shown.
const SHOWN: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
/// Bars of the histogram.
const BARS: u64 = 8;
/// Seconds that the sparkline keeps.
const HISTORY: usize = 240;

/// What does not change during a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Title {
    targets: String,
    arrival: String,
    window: Option<Duration>,
    requests: Option<u64>,
}

/// What is shown at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    title: Title,
    phase: Phase,
    elapsed: Duration,
    answered: u64,
    /// Answers in the last second that is over.
    rate: f64,
    target: Option<f64>,
    backlog: u64,
    lateness: Option<u64>,
    history: Vec<u64>,
    recent: [Option<u64>; 5],
    all: [Option<u64>; 5],
    bars: Vec<(u64, u64)>,
    outcomes: Vec<(String, u64, bool)>,
}

impl Title {
    pub(crate) fn new(plan: &Plan) -> Self {
        let first = plan.targets.first().map(|target| target.url.to_string()).unwrap_or_default();
        let others = plan.targets.len().saturating_sub(1);
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let arrival = match &plan.arrival {
            Arrival::Closed => "closed loop",
            Arrival::Open { .. } => "open loop",
        };
        let connections = counted(plan.connections as u64, "connection");
        let threads = counted(plan.threads as u64, "thread");
        Self {
            targets: format!("{first}{more}"),
            arrival: format!("{arrival}, {connections}, {threads}"),
            window: plan.limits.window,
            requests: plan.limits.requests,
        }
    }
}

impl Frame {
    /// What a run says of itself now.
    pub(crate) fn new(title: &Title, live: &Live<'_>) -> Self {
        let (recent, all) = (&live.recent.latency, &live.recording.latency);
        let told = |latency: &Distribution| SHOWN.map(|(_, quantile)| latency.quantile(quantile));
        // The last row is of a second that is not over.
        let over = &live.rows[..live.rows.len().saturating_sub(1)];
        let kept = &over[over.len().saturating_sub(HISTORY)..];
        let statuses = live.recording.statuses.sorted().into_iter();
        let statuses = statuses.map(|(code, count)| (code.to_string(), count, code < 400));
        let failures = live.recording.failures.iter();
        let failures = failures.map(|(kind, count, _)| (kind.name().to_owned(), *count, false));
        Self {
            title: title.clone(),
            phase: live.phase,
            elapsed: live.elapsed,
            answered: live.recording.statuses.total(),
            rate: kept.last().map_or(0.0, |row| float(row.answers)),
            target: live.target,
            backlog: live.backlog,
            lateness: live.recording.lateness.quantile(0.99),
            history: kept.iter().map(|row| row.answers).collect(),
            recent: told(recent),
            all: told(all),
            bars: bars(all),
            outcomes: statuses.chain(failures).collect(),
        }
    }

    /// How far the run is, from 0 to 1, and how long it takes still.
    fn progress(&self) -> (f64, String) {
        let elapsed = self.elapsed.as_secs_f64();
        let by_time = self.title.window.map(|window| elapsed / window.as_secs_f64());
        let by_number = self.title.requests.map(|requests| share(self.answered, requests));
        let done = by_time.into_iter().chain(by_number).fold(0.0, f64::max).clamp(0.0, 1.0);
        let words = match self.phase {
            Phase::Connecting => "connecting".to_owned(),
            Phase::WarmingUp => "warming up".to_owned(),
            Phase::Draining => "waiting for the last answers".to_owned(),
            Phase::Measuring if done > 0.0 => {
                format!("{elapsed:.0} s, {:.0} s left", (elapsed / done - elapsed).max(0.0).ceil())
            }
            Phase::Measuring => format!("{elapsed:.0} s"),
        };
        (done, words)
    }
}

/// Bars of equal steps up to the 99th percentile.
fn bars(latency: &Distribution) -> Vec<(u64, u64)> {
    let (Some(low), Some(high)) = (latency.min(), latency.quantile(0.99)) else {
        return Vec::new();
    };
    let step = (high.saturating_sub(low) / BARS).max(1);
    (0..BARS)
        .map(|bar| {
            let from = low + step * bar;
            (from + step, latency.between(from + u64::from(bar > 0), from + step))
        })
        .collect()
}

/// Draws a frame. What does not fit is left out, from below.
pub fn render(frame: &Frame, area: Rect, buffer: &mut Buffer) {
    let outcomes = u16::try_from(frame.outcomes.len()).unwrap_or(u16::MAX);
    let bars = u16::try_from(frame.bars.len()).unwrap_or(0);
    let rows = [2, 1, 1, 1, 4, 1, 3, 1, bars, 1, outcomes, 1].map(Constraint::Length);
    let parts = Layout::vertical(rows).split(area);
    let lines = |text: Vec<Line<'static>>, part: usize, buffer: &mut Buffer| {
        Paragraph::new(text).render(parts[part], buffer);
    };
    lines(title(frame), 0, buffer);
    let (done, words) = frame.progress();
    let gauge = Gauge::default().ratio(done).label(words).gauge_style(Color::Blue);
    gauge.render(parts[1], buffer);
    lines(vec![rates(frame)], 3, buffer);
    // The newest on the right.
    let fitting = usize::from(area.width).min(frame.history.len());
    let history = &frame.history[frame.history.len() - fitting..];
    Sparkline::default().data(history).style(Color::Green).render(parts[4], buffer);
    lines(percentiles(frame), 6, buffer);
    lines(histogram(frame, area.width), 8, buffer);
    lines(outcome_lines(frame), 10, buffer);
    let footer = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    Line::from("q quits and shows the results").dim().render(footer, buffer);
}

fn title(frame: &Frame) -> Vec<Line<'static>> {
    let targets = Line::from(frame.title.targets.clone()).bold();
    vec![targets, Line::from(frame.title.arrival.clone()).dim()]
}

fn rates(frame: &Frame) -> Line<'static> {
    let now = Span::styled(format!("{:>9}/s", rate(frame.rate)), Modifier::BOLD);
    let mut spans = vec![now];
    if let Some(target) = frame.target {
        let style = Style::new().fg(if frame.backlog > 0 { Color::Red } else { Color::Reset });
        spans.push(Span::raw(format!("   target {}/s", rate(target))));
        spans.push(Span::styled(format!("   backlog {}", count(frame.backlog)), style));
        if let Some(late) = frame.lateness {
            spans.push(Span::raw(format!("   lateness p99 {}", nanoseconds(float(late)))));
        }
    }
    Line::from(spans)
}

fn percentiles(frame: &Frame) -> Vec<Line<'static>> {
    let row = |name: &str, cells: [String; 5]| {
        let cells =
            cells.iter().fold(format!("{name:<12}"), |row, cell| row + &format!("{cell:>10}"));
        Line::from(cells)
    };
    let times = |values: [Option<u64>; 5]| {
        values.map(|value| value.map_or_else(|| "-".to_owned(), |n| nanoseconds(float(n))))
    };
    vec![
        row("", SHOWN.map(|(name, _)| name.to_owned())).dim(),
        row("last second", times(frame.recent)),
        row("all", times(frame.all)),
    ]
}

fn histogram(frame: &Frame, width: u16) -> Vec<Line<'static>> {
    let most = frame.bars.iter().map(|(_, number)| *number).max().unwrap_or(1).max(1);
    let longest = f64::from(width.saturating_sub(26).min(60));
    let bar = |(to, number): &(u64, u64)| {
        let length = usize::try_from(whole((share(*number, most) * longest).ceil())).unwrap_or(0);
        Line::from(vec![
            Span::raw(format!("{:>10} {:>12}  ", nanoseconds(float(*to)), count(*number))),
            Span::styled("■".repeat(length), Color::Blue),
        ])
    };
    frame.bars.iter().map(bar).collect()
}

fn outcome_lines(frame: &Frame) -> Vec<Line<'static>> {
    let line = |(name, number, good): &(String, u64, bool)| {
        let text = format!("{name:<12}{:>10}", count(*number));
        Line::styled(text, if *good { Color::Green } else { Color::Red })
    };
    frame.outcomes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::recording::Recording;
    use crate::rows::Row;
    use crate::summary::tests::{measured, plan};

    fn frame(open: bool) -> Frame {
        let recording = measured().recording;
        let rows: Vec<_> = (0..6)
            .map(|second| Row { second, answers: 90 + second * 3, ..Row::default() })
            .collect();
        let live = Live {
            phase: Phase::Measuring,
            recording: &recording,
            recent: &recording,
            rows: &rows,
            elapsed: Duration::from_secs(4),
            backlog: if open { 7 } else { 0 },
            target: open.then_some(100.0),
        };
        Frame::new(&Title::new(&plan(open)), &live)
    }

    fn drawn(frame: &Frame, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|area| render(frame, area.area(), area.buffer_mut())).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn an_open_loop_shows_its_target_and_its_backlog() {
        insta::assert_snapshot!(drawn(&frame(true), 80, 28));
    }

    #[test]
    fn a_closed_loop_has_neither() {
        let text = drawn(&frame(false), 80, 28);
        assert!(text.contains("closed loop") && !text.contains("backlog"), "{text}");
    }

    #[test]
    fn any_size_can_be_drawn() {
        for (width, height) in [(1, 1), (5, 3), (20, 10), (300, 100), (80, 0), (0, 24)] {
            let area = Rect::new(0, 0, width, height);
            render(&frame(true), area, &mut Buffer::empty(area));
        }
    }

    #[test]
    fn the_first_frame_has_nothing_to_show_yet() {
        let empty = Recording::default();
        let live = Live {
            phase: Phase::WarmingUp,
            recording: &empty,
            recent: &empty,
            rows: &[],
            elapsed: Duration::ZERO,
            backlog: 0,
            target: None,
        };
        let text = drawn(&Frame::new(&Title::new(&plan(true)), &live), 80, 24);
        assert!(text.contains("warming up"), "{text}");
    }
}
