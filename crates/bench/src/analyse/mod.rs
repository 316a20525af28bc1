//! From samples to findings: pure arithmetic, no clock, no printing. `docs/measuring.md` says
//! what each number means and where its formula is from.

pub(crate) mod advice;
mod agreement;
mod balance;
mod bounds;
mod by_second;
mod causes;
mod certainty;
mod clocks;
mod coins;
pub(crate) mod compare;
mod concurrency;
mod course;
mod evidence;
mod findings;
mod grid;
mod injection;
mod lateness;
mod outlook;
mod paths;
mod ports;
mod prediction;
mod rate;
mod repetitions;
mod scalability;
mod scenario;
mod seen;
mod series;
mod services;
mod spreading;
mod stages;
mod steered;
mod sweep;
mod unseen;
pub(crate) mod verdict;
mod watch;

use std::collections::BTreeMap;

use model::Scenario;
use observation::Report;

use crate::measure::{Counter, Samples};
use bounds::{Limits, Sums};
use seen::Seen;
use services::Known;

pub use advice::{Advice, PlanFindings, Question, WallFindings, advise};
pub use agreement::agrees;
pub use balance::Balance;
pub use bounds::{Bounds, Next};
pub use by_second::{BySecond, Moving, by_second};
pub use clocks::{Clock, ClockStep};
pub use compare::{
    Comparison, Found, GateFindings, Margins, NotCompared, ReplicasCompared, Shown, Unjudged,
    Verdict, compare,
};
pub use evidence::{
    ActionFindings, BalancingFindings, Cause, CauseFindings, Certainty, ConcurrencyFindings,
    ElasticityFindings, Method, PredictedState, PresentFindings, ReplicaFindings, ReplicaState,
    ServiceFindings, Spreading, StopFindings, Vote, WarmUpFindings,
};
pub use findings::{Bottleneck, Findings, Interval, Rate, SCHEMA_VERSION, StepFindings, Withheld};
pub use grid::{CellFindings, Grid, Reason, SweepFindings, Sweeps};
pub use injection::{InjectionFindings, Slowed, count_injected, injection};
pub use paths::PathFindings;
pub(crate) use ports::milliseconds;
pub use ports::{
    NoVerdict, PortFindings, PortsFindings, PortsVerdict, Queue, QueueFindings, ports,
};
pub use prediction::{Prediction, Verification, doubts_of, predict};
pub use rate::RESOLUTION;
pub use repetitions::{Repetition, RepetitionFindings, repetitions, runs_wanted};
pub use scalability::RowLaw;
pub use scenario::{measured, nominal, with_policy, with_replicas};
pub use stages::{StageFindings, StageName};
pub use sweep::Sweep;
pub use verdict::Limit;
pub use watch::{Checked, Open, SoFar, Watch, shortest_warm_up, told_loop_s};

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
    let of_no_rate = warnings.clone();
    let mut findings = measured_step(&seen, &known, warnings);
    findings.clock_steps = clocks::steps(samples);
    if findings.rate_is_withheld() {
        findings.warnings = of_no_rate;
        return without_rates(findings, samples);
    }
    let own = findings.clock_steps.iter().map(ClockStep::words);
    findings
        .warnings
        .extend(own.map(|words| format!("{words}: times of day in the record differ")));
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

/// The findings of a window in which a clock was set: what needs no clock.
fn without_rates(mut findings: StepFindings, samples: &Samples) -> StepFindings {
    let steps: Vec<_> = findings.clock_steps.iter().filter(|step| step.spoils_rates()).collect();
    let mut words: Vec<String> = steps.iter().take(2).map(|step| step.words()).collect();
    if steps.len() > words.len() {
        words.push(format!("so were {} more", steps.len() - words.len()));
    }
    let reason = format!("{}: there is no rate by it", words.join(", and "));
    findings.withheld = Some(Withheld { reason });
    findings.hashes_per_second = Rate::none();
    findings.counter_hashes_per_second = Rate::none();
    findings.coins_per_second = Interval { value: 0.0, low: 0.0, high: 0.0 };
    if let (Some(first), Some(last)) = (samples.clocks.first(), samples.clocks.last()) {
        findings.window_ms = last.elapsed_us.saturating_sub(first.elapsed_us) / 1000;
    }
    (findings.closure, findings.bounds) = (None, None);
    findings.stages.clear();
    findings.next.clear();
    findings.unseen.clear();
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
        policy: samples.experiment.as_ref().and_then(|experiment| experiment.policy.clone()),
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
        clock_steps: Vec::new(),
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

/// The last reports of workers that told something within the window: those of dead ones stay for minutes.
fn living(samples: &Samples) -> BTreeMap<&str, &Report> {
    let begun = rate::by_id(&samples.first.workers);
    let reports = samples.last.workers.iter().map(|last| (&*last.id, last));
    let is_alive =
        |(id, last): &(&str, &Report)| begun.get(id).is_none_or(|first| last.at_us > first.at_us);
    reports.filter(is_alive).collect()
}

fn policies(samples: &Samples) -> BTreeMap<String, u32> {
    let mut policies = BTreeMap::new();
    for report in living(samples).into_values() {
        *policies.entry(report.policy.clone()).or_default() += 1;
    }
    policies
}

#[cfg(test)]
pub(crate) mod tests;
