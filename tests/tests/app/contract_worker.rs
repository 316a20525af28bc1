//! What the original's worker does, held by ours: what it asks rng and hasher for, how often it adds to the
//! counter, and what it leaves in a real Redis. rng and hasher are recorders of this test.
//!
//! Of our own it may have `worker:<id>`, `counted:<id>` and the commands around them while it runs, but leaves
//! nothing but `hashes` and `wallet` behind. Exactly-once counting across faults is held elsewhere, in the worker's
//! own tests.

#![expect(clippy::unwrap_used, reason = "what this test is made of fails it")]

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app_tests::mix::{Addresses, Kind, Peers, Service, start};
use app_tests::{RedisServer, eventually};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The original's pause before each loop.
const THINK_TIME: Duration = Duration::from_millis(100);
/// Least time between two additions to the counter.
const PERIOD: Duration = Duration::from_secs(1);
/// Additions looked at.
const ADDITIONS: u32 = 4;
/// What a busy machine may delay a line by.
const SLACK: Duration = Duration::from_millis(500);

/// A request and its answer.
#[derive(Clone, Debug)]
struct Recorded {
    begun: Instant,
    ended: Instant,
    /// In lower case but for the first line.
    head: Vec<String>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl Recorded {
    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.iter().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// A server that keeps all it was asked, with what it answered.
struct Recorder {
    address: SocketAddr,
    recorded: Arc<Mutex<Vec<Recorded>>>,
    _server: JoinSet<()>,
}

impl Recorder {
    async fn start(answer: fn(&[u8]) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let recorded: Arc<Mutex<Vec<_>>> = Arc::default();
        let shared = Arc::clone(&recorded);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, answer, Arc::clone(&shared)));
            }
        });
        Self { address, recorded, _server: server }
    }

    fn all(&self) -> Vec<Recorded> {
        self.recorded.lock().unwrap().clone()
    }
}

/// Answers one request after another until the client closes.
async fn serve(
    stream: TcpStream,
    answer: fn(&[u8]) -> Vec<u8>,
    recorded: Arc<Mutex<Vec<Recorded>>>,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end() {
                "" => break,
                line if head.is_empty() => head.push(line.to_owned()),
                line => head.push(line.to_lowercase()),
            }
        }
        let now = Instant::now();
        let mut request =
            Recorded { begun: now, ended: now, head, body: Vec::new(), answer: Vec::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body).await.unwrap();
        request.answer = answer(&request.body);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.answer.len());
        let whole = [head.as_bytes(), &request.answer].concat();
        request.ended = Instant::now();
        recorded.lock().unwrap().push(request);
        stream.write_all(&whole).await.unwrap();
    }
}

fn random(_: &[u8]) -> Vec<u8> {
    // Each state has keys of its own.
    (0..4_u64).flat_map(|number| RandomState::new().hash_one(number).to_be_bytes()).collect()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// The additions to `hashes` that a Redis carries out from now on, each with the time of its line.
async fn additions(redis: SocketAddr, count: u32) -> Vec<(Instant, u64)> {
    let mut stream = TcpStream::connect(redis).await.unwrap();
    stream.write_all(b"MONITOR\r\n").await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut seen = Vec::new();
    while seen.len() < count as usize {
        let line = lines.next_line().await.unwrap().unwrap();
        let added = line.split_once(r#""INCRBY" "hashes" ""#).map(|(_, number)| number);
        if let Some(number) = added {
            seen.push((Instant::now(), number.trim_end_matches('"').parse().unwrap()));
        }
    }
    seen
}

/// Every loop is a pause, `GET /32`, and `POST /` of what came; returns the bodies that make coins.
fn holds_in_each_loop(rng: &[Recorded], hasher: &[Recorded]) -> Vec<(String, Vec<u8>)> {
    let mut coins = Vec::new();
    for (get, post) in rng.iter().zip(hasher) {
        assert_eq!(get.head[0], "GET /32 HTTP/1.1");
        assert!(get.header("host").is_some() && get.body.is_empty(), "{get:?}");
        assert_eq!(post.head[0], "POST / HTTP/1.1");
        assert_eq!(post.header("content-type"), Some("application/octet-stream"), "{post:?}");
        assert_eq!(post.header("content-length"), Some("32"), "{post:?}");
        assert_eq!(post.body, get.answer, "other bytes than rng has sent");
        assert!(post.begun >= get.ended, "hasher was asked before rng had answered");
        if post.answer[0] == b'0' {
            coins.push((String::from_utf8(post.answer.clone()).unwrap(), post.body.clone()));
        }
    }
    for (post, next) in hasher.iter().zip(&rng[1..]) {
        let pause = next.begun - post.ended;
        assert!(pause + Duration::from_millis(2) >= THINK_TIME, "only {pause:?} between two loops");
    }
    coins.sort_unstable();
    coins
}

/// Each key and its type.
async fn keys(redis: &RedisServer) -> BTreeSet<(String, String)> {
    let client = redis::Client::open(format!("redis://{}", redis.address())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let mut types = BTreeSet::new();
    for key in keys {
        let kind = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        types.insert((key, kind));
    }
    types
}

#[tokio::test]
async fn our_worker_asks_and_counts_as_the_original_does() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    let (rng, hasher) = (Recorder::start(random).await, Recorder::start(hex).await);
    let peers = Peers { rng: rng.address, hasher: hasher.address, redis: redis.address() };
    let monitored = tokio::spawn(additions(redis.address(), ADDITIONS));
    let worker = start(Service::Worker, Kind::Ours, Addresses::new(), peers);

    let additions = monitored.await.unwrap();
    let took = additions[additions.len() - 1].0 - additions[0].0;
    assert!(took + SLACK >= PERIOD * (ADDITIONS - 1), "{ADDITIONS} additions within {took:?}");
    // More than one loop at a time: it is not written with each.
    assert!(additions[1..].iter().all(|(_, loops)| *loops > 1), "{additions:?}");
    eventually("a coin", async || (!redis.wallet().await.is_empty()).then_some(())).await;
    for (key, kind) in keys(&redis).await {
        let is_known = match &*key {
            "hashes" => kind == "string",
            "wallet" => kind == "hash",
            key => key.starts_with("worker:") || key.starts_with("counted:"),
        };
        assert!(is_known, "{key} is a {kind}");
    }

    worker.signal(Signal::TERM);
    let ended = worker.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let counted = redis.hashes().await;
    let (gets, posts) = (rng.all(), hasher.all());
    let made = posts.len() as u64;
    // The stop may have come while the last answer was under way.
    assert!(counted <= made && made <= counted + 1, "{made} hashes made, {counted} counted");
    let coins = holds_in_each_loop(&gets, &posts[..usize::try_from(counted).unwrap()]);
    let mut wallet = redis.wallet().await;
    wallet.sort_unstable();
    assert_eq!(wallet, coins);
    let left = keys(&redis).await;
    let only = [("hashes", "string"), ("wallet", "hash")];
    assert_eq!(left, only.map(|(key, kind)| (key.to_owned(), kind.to_owned())).into());
    let logged = ended.stderr.lines().filter_map(|line| {
        let units = line.strip_suffix(" units of work done, hashes counter incremented")?;
        units.rsplit(' ').next()?.parse::<u64>().ok()
    });
    assert_eq!(logged.sum::<u64>(), counted, "{}", ended.stderr);
}
