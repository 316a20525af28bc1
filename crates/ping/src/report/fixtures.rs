//! Plans as they are typed and probes as they might have been, for tests of reports.

use std::io::Write;
use std::time::{Duration, SystemTime};

use clap::Parser;
use exchange::{Answer, Failure, Kind, Peer, Phase, Phases};
use observation::ServerTiming;

use super::{Ending, Glance, SoFar, Told, report};
use crate::plan::{Plan, Refusal};
use crate::prober::{Probe, Reply};
use crate::run::missed;
use crate::settings::Settings;
use crate::statistics::{Statistics, fault};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

/// What these words come to.
pub(crate) fn planned(words: &str) -> Result<Plan, Refusal> {
    let words = ["ping"].into_iter().chain(words.split_whitespace());
    Plan::new(Cli::parse_from(words).settings)
}

/// The same where nothing is wrong.
pub(crate) fn plan(words: &str) -> Plan {
    planned(words).unwrap()
}

fn started() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_307_579_723_325)
}

/// An answer after so many microseconds, half of them waited.
pub(crate) fn answered(seq: u64, microseconds: u64) -> Probe {
    let us = Duration::from_micros;
    let phases = Phases {
        resolve: None,
        connect: Some(us(microseconds / 4)),
        tls: None,
        send: us(microseconds / 8),
        wait: us(microseconds / 2),
        receive: us(microseconds - microseconds / 4 - microseconds / 8 - microseconds / 2),
    };
    Probe {
        seq,
        started: started(),
        elapsed: us(microseconds),
        peer: Some(Peer::Tcp("127.0.0.1:18080".parse().unwrap())),
        reconnected: false,
        excess: 0,
        secured: None,
        outcome: Ok(Reply {
            phases,
            answer: Answer {
                status: 200,
                head_bytes: 103,
                body_bytes: 0,
                reusable: true,
                excess: false,
            },
            reason: "OK".to_owned(),
            server: ServerTiming::default(),
            replica: None,
        }),
    }
}

/// The same with its reply changed.
pub(crate) fn with(mut probe: Probe, change: impl FnOnce(&mut Reply)) -> Probe {
    change(probe.outcome.as_mut().unwrap());
    probe
}

/// A probe that brought no answer.
pub(crate) fn failed(seq: u64, failure: Failure) -> Probe {
    Probe { peer: None, outcome: Err(failure), ..answered(seq, 120) }
}

/// Nobody listens.
pub(crate) fn refused(seq: u64) -> Probe {
    let (peer, reason) = ("127.0.0.1:18080".to_owned(), "Connection refused".to_owned());
    failed(seq, Failure::Connect { peer, kind: Kind::Refused, reason })
}

/// Nobody answers.
pub(crate) fn timed_out(seq: u64) -> Probe {
    failed(seq, Failure::Timeout(Phase::Wait))
}

/// What is said of these probes, half a second apart: on standard output and beside it.
pub(crate) fn reported(words: &str, probes: &[Probe]) -> (String, String) {
    let plan = plan(words);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let ending = tell(&plan, probes, &mut out, &mut notes);
    assert_eq!(ending.statistics.probes, probes.len() as u64);
    (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
}

fn tell(
    plan: &Plan,
    probes: &[Probe],
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> Ending {
    let mut statistics = Statistics::default();
    let mut report = report(plan, out, notes);
    report.begin().unwrap();
    let mut elapsed = Duration::ZERO;
    let mut last_trouble = None;
    for probe in probes {
        statistics.add(probe, &plan.ok);
        let fault = fault(probe, &plan.ok);
        if fault.is_some() {
            last_trouble = Some(super::trouble(plan, probe));
        }
        let so_far = SoFar { statistics: &statistics, elapsed };
        report.probe(&Told { probe, fault, so_far }).unwrap();
        elapsed += Duration::from_millis(500);
    }
    report.look(Glance::Redraw, &SoFar { statistics: &statistics, elapsed }).unwrap();
    let missed = missed(&plan.bounds, &statistics);
    let ending = Ending { statistics, elapsed, missed, given_up: None, last_trouble };
    report.end(&ending).unwrap();
    ending
}
