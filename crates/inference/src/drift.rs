//! The mean step of a level that wanders and is read with an error: what the rate of a counter is,
//! statistically. It knows nothing of counters.
//!
//! The level walks: step k is the mean plus chance of variance s². It is read with an error of
//! variance e² (the flush), independent from reading to reading. Steps between readings then have
//! variance s² + 2e² and neighbours the covariance -e²: a moving average of order 1 (Muth 1960;
//! Harvey 1989, the local level model with drift). Levels that are averages over some time before
//! the reading share part of the walk with their neighbours (Working 1960): of steps of length 1
//! averaged over a, the walk's variance is s² (1 - a/3) and neighbours have the covariance s² a/6. A
//! still larger one stands for chance that itself lasts longer than a step, as in a queue that takes
//! a while to empty.
//!
//! What matters is how much of the scatter is walk: it adds up, reading errors do not. Plain t
//! intervals take all of it for walk, and are several times too wide where nearly all is reading
//! error. That share, the coefficient theta, is not known; so every theta of a grid is tried and
//! weighted by its restricted likelihood (Patterson and Thompson 1971) and the prior of
//! [`candidates`]. For each the mean is by generalised least squares, which is the line through the
//! end points for theta = 0 and the ordinary least-squares slope for theta near -1. The interval is
//! that of the mixture. It stays wider than it would be if the share were known: 18 steps of pure
//! reading error get about 0.55 of the plain t interval.

use std::f64::consts::PI;

use crate::CONFIDENCE;
use crate::numbers::{float, mean, size};
use crate::quantile::Student;

/// Largest positive coefficient: neighbours then have a correlation of 0.44.
const MOST_POSITIVE: f64 = 0.6;
/// How likely, before anything is seen, the level only walks. Less makes intervals too narrow for
/// chance that only looks like reading error, more makes them too wide for reading error.
const WALKS: f64 = 0.85;
/// Ratio e²/s² of reading error to walk, from the least to the most that is tried.
const LEAST_ERROR: f64 = 0.3;
const MOST_ERROR: f64 = 300.0;
const WALKING: u32 = 16;
const READING: u32 = 24;
/// Candidates less likely than this share of the best do not show.
const NEGLIGIBLE: f64 = 1e-4;

/// The mean step with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drift {
    /// Mean step.
    pub(crate) mean: f64,
    /// Half of its interval at [`CONFIDENCE`].
    pub(crate) half_width: f64,
    /// Mean coefficient: -1 where all scatter is reading error, 0 where it is a walk.
    pub(crate) coefficient: f64,
}

/// The steps in the basis in which all candidates are independent.
struct Rotated {
    steps: Vec<f64>,
    ones: Vec<f64>,
    /// Cosine of each basis vector's frequency.
    cosines: Vec<f64>,
}

struct Candidate {
    coefficient: f64,
    log_weight: f64,
    mean: f64,
    error: f64,
}

/// The mean of at least three steps between levels, each averaged over a share (0 to 1) of a step;
/// `None` for fewer.
pub(crate) fn drift(steps: &[f64], averaged: f64) -> Option<Drift> {
    if steps.len() < 3 {
        return None;
    }
    let middle = mean(steps);
    let scale = steps.iter().map(|step| (step - middle).abs()).fold(0.0, f64::max);
    // What is left of equal steps by rounding is no scatter.
    if scale <= 1e-12 * middle.abs() || scale <= 0.0 {
        return Some(Drift { mean: middle, half_width: 0.0, coefficient: 0.0 });
    }
    let relative: Vec<f64> = steps.iter().map(|step| (step - middle) / scale).collect();
    let rotated = Rotated::new(&relative);
    let tried: Vec<Candidate> =
        candidates(averaged).map(|(theta, prior)| rotated.fit(theta, prior)).collect();
    let best = tried.iter().map(|c| c.log_weight).fold(f64::NEG_INFINITY, f64::max);
    let likely: Vec<(f64, Candidate)> = tried
        .into_iter()
        .map(|candidate| ((candidate.log_weight - best).exp(), candidate))
        .filter(|(weight, _)| *weight > NEGLIGIBLE)
        .collect();
    let total: f64 = likely.iter().map(|(weight, _)| weight).sum();
    let likely: Vec<(f64, Candidate)> = likely.into_iter().map(|(w, c)| (w / total, c)).collect();
    let centre: f64 = likely.iter().map(|(weight, c)| weight * c.mean).sum();
    Some(Drift {
        mean: middle + scale * centre,
        half_width: scale * half_width(&likely, centre, size(steps.len() - 1)),
        coefficient: likely.iter().map(|(weight, c)| weight * c.coefficient).sum(),
    })
}

/// Coefficients to try, each with the logarithm of its prior: evenly spaced where the level only
/// walks, and with evenly spaced logarithms of e²/s² where reading errors are part of it.
fn candidates(averaged: f64) -> impl Iterator<Item = (f64, f64)> {
    let (variance, covariance) = (1.0 - averaged / 3.0, averaged / 6.0);
    let plain = coefficient(covariance / variance);
    let walking = (0..=WALKING).map(move |step| {
        let share = f64::from(step) / f64::from(WALKING);
        let theta = plain + (MOST_POSITIVE - plain) * share;
        (theta, (WALKS / f64::from(WALKING + 1)).ln())
    });
    let reading = (0..=READING).map(move |step| {
        let share = f64::from(step) / f64::from(READING);
        let ratio = LEAST_ERROR * (MOST_ERROR / LEAST_ERROR).powf(share);
        let theta = coefficient((covariance - ratio) / (variance + 2.0 * ratio));
        (theta, ((1.0 - WALKS) / f64::from(READING + 1)).ln())
    });
    walking.chain(reading)
}

/// The coefficient theta of a moving average whose neighbours have this correlation: the invertible
/// root of r theta² - theta + r = 0.
fn coefficient(correlation: f64) -> f64 {
    let root = (1.0 - 4.0 * correlation * correlation).max(0.0).sqrt();
    // Without cancelling near 0.
    2.0 * correlation / (1.0 + root)
}

impl Rotated {
    /// The sine transform, which makes every moving average of order 1 diagonal.
    fn new(steps: &[f64]) -> Self {
        let count = size(steps.len());
        let frequency = |row: u64| PI * float(row) / (count + 1.0);
        let norm = (2.0 / (count + 1.0)).sqrt();
        let rows = 1..=steps.len() as u64;
        let transform = |values: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let row = |row: u64| {
                let angle = frequency(row);
                let mut sum = 0.0;
                for (column, step) in (1_u64..).zip(steps) {
                    sum += norm * (angle * float(column)).sin() * values(*step);
                }
                sum
            };
            rows.clone().map(row).collect()
        };
        Self {
            steps: transform(&|step| step),
            ones: transform(&|_| 1.0),
            cosines: rows.clone().map(|row| frequency(row).cos()).collect(),
        }
    }

    /// Generalised least squares for one coefficient, with its restricted likelihood.
    fn fit(&self, theta: f64, log_prior: f64) -> Candidate {
        let variances = || self.cosines.iter().map(|cos| 1.0 + theta * (theta + 2.0 * cos));
        let weighted = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).zip(variances()).map(|((a, b), variance)| a * b / variance).sum()
        };
        let ones = weighted(&self.ones, &self.ones);
        let mean = weighted(&self.ones, &self.steps) / ones;
        let rest: Vec<f64> =
            self.steps.iter().zip(&self.ones).map(|(step, one)| step - mean * one).collect();
        let squares = weighted(&rest, &rest).max(f64::MIN_POSITIVE);
        let freedom = size(self.steps.len() - 1);
        let determinant: f64 = variances().map(f64::ln).sum();
        Candidate {
            coefficient: theta,
            log_weight: log_prior - 0.5 * (determinant + ones.ln() + freedom * squares.ln()),
            mean,
            error: (squares / freedom / ones).sqrt(),
        }
    }
}

/// Half of the width that holds [`CONFIDENCE`] of the mixture, by Newton's method from below, which
/// cannot overshoot where the density falls.
fn half_width(likely: &[(f64, Candidate)], centre: f64, freedom: f64) -> f64 {
    let student = Student::new(freedom);
    let least = likely.iter().map(|(_, c)| c.error).fold(f64::INFINITY, f64::min);
    let mut half = student.two_sided(CONFIDENCE) * least;
    for _ in 0..50 {
        let (mut inside, mut density) = (0.0, 0.0);
        for (weight, candidate) in likely {
            let up = (centre + half - candidate.mean) / candidate.error;
            let down = (centre - half - candidate.mean) / candidate.error;
            inside += weight * (student.probability(up) - student.probability(down));
            density += weight * (student.density(up) + student.density(down)) / candidate.error;
        }
        let step = (CONFIDENCE - inside) / density.max(f64::MIN_POSITIVE);
        half += step.min(4.0 * half);
        if step.abs() <= 1e-6 * half {
            break;
        }
    }
    half
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;
    use rand_distr::{Distribution as _, StandardNormal};

    use super::*;
    use crate::numbers::variance;

    /// Steps of a walk with a mean step of 10, read with an error.
    fn steps(walk: f64, error: f64, random: &mut SmallRng) -> Vec<f64> {
        let mut chance = || -> f64 { StandardNormal.sample(random) };
        let mut before = error * chance();
        let step = |_| {
            let now = error * chance();
            let step = 10.0 + walk * chance() + now - before;
            before = now;
            step
        };
        (0..18).map(step).collect()
    }

    fn held(walk: f64, error: f64) -> u32 {
        let mut random = SmallRng::seed_from_u64(1);
        let holds = |_: &u32| {
            let found = drift(&steps(walk, error, &mut random), 0.0).unwrap();
            (found.mean - 10.0).abs() <= found.half_width
        };
        u32::try_from((0..400).filter(holds).count()).unwrap()
    }

    #[test]
    fn the_mean_of_a_walk_is_known_as_well_as_it_says() {
        assert!((368..=392).contains(&held(1.0, 0.0)), "{}", held(1.0, 0.0));
    }

    #[test]
    fn the_mean_of_what_is_read_badly_is_not_said_to_be_known_better_than_it_is() {
        for (walk, error) in [(0.1, 1.0), (0.3, 1.0), (0.0, 1.0)] {
            assert!(held(walk, error) >= 368, "{walk} {error}: {}", held(walk, error));
        }
    }

    #[test]
    fn reading_errors_do_not_add_up() {
        let mut random = SmallRng::seed_from_u64(2);
        let (mut here, mut plain) = (0.0, 0.0);
        for _ in 0..100 {
            let read = steps(0.0, 1.0, &mut random);
            here += drift(&read, 0.0).unwrap().half_width;
            plain += Student::new(17.0).two_sided(CONFIDENCE) * (variance(&read) / 18.0).sqrt();
        }
        assert!(here < plain * 2.0 / 3.0, "{here} {plain}");
    }

    #[test]
    fn equal_steps_are_known_exactly_and_two_are_too_few() {
        let found = drift(&[0.1 + 0.2; 12], 0.5).unwrap();
        assert!(found.half_width.abs() < f64::EPSILON && (found.mean - 0.3).abs() < 1e-12);
        assert_eq!(drift(&[1.0, 2.0], 0.0), None);
    }

    #[test]
    fn coefficients_have_the_correlation_they_are_made_from() {
        for correlation in [-0.4999, -0.3, 0.0, 0.25, 0.44] {
            let theta = coefficient(correlation);
            assert!((theta / (1.0 + theta * theta) - correlation).abs() < 1e-12);
        }
    }
}
