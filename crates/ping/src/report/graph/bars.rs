//! Bars of a graph: one column a probe, the latest at the right. Pure.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::statistics::milliseconds;

/// Eighths of a cell.
const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Columns of the axis, its line included.
const AXIS: u16 = 9;

/// What a probe came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// As most are.
    Good(Duration),
    /// Slower than that.
    Slow(Duration),
    /// From --threshold-red on.
    VerySlow(Duration),
    /// Not ok.
    Failed,
}

impl Bar {
    /// How long it took, where it was ok.
    pub(super) fn time(self) -> Option<Duration> {
        match self {
            Self::Good(time) | Self::Slow(time) | Self::VerySlow(time) => Some(time),
            Self::Failed => None,
        }
    }

    fn colour(self) -> Color {
        match self {
            Self::Good(_) => Color::Green,
            Self::Slow(_) => Color::Yellow,
            Self::VerySlow(_) | Self::Failed => Color::Red,
        }
    }
}

/// Bars with when each was known since the start, and the highest value of the axis where it is
/// given.
pub(super) struct Chart<'a> {
    pub(super) bars: &'a [(Duration, Bar)],
    pub(super) limit: Option<Duration>,
}

impl Chart<'_> {
    /// Draws axis and bars; the last line of `area` is for the time.
    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer) {
        if area.width <= AXIS || area.height < 3 {
            return;
        }
        let plot =
            Rect { x: area.x + AXIS, width: area.width - AXIS, height: area.height - 1, ..area };
        let shown = &self.bars[self.bars.len().saturating_sub(usize::from(plot.width))..];
        let longest = shown.iter().filter_map(|(_, bar)| bar.time()).max().unwrap_or_default();
        let top = self.limit.unwrap_or_else(|| round_up(longest));
        let has_values = !longest.is_zero() || self.limit.is_some();
        axis(has_values.then_some(top), plot, buffer);
        let first = plot.right() - u16::try_from(shown.len()).unwrap_or(plot.width);
        for (column, (_, bar)) in (first..plot.right()).zip(shown) {
            draw_bar(*bar, top, Rect { x: column, width: 1, ..plot }, buffer);
        }
        if let (Some((oldest, _)), Some((latest, _))) = (shown.first(), shown.last()) {
            let age = latest.saturating_sub(*oldest).as_secs_f64();
            let words = if age < 10.0 { format!("-{age:.1} s") } else { format!("-{age:.0} s") };
            let now = plot.right() - 3;
            if first + 8 < now {
                buffer.set_string(first, plot.bottom(), words, Color::DarkGray);
            }
            buffer.set_string(now, plot.bottom(), "now", Color::DarkGray);
        }
    }
}

/// The next of 1, 2, 5, 10, 20 … that is no less.
fn round_up(longest: Duration) -> Duration {
    let mut top = Duration::from_micros(1);
    let mut steps = [2, 5, 10].into_iter().cycle();
    let mut base = top;
    while top < longest {
        let step = steps.next().unwrap_or(10);
        top = base * step;
        if step == 10 {
            base = top;
        }
    }
    top
}

/// The axis, with values once there are some.
fn axis(top: Option<Duration>, plot: Rect, buffer: &mut Buffer) {
    for row in plot.top()..plot.bottom() {
        buffer.set_string(plot.x - 1, row, "│", Color::DarkGray);
    }
    let Some(top) = top else { return };
    let middle = plot.y + plot.height / 2;
    let from_below = u32::from(plot.bottom() - middle);
    let at_middle = top * from_below / u32::from(plot.height);
    for (row, value) in [(plot.y, top), (middle, at_middle)] {
        let words = format!("{:>5} ms", short(milliseconds(value)));
        buffer.set_string(plot.x - AXIS, row, words, Color::DarkGray);
    }
}

/// Three digits that tell.
fn short(number: f64) -> String {
    match number {
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ if number >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn draw_bar(bar: Bar, top: Duration, column: Rect, buffer: &mut Buffer) {
    let colour = bar.colour();
    let Some(time) = bar.time() else {
        buffer.set_string(column.x, column.bottom() - 1, "×", colour);
        return;
    };
    let eighths = u128::from(column.height) * 8;
    let reached = time.as_nanos() * eighths / top.as_nanos().max(1);
    // The fastest one is seen as well.
    let mut left = usize::try_from(reached.clamp(1, eighths)).unwrap_or(1);
    for row in (column.top()..column.bottom()).rev() {
        if left == 0 {
            break;
        }
        buffer.set_string(column.x, row, BLOCKS[left.min(8) - 1], colour);
        left = left.saturating_sub(8);
    }
    if reached > eighths {
        // Cut off by the limit of the axis.
        buffer.set_string(column.x, column.y, "▲", colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        let up = |us| round_up(Duration::from_micros(us)).as_micros();
        assert_eq!(
            [0, 1, 2, 3, 6, 11, 730, 4_999, 5_001].map(up),
            [1, 1, 2, 5, 10, 20, 1_000, 5_000, 10_000]
        );
    }

    #[test]
    fn numbers_of_the_axis_have_three_digits() {
        assert_eq!([812.4, 12.34, 1.234, 0.25].map(short), ["812", "12.3", "1.23", "0.250"]);
    }
}
