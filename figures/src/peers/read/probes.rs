//! What probers say: `peers/client.c`, `httping -M` and `bench ping --json`. One form: milliseconds.

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::stats::median;

/// The middle of a run's probes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::peers) struct Probes {
    /// Milliseconds from the probe's begin to the end of the answer.
    pub(in crate::peers) total_ms: f64,
    /// Milliseconds from the request to the answer's first byte.
    pub(in crate::peers) wait_ms: f64,
}

/// A probe as httping prints it: every value is text, and -1 where there is none.
#[derive(Deserialize)]
struct Httping {
    status: String,
    request_ms: Option<String>,
    total_ms: Option<String>,
}

/// What `bench ping --json` prints at its end.
#[derive(Deserialize)]
struct Ping {
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    ok: u64,
    /// None where nothing was answered.
    round_trip: Option<Times>,
    phases: Phases,
}

#[derive(Deserialize)]
struct Phases {
    wait: Option<Times>,
}

#[derive(Deserialize)]
struct Times {
    median_ms: f64,
}

/// Reads lines of `CONNECT WAIT TOTAL` in nanoseconds.
pub(in crate::peers) fn client(text: &str, count: usize) -> anyhow::Result<Probes> {
    let probe = |line: &str| {
        let mut words = line.split_whitespace().skip(1).map(str::parse::<f64>);
        let (wait, total) = (words.next()?.ok()?, words.next()?.ok()?);
        Some((wait / 1e6, total / 1e6))
    };
    middle(&text.lines().filter_map(probe).collect::<Vec<_>>(), count).context("the C client")
}

/// Reads the list of httping.
pub(in crate::peers) fn httping(text: &str, count: usize) -> anyhow::Result<Probes> {
    let list: Vec<Httping> = serde_json::from_str(text).context("cannot read httping's list")?;
    let number = |text: &Option<String>| text.as_ref()?.trim().parse::<f64>().ok();
    let good = list.iter().filter(|probe| probe.status == "1");
    let probe = |probe: &Httping| Some((number(&probe.request_ms)?, number(&probe.total_ms)?));
    middle(&good.filter_map(probe).collect::<Vec<_>>(), count).context("httping")
}

/// Reads the summary of `bench ping`.
pub(in crate::peers) fn ping(text: &str, count: usize) -> anyhow::Result<Probes> {
    let read: Ping = serde_json::from_str(text).context("cannot read what bench ping printed")?;
    let Summary { ok, round_trip, phases } = read.summary;
    ensure!(usize::try_from(ok) == Ok(count), "{ok} of {count} probes were answered");
    let times = round_trip.zip(phases.wait).context("bench ping told no times")?;
    Ok(Probes { total_ms: times.0.median_ms, wait_ms: times.1.median_ms })
}

fn middle(probes: &[(f64, f64)], count: usize) -> anyhow::Result<Probes> {
    ensure!(probes.len() == count, "{} of {count} probes were answered", probes.len());
    let wait_ms = median(probes.iter().map(|probe| probe.0));
    Ok(Probes { wait_ms, total_ms: median(probes.iter().map(|probe| probe.1)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_of_the_c_client_are_milliseconds() {
        let text = "10530 17000 28000\n11000 18000 30000\n12000 25000 50000\n";
        assert_eq!(client(text, 3).unwrap(), Probes { wait_ms: 0.018, total_ms: 0.03 });
        assert!(format!("{:#}", client(text, 4).unwrap_err()).contains("3 of 4"));
    }

    #[test]
    fn the_summary_of_bench_ping_is_read() {
        let text = r#"{ "schema_version": 1, "url": "http://h/", "probes": [{ "seq": 0 }],
            "summary": { "probes": 3, "ok": 2, "failed": 1,
                         "round_trip": { "count": 2, "median_ms": 2.1, "p50_ms": null },
                         "phases": { "send": { "median_ms": 0.1 }, "wait": { "median_ms": 2.0 } } } }"#;
        assert_eq!(ping(text, 2).unwrap(), Probes { wait_ms: 2.0, total_ms: 2.1 });
        assert!(ping(text, 3).is_err());
    }

    #[test]
    fn the_list_of_httping_is_read() {
        let text = r#"[
{ "status" : "1", "seq" : "1", "request_ms" : "2.068996e+00", "total_ms" : "2.860069e+00" }, 
{ "status" : "1", "seq" : "2", "request_ms" : "1.907349e-02", "total_ms" : "2.274036e+00" }]
"#;
        let probes = httping(text, 2).unwrap();
        assert!((probes.total_ms - 2.567_052_5).abs() < 1e-9);
        let failed = text.replacen("\"1\"", "\"0\"", 1);
        assert!(httping(&failed, 2).is_err());
        assert!(httping("[", 2).is_err());
    }
}
