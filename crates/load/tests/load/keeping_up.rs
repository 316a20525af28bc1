//! Whether a server keeps up with a rate, and why not.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use load::summary::{Cause, Doubt, Summary};
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use crate::support::{GOOD, request, serve, summary};

/// How many requests each cause of a shortfall has, and all of them.
fn causes(summary: &Summary) -> (Vec<Cause>, u64) {
    let mut doubts = summary.doubts.iter();
    let causes = doubts.find_map(|doubt| match doubt {
        Doubt::Shortfall { causes, .. } => Some(causes.clone()),
        _ => None,
    });
    let causes = causes.unwrap_or_else(|| panic!("{summary:#?}"));
    let requests = causes.iter().map(|cause| match cause {
        Cause::ConnectionsBusy { requests, .. }
        | Cause::NoConnection { requests, .. }
        | Cause::GeneratorHeldUp { requests }
        | Cause::Failed { requests }
        | Cause::AnsweredLater { requests } => requests,
    });
    let all = requests.sum();
    (causes, all)
}

/// Answers each connection's requests after times that scatter from 0 to 2 s.
fn slow() -> SocketAddr {
    serve(|mut stream, number| async move {
        for turn in 0.. {
            if request(&mut stream).await.is_none() {
                return;
            }
            let scattered = (number * 29 + turn * 37) % 64;
            sleep(Duration::from_millis(31 * scattered as u64)).await;
            if stream.write_all(GOOD).await.is_err() {
                return;
            }
        }
    })
}

#[tokio::test]
async fn a_slow_server_that_keeps_up_is_not_said_to_fall_behind() {
    let address = slow().to_string();
    let (summary, seen) = summary(&["--rate", "40", "-c", "128", "-d", "4s", &address]).await;
    assert_eq!((seen.exit(), summary.requests), (0, 160), "{seen:?}");
    let is_overload = |doubt: &Doubt| matches!(doubt, Doubt::Overloaded { .. });
    assert!(!summary.doubts.iter().any(is_overload), "{:?}", summary.warnings);
    // All that is missing at the end of the window was sent in time and came after it.
    let (causes, all) = causes(&summary);
    let in_window = format!("{:.0}", summary.requests_per_second * summary.window_s);
    let missing = 160 - in_window.parse::<u64>().unwrap();
    assert!(matches!(causes[..], [Cause::AnsweredLater { .. }]), "{causes:?}");
    assert_eq!(all, missing, "{causes:?}");
}

/// A listener that takes one connection and no other: the system keeps no place for any more.
struct Full {
    address: SocketAddr,
    _kept: (TcpListener, Vec<TcpStream>),
}

impl Full {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Once more, with a queue of no length.
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let some = Duration::from_millis(300);
        let kept = std::iter::from_fn(|| TcpStream::connect_timeout(&address, some).ok()).collect();
        Self { address, _kept: (listener, kept) }
    }
}

#[tokio::test]
async fn connections_that_never_stand_are_the_cause_and_no_request_is_counted_twice() {
    let full = Full::new();
    // One server that answers, so that the run begins, and one that lets nothing in.
    let good = serve(|stream, _| crate::support::answer_all(stream, GOOD)).to_string();
    let words = ["--rate", "40", "-c2", "-d", "1s", "--timeout", "200ms"];
    let urls = [&*good, &*full.address.to_string()];
    let (summary, seen) = summary(&[&words[..], &urls[..]].concat()).await;
    assert!(summary.failures["timeout"].count > 0, "{seen:?}");
    let (causes, all) = causes(&summary);
    assert!(all <= summary.sent, "{all} {causes:?} {}", summary.sent);
    let first = causes.iter().find_map(|cause| match cause {
        Cause::NoConnection { first, .. } => first.clone(),
        _ => None,
    });
    assert!(first.is_some_and(|first| first.contains("no connection in time")), "{causes:?}");
    assert!(!causes.iter().any(|cause| matches!(cause, Cause::Failed { .. })), "{causes:?}");
}

#[tokio::test]
async fn refused_requests_that_were_late_too_count_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        // The connections of the beginning, and then none: nothing listens any more.
        let (one, _) = listener.accept().await.unwrap();
        drop(listener);
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(one);
    });
    let (summary, seen) = summary(&["--rate", "100", "-c1", "-d", "1s", &address]).await;
    assert!(summary.failures.contains_key("refused"), "{seen:?}");
    let (causes, all) = causes(&summary);
    assert!(all <= summary.sent && all >= summary.sent / 2, "{causes:?} {}", summary.sent);
    assert!(causes.iter().any(|cause| matches!(cause, Cause::NoConnection { .. })), "{causes:?}");
}
