//! What can go wrong for reasons outside the program, and the exit code of each. Whatever is not
//! listed here is a bug.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cluster::Trouble;

/// The exit codes of every command, as the documentation lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Shown to be slower, a threshold was missed, or what was probed or loaded gave no good
    /// response.
    Failed = 1,
    /// Bad arguments.
    Usage = 2,
    /// Inconclusive: the verdict is withheld, undecided, or there is not enough data.
    Inconclusive = 3,
    /// The cluster refused or did not settle.
    Cluster = 4,
    /// An error of the program itself, or of the disk it writes to.
    Internal = 5,
    /// Ctrl-C or SIGTERM before the end.
    Interrupted = 130,
}

/// A failure the user or the world can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The directory given with `--out` cannot be used.
    #[error("--out {}: {reason}", path.display())]
    Out {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Results could not be written; they are still printed.
    #[error("cannot write {}: {source} (the results so far are printed; free some space or choose another --out)", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A published port is taken.
    #[error(
        "port {port} for {service} is taken{owner}; stop what uses it, or choose another with --{service}-port (0: any free one)"
    )]
    PortTaken {
        /// The service to publish.
        service: &'static str,
        /// The port.
        port: u16,
        /// ` by <program> (pid <n>)`, where that can be known.
        owner: String,
    },
    /// A port cannot be listened on for another reason.
    #[error(
        "cannot publish {service} on {address}: {source} (choose another port with --{service}-port or address with --bind)"
    )]
    Publish {
        /// The service to publish.
        service: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// More connections than the open-file limit leaves room for.
    #[error(
        "--max-connections {asked}: of {files} open files each of the three ports has room for {room} \
         connections beside bench's own files; raise the limit with `ulimit -n`, or ask for fewer"
    )]
    TooManyConnections {
        /// Connections asked for.
        asked: u64,
        /// Connections there is room for.
        room: u64,
        /// The open-file limit.
        files: u64,
    },
    /// The app could not be started.
    #[error("cannot start the app: {0}")]
    Start(String),
    /// The Redis of an app on this machine cannot be used as it was asked for.
    #[error("{0}")]
    Redis(String),
    /// Something else than this user's `bench up` holds the place of its control socket.
    #[error("{0}")]
    Control(String),
    /// The engine does not answer, or its swarm has no leader: a moment later it may be otherwise.
    #[error("{0}")]
    Engine(String),
    /// The swarm cannot be used, or refused.
    #[error("{0}")]
    Swarm(String),
    /// The stack or one of its services is not there.
    #[error("{0}")]
    Stack(String),
    /// Something cannot be probed at all.
    #[error("{0}")]
    Probe(String),
    /// A threshold of a service that is not probed.
    #[error("--fail-above {name}=...: nothing is probed by that name, but {known}")]
    Unknown {
        /// What was typed.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no app to probe.
    #[error(
        "no app found: no stack on a swarm, no `bench up`, and nothing on ports 8000 to 8002 of this \
         machine; start it with `bench up` or `docker stack deploy`, or name what to probe with --url"
    )]
    NoApp,
    /// A directory without a run that can be read.
    #[error("--from {}: {reason}; name the DIR of a `bench scale --out DIR`", path.display())]
    Run {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A directory whose run cannot be reported.
    #[error("{}: {reason}", path.display())]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A report would replace what it is made of.
    #[error(
        "{} is {}, which the report is made from: name another file with --out",
        path.display(),
        input.display()
    )]
    Overwrites {
        /// The file to write.
        path: PathBuf,
        /// The file of the run that it is.
        input: PathBuf,
    },
    /// A report could not be written.
    #[error("cannot write {}: {reason}; name another file with --out", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A run that does not tell what a plan needs, or a plan too large to simulate.
    #[error("{0}")]
    Untold(String),
    /// The app cannot be changed for an experiment.
    #[error("the app takes no experiment: {0}")]
    Experiment(String),
    /// The app refuses every experiment, as long as it is not set to allow them.
    #[error("experiments are off in this app; switch them on with\n{0}")]
    ExperimentsOff(String),
    /// An app that cannot be simulated.
    #[error("{0}; see --simulate")]
    Simulation(String),
    /// More replicas than one machine should run.
    #[error("at most {most} replicas of a service on one machine; a swarm takes more")]
    TooMany {
        /// The limit.
        most: u32,
    },
    /// The wanted replicas did not come about.
    #[error("not settled after {after:.1?}: {missing}{}", listed(troubles))]
    NotSettled {
        /// How long it was waited.
        after: std::time::Duration,
        /// What is missing.
        missing: String,
        /// What the cluster says of the replicas that did not start.
        troubles: Vec<Trouble>,
    },
    /// webui, through which everything is measured, does not answer.
    #[error("webui {at} does not answer: {reason}")]
    Webui {
        /// Where.
        at: String,
        /// What it did instead.
        reason: String,
    },
    /// One failure, and another one while what could be was put in order.
    #[error("{first}\nerror: {then}")]
    Also {
        /// What ended the run.
        first: Box<Failure>,
        /// What went wrong afterwards.
        then: Box<Failure>,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// A command that ended with an exit code of its own, and why.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Ended {
    /// What is said of it.
    pub words: String,
    /// The exit code.
    pub exit: u8,
}

impl Failure {
    /// The exit code that tells.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Out { .. }
            | Self::Redis(_)
            | Self::TooMany { .. }
            | Self::TooManyConnections { .. }
            | Self::Unknown { .. }
            | Self::Run { .. }
            | Self::Simulation(_)
            | Self::Overwrites { .. }
            | Self::NotARun { .. } => Exit::Usage,
            Self::Untold(_) => Exit::Inconclusive,
            Self::Write { .. } | Self::Unwritten { .. } => Exit::Internal,
            Self::Interrupted => Exit::Interrupted,
            Self::Also { first, .. } => first.exit(),
            Self::PortTaken { .. }
            | Self::Publish { .. }
            | Self::Start(_)
            | Self::Control(_)
            | Self::Engine(_)
            | Self::Swarm(_)
            | Self::Stack(_)
            | Self::NoApp
            | Self::Probe(_)
            | Self::Experiment(_)
            | Self::ExperimentsOff(_)
            | Self::NotSettled { .. }
            | Self::Webui { .. } => Exit::Cluster,
        }
    }
}

/// Two things that were tried in any case, the one after the other.
pub trait Also {
    /// Both failures, where both failed.
    ///
    /// # Errors
    /// When one of them did.
    #[must_use]
    fn also(self, then: Self) -> Self;
}

impl Also for Result<(), Failure> {
    fn also(self, then: Self) -> Self {
        match (self, then) {
            (Err(first), Err(then)) => {
                Err(Failure::Also { first: Box::new(first), then: Box::new(then) })
            }
            (first, then) => first.and(then),
        }
    }
}

/// One trouble a line, below the sentence they belong to.
fn listed(troubles: &[Trouble]) -> String {
    troubles.iter().map(|trouble| format!("\n  {trouble}")).collect()
}
