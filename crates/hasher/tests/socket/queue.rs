//! Twenty requests at a time over all connections. Times are compared with lower bounds and with
//! each other, as a busy machine makes everything later but nothing earlier.

use tokio::time::Instant;

use crate::{Client, Running, ask, get, hasher, post};

/// What `requests` sent at once on as many connections queued, shortest first, in milliseconds.
async fn queued(running: &Running, requests: usize) -> Vec<f64> {
    let mut clients = Vec::new();
    for _ in 0..requests {
        let mut client = Client::connect(running.address).await;
        client.send(get("/health")).await;
        assert_eq!(client.answer().await.status, 200); // it is accepted
        clients.push(client);
    }
    for client in &mut clients {
        client.send(post("abc")).await;
    }
    let mut queued = Vec::new();
    for mut client in clients {
        queued.push(client.answer().await.timing().0);
    }
    queued.sort_by(f64::total_cmp);
    queued
}

#[tokio::test]
async fn twenty_are_served_at_once_and_the_next_twenty_after_them() {
    let running = hasher(60, 20);
    let begin = Instant::now();
    let queued = queued(&running, 45).await;
    assert!(begin.elapsed().as_millis() >= 170, "{:?}", begin.elapsed());
    assert!(queued[..20].iter().all(|time| *time <= 0.0), "{queued:?}");
    assert!(queued[20..40].iter().all(|time| *time >= 30.0), "{queued:?}");
    assert!(queued[40..].iter().all(|time| *time >= 90.0), "{queued:?}");
}

#[tokio::test]
async fn without_a_limit_nobody_queues() {
    let queued = queued(&hasher(20, 0), 50).await;
    assert!(queued.iter().all(|time| *time <= 0.0), "{queued:?}");
}

#[tokio::test]
async fn health_does_not_queue_but_the_greeting_does() {
    let running = hasher(10_000, 2);
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(running.address).await;
        client.send(post("abc")).await;
        clients.push(client);
    }
    assert_eq!(ask(running.address, &get("/health")).await.status, 200);
    let mut greeted = Client::connect(running.address).await;
    greeted.send(get("/")).await;
    assert_eq!(ask(running.address, &get("/health")).await.status, 200);
    assert!(greeted.is_silent() && clients.iter().all(Client::is_silent));
}

#[tokio::test]
async fn a_kept_connection_does_not_lock_others_out() {
    let running = hasher(20, 1);
    let mut greedy = Client::connect(running.address).await;
    greedy.send(post("abc").repeat(8)).await;
    let all_eight = tokio::spawn(async move {
        for _ in 0..8 {
            assert_eq!(greedy.answer().await.status, 200);
        }
    });
    assert_eq!(ask(running.address, &post("abc")).await.status, 200);
    assert!(!all_eight.is_finished());
    all_eight.await.unwrap();
}
