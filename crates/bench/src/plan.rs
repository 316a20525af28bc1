//! What is to be done, with nothing in it that can still be wrong: the command line made into
//! values. It asks nothing of the machine.

mod report;

use std::path::PathBuf;
use std::time::Duration;

use exchange::Url;

use crate::analyse::Question;
use crate::cli::{
    AdviceArgs, Cli, ClusterKind, Command, DEFAULT_STACK, EngineArgs, Format, InsideArgs,
    LocalArgs, MOST_REPLICAS, ProbeArgs, ReplicaList, ScaleArgs, Spread, StackArgs, StatusArgs,
    StatusFormat, Threshold, UpArgs,
};
use crate::cluster::control::Wanted;
use crate::cluster::local::Setup;
use crate::cluster::swarm;
use crate::cluster::swarm::endpoint::Asked;
use crate::cluster::{Change, Replicas};
use crate::failure::Failure;
use crate::inside::Inside;
use crate::measure::Pace;

pub use report::{ReportPlan, Told};

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
    Compare(load::settings::CompareSettings),
    /// Say what a stack looks like.
    Status {
        /// Which.
        swarm: swarm::Setup,
        /// How it is printed.
        output: StatusFormat,
    },
}

/// A series of steps, each scaled, settled and measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePlan {
    /// On which app.
    pub target: Target,
    /// The steps in order; there is at least one.
    pub steps: Vec<Change>,
    /// How each is measured.
    pub timing: Timing,
    /// How results are printed.
    pub output: Format,
    /// Where the run is kept, if anywhere.
    pub out: Option<PathBuf>,
    /// Whether replica counts are put back at the end.
    pub restore: bool,
    /// Whether the best next action is done too, and the prediction of it scored.
    pub verify: bool,
    /// Whether the app is read from inside its network, and by what.
    pub inside: Option<FromInside>,
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

/// How the app is read from inside its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromInside {
    /// bench's image, where it is not beside the worker's.
    pub image: Option<String>,
}

/// On which app to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// On a swarm, on this machine, or wherever the app is.
    pub place: Place,
    /// The stack, where it is on a swarm.
    pub swarm: swarm::Setup,
    /// The running app to use, or `None` to start one of its own in any case.
    pub running: Option<Wanted>,
    /// How an app of its own is set up.
    pub setup: Setup,
}

/// Where the app is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a swarm if the engine at hand manages one that runs the stack, else on this machine.
    Either,
    /// On this machine.
    Local,
    /// On a swarm.
    Swarm,
}

/// How long each part of a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Longest wait for the replicas to serve.
    pub settle_timeout: Duration,
    /// From settled to the window.
    pub warmup: Duration,
    /// The window.
    pub window: Duration,
}

impl ScalePlan {
    /// Sees that no step asks for more than one machine should run.
    ///
    /// # Errors
    /// When one does.
    pub fn fits_one_machine(&self) -> Result<(), Failure> {
        let asked = self.steps.iter().flat_map(|step| [step.worker, step.rng, step.hasher]);
        match asked.flatten().any(|count| count > MOST_REPLICAS) {
            true => Err(Failure::TooMany { most: MOST_REPLICAS }),
            false => Ok(()),
        }
    }
}

impl From<Cli> for Plan {
    fn from(cli: Cli) -> Self {
        match cli.command {
            Command::Up(UpArgs { worker, rng, hasher, local }) => {
                Self::Up { setup: local.into(), replicas: Replicas { worker, rng, hasher } }
            }
            Command::Scale(arguments) => Self::Scale((*arguments).into()),
            Command::Plan(arguments) => Self::Advice(arguments.into()),
            Command::Report(arguments) => Self::Report(arguments.into()),
            Command::Ping(settings) => Self::Ping(settings),
            Command::Probe(arguments) => Self::Probe((*arguments).into()),
            Command::Load(settings) => Self::Load(settings),
            Command::Compare(settings) => Self::Compare(settings),
            Command::Inside(arguments) => Self::Inside(arguments.into()),
            Command::Status(StatusArgs { stack, engine, output }) => {
                Self::Status { swarm: engine_of(engine, stack), output }
            }
        }
    }
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
        let LocalArgs { webui_port, rng_port, hasher_port, bind, redis } = arguments;
        Self { bind, webui_port, rng_port, hasher_port, redis }
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

impl From<ScaleArgs> for ScalePlan {
    fn from(arguments: ScaleArgs) -> Self {
        let steps =
            steps(arguments.worker.as_ref(), arguments.rng.as_ref(), arguments.hasher.as_ref());
        let running = match (arguments.own, arguments.attach) {
            (true, _) => None,
            (false, Some(pid)) => Some(Wanted::Pid(pid)),
            (false, None) => Some(Wanted::Any),
        };
        let place = match arguments.cluster {
            Some(ClusterKind::Local) => Place::Local,
            Some(ClusterKind::Swarm) => Place::Swarm,
            None if arguments.from_inside || arguments.stack.is_given() => Place::Swarm,
            None if arguments.own || arguments.attach.is_some() => Place::Local,
            None => Place::Either,
        };
        Self {
            target: Target {
                place,
                running,
                setup: arguments.local.into(),
                swarm: arguments.stack.into(),
            },
            restore: arguments.restore,
            verify: arguments.verify,
            inside: arguments.from_inside.then_some(FromInside { image: arguments.inside_image }),
            steps,
            timing: Timing {
                settle_timeout: arguments.settle_timeout,
                warmup: arguments.warmup,
                window: arguments.duration,
            },
            output: arguments.output,
            out: arguments.out,
        }
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
        match Plan::from(Cli::parse_from(words)) {
            Plan::Scale(plan) => plan,
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
