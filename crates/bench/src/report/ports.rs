//! What probes of the published ports found, as a table or as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::table::{DOUBT, FAINT, GOOD, table};
use super::words::{NONE, time};
use crate::analyse::{
    NoVerdict, PortFindings, PortsFindings, PortsVerdict, Queue, QueueFindings, milliseconds,
};
use crate::cli::StatusFormat;

const HEAD: [&str; 10] =
    ["service", "request", "at", "probes", "failed", "last", "p50", "p90", "max", "queue"];

/// Where `p90` is in it.
const P90: usize = 7;

/// The findings in `format`.
#[must_use]
pub fn render(findings: &PortsFindings, format: StatusFormat) -> String {
    match format {
        StatusFormat::Table => tables(findings),
        StatusFormat::Json => {
            super::json::pretty(&Worded { findings, sentence: verdict_in_words(findings) })
        }
    }
}

/// The findings, and the verdict in words for whoever shows them.
#[derive(Serialize)]
struct Worded<'a> {
    #[serde(flatten)]
    findings: &'a PortsFindings,
    sentence: String,
}

/// Where requests queue, or why that cannot be said, in a sentence.
fn verdict_in_words(findings: &PortsFindings) -> String {
    let PortsFindings { verdict, withheld, .. } = findings;
    match (verdict, withheld) {
        (Some(PortsVerdict::Queue { service, waiting }), _) => {
            let waiting =
                waiting.map_or_else(String::new, |count| format!(" ({count:.0} waiting)"));
            format!("Requests queue at {service}{waiting}: {}.", responses(findings))
        }
        (Some(PortsVerdict::NoQueue), _) => {
            format!("No queue: {}. More workers make more hashes.", responses(findings))
        }
        (None, Some(withheld)) => format!("No verdict: {}.", withheld_in_words(withheld)),
        (None, None) => String::new(),
    }
}

/// How long the services take that were judged, as `rng responds in 822 ms, hasher in 0.3 ms`.
fn responses(findings: &PortsFindings) -> String {
    let judged = findings.services.iter().filter(|service| service.queue != Queue::Unjudged);
    let times = judged.map(|QueueFindings { service, answers_in_ms, .. }| {
        format!("{service} in {}", milliseconds(*answers_in_ms))
    });
    times.collect::<Vec<_>>().join(", ").replacen(" in ", " responds in ", 1)
}

fn withheld_in_words(withheld: &NoVerdict) -> String {
    match withheld {
        NoVerdict::Failing { service, request, failed, probes, failure } if failed == probes => {
            format!("{service} gives no good response to {request}: {failure}")
        }
        NoVerdict::Failing { service, request, failed, probes, failure } => {
            format!("{service} {request} failed {failed} of {probes} times: {failure}")
        }
        NoVerdict::TooFew { needed } => {
            format!("no path has the {needed} responses that are needed")
        }
        NoVerdict::Unjudged => String::from(
            "how long the work takes is not known; name rng and hasher, as in --url rng=http://HOST:8001/",
        ),
        NoVerdict::Undecided { service } => format!(
            "the waits at {service} may be a queue or noise; more probes decide it (--count)"
        ),
        NoVerdict::Idle => String::from(
            "no worker made a hash meanwhile, so nothing could queue; start workers and probe again",
        ),
    }
}

fn tables(findings: &PortsFindings) -> String {
    let mut text = format!("cluster  {}\n\n", findings.cluster);
    let rows = findings.ports.iter().map(row);
    // It needs a hundred answers, which few wait for.
    let tabled = match findings.ports.iter().any(|port| port.p90_ms.is_some()) {
        true => table(HEAD, rows, 3),
        false => table(without_p90(HEAD), rows.map(without_p90), 3),
    };
    let _ = writeln!(text, "{tabled}");
    for port in &findings.ports {
        for (failure, count) in &port.failures {
            let (service, request) = (&port.service, &port.request);
            let _ = writeln!(text, "{DOUBT}{service} {request}: {count} x {failure}{DOUBT:#}");
        }
    }
    let style = if findings.verdict.is_some() { GOOD } else { DOUBT };
    let _ = writeln!(text, "\n{style}{}{style:#}", verdict_in_words(findings));
    for missed in findings.missed.iter().chain(&findings.unjudged) {
        let _ = writeln!(text, "{DOUBT}{missed}{DOUBT:#}");
    }
    for warning in &findings.warnings {
        let _ = writeln!(text, "{FAINT}{warning}{FAINT:#}");
    }
    text
}

fn without_p90<T: Default>(mut columns: [T; 10]) -> [T; 9] {
    columns[P90..].rotate_left(1);
    let mut columns = columns.into_iter();
    std::array::from_fn(|_| columns.next().unwrap_or_default())
}

fn row(port: &PortFindings) -> [String; 10] {
    let at = match &port.node {
        Some(node) => format!("{} ({node})", port.address),
        None => port.address.clone(),
    };
    [
        port.service.clone(),
        port.request.clone(),
        at,
        port.probes.to_string(),
        if port.failed == 0 { NONE.to_owned() } else { port.failed.to_string() },
        time(port.last_ms),
        time(port.p50_ms),
        time(port.p90_ms),
        time(port.max_ms),
        time(port.queue_p50_ms),
    ]
}
