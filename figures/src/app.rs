//! The whole app under a `bench up` of its own, on free ports and with a runtime directory that no
//! other bench looks into.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::analyse::{Findings, StageFindings, StageName, StepFindings};
use bench::http::{Client, HttpError};
use observation::Observation;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::lab::{self, Lab};
use crate::running::{self, Running};

/// Free ports, as every bench here is started.
const FREE_PORTS: [&str; 6] = ["--webui-port", "0", "--rng-port", "0", "--hasher-port", "0"];
/// How bench says that it measured but withholds its verdict.
const INCONCLUSIVE: i32 = 3;
/// How long the app may take to count its first hash.
const FIRST_HASH_TIMEOUT: Duration = Duration::from_secs(20);

/// A running app.
#[derive(Debug)]
pub(crate) struct App {
    /// The `bench up` that runs it.
    pub(crate) bench: Running,
    pub(crate) webui: SocketAddr,
    pub(crate) rng: SocketAddr,
    pub(crate) hasher: SocketAddr,
    runtime_dir: TempDir,
}

impl App {
    /// Starts `bench up` with `arguments` and settings for its services, and reads its addresses.
    pub(crate) async fn start(
        lab: &Lab,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let runtime_dir = lab::folder()?;
        let words = ["up"].iter().chain(arguments).chain(&FREE_PORTS);
        let mut command = lab.command("bench", words)?;
        command.env("XDG_RUNTIME_DIR", runtime_dir.path()).envs(settings.iter().copied());
        let mut bench = Running::start("bench up", command)?;
        let webui = published(&mut bench, "webui").await?;
        let rng = published(&mut bench, "rng").await?;
        let hasher = published(&mut bench, "hasher").await?;
        Ok(Self { bench, webui, rng, hasher, runtime_dir })
    }

    /// Waits until hashes are counted.
    pub(crate) async fn until_counting(&self) -> anyhow::Result<()> {
        let mut webui = Client::new(self.webui);
        let begin = Instant::now();
        while begin.elapsed() < FIRST_HASH_TIMEOUT {
            if observe(&mut webui).await.is_ok_and(|seen| seen.hashes > 0) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the app counted nothing within {FIRST_HASH_TIMEOUT:?}")
    }

    /// Has this app scaled and measured by `bench scale`.
    pub(crate) async fn scale(&self, lab: &Lab, arguments: &[&str]) -> anyhow::Result<Findings> {
        scale_in(lab, self.runtime_dir.path(), arguments).await
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.bench.stop().await
    }
}

/// Has an app started, scaled, measured and taken down by `bench scale`.
pub(crate) async fn scale(lab: &Lab, arguments: &[&str]) -> anyhow::Result<Findings> {
    let runtime_dir = lab::folder()?;
    scale_in(lab, runtime_dir.path(), arguments).await
}

async fn scale_in(lab: &Lab, runtime_dir: &Path, arguments: &[&str]) -> anyhow::Result<Findings> {
    let fixed = ["--output", "json"];
    let words = ["scale"].iter().chain(arguments).chain(&fixed).chain(&FREE_PORTS);
    let mut command = lab.command("bench", words)?;
    command.env("XDG_RUNTIME_DIR", runtime_dir);
    let (text, code) = running::output("bench scale", command).await?;
    match code {
        0 | INCONCLUSIVE => {}
        code => bail!("bench scale {} ended with exit code {code}", arguments.join(" ")),
    }
    serde_json::from_str(&text).context("bench scale printed no findings")
}

/// All reports as webui has them, histograms of the sum only.
pub(crate) async fn observe(webui: &mut Client) -> anyhow::Result<Observation> {
    let path = "/api/observation";
    let body = webui.get(path).await?;
    let read = serde_json::from_slice(&body);
    Ok(read.map_err(|error| HttpError::Body { path: path.into(), error })?)
}

/// A stage of a step, as bench found it.
pub(crate) fn stage(step: &StepFindings, name: StageName) -> anyhow::Result<&StageFindings> {
    let found = step.stages.iter().find(|stage| stage.name == name);
    found.with_context(|| format!("bench saw no stage {}", name.name()))
}

/// The mean service time of a stage in seconds, as its server says.
pub(crate) fn service_seconds(step: &StepFindings, name: StageName) -> anyhow::Result<f64> {
    let service = stage(step, name)?.service_ms;
    Ok(service.with_context(|| format!("{} does not say how long it works", name.name()))? / 1000.0)
}

async fn published(bench: &mut Running, service: &str) -> anyhow::Result<SocketAddr> {
    let line = bench.line(|line| line.starts_with(service) && line.contains("http://")).await?;
    let address = line.text.rsplit_once("http://").map_or("", |(_, rest)| rest);
    address
        .trim_end_matches('/')
        .parse()
        .with_context(|| format!("bench up announced '{}'", line.text))
}
