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
/// Longest time until it has its share.
const MOST_SECONDS: f64 = 2.0;
/// Most throughput that a kill may cost, in seconds of it.
const MOST_LOST: f64 = 2.0;
/// Between a scale-down and the next scale-up.
const PAUSE: Duration = Duration::from_secs(3);
/// After the new replica is ready, until the rate counts as steady.
const STEADY: f64 = 4.0;
/// After the kill.
const AFTERMATH: Duration = Duration::from_secs(12);
/// Reports flush about once a second, which is too coarse for this figure alone.
const SETTINGS: [(&str, &str); 1] = [("WORKER_FLUSH_INTERVAL", "100ms")];

/// One replica more and its end.
struct Round {
    first_answer: f64,
    share: f64,
    loss: Loss,
    failures: Counts,
    /// Most failures of one worker.
    most: u64,
}

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    let mut app = App::start(lab, &["--worker", "10", "--rng", "1"], &SETTINGS).await?;
    app.until_counting().await?;
    let count = lab.choose(5, 1);
    let mut rounds = Vec::new();
    for number in 1..=count {
        lab.note(&format!("  round {number} of {count}"));
        rounds.push(round(lab, &mut app).await?);
    }
    app.stop().await?;
    Ok(section(&rounds))
}

async fn round(lab: &Lab, app: &mut App) -> anyhow::Result<Round> {
    scale(lab, app, "1").await?;
    tokio::time::sleep(PAUSE).await;
    app.bench.skip_lines();
    let mut history = History::of(app.webui);
    history.during(tokio::time::sleep(Duration::from_secs(2))).await;
    history.during(scale(lab, app, "2")).await?;
    let is_ready = |line: &str| line.starts_with(NEW) && line.ends_with("| ready");
    let ready = app.bench.line(is_ready).await?.at;
    let calm = Duration::from_secs(lab.choose(24, 14));
    history.during(tokio::time::sleep(calm)).await;
    let words = ["service", "rng", "--replica", NEW];
    let victim = procfs::child(app.bench.pid(), &words)?;
    let killed = Instant::now();
    running::kill(victim)?;
    history.during(tokio::time::sleep(AFTERMATH)).await;
    let (ready, killed) = (history.time(ready), history.time(killed));
    read(&history, ready, killed)
}

/// Scales rng of the running app; bench returns once every replica serves.
async fn scale(lab: &Lab, app: &App, rng: &str) -> anyhow::Result<()> {
    let arguments = ["--rng", rng, "--duration", "1s", "--warmup", "0s"];
    app.scale(lab, &arguments).await.map(drop)
}

fn read(history: &History, ready: f64, killed: f64) -> anyhow::Result<Round> {
    let looks = history.looks();
    let first_answer = history::first_answer_after(looks, NEW, ready);
    let share = history::share_after(looks, NEW, ready, SHARE);
    let loss = history::loss(looks, ready + STEADY, killed);
    let (failures, most) = history::failures(looks, killed, killed + AFTERMATH.as_secs_f64());
    Ok(Round {
        first_answer: first_answer.context("the new replica answered nothing")?,
        share: share.context("the new replica never had its share")?,
        loss: loss.context("the rate did not come back after the kill")?,
        failures,
        most,
    })
}

impl Round {
    fn lost_seconds(&self) -> f64 {
        self.loss.hashes / self.loss.before
    }

    fn row(&self) -> [String; 7] {
        let failures = self.failures.iter().map(|(kind, count)| format!("{count} {kind}"));
        let failures: Vec<_> = failures.collect();
        [
            format!("{:.2}", self.first_answer),
            format!("{:.2}", self.share),
            format!("{:.2}", self.loss.before),
            format!("{:.1}", self.loss.recovered_after),
            format!("{:.1}", self.loss.hashes),
            format!("{:.2}", self.lost_seconds()),
            if failures.is_empty() { "none".to_owned() } else { failures.join(", ") },
        ]
    }
}

fn section(rounds: &[Round]) -> Section {
    let mut section = Section::default();
    let mut at_most = |asked: &str, limit: f64, unit: &str, value: fn(&Round) -> f64| {
        let worst = largest(rounds.iter().map(value));
        let middle = median(rounds.iter().map(value));
        let said = format!("{middle:.2}{unit}, at worst {worst:.2}{unit} (n = {})", rounds.len());
        section.check(asked, said, worst <= limit);
    };
    at_most("new replica has its share within 2 s", MOST_SECONDS, " s", |round| round.share);
    at_most("kill: at most 2 s of throughput lost", MOST_LOST, " s", Round::lost_seconds);
    let most = rounds.iter().map(|round| round.most).max().unwrap_or(0);
    let all: u64 = rounds.iter().flat_map(|round| round.failures.values()).sum();
    section.check(
        "kill: only requests in flight fail, at most one a worker",
        format!(
            "{:.1} failures a kill, at most {most} at one worker",
            float(all) / float(rounds.len() as u64)
        ),
        most <= 1,
    );
    section.text(
        "Ten workers; rng scaled from one replica to two, then the second killed with SIGKILL, \
         which `bench up` restarts. Workers report every 100 ms at most, and at the start of a \
         loop; reports are read every 100 ms. Share: from the replica's `ready` until it had 45 % \
         of the requests of the second before, so that 1 s is about the least that can be seen. \
         Lost: hashes behind the rate before the kill once the rate is back, divided by that rate.",
    );
    let header = [
        "first answer s",
        "share s",
        "hashes/s before",
        "rate back s",
        "hashes lost",
        "seconds lost",
        "failed requests",
    ];
    section.table(header, rounds.iter().map(Round::row).collect());
    section.command("WORKER_FLUSH_INTERVAL=100ms target/release/bench up --worker 10 --rng 1");
    section.command("target/release/bench scale --rng 2 --duration 1s --warmup 0s");
    section.command("kill -9 $(pgrep -f 'service rng .*--replica rng.2$')");
    section.command("curl -s http://127.0.0.1:8000/api/observation | jq '.merged | .loops, .rng_replicas, .errors'");
    section
}
