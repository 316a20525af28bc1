//! What reaches the server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;

use crate::support::{GOOD, load, on_its_own_thread, request, serve, summary};

type Requests = Arc<Mutex<Vec<String>>>;

/// A server that keeps the texts of all requests.
fn keeping() -> (SocketAddr, Requests) {
    let requests = Requests::default();
    let kept = Arc::clone(&requests);
    let address = serve(move |mut stream, _| {
        let kept = Arc::clone(&kept);
        async move {
            while let Some(text) = request(&mut stream).await {
                kept.lock().unwrap().push(text);
                stream.write_all(GOOD).await.unwrap();
            }
        }
    });
    (address, requests)
}

#[tokio::test]
async fn exactly_as_many_requests_are_sent_as_were_asked_for() {
    let (address, requests) = keeping();
    let address = address.to_string();
    for words in [&["-c7", "-n100"][..], &["-c7", "-n100", "-t2"], &["-n100", "--rate", "2k"]] {
        requests.lock().unwrap().clear();
        let (summary, seen) = summary(&[words, &[&address]].concat()).await;
        assert_eq!((seen.exit(), summary.requests, summary.sent), (0, 100, 100), "{words:?}");
        assert_eq!(requests.lock().unwrap().len(), 100, "{words:?}");
    }
}

#[tokio::test]
async fn targets_get_their_shares_and_their_methods() {
    let (address, requests) = keeping();
    let (get, post) = (format!("3 GET {address}/32"), format!("POST {address}/"));
    let words = ["-c1", "-n80", "--body", "abc", "--target", &get, "--target", &post];
    let (summary, _) = summary(&words).await;
    assert_eq!(
        summary.targets,
        [format!("3 GET http://{address}/32"), format!("POST http://{address}/")]
    );
    let requests = requests.lock().unwrap();
    let gets = requests.iter().filter(|text| text.starts_with("GET /32 ")).count();
    let posts = requests.iter().filter(|text| text.ends_with("\r\n\r\nabc")).count();
    assert_eq!((gets, posts), (60, 20));
}

#[tokio::test]
async fn random_bodies_differ_from_request_to_request() {
    let (address, requests) = keeping();
    let words = ["-c1", "-n20", "-X", "POST", "--body-random", "32", "-H", "X-Y: z"];
    summary(&[&words[..], &[&address.to_string()]].concat()).await;
    let requests = requests.lock().unwrap();
    assert!(requests.iter().all(|text| text.contains("content-length: 32\r\n")));
    assert!(requests.iter().all(|text| text.contains("x-y: z\r\n")));
    let different: std::collections::HashSet<_> = requests.iter().collect();
    assert_eq!(different.len(), 20);
}

#[tokio::test]
async fn without_keep_alive_each_request_has_its_connection() {
    let (address, requests) = keeping();
    let (summary, _) = summary(&["-c2", "-n20", "--no-keep-alive", &address.to_string()]).await;
    assert_eq!((summary.requests, summary.failed), (20, 0));
    assert!(summary.connections.made >= 20, "{summary:?}");
    assert!(requests.lock().unwrap().iter().all(|text| text.contains("connection: close\r\n")));
}

#[tokio::test]
async fn unix_sockets_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap().into_std().unwrap();
    on_its_own_thread(move || async move {
        let listener = UnixListener::from_std(listener).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        while tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await.unwrap_or(0) > 0 {
            stream.write_all(GOOD).await.unwrap();
        }
    });
    let path = path.to_string_lossy();
    let (summary, seen) = summary(&["-c1", "-n10", "--unix", &path, "http://app/"]).await;
    assert_eq!((seen.exit(), summary.requests), (0, 10), "{seen:?}");
}

#[tokio::test]
async fn hypers_client_does_the_same() {
    let (address, requests) = keeping();
    let words = ["-c3", "-n30", "--client", "hyper", &address.to_string()];
    let (summary, seen) = summary(&words).await;
    assert_eq!((seen.exit(), summary.requests, summary.connections.made), (0, 30, 3), "{seen:?}");
    assert_eq!(requests.lock().unwrap().len(), 30);
}

#[tokio::test]
async fn streams_of_http2_share_a_connection() {
    // Requests that are being served, and the most there were at a time.
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let address = serve(|stream, _| async move {
        let answer = service_fn(|_| async {
            MOST.fetch_max(OPEN.fetch_add(1, Relaxed) + 1, Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            OPEN.fetch_sub(1, Relaxed);
            Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from("hello"))))
        });
        let server = http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), answer).await;
    });
    let words = ["--http2", "-c2", "--streams", "10", "-n100", &address.to_string()];
    let (summary, seen) = summary(&words).await;
    assert_eq!((seen.exit(), summary.requests, summary.connections.made), (0, 100, 2), "{seen:?}");
    // One after the other on each connection would be two.
    let peak = MOST.load(Relaxed);
    assert!((3..=20).contains(&peak), "{peak}");
}

#[tokio::test]
async fn a_body_has_a_type_a_url_its_login_and_headers_frame_what_is_sent() {
    let (address, requests) = keeping();
    let url = format!("http://lukas:m%3Ax@{address}/x");
    let (summary, seen) = summary(&["-c1", "-n2", "--body-random", "5", &url]).await;
    assert_eq!(seen.exit(), 0);
    let sent = requests.lock().unwrap().pop().unwrap();
    assert!(sent.contains("\r\ncontent-type: application/octet-stream\r\n"), "{sent}");
    assert!(sent.contains("\r\nauthorization: Basic bHVrYXM6bTp4\r\n"), "{sent}");
    assert_eq!(summary.targets, [format!("POST http://{address}/x")]);
    assert!(!seen.text.contains("lukas") && !seen.text.contains("bHVrY"));
    let plain = address.to_string();
    load(&[
        "-c1",
        "-n1",
        "-U",
        "lukas",
        "-P",
        "m:x",
        "-H",
        "Content-Type: a/b",
        "--body",
        "c",
        &plain,
    ])
    .await;
    let sent = requests.lock().unwrap().pop().unwrap();
    assert!(sent.contains("content-type: a/b\r\n") && sent.contains("bHVrYXM6bTp4"), "{sent}");
    load(&["-c1", "-n1", "-H", "Transfer-Encoding: chunked", "--body", "nine more", &plain]).await;
    let sent = requests.lock().unwrap().pop().unwrap();
    assert!(sent.ends_with("\r\n\r\n9\r\nnine more\r\n0\r\n\r\n"), "{sent}");
    for header in
        ["Content-Length: 1", "Transfer-Encoding: gzip", "Upgrade: x", "Expect: 100-continue"]
    {
        let refused = load(&["-n1", "-H", header, &plain]).await;
        assert_eq!(refused.exit(), 2, "{header}: {refused:?}");
    }
    let userless = load(&["-n1", "-P", "word", &plain]).await;
    assert!(userless.ending.unwrap_err().to_string().contains("needs a user"));
}

#[tokio::test]
async fn a_connection_that_is_to_be_closed_is_used_once() {
    for client in ["raw", "hyper"] {
        let (address, requests) = keeping();
        let words = ["-c2", "-n20", "--client", client, "-H", "Connection: close"];
        let (summary, seen) = summary(&[&words[..], &[&address.to_string()]].concat()).await;
        assert_eq!(seen.exit(), 0, "{seen:?}");
        assert_eq!((summary.good, summary.connections.repeated), (20, 0), "{client}");
        assert!(summary.connections.made >= 20, "{client}: {}", summary.connections.made);
        assert_eq!(requests.lock().unwrap().len(), 20);
    }
}
