//! Figure `ping-accuracy`: how far `bench ping` and httping are from a prober of a hundred lines of
//! C that does nothing else.

use anyhow::Context as _;

use super::meter::{self, Typed};
use super::read::probes::{self, Probes};
use super::rounds::{Spread, orders};
use super::server::Server;
use super::{MEGABYTE, check_cores};
use crate::lab::Lab;
use crate::section::Section;
use crate::stats::{float, largest, median};

/// Most that a median may be away from the C client's.
const MOST_AWAY_US: f64 = 10.0;
/// Least share of the time that is told as the server's, where it is the server's.
const LEAST_WAIT: f64 = 0.95;
const MOST_MEGABYTES: f64 = 8.0;
const SLOW_US: u32 = 2000;
const PROBERS: [Prober; 3] = [Prober::C, Prober::Httping, Prober::Ping];
const C: usize = 0;
const HTTPING: usize = 1;
const PING: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Prober {
    C,
    Httping,
    Ping,
}

/// What is probed: on new connections or on one that is kept, and whether the server is slow.
#[derive(Clone, Copy)]
struct Case {
    kept: bool,
    slow: bool,
}

const CASES: [Case; 4] = [
    Case { kept: false, slow: false },
    Case { kept: true, slow: false },
    Case { kept: false, slow: true },
    Case { kept: true, slow: true },
];

/// How a prober did in a case, round by round.
#[derive(Default)]
struct Score {
    total_us: Vec<f64>,
    wait_share: Vec<f64>,
    cpu_us: Vec<f64>,
    peak_megabytes: Vec<f64>,
}

/// The scores of one case, in the order of `PROBERS`.
type Scores = [Score; PROBERS.len()];

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    check_cores()?;
    let (rounds, count) = lab.choose((15, 200), (3, 50));
    let delay = SLOW_US.to_string();
    let quick = Server::start(lab, &[]).await?;
    let slow = Server::start(lab, &["--delay-us".to_owned(), delay.clone()]).await?;
    let server = |case: Case| if case.slow { &slow } else { &quick };
    let mut scores: [Scores; CASES.len()] = Default::default();
    lab.note(&format!("  {rounds} rounds of {count} probes"));
    for (turn, order) in orders(rounds * CASES.len(), PROBERS.len()).into_iter().enumerate() {
        let case = turn % CASES.len();
        for prober in order {
            let typed = PROBERS[prober].typed(server(CASES[case]), CASES[case].kept, count);
            let done = scores[case][prober].round(lab, PROBERS[prober], &typed, count).await;
            done.with_context(|| PROBERS[prober].name())?;
        }
    }
    let mut section = section(&scores, rounds, count);
    section.command("taskset -c 0 target/peers/server  # prints PORT");
    section.command(format!("taskset -c 0 target/peers/server --delay-us {delay}"));
    for (kept, prober) in [false, true].into_iter().flat_map(|kept| PROBERS.map(|p| (kept, p))) {
        section.command(prober.typed(&quick, kept, count).line(quick.address.port()));
    }
    quick.stop().await?;
    slow.stop().await?;
    Ok(section)
}

impl Prober {
    fn name(self) -> &'static str {
        match self {
            Self::C => "C client",
            Self::Httping => "httping",
            Self::Ping => "bench ping",
        }
    }

    fn typed(self, server: &Server, kept: bool, count: usize) -> Typed {
        let url = server.url();
        let count = count.to_string();
        let options: &[&str] = if kept { &["-f", "-G", "-Q", "-c"] } else { &["-f", "-G", "-c"] };
        let flood = options.iter().copied().chain([count.as_str()]);
        match self {
            Self::C => {
                let (ip, port) = (server.address.ip().to_string(), server.address.port());
                let connections = if kept { "kept" } else { "new" };
                Typed::new("client", [&ip, &port.to_string(), &count, connections])
            }
            Self::Httping => Typed::new("httping", flood.chain(["-M", &url])),
            Self::Ping => {
                Typed::new("bench", ["ping"].into_iter().chain(flood).chain(["--json", &url]))
            }
        }
    }

    fn read(self, text: &str, count: usize) -> anyhow::Result<Probes> {
        match self {
            Self::C => probes::client(text, count),
            Self::Httping => probes::httping(text, count),
            Self::Ping => probes::ping(text, count),
        }
    }
}

impl Score {
    async fn round(
        &mut self,
        lab: &Lab,
        prober: Prober,
        typed: &Typed,
        count: usize,
    ) -> anyhow::Result<()> {
        let run = meter::run(lab, typed).await?;
        let middle = prober.read(run.text()?, count)?;
        self.total_us.push(middle.total_ms * 1000.0);
        self.wait_share.push(middle.wait_ms / middle.total_ms);
        self.cpu_us.push(run.cpu_seconds * 1e6 / float(u64::try_from(count)?));
        self.peak_megabytes.push(run.peak_bytes / MEGABYTE);
        Ok(())
    }

    fn row(&self, case: Case, prober: Prober, reference: &Self) -> [String; 7] {
        let away = Spread::difference(&self.total_us, &reference.total_us);
        [
            case.words(),
            prober.name().to_owned(),
            Spread::of(self.total_us.iter().copied()).words(1),
            away.signed(1),
            format!("{:.1} %", 100.0 * median(self.wait_share.iter().copied())),
            format!("{:.0}", median(self.cpu_us.iter().copied())),
            format!("{:.1}", largest(self.peak_megabytes.iter().copied())),
        ]
    }
}

impl Case {
    fn words(self) -> String {
        let connections = if self.kept { "kept (-Q)" } else { "new" };
        let delay = if self.slow { SLOW_US / 1000 } else { 0 };
        format!("{connections}, {delay} ms")
    }
}

fn section(scores: &[Scores; CASES.len()], rounds: usize, count: usize) -> Section {
    let mut section = Section::default();
    for (case, scores) in CASES.into_iter().zip(scores) {
        check(&mut section, case, scores);
    }
    let peaks = scores.iter().flat_map(|scores| scores[PING].peak_megabytes.iter().copied());
    let peak = largest(peaks);
    section.check(
        format!("memory: at most {MOST_MEGABYTES} MB"),
        format!("{peak:.2} MB"),
        peak <= MOST_MEGABYTES,
    );
    section.text(format!(
        "{rounds} rounds of every case, in which each prober makes {count} probes without a pause, \
         in shuffled order; the server has core 0, the prober core 1. Medians of the rounds (least to \
         most), of the median probe of each. From C: round by round. Wait: share of the median probe \
         that is told as waiting for the answer, in httping's words `request`; with a server that \
         takes {} ms that is nearly all. CPU: user and system time of the whole process, its start \
         included, divided by the probes. Memory: most at once.",
        SLOW_US / 1000
    ));
    let rows = CASES.into_iter().zip(scores).flat_map(|(case, scores)| {
        let lines = PROBERS.into_iter().zip(scores);
        lines.map(move |(prober, score)| score.row(case, prober, &scores[C]))
    });
    let header = ["connections, server", "prober", "µs", "from C", "wait", "CPU µs a probe", "MB"];
    section.table(header, rows.collect());
    section
}

fn check(section: &mut Section, case: Case, scores: &Scores) {
    let [reference, httping, ping] = [C, HTTPING, PING].map(|prober| &scores[prober]);
    let words = case.words();
    let away = Spread::difference(&ping.total_us, &reference.total_us);
    section.check(
        format!("{words}: within {MOST_AWAY_US} µs of the C client"),
        format!("{} µs", away.signed(1)),
        away.median.abs() <= MOST_AWAY_US,
    );
    if case.slow {
        let wait = Spread::of(ping.wait_share.iter().map(|share| share * 100.0));
        section.check(
            format!("{words}: at least {:.0} % is waiting", LEAST_WAIT * 100.0),
            format!("{} %", wait.words(1)),
            wait.median >= LEAST_WAIT * 100.0,
        );
    } else {
        let cpu = Spread::ratio(&ping.cpu_us, &httping.cpu_us);
        section.check(
            format!("{words}: at most httping's CPU a probe"),
            format!("{} of it", cpu.words(2)),
            cpu.median <= 1.0,
        );
    }
}
