//! What `bench up` shows of its services' logs: requests only where they are asked for, and the work of
//! workers only of one that runs alone, unless asked.

use app_tests::wait::eventually;
use app_tests::{Place, Up};

/// What each worker logs once a second.
const WORK: &str = "units of work done";

/// Whether `bench up` has shown a line of `replica` with `part` in it.
fn has_shown(up: &Up, replica: &str, part: &str) -> bool {
    let is_its = |line: &String| {
        let name = line.split('|').next().unwrap_or_default();
        name.trim() == replica && line.contains(part)
    };
    up.process.lines().iter().any(is_its)
}

async fn shows(up: &Up, replica: &str, part: &str) {
    eventually(&format!("a line of {replica} with {part}"), async || {
        has_shown(up, replica, part).then_some(())
    })
    .await;
}

#[tokio::test]
async fn requests_are_shown_of_those_services_that_were_named() {
    let place = Place::fast();
    let up = place.up(&["--logs", "hasher"]).await;
    shows(&up, "hasher.1", "\"POST / HTTP/1.1\" 200 64 ").await;
    // Each hash has had its bytes from rng before.
    assert!(!has_shown(&up, "rng.1", "HTTP/1.1"), "{:?}", up.process.lines());
}

#[tokio::test]
async fn without_being_asked_requests_are_not_shown() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    up.goes_on(20).await;
    let ended = up.stop().await;
    assert!(!ended.stdout.contains("HTTP/1.1"), "{}", ended.stdout);
}

#[tokio::test]
async fn of_several_workers_none_logs_its_work_including_those_that_are_added_later() {
    let place = Place::fast();
    let up = place.up(&["--worker", "2"]).await;
    let short = ["scale", "--worker", "3", "--duration", "100ms", "--warmup", "0"];
    place.run(&short).await;
    for name in ["worker.1", "worker.2", "worker.3"] {
        let worker = up.replica(name).await;
        assert!(worker.arguments().contains(&"--work-log=false".to_owned()), "{worker:?}");
    }
    drop(up);
    let up = place.up(&["--worker", "2", "--logs", "rng,worker"]).await;
    for name in ["worker.1", "worker.2"] {
        let worker = up.replica(name).await;
        assert!(worker.arguments().contains(&"--work-log=true".to_owned()), "{worker:?}");
    }
    shows(&up, "rng.1", "\"GET /32 HTTP/1.1\" 200 32 ").await;
}

#[tokio::test]
async fn a_worker_alone_logs_its_work_unless_nothing_is_to_be_logged() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let worker = up.replica("worker.1").await;
    assert!(!worker.arguments().iter().any(|word| word.contains("work-log")), "{worker:?}");
    drop(up);
    let place = Place::fast().with("RNG_ACCESS_LOG", "true");
    let up = place.up(&["--logs", "none"]).await;
    up.goes_on(20).await;
    let ended = up.stop().await;
    for part in [WORK, "HTTP/1.1"] {
        assert!(!ended.stdout.contains(part), "{}", ended.stdout);
    }
}
