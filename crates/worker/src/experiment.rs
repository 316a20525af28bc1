//! The experiment this worker carries out, on top of its own settings. What Redis holds comes from
//! `ledger`, with each flush; the loop and the dependencies ask here what to do differently. An
//! experiment that is gone, cannot be read or is out of range is none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum as _;
use observation::{BadExperiment, Experiment, MOST_DELAY_US};
use tokio::sync::watch;

use crate::policy::Policy;

// Servers would ignore a delay that webui took.
const _: () = assert!(MOST_DELAY_US <= service::injection::MOST_US);

/// The worker's own policy, and what replaces or adds to its settings for now.
#[derive(Debug)]
pub(crate) struct Experiments {
    allowed: bool,
    own: Policy,
    running: watch::Sender<Option<Running>>,
    /// Whether what Redis holds was complained about already.
    complained: AtomicBool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    experiment: Experiment,
    policy: Option<Policy>,
}

/// What Redis holds under the experiment's key.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) text: Vec<u8>,
    /// As `PTTL` answers: -1 for a key that never expires, -2 for none.
    pub(crate) milliseconds_left: i64,
}

/// Why what Redis holds is not carried out.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Range(#[from] BadExperiment),
    #[error("policy: {0}")]
    Policy(String),
}

impl Experiments {
    /// None so far, and none ever unless `allowed`.
    pub(crate) fn new(allowed: bool, own: Policy) -> Self {
        Self { allowed, own, running: watch::Sender::new(None), complained: AtomicBool::new(false) }
    }

    /// Whether Redis is to be asked for one.
    pub(crate) fn allowed(&self) -> bool {
        self.allowed
    }

    /// Carries out from now on what Redis holds, unless it is gone meanwhile or would not end.
    pub(crate) fn take(&self, stored: Option<&Stored>) {
        let read = stored.filter(|_| self.allowed).map(Running::read).transpose();
        let read = read.map(Option::flatten);
        let unfit = read.as_ref().err().map(ToString::to_string);
        let was_unfit = self.complained.swap(unfit.is_some(), Ordering::Relaxed);
        if let (Some(reason), false) = (unfit, was_unfit) {
            tracing::warn!(reason, "left out an experiment");
        }
        self.replace(read.unwrap_or_default());
    }

    /// Goes back to the worker's own settings.
    pub(crate) fn end(&self) {
        self.replace(None);
    }

    /// What is added to the think time.
    pub(crate) fn think_time(&self) -> Duration {
        self.delay(|experiment| experiment.think_us).unwrap_or_default()
    }

    /// One of its delays; `None` when it is zero or there is no experiment.
    pub(crate) fn delay(&self, which: impl FnOnce(&Experiment) -> u64) -> Option<Duration> {
        let delay = self.running.borrow().as_ref().map(|running| which(&running.experiment));
        delay.filter(|delay| *delay > 0).map(Duration::from_micros)
    }

    /// The policy in use.
    pub(crate) fn policy(&self) -> Policy {
        self.running.borrow().as_ref().and_then(|running| running.policy).unwrap_or(self.own)
    }

    /// What is carried out, for the report.
    pub(crate) fn told(&self) -> Option<Experiment> {
        self.running.borrow().as_ref().map(|running| running.experiment.clone())
    }

    /// Returns when the policy is no longer `policy`.
    pub(crate) async fn policy_is_not(&self, policy: Policy) {
        let mut changes = self.running.subscribe();
        while self.policy() == policy {
            // Fails only without a sender, and `self` is that.
            let _ = changes.changed().await;
        }
    }

    fn replace(&self, next: Option<Running>) {
        self.running.send_if_modified(|running| {
            if *running == next {
                return false;
            }
            match &next {
                Some(Running { experiment, .. }) => tracing::info!(?experiment, "experiment"),
                None => tracing::info!("no experiment any more"),
            }
            *running = next;
            true
        });
    }
}

impl Running {
    /// `None` when it is over.
    fn read(stored: &Stored) -> Result<Option<Self>, Unfit> {
        if Experiment::time_left(stored.milliseconds_left)?.is_none() {
            return Ok(None);
        }
        let experiment: Experiment = serde_json::from_slice(&stored.text)?;
        experiment.check()?;
        let parse = |name: &String| Policy::from_str(name, false);
        let policy = experiment.policy.as_ref().map(parse).transpose().map_err(Unfit::Policy)?;
        Ok(Some(Self { experiment, policy }))
    }
}

#[cfg(test)]
mod tests {
    use observation::POLICIES;

    use super::*;

    const STORED: &[u8] =
        br#"{"think_us":5000,"rng_us":10000,"hasher_us":0,"policy":"random","seconds":60}"#;

    fn stored(text: &[u8]) -> Stored {
        Stored { text: text.to_vec(), milliseconds_left: 60_000 }
    }

    fn own_settings(experiments: &Experiments) -> bool {
        experiments.think_time().is_zero()
            && experiments.delay(|experiment| experiment.rng_us).is_none()
            && experiments.policy() == Policy::RoundRobin
            && experiments.told().is_none()
    }

    #[test]
    fn every_policy_of_the_worker_can_be_asked_for_and_no_other() {
        let own: Vec<_> = Policy::value_variants().iter().map(|policy| policy.name()).collect();
        assert_eq!(own, POLICIES);
        for name in POLICIES {
            assert_eq!(Policy::from_str(name, false).map(Policy::name), Ok(name));
        }
    }

    #[test]
    fn what_redis_holds_is_carried_out_until_it_is_gone() {
        let experiments = Experiments::new(true, Policy::RoundRobin);
        assert!(own_settings(&experiments));
        experiments.take(Some(&stored(STORED)));
        assert_eq!(experiments.think_time(), Duration::from_millis(5));
        assert_eq!(experiments.delay(|e| e.rng_us), Some(Duration::from_millis(10)));
        assert_eq!(experiments.delay(|e| e.hasher_us), None);
        assert_eq!(experiments.policy(), Policy::Random);
        assert_eq!(experiments.told().unwrap().seconds, 60);
        experiments.take(None);
        assert!(own_settings(&experiments));
        experiments.take(Some(&stored(STORED)));
        experiments.end();
        assert!(own_settings(&experiments));
    }

    #[test]
    fn one_that_cannot_be_carried_out_ends_the_one_before() {
        for wrong in [
            &b""[..],
            b"{}",
            b"null",
            b"\xff",
            br#"{"seconds":601}"#,
            br#"{"rng_us":10000001,"seconds":1}"#,
            br#"{"policy":"fair","seconds":1}"#,
        ] {
            let experiments = Experiments::new(true, Policy::RoundRobin);
            experiments.take(Some(&stored(STORED)));
            experiments.take(Some(&stored(wrong)));
            assert!(own_settings(&experiments), "{}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn one_that_would_not_end_is_not_carried_out() {
        for milliseconds_left in [-1, 600_001, i64::MAX] {
            let experiments = Experiments::new(true, Policy::RoundRobin);
            experiments.take(Some(&stored(STORED)));
            experiments.take(Some(&Stored { milliseconds_left, ..stored(STORED) }));
            assert!(own_settings(&experiments), "{milliseconds_left}");
        }
    }

    #[test]
    fn nothing_is_carried_out_unless_allowed() {
        let experiments = Experiments::new(false, Policy::RoundRobin);
        experiments.take(Some(&stored(STORED)));
        assert!(own_settings(&experiments));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_another_policy_hears_of_it() {
        let experiments = Experiments::new(true, Policy::RoundRobin);
        experiments.policy_is_not(Policy::Vip).await;
        let waited = tokio::time::timeout(
            Duration::from_secs(1),
            experiments.policy_is_not(Policy::RoundRobin),
        );
        assert!(waited.await.is_err());
        tokio::join!(experiments.policy_is_not(Policy::RoundRobin), async {
            experiments.take(Some(&stored(br#"{"rng_us":1,"seconds":1}"#))); // leaves the policy
            tokio::task::yield_now().await;
            experiments.take(Some(&stored(STORED)));
        });
    }
}
