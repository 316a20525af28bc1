//! How well `bench load` keeps to a rate while nothing is in its way: a part of `load-stall`.

use anyhow::{Context as _, ensure};

use super::client::{Client, Job};
use super::meter::{self, Typed};
use super::read::Outcome;
use super::rounds::{Spread, orders};
use super::server::Server;
use crate::lab::Lab;
use crate::section::Section;

const RATES: [u32; 2] = [1000, 10_000];
/// Most that may lie between a request's time and its being sent.
const MOST_LATENESS_US: f64 = 200.0;
/// Most that an answer may take longer at a rate than one after another.
const MOST_OVER_CLOSED_US: f64 = 50.0;
/// What is run in each round: connections and rate.
const RUNS: [(u32, Option<u32>); 4] =
    [(16, Some(RATES[0])), (16, Some(RATES[1])), (1, Some(1000)), (1, None)];
/// Of those, one connection at a rate, and one that asks again at once.
const OPEN: usize = 2;
const CLOSED: usize = 3;

/// What was measured.
pub(super) struct Pace {
    runs: [Vec<Outcome>; RUNS.len()],
    typed: [Typed; RUNS.len()],
    port: u16,
}

pub(super) async fn measure(lab: &Lab) -> anyhow::Result<Pace> {
    let (rounds, seconds) = lab.choose((7, 3), (2, 1));
    // A server that sleeps between requests needs time to wake, more at a rate than one after
    // another, and that is not the generator's.
    let server = Server::start(lab, &["--awake".to_owned()]).await?;
    let typed = RUNS.map(|(connections, rate)| {
        let job = Job { url: server.url(), connections, seconds, rate, timeout: None };
        Client::Load.typed(&job)
    });
    lab.note(&format!("  {rounds} rounds at rates"));
    let mut runs: [Vec<Outcome>; RUNS.len()] = Default::default();
    for order in orders(rounds, RUNS.len()) {
        for index in order {
            let run = meter::run(lab, &typed[index]).await?;
            let outcome = Client::Load.read(run.text()?)?;
            ensure!(outcome.failures == 0, "{} requests failed", outcome.failures);
            if RUNS[index].1.is_some() {
                outcome.schedule.context("bench load says nothing of its schedule")?;
            }
            runs[index].push(outcome);
        }
    }
    let port = server.address.port();
    server.stop().await?;
    Ok(Pace { runs, typed, port })
}

impl Pace {
    pub(super) fn check(&self, section: &mut Section) {
        for (index, rate) in RATES.into_iter().enumerate() {
            let achieved = self.achieved(index);
            section.check(
                format!("{rate}/s: 0.999 to 1.001 of the rate"),
                achieved.words(4),
                (0.999..=1.001).contains(&achieved.median),
            );
            let lateness = self.lateness_us(index);
            section.check(
                format!("{rate}/s: 99 % sent within {MOST_LATENESS_US} µs of their time"),
                format!("{} µs", lateness.words(0)),
                lateness.median <= MOST_LATENESS_US,
            );
        }
        let over = Spread::difference(&self.medians_us(OPEN), &self.medians_us(CLOSED));
        section.check(
            format!("median at a rate: at most {MOST_OVER_CLOSED_US} µs over one after another"),
            format!("{} µs", over.signed(0)),
            over.median <= MOST_OVER_CLOSED_US,
        );
    }

    pub(super) fn tell(&self, section: &mut Section) {
        section.text(format!(
            "`bench load` where nothing is in its way; medians of {} rounds (least to most). One \
             connection that asks again at once is what a request at a rate is held against. The server \
             does not sleep, since waking up takes it longer at a rate than one after another.",
            self.runs[0].len()
        ));
        let rows = RUNS.iter().enumerate().map(|(index, (connections, rate))| {
            let [achieved, lateness] = match rate {
                Some(_) => [self.achieved(index).words(4), self.lateness_us(index).words(0)],
                None => ["-".to_owned(), "-".to_owned()],
            };
            [
                rate.map_or("as fast as answered".to_owned(), |rate| format!("{rate}/s")),
                connections.to_string(),
                Spread::of(self.medians_us(index)).words(0),
                achieved,
                lateness,
            ]
        });
        let header = ["rate", "connections", "p50 µs", "of the rate", "lateness p99 µs"];
        section.table(header, rows.collect());
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = String> {
        let server = "taskset -c 0 target/peers/server --awake  # prints PORT".to_owned();
        [server].into_iter().chain(self.typed.iter().map(|typed| typed.line(self.port)))
    }

    fn achieved(&self, index: usize) -> Spread {
        let rate = RUNS[index].1.map_or(f64::NAN, f64::from);
        Spread::of(self.runs[index].iter().map(|run| run.requests_per_second / rate))
    }

    fn lateness_us(&self, index: usize) -> Spread {
        let late = self.runs[index].iter().filter_map(|run| run.schedule);
        Spread::of(late.map(|schedule| schedule.lateness_p99_ms * 1000.0))
    }

    fn medians_us(&self, index: usize) -> Vec<f64> {
        let medians = self.runs[index].iter().map(|run| run.p50_ms.unwrap_or(f64::NAN));
        medians.map(|milliseconds| milliseconds * 1000.0).collect()
    }
}
