//! The words before the first probe and after the last.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use exchange::Phase;
use load::distribution::needed;

use super::paint::{Ink, paint};
use super::words::{measure, time};
use super::{Ending, SoFar};
use crate::plan::Plan;
use crate::settings::Measure;
use crate::statistics::{PERCENTILES, Series, Statistics, milliseconds};

/// Bytes of a KB, as httping has it.
const KB: f64 = 1024.0;

/// The line before the first probe.
pub(super) fn beginning(plan: &Plan) -> String {
    let url = &plan.target.route.url;
    let mut text = String::new();
    if plan.look.verbose > 0 {
        let (host, port, path) = (&url.host, url.port, &url.path);
        let _ =
            writeln!(text, "Connecting to host {host}, port {port} and requesting file {path}\n");
    }
    let place = paint(&plan.look, Ink::Host, url.authority());
    let _ = writeln!(text, "PING {place} ({}):", url.path);
    text
}

/// httping's summary, which its users' scripts read.
#[must_use]
pub fn summary(plan: &Plan, so_far: &SoFar<'_>) -> String {
    let SoFar { statistics, elapsed } = so_far;
    let mut text = format!("--- {} ping statistics ---\n", plan.target.route.url);
    let ink = if statistics.failed() > 0 { Ink::Bad } else { Ink::Good };
    let failed = format!("{:.2}%", statistics.failed_percent());
    let _ = writeln!(
        text,
        "{} connects, {} ok, {} failed, time {}ms",
        statistics.probes,
        statistics.ok,
        paint(&plan.look, ink, failed),
        elapsed.as_millis()
    );
    round_trip(&mut text, plan, &statistics.total);
    if plan.look.parts.speed {
        let (speed, kb) = (&statistics.speed, |bytes: f64| bytes / KB);
        let (min, avg, max) = (kb(speed.min), kb(speed.mean().unwrap_or(0.0)), kb(speed.max));
        let _ = writeln!(text, "Transfer speed: min/avg/max = {min:.6}/{avg:.6}/{max:.6} KB");
    }
    text
}

fn round_trip(text: &mut String, plan: &Plan, total: &Series) {
    let verbose = plan.look.verbose > 0;
    let median = plan.look.parts.median;
    let columns = [
        ("min", total.min(), true),
        ("avg", total.mean(), true),
        ("median", total.median(), median),
        ("max", total.max(), true),
        ("sd", total.deviation(), verbose),
    ];
    let shown = || columns.iter().filter(|(_, _, shown)| *shown);
    let names: Vec<_> = shown().map(|(name, ..)| *name).collect();
    let values: Option<Vec<_>> =
        shown().map(|(_, length, _)| Some(format!("{:.1}", milliseconds((*length)?)))).collect();
    if let Some(values) = values {
        let _ = writeln!(text, "round-trip {} = {} ms", names.join("/"), values.join("/"));
    }
}

/// What httping does not tell, below its summary.
pub(super) fn underneath(plan: &Plan, so_far: &SoFar<'_>) -> String {
    let statistics = so_far.statistics;
    let mut text = String::new();
    errors(&mut text, plan, statistics);
    percentiles(&mut text, statistics);
    phases(&mut text, statistics);
    counted(&mut text, "failed: ", &statistics.faults);
    if statistics.replicas.len() > 1 {
        counted(&mut text, "answers by replica: ", &statistics.replicas);
    }
    if statistics.excess > 0 {
        let were = if statistics.excess == 1 { "was" } else { "were" };
        let _ = writeln!(
            text,
            "warning: {} {were} followed by bytes that belong to no response; they are good, but \
             their connections were closed",
            plural(statistics.excess, "response")
        );
    }
    if statistics.reconnects > 0 {
        let _ = writeln!(text, "connected again {}", times(statistics.reconnects));
    }
    if statistics.skipped > 0 {
        let _ = writeln!(
            text,
            "left out {} of the interval, as probes took longer",
            plural(statistics.skipped, "slot")
        );
    }
    text
}

/// Responses that say that something is wrong and count as ok all the same; those that do not are
/// among what failed.
fn errors(text: &mut String, plan: &Plan, statistics: &Statistics) {
    for class in [4, 5] {
        let of_class = statistics.statuses.range(class * 100..(class + 1) * 100);
        let ok: Vec<_> = of_class.filter(|(status, _)| plan.ok.has(**status)).collect();
        let number = ok.iter().map(|(_, count)| **count).sum();
        if number == 0 {
            continue;
        }
        let each: Vec<_> = ok.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        let (were, count) = if number == 1 { ("was", "counts") } else { ("were", "count") };
        let _ = writeln!(
            text,
            "{} {were} {class}xx ({}) and {count} as ok; --ok 2xx,3xx makes that a failure",
            plural(number, "response"),
            each.join(", ")
        );
    }
}

/// The median, jitter, the percentiles there are, and what the first that is not would need.
fn percentiles(text: &mut String, statistics: &Statistics) {
    let Some(median) = statistics.total.median() else { return };
    if statistics.total.count() < 2 {
        return;
    }
    let _ = write!(text, "median {:.3} ms", milliseconds(median));
    if let Some(jitter) = statistics.jitter() {
        let _ = write!(text, ", jitter {:.3} ms", milliseconds(jitter));
    }
    for (name, quantile) in PERCENTILES.into_iter().skip(1) {
        let name = name.replace('_', ".");
        match statistics.total.told(quantile) {
            Some(value) => drop(write!(text, ", {name} {:.3} ms", milliseconds(value))),
            None => {
                let _ = write!(text, " ({name} needs {} probes)", needed(quantile));
                break;
            }
        }
    }
    text.push('\n');
}

/// Where the time went: each phase, and below what the server says of its own part.
fn phases(text: &mut String, statistics: &Statistics) {
    let server = [("server: queue", &statistics.queue), ("server: service", &statistics.service)];
    let phases = Phase::ALL.iter().map(|phase| phase.name()).zip(&statistics.phases);
    let rows: Vec<_> = phases.chain(server).filter(|(_, series)| series.count() > 0).collect();
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "{:15} {:>9} {:>9} {:>9} {:>9}", "ms", "min", "avg", "median", "max");
    for (name, series) in rows {
        let _ = write!(text, "{name:15}");
        for length in [series.min(), series.mean(), series.median(), series.max()] {
            let _ = write!(text, " {:9.3}", milliseconds(length.unwrap_or_default()));
        }
        text.push('\n');
    }
}

fn counted<T: std::fmt::Display>(text: &mut String, title: &str, counts: &BTreeMap<T, u64>) {
    if counts.is_empty() {
        return;
    }
    let each: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let _ = writeln!(text, "{title}{}", each.join(", "));
}

/// The bounds that were not kept, a line each.
pub(super) fn missed(ending: &Ending) -> String {
    let mut text = String::new();
    for missed in &ending.missed {
        let (name, most) = (measure(missed.bound.measure), time(missed.bound.most));
        let _ = match (missed.was, missed.bound.measure) {
            (Some(was), _) => writeln!(text, "{name} is {}, above {most}", time(was)),
            (None, Measure::Quantile(share)) => writeln!(
                text,
                "{name} cannot be told: it needs {} probes that are ok, there were {}",
                needed(share.of_one()),
                ending.statistics.ok
            ),
            (None, _) => writeln!(text, "{name} cannot be told: too few probes were ok"),
        };
    }
    text
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests;
