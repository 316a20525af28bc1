//! A node loses its power or its network while bench measures: bench ends in time and gives no
//! verdict, and every worker that is left goes on counting.

use std::fs;
use std::time::Duration;

use app_tests::lab::{Deploy, PATIENCE, Stack};
use app_tests::{Lab, Process, within};
use serde_json::Value;

use crate::{SHORT, measured};

const NAME: &str = "losing";
const SCALE: [&str; 5] = ["scale", "--stack", NAME, "--output", "json"];

/// webui and Redis stay where they are: what is tried is the loss of a node that works, and w1 has a
/// worker and one of the two rng.
const PLACES: &str = r#"version: "3.8"
services:
  webui:
    deploy:
      placement:
        constraints: ["node.role == manager"]
  worker:
    deploy:
      placement:
        max_replicas_per_node: 1
  rng:
    deploy:
      placement:
        constraints: ["node.hostname != m2", "node.hostname != m3"]
  hasher:
    deploy:
      placement:
        constraints: ["HASHER"]
"#;

/// A stack with four workers, its only hasher where it is wanted.
async fn deployed(lab: &Lab, hasher: &str) -> Stack {
    let file = lab.folder().join("places.yml");
    fs::write(&file, PLACES.replace("HASHER", hasher)).unwrap();
    let variables = [
        ("REDIS_CONSTRAINT", "node.role == manager"),
        ("WEBUI_PORT", "9000"),
        ("WORKER_REPLICAS", "4"),
        ("RNG_REPLICAS", "2"),
    ];
    let words = ["-c", file.to_str().unwrap()];
    lab.deploy_own(Deploy { name: NAME, variables: &variables, words: &words }).await
}

/// The nodes that a service's tasks are on.
async fn homes(lab: &Lab, service: &str) -> Vec<String> {
    let mut homes = Vec::new();
    for task in lab.tasks(service).await {
        homes.push(lab.home(&task).await);
    }
    homes.sort_unstable();
    homes
}

/// bench is to measure for 40 s and w1 is lost 10 s after its start.
async fn is_measured_while_w1_is_lost_by(fault: &str, lab: &Lab) -> Value {
    let begin = tokio::time::Instant::now();
    let timing = ["--duration", "40s", "--warmup", "0"];
    let scaling = Process::start(&mut lab.bench(&[&SCALE[..], &timing].concat()));
    tokio::time::sleep(Duration::from_secs(10)).await;
    lab.run(&[fault, "w1"]).await;
    let ended = scaling.end_within(Duration::from_secs(90)).await;
    assert!(begin.elapsed() < Duration::from_secs(100));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    ended.json()["steps"][0].clone()
}

async fn w1_is_lost_by(fault: &str, lab: &Lab, stack: &Stack) {
    assert_eq!(homes(lab, &stack.service("worker")).await, ["m1", "m2", "m3", "w1"]);
    assert_eq!(homes(lab, &stack.service("rng")).await, ["m1", "w1"]);
    // Settled before, so that what follows is the window soon.
    measured(&lab.measure(&[&SCALE[..], &SHORT].concat()).await);
    stack.goes_on(10).await;

    let step = is_measured_while_w1_is_lost_by(fault, lab).await;
    let reason = step["withheld"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("died during the window"), "{reason}");
    assert!(step["bottleneck"].is_null(), "{step}");

    let before = stack.hashes().await;
    stack.goes_on(20).await;
    stack.workers_count(3).await;
    let words = ["status", "--stack", NAME, "--output", "json"];
    within(PATIENCE, "w1 being down in `bench status`", async || {
        let status = lab.measure(&words).await.json();
        let mut nodes = status["nodes"].as_array().into_iter().flatten();
        nodes.any(|node| node["name"] == "w1" && node["state"] == "down").then_some(())
    })
    .await;
    lab.heal().await;
    assert!(stack.hashes().await > before);
    stack.workers_count(4).await;
}

#[tokio::test]
async fn a_node_without_power_costs_the_verdict_and_not_the_app() {
    let lab = Lab::at_hand();
    let stack = deployed(&lab, "node.role == manager").await;
    w1_is_lost_by("kill", &lab, &stack).await;
    lab.remove(NAME).await;
}

/// Each worker's next request to hasher goes over a connection that nobody will ever close.
#[tokio::test]
async fn a_node_without_network_costs_the_verdict_and_not_the_app_though_it_had_the_only_hasher() {
    let lab = Lab::at_hand();
    let on_w1 = "node.hostname == w1";
    let stack = deployed(&lab, on_w1).await;
    // The task stays where it is, and another one may be anywhere.
    let hasher = stack.service("hasher");
    lab.docker("m1", &["service", "update", "--detach", "--constraint-rm", on_w1, &hasher]).await;
    assert_eq!(homes(&lab, &hasher).await, ["w1"]);
    w1_is_lost_by("cut", &lab, &stack).await;
    lab.remove(NAME).await;
}
