//! What a simulated app is like: everything that can be set, and the scenario it makes. Nothing runs
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use model::{Distribution, Impossible, Policy, Replica, Scenario, Seconds, Stage};
use observation::Experiment;

use super::clocks::Shown;
use super::ledger::{Extra, Telling};
use super::settings::policy;
use crate::cluster::Replicas;
use crate::measure::{Station, Stations};

/// The share of loops that write to Redis: one in 16 for a coin, one in 3.3 for the count.
const REDIS_SHARE: (u64, u64) = (36, 64);
/// How long a worker pauses after a request that failed.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a worker tries a dead replica again: pauses have grown to ten seconds, less up to half of
/// them by chance.
const TRIED_AGAIN: Duration = Duration::from_millis(7500);
/// Shares of loops are told in so many parts.
const PARTS: u32 = 10_000;

/// A setting, and from when on it holds, counted from the start of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// From when on.
    pub from: Duration,
    /// What.
    pub setting: Setting,
}

/// One thing that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// How long a worker thinks.
    Think(Duration),
    /// How long a stage works on a request, all replicas of it or the one of this number, from 1.
    Service(Part, Option<u32>, Duration),
    /// How many requests a replica of a stage works on at a time.
    Places(Part, NonZeroU32),
    /// How many it says it does; `None` when it says that it has no limit.
    Declares(Part, Option<NonZeroU32>),
    /// The replica of this number, from 1, gives no answer any more.
    Dead(Part, u32),
    /// The replicas of a stage get so many per cent of the processor time that they need: they take
    /// that much longer than they tell.
    Quota(Part, u8),
    /// So many of 100 requests to a stage fail and are made again after a pause.
    Fails(Part, u8),
    /// How times scatter.
    Jitter(Jitter),
    /// How long a request and its answer are under way.
    Network(Duration),
    /// How requests are spread.
    Policy(Policy),
    /// So many workers do nothing any more and say nothing.
    HungWorkers(u32),
    /// Whether workers report and services tell times.
    Tells(bool),
    /// How long a new replica takes to start.
    Start(Duration),
    /// The clock of webui, or of the first worker, is set by this number of microseconds.
    Clock(Shown, i64),
    /// What chance begins with.
    Seed(u64),
}

impl Setting {
    /// The one replica that this is about: its service and number.
    #[must_use]
    pub fn replica(&self) -> Option<(Part, u32)> {
        match self {
            Self::Service(part, Some(number), _) | Self::Dead(part, number) => {
                Some((*part, *number))
            }
            _ => None,
        }
    }
}

/// A stage of the loop that works on requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// rng.
    Rng,
    /// hasher.
    Hasher,
    /// Redis, which some loops write to.
    Redis,
}

/// How times scatter around their means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Log-normal with this standard deviation; zero for none.
    Deviation(Duration),
    /// Exponential.
    Exponential,
}

/// Everything that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    think: Duration,
    service: BTreeMap<Part, Duration>,
    exceptions: BTreeMap<(Part, u32), Duration>,
    places: BTreeMap<Part, NonZeroU32>,
    declared: BTreeMap<Part, Option<NonZeroU32>>,
    dead: BTreeSet<(Part, u32)>,
    quota: BTreeMap<Part, u8>,
    fails: BTreeMap<Part, u8>,
    jitter: Jitter,
    network: Duration,
    policy: Policy,
    pub(super) hung_workers: u32,
    pub(super) tells: bool,
    pub(super) start: Duration,
    pub(super) seed: u64,
    pub(super) experiment: Option<Experiment>,
}

impl Default for Conditions {
    /// The nominal app on a good network.
    fn default() -> Self {
        let tenth = Duration::from_millis(100);
        let places = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            think: tenth,
            service: [(Part::Rng, tenth), (Part::Hasher, tenth)].into(),
            exceptions: BTreeMap::new(),
            places: [(Part::Rng, places(1)), (Part::Hasher, places(20))].into(),
            declared: [(Part::Rng, Some(places(1))), (Part::Hasher, Some(places(20)))].into(),
            dead: BTreeSet::new(),
            quota: BTreeMap::new(),
            fails: BTreeMap::new(),
            jitter: Jitter::Deviation(Duration::from_micros(500)),
            network: Duration::from_micros(200),
            policy: Policy::RoundRobin,
            hung_workers: 0,
            tells: true,
            start: Duration::from_secs(1),
            seed: 1,
            experiment: None,
        }
    }
}

impl Conditions {
    pub(super) fn apply(&mut self, setting: &Setting) {
        match setting {
            Setting::Think(time) => self.think = *time,
            Setting::Service(part, None, time) => drop(self.service.insert(*part, *time)),
            Setting::Service(part, Some(number), time) => {
                self.exceptions.insert((*part, number - 1), *time);
            }
            Setting::Places(part, number) => drop(self.places.insert(*part, *number)),
            Setting::Declares(part, number) => drop(self.declared.insert(*part, *number)),
            Setting::Dead(part, number) => drop(self.dead.insert((*part, number - 1))),
            Setting::Quota(part, share) => drop(self.quota.insert(*part, *share)),
            Setting::Fails(part, share) => drop(self.fails.insert(*part, *share)),
            Setting::Jitter(jitter) => self.jitter = *jitter,
            Setting::Network(time) => self.network = *time,
            Setting::Policy(policy) => self.policy = *policy,
            Setting::HungWorkers(number) => self.hung_workers = *number,
            Setting::Tells(tells) => self.tells = *tells,
            Setting::Start(time) => self.start = *time,
            // Known by the app, which knows since when.
            Setting::Clock(..) => {}
            Setting::Seed(seed) => self.seed = *seed,
        }
    }

    /// What `/health` says of the stations.
    pub(super) fn stations(&self) -> Stations {
        let station = |part| {
            let declared = self.declared.get(&part).copied().flatten();
            let concurrency = declared.map(NonZeroU32::get);
            Some(Station { concurrency, service_time_ms: None }).filter(|_| self.tells)
        };
        Stations { rng: station(Part::Rng), hasher: station(Part::Hasher) }
    }

    /// How workers say that they spread requests.
    pub(super) fn declared_policy(&self) -> &'static str {
        match self.policy() {
            Policy::Random => "random",
            Policy::LeastOutstanding => "least-outstanding",
            Policy::SharedRoundRobin => "vip",
            _ => "round-robin",
        }
    }

    /// The app with these replicas, less those workers that hang; `None` while nobody loops.
    ///
    /// # Errors
    /// When a loop takes no time at all.
    pub(super) fn scenario(&self, replicas: Replicas) -> Result<Option<Scenario>, Impossible> {
        let Replicas { worker, rng, hasher } = replicas;
        let workers = NonZeroU32::new(worker.saturating_sub(self.hung_workers));
        let (Some(workers), Some(rng), Some(hasher)) =
            (workers, NonZeroU32::new(rng), NonZeroU32::new(hasher))
        else {
            return Ok(None);
        };
        let mut stages = vec![self.stage(Part::Rng, rng)?, self.stage(Part::Hasher, hasher)?];
        for extra in self.extras(replicas) {
            stages.push(match extra {
                Extra::Redis => {
                    let time = self.service.get(&Part::Redis).copied().unwrap_or_default();
                    sometimes(Part::Redis.name(), time, REDIS_SHARE)?
                }
                Extra::Retry(part) => {
                    let failing = self.failing(part, replicas);
                    sometimes("retry", PAUSE, (failing.into(), (PARTS - failing).into()))?
                }
            });
        }
        // The way to a service and back holds up nobody else: it delays the loop as thinking does.
        let think = self.think + self.injected(None) + 2 * self.network;
        let think = self.times(think)?;
        Scenario::new(workers, think, stages).map(Some)
    }

    /// What is told of each loop.
    pub(super) fn telling(&self, replicas: Replicas) -> Telling {
        Telling {
            network: self.network,
            shares: [Part::Rng, Part::Hasher].map(|part| self.share(part)),
            extras: self.extras(replicas),
        }
    }

    /// What a loop does beyond rng and hasher, in the order of the scenario's further stages.
    fn extras(&self, replicas: Replicas) -> Vec<Extra> {
        let redis = self.service.contains_key(&Part::Redis).then_some(Extra::Redis);
        let parts = [Part::Rng, Part::Hasher].into_iter();
        let failing = parts.filter(|part| self.failing(*part, replicas) > 0);
        redis.into_iter().chain(failing.map(Extra::Retry)).collect()
    }

    /// Per cent of the processor time they need that replicas of a stage get.
    fn share(&self, part: Part) -> u8 {
        self.quota.get(&part).copied().unwrap_or(100)
    }

    /// Of [`PARTS`] loops those in which a request to a stage fails: so many as are set to, and each time
    /// that a worker tries a dead replica again.
    fn failing(&self, part: Part, replicas: Replicas) -> u32 {
        let set = f64::from(self.fails.get(&part).copied().unwrap_or(0)) / 100.0;
        let tries = self.loop_time(replicas).as_secs_f64() / TRIED_AGAIN.as_secs_f64();
        let share = set + f64::from(self.dead(part, replicas)) * tries;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        let parts = (share.clamp(0.0, 1.0) * f64::from(PARTS)).round() as u32;
        parts
    }

    /// How many of a stage's replicas are dead.
    fn dead(&self, part: Part, replicas: Replicas) -> u32 {
        let there = part.replicas(replicas);
        let dead = self.dead.iter().filter(|(of, number)| *of == part && *number < there);
        u32::try_from(dead.count()).unwrap_or(u32::MAX)
    }

    /// How long a loop takes by the bounds: alone, or as long as the busiest stage takes for one
    /// request of every worker.
    fn loop_time(&self, replicas: Replicas) -> Duration {
        let service = |part| self.service.get(&part).copied().unwrap_or_default();
        let alone = self.think + 2 * self.network + service(Part::Rng) + service(Part::Hasher);
        let all = [(Part::Rng, replicas.rng), (Part::Hasher, replicas.hasher)];
        let busy = all.into_iter().map(|(part, there)| {
            let places = self.places.get(&part).map_or(1, |places| places.get());
            let alive = there.saturating_sub(self.dead(part, replicas));
            service(part) * replicas.worker / alive.saturating_mul(places).max(1)
        });
        busy.fold(alone, Duration::max)
    }

    /// What is added to a stage for an experiment; `None` stands for thinking.
    fn injected(&self, part: Option<Part>) -> Duration {
        let us = self.experiment.as_ref().map_or(0, |experiment| match part {
            None => experiment.think_us,
            Some(Part::Rng) => experiment.rng_us,
            Some(Part::Hasher) => experiment.hasher_us,
            Some(Part::Redis) => 0,
        });
        Duration::from_micros(us)
    }

    /// How requests are spread now.
    fn policy(&self) -> Policy {
        let asked = self.experiment.as_ref().and_then(|experiment| experiment.policy.as_deref());
        asked.and_then(|name| policy(name).ok()).unwrap_or(self.policy)
    }

    fn stage(&self, part: Part, number: NonZeroU32) -> Result<Stage, Impossible> {
        let mean = |time: Option<&Duration>| time.copied().unwrap_or_default();
        let places = self.places.get(&part).copied().unwrap_or(NonZeroU32::MIN);
        let injected = self.injected(Some(part));
        let longer = 100.0 / f64::from(self.share(part));
        let replica = |time| {
            let service = self.times(time + injected)?.scaled(longer)?;
            Ok(Replica { places, service })
        };
        let stage = Stage::new(part.name(), number, replica(mean(self.service.get(&part)))?)
            .with_policy(self.policy());
        let own = self.exceptions.iter().filter(|((of, _), _)| *of == part);
        let stage = own.clone().try_fold(stage, |stage, ((_, number), time)| {
            stage.with_exception(*number, Some(replica(*time)?))
        })?;
        let mut dead = self.dead.iter().filter(|(of, _)| *of == part);
        dead.try_fold(stage, |stage, (_, number)| stage.with_exception(*number, None))
    }

    fn times(&self, mean: Duration) -> Result<Distribution, Impossible> {
        let mean = seconds(mean)?;
        match self.jitter {
            Jitter::Exponential => Ok(Distribution::exponential(mean)),
            Jitter::Deviation(Duration::ZERO) => Ok(Distribution::fixed(mean)),
            Jitter::Deviation(_) if mean.get() <= 0.0 => Ok(Distribution::fixed(mean)),
            Jitter::Deviation(deviation) => Distribution::log_normal(mean, seconds(deviation)?),
        }
    }
}

impl Part {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rng => "rng",
            Self::Hasher => "hasher",
            Self::Redis => "redis",
        }
    }

    /// How many of it can be told apart by number.
    #[must_use]
    pub fn replicas(self, all: Replicas) -> u32 {
        match self {
            Self::Rng => all.rng,
            Self::Hasher => all.hasher,
            Self::Redis => 0,
        }
    }
}

/// A stage that holds a loop up so often of so many times. Nobody waits behind another there: what takes
/// long is the way there and back, or a pause.
fn sometimes(name: &str, time: Duration, (often, not): (u64, u64)) -> Result<Stage, Impossible> {
    let met = [(Seconds::new(0.0)?, not), (seconds(time)?, often)];
    let replica = Replica { places: NonZeroU32::MAX, service: Distribution::empirical(met)? };
    Ok(Stage::new(name, NonZeroU32::MIN, replica))
}

fn seconds(time: Duration) -> Result<Seconds, Impossible> {
    Seconds::new(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_in_the_scenario() {
        let mut conditions = Conditions::default();
        let ten = Replicas { worker: 10, rng: 5, hasher: 1 };
        for text in ["rng.2=200ms", "redis=5ms", "policy=random", "hung-workers=2"] {
            conditions.apply(&text.parse::<Timed>().unwrap().setting);
        }
        let scenario = conditions.scenario(ten).unwrap().unwrap();
        assert_eq!((scenario.workers().get(), scenario.stages().len()), (8, 3));
        let rng = &scenario.stages()[0];
        assert_eq!(rng.policy(), Policy::Random);
        assert_eq!(rng.exceptions().keys().collect::<Vec<_>>(), [&1]);
        for text in ["rng.4=dead", "hasher-quota=50", "hasher-fails=5", "network=0ms"] {
            conditions.apply(&text.parse::<Timed>().unwrap().setting);
        }
        let scenario = conditions.scenario(ten).unwrap().unwrap();
        let [rng, hasher, ..] = scenario.stages() else { panic!("{scenario:?}") };
        assert_eq!(rng.alive().map(|(number, _)| number).collect::<Vec<_>>(), [0, 1, 2, 4]);
        assert!((hasher.typical().service.mean().get() - 0.2).abs() < 0.001, "{hasher:?}");
        let telling = conditions.telling(ten);
        assert_eq!(telling.shares, [100, 50]);
        let retries = [Extra::Retry(Part::Rng), Extra::Retry(Part::Hasher)];
        assert_eq!(telling.extras, [Extra::Redis, retries[0], retries[1]]);
        // A loop of 0.3 s, and each worker tries the dead one every 7.5 s; of fewer replicas there is none.
        assert_eq!(conditions.failing(Part::Rng, ten), 400);
        assert_eq!(conditions.failing(Part::Hasher, ten), 500);
        assert_eq!(conditions.failing(Part::Rng, Replicas { rng: 3, ..ten }), 0);
        let nobody = Replicas { rng: 0, ..ten };
        assert!(conditions.scenario(nobody).unwrap().is_none());
    }
}
