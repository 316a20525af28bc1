//! What a stack looks like, for `bench status`: nodes, services, replicas, published ports.

use std::collections::HashMap;

use bollard::models::{
    EndpointPortConfig, EndpointPortConfigPublishModeEnum as Mode, NodeState,
    Service as Description, Task, TaskState,
};
use bollard::query_parameters::{ListNodesOptions, ListServicesOptions, ListTasksOptionsBuilder};
use serde::{Deserialize, Serialize};

use super::Setup;
use super::endpoint::{Choice, Environment};
use super::engine::Engine;
use super::nodes::{Node, Nodes};
use super::stack::{STACK_LABEL, no_stack};
use crate::failure::Failure;

/// A stack at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The stack's name.
    pub stack: String,
    /// Where the engine that says so listens.
    pub engine: String,
    /// All nodes of the swarm, managers first.
    pub nodes: Vec<Node>,
    /// The stack's services, by name.
    pub services: Vec<ServiceOverview>,
}

/// A service of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOverview {
    /// Its name without the stack's.
    pub name: String,
    /// `replicated` or `global`.
    pub mode: String,
    /// Replicas asked for.
    pub wanted: u32,
    /// Replicas that run, and are healthy where that is checked.
    pub running: u32,
    /// Nodes they run on, by name, once for each.
    pub on: Vec<String>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Image, without its digest.
    pub image: String,
}

/// A published port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// On the nodes; 0 where each task has its own.
    pub published: i64,
    /// In the containers.
    pub target: i64,
    /// `ingress`: on every node, through the routing mesh; `host`: on the tasks' nodes.
    pub mode: String,
}

/// Looks at the stack.
///
/// # Errors
/// When the engine cannot be used, or there is no such stack.
pub async fn look(setup: &Setup) -> Result<Overview, Failure> {
    let environment = Environment::of_process();
    let choice = Choice::from(&setup.engine, &environment).map_err(Failure::Swarm)?;
    let engine = Engine::connect(&choice.endpoint).await?;
    let api = engine.api();
    let tasks = ListTasksOptionsBuilder::default()
        .filters(&HashMap::from([("desired-state".to_owned(), vec!["running".to_owned()])]))
        .build();
    let (services, tasks, nodes) = tokio::join!(
        engine.ask("services", api.list_services(None::<ListServicesOptions>)),
        engine.ask("tasks", api.list_tasks(Some(tasks))),
        engine.ask("nodes", api.list_nodes(None::<ListNodesOptions>)),
    );
    let (services, tasks, nodes) = (services?, tasks?, Nodes::of(&nodes?));
    let mut found: Vec<ServiceOverview> = services
        .iter()
        .filter_map(|service| overview(service, &setup.stack, &tasks, &nodes))
        .collect();
    if found.is_empty() {
        return Err(Failure::Stack(no_stack(&services, &setup.stack)));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Overview {
        stack: setup.stack.clone(),
        engine: engine.endpoint().to_string(),
        nodes: nodes.list(),
        services: found,
    })
}

fn overview(
    service: &Description,
    stack: &str,
    tasks: &[Task],
    nodes: &Nodes,
) -> Option<ServiceOverview> {
    let spec = service.spec.as_ref()?;
    if spec.labels.as_ref()?.get(STACK_LABEL).map(String::as_str) != Some(stack) {
        return None;
    }
    let own: Vec<&Task> = tasks.iter().filter(|task| task.service_id == service.id).collect();
    let running = own.iter().filter(|task| runs(task, nodes));
    let mut on: Vec<String> =
        running.filter_map(|task| Some(nodes.name(task.node_id.as_deref()?).to_owned())).collect();
    on.sort_unstable();
    let replicated = spec.mode.as_ref()?.replicated.as_ref();
    let wanted = replicated
        .map_or(own.len(), |mode| usize::try_from(mode.replicas.unwrap_or(1)).unwrap_or_default());
    let name = spec.name.as_deref()?;
    let own_name = name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_'));
    let container = spec.task_template.as_ref()?.container_spec.as_ref()?;
    let image = container.image.as_deref().unwrap_or_default();
    Some(ServiceOverview {
        name: own_name.unwrap_or(name).to_owned(),
        mode: if replicated.is_some() { "replicated" } else { "global" }.to_owned(),
        wanted: u32::try_from(wanted).unwrap_or(u32::MAX),
        running: u32::try_from(on.len()).unwrap_or(u32::MAX),
        on,
        ports: ports(service).map(port).collect(),
        image: image.split('@').next().unwrap_or_default().to_owned(),
    })
}

/// The ports as the engine gave them, or else as they were asked for.
fn ports(service: &Description) -> impl Iterator<Item = &EndpointPortConfig> {
    let given = service.endpoint.as_ref().and_then(|endpoint| endpoint.ports.as_ref());
    given.into_iter().flatten()
}

fn port(port: &EndpointPortConfig) -> Port {
    Port {
        published: port.published_port.unwrap_or(0),
        target: port.target_port.unwrap_or(0),
        mode: if port.publish_mode == Some(Mode::HOST) { "host" } else { "ingress" }.to_owned(),
    }
}

fn runs(task: &Task, nodes: &Nodes) -> bool {
    let running = task.status.as_ref().and_then(|status| status.state) == Some(TaskState::RUNNING);
    let lost = task.node_id.as_deref().is_some_and(|n| nodes.state(n) == Some(NodeState::DOWN));
    running && !lost
}
