//! The only part of bench that changes the world: it starts, scales and stops the app. Everything
//! above sees a [`Cluster`], whether the app was started here, by a `bench up` elsewhere, or is a
//! stack of a Docker Swarm.

pub mod control;
pub mod local;
pub mod sim;
pub mod swarm;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::measure::Route;

/// The services of the app that can be scaled or published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The loop.
    Worker,
    /// Random bytes.
    Rng,
    /// SHA-256.
    Hasher,
    /// The page and its API.
    Webui,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Worker, Self::Rng, Self::Hasher, Self::Webui];

    /// The environment variable with which it is set to allow experiments.
    #[must_use]
    pub fn allow_experiments(self) -> String {
        format!("{}_ALLOW_EXPERIMENTS", self.name().to_uppercase())
    }

    /// Its name in commands, logs and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Rng => "rng",
            Self::Hasher => "hasher",
            Self::Webui => "webui",
        }
    }
}

/// How many replicas of each service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Replicas {
    /// Worker processes.
    pub worker: u32,
    /// rng replicas.
    pub rng: u32,
    /// hasher replicas.
    pub hasher: u32,
}

impl Default for Replicas {
    fn default() -> Self {
        Self { worker: 1, rng: 1, hasher: 1 }
    }
}

impl Replicas {
    /// Whether there is somebody to loop, and somebody to answer.
    #[must_use]
    pub fn can_loop(self) -> bool {
        self.worker > 0 && self.rng > 0 && self.hasher > 0
    }
}

/// A change of replicas; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Worker processes.
    pub worker: Option<u32>,
    /// rng replicas.
    pub rng: Option<u32>,
    /// hasher replicas.
    pub hasher: Option<u32>,
}

impl Change {
    /// The replicas after it, where `now` are there.
    #[must_use]
    pub fn on(self, now: Replicas) -> Replicas {
        Replicas {
            worker: self.worker.unwrap_or(now.worker),
            rng: self.rng.unwrap_or(now.rng),
            hasher: self.hasher.unwrap_or(now.hasher),
        }
    }
}

impl From<Replicas> for Change {
    fn from(replicas: Replicas) -> Self {
        let Replicas { worker, rng, hasher } = replicas;
        Self { worker: Some(worker), rng: Some(rng), hasher: Some(hasher) }
    }
}

/// One service as the cluster sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Which.
    pub service: Service,
    /// Replicas asked for.
    pub wanted: u32,
    /// Names of the replicas that are ready.
    pub ready: Vec<String>,
    /// Replicas that were told to stop and have not yet.
    pub leaving: u32,
    /// Times a replica died and was started again.
    pub restarts: u64,
    /// How the last one died, in words.
    pub last_death: Option<String>,
    /// Where each ready replica is, by its name, where that says more than the name.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Which replica each name stands for, where another may take it over.
    #[serde(default)]
    pub incarnations: BTreeMap<String, String>,
    /// Wanted replicas that are not ready yet, by how far they have come.
    #[serde(default)]
    pub states: BTreeMap<String, u32>,
    /// Why wanted replicas are not ready, as far as the cluster says.
    #[serde(default)]
    pub troubles: Vec<Trouble>,
    /// When the youngest ready replica was made, by the cluster's clock, in Unix microseconds.
    #[serde(default)]
    pub created_us: Option<i64>,
    /// When the last replica became ready, likewise.
    #[serde(default)]
    pub ready_since_us: Option<i64>,
}

/// A wanted replica that does not start, or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Which, as `rng.3`.
    pub replica: String,
    /// On which node, if on any.
    pub node: Option<String>,
    /// How far it came.
    pub state: String,
    /// The cluster's own words.
    pub error: String,
    /// Whether waiting may help: it has failed once and is being tried again.
    #[serde(default)]
    pub may_pass: bool,
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replica, node, state, error, .. } = self;
        match node {
            Some(node) => write!(out, "{replica} on {node}: {state}: {error}"),
            None => write!(out, "{replica}: {state}: {error}"),
        }
    }
}

impl ServiceStatus {
    /// Whether exactly the wanted replicas are there.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.ready.len() == self.wanted as usize && self.leaving == 0
    }
}

/// The app as the cluster sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Process id of the bench that runs the app, where one does.
    pub pid: Option<u32>,
    /// Where webui is published, the likeliest address first.
    pub webui: Vec<SocketAddr>,
    /// Where rng is published, likewise.
    pub rng: Vec<SocketAddr>,
    /// Where hasher is published, likewise.
    pub hasher: Vec<SocketAddr>,
    /// Every service.
    pub services: Vec<ServiceStatus>,
}

impl Status {
    /// How many replicas are wanted now.
    #[must_use]
    pub fn replicas(&self) -> Replicas {
        let wanted = |service| self.service(service).map_or(0, |status| status.wanted);
        Replicas {
            worker: wanted(Service::Worker),
            rng: wanted(Service::Rng),
            hasher: wanted(Service::Hasher),
        }
    }

    /// One service.
    #[must_use]
    pub fn service(&self, service: Service) -> Option<&ServiceStatus> {
        self.services.iter().find(|status| status.service == service)
    }

    /// Every ready replica's whereabouts, by its name.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.services.iter().flat_map(|service| service.labels.clone());
        labels.collect()
    }

    /// What keeps wanted replicas from being ready.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.services.iter().flat_map(|service| &service.troubles)
    }

    /// Restarts of all services together.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.services.iter().map(|status| status.restarts).sum()
    }
}

/// An app that can be scaled.
#[derive(Debug)]
pub enum Cluster {
    /// Started by this process, and stopped with it.
    Own(Arc<local::LocalCluster>),
    /// Started by another `bench up`, which keeps it when this process ends.
    Attached {
        /// The way to it.
        client: control::Client,
        /// Its replicas when it was found.
        before: Replicas,
    },
    /// A stack of a swarm, which goes on when this process ends.
    Swarm(Box<swarm::Swarm>),
    /// Only simulated, by this process.
    Simulated(sim::Simulated),
}

impl Cluster {
    /// Which kind of cluster it is, and why that one, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Own(_) => String::from("local, started by this command"),
            Self::Attached { client, .. } => {
                format!("local, the app that bench up (pid {}) runs", client.pid())
            }
            Self::Swarm(swarm) => swarm.describe(),
            Self::Simulated(app) => app.describe(),
        }
    }

    /// The images of its services by their names, where they run in containers.
    #[must_use]
    pub fn images(&self) -> BTreeMap<String, String> {
        match self {
            Self::Swarm(swarm) => swarm.images(),
            Self::Own(_) | Self::Attached { .. } | Self::Simulated(_) => BTreeMap::new(),
        }
    }

    /// What chance begins with, where it is only simulated.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match self {
            Self::Simulated(app) => Some(app.seed()),
            Self::Own(_) | Self::Attached { .. } | Self::Swarm(_) => None,
        }
    }

    /// The commands that switch experiments on, one a line, indented.
    #[must_use]
    pub fn experiments_on(&self) -> String {
        match self {
            Self::Swarm(swarm) => swarm.experiments_on(),
            Self::Own(_) | Self::Attached { .. } | Self::Simulated(_) => {
                let on = |service: Service| format!("{}=true ", service.allow_experiments());
                let command = if matches!(self, Self::Own(_)) { "scale" } else { "up" };
                format!("  {}bench {command} ...", Service::ALL.map(on).concat())
            }
        }
    }

    /// Asks for a change of replicas; it comes about afterwards.
    ///
    /// # Errors
    /// When the bench that runs the app is gone, or the swarm refuses.
    pub async fn scale(&mut self, change: Change) -> Result<(), Failure> {
        match self {
            Self::Own(local) => {
                local.scale(change.on(local.status().replicas()));
                Ok(())
            }
            Self::Attached { client, .. } => {
                let now = client.status().await?.replicas();
                client.scale(change.on(now)).await
            }
            Self::Swarm(swarm) => swarm.scale(change).await,
            Self::Simulated(app) => app.scale(change),
        }
    }

    /// How things are now.
    ///
    /// # Errors
    /// When the bench that runs the app is gone.
    pub async fn status(&mut self) -> Result<Status, Failure> {
        match self {
            Self::Own(local) => Ok(local.status()),
            Self::Attached { client, .. } => client.status().await,
            Self::Swarm(swarm) => swarm.status().await,
            Self::Simulated(app) => app.status(),
        }
    }

    /// A way to each node's published ports, where there are nodes to tell apart.
    ///
    /// # Errors
    /// When the swarm is gone.
    pub async fn routes(&mut self) -> Result<Vec<Route>, Failure> {
        match self {
            Self::Swarm(swarm) => swarm.routes().await,
            Self::Own(_) | Self::Attached { .. } | Self::Simulated(_) => Ok(Vec::new()),
        }
    }

    /// Leaves the app: stops it if it was started here; otherwise with `restore` puts replica
    /// counts back to what they were.
    ///
    /// # Errors
    /// When counts could not be put back, or what was made to measure not be removed.
    pub async fn leave(self, restore: bool) -> Result<(), Failure> {
        match self {
            Self::Own(local) => local.stop().await,
            Self::Attached { mut client, before } if restore => client.scale(before).await?,
            Self::Attached { .. } | Self::Simulated(_) => {}
            Self::Swarm(swarm) => swarm.leave(restore).await?,
        }
        Ok(())
    }

    /// What stays behind when it is not left in order, if anything; a sentence.
    #[must_use]
    pub fn left_behind(&self, restore: bool) -> Option<String> {
        match self {
            // Dropping a replica kills it.
            Self::Own(_) | Self::Simulated(_) => None,
            Self::Attached { before, .. } => restore.then(|| {
                let Replicas { worker, rng, hasher } = before;
                format!("replicas may not be back to worker {worker}, rng {rng}, hasher {hasher}")
            }),
            Self::Swarm(swarm) => swarm.left_behind(restore),
        }
    }
}
