//! What a simulated app is like: the settings that can be typed, and the scenario they make. Nothing
//! runs here.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use model::{Distribution, Impossible, Policy, Replica, Scenario, Seconds, Stage};
use observation::Experiment;
use service::settings::{duration, positive_duration};

use crate::cluster::Replicas;
use crate::measure::{Station, Stations};

/// The share of loops that write to Redis: one in 16 for a coin, one in 3.3 for the count.
const REDIS_SHARE: (u64, u64) = (36, 64);

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
    /// What chance begins with.
    Seed(u64),
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
    jitter: Jitter,
    pub(super) network: Duration,
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
            Setting::Jitter(jitter) => self.jitter = *jitter,
            Setting::Network(time) => self.network = *time,
            Setting::Policy(policy) => self.policy = *policy,
            Setting::HungWorkers(number) => self.hung_workers = *number,
            Setting::Tells(tells) => self.tells = *tells,
            Setting::Start(time) => self.start = *time,
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
        stages.extend(self.redis()?);
        // The way to a service and back holds up nobody else: it delays the loop as thinking does.
        let think = self.think + self.injected(None) + 2 * self.network;
        let think = self.times(think)?;
        Scenario::new(workers, think, stages).map(Some)
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
        let replica = |time| Ok(Replica { places, service: self.times(time + injected)? });
        let stage = Stage::new(part.name(), number, replica(mean(self.service.get(&part)))?)
            .with_policy(self.policy());
        let own = self.exceptions.iter().filter(|((of, _), _)| *of == part);
        own.clone().try_fold(stage, |stage, ((_, number), time)| {
            stage.with_exception(*number, Some(replica(*time)?))
        })
    }

    fn redis(&self) -> Result<Option<Stage>, Impossible> {
        let Some(time) = self.service.get(&Part::Redis) else { return Ok(None) };
        let met = [(Seconds::new(0.0)?, REDIS_SHARE.1), (seconds(*time)?, REDIS_SHARE.0)];
        // Nobody waits behind a loop that writes nothing: what takes long is the way there and back.
        let replica = Replica { places: NonZeroU32::MAX, service: Distribution::empirical(met)? };
        Ok(Some(Stage::new(Part::Redis.name(), NonZeroU32::MIN, replica)))
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
    fn name(self) -> &'static str {
        match self {
            Self::Rng => "rng",
            Self::Hasher => "hasher",
            Self::Redis => "redis",
        }
    }
}

fn seconds(time: Duration) -> Result<Seconds, Impossible> {
    Seconds::new(time.as_secs_f64())
}

/// What can be set, for the help and for whoever mistyped it.
pub const SETTINGS: &str = "think, rng, hasher, redis, network, start and jitter (times; jitter also \
    exponential), rng.N and hasher.N (of one replica), rng-places, hasher-places, rng-declares, \
    hasher-declares and hung-workers (numbers), policy (round-robin, random, least-outstanding, vip, \
    sticky, stale:N), tells (yes, no), seed";

impl FromStr for Timed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, rest) = text.split_once('=').ok_or("write KEY=VALUE or KEY=VALUE@TIME")?;
        let (value, from) = match rest.split_once('@') {
            Some((value, from)) => (value, positive_duration(from)?),
            None => (rest, Duration::ZERO),
        };
        let setting = setting(key, value).map_err(|why| format!("{key}: {why}"))?;
        Ok(Self { from, setting })
    }
}

fn setting(key: &str, value: &str) -> Result<Setting, String> {
    let part = |name: &str| match name {
        "rng" => Ok(Part::Rng),
        "hasher" => Ok(Part::Hasher),
        _ => Err(format!("there is no such setting; there are {SETTINGS}")),
    };
    if let Some((name, what)) = key.split_once('-').filter(|_| key != "hung-workers") {
        return match what {
            "places" => Ok(Setting::Places(part(name)?, number(value)?)),
            "declares" if value == "none" => Ok(Setting::Declares(part(name)?, None)),
            "declares" => Ok(Setting::Declares(part(name)?, Some(number(value)?))),
            _ => Err(part("")?),
        }
        .map_err(|_: Part| String::new());
    }
    if let Some((name, of)) = key.split_once('.') {
        let number = number(of)?.get();
        return Ok(Setting::Service(part(name)?, Some(number), positive_duration(value)?));
    }
    Ok(match key {
        "think" => Setting::Think(duration(value)?),
        "redis" => Setting::Service(Part::Redis, None, positive_duration(value)?),
        "network" => Setting::Network(duration(value)?),
        "start" => Setting::Start(duration(value)?),
        "jitter" if value == "exponential" => Setting::Jitter(Jitter::Exponential),
        "jitter" => Setting::Jitter(Jitter::Deviation(duration(value)?)),
        "hung-workers" => Setting::HungWorkers(whole(value)?),
        "policy" => Setting::Policy(policy(value)?),
        "tells" => Setting::Tells(yes(value)?),
        "seed" => Setting::Seed(whole(value)?),
        name => Setting::Service(part(name)?, None, positive_duration(value)?),
    })
}

fn policy(value: &str) -> Result<Policy, String> {
    match value.split_once(':') {
        Some(("stale", before)) => Ok(Policy::Stale(number(before)?)),
        Some(_) => Err("only stale has a number".to_owned()),
        None => match value {
            "round-robin" => Ok(Policy::RoundRobin),
            "random" => Ok(Policy::Random),
            "least-outstanding" => Ok(Policy::LeastOutstanding),
            "vip" => Ok(Policy::SharedRoundRobin),
            "sticky" => Ok(Policy::Sticky),
            _ => Err("round-robin, random, least-outstanding, vip, sticky or stale:N".to_owned()),
        },
    }
}

fn yes(value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

fn number(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "a whole number from 1 on".to_owned())
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "a whole number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_the_time_they_begin() {
        let read = |text: &str| text.parse::<Timed>().unwrap();
        let slow = Setting::Service(Part::Rng, Some(2), Duration::from_millis(200));
        assert_eq!(read("rng.2=200ms"), Timed { from: Duration::ZERO, setting: slow.clone() });
        assert_eq!(read("rng.2=200ms@20s"), Timed { from: Duration::from_secs(20), setting: slow });
        assert_eq!(read("policy=stale:1").setting, Setting::Policy(Policy::Stale(NonZeroU32::MIN)));
        assert_eq!(read("hasher-declares=none").setting, Setting::Declares(Part::Hasher, None));
        assert_eq!(read("hung-workers=3").setting, Setting::HungWorkers(3));
        for wrong in
            ["rng", "rng=0", "rng.0=1s", "mars=1s", "policy=best", "rng-moons=2", "think=x", "a@b"]
        {
            assert!(wrong.parse::<Timed>().is_err(), "{wrong} was accepted");
        }
        let unknown = "mars=1s".parse::<Timed>().unwrap_err();
        assert!(unknown.contains("hung-workers"), "{unknown}");
    }

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
        let nobody = Replicas { rng: 0, ..ten };
        assert!(conditions.scenario(nobody).unwrap().is_none());
    }
}
