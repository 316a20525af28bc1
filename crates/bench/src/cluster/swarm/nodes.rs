//! The nodes of a swarm, by id. Pure.

use std::collections::BTreeMap;

use bollard::models::{Node as Description, NodeSpecAvailabilityEnum, NodeState, Reachability};
use serde::{Deserialize, Serialize};

/// A node of the swarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its host name.
    pub name: String,
    /// `leader`, `manager` or `worker`.
    pub role: String,
    /// `ready`, `down`, `disconnected` or `unknown`.
    pub state: String,
    /// `active`, `pause` or `drain`.
    pub availability: String,
    /// Its address as the swarm knows it.
    pub address: Option<String>,
    /// Version of its engine.
    pub engine: String,
}

/// All nodes, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes(BTreeMap<String, (Node, Option<NodeState>)>);

impl Nodes {
    pub(super) fn of(descriptions: &[Description]) -> Self {
        let nodes = descriptions.iter().filter_map(|description| {
            let state = description.status.as_ref().and_then(|status| status.state);
            Some((description.id.clone()?, (node(description), state)))
        });
        Self(nodes.collect())
    }

    /// Its name, or its id while it is not known.
    pub(super) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, |(node, _)| node.name.as_str())
    }

    pub(super) fn state(&self, id: &str) -> Option<NodeState> {
        self.0.get(id)?.1
    }

    pub(super) fn address(&self, id: &str) -> Option<&str> {
        self.0.get(id)?.0.address.as_deref()
    }

    /// Ids of the nodes that are not known to be down: a new leader has not heard of all yet.
    pub(super) fn up(&self) -> impl Iterator<Item = &str> {
        let up = self.0.iter().filter(|(_, (_, state))| *state != Some(NodeState::DOWN));
        up.map(|(id, _)| id.as_str())
    }

    /// All of them: managers first, then by name.
    pub(super) fn list(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self.0.values().map(|(node, _)| node.clone()).collect();
        nodes.sort_by_key(|node| (node.role == "worker", node.name.clone()));
        nodes
    }
}

fn node(description: &Description) -> Node {
    let spec = description.spec.as_ref();
    let about = description.description.as_ref();
    let status = description.status.as_ref();
    let manager = description.manager_status.as_ref();
    let role = match manager {
        Some(manager) if manager.leader == Some(true) => "leader",
        Some(manager) if manager.reachability == Some(Reachability::UNREACHABLE) => {
            "manager, unreachable"
        }
        Some(_) => "manager",
        None => "worker",
    };
    let reached = status.and_then(|status| status.addr.clone());
    // A leader may know itself only as 0.0.0.0; its manager address is the one it advertises.
    let advertised = manager.and_then(|manager| Some(manager.addr.as_ref()?.rsplit_once(':')?.0));
    let usable = |address: &String| !address.is_empty() && address != "0.0.0.0";
    Node {
        name: about.and_then(|about| about.hostname.clone()).unwrap_or_default(),
        role: role.to_owned(),
        state: status
            .and_then(|status| status.state)
            .map_or_else(|| "unknown".to_owned(), |state| state.to_string()),
        availability: spec
            .and_then(|spec| spec.availability)
            .unwrap_or(NodeSpecAvailabilityEnum::ACTIVE)
            .to_string(),
        address: reached.filter(usable).or_else(|| advertised.map(str::to_owned)),
        engine: about
            .and_then(|about| about.engine.as_ref()?.engine_version.clone())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `m1`, which leads, and `w1`, which is down.
    pub(in crate::cluster::swarm) fn two_nodes() -> Nodes {
        let text = r#"[
          {"ID":"n1","Spec":{"Role":"manager","Availability":"active"},
           "Description":{"Hostname":"m1","Engine":{"EngineVersion":"20.10.24"}},
           "Status":{"State":"ready","Addr":"0.0.0.0"},
           "ManagerStatus":{"Leader":true,"Reachability":"reachable","Addr":"10.0.0.1:2377"}},
          {"ID":"n2","Spec":{"Role":"worker","Availability":"drain"},
           "Description":{"Hostname":"w1","Engine":{"EngineVersion":"28.0"}},
           "Status":{"State":"down","Addr":"10.0.0.2"}}]"#;
        Nodes::of(&serde_json::from_str::<Vec<Description>>(text).unwrap())
    }

    #[test]
    fn nodes_are_known_by_name_role_and_address() {
        let nodes = two_nodes();
        let list = nodes.list();
        assert_eq!((list[0].name.as_str(), list[0].role.as_str()), ("m1", "leader"));
        assert_eq!(list[0].address.as_deref(), Some("10.0.0.1"));
        assert_eq!((list[1].state.as_str(), list[1].availability.as_str()), ("down", "drain"));
        assert_eq!(nodes.up().collect::<Vec<_>>(), ["n1"]);
        assert_eq!(nodes.name("n9"), "n9");
    }
}
