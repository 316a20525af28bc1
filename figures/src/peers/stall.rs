//! Figure `load-stall`: whether a load generator tells what its users would have met when the server
//! stops answering for a while, and whether it keeps to its schedule when the server does not.

use anyhow::Context as _;

use super::client::{Client, Job};
use super::read::Outcome;
use super::server::Server;
use super::{check_cores, meter, pace};
use crate::lab::Lab;
use crate::section::Section;
use crate::stats::float;

const CLIENTS: [Client; 4] = [Client::Load, Client::Oha, Client::Wrk, Client::Hey];
const CONNECTIONS: u32 = 16;
const RATE: u32 = 1000;
/// The quantiles that are asked for follow from it.
const SECONDS: u32 = 10;
const STALL_AT: u32 = 3;
/// Seconds of silence, and the limit on each request.
const STALLS: [(u32, Option<u32>); 2] = [(1, None), (3, Some(2))];
/// Share of the schedule that must be sent all the same.
const LEAST_SENT: f64 = 0.999;

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    check_cores()?;
    let mut section = Section::default();
    let mut tables = Vec::new();
    let mut commands = Vec::new();
    for (silence, timeout) in STALLS {
        let mut rows = Vec::new();
        let server = arguments(silence).join(" ");
        commands.push(format!(
            "taskset -c 0 target/peers/server {server}  # a new one for each, prints PORT"
        ));
        for client in CLIENTS {
            lab.note(&format!("  {} and {silence} s of silence", client.name()));
            let outcome = run(lab, client, silence, timeout, &mut commands).await;
            let outcome = outcome.with_context(|| client.name())?;
            if client == Client::Load {
                check(&mut section, silence, &outcome);
            }
            rows.push(row(client, &outcome));
        }
        tables.push((words(silence, timeout), rows));
    }
    let pace = pace::measure(lab).await?;
    pace.check(&mut section);
    section.text(format!(
        "{RATE} requests a second for {SECONDS} s over {CONNECTIONS} connections, by wrk, which knows \
         no rate, as many as it can. {STALL_AT} s after its first request the server answers nobody \
         for a while, then all at once. A request counts from the time it was due: of {SECONDS} s of \
         requests, one in ten was due in a second of silence and waited for what was left of it. So \
         95 % are answered within half a second and 99 % within 0.9 s. Sent: of the {} that were due; \
         oha and hey do not say what they sent, theirs is what was answered.",
        RATE * SECONDS
    ));
    for (title, rows) in tables {
        section.text(title);
        section.table(["tool", "sent", "p50 ms", "p95 ms", "p99 ms", "failed"], rows);
    }
    pace.tell(&mut section);
    for command in commands.into_iter().chain(pace.commands()) {
        section.command(command);
    }
    Ok(section)
}

async fn run(
    lab: &Lab,
    client: Client,
    silence: u32,
    timeout: Option<u32>,
    commands: &mut Vec<String>,
) -> anyhow::Result<Outcome> {
    let server = Server::start(lab, &arguments(silence)).await?;
    let job = Job {
        url: server.url(),
        connections: CONNECTIONS,
        seconds: SECONDS,
        rate: Some(RATE),
        timeout,
    };
    let typed = client.typed(&job);
    // What it thinks of the failures that are meant here is its own affair.
    let text = meter::run(lab, &typed).await?.text;
    commands.push(typed.line(server.address.port()));
    server.stop().await?;
    client.read(&text)
}

fn arguments(silence: u32) -> [String; 4] {
    ["--stall-at".to_owned(), STALL_AT.to_string(), "--stall-for".to_owned(), silence.to_string()]
}

fn words(silence: u32, timeout: Option<u32>) -> String {
    match timeout {
        Some(limit) => format!("{silence} s of silence, requests limited to {limit} s:"),
        None => format!("{silence} s of silence:"),
    }
}

/// Share that was sent of what was to be, by the rate that was typed; none of a tool that knows none.
fn sent(client: Client, outcome: &Outcome) -> Option<f64> {
    let told = outcome.schedule.map(|schedule| schedule.sent);
    let sent = told.unwrap_or(outcome.requests + outcome.failures);
    (client != Client::Wrk).then(|| float(sent) / f64::from(RATE * SECONDS))
}

fn check(section: &mut Section, silence: u32, outcome: &Outcome) {
    let quantile = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let (p95, p99) = (quantile(outcome.p95_ms), quantile(outcome.p99_ms));
    let share = sent(Client::Load, outcome).unwrap_or(f64::NAN);
    let name = format!("{silence} s of silence");
    section.check(
        format!("{name}: at least 99.9 % sent"),
        format!("{:.2} %", share * 100.0),
        share >= LEAST_SENT,
    );
    if silence == 1 {
        let asked = [("p95", 450.0..=550.0, p95), ("p99", 880.0..=920.0, p99)];
        for (quantile, range, value) in asked {
            let words = format!("{name}: {quantile} {} to {} ms", range.start(), range.end());
            section.check(words, format!("{value:.1} ms"), range.contains(&value));
        }
    } else {
        let words = format!("{name}, limit 2 s: p99 at least 1900 ms");
        section.check(words, format!("{p99:.1} ms"), p99 >= 1900.0);
    }
}

fn row(client: Client, outcome: &Outcome) -> [String; 6] {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let milliseconds = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.2}"));
    [
        client.name().to_owned(),
        sent(client, outcome).map_or("-".to_owned(), percent),
        milliseconds(outcome.p50_ms),
        milliseconds(outcome.p95_ms),
        milliseconds(outcome.p99_ms),
        outcome.failures.to_string(),
    ]
}
