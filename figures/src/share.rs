//! Figure `share`: how soon a new rng replica is used, and what is lost when one is killed.

use std::time::Duration;

use anyhow::Context as _;
use observation::Counts;
use tokio::time::Instant;

use crate::app::App;
use crate::history::{self, History, Loss};
use crate::lab::Lab;
use crate::procfs;
use crate::running;
use crate::section::Section;
use crate::stats::{float, largest, median};

/// The replica that comes and is killed.
const NEW: &str = "rng.2";
/// What counts as its share of two: 50 %, less the steps in which workers report.
const SHARE: f64 = 0.45;
/// Longest time until its share begins.
const MOST_SECONDS: f64 = 2.0;
/// Most throughput that a kill may cost, in seconds of it.
const MOST_LOST: f64 = 2.0;
/// Between a scale-down and the next scale-up.
const PAUSE: Duration = Duration::from_secs(3);
/// After the new replica is ready, until the rate counts as steady.
const STEADY: f64 = 4.0;
/// After a new replica is there.
const AFTER_ARRIVAL: Duration = Duration::from_secs(5);
/// After the kill.
const AFTERMATH: Duration = Duration::from_secs(12);
/// Workers report about once a second, which is too coarse for this figure alone.
const FLUSH: (&str, &str) = ("WORKER_FLUSH_INTERVAL", "100ms");
/// Without a queue an answer comes one service time after its request, so that answers tell of
/// requests; else the old replica's queue goes on to be answered long after the new one has half
/// of all requests.
const NO_QUEUE: (&str, &str) = ("RNG_CONCURRENCY", "0");

/// A replica that came.
struct Arrival {
    first_answer: f64,
    share: f64,
}

/// A replica that came, stayed a while and was killed.
struct Kill {
    arrival: Arrival,
    loss: Loss,
    failures: Counts,
    /// Most failures of one worker.
    most: u64,
}

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    let count = lab.choose(5, 1);
    let mut arrivals = Vec::new();
    let mut app = start(lab, &[FLUSH, NO_QUEUE]).await?;
    for number in 1..=count {
        lab.note(&format!("  arrival {number} of {count}"));
        let (mut history, ready) = add_replica(lab, &mut app).await?;
        history.during(tokio::time::sleep(AFTER_ARRIVAL)).await;
        arrivals.push(Arrival::of(&history, ready)?);
    }
    app.stop().await?;
    let mut kills = Vec::new();
    let mut app = start(lab, &[FLUSH]).await?;
    for number in 1..=count {
        lab.note(&format!("  kill {number} of {count}"));
        kills.push(kill(lab, &mut app).await?);
    }
    app.stop().await?;
    Ok(section(&arrivals, &kills))
}

async fn start(lab: &Lab, settings: &[(&str, &str)]) -> anyhow::Result<App> {
    let app = App::start(lab, &["--worker", "10", "--rng", "1"], settings).await?;
    app.until_counting().await?;
    Ok(app)
}

/// Goes back to one replica, then adds the new one; returns when that was ready.
async fn add_replica(lab: &Lab, app: &mut App) -> anyhow::Result<(History, f64)> {
    scale(lab, app, "1").await?;
    tokio::time::sleep(PAUSE).await;
    app.bench.skip_lines();
    let mut history = History::of(app.webui);
    history.during(tokio::time::sleep(Duration::from_secs(2))).await;
    history.during(scale(lab, app, "2")).await?;
    let is_ready = |line: &str| line.starts_with(NEW) && line.ends_with("| ready");
    let ready = app.bench.line(is_ready).await?.at;
    let ready = history.time(ready);
    Ok((history, ready))
}

async fn kill(lab: &Lab, app: &mut App) -> anyhow::Result<Kill> {
    let (mut history, ready) = add_replica(lab, app).await?;
    let calm = Duration::from_secs(lab.choose(24, 14));
    history.during(tokio::time::sleep(calm)).await;
    let words = ["service", "rng", "--replica", NEW];
    let victim = procfs::child(app.bench.pid(), &words)?;
    let killed = history.time(Instant::now());
    running::kill(victim)?;
    history.during(tokio::time::sleep(AFTERMATH)).await;
    let looks = history.looks();
    let (failures, most) = history::failures(looks, killed, killed + AFTERMATH.as_secs_f64());
    let loss = history::loss(looks, ready + STEADY, killed);
    Ok(Kill {
        arrival: Arrival::of(&history, ready)?,
        loss: loss.context("the rate did not come back after the kill")?,
        failures,
        most,
    })
}

/// Scales rng of the running app; bench returns once every replica serves.
async fn scale(lab: &Lab, app: &App, rng: &str) -> anyhow::Result<()> {
    let arguments = ["--rng", rng, "--duration", "1s", "--warmup", "0s"];
    app.scale(lab, &arguments).await.map(drop)
}

impl Arrival {
    fn of(history: &History, ready: f64) -> anyhow::Result<Self> {
        let looks = history.looks();
        let first_answer = history::first_answer_after(looks, NEW, ready);
        let share = history::share_after(looks, NEW, ready, SHARE);
        Ok(Self {
            first_answer: first_answer.context("the new replica answered nothing")?,
            share: share.context("the new replica never had its share")?,
        })
    }
}

impl Kill {
    fn lost_seconds(&self) -> f64 {
        self.loss.hashes / self.loss.before
    }

    fn row(&self) -> [String; 7] {
        let failures = self.failures.iter().map(|(kind, count)| format!("{count} {kind}"));
        let failures: Vec<_> = failures.collect();
        [
            format!("{:.2}", self.arrival.first_answer),
            format!("{:.2}", self.arrival.share),
            format!("{:.2}", self.loss.before),
            format!("{:.1}", self.loss.recovered_after),
            format!("{:.1}", self.loss.hashes),
            format!("{:.2}", self.lost_seconds()),
            if failures.is_empty() { "none".to_owned() } else { failures.join(", ") },
        ]
    }
}

fn section(arrivals: &[Arrival], kills: &[Kill]) -> Section {
    let mut section = Section::default();
    let mut at_most = |asked: &str, limit: f64, values: Vec<f64>| {
        let (middle, worst) = (median(values.iter().copied()), largest(values.iter().copied()));
        let said = format!("{middle:.2} s, at worst {worst:.2} s (n = {})", values.len());
        section.check(asked, said, worst <= limit);
    };
    let shares = arrivals.iter().map(|arrival| arrival.share);
    at_most("new replica has its share within 2 s", MOST_SECONDS, shares.collect());
    let lost = kills.iter().map(Kill::lost_seconds);
    at_most("kill: at most 2 s of throughput lost", MOST_LOST, lost.collect());
    let most = kills.iter().map(|kill| kill.most).max().unwrap_or(0);
    let all: u64 = kills.iter().flat_map(|kill| kill.failures.values()).sum();
    let each = float(all) / float(kills.len() as u64);
    section.check(
        "kill: at most one failed request of each worker",
        format!("{each:.1} failed requests a kill, at most {most} of one worker"),
        most <= 1,
    );
    section.text(NEW_REPLICA);
    let rows = arrivals.iter();
    let rows = rows.map(|a| [format!("{:.2}", a.first_answer), format!("{:.2}", a.share)]);
    section.table(["first answer s", "share from s"], rows.collect());
    section.text(KILLED_REPLICA);
    let header = [
        "first answer s",
        "share from s",
        "hashes/s before",
        "rate back s",
        "hashes lost",
        "seconds lost",
        "failed requests",
    ];
    section.table(header, kills.iter().map(Kill::row).collect());
    for line in COMMANDS {
        section.command(line);
    }
    section
}

const NEW_REPLICA: &str = "New replica: ten workers, rng scaled from one replica to two. Both \
    without a limit of requests at a time, so that nobody queues and answers tell of requests. \
    Share: from the replica's `ready` to the beginning of the first second in which it gave at \
    least 45 % of the answers, as the workers reported them: every 100 ms at most and at the start \
    of a loop, read every 100 ms.";

const KILLED_REPLICA: &str = "Killed replica: ten workers and two nominal rng replicas, the second \
    killed with SIGKILL; `bench up` restarts it. Lost: hashes behind the rate before, once the \
    rate is back, and divided by that rate. Failed requests are asked again: stale \
    and closed ones had a connection that broke, a connect went to the dead replica before it was off the list. The first two columns are as above, but here the old \
    replica still answers a queue of eight, which delays the new one's share of the answers.";

const COMMANDS: [&str; 5] = [
    "RNG_CONCURRENCY=0 WORKER_FLUSH_INTERVAL=100ms target/release/bench up --worker 10 --rng 1",
    "target/release/bench scale --rng 2 --duration 1s --warmup 0s",
    "curl -s http://127.0.0.1:8000/api/observation | jq '.merged | .loops, .rng_replicas, .errors'",
    "WORKER_FLUSH_INTERVAL=100ms target/release/bench up --worker 10 --rng 2",
    "kill -9 $(pgrep -f 'service rng .*--replica rng.2$')",
];
