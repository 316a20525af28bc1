//! Finds the highest rate that still meets an SLO and that the server sustains: doubles until it is
//! missed, narrows the interval, and confirms the answer with a longer run. Each step is a short
//! open-loop run.

mod bracket;
mod conclusion;
mod step;

use std::time::Duration;

use exchange::Failure;
use serde::Serialize;

use crate::distribution::{PERCENTILES, needed};
use crate::numbers::float;
use crate::plan::Plan;
use crate::run::{self, Live, RunError};
use crate::slo::Slo;
use crate::summary::Summary;
use crate::words;
use bracket::{Bracket, rounded};
pub use conclusion::{End, Search};
pub use step::{Outcome, Step};

/// The search begins at this share of what a closed loop reached.
const FIRST: f64 = 0.25;
/// Most steps.
const MOST_STEPS: usize = 24;
/// A step that was missed while the generator was held up or at its limit is tried this many times:
/// it may have been the machine, for a moment.
const TRIES: usize = 3;
/// How long a server that refuses connections gets to come back.
const COMING_BACK: Duration = Duration::from_secs(1);

/// What a rate must keep to be good.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// The terms.
    pub slo: &'a Slo,
    /// Share of requests that may fail.
    pub most_errors: f64,
}

/// Why a search was not made.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Its first run did not take place.
    #[error("{0}")]
    Run(#[from] RunError),
    /// Its steps would have too few requests.
    #[error("{0}")]
    TooFew(TooFew),
}

/// Steps have too few requests for a percentile of the SLO.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct TooFew {
    /// Requests that the percentile needs.
    pub needed: u64,
    /// Requests a second that the server reached in a closed loop.
    pub reached_per_second: f64,
    /// The longest step.
    pub longest_s: f64,
    /// The highest percentile that such a step can show, with the requests that it needs.
    pub instead: Option<(&'static str, u64)>,
}

impl TooFew {
    /// `None` where the steps of `plan` have enough requests at the rate that was reached, and where
    /// none was reached: then the steps themselves show that nothing is answered.
    fn check(plan: &Plan, slo: &Slo, reached: f64) -> Option<Self> {
        let longest = plan.longest_step().as_secs_f64();
        let there = reached * longest;
        let few = Self {
            needed: slo.needed(),
            reached_per_second: reached,
            longest_s: longest,
            instead: PERCENTILES
                .iter()
                .rev()
                .map(|(name, quantile)| (*name, needed(*quantile)))
                .find(|(_, needed)| float(*needed) <= there),
        };
        (reached > 0.0 && float(few.needed) > there).then_some(few)
    }

    fn sentence(&self) -> String {
        let there = words::count(crate::numbers::whole(self.reached_per_second * self.longest_s));
        let long_enough = 1.1 * float(self.needed) / self.reached_per_second.max(1e-9);
        let longer = format!("--duration {}s", crate::numbers::whole(long_enough.ceil()));
        let instead = match self.instead {
            Some((name, needed)) => format!(
                "use {} at most, which needs {}, or a longer step: {longer}",
                name.replace('_', "."),
                words::count(needed)
            ),
            None => format!("use a longer step: {longer}"),
        };
        format!(
            "--find-max: a percentile of --slo needs {} requests a step, and at the {}/s that the server \
             reached the longest step ({}) has {there}: {instead}",
            words::count(self.needed),
            words::rate(self.reached_per_second),
            words::nanoseconds(self.longest_s * 1e9),
        )
    }
}

/// Searches with steps of `plan`, until the end or until `stop`. `watch` sees each run go on,
/// `stepped` each step that is done.
///
/// # Errors
/// When nothing could connect, when it was stopped before the first request, or when the steps
/// would have too few requests for a percentile of the SLO.
pub async fn search(
    plan: &Plan,
    goal: Goal<'_>,
    stop: impl Future<Output = ()>,
    watch: &mut impl FnMut(&Live<'_>),
    stepped: &mut impl FnMut(&Step),
) -> Result<Search, SearchError> {
    let mut stop = std::pin::pin!(stop);
    let sounding = plan.sounding();
    let sounded = run::run(&sounding, &mut stop, watch).await?;
    if sounded.stopped {
        return Ok(Search::new(Vec::new(), &Bracket::from(1.0, 1.0), End::Interrupted));
    }
    let reached = reached(&Summary::new(&sounding, &sounded));
    if let Some(few) = TooFew::check(plan, goal.slo, reached) {
        return Err(SearchError::TooFew(few));
    }
    let mut ongoing = Ongoing::new(plan, goal, reached);
    let end = loop {
        let Some(trial) = ongoing.bracket.next() else { break End::Found };
        if ongoing.steps.len() >= MOST_STEPS {
            break End::MostSteps;
        }
        let at_rate = plan.at_rate(trial.rate, goal.slo.needed(), trial.confirming);
        let taken = match run::run(&at_rate, &mut stop, watch).await {
            Ok(measured) if !measured.stopped => Step::new(trial, &at_rate, &measured, goal),
            Ok(_) | Err(RunError::Stopped) => break End::Interrupted,
            // A server that broke down under the last step is a result.
            Err(error) => Step::broken(trial, &error),
        };
        stepped(&taken);
        let gone = tokio::select! {
            gone = gone(plan, &taken, ongoing.was_met(&taken)) => gone,
            () = &mut stop => Some(End::Interrupted),
        };
        let over = ongoing.take(taken);
        if let Some(end) = gone.or(over) {
            break end;
        }
    };
    Ok(Search::new(ongoing.steps, &ongoing.bracket, end))
}

/// Requests a second that a closed loop reached; 0 where nothing was answered at all. Of a server that
/// takes longer than the loop lasted, as many as its connections and its latency come to.
fn reached(closed: &Summary) -> f64 {
    let at_once = float(closed.connections.wanted * closed.connections.streams);
    let latency = closed.latency.mean_ms.filter(|_| closed.requests > 0);
    let by_latency = latency.map_or(0.0, |latency| at_once / (latency / 1e3));
    match closed.requests_per_second > 0.0 {
        true => closed.requests_per_second,
        false => by_latency,
    }
}

/// A search under way.
struct Ongoing {
    bracket: Bracket,
    steps: Vec<Step>,
    /// Steps one after the other that the generator spoilt.
    tries: usize,
}

impl Ongoing {
    fn new(plan: &Plan, goal: Goal<'_>, reached: f64) -> Self {
        // At a lower rate even the longest step has too few requests.
        let least = goal.slo.needed().max(1);
        // Some more, since what fails has no latency.
        let least = least + (least / 100).max(1);
        let floor = float(least) / plan.longest_step().as_secs_f64();
        let first = rounded((reached * FIRST).max(floor * 1.01));
        Self { bracket: Bracket::from(first, floor), steps: Vec::new(), tries: 0 }
    }

    /// Whether a rate as high as that of `step` was met before.
    fn was_met(&self, step: &Step) -> bool {
        let mut met = self.steps.iter().filter(|before| before.met);
        met.any(|before| before.target_per_second >= step.target_per_second * 0.999)
    }

    /// Learns from a step, and says whether the search is over.
    fn take(&mut self, step: Step) -> Option<End> {
        let doubted = step.generator_was_the_limit && !step.met;
        self.tries = if doubted { self.tries + 1 } else { 0 };
        if !doubted || self.tries >= TRIES {
            self.bracket.learn(&step);
        }
        let undecided = step.undecided.then_some(End::Undecided);
        self.steps.push(step);
        undecided.or((self.tries >= TRIES).then_some(End::Generator))
    }
}

/// Whether the server is gone after this step: nothing can connect any more, or nothing is answered
/// at a rate that was met before.
async fn gone(plan: &Plan, step: &Step, was_met: bool) -> Option<End> {
    if step.met || !step.may_be_gone {
        return None;
    }
    let rate = step.target_per_second;
    match reachable(plan).await {
        Err(RunError::NothingConnected(failure)) => {
            Some(End::Gone { rate, failure: Some(failure.to_string()) })
        }
        _ if was_met && step.outcome == Outcome::NothingGood => {
            Some(End::Gone { rate, failure: None })
        }
        _ => None,
    }
}

/// Whether a connection can be made, now or a little later.
async fn reachable(plan: &Plan) -> Result<(), RunError> {
    match run::reach(plan).await {
        Err(RunError::NothingConnected(Failure::Descriptors)) => Ok(()),
        Err(RunError::NothingConnected(_)) => {
            tokio::time::sleep(COMING_BACK).await;
            run::reach(plan).await
        }
        reached => reached,
    }
}

impl Search {
    /// Whether no rate was shown to be missed: the generator was the limit, or a step had too few
    /// requests to decide.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.generator_was_the_limit || self.steps.last().is_none_or(|step| step.undecided)
    }
}

#[cfg(test)]
pub(crate) mod tests;
