//! The local cluster: every replica a process of its own on loopback, a relay on each published
//! port as the routing mesh of a swarm has it, and a Redis inside this process unless another is
//! named. Nothing it started outlives it, however it ends.

mod descriptors;
mod folder;
mod port_owner;
mod private_folder;
mod process;
mod redis;
mod registry;
mod relay;
mod supervisor;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis_address::RedisAddress;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use self::folder::AppFolder;
use self::process::Command;
use self::registry::Registry;
use self::supervisor::Supervisor;
use super::{Replicas, Service, Status};
use crate::failure::Failure;

pub use self::folder::{Apps, NoFolder};
pub use self::private_folder::Unsafe;
pub use self::redis::{Access, Choice as RedisChoice};

/// Replicas that may be starting at a time: more would only keep each other from being ready in
/// time, and bench from a stop.
const MOST_STARTING: usize = 16;

/// How the local cluster is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Address the ports are published on.
    pub bind: IpAddr,
    /// Port for webui.
    pub webui_port: u16,
    /// Port for rng.
    pub rng_port: u16,
    /// Port for hasher.
    pub hasher_port: u16,
    /// The Redis it uses.
    pub redis: RedisChoice,
    /// What its services log.
    pub logs: ServiceLogs,
    /// Connections to each published port at a time; `None` for as many as the open-file limit
    /// leaves.
    pub max_connections: Option<NonZeroU32>,
    /// How long a connection without a request under way may move no byte.
    pub idle_timeout: Duration,
}

/// Whether services log each request, or each second's work. `None`: as their environment says, and
/// workers only where one runs alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceLogs {
    /// The work of each worker, once a second.
    pub worker: Option<bool>,
    /// Each request of rng.
    pub rng: Option<bool>,
    /// Each request of hasher.
    pub hasher: Option<bool>,
}

/// Something that happened in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A line a replica logged.
    Log {
        /// Its name.
        replica: String,
        /// The line.
        line: String,
    },
    /// A replica is ready.
    Ready {
        /// Its name.
        replica: String,
    },
    /// A replica ended without being told to.
    Died {
        /// Its name.
        replica: String,
        /// How it ended.
        how: String,
        /// How long until it is started again.
        restart_in: Duration,
    },
    /// A replica ended as it was told to.
    Stopped {
        /// Its name.
        replica: String,
    },
    /// Clients of a published port were answered 503, `/health` excepted.
    OverLimit {
        /// Whose port it is.
        service: Service,
        /// Their connections since the last such event.
        connections: u64,
        /// Connections to the port at a time.
        limit: usize,
    },
    /// A published port takes no connections for the moment.
    CannotAccept {
        /// Whose port it is.
        service: Service,
        /// The system's error.
        reason: String,
    },
}

/// An app that runs on this machine as child processes.
#[derive(Debug)]
pub struct LocalCluster {
    folder: Arc<AppFolder>,
    published: [SocketAddr; 3],
    redis_access: Vec<Access>,
    worker: Mutex<Supervisor>,
    rng: Mutex<Supervisor>,
    hasher: Mutex<Supervisor>,
    webui: Mutex<Supervisor>,
    /// Permits to start a replica, shared by all services.
    starts: Arc<Semaphore>,
    /// Relays and the embedded Redis; they end when this is dropped.
    _servers: JoinSet<()>,
}

impl LocalCluster {
    /// Publishes the ports and starts one webui and `replicas`. `events` hears what happens.
    ///
    /// # Errors
    /// When a port is taken, or a file or a listening socket cannot be had.
    pub async fn start(
        setup: &Setup,
        replicas: Replicas,
        events: UnboundedSender<Event>,
    ) -> Result<Self, Failure> {
        let limits = descriptors::port_limits(
            service::launch::file_limit(),
            if setup.redis.port.is_some() { redis::PORT_CLIENTS } else { 0 },
            setup.max_connections,
            setup.idle_timeout,
        )?;
        let publish = |service: Service, port| {
            let address = SocketAddr::new(setup.bind, port);
            publish(service, address, limits.idle)
        };
        let webui_port = publish(Service::Webui, setup.webui_port)?;
        let rng_port = publish(Service::Rng, setup.rng_port)?;
        let hasher_port = publish(Service::Hasher, setup.hasher_port)?;
        let published = [address(&webui_port)?, address(&rng_port)?, address(&hasher_port)?];
        let folder = AppFolder::create().await;
        let folder = Arc::new(folder.map_err(|error| Failure::Start(error.to_string()))?);
        let mut servers = JoinSet::new();
        let redis = redis::start(&setup.redis, &folder, &mut servers)?;
        let listed = |service: Service| Arc::new(Registry::listed(service, Arc::clone(&folder)));
        let (rng, hasher) = (listed(Service::Rng), listed(Service::Hasher));
        let worker = Arc::new(Registry::unlisted(Service::Worker));
        let webui = Arc::new(Registry::unlisted(Service::Webui));
        for (listener, registry) in [(webui_port, &webui), (rng_port, &rng), (hasher_port, &hasher)]
        {
            servers.spawn(relay::relay(listener, Arc::clone(registry), limits, events.clone()));
        }
        let logs = setup.logs;
        let starts = Arc::new(Semaphore::new(MOST_STARTING));
        let address = &redis.address;
        let commands = Commands { folder: folder.path(), redis: address, logs, starts: &starts };
        let supervise = |registry: Arc<Registry>, command: Command| {
            Mutex::new(Supervisor::new(registry, command, events.clone()))
        };
        let cluster = Self {
            worker: supervise(worker, commands.worker()),
            rng: supervise(rng, Command::listening(Service::Rng, &starts).access_log(logs.rng)),
            hasher: supervise(
                hasher,
                Command::listening(Service::Hasher, &starts).access_log(logs.hasher),
            ),
            webui: supervise(webui, commands.webui()),
            folder,
            published,
            redis_access: redis.access,
            starts,
            _servers: servers,
        };
        locked(&cluster.webui).set(1);
        cluster.scale(replicas);
        Ok(cluster)
    }

    /// Asks for so many replicas; they come about afterwards.
    pub fn scale(&self, replicas: Replicas) {
        locked(&self.rng).set(replicas.rng);
        locked(&self.hasher).set(replicas.hasher);
        let mut worker = locked(&self.worker);
        // Under the lock, so that of two scalings at a time both have their effect in the same order.
        self.switch_work_log(replicas.worker == 1);
        worker.set(replicas.worker);
    }

    /// Has workers log their work from now on, or not, unless that was set otherwise.
    fn switch_work_log(&self, on: bool) {
        if let Err(error) = self.folder.write(folder::WORK_LOG, format!("{on}\n").as_bytes()) {
            let folder = self.folder.path().display();
            tracing::error!(%error, %folder, "cannot write whether workers log their work");
        }
    }

    /// How things are now.
    #[must_use]
    pub fn status(&self) -> Status {
        let [webui, rng, hasher] = self.published;
        let services = [&self.worker, &self.rng, &self.hasher, &self.webui];
        Status {
            pid: Some(std::process::id()),
            webui: vec![webui],
            rng: vec![rng],
            hasher: vec![hasher],
            services: services.map(|supervisor| locked(supervisor).status()).into(),
        }
    }

    /// A path to where this app's control socket is to be, good in this process only.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.folder.through_handle(folder::CONTROL_SOCKET)
    }

    /// How the user reaches the embedded Redis; empty where another one is used.
    #[must_use]
    pub fn redis_access(&self) -> &[Access] {
        &self.redis_access
    }

    /// Stops everything: the workers first, so that they can still count their last loops.
    pub async fn stop(&self) {
        // What has not been started by now never is.
        self.starts.close();
        close(&self.worker).await;
        tokio::join!(close(&self.rng), close(&self.hasher), close(&self.webui));
    }
}

async fn close(supervisor: &Mutex<Supervisor>) {
    let tasks = locked(supervisor).close();
    tasks.join_all().await;
}

/// The command lines of the replicas that need to know of others.
struct Commands<'a> {
    folder: &'a Path,
    redis: &'a RedisAddress,
    logs: ServiceLogs,
    starts: &'a Arc<Semaphore>,
}

impl Commands<'_> {
    fn worker(&self) -> Command {
        let list = |service: Service| format!("@{}", self.folder.join(service.name()).display());
        let arguments = [("--rng", list(Service::Rng)), ("--hasher", list(Service::Hasher))];
        let command = Command::silent(Service::Worker, self.starts).with(arguments);
        command
            .with_redis(self.redis)
            .work_log(self.logs.worker, &self.folder.join(folder::WORK_LOG))
    }

    fn webui(&self) -> Command {
        Command::listening(Service::Webui, self.starts).with_redis(self.redis)
    }
}

fn publish(service: Service, address: SocketAddr, idle: Duration) -> Result<TcpListener, Failure> {
    let port = address.port();
    let bound = service::launch::bind(address).and_then(|listener| {
        relay::configure(&listener, idle)?;
        Ok(listener)
    });
    bound.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => Failure::PortTaken {
            service: service.name(),
            port,
            owner: port_owner::of(port).map(|owner| format!(" by {owner}")).unwrap_or_default(),
        },
        _ => Failure::Publish { service: service.name(), address, source },
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::Start(error.to_string()))
}

/// Nothing under these locks can panic half way, so a poisoned one is as good as any.
fn locked(supervisor: &Mutex<Supervisor>) -> std::sync::MutexGuard<'_, Supervisor> {
    supervisor.lock().unwrap_or_else(PoisonError::into_inner)
}
