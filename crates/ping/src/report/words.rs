//! Words that several reports share.

use std::time::Duration;

use exchange::{Failure, Peer};

use crate::plan::Plan;
use crate::prober::Probe;
use crate::settings::Measure;
use crate::statistics::milliseconds;

/// Host and port of a probe's line: the address that was connected to; through a proxy, or without
/// a connection, those of the URL.
pub(super) fn ends(plan: &Plan, probe: &Probe) -> (String, String) {
    let url = &plan.target.route.url;
    let bracketed = |host: &str| match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    match (&probe.peer, &plan.target.route.proxy) {
        (Some(Peer::Unix(path)), _) => ("unix".to_owned(), path.display().to_string()),
        (Some(Peer::Tcp(address)), None) => {
            (bracketed(&address.ip().to_string()), address.port().to_string())
        }
        _ => (bracketed(&url.host), url.port.to_string()),
    }
}

/// Why there was no answer; for a time limit with the limit.
pub(super) fn failure(failure: &Failure, limit: Duration) -> String {
    match failure {
        Failure::Timeout(_) => format!("{failure} ({})", time(limit)),
        other => other.to_string(),
    }
}

/// What is wrong with a probe that is not ok, in words.
pub(crate) fn trouble(plan: &Plan, probe: &Probe) -> String {
    trouble_of(probe, plan.target.limit)
}

/// The same, where only the time limit is known.
pub(super) fn trouble_of(probe: &Probe, limit: Duration) -> String {
    match &probe.outcome {
        Err(reason) => failure(reason, limit),
        Ok(reply) => reply.status_text(),
    }
}

/// A length of time as it is read best: `250 ms`, `2 s`, `0.12 ms`.
pub(super) fn time(length: Duration) -> String {
    let rounded = |number: f64, digits: usize| {
        let text = format!("{number:.digits$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    };
    match length {
        _ if length >= Duration::from_secs(1) => format!("{} s", rounded(length.as_secs_f64(), 2)),
        _ => format!("{} ms", rounded(milliseconds(length), 3)),
    }
}

/// A measure's name in a sentence.
pub(super) fn measure(measure: Measure) -> String {
    match measure {
        Measure::Mean => "average".to_owned(),
        other => other.name(),
    }
}
