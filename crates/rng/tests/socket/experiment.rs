//! The delay that a request carries: obeyed where experiments are allowed, ignored elsewhere.

use std::time::Duration;

use rng::Rng;
use service::station::ServiceTime;
use service::{Limits, Replica};

use crate::{Client, Process, Running, ask, get, rng};

/// An rng of 20 ms, one at a time, that allows experiments.
fn allowing() -> Running {
    let time = ServiceTime::fixed(Duration::from_millis(20));
    let replica = Replica::new("r1".to_owned(), time, 1).with_experiments(true);
    Running::start(Rng::new(replica), Limits::default())
}

fn delayed(path: &str, delay: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: rng\r\nX-Injected-Delay: {delay}\r\n\r\n")
}

/// How long rng says it worked on this request, in milliseconds.
async fn service(running: &Running, request: &str) -> f64 {
    let answer = ask(running.address, request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.timing().1
}

fn is(time: f64, milliseconds: f64) -> bool {
    (time - milliseconds).abs() < 0.001
}

#[tokio::test]
async fn the_delay_is_part_of_the_service_and_ends_with_its_request() {
    let running = allowing();
    let begin = std::time::SystemTime::now();
    assert!(is(service(&running, &delayed("/32", "30500")).await, 50.5));
    assert!(begin.elapsed().unwrap() >= Duration::from_millis(50));
    assert!(is(service(&running, &get("/32")).await, 20.0));
    assert!(is(service(&running, &delayed("/32", "0")).await, 20.0));
}

#[tokio::test]
async fn who_comes_next_waits_for_the_delay_too() {
    let running = allowing();
    let mut slowed = Client::connect(running.address).await;
    slowed.send(delayed("/32", "200000")).await;
    // The service has it: the greeting, which comes after it, queues.
    let (queue, _) = ask(running.address, &get("/")).await.timing();
    // Without the delay it would be 20 ms at most, on a machine with time.
    assert!(queue >= 100.0, "{queue}");
    assert!(is(slowed.answer().await.timing().1, 220.0));
}

#[tokio::test]
async fn a_request_without_service_time_has_no_delay() {
    let running = allowing();
    for path in ["/", "/abc"] {
        let answer = ask(running.address, &delayed(path, "9000000")).await;
        assert!(is(answer.timing().1, 0.0), "{path}");
    }
}

#[tokio::test]
async fn what_is_no_delay_is_ignored() {
    let running = allowing();
    for wrong in ["10000001", "-1", "+30000", "1.5", "30ms", "", "thirty", "30000, 30000"] {
        let time = service(&running, &delayed("/32", wrong)).await;
        assert!(is(time, 20.0), "{wrong:?}: {time}");
    }
    let twice =
        "GET /32 HTTP/1.1\r\nHost: rng\r\nX-Injected-Delay: 7\r\nX-Injected-Delay: 7\r\n\r\n";
    assert!(is(service(&running, twice).await, 20.0));
}

#[tokio::test]
async fn unless_allowed_the_delay_is_ignored() {
    let running = rng(20, 1);
    assert!(is(service(&running, &delayed("/32", "9000000")).await, 20.0));
    let health = ask(running.address, &get("/health")).await;
    assert!(health.text().contains(r#""experiments":false"#), "{}", health.text());
}

#[tokio::test]
async fn the_flag_allows_experiments() {
    let program = env!("CARGO_BIN_EXE_rng");
    let rng = Process::start(program, &["--service-time", "1ms", "--allow-experiments"]).await;
    assert!(is(ask(rng.address, &delayed("/32", "4000")).await.timing().1, 5.0));
    let health = ask(rng.address, &get("/health")).await;
    assert!(health.text().contains(r#""experiments":true"#), "{}", health.text());
    let variable = ("RNG_ALLOW_EXPERIMENTS", "perhaps");
    let ended = Process::fail(program, &[], &[variable]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains(variable.0), "{}", ended.message);
}
