//! How requests are spread over replicas. Shares are compared with each other, never with time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::server::Exchange;
use crate::{FAST, Server, Store, Worker, eventually};

/// The addresses of these servers as one target.
fn all(servers: &[Server]) -> String {
    servers.iter().map(Server::target).collect::<Vec<_>>().join(",")
}

/// The requests to each rng once there were `enough`, of a worker with these flags.
async fn shares(rngs: &[Server], enough: usize, flags: &[&str]) -> Vec<usize> {
    let (hasher, store) = (Server::good(), Store::start().await);
    let flags = [&FAST[..], flags].concat();
    let worker = Worker::start(&all(rngs), &hasher.target(), &store, &flags);
    let counts = || rngs.iter().map(Server::count).collect::<Vec<_>>();
    let is_enough = async || (counts().iter().sum::<usize>() >= enough).then_some(());
    eventually(&format!("{enough} requests"), is_enough).await;
    let policy = flags[flags.len() - 1].to_owned();
    store.report("the policy", |report| report.policy == policy).await;
    worker.stop().await.loops();
    counts()
}

#[tokio::test]
async fn round_robin_gives_every_replica_its_turn_over_kept_connections() {
    let rngs = [Server::good(), Server::good(), Server::good()];
    let flags = ["--virtual-workers", "3", "--policy", "round-robin"];
    let shares = shares(&rngs, 150, &flags).await;
    let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
    // Each of the three may have been cut off between its choice and its request.
    assert!(most - least <= 1 + 3, "{shares:?}");
    for rng in &rngs {
        let requests = rng.requests();
        let used: BTreeSet<_> = requests.iter().map(|request| request.connection).collect();
        assert!(used.len() <= 3, "{} connections for 3 virtual workers", used.len());
        assert!(requests.iter().all(|request| !request.head.contains("connection: close")));
    }
}

#[tokio::test]
async fn random_reaches_every_replica() {
    let rngs = [Server::good(), Server::good()];
    let shares = shares(&rngs, 200, &["--virtual-workers", "4", "--policy", "random"]).await;
    // 100 each expected, standard deviation 7.
    assert!(shares.iter().all(|share| *share >= 50), "{shares:?}");
}

#[tokio::test]
async fn vip_opens_a_connection_for_each_request_and_says_that_it_closes_it() {
    let close = |request: &crate::Request| Exchange {
        close_after: Some(Duration::ZERO),
        ..request.good("Connection: close\r\n")
    };
    let rngs = [Server::start(close), Server::good()];
    shares(&rngs, 40, &["--policy", "vip"]).await;
    for rng in &rngs {
        let requests = rng.requests();
        let used: BTreeSet<_> = requests.iter().map(|request| request.connection).collect();
        assert!(requests.len() >= 15, "{}", requests.len());
        assert_eq!(used.len(), requests.len());
        for request in requests {
            assert!(request.head.contains("connection: close"), "{}", request.head);
        }
    }
}

#[tokio::test]
async fn least_outstanding_prefers_who_is_idle() {
    let slow = Duration::from_millis(400);
    let slow = Server::start(move |request| Exchange { delay: slow, ..request.good("") });
    let rngs = [slow, Server::good(), Server::good()];
    let flags = ["--virtual-workers", "4", "--policy", "least-outstanding"];
    let shares = shares(&rngs, 250, &flags).await;
    assert!(shares[0] >= 1, "{shares:?}");
    // In turn, the slow one would hold up all four and have as many as the others.
    assert!(shares[0] * 3 <= shares[1].min(shares[2]), "{shares:?}");
}
