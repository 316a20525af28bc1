//! The app as processes of two kinds: each service is either ours or the stand-in for the original's, which runs
//! on the original's own frameworks (`tests/standins`). Two taps count what rng and hasher answer the worker.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::http;
use crate::place::program;
use crate::process::{Ended, Process};
use crate::tap::Tap;
use crate::wait::within;

/// Ports of a mix begin here: below those that the system gives to clients.
const FIRST_PORT: u16 = 20_000;
const PORTS_OF_A_MIX: u16 = 4;

/// Longer than an interpreter takes to start on a cold and busy machine.
const START: Duration = Duration::from_mins(1);

/// Mixes that this process has started.
static MIXES: AtomicU16 = AtomicU16::new(0);

/// A service of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Random bytes.
    Rng,
    /// SHA-256.
    Hasher,
    /// The loop.
    Worker,
    /// The page.
    Webui,
}

impl Service {
    /// All of them, a worker after those it asks.
    pub const ALL: [Self; 4] = [Self::Rng, Self::Hasher, Self::Webui, Self::Worker];

    /// Its name in the app.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rng => "rng",
            Self::Hasher => "hasher",
            Self::Worker => "worker",
            Self::Webui => "webui",
        }
    }
}

/// Who wrote a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `bench service NAME`.
    Ours,
    /// The stand-in for the original's.
    Theirs,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ours => "our",
            Self::Theirs => "their",
        })
    }
}

/// Where the processes of one app listen, and find each other.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// An address of the loopback network that is this app's alone, so that no port of it can be taken.
    pub host: Ipv4Addr,
    first_port: u16,
}

impl Addresses {
    /// Addresses that no other app of this or another process has.
    #[must_use]
    pub fn new() -> Self {
        // Process ids have at most 22 bits.
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let number = MIXES.fetch_add(1, Ordering::Relaxed);
        let host = Ipv4Addr::new(127, 64 + high, middle, low);
        Self { host, first_port: FIRST_PORT + number * PORTS_OF_A_MIX }
    }

    /// Where a service listens.
    #[must_use]
    pub fn of(&self, service: Service) -> SocketAddr {
        (self.host, self.first_port + service as u16).into()
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self::new()
    }
}

/// Whom a worker or webui asks.
#[derive(Clone, Copy, Debug)]
pub struct Peers {
    /// Of the worker.
    pub rng: SocketAddr,
    /// Of the worker.
    pub hasher: SocketAddr,
    /// Of both.
    pub redis: SocketAddr,
}

/// A running app; its processes end when it is dropped.
#[derive(Debug)]
pub struct Mix {
    /// Where webui is.
    pub webui: SocketAddr,
    /// Between the worker and rng.
    pub rng: Tap,
    /// Between the worker and hasher.
    pub hasher: Tap,
    processes: Vec<(Service, Kind, Process)>,
}

impl Mix {
    /// Starts the app with the counters in `redis`; `kind` says whose each service is. The worker starts when all
    /// others answer.
    pub async fn start(redis: SocketAddr, kind: impl Fn(Service) -> Kind) -> Self {
        let addresses = Addresses::new();
        let rng = Tap::before(addresses.of(Service::Rng), addresses.host).await;
        let hasher = Tap::before(addresses.of(Service::Hasher), addresses.host).await;
        let peers = Peers { rng: rng.address, hasher: hasher.address, redis };
        let mut processes = Vec::new();
        for service in Service::ALL {
            if service == Service::Worker {
                for (service, kind, process) in &mut processes {
                    ready(*service, *kind, process, addresses.of(*service)).await;
                }
            }
            let kind = kind(service);
            processes.push((service, kind, start(service, kind, addresses, peers)));
        }
        Self { webui: addresses.of(Service::Webui), rng, hasher, processes }
    }

    /// Stops the worker, then the others, as an orchestrator does; returns how each ended.
    pub async fn stop(&mut self) -> Vec<(Service, Kind, Ended)> {
        let mut ended = Vec::new();
        for (service, kind, process) in std::mem::take(&mut self.processes).into_iter().rev() {
            process.signal(Signal::TERM);
            ended.push((service, kind, process.end().await));
        }
        ended
    }
}

/// Starts one service.
#[must_use]
pub fn start(service: Service, kind: Kind, addresses: Addresses, peers: Peers) -> Process {
    let mut command = match kind {
        Kind::Ours => ours(service, addresses, peers),
        Kind::Theirs => theirs(service, addresses, peers),
    };
    Process::start(&mut command)
}

/// Waits until a service answers.
pub async fn ready(service: Service, kind: Kind, process: &mut Process, address: SocketAddr) {
    let (name, means) = (service.name(), "what it runs on is installed by scripts/tools");
    within(START, &format!("an answer of {kind} {name}"), async || {
        let has_ended = process.has_ended();
        assert!(!has_ended, "{kind} {name} ended; {means}:\n{}", process.errors().join("\n"));
        http::get(address, "/").await.ok()
    })
    .await;
}

fn ours(service: Service, addresses: Addresses, peers: Peers) -> Command {
    let mut command = Command::new(program());
    command.args(["service", service.name()]).env_clear();
    let mut flag = |name: &str, value: &dyn fmt::Display| {
        command.args([format!("--{name}"), value.to_string()]);
    };
    if service == Service::Worker {
        flag("rng", &peers.rng);
        flag("hasher", &peers.hasher);
    } else {
        flag("address", &addresses.of(service).ip());
        flag("port", &addresses.of(service).port());
    }
    if matches!(service, Service::Worker | Service::Webui) {
        flag("redis", &peers.redis);
    }
    command
}

fn theirs(service: Service, addresses: Addresses, peers: Peers) -> Command {
    let (programs, installed) = (programs(), installed());
    let python = installed.join("python/bin/python");
    let (interpreter, program) = match service {
        Service::Rng => (python, "rng.py"),
        Service::Hasher => (ruby(), "hasher.rb"),
        Service::Worker => (python, "worker.py"),
        Service::Webui => (node(), "webui.js"),
    };
    let mut command = Command::new(interpreter);
    command.arg(programs.join(program)).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.env("NODE_PATH", installed.join("node_modules"));
    let address = addresses.of(service);
    command.env("ADDRESS", address.ip().to_string()).env("PORT", address.port().to_string());
    for (name, peer) in [("RNG", peers.rng), ("HASHER", peers.hasher), ("REDIS", peers.redis)] {
        command.env(name, peer.to_string());
    }
    command
}

/// The programs of the stand-ins.
fn programs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/standins"))
}

/// The first Ruby that has what the stand-in for hasher runs on, with no more of the environment than that gets.
/// Where another one is first in `PATH`, Debian's has Debian's packages.
fn ruby() -> PathBuf {
    static RUBY: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let has_libraries = |ruby: &PathBuf| {
            let mut command = Command::new(ruby);
            command.args(["-e", "require 'sinatra/base'; require 'thin'"]).env_clear();
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
            command.output().is_ok_and(|output| output.status.success())
        };
        in_path("ruby").chain([PathBuf::from("/usr/bin/ruby")]).find(has_libraries)
    });
    let missing =
        "no Ruby with sinatra and thin: the stand-in for hasher runs on them; run scripts/tools";
    RUBY.clone().expect(missing)
}

fn node() -> PathBuf {
    let missing = "node is missing: the stand-in for webui runs on it; run scripts/tools";
    in_path("node").next().expect(missing)
}

/// Every program of that name in `PATH`.
fn in_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let programs = std::env::split_paths(&folders).map(|folder| folder.join(name));
    programs.filter(|program| program.is_file()).collect::<Vec<_>>().into_iter()
}

/// The packages they run on: installed beside what cargo builds. A copy of each list of versions says that all of
/// that list is there.
fn installed() -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let copies =
        [("requirements.txt", "requirements.txt"), ("package-lock.json", "installed-lock.json")];
    let is_complete = |folder: &PathBuf| {
        copies.iter().all(|(list, copy)| {
            let list = std::fs::read(programs().join(list)).expect("a list of versions");
            std::fs::read(folder.join(copy)).is_ok_and(|copy| copy == list)
        })
    };
    test.ancestors().map(|folder| folder.join("standins")).find(is_complete).expect(
        "target/standins is missing or has other versions than tests/standins lists: the packages that the \
         stand-ins for the original app run on; run scripts/standins",
    )
}
