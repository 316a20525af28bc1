//! However bench ends, nothing it started is left: no process, no port, no directory.

use std::net::{SocketAddr, TcpListener};

use app_tests::place::same_ports;
use app_tests::proc_fs::Seen;
use app_tests::{Place, Up, eventually};
use rustix::process::Signal;

async fn started(place: &Place) -> (Up, Vec<Seen>) {
    let up = place.up(&["--worker", "2", "--rng", "2"]).await;
    up.goes_on(1).await;
    let children = up.process.children();
    assert_eq!(children.len(), 6, "{children:?}");
    (up, children)
}

/// Free means that somebody else may listen there.
fn assert_free(addresses: [SocketAddr; 3]) {
    for address in addresses {
        let listener = TcpListener::bind(address);
        assert!(listener.is_ok(), "{address}: {listener:?}");
    }
}

async fn leaves_nothing(signal: Signal) {
    let place = Place::fast();
    let (up, children) = started(&place).await;
    let addresses = up.addresses();
    up.process.signal(signal);
    let ended = up.process.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let left: Vec<_> = children.iter().filter(|child| child.is_alive()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_free(addresses);
    assert!(place.app_folders().is_empty(), "{:?}", place.app_folders());
}

#[tokio::test]
async fn sigterm_leaves_nothing() {
    leaves_nothing(Signal::TERM).await;
}

#[tokio::test]
async fn sigint_leaves_nothing() {
    leaves_nothing(Signal::INT).await;
}

#[tokio::test]
async fn a_closed_terminal_leaves_nothing() {
    leaves_nothing(Signal::HUP).await;
}

#[tokio::test]
async fn a_killed_bench_takes_its_replicas_with_it_and_the_next_can_start() {
    let place = Place::fast();
    let (up, children) = started(&place).await;
    let addresses = up.addresses();
    up.process.signal(Signal::KILL);
    assert_eq!(up.process.end().await.code, None);
    eventually("the end of every replica", async || {
        children.iter().all(|child| !child.is_alive()).then_some(())
    })
    .await;
    assert_free(addresses);

    let ports = same_ports(addresses);
    let words: Vec<_> = ports.iter().map(String::as_str).collect();
    let next = place.up(&words).await;
    assert_eq!(next.addresses(), addresses);
    next.goes_on(1).await;
    // Whoever looks for running apps finds the new one alone, and clears the old one away.
    let scaled = place.run(&["scale", "--worker", "0", "--duration", "100ms", "--warmup", "0"]);
    assert_eq!(scaled.await.code, Some(3));
    assert_eq!(place.app_folders().len(), 1);
}

#[tokio::test]
async fn a_replica_that_ignores_its_stop_is_killed() {
    let place = Place::fast();
    let (up, children) = started(&place).await;
    let deaf = up.replica("hasher.1").await;
    app_tests::process::send(deaf.pid, Signal::STOP);
    let ended = up.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(children.iter().all(|child| !child.is_alive()));
}
