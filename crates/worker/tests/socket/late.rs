//! The transaction that arrives late: its connection was given up, another one has asked what was
//! counted so far, and only then it is carried out. It must not be added to that answer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{FAST, Server, Store, Worker, eventually, read_or_not};

/// What is to be done with the next transaction, and how many came late so far.
enum Next {
    Pass(u32),
    Hold(u32),
    /// What was held, with its connection: to go before the next one.
    Release(TcpStream, Vec<u8>, u32),
}

/// A way to Redis that can hold a transaction back.
struct Way {
    address: SocketAddr,
    next: Arc<Mutex<Next>>,
    task: JoinHandle<()>,
}

impl Way {
    async fn to(redis: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let next = Arc::new(Mutex::new(Next::Pass(0)));
        let shared = Arc::clone(&next);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, redis, Arc::clone(&shared)));
            }
        });
        Self { address, next, task }
    }

    /// Holds the next transaction back until another connection sends one.
    fn hold(&self) {
        let mut next = self.next.lock().unwrap();
        let Next::Pass(late) = *next else { panic!("one at a time") };
        *next = Next::Hold(late);
    }

    /// How many came late so far.
    fn late(&self) -> u32 {
        match *self.next.lock().unwrap() {
            Next::Pass(late) | Next::Hold(late) | Next::Release(.., late) => late,
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes both ways until either side closes, or the transaction on it is held back.
async fn carry(mut client: TcpStream, redis: SocketAddr, next: Arc<Mutex<Next>>) -> io::Result<()> {
    let mut redis = TcpStream::connect(redis).await?;
    let (mut asked, mut said) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let length = tokio::select! {
            length = redis.read(&mut said) => match length? {
                0 => return Ok(()),
                length => {
                    client.write_all(&said[..length]).await?;
                    continue;
                }
            },
            length = client.read(&mut asked) => length?,
        };
        let bytes = &asked[..length];
        if length == 0 {
            return Ok(());
        }
        // A short pipeline over the loopback comes in one piece, its last word with it.
        if bytes.windows(4).any(|word| word.eq_ignore_ascii_case(b"EXEC")) {
            let state = std::mem::replace(&mut *next.lock().unwrap(), Next::Pass(0));
            match state {
                Next::Pass(late) => *next.lock().unwrap() = Next::Pass(late),
                Next::Hold(late) => {
                    *next.lock().unwrap() = Next::Release(redis, bytes.to_vec(), late);
                    return Ok(());
                }
                Next::Release(mut earlier, held, late) => {
                    earlier.write_all(&held).await?;
                    // Its answer shows that it was carried out.
                    earlier.read_exact(&mut said[..1]).await?;
                    *next.lock().unwrap() = Next::Pass(late + 1);
                }
            }
        }
        redis.write_all(bytes).await?;
    }
}

#[tokio::test]
async fn a_transaction_that_arrives_late_counts_nothing_twice() {
    read_or_not(survives_late_ones).await;
}

async fn survives_late_ones(store: Store) {
    let (rng, hasher) = (Server::good(), Server::good());
    let way = Way::to(store.address).await;
    let flags = [&FAST[..], &["--redis-timeout", "100ms"]].concat();
    let worker = Worker::start_at(&rng.target(), &hasher.target(), way.address, &flags);
    store.goes_on(5).await;
    for round in 1..=3 {
        way.hold();
        eventually("a late one", async || (way.late() == round).then_some(())).await;
        store.goes_on(5).await;
    }
    let ended = worker.stop().await;
    assert_eq!(store.hashes().await, ended.loops(), "{}", ended.log);
}
