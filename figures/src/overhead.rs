//! Figure `overhead`: what rng and hasher add to a hyper server that answers a constant. The
//! contestants take turns, so that a machine that changes its speed changes it for all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::process::Command;

use crate::lab::{self, Lab};
use crate::running::Running;
use crate::section::Section;
use crate::stats::{largest, median, smallest};
use crate::wrk::{Burst, burst};

/// Share of the bare server's requests per second that is asked for.
const ASKED: f64 = 0.9;
/// A request as hasher gets it from the worker: 32 bytes.
const SCRIPT: &str = "wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", 32)\n";
const SCRIPT_NAME: &str = "post.lua";

/// A match: the bare server first, then the service as it is asked about, then variants that show
/// what its parts cost.
struct Match {
    asked: &'static str,
    post: bool,
    entries: &'static [Entry],
}

/// A server and what it is asked for.
struct Entry {
    program: &'static str,
    arguments: &'static [&'static str],
    path: &'static str,
}

/// An entry that runs, and how it did in each round.
struct Contestant {
    entry: &'static Entry,
    server: Running,
    url: String,
    bursts: Vec<Burst>,
}

const fn entry(
    program: &'static str,
    arguments: &'static [&'static str],
    path: &'static str,
) -> Entry {
    Entry { program, arguments, path }
}

const MATCHES: [Match; 2] = [
    Match {
        asked: "rng `GET /32`",
        post: false,
        entries: &[
            entry("bare", &["32"], "/32"),
            entry("rng", &["--service-time", "0"], "/32"),
            entry("rng", &["--service-time", "0", "--concurrency", "0"], "/32"),
            entry("rng", &["--service-time", "0"], "/"),
        ],
    },
    Match {
        asked: "hasher `POST /` of 32 bytes",
        post: true,
        entries: &[
            entry("bare", &["64"], "/"),
            entry("hasher", &["--service-time", "0"], "/"),
            entry("hasher", &["--service-time", "0", "--concurrency", "0"], "/"),
        ],
    },
];

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    if std::thread::available_parallelism().map_or(1, std::num::NonZero::get) < 2 {
        bail!("needs two cores, one for the server and one for wrk");
    }
    let folder = lab::folder()?;
    let script = folder.path().join(SCRIPT_NAME);
    fs::write(&script, SCRIPT).context("cannot write wrk's script")?;
    let (rounds, seconds) = lab.choose((11, 3), (3, 1));
    let mut section = Section::default();
    section.text(format!(
        "Service time 0. The server has core 0, `wrk -t1 -c64 -d{seconds}s` core 1. Medians of \
         {rounds} rounds; in each round every server is measured once, in turn, and its \
         requests/s are divided by those of the bare server in that round. CPU: user and system \
         time of the server divided by wrk's requests."
    ));
    for contest in &MATCHES {
        lab.note(&format!("  {}, {rounds} rounds", contest.asked));
        let script = contest.post.then_some(script.as_path());
        let contestants = play(lab, contest, rounds, seconds, script).await?;
        report(&mut section, contest, &contestants);
    }
    for contest in &MATCHES {
        commands(&mut section, contest, seconds);
    }
    Ok(section)
}

async fn play(
    lab: &Lab,
    contest: &Match,
    rounds: usize,
    seconds: u32,
    script: Option<&Path>,
) -> anyhow::Result<Vec<Contestant>> {
    let mut contestants = Vec::new();
    for entry in contest.entries {
        contestants.push(Contestant::start(lab, entry).await?);
    }
    for round in 0..rounds {
        // There and back, so that nobody always comes after the same one.
        let order: Vec<usize> = match round.is_multiple_of(2) {
            true => (0..contestants.len()).collect(),
            false => (0..contestants.len()).rev().collect(),
        };
        for index in order {
            let contestant = &mut contestants[index];
            let pid = contestant.server.pid();
            contestant.bursts.push(burst(pid, &contestant.url, script, seconds).await?);
        }
    }
    Ok(contestants)
}

impl Contestant {
    async fn start(lab: &Lab, entry: &'static Entry) -> anyhow::Result<Self> {
        let program: PathBuf = lab.program(entry.program)?;
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program).args(entry.typed());
        let mut server = Running::start(entry.program, command)?;
        let address = server.address().await?;
        let url = format!("http://{address}{}", entry.path);
        Ok(Self { entry, server, url, bursts: Vec::new() })
    }

    /// Median, smallest and largest share of the requests per second of `bare`.
    fn shares(&self, bare: &Self) -> [f64; 3] {
        let rate = |burst: &Burst| burst.requests_per_second;
        let pairs = self.bursts.iter().zip(&bare.bursts);
        let shares: Vec<f64> = pairs.map(|(own, bare)| rate(own) / rate(bare)).collect();
        [median(shares.iter().copied()), smallest(shares.clone()), largest(shares)]
    }

    fn cpu_us(&self) -> f64 {
        median(self.bursts.iter().map(|burst| burst.cpu_us))
    }

    fn row(&self, bare: &Self) -> [String; 5] {
        let [share, ..] = self.shares(bare);
        [
            format!("`{} {}`", self.entry.program, self.entry.arguments.join(" ")),
            format!("`{}`", self.entry.path),
            format!("{:.0}", median(self.bursts.iter().map(|burst| burst.requests_per_second))),
            format!("{:.1} %", share * 100.0),
            format!("{:.2} ({:+.2})", self.cpu_us(), self.cpu_us() - bare.cpu_us()),
        ]
    }
}

impl Entry {
    /// Its arguments, with a free port for those that are told one; bare takes one by itself.
    fn typed(&self) -> Vec<&'static str> {
        let listen: &[&str] = match self.program {
            "bare" => &[],
            _ => &["--address", "127.0.0.1", "--port", "0"],
        };
        self.arguments.iter().chain(listen).copied().collect()
    }
}

fn report(section: &mut Section, contest: &Match, contestants: &[Contestant]) {
    let [bare, service, ..] = contestants else { return };
    let [share, least, most] = service.shares(bare);
    section.check(
        format!("{}: at least {:.0} % of bare hyper", contest.asked, ASKED * 100.0),
        format!(
            "{:.1} % ({:.1} to {:.1}, n = {}); {:+.2} µs of CPU a request",
            share * 100.0,
            least * 100.0,
            most * 100.0,
            service.bursts.len(),
            service.cpu_us() - bare.cpu_us()
        ),
        share >= ASKED,
    );
    let rows = contestants.iter().map(|contestant| contestant.row(bare)).collect();
    let header = ["server", "path", "requests/s", "of bare", "CPU µs a request (over bare)"];
    section.table(header, rows);
}

fn commands(section: &mut Section, contest: &Match, seconds: u32) {
    let script = if contest.post { format!(" -s {SCRIPT_NAME}") } else { String::new() };
    if contest.post {
        let lua = SCRIPT.trim_end().replace('\n', "; ");
        section.command(format!("echo '{lua}' > {SCRIPT_NAME}"));
    }
    for entry in contest.entries.iter().take(2) {
        let typed = entry.typed().join(" ");
        section.command(format!(
            "taskset -c 0 target/release/{} {typed}  # prints PORT",
            entry.program
        ));
        section.command(format!(
            "taskset -c 1 wrk -t1 -c64 -d{seconds}s{script} http://127.0.0.1:PORT{}",
            entry.path
        ));
    }
}
