//! The app as queueing theory sees it: workers that loop over a delay and a row of stations. What can
//! be built here has a throughput; nothing is solved here.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::impossible::Impossible;
use crate::numbers::{SECOND, float, whole};

/// The shortest loop, in seconds. What is shorter is no app, and would be simulated for ever.
pub const SHORTEST_LOOP: f64 = 1e-6;

/// A length of time in seconds: finite, not below zero, and at most a year.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(f64);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0.0);
    /// The longest, in seconds.
    pub const MOST: f64 = 31_557_600.0;

    /// A length of time of so many seconds.
    ///
    /// # Errors
    /// When the number is below zero, above [`Self::MOST`], or none.
    pub fn new(seconds: f64) -> Result<Self, Impossible> {
        match (0.0..=Self::MOST).contains(&seconds) {
            // Makes minus zero a plain one.
            true => Ok(Self(seconds + 0.0)),
            false => Err(Impossible::Time(seconds)),
        }
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// To the nearest nanosecond.
    #[must_use]
    pub fn nanoseconds(self) -> u64 {
        whole((self.0 * SECOND).round())
    }

    /// Of so many nanoseconds; a year if they are more than that.
    #[must_use]
    pub fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self((float(nanoseconds) / SECOND).min(Self::MOST))
    }
}

impl TryFrom<f64> for Seconds {
    type Error = Impossible;

    fn try_from(seconds: f64) -> Result<Self, Impossible> {
        Self::new(seconds)
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

/// One shared queue in front of some places, each of which works on one request at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// What it is called.
    pub name: String,
    /// Mean time a place works for one loop, S.
    pub service: Seconds,
    /// Places, m.
    pub places: NonZeroU32,
}

impl Station {
    /// A station.
    #[must_use]
    pub fn new(name: impl Into<String>, service: Seconds, places: NonZeroU32) -> Self {
        Self { name: name.into(), service, places }
    }

    /// Loops per second when all places work all the time, m/S; infinite when they take no time.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        f64::from(self.places.get()) / self.service.get()
    }
}

/// A closed network: each worker thinks for a while, then visits each station once, again and again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Network {
    think: Seconds,
    stations: Vec<Station>,
}

impl Network {
    /// A network of a think time Z, all pure delays of a loop together, and of stations.
    ///
    /// # Errors
    /// When a loop takes less than [`SHORTEST_LOOP`].
    pub fn new(think: Seconds, stations: Vec<Station>) -> Result<Self, Impossible> {
        let network = Self { think, stations };
        if network.unhindered() >= SHORTEST_LOOP { Ok(network) } else { Err(Impossible::EmptyLoop) }
    }

    /// Pure delay of a loop, Z.
    #[must_use]
    pub fn think(&self) -> Seconds {
        self.think
    }

    /// The stations in the order of their visits.
    #[must_use]
    pub fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// Seconds of a loop that never waits, Z + sum S; at least [`SHORTEST_LOOP`].
    #[must_use]
    pub fn unhindered(&self) -> f64 {
        self.think.get() + self.stations.iter().map(|station| station.service.get()).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_finite_and_not_negative() {
        for wrong in [-1e-9, f64::NAN, f64::INFINITY, Seconds::MOST * 1.01] {
            assert!(Seconds::new(wrong).is_err(), "{wrong}");
        }
        assert!(Seconds::new(-0.0).unwrap().get().is_sign_positive());
        assert_eq!(Seconds::new(0.1).unwrap().nanoseconds(), 100_000_000);
        assert!(Seconds::from_nanoseconds(u64::MAX).get().total_cmp(&Seconds::MOST).is_eq());
    }

    #[test]
    fn a_loop_takes_time() {
        let idle = Station::new("rng", Seconds::ZERO, NonZeroU32::MIN);
        assert_eq!(Network::new(Seconds::ZERO, vec![idle.clone()]), Err(Impossible::EmptyLoop));
        assert_eq!(Network::new(Seconds::ZERO, Vec::new()), Err(Impossible::EmptyLoop));
        assert!(Network::new(Seconds::new(0.1).unwrap(), vec![idle]).is_ok());
    }
}
