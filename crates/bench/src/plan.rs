//! What is to be done, with nothing in it that can still be wrong: the command line made into
//! values. It asks nothing of the machine.

mod report;
mod sweep;
mod target;
mod timing;

use std::path::PathBuf;

use exchange::Url;
use load::settings::CompareOutput;
use observation::Experiment;

use crate::analyse::{Margins, Question};
use crate::cli::{
    AdviceArgs, Cli, ClusterKind, Command, CompareArgs, DEFAULT_STACK, EngineArgs, Format,
    InsideArgs, LocalArgs, ProbeArgs, RedisArgs, Repeat, ReplicaList, ScaleArgs, Spread, StackArgs,
    StatusArgs, StatusFormat, Threshold, UpArgs,
};
use crate::cluster::control::Wanted;
use crate::cluster::local::{RedisChoice, ServiceLogs, Setup};
use crate::cluster::swarm;
use crate::cluster::swarm::endpoint::Asked;
use crate::cluster::{Change, Replicas};
use crate::inside::Inside;
use crate::measure::Pace;

pub use report::{ReportPlan, Told};
pub use sweep::SweepPlan;
pub use target::{FromInside, Place, Target, fits_one_machine};
pub use timing::{Length, Timing};

/// Rates this near to each other are a tie, unless another margin is named.
const MARGIN: f64 = 0.01;

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Run the app until told to stop.
    Up {
        /// How.
        setup: Setup,
        /// With how many replicas.
        replicas: Replicas,
    },
    /// Scale and measure.
    Scale(ScalePlan),
    /// Measure a grid.
    Sweep(SweepPlan),
    /// Read the app from inside its network and write it down on standard output.
    Inside(Inside),
    /// Probe one URL.
    Ping(Box<ping::settings::Settings>),
    /// Probe the published ports of an app.
    Probe(ProbePlan),
    /// Say how many containers something takes.
    Advice(AdvicePlan),
    /// Tell a recorded run.
    Report(ReportPlan),
    /// Load a URL.
    Load(Box<load::settings::Settings>),
    /// Compare results of loads.
    CompareLoads(load::settings::CompareSettings),
    /// Compare recorded runs.
    Compare(ComparePlan),
    /// Say what a stack looks like.
    Status {
        /// Which.
        swarm: swarm::Setup,
        /// How it is printed.
        output: StatusFormat,
    },
}

impl Plan {
    /// Whether all of it happens to a simulated app.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        match self {
            Self::Scale(plan) => plan.target.simulated.is_some(),
            Self::Sweep(plan) => plan.target.simulated.is_some(),
            _ => false,
        }
    }
}

/// A series of steps, each scaled, settled and measured.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalePlan {
    /// On which app.
    pub target: Target,
    /// The steps in order; there is at least one.
    pub steps: Vec<Change>,
    /// How often each is measured.
    pub repeat: Repeat,
    /// How each is measured.
    pub timing: Timing,
    /// How results are printed.
    pub output: Format,
    /// Where the run is kept, if anywhere.
    pub out: Option<PathBuf>,
    /// Whether replica counts are put back at the end.
    pub restore: bool,
    /// What is made slower after the last step, one after the other.
    pub inject: Vec<Experiment>,
    /// Whether the best next action is done too, and the prediction of it scored.
    pub verify: bool,
}

/// Probes of an app's published ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePlan {
    /// URLs to probe in place of an app, by their names.
    pub urls: Vec<(String, Url)>,
    /// Where the app is looked for.
    pub place: Place,
    /// Which running app, where it is on this machine.
    pub running: Wanted,
    /// The stack, where it is on a swarm.
    pub swarm: swarm::Setup,
    /// How often.
    pub pace: Pace,
    /// The longest medians that pass.
    pub thresholds: Vec<Threshold>,
    /// How results are printed.
    pub output: StatusFormat,
}

/// Two sides of recorded runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparePlan {
    /// Directories of the first.
    pub first: Vec<PathBuf>,
    /// Directories of the second.
    pub second: Vec<PathBuf>,
    /// What is asked.
    pub margins: Margins,
    /// How it is printed.
    pub output: StatusFormat,
}

/// A question about an app's size.
#[derive(Clone, Debug, PartialEq)]
pub struct AdvicePlan {
    /// What is wanted.
    pub question: Question,
    /// The run that tells of the app; without one it is the nominal app.
    pub from: Option<PathBuf>,
    /// Replicas there are, where they are not those of the run.
    pub now: Change,
    /// How requests are spread, where it is not as in the run.
    pub policy: Option<Spread>,
    /// How it is printed.
    pub output: StatusFormat,
}

impl TryFrom<Cli> for Plan {
    type Error = clap::Error;

    fn try_from(cli: Cli) -> Result<Self, clap::Error> {
        Ok(match cli.command {
            Command::Up(UpArgs { worker, rng, hasher, logs, local }) => {
                let setup = Setup { logs: ServiceLogs::of(&logs), ..local.into() };
                Self::Up { setup, replicas: Replicas { worker, rng, hasher } }
            }
            Command::Scale(arguments) => Self::Scale((*arguments).try_into()?),
            Command::Sweep(arguments) => Self::Sweep((*arguments).try_into()?),
            Command::Plan(arguments) => Self::Advice(arguments.into()),
            Command::Report(arguments) => Self::Report(arguments.into()),
            Command::Ping(settings) => Self::Ping(settings),
            Command::Probe(arguments) => Self::Probe((*arguments).into()),
            Command::Load(settings) => Self::Load(settings),
            Command::Compare(arguments) => compared(arguments)?,
            Command::Inside(arguments) => Self::Inside(arguments.into()),
            Command::Status(StatusArgs { stack, engine, output }) => {
                Self::Status { swarm: engine_of(engine, stack), output }
            }
        })
    }
}

fn compared(arguments: CompareArgs) -> Result<Plan, clap::Error> {
    if !arguments.are_runs()? {
        return Ok(Plan::CompareLoads(arguments.sides));
    }
    let CompareArgs { sides, margin } = arguments;
    let undecided = sides.if_undecided();
    Ok(Plan::Compare(ComparePlan {
        first: sides.before,
        second: sides.after,
        margins: Margins {
            equal: margin.unwrap_or(MARGIN),
            slower: sides.fail_if_slower,
            undecided,
        },
        output: match sides.output {
            CompareOutput::Text => StatusFormat::Table,
            CompareOutput::Json => StatusFormat::Json,
        },
    }))
}

impl From<AdviceArgs> for AdvicePlan {
    fn from(arguments: AdviceArgs) -> Self {
        let AdviceArgs { target, budget, from, worker, rng, hasher, policy, output } = arguments;
        let question = match target {
            Some(rate) => Question::TargetPerSecond(rate),
            None => Question::MoreContainers(budget.unwrap_or(0)),
        };
        Self { question, from, now: Change { worker, rng, hasher }, policy, output }
    }
}

impl From<ProbeArgs> for ProbePlan {
    fn from(arguments: ProbeArgs) -> Self {
        let ProbeArgs { count, interval, timeout, cluster, attach, stack, .. } = arguments;
        let place = match cluster {
            Some(ClusterKind::Local) => Place::Local,
            Some(ClusterKind::Swarm) => Place::Swarm,
            None if stack.is_given() => Place::Swarm,
            None if attach.is_some() => Place::Local,
            None => Place::Either,
        };
        Self {
            urls: arguments.url,
            place,
            running: attach.map_or(Wanted::Any, Wanted::Pid),
            swarm: stack.into(),
            pace: Pace { count: (count > 0).then_some(count), interval, timeout },
            thresholds: arguments.fail_above,
            output: arguments.output,
        }
    }
}

impl From<LocalArgs> for Setup {
    fn from(arguments: LocalArgs) -> Self {
        Self {
            bind: arguments.bind,
            webui_port: arguments.webui_port,
            rng_port: arguments.rng_port,
            hasher_port: arguments.hasher_port,
            redis: arguments.redis.into(),
            logs: ServiceLogs::default(),
            max_connections: arguments.max_connections,
            idle_timeout: arguments.idle_timeout,
        }
    }
}

impl From<RedisArgs> for RedisChoice {
    fn from(arguments: RedisArgs) -> Self {
        let RedisArgs { redis, redis_user, redis_port, redis_password_file, .. } = arguments;
        Self {
            named: redis,
            user: redis_user,
            password_file: redis_password_file,
            port: redis_port,
        }
    }
}

impl From<InsideArgs> for Inside {
    fn from(arguments: InsideArgs) -> Self {
        let InsideArgs { webui, rng, hasher, paths_from } = arguments;
        Self { webui, rng, hasher, paths_from }
    }
}

/// A stack by its name alone.
fn engine_of(arguments: EngineArgs, stack: Option<String>) -> swarm::Setup {
    let EngineArgs { engine, context } = arguments;
    let stack = stack.unwrap_or_else(|| DEFAULT_STACK.to_owned());
    swarm::Setup { engine: Asked { engine, context }, stack, ..swarm::Setup::default() }
}

impl From<StackArgs> for swarm::Setup {
    fn from(arguments: StackArgs) -> Self {
        let StackArgs { stack, service, host, engine } = arguments;
        let named = service.into_iter().collect();
        Self { named, host, ..engine_of(engine, stack) }
    }
}

impl TryFrom<ScaleArgs> for ScalePlan {
    type Error = clap::Error;

    fn try_from(arguments: ScaleArgs) -> Result<Self, clap::Error> {
        let ScaleArgs { worker, rng, hasher, measure, output, out, .. } = arguments;
        let ScaleArgs { repeat, inject, verify, restore, app, .. } = arguments;
        let steps = steps(worker.as_ref(), rng.as_ref(), hasher.as_ref());
        let (mut target, timing) = (Target::try_from(app)?, measure.into());
        // What is verified may have more replicas than any step.
        if !verify {
            let states: Vec<_> = steps.iter().map(|step| step.on(Replicas::default())).collect();
            target = target.with_replicas(&states)?;
        }
        Ok(Self { target, steps, repeat, timing, output, out, restore, inject, verify })
    }
}

/// Every combination of the lists, hashers outermost and workers innermost.
fn steps(
    worker: Option<&ReplicaList>,
    rng: Option<&ReplicaList>,
    hasher: Option<&ReplicaList>,
) -> Vec<Change> {
    let choices = |list: Option<&ReplicaList>| match list {
        Some(ReplicaList(counts)) => counts.iter().copied().map(Some).collect(),
        None => vec![None],
    };
    let mut steps = Vec::new();
    for hasher in choices(hasher) {
        for rng in choices(rng) {
            for worker in choices(worker) {
                steps.push(Change { worker, rng, hasher });
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn scale(words: &str) -> ScalePlan {
        let words = ["bench", "scale"].into_iter().chain(words.split_whitespace());
        match Plan::try_from(Cli::parse_from(words)) {
            Ok(Plan::Scale(plan)) => plan,
            _ => unreachable!("bench scale was typed"),
        }
    }

    #[test]
    fn lists_become_steps_in_every_combination() {
        let plan = scale("--worker 1,2 --rng 1,5");
        let counts: Vec<_> = plan.steps.iter().map(|step| (step.worker, step.rng)).collect();
        assert_eq!(
            counts,
            [(Some(1), Some(1)), (Some(2), Some(1)), (Some(1), Some(5)), (Some(2), Some(5))]
        );
    }

    #[test]
    fn a_running_app_is_used_unless_told_otherwise() {
        assert_eq!(scale("").target.running, Some(Wanted::Any));
        assert_eq!(scale("--attach 7").target.running, Some(Wanted::Pid(7)));
        assert_eq!(scale("--own").target.running, None);
    }

    #[test]
    fn a_simulated_setting_is_of_a_replica_that_is_there() {
        let refused = |words: &str| {
            let words = ["bench"].into_iter().chain(words.split_whitespace());
            Plan::try_from(Cli::parse_from(words)).err().map(|error| error.to_string())
        };
        for (words, expected) in [
            ("scale --simulate rng.5=200ms", Some("no such replica, only 1 rng: ask for --rng 5")),
            ("scale --rng 1,5 --simulate rng.5=200ms", None),
            (
                "scale --hasher 2 --simulate hasher.3=dead",
                Some("only 2 hasher: ask for --hasher 3"),
            ),
            ("scale --verify --simulate rng.2=200ms", None),
            ("sweep --worker 1,2 --simulate rng.2=200ms", Some("only 1 rng")),
            ("sweep --rng 1..4 --simulate rng.4=200ms", None),
        ] {
            let said = refused(words);
            let right = match (&said, expected) {
                (Some(said), Some(expected)) => said.contains(expected),
                (said, expected) => said.is_none() && expected.is_none(),
            };
            assert!(right, "{words}: {said:?}");
        }
    }

    #[test]
    fn what_only_a_swarm_has_means_a_swarm() {
        assert_eq!(scale("").target.place, Place::Either);
        assert_eq!(scale("--own").target.place, Place::Local);
        for flag in [
            "--stack a",
            "--engine tcp://b",
            "--context c",
            "--host d",
            "--service rng=e",
            "--from-inside",
        ] {
            assert_eq!(scale(flag).target.place, Place::Swarm, "{flag}");
        }
    }
}
