//! Servers that misbehave, one fault each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use load::run::RunError;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until};

use crate::support::{GOOD, answer_all, load, on_its_own_thread, request, serve, summary};

const MILLISECOND: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_refused_port_ends_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let seen = load(&["-c8", "-d", "1h", &address]).await;
    assert_eq!(seen.exit(), 1);
    let error = seen.ending.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(matches!(error, load::command::Trouble::Run(RunError::NothingConnected(_))));
}

#[tokio::test]
async fn a_name_that_is_none_ends_at_once() {
    // An empty label is refused without asking a name server.
    let seen = load(&["-d", "1h", "no-such-host..invalid"]).await;
    assert_eq!(seen.exit(), 1);
    assert!(seen.ending.unwrap_err().to_string().contains("cannot resolve"));
}

#[tokio::test]
async fn a_server_that_goes_away_is_asked_again_but_not_hammered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let listener = listener.into_std().unwrap();
    on_its_own_thread(move || async move {
        let listener = TcpListener::from_std(listener).unwrap();
        let mut streams = Vec::new();
        for _ in 0..2 {
            streams.push(listener.accept().await.unwrap().0);
        }
        for stream in &mut streams {
            request(stream).await.unwrap();
            stream.write_all(GOOD).await.unwrap();
        }
    });
    let (summary, seen) = summary(&["-c2", "-d", "600ms", &address]).await;
    assert_eq!(seen.exit(), 1, "{seen:?}");
    let refused = summary.failures["refused"].count;
    assert_eq!(summary.requests, 2);
    assert!((2..=40).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_reset_is_a_failure() {
    let address = serve(|mut stream, _| async move {
        request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    });
    let (summary, seen) = summary(&["-c2", "-n4", &address.to_string()]).await;
    assert_eq!((seen.exit(), summary.failures["reset"].count), (1, 4), "{seen:?}");
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let address = serve(|mut stream, _| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel").await.unwrap();
    });
    let (summary, seen) = summary(&["-c2", "-n4", &address.to_string()]).await;
    assert_eq!((seen.exit(), summary.failures["closed"].count), (1, 4), "{seen:?}");
    assert_eq!(summary.connections.repeated, 0, "an answer had begun");
}

#[tokio::test]
async fn garbage_is_no_answer() {
    for garbage in
        [&b"SSH-2.0-OpenSSH_9\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
    {
        let address = serve(move |mut stream, _| async move {
            request(&mut stream).await;
            stream.write_all(garbage).await.unwrap();
        });
        let (summary, seen) = summary(&["-c2", "-n4", &address.to_string()]).await;
        assert_eq!((seen.exit(), summary.failures["malformed"].count), (1, 4), "{seen:?}");
    }
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_fails_nothing() {
    let polite = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for answer in [GOOD, polite] {
        let address = serve(move |mut stream, _| async move {
            request(&mut stream).await;
            let _ = stream.write_all(answer).await;
        });
        let (summary, seen) = summary(&["-c2", "-n40", &address.to_string()]).await;
        assert_eq!((seen.exit(), summary.requests, summary.failed), (0, 40, 0), "{seen:?}");
        assert!(summary.connections.reconnects >= 38, "{seen:?}");
        assert_eq!(summary.connections.repeated > 0, answer == GOOD, "{seen:?}");
    }
}

#[tokio::test]
async fn a_stall_without_end_is_timeouts_at_their_elapsed_time() {
    let address = serve(|mut stream, _| async move {
        request(&mut stream).await;
        sleep(Duration::from_hours(1)).await;
    });
    let words = ["-c2", "-d", "500ms", "--timeout", "150ms", &address.to_string()];
    let (summary, seen) = summary(&words).await;
    assert_eq!(seen.exit(), 1);
    let timeouts = summary.failures["timeout"].count;
    assert!(timeouts >= 4, "{timeouts}");
    assert_eq!(summary.latency.count, timeouts);
    assert!(summary.latency.min_ms.unwrap() >= 149.0, "{:?}", summary.latency);
    assert_eq!(summary.connections.reconnects, timeouts - 2, "a connection is given up with it");
}

#[tokio::test]
async fn one_stall_is_seen_by_all_that_were_due_meanwhile() {
    let first = Arc::new(std::sync::OnceLock::new());
    let address = serve(move |mut stream, _| {
        let first = Arc::clone(&first);
        async move {
            while request(&mut stream).await.is_some() {
                let stall = *first.get_or_init(Instant::now) + 500 * MILLISECOND;
                if Instant::now() > stall {
                    sleep_until(stall + 500 * MILLISECOND).await;
                }
                stream.write_all(GOOD).await.unwrap();
            }
        }
    });
    let words = ["-c4", "--rate", "200", "-d", "2s", &address.to_string()];
    let (summary, seen) = summary(&words).await;
    assert_eq!((seen.exit(), summary.scheduled, summary.sent), (0, 400, 400), "{seen:?}");
    assert_eq!(summary.latency.count, 400);
    // A quarter of all was due in the stall; the last fifth of that waited for most of it.
    let p95 = summary.latency.p95_ms.unwrap();
    assert!(p95 > 250.0 && p95 < summary.latency.max_ms.unwrap(), "{p95}");
    assert!(summary.waited_for_connection > 50, "{seen:?}");
    // Only those that were out when it began saw it themselves.
    assert!(summary.service_time.p95_ms.unwrap() < p95 / 2.0, "{:?}", summary.service_time);
}

#[tokio::test]
async fn what_is_never_sent_counts_with_the_time_it_waited() {
    let address = serve(|mut stream, _| async move {
        request(&mut stream).await;
        sleep(Duration::from_hours(1)).await;
    });
    let words = ["-c1", "--rate", "100", "-d", "400ms", "--timeout", "300ms", &address.to_string()];
    let (summary, seen) = summary(&words).await;
    assert_eq!((seen.exit(), summary.scheduled, summary.latency.count), (1, 40, 40), "{seen:?}");
    assert!(summary.sent < 10 && summary.latency.p50_ms.unwrap() > 300.0, "{seen:?}");
    assert!(summary.warnings.iter().any(|warning| warning.contains("never sent")), "{seen:?}");
}

#[tokio::test]
async fn a_name_that_fails_in_the_middle_fails_its_requests_only() {
    let address = serve(|stream, _| answer_all(stream, GOOD));
    let good = format!("http://{address}/");
    let words = ["-c1", "-n10", &good, "http://no-such-host..invalid/"];
    let (summary, seen) = summary(&words).await;
    assert_eq!((seen.exit(), summary.requests), (1, 5), "{seen:?}");
    assert_eq!(summary.failures["resolve"].count, 5, "{seen:?}");
}

#[tokio::test]
async fn one_of_several_addresses_that_refuses_costs_nothing_but_attempts() {
    // `localhost` is 127.0.0.1 and, where there is IPv6, ::1, on which nobody listens.
    let address = serve(|stream, _| answer_all(stream, GOOD));
    let url = format!("http://localhost:{}/", address.port());
    let (summary, seen) = summary(&["-c4", "-n40", &url]).await;
    assert_eq!((seen.exit(), summary.requests, summary.failed), (0, 40, 0), "{seen:?}");
}

#[tokio::test]
async fn endless_heads_end() {
    let address = serve(|mut stream, _| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").await.is_ok() {
        }
    });
    let (summary, seen) = summary(&["-c1", "-n2", &address.to_string()]).await;
    assert_eq!((seen.exit(), summary.failures["malformed"].count), (1, 2), "{seen:?}");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_made_anew_once() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = serve(move |mut stream, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            for _ in 0..3 {
                if request(&mut stream).await.is_none() {
                    return;
                }
                let _ = stream.write_all(GOOD).await;
            }
        }
    });
    let (summary, seen) = summary(&["-c1", "-n9", &address.to_string()]).await;
    assert_eq!((seen.exit(), summary.requests), (0, 9), "{seen:?}");
    assert_eq!(summary.connections.made, 3);
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_follows_a_whole_response_is_said_and_fails_nothing() {
    // In one piece with the response, and in a piece of its own a moment later.
    for pause in [None, Some(Duration::from_micros(200))] {
        for client in ["raw", "hyper"] {
            let address = serve(move |mut stream, _| async move {
                while request(&mut stream).await.is_some() {
                    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
                    let written = match pause {
                        None => stream.write_all(&[&head[..], b"body"].concat()).await,
                        Some(pause) => {
                            stream.write_all(head).await.unwrap();
                            tokio::time::sleep(pause).await;
                            stream.write_all(b"body").await
                        }
                    };
                    if written.is_err() {
                        return;
                    }
                }
            });
            let words = ["-X", "HEAD", "-n60", "-c2", "--client", client];
            let (summary, seen) = summary(&[&words[..], &[&address.to_string()]].concat()).await;
            assert_eq!((seen.exit(), summary.good), (0, 60), "{client} {pause:?} {seen:?}");
            assert!(summary.connections.excess > 0, "{client} {pause:?}");
            let warnings =
                summary.warnings.iter().filter(|text| text.contains("belong to no response"));
            assert_eq!(warnings.count(), 1, "{:?}", summary.warnings);
        }
    }
}

/// Writes the first once a request has come, and the second again and again.
fn flood(begin: &'static [u8], again: &'static [u8]) -> String {
    let address = serve(move |mut stream, _| async move {
        request(&mut stream).await;
        let flood = again.repeat(10_000);
        let mut written = stream.write_all(begin).await;
        while written.is_ok() {
            written = stream.write_all(&flood).await;
        }
    });
    address.to_string()
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The time limit holds while a server never stops sending.
#[tokio::test]
async fn a_flood_of_small_chunks_ends_in_time() {
    for client in ["raw", "hyper"] {
        let address = flood(CHUNKED, b"1\r\n.\r\n");
        let words = ["-n8", "-c1", "--timeout", "200ms", "--client", client];
        let (summary, seen) = summary(&[&words[..], &[&address]].concat()).await;
        assert_eq!(summary.failures["timeout"].count, 8, "{client}: {seen:?}");
        let (min, max) = (summary.latency.min_ms.unwrap(), summary.latency.max_ms.unwrap());
        // Each may be late where the machine is busy, but not all of them.
        assert!(min < 1.15 * 200.0 && max < 5_000.0, "{client}: {:?}", summary.latency);
    }
}

/// Trailers and interim responses without end: refused at once, or over in time.
#[tokio::test]
async fn a_flood_of_other_lines_ends_in_time() {
    for client in ["raw", "hyper"] {
        for (begin, again) in [
            (&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"[..], &b"T: x\r\n"[..]),
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        ] {
            let address = flood(begin, again);
            let words = ["-n8", "-c1", "--timeout", "200ms", "--client", client];
            let (summary, seen) = summary(&[&words[..], &[&address]].concat()).await;
            assert_eq!((summary.failed, summary.requests), (8, 0), "{client}: {seen:?}");
            let times = [&summary.latency, &summary.failure_time];
            let min = times.iter().filter_map(|times| times.min_ms).fold(f64::INFINITY, f64::min);
            let max = times.iter().filter_map(|times| times.max_ms).fold(0.0, f64::max);
            // Of hyper the best of eight took 240 ms where the machine was busy.
            let most = if client == "hyper" { 2.0 } else { 1.15 };
            assert!(min < most * 200.0 && max < 5_000.0, "{client}: {times:?}");
        }
    }
}
