//! A node loses its power or its network while bench measures: bench ends in time and gives no
//! verdict, and the app goes on counting.

use std::fs;
use std::time::Duration;

use app_tests::lab::{Deploy, PATIENCE, PLAIN};
use app_tests::{Lab, Process, within};

use crate::{SHORT, measured};

/// webui and Redis stay where they are: what is tried is the loss of a node that works.
const ON_MANAGERS: &str = r#"version: "3.8"
services:
  webui:
    deploy:
      placement:
        constraints: ["node.role == manager"]
  worker:
    deploy:
      placement:
        max_replicas_per_node: 1
"#;

async fn a_node_is_lost_by(fault: &str) {
    let lab = Lab::at_hand();
    lab.run(&["heal"]).await;
    let file = lab.folder().join("managers.yml");
    fs::write(&file, ON_MANAGERS).unwrap();
    let variables = [
        ("REDIS_CONSTRAINT", "node.role == manager"),
        ("WORKER_REPLICAS", "4"),
        ("RNG_REPLICAS", "2"),
    ];
    let words = ["-c", file.to_str().unwrap()];
    let stack = lab.deploy(Deploy { name: PLAIN, variables: &variables, words: &words }).await;
    // Settled before, so that what follows is the window soon.
    let words = ["scale", "--output", "json"];
    measured(&lab.measure(&[&words[..], &SHORT].concat()).await);
    stack.goes_on(10).await;

    let begin = tokio::time::Instant::now();
    let timing = ["--duration", "40s", "--warmup", "0"];
    let scaling = Process::start(&mut lab.bench(&[&words[..], &timing].concat()));
    tokio::time::sleep(Duration::from_secs(10)).await;
    lab.run(&[fault, "w1"]).await;
    let ended = scaling.end_within(Duration::from_secs(90)).await;
    assert!(begin.elapsed() < Duration::from_secs(100));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let step = &ended.json()["steps"][0];
    let reason = step["withheld"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("died during the window"), "{reason}");
    assert!(step["bottleneck"].is_null(), "{step}");

    let before = stack.hashes().await;
    stack.goes_on(20).await;
    let status = lab.measure(&["status", "--output", "json"]).await.json();
    let lost = status["nodes"].as_array().into_iter().flatten().find(|node| node["name"] == "w1");
    assert_eq!(lost.expect("w1")["state"], "down", "{status}");
    lab.run(&["heal", "w1"]).await;
    assert!(stack.hashes().await > before);
    within(PATIENCE, "four workers", async || {
        let tasks = lab.tasks(&stack.service("worker")).await;
        let running = tasks.iter().filter(|task| task["Status"]["State"] == "running");
        (running.count() == 4).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_node_without_power_costs_the_verdict_and_not_the_app() {
    a_node_is_lost_by("kill").await;
}

#[tokio::test]
async fn a_node_without_network_costs_the_verdict_and_not_the_app() {
    a_node_is_lost_by("cut").await;
}
