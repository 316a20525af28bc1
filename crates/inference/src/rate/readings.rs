//! What of a counter's readings can be used, and the counter as a curve. It judges no rate.

use serde::{Deserialize, Serialize};

use super::{float, least_squares, mean, size};
use crate::Refusal;
use crate::numbers::finite;

/// One reading of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// When, by the server's clock, in seconds since any moment.
    pub seconds: f64,
    /// The counter then.
    pub count: u64,
}

/// A stretch without readings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// When the last reading before it was, by the server's clock, in seconds.
    pub from: f64,
    /// Its length, in seconds.
    pub seconds: f64,
}

/// The readings since the counter last fell.
#[derive(Clone, Debug)]
pub(super) struct Used {
    /// At least two; times advance and counts do not fall.
    pub(super) readings: Vec<Reading>,
    pub(super) seconds: f64,
    pub(super) falls: usize,
    pub(super) stale: usize,
    pub(super) gaps: Vec<Gap>,
}

impl Used {
    /// Distances over `gap_seconds` are gaps.
    pub(super) fn new(readings: &[Reading], gap_seconds: f64) -> Result<Self, Refusal> {
        let times: Vec<f64> = readings.iter().map(|reading| reading.seconds).collect();
        finite("the time of a reading", &times)?;
        let mut used = Self {
            readings: Vec::with_capacity(readings.len()),
            seconds: 0.0,
            falls: 0,
            stale: 0,
            gaps: Vec::new(),
        };
        for reading in readings {
            match used.readings.last() {
                // An answer that was overtaken, or a clock that was set back.
                Some(last) if reading.seconds <= last.seconds => used.stale += 1,
                Some(last) if reading.count < last.count => {
                    used.falls += 1;
                    used.readings.clear();
                    used.readings.push(*reading);
                }
                _ => used.readings.push(*reading),
            }
        }
        let [first, .., last] = used.readings.as_slice() else {
            return Err(Refusal::too_few("readings", used.readings.len(), 2));
        };
        used.seconds = last.seconds - first.seconds;
        used.gaps = used
            .readings
            .windows(2)
            .map(|pair| Gap { from: pair[0].seconds, seconds: pair[1].seconds - pair[0].seconds })
            .filter(|gap| gap.seconds > gap_seconds)
            .collect();
        Ok(used)
    }

    fn begin(&self) -> f64 {
        self.readings.first().map_or(0.0, |reading| reading.seconds)
    }

    /// Whether a moment lies within what is used.
    pub(super) fn covers(&self, seconds: f64) -> bool {
        (0.0..=self.seconds).contains(&(seconds - self.begin()))
    }

    /// Ordinary least squares over all readings.
    pub(super) fn slope(&self) -> f64 {
        let points: Vec<(f64, f64)> = points(&self.readings).collect();
        least_squares(&points)
    }

    /// How far stairs of this period can shift the slope, as a share of it.
    ///
    /// The slope weighs the counter's rise at time t by w(t), and what stairs of height X tau add
    /// integrates, twice, to at most X tau²/8: the shift is at most that times the total variation
    /// of w'. With readings at equal distances w is a parabola and the result 3 (tau/T)²; twice as
    /// much is stated, since periods of several workers are not one. Gaps add to it.
    pub(super) fn stairs(&self, period: f64) -> f64 {
        let times: Vec<f64> = points(&self.readings).map(|(time, _)| time).collect();
        let middle = mean(&times);
        let spread = times.iter().map(|time| (time - middle).powi(2)).sum::<f64>();
        let missing: f64 = self.gaps.iter().map(|gap| gap.seconds).sum();
        let covered = self.seconds - missing;
        let mut ends = vec![0.0];
        for gap in &self.gaps {
            let from = gap.from - self.begin();
            ends.extend([from, from + gap.seconds]);
        }
        ends.push(self.seconds);
        let variation: f64 = ends
            .chunks_exact(2)
            .map(|run| (run[1] - run[0]) + (run[0] - middle).abs() + (run[1] - middle).abs())
            .sum();
        let mean_square = spread / size(times.len());
        period * period / 4.0 * variation / (mean_square * covered)
    }
}

/// Times and counts from the first reading on, where a clock's digits are not lost.
fn points(readings: &[Reading]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let first = readings.first().copied().unwrap_or(Reading { seconds: 0.0, count: 0 });
    readings.iter().map(move |r| (r.seconds - first.seconds, float(r.count - first.count)))
}

/// The counter between its readings, as straight lines, and its integral.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    points: Vec<(f64, f64)>,
    /// Integral of the counter from the first point to each.
    areas: Vec<f64>,
}

impl Curve {
    pub(super) fn new(readings: &[Reading]) -> Self {
        let points: Vec<(f64, f64)> = points(readings).collect();
        let mut areas = vec![0.0];
        let mut area = 0.0;
        for pair in points.windows(2) {
            area += (pair[1].0 - pair[0].0) * f64::midpoint(pair[0].1, pair[1].1);
            areas.push(area);
        }
        Self { points, areas }
    }

    /// The time of the first point, from which times count.
    pub(super) fn begin(&self) -> f64 {
        self.points.first().map_or(0.0, |point| point.0)
    }

    /// The time of the last point.
    pub(super) fn end(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.0)
    }

    fn area(&self, time: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 <= time);
        let before = after.clamp(1, self.points.len() - 1) - 1;
        let (from, to) = (self.points[before], self.points[before + 1]);
        let elapsed = (time - from.0).clamp(0.0, to.0 - from.0);
        let slope = (to.1 - from.1) / (to.0 - from.0);
        self.areas[before] + elapsed * (from.1 + slope * elapsed / 2.0)
    }

    /// Rates between points `step` apart, the counter at each averaged over the `period` before it.
    pub(super) fn rates(&self, from: f64, step: f64, count: usize, period: f64) -> Vec<f64> {
        let level = |index: usize| {
            let time = from + step * size(index);
            (self.area(time) - self.area(time - period)) / period
        };
        let levels: Vec<f64> = (0..=count).map(level).collect();
        levels.windows(2).map(|pair| (pair[1] - pair[0]) / step).collect()
    }
}
