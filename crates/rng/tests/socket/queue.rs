//! One request at a time, first come first served, over all connections. Times are compared with
//! lower bounds and with each other, as a busy machine makes everything later but nothing earlier.

use std::time::Duration;

use service::station::SLACK;
use tokio::time::Instant;

use crate::{Answer, Client, Running, ask, get, rng};

/// A request's place in the order of answers is its place in the order of requests, so each
/// client's answer is read in a task of its own and noted when it comes.
async fn answers(clients: Vec<Client>) -> Vec<(usize, Answer)> {
    let (note, mut noted) = tokio::sync::mpsc::unbounded_channel();
    for (number, mut client) in clients.into_iter().enumerate() {
        let note = note.clone();
        tokio::spawn(async move { note.send((number, client.answer().await)) });
    }
    drop(note);
    let mut answers = Vec::new();
    while let Some(answer) = noted.recv().await {
        answers.push(answer);
    }
    answers
}

/// So many connections that are known to be accepted.
async fn connected(running: &Running, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = Client::connect(running.address).await;
        client.send(get("/health")).await;
        assert_eq!(client.answer().await.status, 200);
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn requests_sent_at_once_are_served_one_after_another() {
    const REQUESTS: usize = 10;
    const SERVICE: Duration = Duration::from_millis(20);
    let running = rng(20, 1);
    let mut clients = connected(&running, REQUESTS).await;
    let begin = Instant::now();
    for client in &mut clients {
        client.send(get("/32")).await;
    }
    let answers = answers(clients).await;
    let took = begin.elapsed();
    let order: Vec<_> = answers.iter().map(|(number, _)| *number).collect();
    assert_eq!(order, (0..REQUESTS).collect::<Vec<_>>());
    assert!(took + SLACK >= SERVICE * 10, "{took:?}");
    let mut expected = 0.0;
    for (number, answer) in &answers {
        let (queue, service) = answer.timing();
        // Requests arrive one after another, so each queues a little less than those before it
        // are served; 30 ms between the first and the last would be a lot.
        assert!(queue >= expected - 30.0, "{number} queued {queue} of {expected} ms");
        assert!(queue + service <= took.as_secs_f64() * 1000.0, "{number}");
        expected += 20.0;
    }
}

#[tokio::test]
async fn a_kept_connection_does_not_lock_others_out() {
    let running = rng(20, 1);
    let mut clients = connected(&running, 2).await;
    clients[0].send(get("/1").repeat(5)).await;
    clients[1].send(get("/32")).await;
    let mut other = clients.pop().unwrap();
    let mut greedy = clients.pop().unwrap();
    let all_five = tokio::spawn(async move {
        for _ in 0..5 {
            assert_eq!(greedy.answer().await.body.len(), 1);
        }
    });
    // It came after the first of the five and before the second was asked.
    assert_eq!(other.answer().await.body.len(), 32);
    assert!(!all_five.is_finished());
    all_five.await.unwrap();
}

#[tokio::test]
async fn a_probe_of_the_greeting_sees_the_queue() {
    let running = rng(60, 1);
    let mut clients = connected(&running, 2).await;
    clients[0].send(get("/32")).await;
    clients[1].send(get("/")).await;
    let answer = clients[1].answer().await;
    let (queue, service) = answer.timing();
    assert!(queue >= 30.0, "{queue}");
    assert!(service <= 0.0, "{service}");
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_gives_its_place_back() {
    let running = rng(200, 1);
    let mut clients = connected(&running, 3).await;
    for client in &mut clients {
        client.send(get("/32")).await;
    }
    let mut last = clients.pop().unwrap();
    drop(clients.pop());
    // Two places before it would be 400 ms.
    let (queue, _) = last.answer().await.timing();
    assert!((100.0..380.0).contains(&queue), "{queue}");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_served_frees_the_station() {
    let running = rng(10_000, 1);
    let mut clients = connected(&running, 2).await;
    for client in &mut clients {
        client.send(get("/")).await;
        assert_eq!(client.answer().await.status, 200);
    }
    clients[0].send(get("/32")).await;
    clients[1].send(get("/")).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(clients[1].is_silent());
    drop(clients.remove(0));
    let (queue, _) = clients[0].answer().await.timing();
    assert!((15.0..9000.0).contains(&queue), "{queue}");
}

#[tokio::test]
async fn without_a_limit_all_are_served_at_once() {
    let running = rng(50, 0);
    let mut clients = connected(&running, 50).await;
    let begin = Instant::now();
    for client in &mut clients {
        client.send(get("/32")).await;
    }
    for (_, answer) in answers(clients).await {
        let (queue, service) = answer.timing();
        assert!(queue <= 0.0 && service >= 50.0, "{queue} {service}");
    }
    // One after another they would take 50 times as long.
    let took = begin.elapsed();
    assert!((50..1250).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn health_does_not_queue() {
    let running = rng(10_000, 1);
    let mut clients = connected(&running, 20).await;
    for client in &mut clients {
        client.send(get("/32")).await;
    }
    let health = ask(running.address, &get("/health")).await;
    assert_eq!(health.status, 200);
    assert!(clients.iter().all(Client::is_silent));
}
