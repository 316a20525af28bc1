//! `bench probe` on a stack: every published port, and every node that can be entered.

use std::collections::BTreeSet;

use app_tests::Lab;
use serde_json::Value;

use crate::number;

#[tokio::test]
async fn ports_are_probed_by_node_and_the_queue_is_found() {
    let (lab, stack) = Lab::plain().await;
    let words = ["scale", "--worker", "10", "--rng", "1", "--duration", "1s", "--warmup", "2s"];
    lab.measure(&words).await;
    let words = ["probe", "--count", "6", "--interval", "500ms", "--output", "json"];
    let ended = lab.measure(&words).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    assert!(json["cluster"].as_str().is_some_and(|c| c.starts_with("swarm, stack dockercoins")));
    assert_eq!(json["verdict"]["service"], "rng", "{json}");
    let nodes = lab.nodes();
    for (service, request) in
        [("webui", "GET /"), ("rng", "GET /"), ("rng", "GET /32"), ("hasher", "POST /")]
    {
        let own: Vec<&Value> = json["ports"]
            .as_array()
            .expect("ports")
            .iter()
            .filter(|port| port["service"] == service && port["request"] == request)
            .collect();
        assert!(!own.is_empty(), "no {service} {request} in {json}");
        // What takes no work is asked on each node that can be entered, and once each.
        let entered: BTreeSet<_> = own.iter().map(|port| port["node"].to_string()).collect();
        assert_eq!(entered.len(), own.len(), "{own:?}");
        for port in own {
            assert_eq!((number(&port["probes"]), number(&port["failed"])), (6.0, 0.0), "{port}");
            let node = port["node"].as_str().expect("a node");
            assert!(nodes.iter().any(|known| known == node), "{node} is none of {nodes:?}");
        }
    }
    drop(stack);
}
