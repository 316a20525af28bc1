//! Tasks that cannot start: bench says which, where, in what state, and in the engine's own words.

use std::fs;

use app_tests::lab::Deploy;
use app_tests::{DEADLINE, Lab, within};

use crate::{SHORT, measured, refused};

const NAME: &str = "broken";

/// Each service of a stack is kept from starting in another way.
const BROKEN: &str = r#"version: "3.8"
services:
  rng:
    image: 127.0.0.1:5000/dockercoins/rng:nobody-has-it
  hasher:
    deploy:
      replicas: 5
  worker:
    deploy:
      placement:
        constraints: ["node.labels.nobody == has-it"]
  webui:
    healthcheck:
      test: ["CMD", "/webui", "--no-such-flag"]
      interval: 1s
      retries: 1
"#;

#[tokio::test]
async fn tasks_that_cannot_start_are_named_with_node_state_and_the_engines_words() {
    let lab = Lab::at_hand();
    let file = lab.folder().join("broken.yml");
    fs::write(&file, BROKEN).unwrap();
    let words = ["-c", file.to_str().unwrap(), "--no-wait"];
    // One fixed port of each node, for more tasks than there are nodes.
    let variables = [("HASHER_PORT", "9002"), ("WEBUI_PORT", "9000"), ("PUBLISH_MODE", "host")];
    lab.deploy_own(Deploy { name: NAME, variables: &variables, words: &words }).await;
    let scale = ["scale", "--stack", NAME, "--cluster", "swarm", "--output", "json"];
    let ended = lab.measure(&[&scale[..], &SHORT, &["--settle-timeout", "15s"]].concat()).await;
    refused(
        &ended,
        &["not settled after", "rng 0/1 ready", "worker 0/1 ready", "hasher 4/5 ready"],
    );
    let line = |replica: &str| -> &str {
        let found = ended.stderr.lines().find(|line| line.trim_start().starts_with(replica));
        found.unwrap_or_else(|| panic!("no line on {replica} in\n{}", ended.stderr))
    };
    let missing = line("rng.1 on ");
    assert!(missing.contains("rejected: ") && missing.contains("No such image"), "{missing}");
    assert!(missing.contains("nobody-has-it"), "{missing}");
    let nowhere = line("worker.1: ");
    assert!(nowhere.contains("pending: no suitable node (scheduling constraints"), "{nowhere}");
    let taken = line("hasher.");
    assert!(taken.contains("host-mode port already in use"), "{taken}");
    // Stopped for its bad health it ends as told to, and the engine has no words for that.
    let ended_well = |line: &str| line.contains("webui.1@") && line.contains(": complete");
    assert!(ended.stderr.lines().any(ended_well), "{}", ended.stderr);

    // The same stack, put right. Updating tasks that hold a port to others of that service would
    // be given up and rolled back: first they are as many as the ports.
    lab.docker("m1", &["service", "scale", "--detach", "broken_hasher=1"]).await;
    within(DEADLINE, "one hasher", async || {
        (lab.tasks("broken_hasher").await.len() == 1).then_some(())
    })
    .await;
    let variables = [("HASHER_PORT", "0"), ("WEBUI_PORT", "9000")];
    lab.deploy(Deploy { name: NAME, variables: &variables, words: &[] }).await;
    let scale = ["scale", "--stack", NAME, "--output", "json"];
    let json = measured(&lab.measure(&[&scale[..], &SHORT].concat()).await);
    assert_eq!(json["steps"][0]["reporting"], 1, "{json}");
    lab.remove(NAME).await;
}
