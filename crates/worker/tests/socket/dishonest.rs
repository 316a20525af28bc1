//! A Redis whose replies are not those of an honest one: of a wrong kind, doubled, left out, or in
//! another order. Nothing is lost, and nothing is counted twice.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{FAST, Server, Store, Worker, eventually, read_or_not};

/// Changes what Redis has said; `None` where there is nothing for it to change.
type Lie = fn(&[u8]) -> Option<Vec<u8>>;

/// Stands before Redis and changes some of its replies.
struct Liar {
    address: SocketAddr,
    next: Arc<Mutex<Option<Lie>>>,
    task: JoinHandle<()>,
}

impl Liar {
    async fn before(redis: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let next = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&next);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, redis, Arc::clone(&shared)));
            }
        });
        Self { address, next, task }
    }

    /// Tells `lie` once, as soon as there is an occasion.
    async fn tell(&self, lie: Lie) {
        *self.next.lock().unwrap() = Some(lie);
        let told = async || self.next.lock().unwrap().is_none().then_some(());
        eventually("an occasion to lie", told).await;
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut client: TcpStream, redis: SocketAddr, next: Arc<Mutex<Option<Lie>>>) {
    let mut redis = TcpStream::connect(redis).await.unwrap();
    let (mut asked, mut said) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let (bytes, to): (Vec<u8>, &mut TcpStream) = tokio::select! {
            length = client.read(&mut asked) => match length {
                Ok(length) if length > 0 => (asked[..length].to_vec(), &mut redis),
                _ => return,
            },
            length = redis.read(&mut said) => match length {
                Ok(length) if length > 0 => {
                    let honest = &said[..length];
                    let mut next = next.lock().unwrap();
                    let lie = next.and_then(|lie| lie(honest));
                    if lie.is_some() {
                        *next = None;
                    }
                    (lie.unwrap_or_else(|| honest.to_vec()), &mut client)
                }
                _ => return,
            },
        };
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// The same bytes with the first `what` replaced by `other`, if it is there.
fn replaced(bytes: &[u8], what: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.windows(what.len()).position(|part| part == what)?;
    Some([&bytes[..at], other, &bytes[at + what.len()..]].concat())
}

/// Where the reply to `EXEC` begins with the new value of `hashes`: up to it, and the line of it.
fn transaction(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let queued = b"+QUEUED\r\n*";
    let at = bytes.windows(queued.len()).position(|part| part == queued)? + queued.len() + 3;
    let end = at + bytes.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
    (bytes[at] == b':').then_some((&bytes[..at], &bytes[at..end], &bytes[end..]))
}

/// Runs a worker to which `lie` is told a few times, and that sees it.
async fn survives(lie: Lie) {
    read_or_not(async |store| goes_on(lie, true, store).await).await;
}

async fn goes_on(lie: Lie, is_seen: bool, store: Store) {
    let (rng, hasher) = (Server::good(), Server::good());
    let liar = Liar::before(store.address).await;
    let flags = [&FAST[..], &["--redis-timeout", "300ms"]].concat();
    let worker = Worker::start_at(&rng.target(), &hasher.target(), liar.address, &flags);
    store.goes_on(5).await;
    for _ in 0..3 {
        liar.tell(lie).await;
        store.goes_on(10).await;
    }
    let ended = worker.stop().await;
    assert_eq!(store.hashes().await, ended.loops(), "{}", ended.log);
    assert_eq!(store.wallet().await.len() as u64, ended.coins(), "{}", ended.log);
    let lies = ended.log.lines().filter(|line| line.contains("redis fails"));
    // What fits its command cannot be seen to be a lie.
    assert!(lies.count() >= 1 || !is_seen, "{}", ended.log);
}

#[tokio::test]
async fn nothing_for_the_value_of_the_counter() {
    survives(|said| {
        let (before, _, after) = transaction(said)?;
        Some([before, b"$-1\r\n", after].concat())
    })
    .await;
}

#[tokio::test]
async fn a_text_for_the_value_of_the_counter() {
    survives(|said| {
        let (before, _, after) = transaction(said)?;
        Some([before, b"$1\r\n7\r\n", after].concat())
    })
    .await;
}

#[tokio::test]
async fn a_reply_too_many() {
    survives(|said| replaced(said, b"+QUEUED\r\n", b"+QUEUED\r\n+QUEUED\r\n")).await;
}

#[tokio::test]
async fn a_reply_too_few() {
    survives(|said| replaced(said, b"+QUEUED\r\n", b"")).await;
}

#[tokio::test]
async fn a_value_doubled_within_the_transaction() {
    survives(|said| {
        let (before, value, after) = transaction(said)?;
        Some([before, value, value, after].concat())
    })
    .await;
}

#[tokio::test]
async fn replies_in_another_order() {
    survives(|said| {
        let (before, value, after) = transaction(said)?;
        let ok = after.strip_prefix(b"+OK\r\n")?;
        Some([before, b"+OK\r\n", value, ok].concat())
    })
    .await;
}

#[tokio::test]
async fn a_transaction_said_not_to_have_been_done() {
    let lie: Lie = |said| {
        let (before, ..) = transaction(said)?;
        Some([&before[..before.len() - 4], b"*-1\r\n+OK\r\n"].concat())
    };
    read_or_not(async |store| goes_on(lie, false, store).await).await;
}

#[tokio::test]
async fn what_is_no_redis_protocol() {
    survives(|said| {
        transaction(said)?;
        Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())
    })
    .await;
}
