//! What holds the app back, in a sentence with its evidence; or why that is not said.

use std::fmt::Write as _;

use inference::changepoint::Class;
use load::numbers::float;
use serde::{Deserialize, Serialize};

use super::agreement::{disagreement, named};
use super::bounds::{Limits, Sums};
use super::causes::DEAR;
use super::evidence::{Cause, CauseFindings, Certainty, Spreading};
use super::seen::Seen;
use super::services::Known;
use super::{
    Bottleneck, Interval, StageFindings, StageName, StepFindings, Withheld, certainty, course,
    lateness, paths, rate, steered,
};
use crate::cluster::Service;

/// How far the stages may be from accounting for all workers.
const CLOSURE_TOLERANCE: f64 = 0.01;
/// How far below its bound the app may be before that is said.
pub(super) const SHORTFALL: f64 = 0.03;
/// A second bound within this factor of the first is as good as reached.
pub(super) const TIE: f64 = 1.03;
/// A verdict that fewer windows like this one would repeat is withheld: one in ten would send somebody
/// to the wrong service.
const SURE: f64 = 0.9;
/// An app that does less than its own times say by this share is not understood. Of what was
/// simulated and run, with times as they were measured, none was further off than 5 %.
const UNEXPLAINED: f64 = 0.15;
/// Workers that spend this share of a loop without queues at Redis, which takes next to nothing where
/// it is well, are limited by it.
const REDIS: f64 = 0.1;

/// Adds to the findings' warnings what makes their numbers doubtful.
pub(super) fn doubts(case: &Case<'_>, findings: &mut StepFindings) {
    let samples = case.seen.samples;
    let mut doubts = Vec::new();
    let failed: u64 = findings.errors.values().sum();
    if failed > 0 {
        let kinds: Vec<_> = findings.errors.iter().map(|(k, n)| format!("{n} x {k}")).collect();
        doubts.push(format!("{failed} requests failed and were repeated ({})", kinds.join(", ")));
    }
    if samples.failed_readings > 0 {
        doubts.push(format!("{} readings of the counter failed", samples.failed_readings));
    }
    for stage in findings.stages.iter().filter(|stage| stage.clamped > 0) {
        doubts.push(format!("{} values of {} are over an hour", stage.clamped, stage.name.name()));
    }
    if let Some(bounds) = &findings.bounds {
        let (_, bound) = bounds.binding();
        let rate = findings.hashes_per_second.interval.value;
        let reached = rate / bound;
        let cost = |cause: &CauseFindings| cause.cost_hashes_per_second.map_or(0.0, |c| c.value);
        let explained = findings.causes.first().map_or(0.0, cost) > (bound - rate) / 2.0;
        // Times that scatter make queues of their own, which the model has and bounds have not.
        let modelled = case.expected.is_some_and(|expected| rate >= (1.0 - SHORTFALL) * expected);
        if reached < 1.0 - SHORTFALL && !explained && !modelled {
            doubts.push(format!(
                "the app reaches {:.0} % of its bound of {bound:.1} hashes/s: its replicas are not \
                 used evenly, or something that is not measured holds it up",
                reached * 100.0
            ));
        }
    }
    doubts.extend(case.course.and_then(course::doubt).map(str::to_owned));
    doubts.extend(paths::doubts(&findings.paths));
    if let Some(phases) = findings.phases
        && let Some(running) = phases.running_ms
        && !(0..=phases.seen_ms).contains(&running)
    {
        doubts.push(format!(
            "the clocks of the nodes and of bench differ: the last replica runs since {running} ms \
             after asking, seen after {} ms",
            phases.seen_ms
        ));
    }
    findings.warnings.extend(doubts);
}

/// What limits an app: a service to scale, or something that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The workers: there are too few, or each takes its time.
    Worker,
    /// rng.
    Rng,
    /// hasher.
    Hasher,
    /// Redis, which holds each worker up.
    Redis,
}

impl Limit {
    /// Its name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            service => service.bound_of().name(),
        }
    }

    /// The service whose bound it is: that of the workers for what each of them meets.
    fn bound_of(self) -> Service {
        match self {
            Self::Worker | Self::Redis => Service::Worker,
            Self::Rng => Service::Rng,
            Self::Hasher => Service::Hasher,
        }
    }
}

impl From<Service> for Limit {
    fn from(service: Service) -> Self {
        match service {
            Service::Worker | Service::Webui => Self::Worker,
            Service::Rng => Self::Rng,
            Service::Hasher => Self::Hasher,
        }
    }
}

/// A limit is often compared with the service it may be.
impl PartialEq<Service> for Limit {
    fn eq(&self, service: &Service) -> bool {
        *self != Self::Redis && self.bound_of() == *service
    }
}

/// All that a verdict is made of, beside the findings so far.
pub(super) struct Case<'a> {
    pub(super) seen: &'a Seen<'a>,
    pub(super) known: &'a [Known<'a>; 2],
    pub(super) limits: Option<&'a Limits>,
    pub(super) loop_seconds: Option<f64>,
    pub(super) course: Option<Class>,
    /// What the model says of the measured app.
    pub(super) expected: Option<f64>,
}

/// The bottleneck with how sure that is, or why none is named.
pub(super) fn verdict(
    case: &Case<'_>,
    findings: &StepFindings,
) -> Result<(Bottleneck, Option<Certainty>), Withheld> {
    let missing = |reason: &str| Withheld { reason: reason.to_owned() };
    if let Some(reason) = unfit(case, findings) {
        return Err(Withheld { reason });
    }
    let silent =
        "rng or hasher does not say how long requests queue, or how many it works on at a time";
    let bounds = findings.bounds.as_ref().ok_or_else(|| missing(silent))?;
    let (binding, _) = bounds.binding();
    let limit = limit(binding, &Sums::of(&case.seen.counted.totals));
    if limit == Limit::Worker
        && let Some(reason) = case.known.iter().find_map(lateness::doubt)
    {
        return Err(Withheld { reason });
    }
    let certainty = certain(case, findings, limit)?;
    let sentence = match binding {
        Service::Rng => queueing(findings, StageName::Rng),
        Service::Hasher => queueing(findings, StageName::Hasher),
        Service::Worker | Service::Webui => unhindered(findings, limit),
    };
    let mut sentence =
        sentence.ok_or_else(|| missing("the services do not say how busy they are"))?;
    let named = named(bounds);
    if let [_, Some(other)] = named {
        let _ = write!(
            sentence,
            " {} binds almost as early: one more replica of each is needed to gain much.",
            other.name()
        );
    }
    if let Some(certainty) = &certainty {
        sentence.push_str(&disagreement(&certainty.votes, named));
    }
    Ok((Bottleneck { service: limit, sentence: with_cause(findings, sentence) }, certainty))
}

/// What limits where a bound binds: Redis, where each worker spends a notable part of its loop there.
fn limit(binding: Service, sums: &Sums) -> Limit {
    match binding {
        Service::Rng => Limit::Rng,
        Service::Hasher => Limit::Hasher,
        Service::Worker | Service::Webui if sums.redis_share() >= REDIS => Limit::Redis,
        Service::Worker | Service::Webui => Limit::Worker,
    }
}

/// How sure the verdict is; `None` of recordings that do not hold the seconds.
fn certain(
    case: &Case<'_>,
    findings: &StepFindings,
    limit: Limit,
) -> Result<Option<Certainty>, Withheld> {
    let Some(limits) = case.limits.filter(|_| !case.seen.samples.moments.is_empty()) else {
        return Ok(None);
    };
    let rows = certainty::rows(case.seen.samples);
    let votes = certainty::votes(findings, case.known, findings.elasticities.as_ref());
    let certainty = certainty::certainty(&rows, limits, limit.bound_of(), votes)
        .map_err(|reason| Withheld { reason })?;
    let Interval { value, .. } = certainty.probability;
    match value < SURE {
        true => Err(Withheld {
            reason: format!(
                "{} seems to be the limit, but only {:.0} of 100 windows like this one would say so",
                limit.name(),
                value * 100.0
            ),
        }),
        false => Ok(Some(certainty)),
    }
}

/// The sentence, after the dearest cause if that is worth it.
fn with_cause(findings: &StepFindings, sentence: String) -> String {
    let dear = DEAR * findings.hashes_per_second.interval.value;
    let dearest = findings
        .causes
        .first()
        .filter(|cause| cause.cost_hashes_per_second.is_some_and(|cost| cost.value >= dear));
    match dearest {
        None => sentence,
        Some(cause) => {
            let mut characters = cause.sentence.chars();
            let first = characters.next();
            // Names of services and of replicas stay as they are.
            let is_name = ["rng", "hasher"].iter().any(|name| cause.sentence.starts_with(name));
            let first = match is_name || matches!(cause.cause, Cause::Straggler { .. }) {
                true => first.into_iter().collect(),
                false => first.into_iter().flat_map(char::to_uppercase).collect::<String>(),
            };
            format!("{first}{}. {sentence}", characters.as_str())
        }
    }
}

/// Why the samples do not allow a verdict, if they do not.
fn unfit(case: &Case<'_>, findings: &StepFindings) -> Option<String> {
    let samples = case.seen.samples;
    let replicas = findings.replicas;
    let services =
        [("worker", replicas.worker), ("rng", replicas.rng), ("hasher", replicas.hasher)];
    if let Some((service, _)) = services.iter().find(|(_, count)| *count == 0) {
        return Some(format!("{service} is scaled to 0: there is nothing to measure"));
    }
    if samples.restarts > 0 {
        let died = counted(samples.restarts, "replica");
        return Some(format!("{died} died during the window: this was not one steady state"));
    }
    if samples.replicas_at_end.is_some_and(|end| end != replicas) {
        return Some("somebody scaled the app during the window".to_owned());
    }
    if samples.first.workers.is_empty() && samples.last.workers.is_empty() {
        return Some(
            "the workers send no reports, as the original app's do not: only the rate is known"
                .to_owned(),
        );
    }
    let (Some(loop_seconds), Some(closure)) = (case.loop_seconds, findings.closure) else {
        return Some("no worker completed a loop during the window".to_owned());
    };
    if let Some(reason) = steered::otherwise(samples) {
        return Some(reason);
    }
    if findings.reporting != replicas.worker {
        return Some(format!(
            "{} of {} workers reported during the window: the others are stuck, away or slow",
            findings.reporting, replicas.worker
        ));
    }
    let window = float(findings.window_ms) / 1000.0;
    let needed = rate::needed_seconds(loop_seconds);
    if window < needed {
        return Some(format!(
            "a window of {window:.0} s is too short for loops of {loop_seconds:.2} s; measure for \
             at least {:.0} s (--duration)",
            needed.ceil()
        ));
    }
    if (closure - 1.0).abs() > CLOSURE_TOLERANCE {
        return Some(format!(
            "the stages account for {:.1} % of the workers, not 100 %: a worker stalled or died, \
             or something is not measured",
            closure * 100.0
        ));
    }
    if let Some(reason) = course::blind(samples) {
        return Some(reason);
    }
    if case.course == Some(Class::NoSteadyState) {
        return course::doubt(Class::NoSteadyState).map(str::to_owned);
    }
    unexplained(case, findings)
}

/// An app that does much less than its own times say, in the model, is held up by what was not seen.
fn unexplained(case: &Case<'_>, findings: &StepFindings) -> Option<String> {
    let measured = findings.hashes_per_second.interval.value;
    // Of uneven connections the model has only the mean over what they could be.
    let modelled = case
        .known
        .iter()
        .all(|known| !matches!(known.spreading, Some(Spreading::Uneven | Spreading::Pinned)));
    let expected = case.expected.filter(|_| modelled)?;
    // Simulated runs are short: of an app that fills its queues slowly they show the beginning.
    let expected = findings.bounds.map_or(expected, |bounds| expected.min(bounds.binding().1));
    (measured < (1.0 - UNEXPLAINED) * expected).then(|| {
        format!(
            "the app does {measured:.2} hashes/s, its own times allow {expected:.2}: something that is \
             not measured holds it up"
        )
    })
}

/// A service that works at its limit.
fn queueing(findings: &StepFindings, name: StageName) -> Option<String> {
    let stage = stage(findings, name)?;
    let replicas = stage.replicas?;
    let are = if replicas == 1 { "is" } else { "are" };
    Some(format!(
        "{service} holds the app back: its {replicas} {are} {busy:.0} % busy and {waiting:.1} of \
         {workers} wait there ({mean:.0} ms for {service_ms:.0} ms of work).",
        service = name.name(),
        busy = stage.utilisation? * 100.0,
        waiting = stage.waiting?,
        replicas = counted(u64::from(replicas), "replica"),
        workers = counted(findings.workers, "worker"),
        mean = stage.mean_ms?,
        service_ms = stage.service_ms?,
    ))
}

/// `1 worker`, `10 workers`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// No service is at its limit: the workers themselves set the pace.
fn unhindered(findings: &StepFindings, limit: Limit) -> Option<String> {
    let busy = [StageName::Rng, StageName::Hasher].map(|name| {
        let share = stage(findings, name).and_then(|stage| stage.utilisation);
        share.map(|share| format!("{} is {:.0} % busy", name.name(), share * 100.0))
    });
    let busy: Vec<String> = busy.into_iter().flatten().collect();
    let evidence = match busy.is_empty() {
        true => String::from("no service has a limit"),
        false => busy.join(" and "),
    };
    let loop_ms = findings.loop_ms?;
    let who = match limit {
        Limit::Redis => format!(
            "Redis holds the workers up: {:.1} of {} are there",
            stage(findings, StageName::Redis)?.present,
            counted(findings.workers, "worker")
        ),
        _ => String::from("The workers are the limit"),
    };
    let colon = if limit == Limit::Redis { ";" } else { ":" };
    Some(format!("{who}{colon} {evidence}; a loop takes {loop_ms:.0} ms."))
}

fn stage(findings: &StepFindings, name: StageName) -> Option<&StageFindings> {
    findings.stages.iter().find(|stage| stage.name == name)
}
