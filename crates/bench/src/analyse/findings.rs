//! What a run and each of its steps found. Shapes only.

use std::collections::BTreeMap;

use observation::Counts;
use serde::{Deserialize, Serialize};

use super::{
    ActionFindings, Balance, Bounds, CauseFindings, Certainty, ClockStep, ElasticityFindings,
    InjectionFindings, Limit, Next, PathFindings, PredictedState, RepetitionFindings,
    ServiceFindings, StageFindings, StopFindings, Verification, WallFindings, WarmUpFindings,
};
use crate::cluster::Replicas;
use crate::measure::Phases;

/// Version of the findings; fields are added within a version, never renamed.
pub const SCHEMA_VERSION: u32 = 1;

/// What a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Findings {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Which cluster, and why that one.
    pub cluster: String,
    /// Each step, in order; with `--verify` the last is the one that was predicted.
    pub steps: Vec<StepFindings>,
    /// What several runs of the same replicas say together, with `--repeat`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repetitions: Vec<RepetitionFindings>,
    /// Why there is none of some of them, where several were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrepeated: Option<String>,
    /// What became of the rate when a stage was made slower, with `--inject`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub injections: Vec<InjectionFindings>,
    /// Why there are none, where some were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninjected: Option<String>,
    /// What was predicted, and what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Why there is none, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
}

/// What a step found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepFindings {
    /// The replicas.
    pub replicas: Replicas,
    /// How workers were told to spread requests for this step, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Loops run at a time, over all workers that reported.
    pub workers: u64,
    /// Worker replicas that reported during the window.
    pub reporting: u32,
    /// From asking for the replicas until all served, in milliseconds.
    pub settled_after_ms: u64,
    /// The parts of that time, where the cluster tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Phases>,
    /// Length of the window, in milliseconds.
    pub window_ms: u64,
    /// The app's speed.
    pub hashes_per_second: Rate,
    /// The same from the counter alone, by least squares.
    pub counter_hashes_per_second: Rate,
    /// Hashes that begin with 0.
    pub coins_per_second: Interval,
    /// Mean time of a loop, in milliseconds.
    pub loop_ms: Option<f64>,
    /// Workers accounted for by the stages, as a share of all.
    pub closure: Option<f64>,
    /// Where a loop's time goes.
    pub stages: Vec<StageFindings>,
    /// What the app could reach at most.
    pub bounds: Option<Bounds>,
    /// What one replica more would bring, the best first.
    pub next: Vec<Next>,
    /// What holds the app back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bottleneck: Option<Bottleneck>,
    /// Why that is not said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub withheld: Option<Withheld>,
    /// Requests answered, by rng replica.
    pub rng_replicas: Counts,
    /// Requests answered, by hasher replica.
    pub hasher_replicas: Counts,
    /// How evenly rng's replicas were used, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rng_balance: Option<Balance>,
    /// How evenly hasher's replicas were used, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hasher_balance: Option<Balance>,
    /// How long the ways between nodes took, where there are nodes to tell apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathFindings>,
    /// rng and hasher, replica by replica.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceFindings>,
    /// What is wrong or peculiar beyond that, the dearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseFindings>,
    /// Whether the window was one steady state: `flat`, or what else it was; missing where there were
    /// too few readings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    /// How sure the verdict is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,
    /// What could be done next and what it would bring, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionFindings>,
    /// What limits now, what gets over that, and what limits then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub walls: Vec<WallFindings>,
    /// What the rate depends on, in the model of the measured app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elasticities: Option<ElasticityFindings>,
    /// Where the workers would be after the best action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended: Option<PredictedState>,
    /// What could not be seen of this app, and what it would take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// What was cut off before the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUpFindings>,
    /// Why the window ended when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopFindings>,
    /// How the workers spread requests.
    pub policies: BTreeMap<String, u32>,
    /// Failures as `<dependency>: <kind>`.
    pub errors: Counts,
    /// Clocks that were set during the window. Where rates are made by one of them, all rates are 0 and the
    /// verdict is withheld.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock_steps: Vec<ClockStep>,
    /// What makes the numbers doubtful.
    pub warnings: Vec<String>,
}

/// A value with the range it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interval {
    /// The best estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A rate with its two errors apart: half-widths, to be added up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rate {
    /// The best estimate and both errors together.
    #[serde(flatten)]
    pub interval: Interval,
    /// 95 % half-width from how the rate scatters over the window; `None` when that is too short.
    pub statistical: Option<f64>,
    /// Degrees of freedom of that, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freedom: Option<f64>,
    /// Largest error from the counter's being told only about once a second.
    pub flush: f64,
}

impl Rate {
    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        let interval = Interval { value: 0.0, low: 0.0, high: 0.0 };
        Self { interval, statistical: None, freedom: None, flush: 0.0 }
    }
}

/// What holds the app back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bottleneck {
    /// Where: a service to scale, or Redis.
    pub service: Limit,
    /// The verdict with its evidence.
    pub sentence: String,
}

/// Why no bottleneck is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Withheld {
    /// In a sentence.
    pub reason: String,
}

impl StepFindings {
    /// Whether there is no rate because a clock was set.
    #[must_use]
    pub fn rate_is_withheld(&self) -> bool {
        self.clock_steps.iter().any(ClockStep::spoils_rates)
    }
}

impl Findings {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            cluster: String::new(),
            steps: Vec::new(),
            repetitions: Vec::new(),
            unrepeated: None,
            injections: Vec::new(),
            uninjected: None,
            verification: None,
            unverified: None,
        }
    }

    /// How many steps were asked for: the last one is not among them when it verified a prediction.
    #[must_use]
    pub fn asked(&self) -> usize {
        let extra = self.verification.is_some() && self.steps.len() > 1;
        self.steps.len() - usize::from(extra)
    }

    /// Whether every step has a verdict, and all that was asked to be tried was.
    #[must_use]
    pub fn conclusive(&self) -> bool {
        let tried = self.uninjected.is_none() && self.unverified.is_none();
        tried && self.steps.iter().all(|step| step.withheld.is_none())
    }

    /// Notes why a delay was not put in, or says nothing.
    pub fn not_injected(&mut self, reason: String) {
        self.uninjected = Some(match self.uninjected.take() {
            Some(earlier) if earlier == reason => earlier,
            Some(earlier) => format!("{earlier}; {reason}"),
            None => reason,
        });
    }
}
