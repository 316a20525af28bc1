//! Figure `load-speed`: what a request costs each load generator, where the generator is what
//! limits. It does not judge answers: every tool gets the same ones.

use anyhow::{Context as _, ensure};

use super::client::{Client, Job};
use super::read::strace;
use super::rounds::{Spread, orders};
use super::server::Server;
use super::{MEGABYTE, check_cores, meter};
use crate::lab::Lab;
use crate::section::Section;
use crate::stats::{float, median};

const CLIENTS: [Client; 5] =
    [Client::Load, Client::LoadHyper, Client::Wrk, Client::Oha, Client::Hey];
/// The one the others are held against.
const WRK: usize = 2;
const CONNECTIONS: u32 = 64;
/// Most CPU for a request, in that of wrk.
const MOST_CPU: f64 = 0.85;
const MOST_CPU_OF_HYPER: f64 = 1.25;
/// Reads and writes for a request. Opening and closing, once a run, are in it.
const MOST_TRANSFERS: f64 = 2.05;
/// From here on it is the server that limits.
const BUSY: f64 = 0.97;

/// How a tool did, round by round.
#[derive(Default)]
struct Score {
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
    peak_megabytes: Vec<f64>,
    /// CPU of the server, in cores.
    server: Vec<f64>,
    calls: Calls,
}

/// System calls for a request.
#[derive(Default)]
struct Calls {
    transfers: f64,
    waits: f64,
    others: f64,
}

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    check_cores()?;
    let (rounds, seconds) = lab.choose((10, 2), (3, 1));
    let server = Server::start(lab, &[]).await?;
    let job =
        Job { url: server.url(), connections: CONNECTIONS, seconds, rate: None, timeout: None };
    let mut scores: [Score; CLIENTS.len()] = Default::default();
    lab.note(&format!("  {rounds} rounds of {} tools", CLIENTS.len()));
    for order in orders(rounds, CLIENTS.len()) {
        for index in order {
            let client = CLIENTS[index];
            let done = scores[index].round(lab, client, &job, &server).await;
            done.with_context(|| client.name())?;
        }
    }
    lab.note("  system calls");
    let short = Job { seconds: 1, ..job.clone() };
    for (client, score) in CLIENTS.into_iter().zip(&mut scores) {
        score.calls = trace(lab, client, &short).await.with_context(|| client.name())?;
    }
    let mut section = section(&scores, rounds, seconds);
    section.command("taskset -c 0 target/peers/server  # prints PORT");
    for client in CLIENTS {
        section.command(client.typed(&job).line(server.address.port()));
    }
    let traced = CLIENTS[0].typed(&short).line(server.address.port());
    section.command(traced.replacen("target/", "strace -f -c target/", 1));
    server.stop().await?;
    Ok(section)
}

impl Score {
    async fn round(
        &mut self,
        lab: &Lab,
        client: Client,
        job: &Job,
        server: &Server,
    ) -> anyhow::Result<()> {
        let before = server.cpu_seconds()?;
        let run = meter::run(lab, &client.typed(job)).await?;
        let used = server.cpu_seconds()? - before;
        let outcome = client.read(run.text()?)?;
        ensure!(outcome.failures == 0, "{} requests failed", outcome.failures);
        self.rates.push(outcome.requests_per_second);
        self.cpu_us.push(run.cpu_seconds * 1e6 / float(outcome.requests));
        self.peak_megabytes.push(run.peak_bytes / MEGABYTE);
        self.server.push(used / f64::from(job.seconds));
        Ok(())
    }

    fn row(&self, client: Client, wrk: &Self) -> [String; 8] {
        let Calls { transfers, waits, others } = self.calls;
        [
            client.name().to_owned(),
            Spread::of(self.cpu_us.iter().copied()).words(2),
            Spread::ratio(&self.cpu_us, &wrk.cpu_us).words(2),
            format!("{:.0}", median(self.rates.iter().copied())),
            Spread::ratio(&self.rates, &wrk.rates).words(2),
            format!("{:.1}", median(self.peak_megabytes.iter().copied())),
            format!("{transfers:.2} + {waits:.2} + {others:.2}"),
            format!("{:.0} %", 100.0 * median(self.server.iter().copied())),
        ]
    }
}

/// System calls of one more run, which is slow, so that nothing else is taken from it.
async fn trace(lab: &Lab, client: Client, job: &Job) -> anyhow::Result<Calls> {
    let (text, table) = meter::trace(lab, &client.typed(job)).await?;
    let calls = strace::read(&table)?;
    let requests = float(client.read(&text)?.requests);
    Ok(Calls {
        transfers: float(calls.transfers) / requests,
        waits: float(calls.waits) / requests,
        others: float(calls.others) / requests,
    })
}

fn section(scores: &[Score; CLIENTS.len()], rounds: usize, seconds: u32) -> Section {
    let mut section = Section::default();
    let wrk = &scores[WRK];
    for (index, most) in [(0, MOST_CPU), (1, MOST_CPU_OF_HYPER)] {
        let ratio = Spread::ratio(&scores[index].cpu_us, &wrk.cpu_us);
        section.check(
            format!("{}: at most {most} of wrk's CPU a request", CLIENTS[index].name()),
            format!("{}, n = {rounds}", ratio.words(2)),
            ratio.median <= most,
        );
    }
    let ratio = Spread::ratio(&scores[0].rates, &wrk.rates);
    section.check(
        "bench load: at least wrk's requests/s",
        format!("{} of wrk's, n = {rounds}", ratio.words(2)),
        ratio.median >= 1.0,
    );
    let transfers = scores[0].calls.transfers;
    section.check(
        "bench load: two reads and writes a request",
        format!("{transfers:.2}"),
        transfers <= MOST_TRANSFERS,
    );
    section.text(format!(
        "One thread, {CONNECTIONS} kept connections, the next request as soon as the last is \
         answered. The server, which says the same to everybody, has core 0, each tool core 1. \
         {rounds} rounds of {seconds} s in which every tool has one turn, in shuffled order. Medians \
         (least to most); shares of wrk's are taken round by round. CPU: user and system time of \
         the whole process, its start included, divided by the answers it counted. Memory: most at \
         once. System calls: reads and writes + waits for readiness + all others, from one more run \
         under strace. Server: its CPU time; above {:.0} % the server is what limits, and requests/s \
         say little about the tool.",
        BUSY * 100.0
    ));
    let busy = CLIENTS.iter().zip(scores).filter(|(_, score)| {
        let server = median(score.server.iter().copied());
        server > BUSY
    });
    let busy: Vec<&str> = busy.map(|(client, _)| client.name()).collect();
    if !busy.is_empty() {
        section.text(format!("The server was what limited: {}.", busy.join(", ")));
    }
    let rows = CLIENTS.iter().zip(scores).map(|(client, score)| score.row(*client, wrk));
    let header = [
        "tool",
        "CPU µs a request",
        "of wrk's",
        "requests/s",
        "of wrk's",
        "MB",
        "system calls a request",
        "server",
    ];
    section.table(header, rows.collect());
    section
}
