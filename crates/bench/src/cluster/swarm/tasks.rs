//! What the tasks of a service say about it: which replicas are ready, which still leave, what
//! goes wrong where. Pure.

use std::collections::BTreeMap;

use bollard::models::{NodeState, Task, TaskState};

use super::nodes::Nodes;
use super::stack::Member;
use crate::cluster::{Service, ServiceStatus, Trouble};

/// After so many failures in one place another attempt is not expected to help.
const HOPELESS: usize = 2;
/// Characters of a container's id that are its host name.
const HOST_NAME: usize = 12;

/// The tasks of one service, as the swarm keeps them: also those that are over.
#[derive(Clone, Copy)]
pub(super) struct Tasks<'a> {
    pub(super) service: Service,
    pub(super) member: &'a Member,
    pub(super) all: &'a [Task],
    pub(super) nodes: &'a Nodes,
}

impl<'a> Tasks<'a> {
    /// The service as its tasks show it. `dead` are the tasks of all services that ended badly
    /// during this run, also those the swarm has forgotten.
    pub(super) fn status(self, dead: &BTreeMap<String, Service>) -> ServiceStatus {
        let wanted: Vec<_> = self.own().filter(|task| is_wanted(task)).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|t| self.is_ready(t));
        let mut states = BTreeMap::new();
        for task in &rest {
            *states.entry(state(task).to_string()).or_default() += 1;
        }
        let asked = self.member.replicas;
        let fresh = self.dead().filter(|task| dead.contains_key(id(task)));
        let last_death = fresh.max_by_key(|task| changed(task)).map(|task| self.death(task));
        ServiceStatus {
            service: self.service,
            wanted: asked.unwrap_or_else(|| count(ready.len() + rest.len())),
            leaving: count(self.own().filter(|task| self.is_leaving(task)).count()),
            restarts: dead.values().filter(|service| **service == self.service).count() as u64,
            last_death,
            labels: ready.iter().map(|t| (self.replica(t), self.label(t))).collect(),
            ready: ready.iter().map(|task| self.replica(task)).collect(),
            ready_since_us: ready.iter().filter_map(|task| changed(task)).max(),
            created_us: ready.iter().filter_map(|task| created(task)).max(),
            states,
            troubles: rest.iter().filter_map(|task| self.trouble(task, dead)).collect(),
            incarnations: ready.iter().map(|t| (self.replica(t), id(t).to_owned())).collect(),
        }
    }

    /// Ids of the tasks that ended although they were wanted.
    pub(super) fn deaths(self) -> impl Iterator<Item = String> + 'a {
        self.dead().map(|task| id(task).to_owned())
    }

    /// Addresses at which the tasks' own published ports are, where they have such.
    pub(super) fn own_ports(self) -> impl Iterator<Item = (&'a str, u16)> + 'a {
        self.own_ports_by_node()
            .filter_map(move |(node, port)| Some((self.nodes.address(node)?, port)))
    }

    /// The same with the nodes' ids.
    pub(super) fn own_ports_by_node(self) -> impl Iterator<Item = (&'a str, u16)> + 'a {
        let ready = self.own().filter(move |task| is_wanted(task) && self.is_ready(task));
        ready.filter_map(move |task| {
            let status = task.status.as_ref()?.port_status.as_ref()?;
            let ports = status.ports.iter().flatten();
            let port =
                ports.filter(|port| port.target_port == Some(80)).find_map(|p| p.published_port);
            Some((node(task)?, u16::try_from(port?).ok()?))
        })
    }

    /// Names of the nodes on which the ready tasks are.
    pub(super) fn homes(self) -> impl Iterator<Item = &'a str> + 'a {
        let ready = self.own().filter(move |task| is_wanted(task) && self.is_ready(task));
        ready.filter_map(node)
    }

    fn own(self) -> impl Iterator<Item = &'a Task> + 'a {
        self.all.iter().filter(move |t| t.service_id.as_deref() == Some(&self.member.id))
    }

    fn dead(self) -> impl Iterator<Item = &'a Task> + 'a {
        self.own().filter(move |task| self.is_dead(task))
    }

    /// Running on a node that can say so: of a lost node the last word stays, true or not.
    fn is_ready(self, task: &Task) -> bool {
        state(task) == TaskState::RUNNING && !self.is_lost(task)
    }

    fn is_lost(self, task: &Task) -> bool {
        node(task).is_some_and(|node| self.nodes.state(node) == Some(NodeState::DOWN))
    }

    /// Told to stop, and on a node that has not yet.
    fn is_leaving(self, task: &Task) -> bool {
        let held = (TaskState::ASSIGNED..=TaskState::RUNNING).contains(&state(task));
        !is_wanted(task) && held && !self.is_lost(task)
    }

    /// Ended by itself, was refused, or went down with its node.
    fn is_dead(self, task: &Task) -> bool {
        matches!(state(task), TaskState::FAILED | TaskState::REJECTED | TaskState::ORPHANED)
            || (state(task) == TaskState::COMPLETE
                && task.desired_state == Some(TaskState::SHUTDOWN))
            || (state(task) == TaskState::RUNNING && self.is_lost(task))
    }

    /// Why a wanted task is not ready: its own error, or what ended those before it in this run.
    fn trouble(self, task: &Task, dead: &BTreeMap<String, Service>) -> Option<Trouble> {
        let told = |task: &Task, error: String, may_pass: bool| Trouble {
            replica: self.slot(task),
            node: node(task).map(|node| self.nodes.name(node).to_owned()),
            state: state(task).to_string(),
            error,
            may_pass,
        };
        if self.is_lost(task) {
            let error = String::from("its node is down; the swarm has not yet replaced it");
            return Some(told(task, error, true));
        }
        if let Some(error) = error(task) {
            return Some(told(task, error, false));
        }
        let before = self.dead().filter(|old| dead.contains_key(id(old)) && follows(task, old));
        let before: Vec<&Task> = before.filter(|old| old.slot == task.slot).collect();
        let last = before.iter().max_by_key(|old| changed(old))?;
        // The engine gives no error for a task it stopped because it was not healthy.
        let silent = || String::from("ended although it is to run; is it healthy?");
        Some(told(last, error(last).unwrap_or_else(silent), before.len() < HOPELESS))
    }

    /// `rng.3`, or in global mode the service alone.
    fn slot(self, task: &Task) -> String {
        match task.slot.filter(|slot| *slot > 0) {
            Some(slot) => format!("{}.{slot}", self.service.name()),
            None => self.service.name().to_owned(),
        }
    }

    /// `rng.3@m2`.
    fn label(self, task: &Task) -> String {
        let node = node(task).map_or("?", |node| self.nodes.name(node));
        format!("{}@{node}", self.slot(task))
    }

    fn death(self, task: &Task) -> String {
        let why = error(task).unwrap_or_else(|| match self.is_lost(task) {
            true => String::from("its node is down"),
            false => state(task).to_string(),
        });
        format!("{}: {why}", self.label(task))
    }

    /// The name the replica goes by: its container's host name, unless it was given another.
    fn replica(self, task: &Task) -> String {
        let container = task.status.as_ref().and_then(|status| status.container_status.as_ref());
        let container = container.and_then(|container| container.container_id.as_deref());
        match &self.member.replica_template {
            None => container.unwrap_or(id(task)).chars().take(HOST_NAME).collect(),
            Some(template) => self.expand(template, task),
        }
    }

    /// The placeholders an engine knows in host names and environments.
    fn expand(self, template: &str, task: &Task) -> String {
        let node = node(task).unwrap_or_default();
        // In global mode the engine puts the node in the place of the slot.
        let slot = task.slot.filter(|slot| *slot > 0).map(|slot| slot.to_string());
        let slot = slot.unwrap_or_else(|| node.to_owned());
        let name = format!("{}.{slot}.{}", self.member.name, id(task));
        let values = [
            (".Service.Name", self.member.name.as_str()),
            (".Service.ID", &self.member.id),
            (".Node.Hostname", self.nodes.name(node)),
            (".Node.ID", node),
            (".Task.Name", &name),
            (".Task.Slot", &slot),
            (".Task.ID", id(task)),
        ];
        values.iter().fold(template.to_owned(), |text, (key, value)| {
            text.replace(&format!("{{{{{key}}}}}"), value)
                .replace(&format!("{{{{ {key} }}}}"), value)
        })
    }
}

/// Whether the swarm wants the task to run, now or after the pause before a restart.
fn is_wanted(task: &Task) -> bool {
    task.desired_state.is_some_and(|desired| desired <= TaskState::RUNNING)
}

/// Whether `task` took the place of `dead`.
fn follows(task: &Task, dead: &Task) -> bool {
    created(task) >= created(dead) && (task.slot.is_some() || task.node_id == dead.node_id)
}

/// The node it is on; a task that has none yet has an empty one.
fn node(task: &Task) -> Option<&str> {
    task.node_id.as_deref().filter(|node| !node.is_empty())
}

fn id(task: &Task) -> &str {
    task.id.as_deref().unwrap_or_default()
}

fn state(task: &Task) -> TaskState {
    task.status.as_ref().and_then(|status| status.state).unwrap_or(TaskState::NEW)
}

fn error(task: &Task) -> Option<String> {
    let error = task.status.as_ref()?.err.as_deref()?.trim();
    (!error.is_empty()).then(|| error.to_owned())
}

/// When the task came into its state, by its node's clock, in Unix microseconds.
fn changed(task: &Task) -> Option<i64> {
    microseconds(task.status.as_ref()?.timestamp.as_deref()?)
}

/// When the swarm made the task, by the leader's clock.
fn created(task: &Task) -> Option<i64> {
    microseconds(task.created_at.as_deref()?)
}

fn microseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::nodes::tests::two_nodes;
    use super::super::stack::tests::described;
    use super::*;

    fn task(slot: u32, node: &str, state: &str, desired: &str, error: &str) -> Task {
        let text = format!(
            r#"{{"ID":"task{slot}{state}","ServiceID":"id-rng","Slot":{slot},"NodeID":"{node}",
            "CreatedAt":"2026-01-01T00:00:0{slot}.5Z","DesiredState":"{desired}",
            "Status":{{"Timestamp":"2026-01-01T00:00:0{slot}.75Z","State":"{state}","Err":"{error}",
            "ContainerStatus":{{"ContainerID":"c{slot}23456789abcdef"}},
            "PortStatus":{{"Ports":[{{"TargetPort":80,"PublishedPort":3276{slot}}}]}}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn status_of(tasks: &[Task]) -> ServiceStatus {
        let member = super::super::stack::member(&described("rng", "")).unwrap();
        let nodes = two_nodes();
        let tasks = Tasks { service: Service::Rng, member: &member, all: tasks, nodes: &nodes };
        let dead = tasks.deaths().map(|id| (id, Service::Rng)).collect();
        tasks.status(&dead)
    }

    #[test]
    fn running_tasks_are_ready_under_their_containers_names() {
        let status = status_of(&[
            task(1, "n1", "running", "running", ""),
            task(2, "n1", "starting", "running", ""),
            task(3, "n1", "running", "shutdown", ""),
        ]);
        assert_eq!((status.wanted, status.leaving), (3, 1));
        assert_eq!(status.ready, ["c123456789ab"]);
        assert_eq!(status.labels["c123456789ab"], "rng.1@m1");
        assert_eq!(status.states, BTreeMap::from([("starting".to_owned(), 1)]));
        assert_eq!(status.ready_since_us, Some(1_767_225_601_750_000));
        assert!(status.troubles.is_empty() && !status.is_settled());
    }

    #[test]
    fn trouble_is_told_with_node_state_and_error() {
        let status = status_of(&[
            task(1, "", "pending", "running", "no suitable node (host-mode port already in use)"),
            task(2, "n1", "rejected", "shutdown", "No such image: r/rng:1"),
            task(2, "n1", "preparing", "running", ""),
        ]);
        let words: Vec<String> = status.troubles.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "rng.1: pending: no suitable node (host-mode port already in use)",
                "rng.2 on m1: rejected: No such image: r/rng:1"
            ]
        );
        assert_eq!(status.restarts, 1);
        assert_eq!(status.last_death.unwrap(), "rng.2@m1: No such image: r/rng:1");
    }

    #[test]
    fn the_last_word_of_a_lost_node_does_not_count() {
        let lost = [
            task(1, "n2", "running", "shutdown", ""),
            task(2, "n2", "running", "running", ""),
            task(3, "n1", "running", "running", ""),
        ];
        let status = status_of(&lost);
        assert_eq!((status.ready.len(), status.leaving, status.restarts), (1, 0, 2));
        assert!(status.troubles[0].error.contains("node is down"));
    }

    #[test]
    fn host_names_from_a_template_are_expanded() {
        let mut member = super::super::stack::member(&described("rng", "")).unwrap();
        member.replica_template =
            Some("{{.Service.Name}}-{{.Task.Slot}}.{{ .Node.Hostname }}".to_owned());
        let nodes = two_nodes();
        let list = [task(2, "n1", "running", "running", "")];
        let tasks = Tasks { service: Service::Rng, member: &member, all: &list, nodes: &nodes };
        assert_eq!(tasks.status(&BTreeMap::new()).ready, ["shop_rng-2.m1"]);
        let text = r#"{"ID":"t","ServiceID":"id-rng","NodeID":"n1","DesiredState":"running",
            "Status":{"State":"running"}}"#;
        let global = [serde_json::from_str(text).unwrap()];
        let everywhere = Tasks { all: &global, ..tasks };
        assert_eq!(everywhere.status(&BTreeMap::new()).ready, ["shop_rng-n1.m1"]);
        assert_eq!(tasks.own_ports().collect::<Vec<_>>(), [("10.0.0.1", 32762)]);
    }
}
