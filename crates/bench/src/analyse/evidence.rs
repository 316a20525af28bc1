//! What findings say beyond the numbers of a step: how each service was used replica by replica,
//! how sure the verdict is, and what comes next. Shapes only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Interval, StageName};
use crate::cluster::{Replicas, Service};

/// A service, replica by replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceFindings {
    /// Which.
    pub service: Service,
    /// Its replicas that answered, by their names.
    pub replicas: BTreeMap<String, ReplicaFindings>,
    /// How many requests a replica works on at a time.
    pub concurrency: ConcurrencyFindings,
    /// How requests were spread, where there are several replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancing: Option<BalancingFindings>,
}

/// One replica over the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReplicaFindings {
    /// Requests it answered.
    pub requests: u64,
    /// Its share of the service's requests.
    pub share: f64,
    /// Mean time in its service, as it says.
    pub service_ms: Option<f64>,
    /// Mean time in its queue, as it says.
    pub queue_ms: Option<f64>,
    /// Share of its places in use.
    pub utilisation: Option<f64>,
    /// What is peculiar about it.
    pub state: ReplicaState,
}

/// What is peculiar about a replica, beside the others of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Nothing.
    Typical,
    /// It takes longer for a request than the others.
    Straggler,
    /// It gets more requests than the others.
    Crowded,
    /// It gets fewer requests than the others, or none.
    Spared,
}

/// How many requests a replica works on at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConcurrencyFindings {
    /// What it says; `None` when it does not, or says that it has no limit.
    pub declared: Option<u32>,
    /// Whether it says that it has no limit.
    pub unlimited: bool,
    /// What was seen: at most so many on average at one replica, or at least, see the sentence.
    pub seen: Option<f64>,
    /// In a sentence.
    pub sentence: String,
}

/// How requests were spread over the replicas of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BalancingFindings {
    /// What workers say they do.
    pub declared: Vec<String>,
    /// What it looks like.
    pub seen: Spreading,
    /// What it costs against an even spread in turn, in hashes per second.
    pub cost_hashes_per_second: Option<Interval>,
    /// In a sentence.
    pub sentence: String,
}

/// How requests look to be spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Spreading {
    /// In turn: counts hardly differ.
    InTurn,
    /// At random: counts differ as chance has it.
    Random,
    /// Uneven beyond chance: a replica gets more or less than others.
    Uneven,
    /// Each worker asks one replica only: kept connections.
    Pinned,
    /// Some replicas get nothing: connections from before a scale-up.
    Stale,
    /// By who is free: slow replicas get less.
    ByLoad,
}

/// How sure a verdict is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Certainty {
    /// The share of resampled windows with the same verdict.
    pub probability: Interval,
    /// Windows drawn.
    pub draws: u32,
    /// Mean length of a block, in seconds.
    pub block_seconds: f64,
    /// What each independent way of looking says.
    pub votes: Vec<Vote>,
}

/// A way to find the bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The busiest station.
    Utilisation,
    /// Where most workers wait.
    QueueLength,
    /// What the rate depends on most, in the model of the measured app.
    Elasticity,
    /// What the rate fell with when it was made slower.
    InjectedDelay,
}

/// What one way of looking says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Vote {
    /// Which way.
    pub method: Method,
    /// The bottleneck by it; `None` when it cannot say.
    pub service: Option<Service>,
    /// The number it goes by.
    pub value: Option<f64>,
    /// In a few words, with its number; or why it cannot say.
    pub sentence: String,
}

/// Something that could be done next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ActionFindings {
    /// What, in words such as `rng 1 to 2`.
    pub action: String,
    /// The replicas then; `None` when it is not about their number.
    pub replicas: Option<Replicas>,
    /// Containers it takes.
    pub containers: u32,
    /// The rate predicted then.
    pub hashes_per_second: Interval,
    /// How much more than now, as a share.
    pub gain: f64,
}

/// By how many per cent the rate falls when a time grows by one per cent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ElasticityFindings {
    /// The pure delays of a loop.
    pub delay: f64,
    /// rng's service time.
    pub rng: f64,
    /// hasher's.
    pub hasher: f64,
}

/// A state the app could be in, as the model has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PredictedState {
    /// The replicas.
    pub replicas: Replicas,
    /// The rate.
    pub hashes_per_second: Interval,
    /// Where the workers are; they sum to all of them.
    pub present: Vec<PresentFindings>,
}

/// Workers at one stage, on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PresentFindings {
    /// Which; think stands for all pure delays.
    pub stage: StageName,
    /// All of them.
    pub present: f64,
    /// Of these, those that wait.
    pub waiting: f64,
}

/// What was cut off before the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WarmUpFindings {
    /// From all having served to the window, in seconds.
    pub seconds: f64,
    /// Why then, in a few words.
    pub rule: String,
    /// What the window itself looks like: `flat`, `warm_up`, `slow_down` or `no_steady_state`.
    pub course: String,
}

/// Why the window ended when it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StopFindings {
    /// Half-width that was asked for, as a share of the rate; `None` for a window of fixed length.
    pub precision: Option<f64>,
    /// Half-width that was reached.
    pub reached: Option<f64>,
    /// In a few words.
    pub reason: String,
}

/// What is wrong with an app, or peculiar about it, beyond which service limits it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CauseFindings {
    /// What.
    #[serde(flatten)]
    pub cause: Cause,
    /// What it costs against an app without it, in the model; `None` when it costs nothing or the app
    /// cannot be modelled.
    pub cost_hashes_per_second: Option<Interval>,
    /// In a sentence.
    pub sentence: String,
}

/// A diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A replica takes longer for a request than the others of its service.
    Straggler {
        /// Of which service.
        service: Service,
        /// Its name.
        replica: String,
    },
    /// Replicas are asked but do not answer.
    Dead {
        /// Of which service.
        service: Service,
        /// How many.
        replicas: u32,
    },
    /// Requests fail, and repeating them takes a notable part of each loop, though all replicas answer.
    Failing {
        /// Of which service.
        service: Service,
    },
    /// Replicas are never asked: connections from before a scale-up.
    Stale {
        /// Of which service.
        service: Service,
        /// How many.
        replicas: u32,
    },
    /// Each worker asks one replica only: kept connections.
    Pinned {
        /// Of which service.
        service: Service,
    },
    /// Requests are spread at random.
    Random {
        /// Of which service.
        service: Service,
    },
    /// Requests are spread more unevenly than chance has it.
    Uneven {
        /// Of which service.
        service: Service,
    },
    /// Replicas serve more at a time than they declare.
    Threaded {
        /// Of which service.
        service: Service,
    },
    /// Replicas serve fewer at a time than they declare.
    Capped {
        /// Of which service.
        service: Service,
    },
    /// Replicas take longer than they say: their processor is short, or they are held up.
    Starved {
        /// Of which service.
        service: Service,
    },
    /// All replicas take longer for a request than in the original app, or than they are set to.
    SlowService {
        /// Which service.
        service: Service,
    },
    /// Redis takes a notable part of each loop.
    SlowRedis,
    /// Workers think for longer than in the original app.
    LongThink,
    /// A notable part of each loop is on the network, or late.
    Overhead,
}
