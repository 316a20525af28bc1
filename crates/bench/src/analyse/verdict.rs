//! What holds the app back, in a sentence with its evidence; or why that is not said.

use super::{Bottleneck, StageFindings, StageName, StepFindings, Withheld, rate};
use crate::cluster::Service;
use crate::measure::Samples;

/// How far the stages may be from accounting for all workers.
const CLOSURE_TOLERANCE: f64 = 0.01;
/// How far below its bound the app may be before that is said.
const SHORTFALL: f64 = 0.03;
/// A window should hold so many flushes of the counter.
const FLUSHES: f64 = 10.0;

/// Adds to the findings' warnings what makes their numbers doubtful.
pub(super) fn doubts(samples: &Samples, findings: &mut StepFindings) {
    let mut doubts = Vec::new();
    if samples.restarts > 0 {
        doubts.push(format!("{} died during the window", counted(samples.restarts, "replica")));
    }
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
        let reached = findings.hashes_per_second.interval.value / bound;
        if reached < 1.0 - SHORTFALL {
            doubts.push(format!(
                "the app reaches {:.0} % of its bound of {bound:.1} hashes/s: its replicas are not \
                 used evenly, or something that is not measured holds it up",
                reached * 100.0
            ));
        }
    }
    findings.warnings.extend(doubts);
}

/// The bottleneck, or why none is named.
pub(super) fn verdict(
    findings: &StepFindings,
    loop_seconds: Option<f64>,
) -> Result<Bottleneck, Withheld> {
    let withheld = |reason: String| Err(Withheld { reason });
    let replicas = findings.replicas;
    for (service, count) in
        [("worker", replicas.worker), ("rng", replicas.rng), ("hasher", replicas.hasher)]
    {
        if count == 0 {
            return withheld(format!("{service} is scaled to 0: there is nothing to measure"));
        }
    }
    let (Some(loop_seconds), Some(closure)) = (loop_seconds, findings.closure) else {
        return withheld("no worker completed a loop during the window".to_owned());
    };
    if findings.reporting != replicas.worker {
        return withheld(format!(
            "{} of {} workers reported during the window: the others are stuck, away or slow",
            findings.reporting, replicas.worker
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a window in milliseconds is below 2^53")]
    let window = findings.window_ms as f64 / 1000.0;
    let needed = FLUSHES * rate::flush_period(loop_seconds);
    if window < needed {
        return withheld(format!(
            "a window of {window:.0} s is too short for loops of {loop_seconds:.2} s; measure for \
             at least {:.0} s (--duration)",
            needed.ceil()
        ));
    }
    if (closure - 1.0).abs() > CLOSURE_TOLERANCE {
        return withheld(format!(
            "the stages account for {:.1} % of the workers, not 100 %: a worker stalled or died, \
             or something is not measured",
            closure * 100.0
        ));
    }
    let Some(bounds) = &findings.bounds else {
        return withheld(
            "rng or hasher does not say how long requests queue, or how many it works on at a time"
                .to_owned(),
        );
    };
    let (service, _) = bounds.binding();
    let sentence = match service {
        Service::Rng => queueing(findings, StageName::Rng),
        Service::Hasher => queueing(findings, StageName::Hasher),
        Service::Worker | Service::Webui => Some(unhindered(findings, loop_seconds)),
    };
    let missing = || Withheld { reason: "the services do not say how busy they are".to_owned() };
    sentence.map(|sentence| Bottleneck { service, sentence }).ok_or_else(missing)
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
fn unhindered(findings: &StepFindings, loop_seconds: f64) -> String {
    let busy = [StageName::Rng, StageName::Hasher].map(|name| {
        let share = stage(findings, name).and_then(|stage| stage.utilisation);
        share.map(|share| format!("{} is {:.0} % busy", name.name(), share * 100.0))
    });
    let busy: Vec<String> = busy.into_iter().flatten().collect();
    let evidence = match busy.is_empty() {
        true => String::from("no service has a limit"),
        false => busy.join(" and "),
    };
    format!(
        "The workers are the limit: {evidence}; each of {} takes {:.0} ms for a loop.",
        counted(findings.workers, "worker"),
        loop_seconds * 1000.0
    )
}

fn stage(findings: &StepFindings, name: StageName) -> Option<&StageFindings> {
    findings.stages.iter().find(|stage| stage.name == name)
}
