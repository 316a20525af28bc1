//! What a stack looks like, as two tables or as JSON.

use std::collections::BTreeMap;

use super::table::table;
use super::words::NONE;
use crate::cli::StatusFormat;
use crate::cluster::swarm::overview::{Overview, ServiceOverview};

const NODE_HEAD: [&str; 6] = ["node", "role", "state", "availability", "address", "engine"];
const SERVICE_HEAD: [&str; 6] = ["service", "mode", "replicas", "ports", "on", "image"];

/// The overview in `format`.
#[must_use]
pub fn render(overview: &Overview, format: StatusFormat) -> String {
    match format {
        StatusFormat::Table => tables(overview),
        StatusFormat::Json => super::json::pretty(overview),
    }
}

fn tables(overview: &Overview) -> String {
    let nodes = overview.nodes.iter().map(|node| {
        let address = node.address.clone().unwrap_or_else(|| NONE.to_owned());
        let words = [&node.name, &node.role, &node.state, &node.availability];
        let [name, role, state, availability] = words.map(Clone::clone);
        [name, role, state, availability, address, node.engine.clone()]
    });
    format!(
        "stack {} on {}\n\n{}\n\n{}\n",
        overview.stack,
        overview.engine,
        table(NODE_HEAD, nodes, NODE_HEAD.len()),
        table(SERVICE_HEAD, overview.services.iter().map(service_row), SERVICE_HEAD.len()),
    )
}

fn service_row(service: &ServiceOverview) -> [String; 6] {
    [
        service.name.clone(),
        service.mode.clone(),
        format!("{}/{}", service.running, service.wanted),
        or_none(service.ports.iter().map(|port| match port.published {
            0 => format!("any->{} ({})", port.target, port.mode),
            published => format!("{published}->{} ({})", port.target, port.mode),
        })),
        or_none(places(&service.on)),
        service.image.clone(),
    ]
}

/// `m1 x2, w1`.
fn places(on: &[String]) -> impl Iterator<Item = String> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for node in on {
        *counts.entry(node).or_default() += 1;
    }
    counts.into_iter().map(|(node, count)| match count {
        1 => node.to_owned(),
        count => format!("{node} x{count}"),
    })
}

fn or_none(words: impl Iterator<Item = String>) -> String {
    let joined = words.collect::<Vec<_>>().join(", ");
    if joined.is_empty() { NONE.to_owned() } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::swarm::nodes::Node;
    use crate::cluster::swarm::overview::Port;

    #[test]
    fn a_stack_as_tables() {
        let overview = Overview {
            stack: "dockercoins".to_owned(),
            engine: "unix:///var/run/docker.sock".to_owned(),
            nodes: vec![Node {
                name: "m1".to_owned(),
                role: "leader".to_owned(),
                state: "ready".to_owned(),
                availability: "active".to_owned(),
                address: Some("10.0.0.11".to_owned()),
                engine: "20.10.24".to_owned(),
            }],
            services: vec![ServiceOverview {
                name: "rng".to_owned(),
                mode: "replicated".to_owned(),
                wanted: 3,
                running: 2,
                on: vec!["m1".to_owned(), "m1".to_owned()],
                ports: vec![Port { published: 8001, target: 80, mode: "ingress".to_owned() }],
                image: "registry/rng:1".to_owned(),
            }],
        };
        insta::assert_snapshot!(render(&overview, StatusFormat::Table));
        let json: Overview = serde_json::from_str(&render(&overview, StatusFormat::Json)).unwrap();
        assert_eq!(json, overview);
    }
}
