//! Others change the stack while bench scales it, and bench puts back what it changed.

use std::time::Duration;

use app_tests::lab::{PATIENCE, PLAIN};
use app_tests::{Lab, Process, within};
use rustix::process::Signal;

use crate::{SHORT, measured};

#[tokio::test]
async fn restore_puts_replica_counts_back() {
    let (lab, _) = Lab::plain().await;
    let words = ["scale", "--worker", "3", "--rng", "2", "--restore", "--output", "json"];
    let json = measured(&lab.measure(&[&words[..], &SHORT].concat()).await);
    assert_eq!(json["steps"][0]["replicas"]["worker"], 3);
    for service in ["worker", "rng", "hasher"] {
        assert_eq!(lab.asked(PLAIN, service).await, 1, "{service}");
    }
}

#[tokio::test]
async fn ctrl_c_in_the_window_puts_replica_counts_back() {
    let (lab, _) = Lab::plain().await;
    let words = ["scale", "--worker", "2,3", "--rng", "2", "--output", "json"];
    let scaling = Process::start(&mut lab.bench(&[&words[..], &SHORT].concat()));
    // The second step is asked for when the first has been measured.
    within(PATIENCE, "the second step", async || {
        (lab.asked(PLAIN, "worker").await == 3).then_some(())
    })
    .await;
    scaling.signal(Signal::INT);
    let ended = scaling.end_within(Duration::from_secs(30)).await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    let json = ended.json();
    assert_eq!(json["steps"].as_array().map(Vec::len), Some(1), "{json}");
    for service in ["worker", "rng"] {
        assert_eq!(lab.asked(PLAIN, service).await, 1, "{service}");
    }
}

#[tokio::test]
async fn a_scale_comes_about_while_somebody_else_updates_the_same_service() {
    let (lab, _) = Lab::plain().await;
    let words = ["scale", "--worker", "2,3,2,3,2", "--output", "json"];
    let timing = ["--duration", "500ms", "--warmup", "0"];
    let mut scaling = Process::start(&mut lab.bench(&[&words[..], &timing].concat()));
    let mut updates = 0;
    while !scaling.has_ended() {
        let label = format!("somebody={updates}");
        let words = ["service", "update", "--detach", "--label-add", &label];
        let name = format!("{PLAIN}_worker");
        // Of two that change a service at the same moment one is refused: it may be this one.
        let ended = lab.attempt(&[&["docker", "m1"], &words[..], &[&name]].concat()).await;
        updates += u32::from(ended.code == Some(0));
    }
    let json = measured(&scaling.end().await);
    assert!(updates >= 10, "only {updates} updates");
    let steps = json["steps"].as_array().expect("steps");
    let workers: Vec<_> = steps.iter().map(|step| step["replicas"]["worker"].as_u64()).collect();
    assert_eq!(workers, [2, 3, 2, 3, 2].map(Some));
    let service = lab.inspect("m1", &["service", "inspect", &format!("{PLAIN}_worker")]).await;
    assert!(service["Spec"]["Labels"]["somebody"].is_string(), "the labels were lost: {service}");
}
