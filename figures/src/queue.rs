//! Figure `queue`: where the ten workers of the lesson wait, by bench and by a probe from outside.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bench::analyse::{StageName, StepFindings};

use crate::app::{self, App};
use crate::lab::Lab;
use crate::probe::{RoundTrip, probe, typed};
use crate::section::Section;

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    let app = App::start(lab, &["--worker", "10"], &[]).await?;
    app.until_counting().await?;
    let duration = lab.window_typed();
    let warmup = lab.choose("10s", "3s");
    let arguments = ["--worker", "10", "--rng", "1", "--duration", &duration, "--warmup", warmup];
    // The probes fall into the window, not into the warm-up.
    let delay = Duration::from_secs(lab.choose(12, 5));
    let (findings, rng, hasher) = tokio::try_join!(
        app.scale(lab, &arguments),
        probe_later(delay, app.rng),
        probe_later(delay, app.hasher),
    )?;
    app.stop().await?;
    let step = findings.steps.first().context("bench measured no step")?;
    let mut section = section(step, rng, hasher)?;
    section.command("target/release/bench up --worker 10");
    section.command(format!("target/release/bench scale {}", arguments.join(" ")));
    section.command(typed("http://127.0.0.1:8001/"));
    section.command(typed("http://127.0.0.1:8002/"));
    Ok(section)
}

async fn probe_later(delay: Duration, address: SocketAddr) -> anyhow::Result<RoundTrip> {
    tokio::time::sleep(delay).await;
    probe(address).await
}

fn section(step: &StepFindings, rng: RoundTrip, hasher: RoundTrip) -> anyhow::Result<Section> {
    let waiting = app::stage(step, StageName::Rng)?.waiting.context("rng does not say its work")?;
    let closure = step.closure.context("bench could not tell the closure")?;
    let mut section = Section::default();
    section.check(
        "7.0 ± 0.2 of 10 workers wait at rng",
        format!("{waiting:.2}"),
        (waiting - 7.0).abs() <= 0.2,
    );
    section.check(
        "closure within 1 %",
        format!("{:.2} %", closure * 100.0),
        (closure - 1.0).abs() <= 0.01,
    );
    section.check(
        "probe of rng `/`: 700 to 900 ms on average",
        in_words(rng),
        (700.0..=900.0).contains(&rng.mean),
    );
    section.check("probe of hasher `/`: within 10 ms", in_words(hasher), hasher.max <= 10.0);
    section.text(format!(
        "Ten workers, one rng, one hasher; {:.3} hashes/s over {} s. Ten probes each at the same time, \
         1.03 s apart: a whole second would meet the service of 100 ms at one and the same moment.",
        step.hashes_per_second.interval.value,
        step.window_ms / 1000
    ));
    let milliseconds = |time: Option<f64>| time.map_or("-".to_owned(), |ms| format!("{ms:.1}"));
    let rows = step.stages.iter().map(|stage| {
        [
            stage.name.name().to_owned(),
            milliseconds(stage.mean_ms),
            milliseconds(stage.queue_ms),
            milliseconds(stage.service_ms),
            stage.waiting.map_or("-".to_owned(), |waiting| format!("{waiting:.2}")),
            format!("{:.2}", stage.present),
        ]
    });
    let header = ["stage", "mean ms", "queue ms", "service ms", "waiting", "workers there"];
    section.table(header, rows.collect());
    Ok(section)
}

fn in_words(times: RoundTrip) -> String {
    format!("{:.1} ms ({:.1} to {:.1})", times.mean, times.min, times.max)
}
