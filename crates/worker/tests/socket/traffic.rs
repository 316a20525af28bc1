//! What a worker sends to Redis, as `redis-cli monitor` shows it: few commands while its
//! report is not read, and a report with each flush as soon as it is.

use observation::{COUNTED_KEY, OBSERVED_KEY, WORKER_KEY};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{DEADLINE, Server, Store, Worker};

/// Flushes a few times a second, so that a coin seldom comes between.
const FLAGS: [&str; 4] = ["--think-time", "20ms", "--flush-interval", "300ms"];

/// The commands that Redis gets from now on, each as its words.
struct Monitor(Lines<BufReader<TcpStream>>);

impl Monitor {
    async fn of(store: &Store) -> Self {
        let mut stream = TcpStream::connect(store.address).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "+OK");
        Self(lines)
    }

    /// The next command of a worker, coins left out.
    async fn next(&mut self) -> Vec<String> {
        loop {
            let line = timeout(DEADLINE, self.0.next_line()).await.unwrap().unwrap().unwrap();
            let words = line.split_once("] ").unwrap().1;
            let words: Vec<_> = words.split(' ').map(|word| word.replace('"', "")).collect();
            let is_coin = words[0] == "HSET" && words[1] == "wallet";
            if !is_coin && !["CLIENT", "KEYS", "GET"].contains(&&*words[0]) {
                return words;
            }
        }
    }

    /// The names of the commands from the next flush to the one after it.
    async fn flush(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let words = self.next().await;
            names.push(words[0].clone());
            if words[0] == "WATCH" {
                return names;
            }
        }
    }
}

#[tokio::test]
async fn five_commands_add_loops_while_nobody_reads_reports() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::unobserved().await);
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FLAGS);
    store.goes_on(5).await;
    let mut monitor = Monitor::of(&store).await;
    while monitor.next().await[0] != "WATCH" {}
    for _ in 0..3 {
        assert_eq!(monitor.flush().await, ["MULTI", "INCRBY", "SET", "EXEC", "WATCH"]);
    }
    let note = loop {
        let words = monitor.next().await;
        if words[0] == "SET" {
            break words;
        }
    };
    assert!(note[1].starts_with(COUNTED_KEY) && note[3] == "EX", "{note:?}");
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn a_reader_that_comes_gets_a_report_with_the_next_flush_and_each_one_after() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::unobserved().await);
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FLAGS);
    // The first flush has written one.
    let first = store.report("the first", |report| report.totals.loops > 0).await;
    store.goes_on(20).await;
    assert_eq!(store.report("the first", |_| true).await, first);
    let mut monitor = Monitor::of(&store).await;
    let () = store.ask(&["SET", OBSERVED_KEY, "1"]).await;
    while monitor.next().await[0] != "SET" {}
    let mut seen = Vec::new();
    while !seen.contains(&"HSET".to_owned()) {
        seen = monitor.flush().await;
    }
    let each = ["MGET", "MULTI", "INCRBY", "SET", "HSET", "EXPIRE", "EXEC", "WATCH"];
    for _ in 0..3 {
        assert_eq!(monitor.flush().await, each);
    }
    let report = store.report("a newer one", |report| report.at_us > first.at_us).await;
    assert!(store.hashes().await >= report.totals.loops);
    // And when the reader has left, none for a while.
    let _: u64 = store.ask(&["DEL", OBSERVED_KEY]).await;
    while monitor.flush().await.contains(&"HSET".to_owned()) {}
    assert_eq!(monitor.flush().await, ["MULTI", "INCRBY", "SET", "EXEC", "WATCH"]);
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
    let left = store.keys().await;
    assert!(left.iter().all(|key| !key.starts_with(WORKER_KEY)), "{left:?}");
}
