//! Probes one after the other, each when it is due, until there are enough or somebody says stop.

use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use exchange::{Failure, Kind};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use crate::pace::{Grid, Pace};
use crate::plan::{ExitRule, Format, Plan};
use crate::prober::{Probe, Prober};
use crate::report::{Ending, Glance, Missed, Report, SoFar, Told};
use crate::settings::{Bound, Measure};
use crate::statistics::{Statistics, fault};

/// Of a flood what is told is passed on so often: whoever reads it would otherwise be woken by each
/// probe, and the next probe would feel that.
const PASSED_ON: Duration = Duration::from_millis(100);

/// What comes from outside while probes are made.
pub struct Outside<'a> {
    /// Completes when it is time to end.
    pub stop: Pin<&'a mut (dyn Future<Output = ()> + Send + 'a)>,
    /// Wishes to see how things stand.
    pub glances: mpsc::Receiver<Glance>,
}

/// Probes that are being made.
struct Run<'a> {
    plan: &'a Plan,
    prober: Prober,
    report: &'a mut dyn Report,
    statistics: Statistics,
    began: Instant,
    /// When what a flood told is passed on.
    passes_on: Interval,
    last_trouble: Option<String>,
}

/// Why it goes no further.
enum End {
    /// There were enough, or somebody said stop.
    Regular,
    /// Nobody reads any more.
    Unread,
    /// The name has no address.
    GivenUp(Failure),
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Certificates could not be read.
    #[error("{0}")]
    Trust(Failure),
    /// Results could not be written.
    #[error("cannot print the results: {0}")]
    Write(io::Error),
}

/// Makes the probes of `plan` and tells `report` of them. A report that is not read any more ends it
/// without a word: whoever read it has seen enough.
///
/// # Errors
/// When trusted certificates cannot be read, or results not be written.
pub async fn run(
    plan: &Plan,
    report: &mut dyn Report,
    mut outside: Outside<'_>,
) -> Result<Ending, RunError> {
    let prober = Prober::new(plan.target.clone()).map_err(RunError::Trust)?;
    let mut run = Run {
        plan,
        prober,
        report,
        statistics: Statistics::default(),
        began: Instant::now(),
        passes_on: interval_at(Instant::now() + PASSED_ON, PASSED_ON),
        last_trouble: None,
    };
    run.passes_on.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = match run.each(&mut outside).await {
        Ok(end) => end,
        Err(error) => End::unwritten(error)?,
    };
    let Run { report, statistics, began, last_trouble, .. } = run;
    let missed = missed(&plan.bounds, &statistics);
    let mut ending =
        Ending { statistics, elapsed: began.elapsed(), missed, given_up: None, last_trouble };
    match end {
        End::Unread => return Ok(ending),
        End::Regular => {}
        End::GivenUp(failure) => {
            ending.last_trouble = Some(failure.to_string());
            ending.given_up = Some(failure);
        }
    }
    if let Err(error) = report.end(&ending).and_then(|()| report.flush()) {
        End::unwritten(error)?;
    }
    Ok(ending)
}

impl End {
    /// What could not be written to has been closed by whoever read it, or failed.
    fn unwritten(error: io::Error) -> Result<Self, RunError> {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(Self::Unread),
            _ => Err(RunError::Write(error)),
        }
    }
}

impl Run<'_> {
    async fn each(&mut self, outside: &mut Outside<'_>) -> io::Result<End> {
        self.report.begin()?;
        self.report.flush()?;
        if self.plan.target.resolves_once
            && let Some(end) = self.resolve(outside).await
        {
            return Ok(end);
        }
        self.began = Instant::now();
        let mut grid = Grid::new(self.plan.pace, self.began);
        let mut due = grid.next(self.began);
        loop {
            if !self.wait(due.at, outside).await? {
                return Ok(End::Regular);
            }
            self.statistics.skipped += due.skipped;
            self.prober.skip(due.skipped);
            let Some(probe) = self.probe(outside).await? else { return Ok(End::Regular) };
            if let Some(failure) = self.hopeless(&probe) {
                return Ok(End::GivenUp(failure));
            }
            self.tell(&probe)?;
            if self.plan.count.is_some_and(|count| self.statistics.probes >= count) {
                return Ok(End::Regular);
            }
            due = grid.next(Instant::now());
        }
    }

    /// Looks the name up before all probes; with -W until it is found.
    async fn resolve(&mut self, outside: &mut Outside<'_>) -> Option<End> {
        loop {
            let failure = tokio::select! {
                () = outside.stop.as_mut() => return Some(End::Regular),
                found = self.prober.resolve() => match found {
                    Ok(()) => return None,
                    Err(failure) => failure,
                },
            };
            if !self.plan.keeps_resolving {
                return Some(End::GivenUp(failure));
            }
            let again = Instant::now() + std::time::Duration::from_secs(1);
            tokio::select! {
                () = outside.stop.as_mut() => return Some(End::Regular),
                () = sleep_until(again) => {}
            }
        }
    }

    /// Waits until a probe is due; `false` when it is time to end instead.
    async fn wait(&mut self, until: Instant, outside: &mut Outside<'_>) -> io::Result<bool> {
        // A timer takes a millisecond at least, which a flood has no use for.
        let is_due = until <= Instant::now();
        let slept = async {
            if !is_due {
                sleep_until(until).await;
            }
        };
        let mut slept = pin!(slept);
        let floods = self.plan.pace == Pace::Flood;
        loop {
            tokio::select! {
                biased;
                () = outside.stop.as_mut() => return Ok(false),
                Some(glance) = outside.glances.recv() => self.look(glance)?,
                _ = self.passes_on.tick(), if floods => self.report.flush()?,
                () = slept.as_mut() => return Ok(true),
            }
        }
    }

    /// Asks once; `None` when it is time to end instead.
    async fn probe(&mut self, outside: &mut Outside<'_>) -> io::Result<Option<Probe>> {
        let Self { prober, report, statistics, began, passes_on, .. } = self;
        let mut asked = pin!(prober.probe());
        let floods = self.plan.pace == Pace::Flood;
        loop {
            tokio::select! {
                biased;
                probe = asked.as_mut() => return Ok(Some(probe)),
                () = outside.stop.as_mut() => return Ok(None),
                Some(glance) = outside.glances.recv() => {
                    report.look(glance, &SoFar { statistics, elapsed: began.elapsed() })?;
                    report.flush()?;
                }
                _ = passes_on.tick(), if floods => report.flush()?,
            }
        }
    }

    fn look(&mut self, glance: Glance) -> io::Result<()> {
        let so_far = SoFar { statistics: &self.statistics, elapsed: self.began.elapsed() };
        self.report.look(glance, &so_far)?;
        self.report.flush()
    }

    fn tell(&mut self, probe: &Probe) -> io::Result<()> {
        self.statistics.add(probe, &self.plan.ok);
        let fault = fault(probe, &self.plan.ok);
        if fault.is_some() {
            self.last_trouble = Some(crate::report::trouble(self.plan, probe));
        }
        let so_far = SoFar { statistics: &self.statistics, elapsed: self.began.elapsed() };
        self.report.probe(&Told { probe, fault, so_far })?;
        match self.plan.pace {
            Pace::Flood => Ok(()),
            Pace::Every(_) => self.report.flush(),
        }
    }

    /// A name that has never had an address is a typing error, unless -W says to wait for it. One
    /// that had one before will have one again.
    fn hopeless(&self, probe: &Probe) -> Option<Failure> {
        let failure = probe.outcome.as_ref().err()?;
        let is_first = self.statistics.probes == 0 && !self.plan.keeps_resolving;
        (is_first && failure.kind() == Kind::Resolve).then(|| failure.clone())
    }
}

/// Bounds that were not kept.
pub(crate) fn missed(bounds: &[Bound], statistics: &Statistics) -> Vec<Missed> {
    let missed = bounds.iter().filter_map(|bound| {
        let was = statistics.measure(bound.measure);
        // One probe has no jitter; with any bound there must be something to hold against it.
        let untold = was.is_none() && (bound.measure != Measure::Jitter || statistics.ok == 0);
        let above = was.is_some_and(|was| was > bound.most);
        (untold || above).then_some(Missed { bound: *bound, was })
    });
    missed.collect()
}

/// The exit code that tells how it went.
#[must_use]
pub fn exit_code(plan: &Plan, ending: &Ending) -> u8 {
    let Statistics { probes, ok, .. } = ending.statistics;
    match (&plan.format, plan.exit) {
        (Format::NagiosAverage(average), _) => crate::report::nagios_state(ending, *average),
        (Format::NagiosFailures(code), _) => {
            if ok > 0 && ok == probes {
                0
            } else {
                *code
            }
        }
        (_, ExitRule::Httping) if ending.given_up.is_some() => 1,
        (_, ExitRule::Httping) => {
            if ok > 0 {
                0
            } else {
                127
            }
        }
        (_, ExitRule::Strict) if ok == 0 || ok < probes => 1,
        (_, ExitRule::Strict) => {
            // What was measured above its bound failed; what could not be measured is inconclusive.
            match ending.missed.iter().any(|missed| missed.was.is_some()) {
                true => 1,
                false if ending.missed.is_empty() => 0,
                false => 3,
            }
        }
    }
}
