//! On which app to act, and from where it is read.

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use crate::cli::{AnyKind, AppArgs, Cli, MOST_REPLICAS};
use crate::cluster::control::Wanted;
use crate::cluster::local::Setup;
use crate::cluster::sim::Timed;
use crate::cluster::{Change, Replicas, swarm};
use crate::failure::Failure;

/// How the app is read from inside its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromInside {
    /// bench's image, where it is not beside the worker's.
    pub image: Option<String>,
}

/// On which app to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is like where it is only simulated, in place of all else here.
    pub simulated: Option<Vec<Timed>>,
    /// On a swarm, on this machine, or wherever the app is.
    pub place: Place,
    /// The stack, where it is on a swarm.
    pub swarm: swarm::Setup,
    /// Whether the app is read from inside its network, and by what.
    pub inside: Option<FromInside>,
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

/// Sees that no step asks for more than one machine should run.
///
/// # Errors
/// When one does.
pub fn fits_one_machine(steps: &[Change]) -> Result<(), Failure> {
    let asked = steps.iter().flat_map(|step| [step.worker, step.rng, step.hasher]);
    match asked.flatten().any(|count| count > MOST_REPLICAS) {
        true => Err(Failure::TooMany { most: MOST_REPLICAS }),
        false => Ok(()),
    }
}

impl Target {
    /// The same, where every replica that has a simulated setting of its own is there in one of `states`.
    ///
    /// # Errors
    /// When one is in none of them, so that its setting would do nothing.
    pub(super) fn with_replicas(self, states: &[Replicas]) -> Result<Self, clap::Error> {
        let settings = self.simulated.iter().flatten();
        for (part, number) in settings.filter_map(|timed| timed.setting.replica()) {
            let most = states.iter().map(|state| part.replicas(*state)).max().unwrap_or(0);
            if number > most {
                let name = part.name();
                return Err(Cli::command().error(
                    ErrorKind::ValueValidation,
                    format!(
                        "--simulate {name}.{number}: there is no such replica, only {most} {name}: ask for \
                         --{name} {number}, or leave the setting out"
                    ),
                ));
            }
        }
        Ok(self)
    }
}

impl TryFrom<AppArgs> for Target {
    type Error = clap::Error;

    fn try_from(arguments: AppArgs) -> Result<Self, clap::Error> {
        let simulated = arguments.is_simulated()?.then(|| arguments.simulate.clone());
        let running = match (arguments.own, arguments.attach) {
            (true, _) => None,
            (false, Some(pid)) => Some(Wanted::Pid(pid)),
            (false, None) => Some(Wanted::Any),
        };
        let place = match arguments.cluster {
            Some(AnyKind::Local) => Place::Local,
            Some(AnyKind::Swarm) => Place::Swarm,
            None if arguments.from_inside || arguments.stack.is_given() => Place::Swarm,
            None if arguments.own || arguments.attach.is_some() => Place::Local,
            Some(AnyKind::Sim) | None => Place::Either,
        };
        Ok(Self {
            simulated,
            place,
            inside: arguments.from_inside.then_some(FromInside { image: arguments.inside_image }),
            running,
            setup: arguments.local.into(),
            swarm: arguments.stack.into(),
        })
    }
}
