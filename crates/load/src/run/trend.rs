//! Whether latency grows for as long as a run goes on: that of a server that is asked for more than
//! it can do does, however short the run. A straight line is fitted to the mean latencies of equal
//! pieces of time. Pure.

use crate::numbers::float;

/// The pieces of time are gathered into this many batches at most: neighbouring means of one queue
/// depend on each other, and fewer, longer ones less.
const BATCHES: usize = 12;
/// A line through fewer batches says nothing.
const LEAST_BATCHES: usize = 5;
/// Latency that grows by less than this, in seconds a second, is not worth a word: the server falls
/// behind by less than a thousandth of the rate.
const LEAST_GROWTH: f64 = 0.001;
/// A slope must be this many times its standard error: by chance one in a thousand is.
const STANDARD_ERRORS: f64 = 4.0;

/// How latency went on in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Growth in seconds of latency per second of the run; below 0 when it fell. Of a server that is
    /// overloaded it is the share of its capacity by which the rate exceeds that.
    pub slope: f64,
    /// Standard error of the slope.
    pub error: f64,
}

impl Trend {
    /// The line through the latencies of the requests due in each piece of time, as their number and
    /// mean in seconds, the pieces being of `length` seconds. `None` of too few.
    #[must_use]
    pub fn of(pieces: &[(u64, f64)], length: f64) -> Option<Self> {
        let points = batches(pieces, length);
        let count = float(points.len() as u64);
        if points.len() < LEAST_BATCHES {
            return None;
        }
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (middle, level) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|(time, _)| (time - middle).powi(2)).sum();
        let both: f64 = points.iter().map(|(time, value)| (time - middle) * (value - level)).sum();
        let slope = both / spread;
        let left: f64 = points
            .iter()
            .map(|(time, value)| (value - level - slope * (time - middle)).powi(2))
            .sum();
        Some(Self { slope, error: (left / (count - 2.0) / spread).sqrt() })
    }

    /// Whether latency grew, by more than chance does and by enough to matter.
    #[must_use]
    pub fn is_growth(&self) -> bool {
        self.slope > LEAST_GROWTH && self.slope > STANDARD_ERRORS * self.error
    }
}

/// Time in seconds and mean latency of each batch that has any.
fn batches(pieces: &[(u64, f64)], length: f64) -> Vec<(f64, f64)> {
    let size = pieces.len().div_ceil(BATCHES).max(1);
    let chunks = pieces.chunks(size).enumerate();
    let batch = |(number, pieces): (usize, &[(u64, f64)])| {
        let count: u64 = pieces.iter().map(|(count, _)| count).sum();
        let sum: f64 = pieces.iter().map(|(count, mean)| float(*count) * mean).sum();
        let time = (float((number * size) as u64) + float(pieces.len() as u64) / 2.0) * length;
        (count > 0).then(|| (time, sum / float(count)))
    };
    chunks.filter_map(batch).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recording::ByDue;

    /// Latencies of a server that takes `service` seconds for each request, one after the other,
    /// asked `rate` times a second for `seconds`; by when they were due, in pieces of a quarter of a
    /// second.
    fn pieces(rate: f64, seconds: f64, service: impl Fn(u64) -> f64) -> Vec<(u64, f64)> {
        let mut free = 0.0_f64;
        let latency = |number: u64| {
            let due = float(number) / rate;
            free = free.max(due) + service(number);
            free - due
        };
        by_due(rate, seconds, latency)
    }

    fn by_due(rate: f64, seconds: f64, latency: impl FnMut(u64) -> f64) -> Vec<(u64, f64)> {
        let requests = 0..crate::numbers::whole(rate * seconds);
        let latencies: Vec<_> = requests.clone().map(latency).collect();
        let mut by_due = ByDue::default();
        for (number, latency) in requests.zip(latencies) {
            let piece = crate::numbers::whole(float(number) / rate * 4.0);
            by_due.record(piece, Duration::from_secs_f64(latency));
        }
        by_due.means()
    }

    fn trend(rate: f64, seconds: f64, service: impl Fn(u64) -> f64) -> Trend {
        Trend::of(&pieces(rate, seconds, service), 0.25).unwrap()
    }

    #[test]
    fn a_rate_above_the_capacity_shows_long_before_any_limit_is_passed() {
        // 100 ms each, a little unevenly: 10 a second.
        let service = |number: u64| 0.1 + float(number * 7 % 11) * 1e-4 - 5e-4;
        for rate in [10.1, 10.2, 10.5, 12.0] {
            let seen = trend(rate, 20.0, service);
            assert!(seen.is_growth(), "{rate}: {seen:?}");
            assert!((seen.slope - (rate / 10.0 - 1.0)).abs() < 0.002, "{seen:?}");
        }
        assert!(trend(10.2, 5.0, service).is_growth());
        for rate in [5.0, 9.0, 9.5, 9.8, 9.9] {
            assert!(!trend(rate, 20.0, service).is_growth(), "{rate}");
        }
    }

    #[test]
    fn scattered_service_times_below_the_capacity_are_no_growth() {
        use rand::SeedableRng as _;
        use rand_distr::Distribution as _;
        let mut growing = 0;
        for seed in 0..500 {
            let random = rand::rngs::SmallRng::seed_from_u64(seed);
            let times: Vec<f64> = rand_distr::Exp1.sample_iter(random).take(2_000).collect();
            let seen = trend(70.0, 20.0, |number| 0.01 * times[usize::try_from(number).unwrap()]);
            growing += u32::from(seen.is_growth());
        }
        assert!(growing <= 10, "{growing} of 500");
    }

    #[test]
    fn latencies_as_long_as_the_run_are_no_growth() {
        use rand::SeedableRng as _;
        use rand_distr::Distribution as _;
        let growing = (0..300).filter(|seed| {
            let random = rand::rngs::SmallRng::seed_from_u64(*seed);
            let mut times = rand_distr::Exp1.sample_iter(random);
            // 1 s on average, each by itself, in a window of 10 s.
            let pieces = by_due(50.0, 10.0, |_| times.next().unwrap());
            Trend::of(&pieces, 0.25).unwrap().is_growth()
        });
        let growing = growing.count();
        assert!(growing <= 6, "{growing} of 300");
    }

    #[test]
    fn one_stall_is_no_growth_and_few_pieces_say_nothing() {
        for at in [3, 40, 75] {
            let mut pieces = vec![(25, 0.01); 80];
            pieces[at].1 = 2.0;
            assert!(!Trend::of(&pieces, 0.25).unwrap().is_growth(), "{at}");
        }
        assert_eq!(Trend::of(&[(1, 0.1); 4], 0.25), None);
        assert_eq!(Trend::of(&[(0, 0.0); 40], 0.25), None);
    }
}
