//! Redis moves to another node or starts again on its own: what becomes of the counter.

use std::path::{Path, PathBuf};

use app_tests::lab::{Deploy, PATIENCE, Stack};
use app_tests::{Lab, within};

const NAME: &str = "moving";

/// The stack of these tests with two workers, once it has counted a while.
async fn deployed(lab: &Lab, variables: &[(&str, &str)], words: &[&str]) -> Stack {
    let own = [("WEBUI_PORT", "9000"), ("WORKER_REPLICAS", "2")];
    let variables = [variables, &own].concat();
    let stack = lab.deploy_own(Deploy { name: NAME, variables: &variables, words }).await;
    stack.goes_on(20).await;
    stack
}

/// Runs Redis on `to` from now on, in a new task; what was counted before.
async fn redis_on(lab: &Lab, stack: &Stack, from: &str, to: &str) -> u64 {
    let redis = stack.service("redis");
    let before = stack.hashes().await;
    let [rm, add] = [("--constraint-rm", from), ("--constraint-add", to)]
        .map(|(flag, node)| [flag.to_owned(), format!("node.hostname == {node}")].join("="));
    let words = ["service", "update", "--detach", "--force", &rm, &add, &redis];
    lab.docker("m1", &words).await;
    within(PATIENCE, &format!("Redis on {to}"), async || {
        for task in lab.tasks(&redis).await {
            if task["Status"]["State"] == "running" && lab.home(&task).await == to {
                return Some(());
            }
        }
        None
    })
    .await;
    before
}

/// Loops in the workers' reports against the counter. Both are written in one transaction once the
/// reports are read, which the first reading brings about.
async fn assert_every_loop_is_counted_once(stack: &Stack) {
    within(PATIENCE, "reports that add up to the counter", async || {
        let observation = stack.json("/api/observation?by=worker").await;
        let workers = observation["workers"].as_array().expect("workers");
        let loops = workers.iter().filter_map(|worker| worker["totals"]["loops"].as_u64());
        let adds_up = observation["hashes"].as_u64() == Some(loops.sum());
        assert_eq!(workers.len(), 2, "{observation}");
        adds_up.then_some(())
    })
    .await;
}

#[tokio::test]
async fn on_storage_that_all_nodes_reach_no_loop_is_lost_when_redis_moves() {
    let lab = Lab::at_hand();
    // Of this attempt alone: one that failed leaves its data.
    let shared: PathBuf = lab.state().join(format!("shared-redis-{}", std::process::id()));
    std::fs::create_dir_all(&shared).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let extra = root.join("redis-shared.yml");
    let variables = [
        ("REDIS_VOLUME_TYPE", "none"),
        ("REDIS_VOLUME_OPTIONS", "bind"),
        ("REDIS_VOLUME_DEVICE", shared.to_str().unwrap()),
        ("REDIS_CONSTRAINT", "node.hostname == m2"),
    ];
    let stack = deployed(&lab, &variables, &["-c", extra.to_str().unwrap()]).await;
    assert_every_loop_is_counted_once(&stack).await;
    let before = redis_on(&lab, &stack, "m2", "m3").await;
    stack.goes_on(10).await;
    assert!(stack.hashes().await > before, "the counter fell");
    assert_every_loop_is_counted_once(&stack).await;
    lab.remove(NAME).await;
    std::fs::remove_dir_all(&shared).unwrap();
}

#[tokio::test]
async fn on_a_volume_of_its_node_redis_keeps_the_counter_there_and_starts_anew_elsewhere() {
    let lab = Lab::at_hand();
    let variables = [("REDIS_CONSTRAINT", "node.hostname == m2")];
    let stack = deployed(&lab, &variables, &[]).await;
    let before = redis_on(&lab, &stack, "nobody", "m2").await;
    stack.goes_on(5).await;
    assert!(stack.hashes().await > before, "the counter was lost by a new task on the same node");

    stack.goes_on(30).await;
    let before = redis_on(&lab, &stack, "m2", "m3").await;
    let after = stack.hashes().await;
    assert!(after < before, "{after} after a move, {before} before it");
    stack.goes_on(5).await;
    let before = redis_on(&lab, &stack, "m3", "m2").await;
    let after = stack.hashes().await;
    assert!(after > before, "the old volume was still on m2: {after}, {before}");
    lab.remove(NAME).await;
}
