//! The rate of a counter that is polled with the server's clock, and that workers raise only about
//! once a second.
//!
//! Readings are averaged over one flush period, which levels the stairs; the averaged counter is
//! cut into steps, and their mean is estimated as a walk that is read with an error. That is a
//! generalised least-squares slope with a t interval. The ordinary slope through all
//! readings is given beside it.
//!
//! Two errors are stated apart. The *statistical* one is chance, a half-width at 95 %, and
//! includes what the readings show of the flush. The *flush* error is a limit for what they cannot
//! show: how far the stairs of workers that all flush at once can shift a fitted line.

mod readings;

use serde::{Deserialize, Serialize};

use crate::drift::drift;
use crate::numbers::{float, mean, positive, size, whole};
use crate::{Interval, Refusal};
use readings::{Curve, Used};
pub use readings::{Gap, Reading};

/// A window must be this many flush periods long.
pub const PERIODS_NEEDED: f64 = 10.0;
/// The worker's own choice: it tells its loops this long after the last time, in seconds.
pub const FLUSH_SECONDS: f64 = 1.0;
/// Steps that are cut from a window of n periods: √(6.5 n), which is 8 hardly longer than a period for
/// n = 10 and 18 for n = 50; in longer windows they grow in length more than in number.
const STEPS: f64 = 6.5;
const LONG: f64 = 50.0;
/// A mean loop this close above the flush interval, as a share, sometimes takes one loop more.
const NEAR: f64 = 0.02;

/// Workers that were taken away.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Departure {
    /// When, by the clock of the readings, in seconds.
    pub seconds: f64,
    /// How many, without the chance to tell their last loops.
    pub workers: u32,
}

/// A counter as it was read, and what is known of those who raise it.
#[derive(Clone, Copy, Debug)]
pub struct Polled<'a> {
    /// Readings in the order in which they were asked for.
    pub readings: &'a [Reading],
    /// Mean length of a loop, in seconds.
    pub loop_seconds: f64,
    /// After how many seconds a worker tells its loops: [`FLUSH_SECONDS`] unless it was set.
    pub flush_seconds: f64,
    /// Loops run at a time.
    pub workers: u32,
    /// Workers taken away, by a scale-down or a crash. What they had not told is never counted.
    pub departures: &'a [Departure],
}

/// The rate, its two errors apart, and what makes it doubtful.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterRate {
    /// Counts per second.
    pub per_second: f64,
    /// Half-width of its 95 % interval.
    pub statistical: f64,
    /// Limit of what the flush can shift it by, to be added to both sides.
    pub flush: f64,
    /// Limit of what departed workers did and never told, to be added to the upper side.
    pub untold: f64,
    /// The ordinary least-squares slope through all readings.
    pub least_squares: f64,
    /// How much of the scatter between steps is the reading's own: 0 none of it (or more than
    /// chance from step to step), 1 all.
    pub reading_error: f64,
    /// Length of what was used, in seconds.
    pub seconds: f64,
    /// How often the counter fell. Only what followed the last fall was used.
    pub falls: usize,
    /// Readings left out because the server's clock had not advanced.
    pub stale: usize,
    /// Stretches of over half a flush period without a reading.
    pub gaps: Vec<Gap>,
}

/// How often a worker with this loop time tells its loops, in seconds: at the start of the first
/// loop that begins `flush_seconds` or more after the last time.
///
/// > tau = c (floor(f / c) + 1)
#[must_use]
pub fn flush_period(loop_seconds: f64, flush_seconds: f64) -> f64 {
    loop_seconds * ((flush_seconds / loop_seconds).floor() + 1.0)
}

/// The longest period that occurs when loops vary a little about this mean.
fn longest_period(loop_seconds: f64, flush_seconds: f64) -> f64 {
    loop_seconds * (((1.0 + NEAR) * flush_seconds / loop_seconds).floor() + 1.0)
}

impl CounterRate {
    /// The 95 % interval, without the flush limit.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::around(self.per_second, self.statistical)
    }

    /// With all limits added: what is left when chance, flush and departures all go one way.
    #[must_use]
    pub fn limits(&self) -> Interval {
        let Interval { value, low, high } = self.interval();
        Interval { value, low: (low - self.flush).max(0.0), high: high + self.flush + self.untold }
    }
}

impl Polled<'_> {
    /// How often each worker tells its loops, in seconds.
    #[must_use]
    pub fn period(&self) -> f64 {
        flush_period(self.loop_seconds, self.flush_seconds)
    }

    /// The rate over all readings since the counter last fell.
    ///
    /// # Errors
    /// When what is left is shorter than [`PERIODS_NEEDED`] flush periods, was hardly read, or a
    /// number of the circumstances makes no sense.
    pub fn rate(&self) -> Result<CounterRate, Refusal> {
        let used = self.used()?;
        let curve = Curve::new(&used.readings);
        let (steps, averaged) = self.steps(&curve);
        let walk = drift(&steps, averaged).ok_or_else(|| Refusal::WindowTooShort {
            seconds: used.seconds,
            needed: PERIODS_NEEDED * self.period(),
        })?;
        let longest = longest_period(self.loop_seconds, self.flush_seconds);
        let least_squares = used.slope();
        // A loop time that is not quite right leaves some of the stairs, too.
        let flush = (least_squares.abs() * used.stairs(longest)).min(least_squares.abs());
        Ok(CounterRate {
            per_second: walk.mean,
            statistical: walk.half_width,
            flush,
            untold: self.untold(&used, walk.mean),
            least_squares,
            reading_error: (-walk.coefficient).clamp(0.0, 1.0),
            seconds: used.seconds,
            falls: used.falls,
            stale: used.stale,
            gaps: used.gaps,
        })
    }

    /// The rate over time, one value for each `step_seconds`, without stairs: for looking at
    /// warm-up and changes. The first value covers the time from one period after the first reading.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub fn per_step(&self, step_seconds: f64) -> Result<Vec<f64>, Refusal> {
        positive("the step", step_seconds)?;
        let used = self.used()?;
        let curve = Curve::new(&used.readings);
        let count = whole((used.seconds - self.period()) / step_seconds);
        Ok(curve.rates(curve.begin() + self.period(), step_seconds, count, self.period()))
    }

    fn used(&self) -> Result<Used, Refusal> {
        positive("the mean loop", self.loop_seconds)?;
        positive("the flush interval", self.flush_seconds)?;
        let used = Used::new(self.readings, self.period() / 2.0)?;
        let needed = PERIODS_NEEDED * self.period();
        // Half a reading's distance is not worth a refusal.
        if used.seconds < 0.99 * needed {
            return Err(Refusal::WindowTooShort { seconds: used.seconds, needed });
        }
        let missing: f64 = used.gaps.iter().map(|gap| gap.seconds).sum();
        if missing > used.seconds / 2.0 {
            return Err(Refusal::Gaps { missing, seconds: used.seconds });
        }
        Ok(used)
    }

    /// Equal steps of the averaged counter, and over what share of a step it is averaged.
    fn steps(&self, curve: &Curve) -> (Vec<f64>, f64) {
        let period = self.period();
        let length = curve.end() - curve.begin();
        let periods = length / period;
        let growth = (periods / LONG).max(1.0).cbrt();
        let count = ((STEPS * periods.min(LONG)).sqrt() * growth).round().max(3.0);
        // As many whole periods as fit: stairs vanish, and so does most of what polling adds.
        let averaged = period * (length / (count + 1.0) / period).floor().max(1.0);
        let from = curve.begin() + averaged;
        let step = (curve.end() - from) / count;
        (curve.rates(from, step, whole(count), averaged), (averaged / step).min(1.0))
    }

    /// Each worker takes at most one period's loops with it; in the middle of a window they shift a
    /// line by half as much again as at its ends.
    fn untold(&self, used: &Used, per_second: f64) -> f64 {
        let within = |departure: &&Departure| used.covers(departure.seconds);
        let gone: u32 = self.departures.iter().filter(within).map(|gone| gone.workers).sum();
        let each = per_second / f64::from(self.workers.max(1));
        let longest = longest_period(self.loop_seconds, self.flush_seconds);
        1.5 * f64::from(gone) * each * longest / used.seconds
    }
}

/// The ordinary least-squares slope of points; 0 where they have no extent.
fn least_squares(points: &[(f64, f64)]) -> f64 {
    let (times, counts): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (middle_time, middle_count) = (mean(&times), mean(&counts));
    let (mut square, mut product) = (0.0, 0.0);
    for (time, count) in points {
        square += (time - middle_time).powi(2);
        product += (time - middle_time) * (count - middle_count);
    }
    if square > 0.0 { product / square } else { 0.0 }
}

#[cfg(test)]
mod tests;
