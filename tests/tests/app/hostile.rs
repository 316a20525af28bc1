//! `bench up` among clients that mean no good: crowds, silence, garbage and requests without end, at
//! its published ports and at its control socket. It goes on, says so, and keeps nothing of theirs.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use app_tests::http::Reply;
use app_tests::process::send;
use app_tests::{Ended, Place, Process, Up, eventually, http};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};

/// `bench up` where at most `files` files may be open.
async fn up_with_files(place: &Place, files: u32, words: &[&str]) -> Up {
    let bench = place.command(&[&["up"], words].concat());
    let mut shell = Command::new("sh");
    let limited = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
    shell.arg("-c").arg(limited).arg(bench.get_program()).args(bench.get_args());
    shell.current_dir(place.folder()).env_clear();
    shell.envs(bench.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Up::start(Process::start(&mut shell)).await
}

fn descriptors(up: &Up) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", up.process.pid())).unwrap().count()
}

/// The answer on `address`, once there is a whole one: beside a crowd some connections are closed.
async fn answer(address: SocketAddr, path: &str, status: u16) -> Reply {
    eventually(&format!("{status} from {address}{path}"), async || {
        http::get(address, path).await.ok().filter(|reply| reply.status == status)
    })
    .await
}

/// A crowd of connections, some silent, some with half a request.
async fn crowd(address: SocketAddr, size: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for number in 0..size {
        let mut client = TcpStream::connect(address).await.unwrap();
        if number % 3 == 0 {
            client.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").await.unwrap();
        }
        crowd.push(client);
    }
    crowd
}

async fn scale(place: &Place, worker: &str) -> Ended {
    let short = ["--duration", "1s", "--warmup", "0", "--output", "json"];
    place.run(&[&["scale", "--cluster", "local", "--worker", worker][..], &short].concat()).await
}

#[tokio::test]
async fn a_crowd_at_one_port_takes_nothing_from_the_rest() {
    let place = Place::fast();
    let mut up = up_with_files(&place, 512, &["--rng", "2"]).await;
    up.goes_on(1).await;
    up.has_replicas("rng", 2).await;
    let before = descriptors(&up);

    let crowd = crowd(up.rng, 400).await;
    let refused = answer(up.rng, "/", 503).await;
    assert!(refused.text().starts_with("over the limit of "), "{}", refused.text());
    assert_eq!(refused.header("Retry-After"), Some("1"));
    assert_eq!(refused.header("Connection"), Some("close"));
    assert_eq!(answer(up.rng, "/health", 200).await.json()["status"], "ok");
    answer(up.hasher, "/health", 200).await;
    answer(up.webui, "/json", 200).await;
    assert!(descriptors(&up) < 400, "{} of 512 files are open", descriptors(&up));
    let limit = |line: &str| line.starts_with("rng ") && line.contains("--max-connections");
    up.process.line("the limit's name", limit).await;

    // The control socket answers, replicas start, and the workers' own way to rng is free.
    let scaled = scale(&place, "3").await;
    assert!(matches!(scaled.code, Some(0 | 3)), "{scaled:?}");
    up.has_replicas("worker", 3).await;
    send(up.replica("rng.2").await.pid, Signal::KILL);
    up.goes_on(5).await;
    up.has_replicas("rng", 2).await;

    drop(crowd);
    answer(up.rng, "/", 200).await;
    eventually("the crowd's descriptors to be closed", async || {
        // Two more workers take some.
        (descriptors(&up) < before + 20).then_some(())
    })
    .await;
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_limit_and_the_idle_time_are_those_asked_for() {
    let place = Place::fast().with("RNG_SERVICE_TIME", "3s");
    let up = place.up(&["--worker", "0", "--max-connections", "2", "--idle-timeout", "1s"]).await;
    answer(up.rng, "/health", 200).await;
    // Longer than the idle time in the queue and at work, but a request is under way.
    let (one, two) = tokio::join!(http::get(up.rng, "/8"), http::get(up.rng, "/8"));
    assert_eq!((one.unwrap().body.len(), two.unwrap().body.len()), (8, 8));
    let mut idle =
        [TcpStream::connect(up.rng).await.unwrap(), TcpStream::connect(up.rng).await.unwrap()];
    let refused = answer(up.rng, "/", 503).await;
    assert_eq!(refused.text(), "over the limit of 2 connections\n");
    for client in &mut idle {
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "it was idle");
    }
    answer(up.rng, "/", 200).await;
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn more_connections_than_files_are_refused_with_what_helps() {
    let place = Place::fast();
    let ended = place.run(&["up", "--max-connections", "4000000000"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in ["--max-connections 4000000000", "ulimit -n"] {
        assert!(ended.stderr.contains(part), "no {part} in {}", ended.stderr);
    }
    let none = place.run(&["up", "--max-connections", "0"]).await;
    assert_eq!(none.code, Some(2), "{none:?}");
}

fn control_socket(place: &Place) -> PathBuf {
    place.app_folders().remove(0).join("control.sock")
}

/// What the control socket says to these bytes before it closes or waits for more.
async fn said(place: &Place, bytes: &[u8]) -> String {
    let mut stream = BufReader::new(UnixStream::connect(control_socket(place)).await.unwrap());
    // It may hang up before it has read all of it.
    let _ = stream.write_all(bytes).await;
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line
}

#[tokio::test]
async fn the_control_socket_takes_requests_and_nothing_else() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    up.goes_on(1).await;
    let before = descriptors(&up);
    let endless = vec![b'x'; 5 << 20];
    let nested = vec![b'['; 4000];
    let deep = [&nested[..], b"\n"].concat();
    for garbage in [&endless[..], &deep, b"\0\xff\xfe\n", b"{}\n", b"GET / HTTP/1.1\r\n\r\n", b"\n"]
    {
        let said = said(&place, garbage).await;
        let start = String::from_utf8_lossy(&garbage[..garbage.len().min(9)]).into_owned();
        assert!(said.contains(r#""reply":"refused","reason":"not a request"#), "{start}: {said}");
    }
    for replicas in ["501", "4294967295"] {
        let counts = format!(r#"{{"worker":{replicas},"rng":1,"hasher":1}}"#);
        let request = format!("{{\"request\":\"scale\",\"replicas\":{counts}}}\n");
        let said = said(&place, request.as_bytes()).await;
        assert!(said.contains("at most 500 replicas"), "{said}");
    }
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(UnixStream::connect(control_socket(&place)).await.unwrap());
    }
    let refused = said(&place, b"{\"request\":\"status\"}\n").await;
    assert!(refused.contains("more than 32 connections"), "{refused}");
    up.goes_on(3).await;
    drop(crowd);
    // It asks again and again, and never reads what it is answered.
    let mut deaf = UnixStream::connect(control_socket(&place)).await.unwrap();
    let many = b"{\"request\":\"status\"}\n".repeat(2000);
    let _ = tokio::time::timeout(Duration::from_secs(1), deaf.write_all(&many)).await;
    let scaled = eventually("a free connection", async || {
        let scaled = scale(&place, "2").await;
        (!scaled.stderr.contains("more than 32")).then_some(scaled)
    })
    .await;
    assert!(matches!(scaled.code, Some(0 | 3)), "{scaled:?}");
    eventually("descriptors to be closed", async || (descriptors(&up) < before + 15).then_some(()))
        .await;
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_stop_waits_for_no_replica_that_has_not_started() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    up.goes_on(1).await;
    let request = br#"{"request":"scale","replicas":{"worker":150,"rng":150,"hasher":150}}"#;
    let said = said(&place, &[&request[..], b"\n"].concat()).await;
    assert!(said.contains(r#""reply":"done""#), "{said}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let ended = up.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ready = ended.stdout.lines().filter(|line| line.ends_with("| ready")).count();
    assert!(ready < 454, "all {ready} replicas were started first");
}

#[tokio::test]
async fn requests_byte_by_byte_and_half_connections_are_ended() {
    let place =
        Place::fast().with("RNG_HEADER_TIMEOUT", "500ms").with("HASHER_BODY_TIMEOUT", "500ms");
    let up = place.up(&["--idle-timeout", "2s"]).await;
    up.goes_on(1).await;
    let before = descriptors(&up);
    let mut slow = TcpStream::connect(up.rng).await.unwrap();
    let mut half = TcpStream::connect(up.rng).await.unwrap();
    half.shutdown().await.unwrap();
    let mut body = TcpStream::connect(up.hasher).await.unwrap();
    body.write_all(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc").await.unwrap();
    let dripping = async {
        while slow.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), dripping).await.expect("the drip to be ended");
    let mut answer = Vec::new();
    body.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::parse(&answer).unwrap().status, 408);
    half.read_to_end(&mut answer).await.unwrap();
    // These three are still open on this side.
    eventually("descriptors to be closed", async || (descriptors(&up) <= before + 4).then_some(()))
        .await;
    up.goes_on(3).await;
    assert_eq!(up.stop().await.code, Some(0));
}
