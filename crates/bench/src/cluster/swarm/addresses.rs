//! At which addresses a service's published port may be reached, the likeliest first.

use std::net::SocketAddr;

use super::endpoint::Endpoint;
use super::engine::Engine;
use super::nodes::Nodes;
use super::tasks::Tasks;
use crate::measure::Route;

/// The hosts that may publish ports.
pub(super) struct Hosts<'a> {
    pub(super) engine: &'a Engine,
    /// Named by the user: the only one then.
    pub(super) host: Option<&'a str>,
    pub(super) nodes: &'a Nodes,
}

impl Hosts<'_> {
    /// Every address at which the service's port may be reached; none where it publishes none.
    pub(super) async fn addresses(&self, tasks: Tasks<'_>) -> Vec<SocketAddr> {
        let Some(published) = tasks.member.published else { return Vec::new() };
        let places: Vec<(String, u16)> = match published.port {
            0 => tasks.own_ports().map(|(host, port)| (self.host_or(host), port)).collect(),
            port => self.hosts(tasks, published.ingress).into_iter().map(|h| (h, port)).collect(),
        };
        let mut addresses = Vec::new();
        for (host, port) in places {
            let found = exchange::look_up(&host, port).await;
            // A name that does not resolve is one address less.
            for address in found.into_iter().flatten() {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        addresses
    }

    /// A way to the service through each node that publishes its port, where nodes are known by
    /// their addresses.
    pub(super) fn routes(&self, tasks: Tasks<'_>) -> Vec<Route> {
        let Some(published) = tasks.member.published else { return Vec::new() };
        let homes: Vec<&str> = tasks.homes().collect();
        let route = |node: &str, port: u16| {
            let ip = self.nodes.address(node)?.parse().ok()?;
            let to = Some(self.nodes.name(node).to_owned());
            let address = SocketAddr::new(ip, port);
            Some(Route { from: String::from("bench"), service: tasks.service, address, to })
        };
        let up = self.nodes.up().filter(|node| published.ingress || homes.contains(node));
        match published.port {
            0 => tasks.own_ports_by_node().filter_map(|(node, port)| route(node, port)).collect(),
            port => up.filter_map(|node| route(node, port)).collect(),
        }
    }

    fn host_or(&self, host: &str) -> String {
        self.host.unwrap_or(host).to_owned()
    }

    /// Nodes that serve the port: with the mesh all, else those of the tasks, and the others last,
    /// to which a task may move.
    fn hosts(&self, tasks: Tasks<'_>, ingress: bool) -> Vec<String> {
        if let Some(host) = self.host {
            return vec![host.to_owned()];
        }
        let own = self.engine.node();
        let homes: Vec<&str> = tasks.homes().collect();
        let mut up: Vec<&str> = self.nodes.up().collect();
        up.sort_by_key(|node| match ingress {
            true => Some(*node) != own,
            false => !homes.contains(node),
        });
        let mut hosts: Vec<String> =
            up.iter().filter_map(|node| self.nodes.address(node)).map(str::to_owned).collect();
        let here = ingress || homes.iter().any(|node| Some(*node) == own);
        match (self.engine.endpoint(), self.engine.endpoint().host()) {
            (Endpoint::Unix(_), _) if here => hosts.push(String::from("127.0.0.1")),
            (_, Some(host)) if here => hosts.insert(0, host.to_owned()),
            _ => {}
        }
        hosts
    }
}
