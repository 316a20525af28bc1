//! How workers choose a replica, and the two ways a service's name resolves.

use app_tests::Lab;
use app_tests::lab::{Deploy, Stack};
use serde_json::Value;

use crate::{measured, number, policies};

const NAME: &str = "spread";

/// Deploys a stack of its own with these variables and measures four workers on two rng.
async fn measure(lab: &Lab, variables: &[(&str, &str)]) -> (Stack, Value) {
    let variables = [variables, &[("WEBUI_PORT", "9000")]].concat();
    let stack = lab.deploy_own(Deploy { name: NAME, variables: &variables, words: &[] }).await;
    let words = ["scale", "--stack", NAME, "--worker", "4", "--rng", "2", "--output", "json"];
    let timing = ["--duration", "4s", "--warmup", "1s"];
    let json = measured(&lab.measure(&[&words[..], &timing].concat()).await);
    (stack, json["steps"][0].clone())
}

async fn endpoint_mode(lab: &Lab, stack: &Stack) -> Value {
    let rng = lab.inspect("m1", &["service", "inspect", &stack.service("rng")]).await;
    rng["Spec"]["EndpointSpec"]["Mode"].clone()
}

/// What `tasks.rng` resolves to needs no IPVS, whatever `rng` resolves to.
#[tokio::test]
async fn round_robin_reaches_every_replica_of_a_service_with_a_virtual_ip() {
    let lab = Lab::at_hand();
    let (stack, step) = measure(&lab, &[("ENDPOINT_MODE", "vip")]).await;
    assert_eq!(endpoint_mode(&lab, &stack).await, "vip");
    assert_eq!(policies(&step), ["round-robin"]);
    assert_eq!(step["rng_replicas"].as_object().map(serde_json::Map::len), Some(2), "{step}");
    assert!(number(&step["rng_balance"]["spread"]) < 0.5, "{step}");
    lab.remove(NAME).await;
}

#[tokio::test]
async fn the_policy_vip_asks_for_the_services_own_name() {
    let lab = Lab::at_hand();
    let variables = [("WORKER_POLICY", "vip"), ("ENDPOINT_MODE", "dnsrr")];
    let (stack, step) = measure(&lab, &variables).await;
    assert_eq!(endpoint_mode(&lab, &stack).await, "dnsrr");
    assert_eq!(policies(&step), ["vip"]);
    assert!(number(&step["hashes_per_second"]["value"]) > 1.0, "{step}");
    lab.remove(NAME).await;
}
