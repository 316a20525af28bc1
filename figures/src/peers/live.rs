//! Figure `live-view`: what it costs `bench load` to show its numbers while it runs.

use std::fs;

use anyhow::{Context as _, ensure};

use super::check_cores;
use super::client::{Client, Job};
use super::meter::{self, Typed};
use super::read::load;
use super::rounds::{Spread, orders};
use super::server::Server;
use crate::lab::{self, Lab};
use crate::section::Section;
use crate::stats::{float, median};

/// Most of the requests per second that the view may take.
const MOST: f64 = 0.02;
const CONNECTIONS: u32 = 64;
/// With the view, and without it.
const VIEWS: [Option<&str>; 2] = [None, Some("--no-view")];

/// How it did with the view or without, round by round.
#[derive(Default)]
struct Score {
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
}

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    check_cores()?;
    let (rounds, seconds) = lab.choose((10, 3), (3, 1));
    let server = Server::start(lab, &[]).await?;
    let port = server.address.port();
    let url = server.url();
    let job = Job { url, connections: CONNECTIONS, seconds, rate: None, timeout: None };
    let plain = Client::Load.typed(&job);
    let mut scores: [Score; 2] = Default::default();
    lab.note(&format!("  {rounds} rounds with and without"));
    for order in orders(rounds, 2) {
        for index in order {
            scores[index].round(lab, &plain, VIEWS[index]).await?;
        }
    }
    server.stop().await?;
    let [with, without] = &scores;
    let rate = Spread::ratio(&with.rates, &without.rates);
    let cpu = Spread::ratio(&with.cpu_us, &without.cpu_us);
    let mut section = Section::default();
    section.check(
        format!("less than {:.0} % of requests/s", MOST * 100.0),
        format!("with it {} of those without, n = {rounds}", rate.words(3)),
        rate.median > 1.0 - MOST,
    );
    section.text(format!(
        "{CONNECTIONS} connections, one thread, as fast as answers come, {rounds} rounds of {seconds} s. \
         Both on a terminal of their own (`script`), so that nothing but the view differs: {:.0} \
         requests/s with it, {:.0} with `--no-view`. CPU a request, that of `script` included: with it \
         {} of that without. Medians (least to most) of the rounds' ratios.",
        median(with.rates.iter().copied()),
        median(without.rates.iter().copied()),
        cpu.words(3)
    ));
    section.command("taskset -c 0 target/peers/server  # prints PORT");
    let line = plain.line(port);
    for view in VIEWS {
        let flag = view.map_or(String::new(), |flag| format!(" {flag}"));
        section.command(format!("script -qec '{line}{flag} >load.json' /dev/null"));
    }
    Ok(section)
}

impl Score {
    /// On a terminal, but for the result, which is read.
    async fn round(&mut self, lab: &Lab, plain: &Typed, view: Option<&str>) -> anyhow::Result<()> {
        let folder = lab::folder()?;
        let file = folder.path().join("load.json");
        let program = lab.program("bench")?;
        let words = plain.arguments.iter().map(String::as_str).chain(view);
        let line = words.collect::<Vec<_>>().join(" ");
        let line = format!("'{}' {line} >'{}'", program.display(), file.display());
        let run = meter::run(lab, &Typed::new("script", ["-qec", &line, "/dev/null"])).await?;
        let shown = run.text().context("bench load")?;
        ensure!(view.is_some() || !shown.is_empty(), "bench load showed nothing on its terminal");
        let text = fs::read_to_string(&file).context("bench load left no result")?;
        let outcome = load::read(&text)?;
        self.rates.push(outcome.requests_per_second);
        self.cpu_us.push(run.cpu_seconds * 1e6 / float(outcome.requests));
        Ok(())
    }
}
