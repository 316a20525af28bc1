//! How soon a new rng gets its share of the load, and how little is lost when one of two dies.
//! Both are compared with the app's own speed before, so that a slow machine changes nothing.

use std::time::Duration;

use app_tests::process::send;
use app_tests::{Place, Up};
use rustix::process::Signal;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
/// Three times what it may take at most.
const SOON: Duration = Duration::from_secs(6);
const GROWN: [&str; 8] =
    ["scale", "--rng", "2", "--worker", "4", "--duration", "100ms", "--warmup=0"];

/// The share of `replica` in what all rngs served within the next second.
async fn share(up: &Up, replica: &str) -> f64 {
    let before = up.served("rng").await;
    tokio::time::sleep(SECOND).await;
    let served = up.served("rng").await;
    let count = |name: &str| served[name] - before.get(name).copied().unwrap_or(0);
    let all: u64 = served.keys().map(|name| count(name)).sum();
    let its = if served.contains_key(replica) { count(replica) } else { 0 };
    u32::try_from(its).map_or(0.0, f64::from) / u32::try_from(all).map_or(1.0, f64::from).max(1.0)
}

#[tokio::test]
async fn a_new_rng_has_its_share_within_seconds() {
    let place = Place::fast().with("WORKER_FLUSH_INTERVAL", "100ms");
    let mut up = place.up(&["--worker", "4"]).await;
    up.goes_on(10).await;
    let scaling = place.start(&GROWN);
    up.process.line("rng.2 ready", |l| l.starts_with("rng.2") && l.ends_with("ready")).await;
    let ready = Instant::now();
    let mut last = 0.0;
    while last < 0.4 {
        assert!(ready.elapsed() < SOON, "only {last:.2} of the requests after {SOON:?}");
        last = share(&up, "rng.2").await;
    }
    drop(scaling);
}

/// How many loops are counted within the next `seconds`, each.
async fn loops_a_second(up: &Up, seconds: u32) -> f64 {
    let (before, begin) = (up.hashes().await, Instant::now());
    tokio::time::sleep(seconds * SECOND).await;
    let loops = u32::try_from(up.hashes().await - before).map_or(0.0, f64::from);
    loops / begin.elapsed().as_secs_f64()
}

#[tokio::test]
async fn half_the_rngs_killed_leave_nearly_half_the_speed() {
    let place = Place::fast().with("WORKER_FLUSH_INTERVAL", "100ms");
    let place = place.with("RNG_SERVICE_TIME", "40ms");
    let up = place.up(&["--worker", "8", "--rng", "2"]).await;
    up.goes_on(20).await;
    let before = loops_a_second(&up, 1).await;
    send(up.replica("rng.1").await.pid, Signal::KILL);
    let after = loops_a_second(&up, 2).await;
    assert!(after >= before * 0.4, "{before:.1} loops a second before, {after:.1} after");
}
