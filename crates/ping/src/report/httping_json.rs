//! -M: httping's JSON, with its keys and its strings, but escaped, closed however it ends, and with
//! every key whether a probe was answered or not.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use exchange::Phase;

use super::line::fingerprint;
use super::words::{ends, trouble};
use super::{Ending, Glance, Report, SoFar, Told, look_aside};
use crate::plan::Plan;
use crate::prober::Probe;
use crate::statistics::{milliseconds, speed};

/// httping's JSON.
pub(super) struct HttpingJson<'a> {
    plan: &'a Plan,
    out: &'a mut (dyn Write + Send),
    notes: &'a mut (dyn Write + Send),
    first: bool,
}

impl<'a> HttpingJson<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        out: &'a mut (dyn Write + Send),
        notes: &'a mut (dyn Write + Send),
    ) -> Self {
        Self { plan, out, notes, first: true }
    }
}

impl Report for HttpingJson<'_> {
    fn begin(&mut self) -> io::Result<()> {
        self.out.write_all(b"[\n")
    }

    fn probe(&mut self, told: &Told<'_>) -> io::Result<()> {
        let mut text = String::from(if self.first { "" } else { ", \n" });
        self.first = false;
        object(&mut text, self.plan, told);
        self.out.write_all(text.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn look(&mut self, glance: Glance, so_far: &SoFar<'_>) -> io::Result<()> {
        look_aside(self.plan, self.notes, glance, so_far)
    }

    fn end(&mut self, _: &Ending) -> io::Result<()> {
        self.out.write_all(b"\n]\n")
    }
}

/// What has no value: as httping writes what it does not know.
const NONE: &str = "-1";

fn object(text: &mut String, plan: &Plan, told: &Told<'_>) {
    let probe = told.probe;
    let answer = probe.reply().map(|reply| reply.answer);
    let count = |number: Option<u64>| number.map_or(NONE.to_owned(), |number| number.to_string());
    let request = probe.reply().map(|reply| reply.phases.wait + reply.phases.receive);
    let total = probe.reply().map(|_| probe.elapsed);
    let message = trouble(plan, probe);
    let mut fields = vec![
        ("status", if told.fault.is_none() { "1" } else { "0" }.to_owned()),
        ("seq", (probe.seq + 1).to_string()),
        ("start_ts", epoch(probe.started)),
        ("resolve_ms", length(phase(probe, Phase::Resolve))),
        ("connect_ms", length(phase(probe, Phase::Connect))),
        ("request_ms", length(request)),
        ("total_ms", length(total)),
        ("http_code", count(answer.map(|answer| u64::from(answer.status)))),
        ("msg", message),
        ("header_size", count(answer.map(|answer| answer.head_bytes))),
        ("data_size", count(answer.map(|answer| answer.body_bytes))),
        ("bps", answer.map_or(NONE.to_owned(), |_| format!("{:.6}", speed(probe).unwrap_or(0.0)))),
        ("host", ends(plan, probe).0.trim_matches(['[', ']']).to_owned()),
        ("ssl_fingerprint", probe.secured.as_ref().map(fingerprint).unwrap_or_default()),
        ("time_offset", NONE.to_owned()),
        ("tfo_success", "false".to_owned()),
    ];
    if let Some(tls) = phase(probe, Phase::Tls) {
        fields.push(("ssl_ms", length(Some(tls))));
    }
    fields.extend([
        ("tfo_succes", "false".to_owned()),
        ("write", length(phase(probe, Phase::Send))),
        ("close", length(None)),
        ("cookies", NONE.to_owned()),
        ("to", length(None)),
        ("tcp_rtt_stats", length(None)),
        ("re_tx", NONE.to_owned()),
        ("pmtu", NONE.to_owned()),
        ("tos", NONE.to_owned()),
    ]);
    let fields = fields.iter().map(|(key, value)| format!("\"{key}\" : {}", string(value)));
    let _ = write!(text, "{{ {} }}", fields.collect::<Vec<_>>().join(", "));
}

fn phase(probe: &Probe, phase: Phase) -> Option<Duration> {
    probe.reply()?.phases.get(phase)
}

/// A string of JSON.
fn string(text: &str) -> String {
    // Writing a string to memory does not fail.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// Seconds since 1970.
fn epoch(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:06}", since.as_secs(), since.subsec_micros())
}

/// Milliseconds as C's `%e` writes them, -1 for none.
fn length(length: Option<Duration>) -> String {
    exponential(length.map_or(-1.0, milliseconds))
}

/// As C's `%e`: six digits behind the point, and at least two of the exponent with its sign.
fn exponential(number: f64) -> String {
    let text = format!("{number:.6e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests;
