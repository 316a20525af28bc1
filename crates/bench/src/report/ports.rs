//! What probes of the published ports found, as a table or as JSON.

use std::fmt::Write as _;

use super::table::{DOUBT, FAINT, GOOD, table};
use super::words::{NONE, time};
use crate::analyse::{PortFindings, PortsFindings};
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
        StatusFormat::Json => super::json::pretty(findings),
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
    let verdict = findings.verdict.as_ref().map(|verdict| &verdict.sentence);
    let _ = match (verdict, &findings.withheld) {
        (Some(sentence), _) => writeln!(text, "\n{GOOD}{sentence}{GOOD:#}"),
        (None, Some(reason)) => writeln!(text, "\n{DOUBT}No verdict: {reason}.{DOUBT:#}"),
        (None, None) => Ok(()),
    };
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
