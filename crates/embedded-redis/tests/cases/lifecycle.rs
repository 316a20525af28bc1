//! Starting, stopping and idling of the embedded server; must not wait for real time to pass.

use std::time::Duration;

use embedded_redis::{Redis, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::support::Embedded;

#[test]
fn stopping_closes_connections_and_the_listener() {
    let mut embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    wire.expect_each(&[("PING", "+PONG\r\n")]);
    wire.send(b"*2\r\n$4\r\nECHO");
    embedded.stop();
    assert_eq!(wire.read_to_end(), b"");
    assert!(std::net::TcpStream::connect(embedded.server().address).is_err());
}

#[test]
fn keys_outlive_the_server() {
    let redis = Redis::new();
    let mut first = Embedded::start_with(redis.clone());
    first.server().expect(&[("INCRBY hashes 5", ":5\r\n")]);
    first.stop();
    let second = Embedded::start_with(redis);
    second.server().expect(&[("GET hashes", "$1\r\n5\r\n"), ("INFO clients", CLIENTS)]);
}

const CLIENTS: &str = "$51\r\n# Clients\r\nconnected_clients:1\r\nblocked_clients:0\r\n\r\n";

#[test]
fn clients_that_leave_are_forgotten() {
    let embedded = Embedded::start();
    for _ in 0..100 {
        embedded.server().connect().ask("PING");
    }
    let mut wire = embedded.server().connect();
    let one = |wire: &mut crate::support::Wire| wire.ask("INFO clients") == CLIENTS;
    assert!((0..1000).any(|_| one(&mut wire)));
}

/// What newer servers know and the real one of this suite does not.
#[test]
fn client_setinfo_is_kept() {
    let embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    wire.expect_each(&[
        ("CLIENT SETINFO LIB-NAME redis-rs", "+OK\r\n"),
        ("CLIENT SETINFO lib-ver 1.8.1", "+OK\r\n"),
        (
            "CLIENT SETINFO LIB-NAME \"a b\"",
            "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n",
        ),
        ("CLIENT SETINFO WHAT x", "-ERR Unrecognized option 'WHAT'\r\n"),
        ("CLIENT NO-TOUCH on", "+OK\r\n"),
    ]);
    assert!(wire.ask("CLIENT INFO").contains(" lib-name=redis-rs lib-ver=1.8.1 "));
}

/// Smaller than Redis's 512 MB, so that a mistake cannot take the memory bench measures with.
#[test]
fn arguments_beyond_64_mebibytes_are_refused() {
    let embedded = Embedded::start();
    for (bytes, problem) in [
        (&b"*1\r\n$67108865\r\n"[..], "invalid bulk length"),
        (b"*1048577\r\n", "invalid multibulk length"),
    ] {
        let mut wire = embedded.server().connect();
        wire.send(bytes);
        let expected = format!("-ERR Protocol error: {problem}\r\n");
        assert_eq!(wire.read_to_end(), expected.as_bytes());
    }
}

async fn ask(stream: &mut TcpStream, line: &str) -> String {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    let mut reply = [0; 4096];
    let length = stream.read(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply[..length]).into_owned()
}

/// An hour passes at once: keys go at their time, and those nobody asks for go as well.
#[tokio::test(start_paused = true)]
async fn expiry_follows_paused_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Redis::new(), async {
        stopped.await.ok();
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(&mut stream, "SET key v EX 3600").await, "+OK\r\n");
    assert_eq!(ask(&mut stream, "SET stays v").await, "+OK\r\n");
    assert_eq!(ask(&mut stream, "EXISTS key").await, ":1\r\n");
    tokio::time::advance(Duration::from_secs(3601)).await;
    tokio::task::yield_now().await;
    let statistics = ask(&mut stream, "INFO stats").await;
    assert!(statistics.contains("expired_keys:1\r\n"), "{statistics}");
    assert_eq!(ask(&mut stream, "DBSIZE").await, ":1\r\n");
    drop(stop);
    server.await.unwrap();
}
