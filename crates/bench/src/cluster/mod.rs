//! The only part of bench that changes the world: it starts, scales and stops the app. Everything
//! above sees a [`Cluster`], whether the app was started here or by a `bench up` elsewhere.

pub mod control;
pub mod local;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The services of the app that can be scaled or published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Process id of the bench that runs the app.
    pub pid: u32,
    /// Where webui is published.
    pub webui: SocketAddr,
    /// Where rng is published.
    pub rng: SocketAddr,
    /// Where hasher is published.
    pub hasher: SocketAddr,
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
    Attached(control::Client),
}

impl Cluster {
    /// Which kind of cluster it is, and why that one, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Own(_) => String::from("local, started by this command"),
            Self::Attached(client) => {
                format!("local, the app that bench up (pid {}) runs", client.pid())
            }
        }
    }

    /// Asks for so many replicas; they come about afterwards.
    ///
    /// # Errors
    /// When the bench that runs the app is gone.
    pub async fn scale(&mut self, replicas: Replicas) -> Result<(), Failure> {
        match self {
            Self::Own(local) => {
                local.scale(replicas);
                Ok(())
            }
            Self::Attached(client) => client.scale(replicas).await,
        }
    }

    /// How things are now.
    ///
    /// # Errors
    /// When the bench that runs the app is gone.
    pub async fn status(&mut self) -> Result<Status, Failure> {
        match self {
            Self::Own(local) => Ok(local.status()),
            Self::Attached(client) => client.status().await,
        }
    }

    /// Stops the app if it was started here.
    pub async fn stop(self) {
        if let Self::Own(local) = self {
            local.stop().await;
        }
    }
}
