//! Whether an open window has been open for long enough: where its warm-up ends, how precise the
//! rate is by now, and when it will be precise enough. Pure: it is told what was read so far.

use inference::Refusal;
use inference::long_run::{FEWEST, frequencies, long_run_mean, long_run_mean_by};
use inference::rate::FLUSH_SECONDS;
use inference::stopping::{Check, Decision, Reason, Rule};
use inference::warmup::{Cause, Cut, Series, cut, floor};
use load::numbers::float;
use observation::Stage;

use super::rate::{NOMINAL_LOOP_S, RESOLUTION, loop_of_silent, needed_seconds, polled, readings};
use super::series::{Curves, SPACING_S, Values, residence};
use crate::measure::{Counter, Moment, WorkerCounts};

/// A series whose first half moves the rate by this share of the precision may need a cut;
const CUT: f64 = 0.1;
/// one that moves it by this share is not yet what it will be.
const MOVING: f64 = 0.5;
/// It does so by more than chance beyond so many half-widths of its later half: one alone would be
/// too little, as it is looked at every second.
const SURE: f64 = 2.0;
/// And that half-width has to be known better than the few values of a short half would have it.
const LEAST_FREEDOM: f64 = 10.0;
/// So often a window is looked at anew that turns out to begin later.
const MOST_LOOKS: usize = 300;
/// A window can only begin with whole reports, which are read this often, in seconds.
const BEGINS_EVERY_S: f64 = 5.0;

/// What was read of a window so far.
#[derive(Clone, Copy, Debug)]
pub struct SoFar<'a> {
    /// For how long it has been open, in seconds.
    pub seconds: f64,
    /// The counter.
    pub counter: &'a [Counter],
    /// Each worker's own count.
    pub workers: &'a [WorkerCounts],
    /// What all workers together had counted.
    pub moments: &'a [Moment],
}

/// The checks of one window.
#[derive(Clone, Debug)]
pub struct Watch {
    rule: Rule,
    /// Loops that are run at a time, by what was asked for.
    workers: u32,
    checks: Vec<Check>,
    cut: Cut,
    curves: Curves,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What to do.
    pub decision: Decision,
    /// Half-width of the rate's interval by now, as a share of the rate.
    pub reached: Option<f64>,
    /// Seconds to be cut off at the beginning.
    pub cut_seconds: f64,
    /// By what rule.
    pub cause: Cause,
    /// What keeps the window open; `None` where nothing does.
    pub open: Option<Open>,
}

/// What keeps a window open.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Open {
    /// This series has not settled.
    #[error("{0} had not settled (MSER-5)")]
    Unsettled(String),
    /// There is no interval.
    #[error("there was no interval")]
    Unknown,
    /// The interval is wider than was asked for.
    #[error("the interval was wider than was asked")]
    Wide,
    /// It is shorter than so many seconds.
    #[error("what was left of the window was shorter than the {0:.0} s it takes")]
    Short(f64),
    /// The interval has not been narrow enough for long enough.
    #[error("the interval had not been as narrow as was asked for long enough")]
    Brief,
}

impl Checked {
    /// Before the first check.
    #[must_use]
    pub fn nothing() -> Self {
        let decision = Decision::GoOn { expected: None };
        Self { decision, reached: None, cut_seconds: 0.0, cause: Cause::Floor, open: None }
    }
}

impl Watch {
    /// A window that is to be open until the half-width is `precision` of the rate, or for
    /// `most_seconds`, of an app with so many workers.
    ///
    /// # Errors
    /// When precision or length is not over 0.
    pub fn new(precision: f64, most_seconds: f64, workers: u32) -> Result<Self, Refusal> {
        let cut = Cut { seconds: 0.0, cause: Cause::Floor };
        let rule = Rule::new(precision, most_seconds)?;
        Ok(Self { rule, workers, checks: Vec::new(), cut, curves: Curves::default() })
    }

    /// One more check, of a window that has grown since the one before. A later cut makes the window a
    /// new one, with checks of its own.
    pub fn check(&mut self, seen: SoFar<'_>) -> Checked {
        let loop_s = mean_loop_s(seen.moments, seen.counter, self.workers);
        self.curves.read(seen.workers);
        let throughput = self.curves.throughput(seen.workers.last(), seen.counter);
        let converged = match &throughput {
            Some(throughput) => self.warm_up(throughput, (&residence(seen.moments), loop_s)),
            None => None,
        };
        if let Some(Ok(cut)) = &converged {
            let seconds = (cut.seconds / BEGINS_EVERY_S).ceil() * BEGINS_EVERY_S;
            self.cut = Cut { seconds, cause: cut.cause.clone() };
            let kept = throughput.as_ref().map_or(&[][..], |of| of.from(seconds));
            self.checks = checks_until_now(kept);
        }
        let reached = match &throughput {
            Some(of) => relative_half_width(of.from(self.cut.seconds)),
            // The original app's workers do not tell when they counted.
            None => by_counter(seen.counter, loop_s),
        };
        let unsettled = match converged {
            Some(Err(Refusal::NotConverged { series })) => Some(series),
            _ => None,
        };
        let seconds = seen.seconds - self.cut.seconds;
        let relative_half_width = reached.filter(|_| unsettled.is_none());
        self.checks.push(Check { seconds, relative_half_width });
        let rule = Rule {
            least_seconds: self.rule.least_seconds.max(needed_seconds(loop_s)),
            most_seconds: self.rule.most_seconds - self.cut.seconds,
            ..self.rule
        };
        let decision = rule.decide(&self.checks);
        let open = match (decision, unsettled, reached) {
            (Decision::Stop(Reason::Precise), ..) => None,
            (_, Some(series), _) => Some(Open::Unsettled(series)),
            (_, None, None) => Some(Open::Unknown),
            (_, None, Some(half)) if half > rule.precision => Some(Open::Wide),
            _ if seconds < rule.least_seconds => Some(Open::Short(rule.least_seconds)),
            _ => Some(Open::Brief),
        };
        let Cut { seconds, cause } = self.cut.clone();
        Checked { decision, reached, cut_seconds: seconds, cause, open }
    }

    /// Where the warm-up ends, where that is later than was known; an error while the app still moves
    /// so much that no number is its speed yet.
    fn warm_up(
        &self,
        throughput: &Values,
        (residence, loop_s): (&Values, f64),
    ) -> Option<Result<Cut, Refusal>> {
        let known = self.cut.seconds;
        let named = [("throughput", throughput, None), ("time at rng", residence, Some(loop_s))];
        let series = |share: f64| {
            let moving = named.into_iter().filter_map(move |(name, of, whole)| {
                let values = of.from(known);
                self.moves(values, whole, share).then(|| Series {
                    name,
                    values,
                    begin_seconds: of.begin.max(known),
                    spacing_seconds: SPACING_S,
                })
            });
            moving.collect::<Vec<_>>()
        };
        match cut(&series(CUT), known) {
            Ok(cut) if cut.seconds > known => Some(Ok(cut)),
            Err(refusal @ Refusal::NotConverged { .. }) if !series(MOVING).is_empty() => {
                Some(Err(refusal))
            }
            // There is nothing to cut, or it is too early to say.
            _ => None,
        }
    }

    /// Whether cutting off the first half would change the mean by this share of the precision that
    /// is wanted or more, and by more than chance. MSER-5 always finds some cut;
    /// of what only scatters none is wanted. The change is one of the `whole` that the values are a
    /// part of, as time at rng is of a loop; of themselves where there is none.
    fn moves(&self, values: &[f64], whole: Option<f64>, share: f64) -> bool {
        let (_, later) = values.split_at(values.len() / 2);
        let freedom = frequencies(later.len()).max(LEAST_FREEDOM);
        let Ok(later) = long_run_mean_by(later, freedom) else { return false };
        let mean = values.iter().sum::<f64>() / float(values.len() as u64);
        let change = (mean - later.mean).abs();
        let matters = share * self.rule.precision * whole.unwrap_or(mean).abs();
        change >= matters && change > SURE * later.half_width
    }
}

/// Mean time of a loop in seconds: as the workers tell; where they tell nothing, as their number and the
/// counter have it; else the original's.
fn mean_loop_s(moments: &[Moment], counter: &[Counter], workers: u32) -> f64 {
    let told = told_loop_s(moments).or_else(|| loop_of_silent(counter, workers));
    told.unwrap_or(NOMINAL_LOOP_S)
}

/// The shortest warm-up of an app of which this was seen, in seconds: two flush periods and ten
/// loops.
#[must_use]
pub fn shortest_warm_up(moments: &[Moment], counter: &[Counter], workers: u32) -> f64 {
    floor(mean_loop_s(moments, counter, workers), FLUSH_SECONDS)
}

/// Mean time of a loop in seconds; `None` where nobody tells.
#[must_use]
pub fn told_loop_s(moments: &[Moment]) -> Option<f64> {
    let sums = |moment: &Moment| {
        moment.totals.stages.get(&Stage::Loop).map_or((0, 0), |l| (l.count(), l.sum_us()))
    };
    let (first, last) = (moments.first().map(sums)?, moments.last().map(sums)?);
    let count = last.0.checked_sub(first.0).filter(|count| *count > 0)?;
    Some(float(last.1.checked_sub(first.1)?) / 1e6 / float(count))
}

/// What earlier checks would have found, had the window begun where it is now found to begin: each second,
/// or, of a long one, as often as is no trouble.
fn checks_until_now(kept: &[f64]) -> Vec<Check> {
    let apart = 2 * (kept.len() / (2 * MOST_LOOKS)).max(1);
    let lengths = (FEWEST..=kept.len()).rev().step_by(apart);
    let check = |length: usize| Check {
        seconds: SPACING_S * float(length as u64),
        relative_half_width: relative_half_width(&kept[..length]),
    };
    let mut checks: Vec<Check> = lengths.map(check).collect();
    checks.reverse();
    checks
}

/// Half of the interval that these rates give, as a share of their mean.
fn relative_half_width(rates: &[f64]) -> Option<f64> {
    let half = long_run_mean(rates).ok()?.relative_half_width()?;
    Some(half.max(RESOLUTION))
}

/// How well the counter alone tells the rate, as a share of it: chance and flush together.
fn by_counter(counter: &[Counter], loop_s: f64) -> Option<f64> {
    let readings = readings(counter);
    let polled = polled(&readings, Some(loop_s), &[]);
    let rate = polled.rate().ok()?;
    let half = rate.statistical.max(RESOLUTION * rate.per_second) + rate.flush;
    (rate.per_second > 0.0).then(|| half / rate.per_second)
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;
    use crate::analyse::tests::ideal;

    /// Checks each second of a window of which `seconds` are read.
    fn watched(watch: &mut Watch, workers: u32, rng: u32, seconds: usize) -> Vec<Checked> {
        let samples = ideal(workers, rng);
        let check = |second: usize| {
            watch.check(SoFar {
                seconds: float(second as u64),
                counter: &samples.counter[..=20 * second],
                workers: &samples.workers[..=second],
                moments: &samples.moments[..=second],
            })
        };
        (1..=seconds).map(check).collect()
    }

    #[test]
    fn an_even_app_is_measured_for_as_long_as_the_least_window() {
        let mut watch = Watch::new(0.01, 120.0, 10).unwrap();
        let found = watched(&mut watch, 10, 5, 60);
        let stop = |found: &Checked| found.decision == Decision::Stop(Reason::Precise);
        let first = found.iter().position(stop).unwrap() + 1;
        assert!((30..=40).contains(&first), "stops after {first} s");
        assert!(found.iter().all(|found| found.cut_seconds < 1e-9), "there is no warm-up");
        assert!(found[59].reached.unwrap() < 0.01);
    }

    #[test]
    fn what_is_never_precise_enough_ends_when_time_is_over_and_says_when_it_would_be() {
        let mut watch = Watch::new(1e-9, 50.0, 7).unwrap();
        let found = watched(&mut watch, 7, 1, 50);
        assert!(matches!(found[40].decision, Decision::GoOn { expected: Some(_) }), "{found:?}");
        assert_eq!(found[49].decision, Decision::Stop(Reason::TimeOver));
        assert_eq!(found[49].open, Some(Open::Wide));
        assert_eq!(found[49].reached, Some(RESOLUTION), "less than the rate's own interval");
    }

    #[test]
    fn a_slow_beginning_is_cut_off() {
        let samples = ideal(10, 5);
        // For the first ten seconds a request takes 100 ms longer.
        let mut slow = samples.clone();
        let until = samples.moments[10].totals.stages[&Stage::Rng].count();
        for moment in &mut slow.moments {
            let rng = moment.totals.stages[&Stage::Rng].clone();
            let more = 100_000 * rng.count().min(until);
            let sums = observation::Latency::of_sums(rng.count(), rng.sum_us() + more);
            moment.totals.stages.insert(Stage::Rng, sums);
        }
        let seen = |samples: &'static crate::measure::Samples| SoFar {
            seconds: 60.0,
            counter: &samples.counter,
            workers: &samples.workers,
            moments: &samples.moments,
        };
        let cut = |samples: crate::measure::Samples| {
            Watch::new(0.01, 120.0, 10).unwrap().check(seen(Box::leak(Box::new(samples))))
        };
        assert!(cut(samples).cut_seconds < 1e-9);
        let found = cut(slow);
        assert!((5.0..=15.0).contains(&found.cut_seconds), "{found:?}");
        assert_eq!(found.cause, Cause::Series("time at rng".to_owned()));
    }

    #[test]
    fn the_warm_up_of_an_app_that_tells_nothing_follows_its_counter() {
        let counter = ideal(10, 1).counter;
        let slow = shortest_warm_up(&[], &counter[..=200], 10);
        assert!((slow - 10.0).abs() < 0.3, "ten loops of 1 s: {slow}");
    }

    #[test]
    fn what_only_scatters_is_not_cut() {
        let watch = Watch::new(0.01, 120.0, 10).unwrap();
        let mut random = SmallRng::seed_from_u64(7);
        let mut scattered = || -> Vec<f64> {
            let noise = |level: f64, random: &mut SmallRng| level + random.random_range(-3.0..3.0);
            (0..80).map(|_| noise(30.0, &mut random)).collect()
        };
        let moving = (0..200).filter(|_| watch.moves(&scattered(), None, CUT)).count();
        assert!(moving <= 10, "{moving} of 200 are taken to move");
        let slow = (0..200).filter(|_| {
            let mut values = scattered();
            values[..20].iter_mut().for_each(|value| *value -= 10.0);
            watch.moves(&values, None, CUT)
        });
        let found = slow.count();
        assert!(found >= 190, "of 200 slow beginnings {found} are seen");
        // What rng takes longer counts by what it is of a loop.
        let drifting: Vec<f64> =
            (0..80).map(|second| if second < 40 { 0.1004 } else { 0.1 }).collect();
        assert!(watch.moves(&drifting, None, CUT) && !watch.moves(&drifting, Some(0.3), CUT));
    }

    #[test]
    fn the_shortest_warm_up_follows_the_loop() {
        let nominal = shortest_warm_up(&[], &[], 10);
        assert!((nominal - 3.0).abs() < 1e-9, "ten loops of 0.3 s");
        let slow = shortest_warm_up(&ideal(10, 1).moments, &[], 10);
        assert!((slow - 10.0).abs() < 1e-6, "ten loops of 1 s: {slow}");
    }
}
