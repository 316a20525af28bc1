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
async fn of_several_workers_none_logs_its_work_whatever_their_number_was_before() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    shows(&up, "worker.1", WORK).await;
    let scale = async |workers: &str| {
        place.run(&["scale", "--worker", workers, "--duration", "2.5s", "--warmup", "0"]).await
    };
    let begin = worker_lines(&up);
    scale("3").await;
    // At most one line was under way when the app was scaled.
    assert!(worker_lines(&up) <= begin + 1, "{:?}", up.process.lines());
    let silent = worker_lines(&up);
    up.goes_on(20).await;
    assert_eq!(worker_lines(&up), silent, "{:?}", up.process.lines());
    scale("1").await;
    eventually("lines of the worker that is left", async || {
        (worker_lines(&up) >= silent + 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn several_workers_log_their_work_where_that_is_asked_for() {
    let place = Place::fast();
    let up = place.up(&["--worker", "2", "--logs", "rng,worker"]).await;
    for name in ["worker.1", "worker.2"] {
        shows(&up, name, WORK).await;
    }
    shows(&up, "rng.1", "\"GET /32 HTTP/1.1\" 200 32 ").await;
}

/// Lines about their work that workers have logged.
fn worker_lines(up: &Up) -> usize {
    up.process.lines().iter().filter(|line| line.contains(WORK)).count()
}

#[tokio::test]
async fn a_worker_alone_logs_its_work_unless_nothing_is_to_be_logged() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    shows(&up, "worker.1", WORK).await;
    drop(up);
    let place = Place::fast().with("RNG_ACCESS_LOG", "true");
    let up = place.up(&["--logs", "none"]).await;
    up.goes_on(20).await;
    let ended = up.stop().await;
    for part in [WORK, "HTTP/1.1"] {
        assert!(!ended.stdout.contains(part), "{}", ended.stdout);
    }
}
