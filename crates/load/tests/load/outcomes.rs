//! Exit codes, and what is printed and kept.

use std::net::SocketAddr;
use std::time::Duration;

use load::command::{Ending, Trouble};
use load::distribution::Distribution;
use tokio::io::AsyncWriteExt as _;

use crate::support::{GOOD, answer_all, load, request, serve, stopped_after, summary};

const BAD: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

fn good() -> SocketAddr {
    serve(|stream, _| answer_all(stream, GOOD))
}

/// Every second answer of a connection is good.
fn half_good() -> SocketAddr {
    serve(|mut stream, _| async move {
        for answer in [GOOD, BAD].into_iter().cycle() {
            if request(&mut stream).await.is_none() || stream.write_all(answer).await.is_err() {
                return;
            }
        }
    })
}

#[tokio::test]
async fn answers_that_are_not_good_are_told_by_the_exit_code() {
    let bad = serve(|stream, _| answer_all(stream, BAD)).to_string();
    let half = half_good().to_string();
    let none = load(&["-c1", "-n10", &bad]).await;
    assert_eq!(none.ending.unwrap(), Ending::Failed("no answer was good".to_owned()));
    let (sum, seen) = summary(&["-c1", "-n10", &half]).await;
    assert_eq!(seen.exit(), 1);
    assert_eq!((sum.statuses["200"], sum.statuses["503"]), (5, 5));
    assert!((sum.errors - 0.5).abs() < 1e-9 && sum.good_per_second < sum.requests_per_second);
    for allowed in [&["--max-errors", "50%"][..], &["--ok", "2xx,5xx"], &["--slo", "errors<51%"]] {
        let seen = load(&[&["-c1", "-n10", &half], allowed].concat()).await;
        assert_eq!(seen.exit(), 0, "{allowed:?}: {seen:?}");
    }
}

#[tokio::test]
async fn a_missed_slo_is_one_and_an_undecided_one_is_three() {
    let address = good().to_string();
    for (slo, exit) in
        [("p50<10s,errors<1%", 0), ("p50<1ns", 1), ("p99<10s", 3), ("p99<10s,p50<1ns", 1)]
    {
        let seen = load(&["-c1", "-n50", "--slo", slo, &address]).await;
        assert_eq!(seen.exit(), exit, "{slo}: {seen:?}");
        assert!(seen.text.contains("slo p"), "{seen:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_says_what_it_measured() {
    let address = good().to_string();
    let some = Duration::from_millis(400);
    let seen = stopped_after(some, &["-c2", "--rate", "100", "-d", "1h", &address]).await;
    assert_eq!(seen.exit(), 130, "{seen:?}");
    assert!(seen.text.contains("stopped early") && seen.text.contains("status 200"), "{seen:?}");
    let stalled = serve(|mut stream, _| async move {
        request(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let words = ["-c2", "--json", "-d", "1h", "--timeout", "1h", &stalled.to_string()];
    let seen = stopped_after(some, &words).await;
    let sum = seen.summary();
    assert_eq!((seen.exit(), sum.unfinished, sum.requests, sum.failed), (130, 2, 0, 0), "{seen:?}");
    // What they had taken by then is known: all of the run but for its start.
    assert_eq!(sum.latency.count, 2);
    assert!(sum.latency.min_ms.unwrap() >= sum.window_s * 1e3 / 2.0, "{sum:?}");
    assert!(sum.warnings.iter().any(|warning| warning.contains("when the run was stopped")));
}

#[tokio::test]
async fn an_answer_after_the_window_is_good_all_the_same() {
    let slow = serve(|mut stream, _| async move {
        while request(&mut stream).await.is_some() {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stream.write_all(GOOD).await.unwrap();
        }
    });
    let (sum, seen) = summary(&["-c1", "-d", "100ms", &slow.to_string()]).await;
    assert_eq!((seen.exit(), sum.requests, sum.good), (0, 1, 1), "{seen:?}");
    assert!(sum.good_per_second <= 0.0, "{sum:?}");
}

#[tokio::test]
async fn all_files_are_written_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let [save, hgrm, hlog, ndjson, csv] =
        ["a.json", "a.hgrm", "a.hlog", "a.ndjson", "a.csv"].map(path);
    let address = good().to_string();
    let words = [
        "-c2", "--rate", "200", "-d", "1200ms", "--save", &save, "--hgrm", &hgrm, "--hlog", &hlog,
        "--ndjson", &ndjson, "--csv", &csv, &address,
    ];
    let seen = load(&words).await;
    assert_eq!(seen.exit(), 0, "{seen:?}");
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let saved = load::compare::read(save.as_ref()).unwrap();
    assert_eq!(saved.latency.count(), 240);
    assert!(read(&hgrm).contains("Total count    =          240]"));
    let row = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let rows: Vec<_> = read(&ndjson).lines().map(row).collect();
    let answers: u64 = rows.iter().map(|row| row["answers"].as_u64().unwrap()).sum();
    assert_eq!((answers, rows.len()), (240, read(&csv).lines().count() - 1));
    let log = read(&hlog);
    let blob = log.lines().last().unwrap().rsplit(',').next().unwrap();
    assert_eq!(Distribution::from_blob(blob).unwrap().count(), 240);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_before_the_run() {
    let words = ["-d", "1h", "--save", "/no/such/folder/a.json", "127.0.0.1:1"];
    let seen = load(&words).await;
    assert_eq!(seen.exit(), 5);
    assert!(matches!(seen.ending, Err(Trouble::Write { .. })), "{seen:?}");
}

#[tokio::test]
async fn rows_are_printed_where_they_are_asked_for() {
    let address = good().to_string();
    let seen = load(&["-c1", "-n5", "-o", "csv", &address]).await;
    assert!(seen.text.starts_with("second,sent,answers") && seen.text.lines().count() >= 2);
    let seen = load(&["-c1", "-n5", "-o", "ndjson", &address]).await;
    let answers = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["answers"].as_u64().unwrap()
    };
    assert_eq!(seen.text.lines().map(answers).sum::<u64>(), 5);
}
