//! What holds the app back, in a sentence with its evidence; or why that is not said.

use std::fmt::Write as _;

use load::numbers::float;

use super::{Bottleneck, StageFindings, StageName, StepFindings, Withheld, paths, rate};
use crate::cluster::Service;
use crate::measure::Samples;

/// How far the stages may be from accounting for all workers.
const CLOSURE_TOLERANCE: f64 = 0.01;
/// How far below its bound the app may be before that is said.
pub(super) const SHORTFALL: f64 = 0.03;
/// A second bound within this factor of the first is as good as reached.
pub(super) const TIE: f64 = 1.03;
/// A window should hold so many flushes of the counter.
const FLUSHES: f64 = 10.0;

/// Adds to the findings' warnings what makes their numbers doubtful.
pub(super) fn doubts(samples: &Samples, findings: &mut StepFindings) {
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
        let reached = findings.hashes_per_second.interval.value / bound;
        if reached < 1.0 - SHORTFALL {
            doubts.push(format!(
                "the app reaches {:.0} % of its bound of {bound:.1} hashes/s: its replicas are not \
                 used evenly, or something that is not measured holds it up",
                reached * 100.0
            ));
        }
    }
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

/// The bottleneck, or why none is named.
pub(super) fn verdict(
    samples: &Samples,
    findings: &StepFindings,
    loop_seconds: Option<f64>,
) -> Result<Bottleneck, Withheld> {
    if let Some(reason) = unfit(samples, findings, loop_seconds) {
        return Err(Withheld { reason });
    }
    let missing = |reason: &str| Withheld { reason: reason.to_owned() };
    let silent =
        "rng or hasher does not say how long requests queue, or how many it works on at a time";
    let bounds = findings.bounds.as_ref().ok_or_else(|| missing(silent))?;
    let (service, bound) = bounds.binding();
    let sentence = match service {
        Service::Rng => queueing(findings, StageName::Rng),
        Service::Hasher => queueing(findings, StageName::Hasher),
        Service::Worker | Service::Webui => unhindered(findings),
    };
    let mut sentence =
        sentence.ok_or_else(|| missing("the services do not say how busy they are"))?;
    if let Some((other, _)) = bounds.next_binding().filter(|(_, next)| *next < bound * TIE) {
        let _ = write!(
            sentence,
            " {} binds almost as early: one more replica of each is needed to gain much.",
            other.name()
        );
    }
    Ok(Bottleneck { service, sentence })
}

/// Why the samples do not allow a verdict, if they do not.
fn unfit(samples: &Samples, findings: &StepFindings, loop_seconds: Option<f64>) -> Option<String> {
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
    let (Some(loop_seconds), Some(closure)) = (loop_seconds, findings.closure) else {
        return Some("no worker completed a loop during the window".to_owned());
    };
    if findings.reporting != replicas.worker {
        return Some(format!(
            "{} of {} workers reported during the window: the others are stuck, away or slow",
            findings.reporting, replicas.worker
        ));
    }
    let window = float(findings.window_ms) / 1000.0;
    let needed = FLUSHES * rate::flush_period(loop_seconds);
    if window < needed {
        return Some(format!(
            "a window of {window:.0} s is too short for loops of {loop_seconds:.2} s; measure for \
             at least {:.0} s (--duration)",
            needed.ceil()
        ));
    }
    ((closure - 1.0).abs() > CLOSURE_TOLERANCE).then(|| {
        format!(
            "the stages account for {:.1} % of the workers, not 100 %: a worker stalled or died, \
             or something is not measured",
            closure * 100.0
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
fn unhindered(findings: &StepFindings) -> Option<String> {
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
    Some(format!("The workers are the limit: {evidence}; a loop takes {loop_ms:.0} ms."))
}

fn stage(findings: &StepFindings, name: StageName) -> Option<&StageFindings> {
    findings.stages.iter().find(|stage| stage.name == name)
}
