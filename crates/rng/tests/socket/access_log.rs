//! The access log of a process: which requests have a line, what it says, and that a log that is
//! not read delays no request.

use rustix::process::Signal;

use crate::{Client, Process, get};

const RNG: &str = env!("CARGO_BIN_EXE_rng");
const FAST: [&str; 3] = ["--service-time", "1ms", "--access-log"];

/// Stops an rng and returns what it wrote to standard error.
async fn log_of(rng: Process) -> String {
    rng.signal(Signal::TERM);
    let ended = rng.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.message);
    ended.message
}

#[tokio::test]
async fn each_request_but_those_for_health_has_a_line_as_rack_writes_it() {
    let rng = Process::start(RNG, &FAST).await;
    let mut client = Client::connect(rng.address).await;
    for path in ["/health", "/32", "/metrics", "//7?x=1", "/a%22b"] {
        client.send(get(path)).await;
        client.answer().await;
    }
    client.send(get("/100").replace("GET", "HEAD")).await;
    client.answer_to_head().await;
    client.send("POST /0 HTTP/1.0\r\nContent-Length: 0\r\n\r\n").await;
    client.answer().await;
    let log = log_of(rng).await;
    let lines: Vec<_> = log.lines().filter(|line| line.contains("HTTP/1.")).collect();
    let expected = [
        ("\"GET /32 HTTP/1.1\" 200 32 0.0", "32 bytes"),
        ("\"GET //7?x=1 HTTP/1.1\" 200 7 0.0", "as it was asked for"),
        ("\"GET /a%22b HTTP/1.1\" 404 10 0.0", "not found"),
        ("\"HEAD /100 HTTP/1.1\" 200 100 0.0", "the length that GET would have"),
        ("\"POST /0 HTTP/1.0\" 405 19 0.0", "another method"),
    ];
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (line, (part, what)) in lines.iter().zip(expected) {
        assert!(line.starts_with("127.0.0.1 - - [") && line.contains(part), "{what}: {line}");
    }
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn without_the_flag_there_is_none() {
    let rng = Process::start(RNG, &["--service-time", "1ms"]).await;
    let mut client = Client::connect(rng.address).await;
    client.send(get("/32")).await;
    client.answer().await;
    let log = log_of(rng).await;
    assert!(!log.contains("/32"), "{log}");
}

#[tokio::test]
async fn lines_are_json_where_all_lines_are() {
    let flags = [&FAST[..], &["--log-format=json"]].concat();
    let rng = Process::start(RNG, &flags).await;
    let mut client = Client::connect(rng.address).await;
    client.send(get("/32")).await;
    client.answer().await;
    let log = log_of(rng).await;
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["target"] == "/32").unwrap();
    assert_eq!((&line["status"], &line["bytes"]), (&200.into(), &32.into()), "{line}");
}

/// Far more than a pipe and the queue hold.
#[tokio::test]
async fn a_log_that_is_not_read_delays_no_request() {
    let rng = Process::start(RNG, &["--service-time", "0", "--access-log"]).await;
    let mut client = Client::connect(rng.address).await;
    let path = format!("/1?{}", "x".repeat(8000));
    for _ in 0..300 {
        client.send(get(&path)).await;
        assert_eq!(client.answer().await.status, 200);
    }
    // Its end does not wait either, and what was dropped was counted: the pipe is read from here on.
    let log = log_of(rng).await;
    let whole = log.lines().filter(|line| line.contains("/1?xxx")).count();
    assert!((100..300).contains(&whole), "{whole} lines");
    assert!(log.contains("log lines dropped: standard error is read too slowly"), "no notice");
}

#[tokio::test]
async fn a_closed_log_stops_nothing() {
    let mut rng = Process::start(RNG, &FAST).await;
    rng.close_log();
    let mut client = Client::connect(rng.address).await;
    for _ in 0..3 {
        client.send(get("/32")).await;
        assert_eq!(client.answer().await.body.len(), 32);
    }
    rng.signal(Signal::TERM);
    assert_eq!(rng.exit_code().await, Some(0));
}
