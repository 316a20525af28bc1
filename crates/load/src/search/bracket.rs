//! Where a search is: the rates that were met and the lowest that was missed, and which rate is next.
//! Pure.

use super::step::{Outcome, Step};

/// The interval between good and bad is narrowed to this share of the good rate.
const NARROW: f64 = 0.03;
/// Beside the throughput of an overloaded server these rates are tried: just below it, and just
/// above.
const BESIDE: [f64; 2] = [0.98, 1.02];

/// A rate to be tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trial {
    /// Requests a second.
    pub(super) rate: f64,
    /// Whether a longer run is to confirm what a step found.
    pub(super) confirming: bool,
}

/// Where a search is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bracket {
    /// The first rate.
    first: f64,
    /// No rate below this one can be judged.
    floor: f64,
    /// Rates that were good, in order, and how many times.
    met: Vec<(f64, usize)>,
    /// The lowest that was not.
    missed: Option<f64>,
    /// Rates beside the throughput of the server when it was overloaded, which come next.
    beside: Vec<f64>,
    /// A rate that a longer run is to decide.
    doubted: Option<f64>,
}

impl Bracket {
    pub(super) fn from(first: f64, floor: f64) -> Self {
        let (met, beside) = (Vec::new(), Vec::new());
        Self { first, floor, met, missed: None, beside, doubted: None }
    }

    /// The highest rate that was good, and how many times.
    pub(super) fn met(&self) -> Option<(f64, usize)> {
        self.met.last().copied()
    }

    /// The lowest rate that was not.
    pub(super) fn missed(&self) -> Option<f64> {
        self.missed
    }

    /// The lowest rate that can be judged.
    pub(super) fn floor(&self) -> f64 {
        self.floor
    }

    /// What to try next; `None` at the end.
    pub(super) fn next(&self) -> Option<Trial> {
        if let Some(rate) = self.doubted {
            return Some(Trial { rate, confirming: true });
        }
        let step = |rate| Some(Trial { rate, confirming: false });
        match (self.met(), self.missed) {
            (None, None) => step(self.first),
            (Some((met, _)), None) => step(rounded(met * 2.0)),
            (None, Some(missed)) if missed <= self.floor * 1.01 => None,
            (None, Some(missed)) => {
                let beside = self.beside_within(self.floor, missed);
                step(beside.unwrap_or_else(|| rounded(missed / 4.0).max(self.floor * 1.01)))
            }
            (Some((met, _)), Some(missed)) if missed - met > met * NARROW => {
                let beside = self.beside_within(met, missed);
                step(beside.unwrap_or_else(|| rounded(f64::midpoint(met, missed))))
            }
            // At the knee one good step may have been luck, or too short to show a queue that grows.
            (Some((rate, 1)), Some(_)) => Some(Trial { rate, confirming: true }),
            _ => None,
        }
    }

    /// The next rate beside the throughput of an overloaded server that lies well within these.
    fn beside_within(&self, low: f64, high: f64) -> Option<f64> {
        let within = |rate: &f64| *rate > low * 1.01 && *rate < high * 0.99;
        self.beside.iter().copied().find(within)
    }

    /// Takes what became of a rate.
    pub(super) fn learn(&mut self, step: &Step) {
        let rate = step.target_per_second;
        self.beside.retain(|beside| !same(*beside, rate));
        let growing = matches!(step.outcome, Outcome::Growing { .. });
        self.doubted = (growing && !step.confirming).then_some(rate);
        if self.doubted.is_some() {
            return;
        }
        if step.met {
            match self.met.iter_mut().find(|(known, _)| same(*known, rate)) {
                Some((_, times)) => *times += 1,
                None => self.met.push((rate, 1)),
            }
            self.met.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        } else {
            self.missed = Some(self.missed.map_or(rate, |missed| missed.min(rate)));
            // A rate that was good once and then not is not good; one below it may be.
            self.met.retain(|(known, _)| *known < rate && !same(*known, rate));
            if let Outcome::Behind { completed_per_second, .. } = step.outcome {
                self.beside = BESIDE.map(|by| rounded(completed_per_second * by)).to_vec();
            }
        }
    }
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6 * one.max(other)
}

/// A rate with three digits, which can be typed again.
pub(super) fn rounded(rate: f64) -> f64 {
    // Divided by a power of ten or multiplied by one: 9.69 and not 9.690000000000001.
    let digits = 2.0 - rate.log10().floor();
    let power = 10_f64.powf(digits.abs());
    match digits >= 0.0 {
        true => (rate * power).round() / power,
        false => (rate / power).round() * power,
    }
}
