//! bench as one-off services of the stack's network: making them, following their logs, and
//! removing them.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    NetworkAttachmentConfig, ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated, Task,
    TaskSpec, TaskSpecContainerSpec, TaskSpecLogDriver, TaskSpecRestartPolicy,
    TaskSpecRestartPolicyConditionEnum,
};
use bollard::query_parameters::{InspectServiceOptions, ListTasksOptionsBuilder};
use rustix::io::Errno;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::engine::{Engine, EngineError};
use super::log::Logs;
use super::stack::{Member, Members, STACK_LABEL};
use crate::cli::PATHS_FROM;
use crate::cluster::Service;
use crate::failure::Failure;
use crate::inside::Message;
use crate::inside::line::Decoder;

/// Says who made a one-off service.
const MADE_BY: &str = "dockercoins.bench";
/// How long the first word from inside may take: images may have to be pulled.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const LOOK_PERIOD: Duration = Duration::from_millis(250);
/// So often the reader's task may fail before it is hopeless.
const MOST_FAILURES: usize = 3;
/// How long after its making was interrupted a service may still come about.
const LATE: Duration = Duration::from_secs(2);
/// How far a log is read again when it broke off: clocks differ.
const OVERLAP: i64 = 5;

/// The one-off services of this run; none until they are started.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// Also those whose making was interrupted.
    names: Vec<String>,
    /// The one that is being made.
    making: Option<String>,
    /// Follow their logs for as long as this lives.
    followers: JoinSet<()>,
}

impl Services {
    /// Starts the services and waits for the first word from inside; returns what comes.
    ///
    /// # Errors
    /// When they cannot be made, or do not start. What was made till then is still to be removed.
    pub(super) async fn start(
        &mut self,
        engine: &Engine,
        (stack, members, image): (&str, &Members, Option<&str>),
    ) -> Result<UnboundedReceiver<Message>, Failure> {
        let (send, mut messages) = mpsc::unbounded_channel();
        for kind in [Kind::Reader, Kind::Paths] {
            let spec = kind.spec(stack, members, image)?;
            let name = spec.name.clone().unwrap_or_default();
            self.names.push(name.clone());
            self.making = Some(name.clone());
            make(engine, &name, spec).await?;
            self.making = None;
            self.followers.spawn(follow(engine.logs(), (kind, name), send.clone()));
        }
        let reader = self.names.first().cloned().unwrap_or_default();
        first_word(engine, reader, &mut messages).await?;
        Ok(messages)
    }

    /// The command that removes what this run made, if it made anything.
    pub(super) fn command(&self) -> Option<String> {
        (!self.names.is_empty()).then(|| format!("docker service rm {}", self.names.join(" ")))
    }

    /// Removes what this run made.
    ///
    /// # Errors
    /// When the engine does not: what is left is in the sentence.
    pub(super) async fn remove(mut self, engine: &Engine) -> Result<(), Failure> {
        let mut left = Vec::new();
        for name in std::mem::take(&mut self.names) {
            let interrupted = self.making.as_ref() == Some(&name);
            if let Err(error) = remove(engine, &name, interrupted).await {
                left.push((name, error));
            }
        }
        let Some((_, error)) = left.first() else { return Ok(()) };
        let names: Vec<_> = left.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(" ");
        Err(Failure::Swarm(format!(
            "{error}; remove what is left with `docker service rm {names}`"
        )))
    }
}

/// Removes the service called `name` if this run made it. One whose making was interrupted may
/// come about a moment later.
async fn remove(engine: &Engine, name: &str, interrupted: bool) -> Result<(), EngineError> {
    let begin = Instant::now();
    loop {
        match made_by(engine, name).await {
            Ok((id, Some(by))) if by == maker() => {
                return engine.ask(name, engine.api().delete_service(&id)).await;
            }
            Ok(_) => return Ok(()), // a colleague's
            Err(EngineError::Refused(reason)) if reason.contains("not found") => {}
            Err(error) => return Err(error),
        }
        if !interrupted || begin.elapsed() > LATE {
            return Ok(());
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

/// A service's id, and who made it if a bench did.
async fn made_by(engine: &Engine, name: &str) -> Result<(String, Option<String>), EngineError> {
    let service = engine.api().inspect_service(name, None::<InspectServiceOptions>);
    let service = engine.ask(name, service).await?;
    let labels = service.spec.and_then(|spec| spec.labels).unwrap_or_default();
    Ok((service.id.unwrap_or_default(), labels.get(MADE_BY).cloned()))
}

/// What a one-off service is for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Reads the app, anywhere.
    Reader,
    /// Probes the ways to the replicas, on every node.
    Paths,
}

impl Kind {
    /// Whether such a service says such a thing: one that does not know its task is not believed.
    fn says(self, message: &Message) -> bool {
        matches!(self, Self::Paths) == matches!(message, Message::Paths(_))
    }

    fn spec(
        self,
        stack: &str,
        members: &Members,
        image: Option<&str>,
    ) -> Result<ServiceSpec, Failure> {
        let named = |service| members.get(&service).map(|member| member.name.clone());
        let (Some(worker), Some(webui), Some(rng), Some(hasher)) = (
            members.get(&Service::Worker),
            named(Service::Webui),
            named(Service::Rng),
            named(Service::Hasher),
        ) else {
            return Err(Failure::Stack(format!("stack '{stack}' is not complete")));
        };
        let arguments = ["inside", "--webui", &webui, "--rng", &rng, "--hasher", &hasher];
        let mut task = task(worker, image, arguments.map(str::to_owned).into());
        if let (Self::Paths, Some(container)) = (self, &mut task.container_spec) {
            container.env = Some(vec![format!("{PATHS_FROM}={{{{.Node.Hostname}}}}")]);
        }
        Ok(ServiceSpec {
            name: Some(match self {
                Self::Reader => format!("{stack}_bench"),
                Self::Paths => format!("{stack}_bench-paths"),
            }),
            // Of the stack, so that `docker stack rm` takes along what a killed bench left.
            labels: Some(HashMap::from([
                (STACK_LABEL.to_owned(), stack.to_owned()),
                (MADE_BY.to_owned(), maker()),
            ])),
            mode: Some(match self {
                Self::Reader => ServiceSpecMode {
                    replicated: Some(ServiceSpecModeReplicated { replicas: Some(1) }),
                    ..ServiceSpecMode::default()
                },
                Self::Paths => {
                    ServiceSpecMode { global: Some(<_>::default()), ..ServiceSpecMode::default() }
                }
            }),
            task_template: Some(task),
            ..ServiceSpec::default()
        })
    }
}

fn task(worker: &Member, image: Option<&str>, arguments: Vec<String>) -> TaskSpec {
    let networks = worker.networks.iter().map(|network| NetworkAttachmentConfig {
        target: Some(network.clone()),
        ..NetworkAttachmentConfig::default()
    });
    // Whatever the engine's own log driver is, this one's logs can be read back.
    let limits = [("max-size", "20m"), ("max-file", "2")];
    let limits = limits.map(|(key, value)| (key.to_owned(), value.to_owned()));
    TaskSpec {
        container_spec: Some(TaskSpecContainerSpec {
            image: Some(image.map_or_else(|| beside(&worker.image), str::to_owned)),
            args: Some(arguments),
            read_only: Some(true),
            init: Some(false),
            capability_drop: Some(vec!["ALL".to_owned()]),
            ..TaskSpecContainerSpec::default()
        }),
        networks: Some(networks.collect()),
        restart_policy: Some(TaskSpecRestartPolicy {
            condition: Some(TaskSpecRestartPolicyConditionEnum::ANY),
            delay: Some(1_000_000_000),
            ..TaskSpecRestartPolicy::default()
        }),
        log_driver: Some(TaskSpecLogDriver {
            name: Some("json-file".to_owned()),
            options: Some(HashMap::from(limits)),
        }),
        ..TaskSpec::default()
    }
}

/// bench's image beside the worker's: the same registry, the same tag.
fn beside(worker: &str) -> String {
    let image = worker.split('@').next().unwrap_or_default();
    let (place, last) = image.rsplit_once('/').map_or(("", image), |(place, last)| (place, last));
    let tag = last.split_once(':').map_or(String::new(), |(_, tag)| format!(":{tag}"));
    if place.is_empty() { format!("bench{tag}") } else { format!("{place}/bench{tag}") }
}

fn maker() -> String {
    format!("{} {}", service::launch::host_name(), std::process::id())
}

/// Makes a service; one that a killed bench of this machine left is replaced.
async fn make(engine: &Engine, name: &str, spec: ServiceSpec) -> Result<(), Failure> {
    let made = engine.ask(name, engine.api().create_service(spec.clone(), None)).await;
    let refused = match made {
        Ok(_) => return Ok(()),
        Err(EngineError::Refused(reason)) if reason.contains("name conflicts") => reason,
        Err(error) => return Err(error.into()),
    };
    let (id, by) = made_by(engine, name).await?;
    let Some(by) = by else { return Err(Failure::Swarm(refused)) };
    if !is_gone(&by) {
        return Err(Failure::Swarm(format!(
            "another bench ({by}) measures this stack from inside; wait for it, or if it is gone \
             remove what it left with `docker service rm {name}`"
        )));
    }
    engine.ask(name, engine.api().delete_service(&id)).await?;
    engine.ask(name, engine.api().create_service(spec, None)).await?;
    Ok(())
}

/// Whether the bench that made a service was of this machine and is no more.
fn is_gone(by: &str) -> bool {
    let Some((host, pid)) = by.split_once(' ') else { return false };
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    host == service::launch::host_name()
        && pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(Errno::SRCH))
}

/// Waits until the reader says who it is; a task of it that cannot start ends the wait.
async fn first_word(
    engine: &Engine,
    reader: String,
    messages: &mut UnboundedReceiver<Message>,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut looks = tokio::time::interval(LOOK_PERIOD);
    let filters = HashMap::from([("service".to_owned(), vec![reader])]);
    loop {
        tokio::select! {
            word = messages.recv() => match word {
                Some(Message::Hello { version }) => return same_version(&version),
                Some(_) => continue,
                None => return Err(Failure::Swarm("the logs from inside ended".to_owned())),
            },
            _ = looks.tick() => {}
        }
        let options = ListTasksOptionsBuilder::default().filters(&filters).build();
        let tasks = engine.ask("tasks", engine.api().list_tasks(Some(options))).await?;
        let errors: Vec<String> = tasks.iter().filter_map(error).collect();
        if errors.len() >= MOST_FAILURES || begin.elapsed() > START_TIMEOUT {
            return Err(not_inside(errors.last().map(String::as_str)));
        }
    }
}

fn same_version(theirs: &str) -> Result<(), Failure> {
    let ours = env!("CARGO_PKG_VERSION");
    match theirs == ours {
        true => Ok(()),
        false => Err(Failure::Swarm(format!(
            "bench inside the stack is version {theirs}, this one {ours}: make its image anew with \
             `make images`, or name another with --inside-image"
        ))),
    }
}

fn not_inside(error: Option<&str>) -> Failure {
    let reason = error.unwrap_or("nothing came from it, and the swarm gives no reason");
    Failure::Swarm(format!(
        "bench does not start inside the stack: {reason}; its image must be where the worker's is \
         (`make images` makes both), or be named with --inside-image"
    ))
}

fn error(task: &Task) -> Option<String> {
    let status = task.status.as_ref()?;
    let error = status.err.clone().filter(|error| !error.is_empty())?;
    Some(format!("{}: {error}", status.state.map(|state| state.to_string()).unwrap_or_default()))
}

/// Sends on every message in a service's log, for as long as somebody listens.
async fn follow(logs: Logs, (kind, name): (Kind, String), send: UnboundedSender<Message>) {
    let mut decoder = Decoder::default();
    let mut next = 0;
    while !send.is_closed() {
        let since = next;
        let take = |line: &str| {
            let message = decoder.take(line).filter(|message| kind.says(message));
            next = jiff::Timestamp::now().as_second() - OVERLAP;
            message.is_none_or(|message| send.send(message).is_ok())
        };
        // The log is not there yet, or a manager is replaced. What comes twice is known by its number.
        let _ = logs.follow(&name, since, take).await;
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchs_image_is_beside_the_workers() {
        for (worker, expected) in [
            ("127.0.0.1:5000/dockercoins/worker:latest", "127.0.0.1:5000/dockercoins/bench:latest"),
            ("r/worker:v1@sha256:0123", "r/bench:v1"),
            ("r:5000/worker", "r:5000/bench"),
            ("worker", "bench"),
        ] {
            assert_eq!(beside(worker), expected);
        }
    }

    #[test]
    fn only_a_dead_process_of_this_machine_is_gone() {
        assert!(!is_gone(&maker()));
        assert!(is_gone(&format!("{} 2147483647", service::launch::host_name())));
        assert!(!is_gone("elsewhere 2147483647") && !is_gone("nonsense"));
    }
}
