//! What one or several workers counted: loops, coins, stages, replicas, errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Latency, ServerTiming};

/// A part of a worker's loop whose time is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The wait before each loop's requests.
    Think,
    /// From asking rng to its last byte, the attempt that succeeded.
    Rng,
    /// The part of it that rng says the request queued.
    RngQueue,
    /// The part of it that rng says it worked.
    RngService,
    /// From asking hasher to its last byte, the attempt that succeeded.
    Hasher,
    /// The part of it that hasher says the request queued.
    HasherQueue,
    /// The part of it that hasher says it worked.
    HasherService,
    /// Writing a coin, and writing the count about once a second.
    Redis,
    /// Failed attempts and the pauses after them.
    Retry,
    /// The whole loop.
    Loop,
}

/// Named counters.
pub type Counts = BTreeMap<String, u64>;

/// What the answers of one replica took, as sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaTimes {
    /// Answers.
    pub answers: u64,
    /// From asking to the last byte, as the worker sees it.
    pub residence_us: u64,
    /// Answers that told how long they queued and were worked on.
    pub told: u64,
    /// How long those say they queued.
    pub queue_us: u64,
    /// How long those say they were worked on.
    pub service_us: u64,
}

/// Times by the name of the replica that answered.
pub type TimesByReplica = BTreeMap<String, ReplicaTimes>;

/// Cumulative counts of one worker, or their sum over several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Loops completed: what ends up in `hashes`.
    pub loops: u64,
    /// Loops whose hash was a coin.
    pub coins: u64,
    /// Times by stage.
    pub stages: BTreeMap<Stage, Latency>,
    /// Requests answered, by rng replica.
    pub rng_replicas: Counts,
    /// Requests answered, by hasher replica.
    pub hasher_replicas: Counts,
    /// What the answers took, by rng replica.
    #[serde(default)]
    pub rng_times: TimesByReplica,
    /// What the answers took, by hasher replica.
    #[serde(default)]
    pub hasher_times: TimesByReplica,
    /// Failures as `<dependency>: <kind>`.
    pub errors: Counts,
}

/// Two totals that are not an earlier and a later one of the same worker.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} went down between two reports of one worker")]
pub struct SinceError(pub String);

impl Totals {
    /// Adds another worker's totals.
    pub fn add(&mut self, other: &Self) {
        self.loops = self.loops.saturating_add(other.loops);
        self.coins = self.coins.saturating_add(other.coins);
        for (stage, latency) in &other.stages {
            self.stages.entry(*stage).or_default().add(latency);
        }
        add_counts(&mut self.rng_replicas, &other.rng_replicas);
        add_counts(&mut self.hasher_replicas, &other.hasher_replicas);
        add_times(&mut self.rng_times, &other.rng_times);
        add_times(&mut self.hasher_times, &other.hasher_times);
        add_counts(&mut self.errors, &other.errors);
    }

    /// What the same worker counted since `earlier`.
    ///
    /// # Errors
    /// Names what went down, which no count of one worker ever does.
    pub fn since(&self, earlier: &Self) -> Result<Self, SinceError> {
        let less = |now: u64, then: u64, name: &str| {
            now.checked_sub(then).ok_or_else(|| SinceError(name.to_owned()))
        };
        let stages = self.stages.iter().map(|(stage, latency)| {
            let since = match earlier.stages.get(stage) {
                Some(then) => {
                    latency.since(then).ok_or_else(|| SinceError(format!("{stage:?}")))?
                }
                None => latency.clone(),
            };
            Ok((*stage, since))
        });
        Ok(Self {
            loops: less(self.loops, earlier.loops, "loops")?,
            coins: less(self.coins, earlier.coins, "coins")?,
            stages: stages.collect::<Result<_, _>>()?,
            rng_replicas: counts_since(&self.rng_replicas, &earlier.rng_replicas)?,
            hasher_replicas: counts_since(&self.hasher_replicas, &earlier.hasher_replicas)?,
            rng_times: times_since(&self.rng_times, &earlier.rng_times)?,
            hasher_times: times_since(&self.hasher_times, &earlier.hasher_times)?,
            errors: counts_since(&self.errors, &earlier.errors)?,
        })
    }

    /// The same totals with sums in place of histograms.
    #[must_use]
    pub fn without_histograms(&self) -> Self {
        let stages = self.stages.iter().map(|(stage, time)| (*stage, time.without_histogram()));
        Self { stages: stages.collect(), ..self.clone() }
    }
}

fn add_counts(sum: &mut Counts, other: &Counts) {
    for (name, count) in other {
        let sum = sum.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*count);
    }
}

impl ReplicaTimes {
    /// One more answer: how long it took, and what the server said of that.
    pub fn record(&mut self, residence_us: u64, server: ServerTiming) {
        self.answers += 1;
        self.residence_us += residence_us;
        if let ServerTiming { queue_us: Some(queue_us), service_us: Some(service_us) } = server {
            self.told += 1;
            self.queue_us += queue_us;
            self.service_us += service_us;
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            answers: self.answers.saturating_add(other.answers),
            residence_us: self.residence_us.saturating_add(other.residence_us),
            told: self.told.saturating_add(other.told),
            queue_us: self.queue_us.saturating_add(other.queue_us),
            service_us: self.service_us.saturating_add(other.service_us),
        }
    }

    fn since(self, earlier: Self) -> Option<Self> {
        Some(Self {
            answers: self.answers.checked_sub(earlier.answers)?,
            residence_us: self.residence_us.checked_sub(earlier.residence_us)?,
            told: self.told.checked_sub(earlier.told)?,
            queue_us: self.queue_us.checked_sub(earlier.queue_us)?,
            service_us: self.service_us.checked_sub(earlier.service_us)?,
        })
    }
}

fn add_times(sum: &mut TimesByReplica, other: &TimesByReplica) {
    for (name, times) in other {
        let sum = sum.entry(name.clone()).or_default();
        *sum = sum.plus(*times);
    }
}

fn times_since(now: &TimesByReplica, then: &TimesByReplica) -> Result<TimesByReplica, SinceError> {
    let since = now.iter().map(|(name, times)| {
        let before = then.get(name).copied().unwrap_or_default();
        let since = times.since(before).ok_or_else(|| SinceError(name.clone()))?;
        Ok((name.clone(), since))
    });
    since.filter(|entry| !matches!(entry, Ok((_, ReplicaTimes { answers: 0, .. })))).collect()
}

fn counts_since(now: &Counts, then: &Counts) -> Result<Counts, SinceError> {
    let since = now.iter().map(|(name, count)| {
        let before = then.get(name).copied().unwrap_or(0);
        let since = count.checked_sub(before).ok_or_else(|| SinceError(name.clone()))?;
        Ok((name.clone(), since))
    });
    // A name without news is left out: a replica that is gone got no share of the time since.
    since.filter(|entry| !matches!(entry, Ok((_, 0)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(loops: u64, replica: &str) -> Totals {
        let mut totals = Totals { loops, ..Totals::default() };
        totals.rng_replicas.insert(replica.to_owned(), loops);
        let server = ServerTiming { queue_us: Some(20_000), service_us: Some(100_000) };
        for _ in 0..loops {
            totals.rng_times.entry(replica.to_owned()).or_default().record(121_000, server);
            totals.stages.entry(Stage::Loop).or_default().record(300_000);
        }
        totals
    }

    #[test]
    fn a_later_total_minus_an_earlier_one_is_what_came_between() {
        let earlier = totals(3, "rng.1");
        let mut later = earlier.clone();
        later.add(&totals(4, "rng.2"));
        let since = later.since(&earlier).unwrap();
        assert_eq!(since, totals(4, "rng.2"));
        assert_eq!(earlier.since(&later), Err(SinceError("loops".into())));
    }

    #[test]
    fn stage_names_in_json_are_stable() {
        let text = serde_json::to_string(&totals(1, "rng.1").without_histograms()).unwrap();
        assert!(
            text.contains(r#""stages":{"loop":{"count":1,"sum_us":300000,"clamped":0}}"#),
            "{text}"
        );
    }
}
