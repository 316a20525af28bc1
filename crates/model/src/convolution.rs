//! Normalisation constants of closed product-form networks by convolution (Buzen 1973,
//! "Computational algorithms for closed queueing networks with exponential servers"), all in logarithms,
//! so that nothing overflows, cancels or is clamped.
//!
//! A station's factors are f(j) = D^j / prod over i <= j of min(i, m), a delay's those with m without
//! limit, and G is the convolution of all factors. Every sum here has positive terms only.

use crate::numbers::{add_logs, float, length};

/// Terms smaller than this share of the largest are left out: together below the rounding of the sum.
const NEGLIGIBLE: f64 = 1e-21;

/// A station or a delay with its demand D in any unit of time that is the same for all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Factors {
    /// Above zero.
    pub(crate) demand: f64,
    /// Places m; `None` for a pure delay.
    pub(crate) places: Option<u32>,
}

impl Factors {
    /// Places that are of use to so many customers.
    fn useful(self, population: usize) -> usize {
        let places = self.places.and_then(|places| usize::try_from(places).ok());
        places.unwrap_or(usize::MAX).min(population)
    }

    /// ln f(j) for j = 0..=population.
    pub(crate) fn logs(self, population: usize) -> Vec<f64> {
        let useful = length(self.useful(population).max(1));
        let mut sum = 0.0;
        let steps = (1..=population).map(|j| {
            sum += (self.demand / length(j).min(useful)).ln();
            sum
        });
        std::iter::once(0.0).chain(steps).collect()
    }
}

/// ln G(n) for n = 0..=population of the stations so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constants {
    logs: Vec<f64>,
    /// G(n-1)/G(n) at n, the throughput with n customers; unused at 0.
    throughputs: Vec<f64>,
}

impl Constants {
    /// Of a network of delays alone, with their demand added up; 0 when there is none.
    pub(crate) fn of_delay(demand: f64, population: usize) -> Self {
        let logs = match demand > 0.0 {
            true => Factors { demand, places: None }.logs(population),
            // Then nobody can be anywhere.
            false => std::iter::once(0.0).chain(vec![f64::NEG_INFINITY; population]).collect(),
        };
        Self::from_logs(logs)
    }

    fn from_logs(logs: Vec<f64>) -> Self {
        let ratios = logs.windows(2).map(|pair| match pair[1] == f64::NEG_INFINITY {
            true => f64::INFINITY,
            false => (pair[0] - pair[1]).exp(),
        });
        let throughputs = std::iter::once(0.0).chain(ratios).collect();
        Self { logs, throughputs }
    }

    /// ln G(n); minus infinity where no state has n customers.
    pub(crate) fn log(&self, n: usize) -> f64 {
        self.logs.get(n).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// X(n) = G(n-1)/G(n); 0 without customers.
    pub(crate) fn throughput(&self, n: usize) -> f64 {
        self.throughputs.get(n).copied().unwrap_or(0.0)
    }

    /// The same network with one more station.
    ///
    /// Beyond its places the station's factors fall by D/m each, so that their sum for n follows from
    /// that for n - 1: the cost is population * places at most, and mostly much less.
    pub(crate) fn with(&self, station: Factors) -> Self {
        let population = self.logs.len() - 1;
        let places = station.useful(population).max(1);
        let factors = station.logs(population);
        let fall = (station.demand / length(places)).ln();
        let mut head = Head::new(self, station.demand, places);
        let mut tail = f64::NEG_INFINITY;
        let logs = (0..=population).map(|n| {
            if n >= places {
                tail = add_logs(fall + tail, factors[places] + self.log(n - places));
            }
            let (peak, sum) = head.sum(n);
            add_logs(tail, factors[peak] + self.log(n - peak) + sum.ln())
        });
        Self::from_logs(logs.collect())
    }
}

/// Sums of f(j) G(n-j) over j below the places, for rising n.
///
/// Both factors and constants are log-concave, so the terms rise to one peak and fall from there, and the
/// peak only moves up. Neighbours differ by D X(n-j) / (j+1); these ratios are multiplied, never divided
/// by, for speed.
struct Head {
    throughputs: Vec<f64>,
    inverses: Vec<f64>,
    /// D / (j+1) and its inverse.
    up: Vec<f64>,
    down: Vec<f64>,
    peak: usize,
}

impl Head {
    fn new(constants: &Constants, demand: f64, places: usize) -> Self {
        let throughputs = constants.throughputs.clone();
        let up: Vec<_> = (1..places).map(|j| demand / length(j)).collect();
        Self {
            inverses: throughputs.iter().map(|throughput| throughput.recip()).collect(),
            throughputs,
            down: up.iter().map(|step| step.recip()).collect(),
            up,
            peak: 0,
        }
    }

    /// Where the largest term for n is, and the sum as a multiple of it.
    fn sum(&mut self, n: usize) -> (usize, f64) {
        let last = n.min(self.up.len());
        while self.peak < last && self.up[self.peak] * self.throughputs[n - self.peak] > 1.0 {
            self.peak += 1;
        }
        let peak = self.peak;
        // Sequences side by side: j rises while n - j falls.
        let above = self.up[peak..last].iter();
        let above = above.zip(self.throughputs[..=n - peak].iter().rev());
        let below = self.down[..peak].iter().rev();
        let below = below.zip(&self.inverses[n - peak + 1..]);
        (peak, 1.0 + falling(above) + falling(below))
    }
}

/// Sum of products of ever more factors, as far as it matters.
fn falling<'a>(factors: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    let (mut sum, mut term) = (0.0, 1.0);
    for (a, b) in factors {
        term *= a * b;
        sum += term;
        if term < NEGLIGIBLE {
            break;
        }
    }
    sum
}

/// Mean customers at a station, Q(n), when the constants of the network without it are known.
///
/// P(j) is f(j) G'(n-j) over the sum of those.
pub(crate) fn mean_customers(factors: &[f64], without: &Constants, n: usize) -> f64 {
    let logs = || (0..=n).map(|j| factors[j] + without.log(n - j));
    let most = logs().fold(f64::NEG_INFINITY, f64::max);
    let (mut weights, mut customers, mut at) = (0.0, 0.0, 0);
    for log in logs() {
        let weight = (log - most).exp();
        weights += weight;
        customers += weight * float(at);
        at += 1;
    }
    customers / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(a: &[f64], b: &[f64]) -> Vec<f64> {
        (0..a.len()).map(|n| (0..=n).map(|j| a[j] * b[n - j]).sum()).collect()
    }

    #[test]
    fn it_is_the_convolution() {
        let population = 30;
        let stations = [(0.7, Some(1)), (2.0, Some(3)), (1.3, Some(7)), (3.0, Some(40))];
        let mut constants = Constants::of_delay(1.1, population);
        let linear = |logs: Vec<f64>| logs.into_iter().map(f64::exp).collect::<Vec<_>>();
        let mut expected = linear(Factors { demand: 1.1, places: None }.logs(population));
        for (demand, places) in stations {
            let station = Factors { demand, places };
            constants = constants.with(station);
            expected = naive(&expected, &linear(station.logs(population)));
        }
        for (n, value) in expected.iter().enumerate() {
            let relative = constants.log(n).exp() / value - 1.0;
            assert!(relative.abs() < 1e-12, "G({n}) is off by {relative}");
        }
    }

    #[test]
    fn without_a_delay_all_are_at_the_station() {
        let alone = Constants::of_delay(0.0, 5).with(Factors { demand: 0.5, places: Some(2) });
        let throughputs: Vec<_> = (1..=5).map(|n| alone.throughput(n)).collect();
        for (found, expected) in throughputs.iter().zip([2.0, 4.0, 4.0, 4.0, 4.0]) {
            assert!((found - expected).abs() < 1e-12, "{throughputs:?}");
        }
    }
}
