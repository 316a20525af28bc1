//! Replicas killed under load, and a crowd of silent clients: the app goes on.

use app_tests::process::send;
use app_tests::{Place, eventually};
use rustix::process::Signal;
use tokio::net::TcpStream;

/// Kills one of two replicas. The other takes over; the new one gets its share again.
async fn one_of_two_is_killed(service: &str) {
    let place = Place::fast();
    let mut up = place.up(&["--worker", "4", "--rng", "2", "--hasher", "2"]).await;
    let (first, second) = (format!("{service}.1"), format!("{service}.2"));
    eventually("requests to both", async || {
        let served = up.served(service).await;
        (served.contains_key(&first) && served.contains_key(&second)).then_some(())
    })
    .await;
    let killed = up.replica(&first).await;
    send(killed.pid, Signal::KILL);
    let died = format!("{first}'s death");
    let said = up.process.line(&died, |l| l.starts_with(&first) && l.contains("died")).await;
    assert!(said.contains("SIGKILL") && said.contains("again in"), "{said}");
    up.goes_on(20).await;

    let before = up.served(service).await;
    let restarted = up.replica(&first).await;
    assert_ne!(restarted.pid, killed.pid);
    eventually("requests to the new replica", async || {
        let served = up.served(service).await;
        (served[&first] > before[&first] + 5 && served[&second] > before[&second]).then_some(())
    })
    .await;
    // Every worker's failed requests are told, and were repeated: none gave up.
    let observation = up.json("/api/observation?by=worker").await;
    let workers = observation["workers"].as_array().map(Vec::len);
    assert_eq!(workers, Some(4), "{observation}");
    let ended = up.stop().await;
    let settled = ended.stdout.lines().filter(|line| line.contains("accounts settled"));
    assert_eq!(settled.count(), 4, "{}", ended.stdout);
}

#[tokio::test]
async fn rng_is_killed_under_load() {
    one_of_two_is_killed("rng").await;
}

#[tokio::test]
async fn hasher_is_killed_under_load() {
    one_of_two_is_killed("hasher").await;
}

#[tokio::test]
async fn the_only_rng_is_killed_and_workers_wait_for_the_next() {
    let place = Place::fast();
    let up = place.up(&["--worker", "2"]).await;
    up.goes_on(5).await;
    send(up.replica("rng.1").await.pid, Signal::KILL);
    up.goes_on(20).await;
    assert_eq!(up.replicas("worker").len(), 2);
}

#[tokio::test]
async fn webui_is_killed_and_comes_back_on_its_port() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let before = up.hashes().await;
    send(up.replica("webui.1").await.pid, Signal::KILL);
    eventually("more hashes", async || (up.hashes().await > before).then_some(())).await;
}

#[tokio::test]
async fn a_thousand_idle_connections_hold_nobody_up() {
    let place = Place::fast();
    let up = place.up(&["--worker", "2"]).await;
    up.goes_on(1).await;
    for address in up.addresses() {
        let mut idle = Vec::new();
        for _ in 0..1000 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        up.goes_on(10).await;
        let reply = app_tests::http::get(address, "/").await.unwrap();
        assert!(matches!(reply.status, 200 | 302), "{reply:?}");
        drop(idle);
    }
    up.goes_on(10).await;
    assert_eq!(up.stop().await.code, Some(0));
}
