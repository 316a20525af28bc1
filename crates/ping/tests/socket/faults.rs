//! Servers that misbehave: each is one line that says what happened, and an exit code.

use tokio::net::TcpListener;

use crate::run;
use crate::server::{Deed, FINE, HEAD, Server};

/// The line of a single GET and the exit code.
async fn once(deed: Deed) -> (String, u8) {
    let server = Server::new(&[deed]).await;
    let ended = run(&format!("-c 1 -G -s -t 0.2 {}", server.address)).await;
    (ended.out.lines().nth(1).unwrap().to_owned(), ended.code)
}

async fn fails_with(deed: Deed, words: &str) {
    let (line, code) = once(deed.clone()).await;
    assert!(line.starts_with(words), "{deed:?}: {line}");
    assert!(line.contains(", seq=0 after "), "{deed:?}: {line}");
    assert_eq!(code, 1, "{deed:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let ended = run(&format!("-c 2 -i 0.01 {address}")).await;
    assert_eq!(ended.code, 1);
    let expected = format!("cannot connect to {address}: connection refused, seq=1 after ");
    assert!(ended.out.contains(&expected), "{}", ended.out);
    assert!(ended.out.contains("\n2 connects, 0 ok, 100.00% failed, time "), "{}", ended.out);
    assert!(ended.out.ends_with("failed: 2 refused\n"), "{}", ended.out);
}

#[tokio::test]
async fn connections_break() {
    fails_with(Deed::Resets, "connection reset while waiting for the answer").await;
    fails_with(Deed::AnswersAndCloses(b""), "connection closed before the answer").await;
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    fails_with(Deed::AnswersAndCloses(half), "connection closed in the middle of the answer").await;
    fails_with(Deed::AnswersAndCloses(b"HTTP/1.1 200"), "connection closed in the middle").await;
}

#[tokio::test]
async fn what_comes_is_no_answer() {
    for wrong in [
        &b"SSH-2.0-OpenSSH\r\n"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: no\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        fails_with(Deed::Answers(wrong), "not an HTTP answer: ").await;
    }
    fails_with(Deed::Drips, "not an HTTP answer: a head of more than").await;
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_in_the_phase_it_is_in() {
    fails_with(Deed::Stalls, "no answer in time (200 ms)").await;
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    fails_with(Deed::Answers(head), "no whole answer in time (200 ms)").await;
}

#[tokio::test]
async fn a_stalled_probe_does_not_spoil_the_next() {
    let server = Server::new(&[Deed::Stalls, Deed::Answers(FINE)]).await;
    let ended = run(&format!("-c 2 -i 0.01 -t 0.1 -G -Q {}", server.address)).await;
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("\n2 connects, 1 ok, 50.00% failed"), "{}", ended.out);
    // The slots that passed meanwhile are left out, and so are their numbers.
    assert!(!ended.out.contains("seq=1 "), "{}", ended.out);
    assert!(ended.out.contains(" of the interval, as probes took longer"), "{}", ended.out);
    assert!(ended.out.ends_with("slots of the interval, as probes took longer\n"));
}

#[tokio::test]
async fn interim_answers_and_redirects_are_answers() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (line, code) = once(Deed::Answers(interim)).await;
    assert!(line.ends_with(" ms 200 OK") && code == 0, "{line}");
    let moved = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
    let (line, code) = once(Deed::Answers(moved)).await;
    assert!(line.ends_with(" ms 302 Found") && code == 0, "{line}");
}

#[tokio::test]
async fn statuses_of_a_failing_server_fail() {
    let failing = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let server = Server::new(&[Deed::Answers(failing)]).await;
    let ended = run(&format!("-c 1 -G {}", server.address)).await;
    assert!(ended.out.contains(" ms 503 Service Unavailable\n"), "{}", ended.out);
    assert!(ended.out.ends_with("failed: 1 status 503\n"), "{}", ended.out);
    assert_eq!(ended.code, 1);
    assert_eq!(run(&format!("-c 1 -G --ok 503 {}", server.address)).await.code, 0);
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_fails_nothing() {
    let server = Server::new(&[Deed::AnswersAndCloses(FINE)]).await;
    let ended = run(&format!("-c 3 -i 0.05 -G -Q -s {}", server.address)).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.lines().nth(1).unwrap().ends_with("200 OK"), "{}", ended.out);
    assert_eq!(ended.out.matches("200 OK C\n").count(), 2, "{}", ended.out);
    assert!(ended.out.ends_with("connected again 2 times\n"), "{}", ended.out);
}

#[tokio::test]
async fn a_name_without_an_address_ends_it_unless_told_otherwise() {
    // An empty label is refused without asking a name server.
    let ended = run("-c 2 -i 0.01 nowhere..invalid").await;
    assert_eq!(ended.code, 1);
    assert_eq!(ended.out, "PING nowhere..invalid:80 (/):\n");
    assert!(ended.notes.contains("error: cannot resolve nowhere..invalid: "), "{}", ended.notes);
    let ended = run("-c 2 -i 0.01 -W nowhere..invalid").await;
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("\nfailed: 2 resolve\n"), "{}", ended.out);
    let once = run("-c 2 -r nowhere..invalid").await;
    assert!(once.code == 1 && once.notes.contains("cannot resolve"), "{once:?}");
}

#[tokio::test]
async fn a_server_that_does_not_take_head_is_explained() {
    let wrong = b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
    let server = Server::new(&[Deed::Answers(wrong)]).await;
    let ended = run(&format!("-c 2 -i 0.01 {}", server.address)).await;
    let told = "the server does not answer HEAD (501 Not Implemented): use -G to send GET\n";
    assert_eq!(ended.notes.matches(told).count(), 1, "{}", ended.notes);
}

#[tokio::test]
async fn nothing_to_probe_and_no_such_file_are_refused() {
    let ended = run("-c 1").await;
    assert!(ended.code == 2 && ended.notes.contains("HOST[:PORT]"), "{ended:?}");
    let server = Server::new(&[Deed::Answers(HEAD)]).await;
    let ended = run(&format!("-c 1 --ca /nowhere.pem -l {}", server.address)).await;
    assert!(ended.code == 2 && ended.notes.contains("/nowhere.pem"), "{ended:?}");
    let ended = run(&format!("-c 1 --histogram /nowhere/x {}", server.address)).await;
    assert!(ended.code == 5 && ended.notes.contains("/nowhere/x"), "{ended:?}");
    assert_eq!(server.requests(), [""; 0], "nothing was sent before it was known");
}

#[tokio::test]
async fn what_follows_a_whole_response_is_said_once_and_fails_nothing() {
    let after_head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
    for flags in ["-I x", "-Q -I x"] {
        let server = Server::new(&[Deed::Answers(after_head)]).await;
        let ended = run(&format!("-c 3 -i 0.01 {flags} {}", server.address)).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.out.contains("3 connects, 3 ok, 0.00% failed"), "{}", ended.out);
        let warnings = ended.out.matches("warning: 3 responses were followed by bytes").count();
        assert_eq!(warnings, 1, "{}", ended.out);
    }
    // It comes in the place of the next response, whose request is sent again.
    let late = [Deed::Answers(HEAD), Deed::Answers(b"hello"), Deed::Answers(HEAD)];
    let server = Server::new(&late).await;
    let ended = run(&format!("-c 2 -i 0.01 -Q --json {}", server.address)).await;
    let document: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let summary = &document["summary"];
    assert_eq!((ended.code, &summary["ok"]), (0, &serde_json::json!(2)), "{ended:?}");
    assert_eq!(summary["excess_responses"], 1);
    assert_eq!(server.requests().len(), 3);
}

/// The time limit holds whatever a server sends in its time, and however much of it.
#[tokio::test]
async fn a_flood_ends_in_time() {
    for flood in [
        (
            &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"[..],
            &b"Trailer: x\r\n"[..],
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"body without end"),
    ] {
        let mut best = f64::INFINITY;
        for _ in 0..8 {
            let (line, code) = once(Deed::Floods(flood.0, flood.1)).await;
            assert!(line.starts_with("no whole answer in time (200 ms)"), "{line}");
            let after = line.split("after ").nth(1).unwrap().trim_end_matches(" ms");
            let after = after.parse::<f64>().unwrap();
            assert!(after < 5_000.0 && code == 1, "{line}");
            best = best.min(after);
        }
        // Each may be late where the machine is busy, but not all of them.
        assert!(best < 1.15 * 200.0, "{best} {flood:?}");
    }
}
