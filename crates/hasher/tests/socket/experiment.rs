//! The delay that a request carries: obeyed where experiments are allowed, ignored elsewhere.

use std::time::Duration;

use hasher::{Bodies, Hasher};
use service::station::ServiceTime;
use service::{Limits, Replica};

use crate::{Client, OF_ABC, Process, Running, ask, get, hasher, post};

/// A hasher of 20 ms, one at a time, that allows experiments.
fn allowing() -> Running {
    let time = ServiceTime::fixed(Duration::from_millis(20));
    let replica = Replica::new("h1".to_owned(), time, 1).with_experiments(true);
    let bodies = Bodies { most: 100, patience: Duration::from_millis(100) };
    Running::start(Hasher::new(replica, bodies), Limits::default())
}

fn delayed(body: &str, delay: &str) -> String {
    post(body).replacen("Host", &format!("X-Injected-Delay: {delay}\r\nHost"), 1)
}

fn is(time: f64, milliseconds: f64) -> bool {
    (time - milliseconds).abs() < 0.001
}

#[tokio::test]
async fn the_delay_is_part_of_the_service_and_ends_with_its_request() {
    let running = allowing();
    for (delay, expected) in [("30500", 50.5), ("0", 20.0), ("10000001", 20.0), ("soon", 20.0)] {
        let answer = ask(running.address, &delayed("abc", delay)).await;
        assert_eq!((answer.status, answer.text()), (200, OF_ABC));
        assert!(is(answer.timing().1, expected), "{delay}: {answer:?}");
    }
    assert!(is(ask(running.address, &post("abc")).await.timing().1, 20.0));
}

#[tokio::test]
async fn who_comes_next_waits_for_the_delay_too() {
    let running = allowing();
    let mut slowed = Client::connect(running.address).await;
    slowed.send(delayed("abc", "200000")).await;
    let (queue, _) = ask(running.address, &get("/")).await.timing();
    // Without the delay it would be 20 ms at most, on a machine with time.
    assert!(queue >= 100.0, "{queue}");
    assert!(is(slowed.answer().await.timing().1, 220.0));
}

#[tokio::test]
async fn a_refused_body_has_no_delay() {
    let running = allowing();
    let answer = ask(running.address, &delayed(&"a".repeat(101), "9000000")).await;
    assert_eq!(answer.status, 413);
    assert!(is(answer.timing().1, 0.0), "{answer:?}");
}

#[tokio::test]
async fn unless_allowed_the_delay_is_ignored() {
    let running = hasher(20, 1);
    assert!(is(ask(running.address, &delayed("abc", "9000000")).await.timing().1, 20.0));
    let health = ask(running.address, &get("/health")).await;
    assert!(health.text().contains(r#""experiments":false"#), "{}", health.text());
}

#[tokio::test]
async fn the_flag_allows_experiments() {
    let program = env!("CARGO_BIN_EXE_hasher");
    let flags = ["--service-time", "1ms", "--allow-experiments=true"];
    let hasher = Process::start(program, &flags).await;
    assert!(is(ask(hasher.address, &delayed("abc", "4000")).await.timing().1, 5.0));
    let health = ask(hasher.address, &get("/health")).await;
    assert!(health.text().contains(r#""experiments":true"#), "{}", health.text());
    let variable = ("HASHER_ALLOW_EXPERIMENTS", "perhaps");
    let ended = Process::fail(program, &[], &[variable]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains(variable.0), "{}", ended.message);
}
