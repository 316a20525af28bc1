//! The Universal Scalability Law (Gunther 1993), X(N) = a N / (1 + s (N-1) + k N (N-1)), fitted to measured
//! throughputs. It describes and does not predict: this app saturates at a corner that the law does not
//! have, so its lack of fit belongs to it wherever it is shown.

use serde::{Deserialize, Serialize};

/// Steps of the search after which it has converged or never will.
const STEPS: u32 = 500;

/// A measured throughput X with N workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UslPoint {
    /// N, at least 1.
    pub workers: f64,
    /// X in loops per second, above 0.
    pub throughput: f64,
}

/// A fit by least squares of X, with all parameters at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usl {
    /// Throughput of one worker, a.
    pub single: f64,
    /// Share that is serial, s.
    pub contention: f64,
    /// Cost of each pair of workers, k.
    pub coherency: f64,
    /// Root of the mean squared deviation of the points, as a share of each measured value.
    pub lack_of_fit: f64,
    /// The largest deviation of a point, as a share of its measured value.
    pub worst: f64,
}

impl Usl {
    /// The fit; `None` with less than 4 different N, which any three parameters fit, or points that are
    /// none.
    #[must_use]
    pub fn fit(points: &[UslPoint]) -> Option<Self> {
        let sound = |p: &UslPoint| {
            (1.0..f64::INFINITY).contains(&p.workers)
                && p.throughput > 0.0
                && p.throughput.is_finite()
        };
        let mut different: Vec<_> = points.iter().map(|point| point.workers).collect();
        different.sort_by(f64::total_cmp);
        different.dedup();
        if different.len() < 4 || !points.iter().all(sound) {
            return None;
        }
        let [single, contention, coherency] = minimum(points);
        let mut fit = Self { single, contention, coherency, lack_of_fit: 0.0, worst: 0.0 };
        let off = points.iter().map(|p| (fit.at(p.workers) / p.throughput - 1.0).abs());
        let off: Vec<_> = off.collect();
        fit.worst = off.iter().copied().fold(0.0, f64::max);
        let squares: f64 = off.iter().map(|off| off * off).sum();
        fit.lack_of_fit = (squares / crate::numbers::length(off.len())).sqrt();
        Some(fit)
    }

    /// What the law says for so many workers.
    #[must_use]
    pub fn at(&self, workers: f64) -> f64 {
        law([self.single, self.contention, self.coherency], workers)
    }
}

fn law([single, contention, coherency]: [f64; 3], workers: f64) -> f64 {
    single * workers / denominator([single, contention, coherency], workers)
}

fn denominator([_, contention, coherency]: [f64; 3], workers: f64) -> f64 {
    1.0 + (workers - 1.0) * (contention + coherency * workers)
}

fn squares(points: &[UslPoint], parameters: [f64; 3]) -> f64 {
    points.iter().map(|p| (p.throughput - law(parameters, p.workers)).powi(2)).sum()
}

/// The parameters with the least sum of squares (Levenberg 1944, Marquardt 1963), kept at 0 or above.
/// One that would leave 0 downwards is held there.
fn minimum(points: &[UslPoint]) -> [f64; 3] {
    let rates = points.iter().map(|p| p.throughput / p.workers);
    let mut best = [rates.fold(0.0, f64::max), 0.0, 0.0];
    let mut damping = 1e-3;
    for _ in 0..STEPS {
        let step = direction(points, best, damping);
        let next: [f64; 3] = std::array::from_fn(|i| (best[i] + step[i]).max(0.0));
        if squares(points, next) < squares(points, best) {
            best = next;
            damping = (damping / 3.0_f64).max(1e-12);
        } else {
            damping *= 4.0;
        }
    }
    best
}

/// The damped step of least squares from where the search is.
fn direction(points: &[UslPoint], at: [f64; 3], damping: f64) -> [f64; 3] {
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for point in points {
        let below = denominator(at, point.workers);
        let value = law(at, point.workers);
        let pairs = point.workers - 1.0;
        let slopes =
            [point.workers / below, -value * pairs / below, -value * pairs * point.workers / below];
        for (i, slope) in slopes.iter().enumerate() {
            right[i] += slope * (point.throughput - value);
            for (j, other) in slopes.iter().enumerate() {
                matrix[i][j] += slope * other;
            }
        }
    }
    for i in 0..3 {
        matrix[i][i] *= 1.0 + damping;
        if at[i] <= 0.0 && right[i] < 0.0 {
            // Held at 0.
            matrix[i] = [0.0; 3];
            matrix[i][i] = 1.0;
            right[i] = 0.0;
        }
    }
    solve(matrix, right)
}

/// Cramer's rule; no step where the equations have no solution.
fn solve(matrix: [[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let all = determinant(matrix);
    if all == 0.0 || !all.is_finite() {
        return [0.0; 3];
    }
    std::array::from_fn(|column| {
        let mut replaced = matrix;
        for (row, value) in replaced.iter_mut().zip(right) {
            row[column] = value;
        }
        determinant(replaced) / all
    })
}

fn determinant([a, b, c]: [[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: impl IntoIterator<Item = (f64, f64)>) -> Vec<UslPoint> {
        of.into_iter().map(|(workers, throughput)| UslPoint { workers, throughput }).collect()
    }

    #[test]
    fn what_follows_the_law_is_found() {
        for known in [[3.0, 0.05, 0.001], [3.0, 0.1, 0.0], [3.0, 0.0, 0.002], [3.0, 0.0, 0.0]] {
            let exact = (1..20).map(|n| (f64::from(n), law(known, f64::from(n))));
            let fit = Usl::fit(&points(exact)).unwrap();
            let found = [fit.single, fit.contention, fit.coherency];
            for (found, known) in found.iter().zip(known) {
                assert!((found - known).abs() < 1e-6, "{fit:?}, not {known:?}");
            }
            assert!(fit.lack_of_fit < 1e-6 && fit.worst < 1e-6, "{fit:?}");
        }
    }

    #[test]
    fn it_does_not_predict_this_app() {
        let bound = |replicas: f64| {
            (1..=10).map(f64::from).map(move |n| (n, (n / 0.3).min(10.0 * replicas)))
        };
        // Five replicas: all linear so far, 233 % too much at 50 workers.
        let linear = Usl::fit(&points(bound(5.0))).unwrap();
        assert!((linear.at(50.0) / 50.0 - 3.333).abs() < 0.01, "{linear:?}");
        // One: a maximum that is none, about 70 % too little at 50 workers, and a bad fit to see it by.
        let corner = Usl::fit(&points(bound(1.0))).unwrap();
        assert!((0.25..0.35).contains(&(corner.at(50.0) / 10.0)), "{corner:?}");
        assert!(corner.lack_of_fit > 0.02, "{corner:?}");
    }

    #[test]
    fn too_little_to_fit() {
        assert_eq!(Usl::fit(&points([(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (3.0, 3.1)])), None);
        let broken = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, f64::NAN)];
        assert_eq!(Usl::fit(&points(broken)), None);
    }
}
