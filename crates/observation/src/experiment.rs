//! A change to the running app for a while: what webui takes and stores, the worker carries out, and
//! reports tell. Words and limits only; who may ask for one is webui's business.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The Redis key with the [`Experiment`] as JSON; it expires after the experiment's `seconds`.
pub const EXPERIMENT_KEY: &str = "experiment";

/// The longest delay of an experiment, in microseconds.
pub const MOST_DELAY_US: u64 = 10_000_000;

/// The longest experiment.
pub const MOST_SECONDS: u64 = 600;

/// The worker's policies by the names of its flag.
pub const POLICIES: [&str; 4] = ["round-robin", "random", "least-outstanding", "vip"];

/// What the app does differently for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Added to the worker's think time.
    #[serde(default)]
    pub think_us: u64,
    /// Added to rng's service time, for each request of a worker.
    #[serde(default)]
    pub rng_us: u64,
    /// Added to hasher's service time, likewise.
    #[serde(default)]
    pub hasher_us: u64,
    /// The policy in place of the worker's own, one of [`POLICIES`].
    #[serde(default)]
    pub policy: Option<String>,
    /// How long it lasts: as asked for, but in answers of webui to `GET` how much is left.
    pub seconds: u64,
}

/// What an [`Experiment`] must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadExperiment {
    /// A delay is too long.
    #[error("{0} is {1}: a delay is at most {MOST_DELAY_US} microseconds")]
    Delay(&'static str, u64),
    /// It would not end, or not soon.
    #[error("seconds is {0}: an experiment lasts 1 to {MOST_SECONDS} seconds")]
    Seconds(u64),
    /// Its key in Redis does not expire, or not within the longest experiment's time.
    #[error("it {0}: an experiment ends by itself within {MOST_SECONDS} seconds")]
    Endless(String),
    /// No worker knows the policy.
    #[error("policy is {0:?}: it is one of {names}", names = POLICIES.join(", "))]
    Policy(String),
}

impl Experiment {
    /// Whether it asks for the same as another, for however long.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let timeless = |of: &Self| Self { seconds: 0, ..of.clone() };
        timeless(self) == timeless(other)
    }

    /// How much of an experiment is left, by the answer of `PTTL` to its key: milliseconds, -1 for a
    /// key that never expires, -2 for none; `None` when it is over.
    ///
    /// # Errors
    /// When it would last for longer than any experiment may.
    pub fn time_left(milliseconds: i64) -> Result<Option<Duration>, BadExperiment> {
        let most = Duration::from_secs(MOST_SECONDS);
        let left = match u64::try_from(milliseconds) {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(_) if milliseconds == -1 => {
                return Err(BadExperiment::Endless("never expires".to_owned()));
            }
            Err(_) => return Ok(None),
        };
        match left > most {
            true => Err(BadExperiment::Endless(format!("expires in {} seconds", left.as_secs()))),
            false => Ok(Some(left)),
        }
    }

    /// Whether it may be carried out.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self) -> Result<(), BadExperiment> {
        let delays =
            [("think_us", self.think_us), ("rng_us", self.rng_us), ("hasher_us", self.hasher_us)];
        for (name, delay) in delays {
            if delay > MOST_DELAY_US {
                return Err(BadExperiment::Delay(name, delay));
            }
        }
        if !(1..=MOST_SECONDS).contains(&self.seconds) {
            return Err(BadExperiment::Seconds(self.seconds));
        }
        match &self.policy {
            Some(policy) if !POLICIES.contains(&policy.as_str()) => {
                Err(BadExperiment::Policy(policy.clone()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_not_changed() {
        let read: Experiment = serde_json::from_str(r#"{"rng_us":10000,"seconds":60}"#).unwrap();
        assert_eq!(read, Experiment { rng_us: 10_000, seconds: 60, ..Experiment::default() });
        assert!(serde_json::from_str::<Experiment>(r#"{"rng_us":10000}"#).is_err());
    }

    #[test]
    fn an_experiment_without_an_end_has_no_time_left() {
        let left = |milliseconds| Experiment::time_left(milliseconds);
        assert_eq!(left(600_000), Ok(Some(Duration::from_mins(10))));
        assert_eq!(left(0), Ok(Some(Duration::ZERO)));
        assert_eq!(left(-2), Ok(None));
        assert!(left(-1).unwrap_err().to_string().contains("never expires"));
        assert!(left(600_001).unwrap_err().to_string().contains("within 600 seconds"));
        assert!(left(i64::MAX).is_err());
    }

    #[test]
    fn the_limits_themselves_are_allowed_and_one_more_is_not() {
        let most = MOST_DELAY_US;
        let policy = Some("random".to_owned());
        let longest =
            Experiment { think_us: most, rng_us: most, hasher_us: most, policy, seconds: 600 };
        assert_eq!(longest.check(), Ok(()));
        assert_eq!(Experiment { seconds: 1, ..Experiment::default() }.check(), Ok(()));
        let refused = |experiment: Experiment| experiment.check().unwrap_err().to_string();
        let long = longest.clone();
        for (experiment, named) in [
            (Experiment { think_us: most + 1, ..long.clone() }, "think_us is 10000001"),
            (Experiment { rng_us: u64::MAX, ..long.clone() }, "rng_us is"),
            (Experiment { hasher_us: most + 1, ..long.clone() }, "hasher_us is"),
            (Experiment { seconds: 0, ..long.clone() }, "1 to 600 seconds"),
            (Experiment { seconds: 601, ..long.clone() }, "seconds is 601"),
            (Experiment { policy: Some("Random".to_owned()), ..long }, "least-outstanding"),
        ] {
            let error = refused(experiment);
            assert!(error.contains(named), "{error}");
        }
    }
}
