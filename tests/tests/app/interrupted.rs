//! Ctrl-C in the middle of `bench scale`: what was measured is kept, nothing else is.

use std::fs;

use app_tests::{Place, eventually};
use rustix::process::Signal;
use serde_json::Value;

#[tokio::test]
async fn finished_steps_are_printed_and_recorded() {
    let place = Place::fast();
    let out = place.folder().join("run");
    let words = ["scale", "--worker", "1,2", "--output", "json", "--warmup", "0"];
    let timing = ["--duration", "1s", "--out", out.to_str().unwrap()];
    let scaling = place.start(&[&words[..], &timing].concat());
    let samples = out.join("samples.ndjson");
    eventually("the first step's samples", async || {
        fs::read_to_string(&samples).is_ok_and(|text| text.ends_with('\n')).then_some(())
    })
    .await;
    let children = scaling.children();
    scaling.signal(Signal::INT);
    let ended = scaling.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let printed = ended.json();
    assert_eq!(printed["steps"].as_array().unwrap().len(), 1);
    assert_eq!(printed["steps"][0]["replicas"]["worker"], 1);
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(out.join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("findings.json"), printed);
    assert_eq!(read("run.json")["stop_reason"], "interrupted");
    assert_eq!(fs::read_to_string(&samples).unwrap().lines().count(), 1);
    assert!(!children.is_empty() && children.iter().all(|child| !child.is_alive()));
    assert!(place.app_folders().is_empty());
}

#[tokio::test]
async fn a_killed_bench_scale_leaves_no_replica() {
    let place = Place::fast();
    let scaling = place.start(&["scale", "--worker", "2", "--duration", "1m"]);
    let children = eventually("five replicas", async || {
        let children = scaling.children();
        (children.len() == 5).then_some(children)
    })
    .await;
    scaling.signal(Signal::KILL);
    assert_eq!(scaling.end().await.code, None);
    eventually("the end of every replica", async || {
        children.iter().all(|child| !child.is_alive()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn before_the_first_step_is_done_there_is_nothing_to_print() {
    let place = Place::fast();
    let scaling = place.start(&["scale", "--duration", "1m"]);
    eventually("replicas", async || (scaling.children().len() == 4).then_some(())).await;
    scaling.signal(Signal::TERM);
    let ended = scaling.end().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{ended:?}");
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
}
