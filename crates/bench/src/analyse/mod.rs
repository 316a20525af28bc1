//! From samples to findings: pure arithmetic, no clock, no printing. `docs/measuring.md` says
//! what each number means and where its formula is from.

pub(crate) mod advice;
mod balance;
mod bounds;
mod by_second;
mod causes;
mod certainty;
mod coins;
mod compare;
mod concurrency;
mod course;
mod evidence;
mod grid;
mod injection;
mod outlook;
mod paths;
mod ports;
mod prediction;
mod rate;
mod repetitions;
mod scenario;
mod seen;
mod services;
mod spreading;
mod stages;
mod sweep;
mod unseen;
pub(crate) mod verdict;
mod watch;

use std::collections::BTreeMap;

use model::Scenario;
use observation::{Counts, Report};
use serde::{Deserialize, Serialize};

use crate::cluster::Replicas;
use crate::measure::{Counter, Phases, Samples};
use bounds::{Limits, Sums};
use seen::Seen;
use services::Known;

pub use advice::{Advice, PlanFindings, Question, WallFindings, advise};
pub use balance::Balance;
pub use bounds::{Bounds, Next};
pub use by_second::{BySecond, Moving, by_second};
pub use compare::{Comparison, Found, Margins, ReplicasCompared, Shown, compare};
pub use evidence::{
    ActionFindings, BalancingFindings, Cause, CauseFindings, Certainty, ConcurrencyFindings,
    ElasticityFindings, Method, PredictedState, PresentFindings, ReplicaFindings, ReplicaState,
    ServiceFindings, Spreading, StopFindings, Vote, WarmUpFindings,
};
pub use grid::{CellFindings, Grid, Reason, SweepFindings, Sweeps};
pub use injection::{InjectionFindings, Slowed, count_injected, injection};
pub use paths::PathFindings;
pub use ports::{PortFindings, PortsFindings, PortsVerdict, QueueFindings, ports};
pub use prediction::{Prediction, Verification, doubts_of, predict};
pub use repetitions::{Repetition, RepetitionFindings, repetitions, runs_wanted};
pub use scenario::{measured, nominal, with_policy, with_replicas};
pub use stages::{StageFindings, StageName};
pub use sweep::Sweep;
pub use verdict::Limit;
pub use watch::{Checked, SoFar, Watch, shortest_warm_up};

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
    /// 95 % half-width from the scatter over ten batches; `None` when there are too few samples.
    pub statistical: Option<f64>,
    /// Largest error from the counter's being told only about once a second.
    pub flush: f64,
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

impl Findings {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            cluster: String::new(),
            steps: Vec::new(),
            repetitions: Vec::new(),
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

    /// Whether every step has a verdict.
    #[must_use]
    pub fn conclusive(&self) -> bool {
        self.steps.iter().all(|step| step.withheld.is_none())
    }
}

/// The counter's slope so far in hashes per second, for a progress line.
#[must_use]
pub fn slope_so_far(counter: &[Counter]) -> Option<f64> {
    rate::slope(counter).map(|(per_second, _)| per_second)
}

/// What one step found.
#[must_use]
pub fn step(samples: &Samples) -> StepFindings {
    let mut warnings = Vec::new();
    let seen = Seen::of(samples, &mut warnings);
    let known = services::known(&seen, scenario::declared_policy(samples));
    let mut findings = measured_step(&seen, &known, warnings);
    let loop_seconds = stages::mean_loop_seconds(&seen.counted.totals);
    let course = course::class(samples, loop_seconds);
    findings.course = course.map(|class| course::name(class).to_owned());
    if let Some(warm_up) = &mut findings.warm_up {
        warm_up.course = findings.course.clone().unwrap_or_default();
    }
    let app = scenario::scenario(&seen, &known).ok();
    let limits = Limits::of(&known, seen.counted.workers);
    let effort = outlook::effort(seen.counted.workers);
    let case = verdict::Case {
        seen: &seen,
        known: &known,
        limits: limits.as_ref(),
        loop_seconds,
        course,
        expected: app.as_ref().and_then(|app| Some(app.predict(effort).ok()?.mean)),
    };
    modelled(&mut findings, &case, app.as_ref());
    verdict::doubts(&case, &mut findings);
    match verdict::verdict(&case, &findings) {
        Ok((bottleneck, certainty)) => {
            findings.bottleneck = Some(bottleneck);
            findings.certainty = certainty;
        }
        Err(withheld) => findings.withheld = Some(withheld),
    }
    findings
}

/// What was measured, without what follows from it in the model.
fn measured_step(
    seen: &Seen<'_>,
    known: &[Known<'_>; 2],
    mut warnings: Vec<String>,
) -> StepFindings {
    let Seen { samples, counted, .. } = seen;
    let workers = counted.workers;
    let loop_seconds = stages::mean_loop_seconds(&counted.totals);
    let counter = rate::from_counter(samples, loop_seconds, workers, &mut warnings);
    let hashes = rate::from_workers(samples, counter, &mut warnings);
    let stages = stages::account(&counted.totals, known, hashes.interval.value);
    let limits = Limits::of(known, workers);
    let bounds = limits.and_then(|limits| limits.bounds(&Sums::of(&counted.totals)));
    let rng_replicas = seen::labelled(&counted.totals.rng_replicas, samples);
    let hasher_replicas = seen::labelled(&counted.totals.hasher_replicas, samples);
    StepFindings {
        replicas: samples.replicas,
        workers,
        reporting: counted.reporting,
        settled_after_ms: samples.settled_after_ms,
        phases: samples.phases,
        window_ms: samples.window_ms,
        hashes_per_second: hashes,
        counter_hashes_per_second: counter,
        coins_per_second: coins::per_second(&samples.counter, &mut warnings),
        loop_ms: loop_seconds.map(|seconds| seconds * 1000.0),
        closure: stages::closure(&stages, workers),
        stages,
        bounds,
        next: bounds.map(|b| b.next(samples.replicas)).unwrap_or_default(),
        bottleneck: None,
        withheld: None,
        rng_balance: balance::balance(&rng_replicas, samples.replicas.rng),
        hasher_balance: balance::balance(&hasher_replicas, samples.replicas.hasher),
        rng_replicas,
        hasher_replicas,
        paths: paths::paths(samples),
        services: Vec::new(),
        causes: Vec::new(),
        course: None,
        certainty: None,
        actions: Vec::new(),
        walls: Vec::new(),
        elasticities: None,
        recommended: None,
        unseen: unseen::unseen(seen, hashes.interval),
        warm_up: samples.warm_up.as_ref().map(|warm_up| WarmUpFindings {
            seconds: warm_up.seconds,
            rule: warm_up.rule.clone(),
            course: String::new(),
        }),
        stopped: samples.ended.as_ref().map(|ended| StopFindings {
            precision: ended.precision,
            reached: ended.reached,
            reason: ended.reason.clone(),
        }),
        policies: policies(samples),
        errors: counted.totals.errors.clone(),
        warnings,
    }
}

/// Adds what follows in the model, as far as the app can be modelled: `app`.
fn modelled(findings: &mut StepFindings, case: &verdict::Case<'_>, app: Option<&Scenario>) {
    let known = case.known;
    let rate = findings.hashes_per_second.interval;
    let evidence = causes::Evidence {
        seen: case.seen,
        known,
        app,
        rate,
        effort: outlook::effort(findings.workers),
    };
    let causes = causes::causes(&evidence);
    let declared: Vec<String> = findings.policies.keys().cloned().collect();
    let service =
        |known: &Known<'_>| known.findings(&declared, causes::balancing_cost(known, &causes));
    let answering = known.iter().filter(|known| known.seen.residence.count() > 0);
    findings.services = answering.map(service).collect();
    findings.causes = causes;
    let Some(app) = app else { return };
    match outlook::outlook(app, known, findings) {
        Ok(outlook) => {
            findings.elasticities = Some(outlook.elasticities);
            findings.actions = outlook.actions;
            findings.walls = outlook.walls;
            findings.recommended = outlook.recommended;
        }
        Err(impossible) => findings.warnings.push(format!("nothing is predicted: {impossible}")),
    }
}

/// Whether a worker reported during the window: reports of dead ones stay for minutes.
fn is_alive(last: &Report, samples: &Samples) -> bool {
    let first = samples.first.workers.iter().find(|first| first.id == last.id);
    first.is_none_or(|first| last.at_us > first.at_us)
}

fn policies(samples: &Samples) -> BTreeMap<String, u32> {
    let mut policies = BTreeMap::new();
    for report in samples.last.workers.iter().filter(|report| is_alive(report, samples)) {
        *policies.entry(report.policy.clone()).or_default() += 1;
    }
    policies
}

#[cfg(test)]
pub(crate) mod tests;
