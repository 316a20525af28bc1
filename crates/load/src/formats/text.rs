//! The summary for people: what was asked, what came of it, and the doubts. Pure.

use std::fmt::Write as _;

use crate::distribution::{Distribution, PERCENTILES, needed};
use crate::numbers::{float, share, whole};
use crate::plan::Asked;
use crate::search::Search;
use crate::slo::Verdict;
use crate::summary::{Summary, Times};
use crate::words::{asked_rate, bytes, count, counted, nanoseconds, percent, rate};

/// Rows of the histogram.
const BARS: u64 = 11;
/// Length of its longest bar.
const LONGEST_BAR: f64 = 40.0;

/// The whole text; `spectrum` for all percentiles there are.
#[must_use]
pub fn text(summary: &Summary, verdicts: &[Verdict], spectrum: bool) -> String {
    let mut text = head(summary);
    text += &rates(summary);
    text += &times(summary);
    if let Ok(latency) = Distribution::from_blob(&summary.latency.histogram) {
        text += &histogram(&latency);
        if spectrum {
            text += &full_spectrum(&latency);
        }
    }
    text += &outcomes(summary);
    text += &connections(summary);
    text += &terms(verdicts);
    for warning in &summary.warnings {
        text.push_str("\nwarning: ");
        text.push_str(warning);
    }
    if !summary.warnings.is_empty() {
        text.push('\n');
    }
    text
}

fn head(summary: &Summary) -> String {
    let connections = counted(summary.connections.wanted, "connection");
    let streams = match summary.connections.streams {
        1 => String::new(),
        streams => format!(" of {streams} streams"),
    };
    let arrival = match summary.arrival.as_str() {
        "closed" => "closed loop".to_owned(),
        kind => {
            let random = if kind == "poisson" { " at random" } else { "" };
            format!("open loop, {}{random}", asked(summary))
        }
    };
    let threads = counted(summary.generator.threads, "thread");
    let window = nanoseconds(summary.window_s * 1e9);
    let stopped = if summary.interrupted { ", stopped early" } else { "" };
    let warmup = match summary.warmup_s > 0.0 {
        true => format!(" after {} of warm-up", nanoseconds(summary.warmup_s * 1e9)),
        false => String::new(),
    };
    let mut text = String::new();
    for target in &summary.targets {
        text.push_str(target);
        text.push('\n');
    }
    text + &format!("{arrival}, {connections}{streams}, {threads}, {window}{warmup}{stopped}\n")
}

/// The rate that was asked for, with its spelling where that says more.
fn asked(summary: &Summary) -> String {
    let target = summary.target_per_second.unwrap_or(0.0);
    let rate = format!("{} requests/s", asked_rate(target));
    match &summary.asked {
        Some(Asked::Rate(typed)) if typed.contains('/') && !typed.ends_with("/s") => {
            format!("{rate} (--rate {typed})")
        }
        Some(Asked::Rate(_)) | None => rate,
        Some(Asked::Ramp(typed)) => format!("--ramp {typed} ({rate} on average)"),
        Some(Asked::Stages(typed)) => format!("--stages {typed} ({rate} on average)"),
    }
}

/// Requests that were sent late, by why.
fn sent_late(summary: &Summary) -> String {
    let late = &summary.sent_late;
    let reasons = [
        (late.connections_busy, "while all connections were waiting for responses"),
        (late.no_connection, "while no connection could be made"),
        (late.generator_held_up, "while bench itself was held up"),
    ];
    let reasons = reasons.iter().filter(|(number, _)| *number > 0);
    let reasons: Vec<_> =
        reasons.map(|(number, reason)| format!("{} {reason}", count(*number))).collect();
    reasons.join(", ")
}

fn rates(summary: &Summary) -> String {
    let mut text = String::from("\n");
    let mut line = |name: &str, value: &str, more: &str| {
        let _ = writeln!(text, "  {name:<14}{value:>12}   {more}");
    };
    let of_target = summary
        .achieved
        .map_or_else(String::new, |achieved| format!("{} of the target", percent(achieved)));
    line("requests/s", &rate(summary.requests_per_second), &of_target);
    if summary.good_per_second < summary.requests_per_second {
        line("good/s", &rate(summary.good_per_second), "");
    }
    let sent = match summary.is_closed() {
        true => String::new(),
        false => format!("{} scheduled, {} sent", count(summary.scheduled), count(summary.sent)),
    };
    line("responses", &count(summary.requests), &sent);
    if summary.unfinished > 0 {
        line("unfinished", &count(summary.unfinished), "without a response when it was stopped");
    }
    if summary.sent_late.total() > 0 && !summary.is_closed() {
        line("sent late", &count(summary.sent_late.total()), &sent_late(summary));
    }
    let a_second = format!("{}/s", bytes(summary.bytes.received_per_second));
    line("received", &bytes(float(summary.bytes.received)), &a_second);
    text.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The table of times: latency, and what it is made of.
fn times(summary: &Summary) -> String {
    let mut text = format!("\n  {:<10}", "");
    for name in ["mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"] {
        let _ = write!(text, "{name:>9}");
    }
    text.push('\n');
    for (name, times) in [
        ("latency", &summary.latency),
        ("service", &summary.service_time),
        ("lateness", &summary.lateness),
        ("failures", &summary.failure_time),
    ] {
        if times.count > 0 && (name != "lateness" || !summary.is_closed()) {
            let doubtful = summary.latency_doubtful && ["latency", "service"].contains(&name);
            text += &row(&format!("{name}{}", if doubtful { " ?" } else { "" }), times);
        }
    }
    if summary.latency_doubtful && summary.latency.count > 0 {
        text += "  ?: doubtful, bench itself was held up or at its limit: see the warning\n";
    }
    let withheld = PERCENTILES.iter().find(|(_, quantile)| {
        summary.latency.count > 0 && summary.latency.count < needed(*quantile)
    });
    if let Some((name, quantile)) = withheld {
        let (name, needed) = (name.replace('_', "."), count(needed(*quantile)));
        let _ = writeln!(text, "  -: too few requests; {name} needs {needed}");
    }
    text
}

fn row(name: &str, times: &Times) -> String {
    // All but p75, for which there is no room.
    let [p50, _, beyond @ ..] = times.percentiles();
    let mut line = format!("  {name:<10}");
    let shown = [times.mean_ms, p50].into_iter().chain(beyond).chain([times.max_ms]);
    for value in shown {
        let text = value.map_or_else(|| "-".to_owned(), |value| nanoseconds(value * 1e6));
        let _ = write!(line, "{text:>9}");
    }
    line + "\n"
}

/// Bars of equal steps from the shortest to the 99th percentile; the last one has all beyond.
fn histogram(latency: &Distribution) -> String {
    let (Some(low), Some(high)) = (latency.min(), latency.quantile(0.99)) else {
        return String::new();
    };
    let max = latency.max().unwrap_or(high);
    // Fewer requests than bars would leave most of them empty; equal times are one bar.
    let number = if low == max { 1 } else { BARS.min(latency.count()).max(1) };
    let step = (high.saturating_sub(low) / number).max(1);
    let mut bars = Vec::new();
    let mut from = low;
    for bar in 1..=number {
        let to = if bar == number { max } else { low + step * bar };
        if from <= to {
            bars.push((to, latency.between(from, to)));
        }
        from = to + 1;
    }
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let mut text = String::from("\n");
    for (to, number) in bars {
        let length = usize::try_from(whole((share(number, most) * LONGEST_BAR).ceil()));
        let bar = "■".repeat(length.unwrap_or(0));
        let line = format!("  {:>9} {:>11}  {bar}", nanoseconds(float(to)), count(number));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// All percentiles, each step halving what is beyond.
fn full_spectrum(latency: &Distribution) -> String {
    let mut text = String::from("\n  percentile    latency\n");
    let mut beyond = 0.5;
    while let Some(value) = latency.told(1.0 - beyond) {
        let percentile = format!("{:.6}", (1.0 - beyond) * 100.0);
        let percentile = percentile.trim_end_matches('0').trim_end_matches('.');
        let _ = writeln!(text, "  {percentile:>10}{:>11}", nanoseconds(float(value)));
        beyond /= 2.0;
    }
    let max = latency.max().map_or_else(String::new, |max| nanoseconds(float(max)));
    let _ = writeln!(text, "  {:>10}{max:>11}", "100");
    text
}

/// Answers by status and failures by kind.
fn outcomes(summary: &Summary) -> String {
    let all = summary.requests + summary.failed;
    let mut text = String::from("\n");
    for (status, number) in &summary.statuses {
        let share = percent(share(*number, all));
        let _ = writeln!(text, "  status {status:<7}{:>12}   {share}", count(*number));
    }
    for (kind, failures) in &summary.failures {
        let share = percent(share(failures.count, all));
        let number = count(failures.count);
        let _ = writeln!(text, "  {kind:<14}{number:>12}   {share}   {}", failures.first);
    }
    text
}

fn connections(summary: &Summary) -> String {
    let connections = &summary.connections;
    let mut text = format!("  connections   {:>12}   ", count(connections.made));
    let mut parts = Vec::new();
    for (name, times) in [
        ("resolve", &connections.resolve),
        ("connect", &connections.connect),
        ("tls", &connections.tls),
    ] {
        if let (Some(mean), Some(max)) = (times.mean_ms, times.max_ms) {
            let (mean, max) = (nanoseconds(mean * 1e6), nanoseconds(max * 1e6));
            parts.push(format!("{name} {mean} (max {max})"));
        }
    }
    for (number, what) in [
        (connections.reconnects, "made anew"),
        (connections.failed, "refused or failed"),
        (connections.repeated, "requests repeated on a new one"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", count(number)));
        }
    }
    text += &parts.join(", ");
    text.trim_end().to_owned() + "\n"
}

fn terms(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for Verdict { term, measured, met } in verdicts {
        let word = match met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "cannot be told",
        };
        let _ = write!(text, "\n  slo {term:<16} {word}: {measured}");
    }
    if !verdicts.is_empty() {
        text.push('\n');
    }
    text
}

/// The steps of a search and what they come to.
#[must_use]
pub fn search(search: &Search) -> String {
    let mut text = String::from("      target   achieved        p50        p99     errors\n");
    for step in &search.steps {
        let time = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| nanoseconds(value * 1e6))
        };
        let _ = writeln!(
            text,
            "  {:>8}/s {:>10} {:>10} {:>10} {:>10}   {}{}",
            asked_rate(step.target_per_second),
            step.achieved.map_or_else(|| "-".to_owned(), percent),
            time(step.p50_ms),
            time(step.p99_ms),
            percent(step.errors),
            step.verdict,
            if step.confirming && step.met { ", confirmed" } else { "" }
        );
    }
    let _ = writeln!(text, "\n{}", search.conclusion);
    text
}
