//! An experiment that is set between a transaction and the `WATCH` after it, where Redis reports no
//! change of it: it is found with the next report.

use std::net::SocketAddr;

use observation::{EXPERIMENT_KEY, Experiment};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::{FAST, Server, Store, Worker, eventually};

const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// Where transactions are stopped at: right after them, before what was sent with them.
struct Gap {
    /// A transaction was carried out; the answer lets its connection go on.
    carried_out: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
}

/// Carries bytes both ways, and stops once in the gap after a transaction, when asked to.
async fn carry(mut client: TcpStream, redis: SocketAddr, mut gaps: mpsc::Receiver<Gap>) {
    let mut redis = TcpStream::connect(redis).await.unwrap();
    let (mut asked, mut said) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            length = redis.read(&mut said) => match length {
                Ok(length) if length > 0 => client.write_all(&said[..length]).await.unwrap(),
                _ => return,
            },
            length = client.read(&mut asked) => {
                let Ok(length @ 1..) = length else { return };
                let bytes = &asked[..length];
                let exec = bytes.windows(EXEC.len()).position(|part| part == EXEC);
                let (before, after) = bytes.split_at(exec.map_or(length, |at| at + EXEC.len()));
                redis.write_all(before).await.unwrap();
                if exec.is_some() && let Ok(mut gap) = gaps.try_recv() {
                    let answer = answer_to_transaction(&mut redis).await;
                    client.write_all(&answer).await.unwrap();
                    gap.carried_out.send(()).await.unwrap();
                    gap.go_on.recv().await.unwrap();
                }
                redis.write_all(after).await.unwrap();
            },
        }
    }
}

/// All that is answered up to the reply to `INCRBY`, the first within that to `EXEC`.
async fn answer_to_transaction(redis: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    while !answer.windows(3).any(|part| part == b"\r\n:") {
        assert!(redis.read_buf(&mut answer).await.unwrap() > 0);
    }
    answer
}

#[tokio::test]
async fn an_experiment_set_between_two_transactions_is_found_with_the_next_report() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::unobserved().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (gaps, asked_for) = mpsc::channel(1);
    let redis = store.address;
    let carried = tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        carry(client, redis, asked_for).await;
    });
    // A report, and with it a look, comes every second.
    let flags = [&FAST[..], &["--allow-experiments", "--report-ttl", "3s"]].concat();
    let worker = Worker::start_at(&rng.target(), &hasher.target(), address, &flags);
    store.goes_on(20).await;
    let ((carried_out, mut is_carried_out), (goes_on, go_on)) =
        (mpsc::channel(1), mpsc::channel(1));
    gaps.send(Gap { carried_out, go_on }).await.unwrap();
    is_carried_out.recv().await.unwrap();
    let experiment = Experiment { rng_us: 1000, seconds: 600, ..Experiment::default() };
    let text = serde_json::to_string(&experiment).unwrap();
    let () = store.ask(&["SET", EXPERIMENT_KEY, &text, "EX", "600"]).await;
    goes_on.send(()).await.unwrap();
    eventually("requests with a delay", async || {
        let last = rng.requests().pop()?;
        last.head.contains("x-injected-delay: 1000").then_some(())
    })
    .await;
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
    carried.await.unwrap();
}
