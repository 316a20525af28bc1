//! What the charts share. Widths are in per cent of the page and heights in pixels, so that a chart
//! fits a phone and a projector while its words keep their size.

use maud::{Markup, html};

/// Steps of an axis, in units of a power of ten.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

/// Places of values along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The value at `from`.
    pub(super) low: f64,
    /// The value at `to`.
    pub(super) high: f64,
    /// Where the axis begins, in per cent of the width or in pixels of the height.
    pub(super) from: f64,
    /// Where it ends.
    pub(super) to: f64,
}

impl Scale {
    /// Where a value is, at most a little outside the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        self.from + (self.to - self.from) * share.clamp(-0.05, 1.05)
    }

    /// Where a value is across the page.
    pub(super) fn x(&self, value: f64) -> String {
        percent(self.at(value))
    }

    /// Where a value is down the page.
    pub(super) fn y(&self, value: f64) -> String {
        format!("{:.1}", self.at(value))
    }

    /// About `count` round values along the axis.
    pub(super) fn ticks(&self, count: f64) -> Vec<f64> {
        let rough = (self.high - self.low) / count;
        if !(rough.is_finite() && rough > 0.0) {
            return Vec::new();
        }
        let power = 10_f64.powf(rough.log10().floor());
        let step = STEPS.iter().map(|step| step * power).find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step).ceil();
        let values = (0..1000).map(|tick| (first + f64::from(tick)) * step);
        values.take_while(|value| *value <= self.high + step * 1e-9).collect()
    }
}

/// A place across the page.
pub(super) fn percent(place: f64) -> String {
    format!("{place:.2}%")
}

/// A value beside an axis, with the digits its neighbours need.
pub(super) fn tick_words(value: f64, ticks: &[f64]) -> String {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).next().unwrap_or(1.0);
    let digits = if step >= 1.0 {
        0
    } else if step >= 0.1 {
        1
    } else {
        2
    };
    // Without the sign of a zero that was less than nothing before it was rounded.
    format!("{:.digits$}", value + 0.0)
}

/// A chart of a height in pixels that says what it shows.
pub(super) fn chart(height: u32, shows: &str, content: &Markup) -> Markup {
    html! {
        svg.chart role="img" aria-label=(shows) width="100%" height=(height) {
            title { (shows) }
            (content)
        }
    }
}

/// Lines and words of both axes: x below, y to the left.
pub(super) fn axes(x: &Scale, y: &Scale, (below, left): (&str, &str)) -> Markup {
    let (xs, ys) = (x.ticks(7.0), y.ticks(5.0));
    html! {
        @for value in &ys {
            line.grid x1=(percent(x.from)) x2=(percent(x.to)) y1=(y.y(*value)) y2=(y.y(*value)) {}
            text.tick x=(percent(x.from - 1.0)) y=(format!("{:.1}", y.at(*value) + 4.0))
                text-anchor="end" { (tick_words(*value, &ys)) }
        }
        @for value in &xs {
            text.tick x=(x.x(*value)) y=(format!("{:.1}", y.from + 18.0)) text-anchor="middle" {
                (tick_words(*value, &xs))
            }
        }
        line.axis x1=(percent(x.from)) x2=(percent(x.to)) y1=(y.y(y.low)) y2=(y.y(y.low)) {}
        text.name x=(percent(x.to)) y=(format!("{:.1}", y.from + 36.0)) text-anchor="end" { (below) }
        text.name x="0" y="12" { (left) }
    }
}

/// A value with its interval, upright.
pub(super) fn whisker(x: &str, y: &Scale, (low, high): (f64, f64), class: &str) -> Markup {
    html! {
        line class=(format!("whisker {class}")) x1=(x) x2=(x) y1=(y.y(low)) y2=(y.y(high)) {}
    }
}

/// Hatches of workers that wait, one for each service; defined once for the page.
pub(super) fn patterns() -> Markup {
    html! {
        svg.patterns aria-hidden="true" width="0" height="0" {
            defs {
                @for name in ["rng", "hasher", "unknown"] {
                    pattern id=(format!("wait-{name}")) width="7" height="7"
                        patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        rect.ground width="7" height="7" {}
                        rect class=(format!("stripe {name}")) width="3" height="7" {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = |low, high| Scale { low, high, from: 0.0, to: 100.0 }.ticks(5.0);
        assert_eq!(ticks(0.0, 10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(0.0, 37.0), [0.0, 10.0, 20.0, 30.0]);
        let near = ticks(19.6, 20.4);
        assert!(near.len() >= 4 && near.iter().all(|t| (19.6..=20.4001).contains(t)), "{near:?}");
        assert_eq!(ticks(1.0, 1.0), Vec::<f64>::new());
        assert_eq!(tick_words(0.5, &[0.0, 0.5]), "0.5");
        assert_eq!(tick_words(-0.0, &[0.0, 5.0]), "0");
    }

    #[test]
    fn a_scale_does_not_leave_its_axis_by_much() {
        let scale = Scale { low: 0.0, high: 10.0, from: 300.0, to: 100.0 };
        assert!((scale.at(5.0) - 200.0).abs() < 1e-9);
        assert!((scale.at(1e9) - 90.0).abs() < 1e-9 && (scale.at(-1e9) - 310.0).abs() < 1e-9);
        assert!(Scale { high: 0.0, ..scale }.at(0.0).is_finite());
    }
}
