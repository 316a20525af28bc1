//! Stacks beside the plain one: images with another tag, and a stack that is removed.

use app_tests::Lab;
use app_tests::lab::{Deploy, REGISTRY};

use crate::{SHORT, measured};

const NAME: &str = "other";
const IMAGES: [&str; 6] = ["rng", "hasher", "worker", "webui", "bench", "redis"];

#[tokio::test]
async fn images_with_another_tag_serve_and_stack_rm_leaves_nothing() {
    let lab = Lab::at_hand();
    for node in lab.nodes() {
        for image in IMAGES {
            let [from, to] = ["latest", "other"].map(|tag| format!("{REGISTRY}/{image}:{tag}"));
            lab.docker(&node, &["tag", &from, &to]).await;
        }
    }
    let variables = [("TAG", "other"), ("WEBUI_PORT", "9000")];
    lab.deploy_own(Deploy { name: NAME, variables: &variables, words: &[] }).await;
    let words = ["scale", "--stack", NAME, "--worker", "2", "--output", "json"];
    let json = measured(&lab.measure(&[&words[..], &SHORT].concat()).await);
    assert_eq!(json["steps"][0]["reporting"], 2, "{json}");
    let status = lab.measure(&["status", "--stack", NAME, "--output", "json"]).await.json();
    for service in status["services"].as_array().expect("services") {
        let image = service["image"].as_str().expect("an image");
        assert!(image.ends_with(":other"), "{service}");
    }

    let overlay = format!("network {NAME}_dockercoins");
    let there = lab.remains(NAME).await;
    assert!(there.contains(&overlay), "the test looks in the wrong place: {there:?}");
    let tasks = [lab.tasks("other_rng").await, lab.tasks("other_worker").await].concat();
    assert_eq!(tasks.len(), 3);
    let begin = tokio::time::Instant::now();
    lab.remove(NAME).await;
    println!("nothing left {:.1?} after `docker stack rm`", begin.elapsed());
    for task in tasks {
        let id = task["ID"].as_str().expect("an id");
        let ended = lab.attempt(&["docker", "m1", "inspect", id]).await;
        assert!(ended.code != Some(0), "task {id} is still known: {ended:?}");
    }
    for node in lab.nodes() {
        for image in IMAGES {
            lab.docker(&node, &["image", "rm", &format!("{REGISTRY}/{image}:other")]).await;
        }
    }
}
