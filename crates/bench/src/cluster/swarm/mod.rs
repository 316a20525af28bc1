//! The app as a stack of a Docker Swarm: finds its services, scales them, and says how they are.
//! It never starts or removes the app itself.

mod addresses;
pub mod endpoint;
pub mod engine;
mod inside;
mod log;
pub mod nodes;
pub mod overview;
pub mod stack;
mod tasks;
mod transport;
mod update;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bollard::models::Task;
use bollard::query_parameters::{ListNodesOptions, ListServicesOptions, ListTasksOptionsBuilder};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use self::addresses::Hosts;
use self::endpoint::{Asked, Choice, Environment};
use self::engine::Engine;
use self::nodes::Nodes;
use self::stack::{Members, Named};
use self::tasks::Tasks;
use super::{Change, Replicas, Service, Status};
use crate::failure::Failure;
use crate::inside::Message;
use crate::measure::Route;

/// How long the swarm may be without a leader, which electing another takes, or an engine silent.
const PATIENCE: Duration = Duration::from_mins(1);
const RETRY: Duration = Duration::from_millis(500);

/// Which stack, where, and how to reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Which engine.
    pub engine: Asked,
    /// The stack's name.
    pub stack: String,
    /// Services that go by other names.
    pub named: Named,
    /// Where published ports can be reached, if not at the nodes' own addresses.
    pub host: Option<String>,
}

/// What a look for the stack found.
#[derive(Debug)]
pub enum Found {
    /// The stack.
    Swarm(Box<Swarm>),
    /// No engine, no manager, or no such stack; why, and whether somebody asked for that engine.
    Nothing {
        /// In a sentence.
        reason: String,
        /// The engine was named by flag, environment or context.
        explicit: bool,
    },
}

/// A stack of a swarm.
#[derive(Debug)]
pub struct Swarm {
    engine: Engine,
    setup: Setup,
    members: Members,
    nodes: usize,
    /// Replicas of what was scaled before it was.
    before: BTreeMap<Service, u32>,
    /// Replicas wanted at the last look.
    latest: Replicas,
    /// Services that read the app from inside, if any.
    inside: inside::Services,
    /// Tasks that ended although they were wanted: the swarm forgets them after a while.
    dead: BTreeMap<String, Service>,
    /// Those of them that had ended before this run.
    dead_before: BTreeSet<String>,
}

/// What the swarm says at one moment.
struct Look {
    members: Members,
    tasks: Vec<Task>,
    nodes: Nodes,
}

impl Swarm {
    /// Finds the stack.
    ///
    /// # Errors
    /// When the engine cannot be used, or the stack or one of its services is not there.
    pub async fn find(setup: &Setup) -> Result<Self, Failure> {
        let environment = Environment::of_process();
        let choice = Choice::from(&setup.engine, &environment).map_err(Failure::Swarm)?;
        let engine = Engine::connect(&choice.endpoint).await?;
        Self::of(engine, setup).await
    }

    /// Looks for the stack where the app may just as well run without one.
    pub async fn look_for(setup: &Setup) -> Found {
        let environment = Environment::of_process();
        let (choice, explicit) = match Choice::from(&setup.engine, &environment) {
            Ok(choice) => (choice.endpoint, choice.explicit),
            Err(reason) => return Found::Nothing { reason, explicit: true },
        };
        let engine = match Engine::connect(&choice).await {
            Ok(engine) => engine,
            Err(error) => return Found::Nothing { reason: error.to_string(), explicit },
        };
        match Self::of(engine, setup).await {
            Ok(swarm) => Found::Swarm(Box::new(swarm)),
            Err(failure) => Found::Nothing { reason: failure.to_string(), explicit: true },
        }
    }

    async fn of(engine: Engine, setup: &Setup) -> Result<Self, Failure> {
        let setup = setup.clone();
        let mut swarm = Self {
            engine,
            setup,
            members: Members::new(),
            nodes: 0,
            before: BTreeMap::new(),
            latest: Replicas::default(),
            inside: inside::Services::default(),
            dead: BTreeMap::new(),
            dead_before: BTreeSet::new(),
        };
        let look = swarm.look().await?;
        swarm.dead_before = swarm.dead.keys().cloned().collect();
        swarm.latest = swarm.status_of(&look).await.replicas();
        Ok(swarm)
    }

    /// Which stack and why, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "swarm, stack {} on {} node{}; the engine at {} manages it",
            self.setup.stack,
            self.nodes,
            if self.nodes == 1 { "" } else { "s" },
            self.engine.endpoint()
        )
    }

    /// The images of its services, with the digests that their descriptions name.
    #[must_use]
    pub fn images(&self) -> BTreeMap<String, String> {
        let image = |(service, member): (&Service, &stack::Member)| {
            (service.name().to_owned(), member.image.clone())
        };
        self.members.iter().map(image).collect()
    }

    /// How things are now. A swarm without a leader is waited for.
    ///
    /// # Errors
    /// When the engine is gone, or the stack.
    pub async fn status(&mut self) -> Result<Status, Failure> {
        let look = patiently(async || self.look().await).await?;
        let status = self.status_of(&look).await;
        self.latest = status.replicas();
        Ok(status)
    }

    /// A way to each node's published ports, so that nodes can be told apart.
    ///
    /// # Errors
    /// When the engine is gone, or the stack.
    pub async fn routes(&mut self) -> Result<Vec<Route>, Failure> {
        let look = patiently(async || self.look().await).await?;
        Ok(self.routes_of(&look))
    }

    /// Asks for a change of replicas; it comes about afterwards.
    ///
    /// # Errors
    /// When the swarm refuses, or a service cannot be scaled.
    pub async fn scale(&mut self, change: Change) -> Result<(), Failure> {
        let latest = self.latest;
        for (service, now, wanted) in [
            (Service::Hasher, latest.hasher, change.hasher),
            (Service::Rng, latest.rng, change.rng),
            (Service::Worker, latest.worker, change.worker),
        ] {
            let (Some(member), Some(wanted)) = (self.members.get(&service), wanted) else {
                continue;
            };
            match member.replicas {
                Some(_) => {
                    if now != wanted {
                        self.before.entry(service).or_insert(now);
                    }
                    patiently(async || update::scale(&self.engine, member, wanted).await).await?;
                }
                None if now == wanted => {}
                None => return Err(global(service, &member.name, now)),
            }
        }
        Ok(())
    }

    /// Has the app read from inside its network, by bench's image beside the worker's unless
    /// another is named; returns what is read.
    ///
    /// # Errors
    /// When bench does not start there.
    pub async fn go_inside(
        &mut self,
        image: Option<&str>,
    ) -> Result<UnboundedReceiver<Message>, Failure> {
        let app = (self.setup.stack.as_str(), &self.members, image);
        Box::pin(self.inside.start(&self.engine, app)).await
    }

    /// Removes what was made to measure, and puts back the replica counts of what was scaled if
    /// that is wanted.
    ///
    /// # Errors
    /// When the swarm refuses any of it; the rest is done all the same.
    pub async fn leave(mut self, restore: bool) -> Result<(), Failure> {
        let mut failures = Vec::new();
        for (service, count) in self.before.iter().filter(|_| restore) {
            let Some(member) = self.members.get(service) else { continue };
            let back = patiently(async || update::scale(&self.engine, member, *count).await).await;
            failures.extend(back.err().map(|failure| {
                format!(
                    "{failure}; put it back with `docker service scale {}={count}`",
                    member.name
                )
            }));
        }
        let inside = std::mem::take(&mut self.inside);
        failures.extend(inside.remove(&self.engine).await.err().map(|failure| failure.to_string()));
        match failures.is_empty() {
            true => Ok(()),
            false => Err(Failure::Swarm(failures.join("\nerror: "))),
        }
    }

    /// The commands that switch experiments on: the stack's own, and each service's, which keep what the
    /// stack was deployed with otherwise.
    #[must_use]
    pub fn experiments_on(&self) -> String {
        let updates: String = (self.members.iter())
            .map(|(service, member)| {
                let (variable, name) = (service.allow_experiments(), &member.name);
                format!("\n  docker service update --env-add {variable}=true {name}")
            })
            .collect();
        let stack = &self.setup.stack;
        format!(
            "  ALLOW_EXPERIMENTS=true docker stack deploy -c stack.yml {stack}\n\
             or, where other variables were set for that, with{updates}"
        )
    }

    /// What to do by hand if it is not left in order.
    #[must_use]
    pub fn left_behind(&self, restore: bool) -> Option<String> {
        let counts = self.before.iter().filter(|_| restore).filter_map(|(service, count)| {
            Some(format!("{}={count}", self.members.get(service)?.name))
        });
        let counts: Vec<String> = counts.collect();
        let scale = match counts.is_empty() {
            true => None,
            false => Some(format!("docker service scale {}", counts.join(" "))),
        };
        let commands: Vec<String> = scale.into_iter().chain(self.inside.command()).collect();
        let words =
            || format!("not everything may be put back; do it with `{}`", commands.join("; "));
        (!commands.is_empty()).then(words)
    }

    async fn look(&mut self) -> Result<Look, Failure> {
        let services = self
            .engine
            .ask("services", self.engine.api().list_services(None::<ListServicesOptions>));
        let services = services.await?;
        let members = stack::members(&services, &self.setup.stack, &self.setup.named)
            .map_err(Failure::Stack)?;
        let names = members.values().map(|member| member.name.clone()).collect();
        let options = ListTasksOptionsBuilder::default()
            .filters(&HashMap::from([("service".to_owned(), names)]))
            .build();
        let tasks = self.engine.ask("tasks", self.engine.api().list_tasks(Some(options)));
        let nodes =
            self.engine.ask("nodes", self.engine.api().list_nodes(None::<ListNodesOptions>));
        let (tasks, nodes) = tokio::join!(tasks, nodes);
        let look = Look { members, tasks: tasks?, nodes: Nodes::of(&nodes?) };
        self.members.clone_from(&look.members);
        self.nodes = look.nodes.list().len();
        let dead: Vec<(String, Service)> = tasks_of(&look)
            .flat_map(|tasks| tasks.deaths().map(move |id| (id, tasks.service)))
            .collect();
        self.dead.extend(dead);
        Ok(look)
    }

    async fn status_of(&self, look: &Look) -> Status {
        let hosts = self.hosts(look);
        let fresh: BTreeMap<String, Service> = self
            .dead
            .iter()
            .filter(|(id, _)| !self.dead_before.contains(*id))
            .map(|(id, service)| (id.clone(), *service))
            .collect();
        let mut published = BTreeMap::new();
        for tasks in tasks_of(look) {
            published.insert(tasks.service, hosts.addresses(tasks).await);
        }
        let mut at = |service| published.remove(&service).unwrap_or_default();
        Status {
            pid: None,
            webui: at(Service::Webui),
            rng: at(Service::Rng),
            hasher: at(Service::Hasher),
            services: tasks_of(look).map(|tasks| tasks.status(&fresh)).collect(),
        }
    }

    fn routes_of(&self, look: &Look) -> Vec<Route> {
        let hosts = self.hosts(look);
        let mut routes = Vec::new();
        for tasks in tasks_of(look).filter(|tasks| tasks.service != Service::Worker) {
            routes.extend(hosts.routes(tasks));
        }
        routes
    }

    fn hosts<'a>(&'a self, look: &'a Look) -> Hosts<'a> {
        Hosts { engine: &self.engine, host: self.setup.host.as_deref(), nodes: &look.nodes }
    }
}

fn tasks_of(look: &Look) -> impl Iterator<Item = Tasks<'_>> {
    let Look { members, tasks, nodes } = look;
    members.iter().map(move |(service, member)| Tasks {
        service: *service,
        member,
        all: tasks,
        nodes,
    })
}

/// Tries again while the engine does not answer or the swarm has no leader, for a while.
async fn patiently<T>(mut attempt: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let begin = Instant::now();
    loop {
        match attempt().await {
            Err(Failure::Engine(_)) if begin.elapsed() < PATIENCE => {
                tokio::time::sleep(RETRY).await;
            }
            result => return result,
        }
    }
}

fn global(service: Service, name: &str, now: u32) -> Failure {
    let service = service.name();
    Failure::Swarm(format!(
        "{name} runs in global mode, one replica on each node ({now} now), and cannot be scaled; \
         deploy it with `mode: replicated`, as stack.yml does, or leave out --{service}"
    ))
}
