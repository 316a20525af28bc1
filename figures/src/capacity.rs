//! Figure `capacity`: how many virtual workers one worker process carries before its speed falls
//! behind theirs, and which process is at its end then.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::http::Client;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

use crate::app;
use crate::lab::{self, Lab};
use crate::procfs;
use crate::running::Running;
use crate::section::Section;
use crate::stats::float;

/// Loop time without any waiting: think, rng and hasher, 100 ms each.
const LOOP_S: f64 = 0.3;
/// Virtual workers that the figure is about.
const ASKED_WORKERS: u32 = 3000;
/// Share of their speed that must be reached.
const ASKED: f64 = 0.98;
/// How often the counter is read when a flush is waited for.
const POLL: Duration = Duration::from_millis(10);
/// Longest wait for a flush, which comes about once a second.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);
/// The processes whose CPU time is shown, in the order they are kept.
const NAMES: [&str; 5] = ["worker", "rng", "hasher", "redis-server", "webui"];

/// The app as single processes.
struct Processes {
    running: [Running; 5],
    webui: Client,
    _redis_folder: TempDir,
}

/// What one number of virtual workers reached.
struct Step {
    workers: u32,
    hashes_per_second: f64,
    /// CPU seconds per second, of each process.
    cpu: [f64; 5],
    /// Of the whole machine, whoever used it.
    machine: f64,
    errors: u64,
}

/// The counter just after a flush.
struct Edge {
    at: f64,
    hashes: u64,
}

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    let workers: &[u32] =
        lab.choose(&[ASKED_WORKERS, 4500, 6000, 9000, 12_000], &[ASKED_WORKERS, 6000]);
    let (settle, window) = lab.choose((8, 20), (4, 5));
    let mut steps = Vec::new();
    for &workers in workers {
        lab.note(&format!("  {workers} virtual workers"));
        steps.push(step(lab, workers, settle, window).await?);
    }
    Ok(section(&steps, window))
}

async fn step(lab: &Lab, workers: u32, settle: u64, window: u64) -> anyhow::Result<Step> {
    let mut processes = Processes::start(lab, workers).await?;
    tokio::time::sleep(Duration::from_secs(settle)).await;
    let (cpu_before, clock) = (processes.cpu()?, Instant::now());
    let machine_before = procfs::machine_seconds()?;
    let first = edge(&mut processes.webui).await?;
    tokio::time::sleep(Duration::from_secs(window)).await;
    let last = edge(&mut processes.webui).await?;
    let seconds = clock.elapsed().as_secs_f64();
    let cpu_after = processes.cpu()?;
    let machine = (procfs::machine_seconds()? - machine_before) / seconds;
    let seen = app::observe(&mut processes.webui).await?;
    processes.stop().await?;
    Ok(Step {
        workers,
        hashes_per_second: float(last.hashes - first.hashes) / (last.at - first.at),
        cpu: std::array::from_fn(|index| (cpu_after[index] - cpu_before[index]) / seconds),
        machine,
        errors: seen.merged.errors.values().sum(),
    })
}

impl Processes {
    async fn start(lab: &Lab, workers: u32) -> anyhow::Result<Self> {
        let folder = lab::folder()?;
        let (redis, redis_address) = start_redis(folder.path()).await?;
        let redis_at = redis_address.to_string();
        let (rng, rng_address) = serve(lab, "rng", &["--concurrency", "0"]).await?;
        let (hasher, hasher_address) = serve(lab, "hasher", &["--concurrency", "0"]).await?;
        let (webui, webui_address) = serve(lab, "webui", &["--redis", &redis_at]).await?;
        let arguments = [
            "--rng",
            &rng_address.to_string(),
            "--hasher",
            &hasher_address.to_string(),
            "--redis",
            &redis_at,
            "--virtual-workers",
            &workers.to_string(),
        ];
        let worker = Running::start("worker", lab.command("worker", arguments)?)?;
        let running = [worker, rng, hasher, redis, webui];
        Ok(Self { running, webui: Client::new(webui_address), _redis_folder: folder })
    }

    /// CPU seconds that each has used so far.
    fn cpu(&self) -> anyhow::Result<[f64; 5]> {
        let mut seconds = [0.0; 5];
        for (seconds, running) in seconds.iter_mut().zip(&self.running) {
            *seconds = procfs::cpu_seconds(running.pid())?;
        }
        Ok(seconds)
    }

    async fn stop(self) -> anyhow::Result<()> {
        // The worker first, which still has something to count.
        for running in self.running {
            running.stop().await?;
        }
        Ok(())
    }
}

async fn serve(lab: &Lab, name: &str, arguments: &[&str]) -> anyhow::Result<(Running, SocketAddr)> {
    let listen = ["--address", "127.0.0.1", "--port", "0"];
    let mut running = Running::start(name, lab.command(name, arguments.iter().chain(&listen))?)?;
    let address = running.address().await?;
    Ok((running, address))
}

/// A redis-server that keeps nothing, on a port that was free just before.
async fn start_redis(folder: &std::path::Path) -> anyhow::Result<(Running, SocketAddr)> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    let address = free.context("no free port for redis-server")?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder);
    let mut redis = Running::start("redis-server", command)?;
    redis.line(|line| line.contains("Ready to accept connections")).await?;
    Ok((redis, address))
}

/// Waits for the counter to move. With one process that counts, a moved counter was moved by a
/// flush, and from flush to flush no loop is missed.
async fn edge(webui: &mut Client) -> anyhow::Result<Edge> {
    let begin = Instant::now();
    let mut before = read(webui).await?;
    while begin.elapsed() < FLUSH_TIMEOUT {
        tokio::time::sleep(POLL).await;
        let now = read(webui).await?;
        if now.hashes != before.hashes {
            return Ok(Edge { at: f64::midpoint(before.at, now.at), hashes: now.hashes });
        }
        before = now;
    }
    bail!("nothing was counted for {FLUSH_TIMEOUT:?}")
}

async fn read(webui: &mut Client) -> anyhow::Result<Edge> {
    #[derive(Deserialize)]
    struct Json {
        hashes: Option<String>,
        now: f64,
    }
    let json: Json = serde_json::from_slice(&webui.get("/json").await?)?;
    Ok(Edge { at: json.now, hashes: json.hashes.as_deref().unwrap_or("0").parse()? })
}

impl Step {
    fn ideal(&self) -> f64 {
        f64::from(self.workers) / LOOP_S
    }

    fn share(&self) -> f64 {
        self.hashes_per_second / self.ideal()
    }

    /// The process that worked most, and how much.
    fn busiest(&self) -> (&'static str, f64) {
        let pairs = NAMES.into_iter().zip(self.cpu);
        pairs.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("none", 0.0))
    }

    fn row(&self) -> [String; 11] {
        let [worker, rng, hasher, redis, webui] = self.cpu.map(|share| format!("{share:.2}"));
        [
            self.workers.to_string(),
            format!("{:.0}", self.hashes_per_second),
            format!("{:.1} %", self.share() * 100.0),
            worker,
            rng,
            hasher,
            redis,
            webui,
            format!("{:.2}", self.cpu.iter().sum::<f64>()),
            format!("{:.2}", self.machine),
            self.errors.to_string(),
        ]
    }
}

fn section(steps: &[Step], window: u64) -> Section {
    let mut section = Section::default();
    if let Some(step) = steps.iter().find(|step| step.workers == ASKED_WORKERS) {
        section.check(
            format!(
                "{ASKED_WORKERS} virtual workers: at least {:.0} % of {:.0}/s",
                ASKED * 100.0,
                step.ideal()
            ),
            format!("{:.0}/s, {:.1} %", step.hashes_per_second, step.share() * 100.0),
            step.share() >= ASKED,
        );
    }
    section.text(format!(
        "One process each of worker, rng, hasher, webui and redis-server on one machine; rng and \
         hasher without limit. hashes/s from the counter in Redis, from one flush to another over \
         {window} s. CPU in cores; \
         machine: all that ran, whoever started it."
    ));
    let header = [
        "virtual workers",
        "hashes/s",
        "of V/0.3",
        "worker",
        "rng",
        "hasher",
        "redis",
        "webui",
        "all five",
        "machine",
        "errors",
    ];
    section.table(header, steps.iter().map(Step::row).collect());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    section.text(match steps.iter().find(|step| step.share() < ASKED) {
        Some(step) => {
            let (name, busy) = step.busiest();
            format!(
                "It stops at {} virtual workers: {:.0} hashes/s, with {name} at {:.0} % of a core \
                 and the machine at {:.2} of {cores} cores.",
                step.workers,
                step.hashes_per_second,
                busy * 100.0,
                step.machine
            )
        }
        None => "It does not stop within these numbers of virtual workers.".to_owned(),
    });
    for line in [
        "redis-server --port 6390 --save '' --appendonly no",
        "target/release/rng --address 127.0.0.1 --port 8081 --concurrency 0",
        "target/release/hasher --address 127.0.0.1 --port 8082 --concurrency 0",
        "target/release/webui --address 127.0.0.1 --port 8080 --redis 127.0.0.1:6390",
        "target/release/worker --rng 127.0.0.1:8081 --hasher 127.0.0.1:8082 --redis 127.0.0.1:6390 --virtual-workers 3000",
        "curl -s http://127.0.0.1:8080/json; sleep 20; curl -s http://127.0.0.1:8080/json",
    ] {
        section.command(line);
    }
    section
}
