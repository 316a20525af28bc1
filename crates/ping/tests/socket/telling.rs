//! What is told of servers that answer, in every format.

use serde_json::Value;

use crate::run;
use crate::server::{Deed, FINE, HEAD, Server};

async fn fine() -> Server {
    Server::new(&[Deed::Answers(FINE)]).await
}

#[tokio::test]
async fn lines_are_httpings_grammar() {
    let server = Server::new(&[Deed::Answers(HEAD)]).await;
    let address = server.address;
    let ended = run(&format!("-c 2 -i 0.01 -S -s {address}")).await;
    let lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines[0], format!("PING {address} (/):"));
    let mut before = None;
    for line in &lines[1..3] {
        let bytes = HEAD.len();
        let start = format!("connected to {address} ({bytes} bytes), seq=");
        let rest = line.strip_prefix(&*start).unwrap_or_else(|| unreachable!("{line}"));
        let (seq, rest) = rest.split_once(" time=   n/a+").unwrap();
        // Where a machine was late, what was not sent in time has its number, too.
        let seq = Some(seq.parse::<u64>().unwrap());
        assert!(if before.is_none() { seq == Some(0) } else { seq > before }, "{line}");
        before = seq;
        assert!(rest.ends_with(" ms 200 OK"), "{line}");
        let (parts, total) = rest.trim_end_matches(" ms 200 OK").split_once('=').unwrap();
        let number = |text: &str| text.trim().parse::<f64>().unwrap();
        let sum: f64 = parts.split('+').map(number).sum();
        assert_eq!(parts.split('+').count(), 4, "{line}");
        assert!((sum - number(total)).abs() < 0.03, "only rounding is left: {line}");
    }
    assert_eq!(lines[3], format!("--- http://{address}/ ping statistics ---"));
    assert!(lines[4].starts_with("2 connects, 2 ok, 0.00% failed, time "), "{}", lines[4]);
    assert!(lines[5].starts_with("round-trip min/avg/max = "), "{}", lines[5]);
}

#[tokio::test]
async fn the_servers_own_times_stand_beside() {
    let server = fine().await;
    let ended = run(&format!("-c 2 -i 0.01 -G -v {}", server.address)).await;
    assert_eq!(ended.out.matches(" rng.1 queue=1.50 service=100.00\n").count(), 2, "{}", ended.out);
    assert!(ended.out.contains("\nserver: service   100.000   100.000"), "{}", ended.out);
}

#[tokio::test]
async fn machines_get_numbers_and_nothing_else() {
    let server = fine().await;
    let ended = run(&format!("-c 2 -i 0.01 -G -m -s {}", server.address)).await;
    assert_eq!(ended.notes, "");
    assert_eq!(ended.out.lines().count(), 2);
    for line in ended.out.lines() {
        let (time, status) = line.split_once(' ').unwrap();
        assert!(time.parse::<f64>().unwrap() > 0.0 && time.split('.').nth(1).unwrap().len() == 6);
        assert_eq!(status, "200");
    }
    let wrong = run(&format!("-c 1 -G -m -o 201 -e bad {}", server.address)).await;
    assert_eq!((&*wrong.out, wrong.code), ("bad\n", 1));
    let quiet = run(&format!("-c 1 -G -q {}", server.address)).await;
    assert_eq!((&*quiet.out, &*quiet.notes, quiet.code), ("", "", 0));
}

#[tokio::test]
async fn json_is_json_whether_servers_answer_or_not() {
    let server = fine().await;
    for (words, code) in [("", 0), ("--ok 201", 1), ("--fail-above max=0.000001ms", 1)] {
        let ended = run(&format!("-c 3 -i 0.01 -G --json {words} {}", server.address)).await;
        assert_eq!(ended.code, code, "{words}: {}", ended.notes);
        let document: Value = serde_json::from_str(&ended.out).unwrap();
        let probes = document["probes"].as_array().unwrap();
        assert_eq!(probes.len(), 3);
        let names = ["resolve", "connect", "tls", "send", "wait", "receive"];
        for probe in probes {
            let sum: f64 = names.iter().filter_map(|n| probe[format!("{n}_ms")].as_f64()).sum();
            let total = probe["total_ms"].as_f64().unwrap();
            assert!((sum - total).abs() < 0.001, "within a microsecond: {probe}");
            assert_eq!(probe["server_service_ms"], 100.0);
        }
    }
    let ended = run("-c 1 --json -W nowhere..invalid").await;
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(document["probes"][0]["failure"]["kind"], "resolve");
    let ended = run("-c 1 -M nowhere..invalid").await;
    assert!(serde_json::from_str::<Value>(&ended.out).unwrap().is_array(), "{}", ended.out);
}

#[tokio::test]
async fn exit_codes_can_be_httpings_or_nagios() {
    let server = Server::new(&[Deed::Answers(FINE), Deed::Resets]).await;
    let some = format!("-c 2 -i 0.01 -G {}", server.address);
    assert_eq!(run(&format!("{some} --httping-exit")).await.code, 0);
    let none = run("-c 1 --httping-exit 127.0.0.1:1").await;
    assert_eq!(none.code, 127);
    assert_eq!(run("--httping-exit nowhere..invalid").await.code, 1);
    assert_eq!(run("-c 1 -n 100,200 127.0.0.1:1").await.code, 2);
    assert_eq!(run("-c 1 -N 7 127.0.0.1:1").await.code, 7);
    let fine = fine().await.address;
    assert_eq!(run(&format!("-c 1 -G -n 0.000001,60000 {fine}")).await.code, 1);
    assert_eq!(run(&format!("-c 1 -G -n 50000,60000 {fine}")).await.code, 0);
    assert_eq!(run(&format!("-c 1 -G -N 7 {fine}")).await.code, 0);
}

#[tokio::test]
async fn histograms_are_written_in_two_formats() {
    let server = fine().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for name in ["times.hgrm", "times.hdr"] {
        let words = format!("-c 5 -f -G -q --histogram {} {}", path(name), server.address);
        assert_eq!(run(&words).await.code, 0);
    }
    let hgrm = std::fs::read_to_string(path("times.hgrm")).unwrap();
    assert!(hgrm.trim_start().starts_with("Value     Percentile TotalCount"), "{hgrm}");
    let hdr = std::fs::read_to_string(path("times.hdr")).unwrap();
    let read = load::distribution::Distribution::from_blob(&hdr).unwrap();
    assert_eq!(read.count(), 5);
}

#[tokio::test]
async fn without_a_terminal_a_graph_is_lines() {
    let server = fine().await;
    let ended = run(&format!("-c 1 -K -G {}", server.address)).await;
    assert!(ended.notes.contains("-K needs a terminal"), "{}", ended.notes);
    assert!(ended.out.contains("seq=0 time="), "{}", ended.out);
}

#[tokio::test]
async fn what_servers_refuse_is_counted_although_it_is_an_answer() {
    let refusal = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 0\r\n\r\n";
    let server = Server::new(&[Deed::Answers(FINE), Deed::Answers(refusal)]).await;
    let ended = run(&format!("-c 3 -i 0.01 -G {}", server.address)).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let note =
        "\n2 responses were 4xx (2 × 422) and count as ok; --ok 2xx,3xx makes that a failure\n";
    assert!(ended.out.contains("0.00% failed") && ended.out.contains(note), "{}", ended.out);
    let strict = run(&format!("-c 1 -G --ok 2xx {}", server.address)).await;
    assert!(strict.out.ends_with("failed: 1 status 422\n"), "{}", strict.out);
    assert_eq!(strict.code, 1);
    let json = run(&format!("-c 2 -i 0.01 -G --json {}", server.address)).await;
    let document: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&document["summary"]["responses_4xx"], &document["summary"]["responses_5xx"]),
        (&2.into(), &0.into())
    );
}
