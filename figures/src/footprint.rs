//! Figure `footprint`: what the programs take when nobody asks them for anything, and how soon
//! the whole app answers.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bench::http::{Client, HttpError};
use tokio::time::Instant;

use crate::app::App;
use crate::lab::Lab;
use crate::procfs;
use crate::running::Running;
use crate::section::Section;
use crate::stats::{float, largest, median, smallest};

const MEGABYTE: f64 = 1e6;
const MOST_MEGABYTES: f64 = 8.0;
/// Longest time until every published port answers.
const MOST_SECONDS: f64 = 1.0;
/// How long a service is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);
/// How often a port that does not answer is asked again.
const POLL: Duration = Duration::from_millis(5);
/// Where nobody listens: connections are refused at once.
const REFUSED: &str = "127.0.0.1:1";
const LISTEN: [&str; 4] = ["--address", "127.0.0.1", "--port", "0"];

/// The services, each with what it must be told to stand alone.
const SERVICES: [(&str, &[&str]); 4] = [
    ("rng", &LISTEN),
    ("hasher", &LISTEN),
    ("worker", &["--rng", REFUSED, "--hasher", REFUSED, "--redis", REFUSED]),
    ("webui", &["--address", "127.0.0.1", "--port", "0", "--redis", REFUSED]),
];

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    let mut section = Section::default();
    lab.note("  idle memory");
    for (name, arguments) in SERVICES {
        let megabytes = idle_megabytes(lab, name, arguments).await?;
        small(&mut section, &format!("{name} idle"), megabytes);
    }
    for name in ["rng", "hasher", "worker", "webui", "bench"] {
        let file = fs::metadata(lab.program(name)?).context("cannot see a program's size")?;
        small(&mut section, &format!("size of {name}"), float(file.len()) / MEGABYTE);
    }
    let count = lab.choose(10, 3);
    lab.note(&format!("  {count} starts"));
    let mut starts = Vec::new();
    for _ in 0..count {
        starts.push(seconds_to_answer(lab).await?);
    }
    let time = median(starts.iter().copied());
    section.check(
        format!("`bench up`: all ports answer within {MOST_SECONDS} s"),
        format!(
            "{time:.3} s ({:.3} to {:.3}, n = {count})",
            smallest(starts.clone()),
            largest(starts)
        ),
        time <= MOST_SECONDS,
    );
    section.text(format!(
        "Memory: VmRSS, {} s after the start and with nobody asking; worker and webui against \
         addresses that refuse. Start: from the start of `bench up` until `GET /` of webui, rng \
         and hasher were all answered, asked every {} ms; median.",
        IDLE.as_secs(),
        POLL.as_millis()
    ));
    for (name, arguments) in SERVICES {
        section.command(format!("target/release/{name} {} &", arguments.join(" ")));
        section.command("sleep 3; grep VmRSS /proc/$!/status; kill $!");
    }
    section.command("ls -l target/release/{rng,hasher,worker,webui,bench}");
    section.command("time sh -c 'target/release/bench up & for port in 8000 8001 8002; do until curl -s -o /dev/null http://127.0.0.1:$port/; do sleep 0.005; done; done; kill $!'");
    Ok(section)
}

fn small(section: &mut Section, what: &str, megabytes: f64) {
    section.check(
        format!("{what}: under {MOST_MEGABYTES} MB"),
        format!("{megabytes:.2} MB"),
        megabytes < MOST_MEGABYTES,
    );
}

async fn idle_megabytes(lab: &Lab, name: &str, arguments: &[&str]) -> anyhow::Result<f64> {
    let running = Running::start(name, lab.command(name, arguments)?)?;
    tokio::time::sleep(IDLE).await;
    let resident = procfs::resident_bytes(running.pid())?;
    running.stop().await?;
    Ok(float(resident) / MEGABYTE)
}

async fn seconds_to_answer(lab: &Lab) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let app = App::start(lab, &[], &[]).await?;
    let all = async {
        tokio::join!(until_answer(app.webui), until_answer(app.rng), until_answer(app.hasher))
    };
    let within = tokio::time::timeout(Duration::from_secs(20), all).await;
    let seconds = begin.elapsed().as_secs_f64();
    within.context("bench up: a port does not answer")?;
    app.stop().await?;
    Ok(seconds)
}

async fn until_answer(address: SocketAddr) {
    loop {
        match Client::new(address).get("/").await {
            // webui answers with where its page is.
            Ok(_) => return,
            Err(HttpError::Status { status, .. }) if status.is_redirection() => return,
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}
