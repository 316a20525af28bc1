//! What was asked for is repeated as it was typed, whatever came of it.

use std::time::Duration;

use load::plan::Asked;
use load::summary::{Cause, Doubt};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::{GOOD, answer_all, load, on_its_own_thread, request, serve, summary};

/// A server that answers each request after `wait`.
fn slow(wait: Duration) -> String {
    let address = serve(move |mut stream, _| async move {
        while request(&mut stream).await.is_some() {
            tokio::time::sleep(wait).await;
            let _ = stream.write_all(GOOD).await;
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_rate_is_repeated_as_it_was_typed() {
    let address = serve(|stream, _| answer_all(stream, GOOD)).to_string();
    for (typed, target, text) in [
        ("0.7", 0.7, "open loop, 0.7 requests/s, "),
        ("45/m", 0.75, "open loop, 0.75 requests/s (--rate 45/m), "),
        ("2/h", 2.0 / 3600.0, "open loop, 0.000555556 requests/s (--rate 2/h), "),
        ("1.5k", 1500.0, "open loop, 1,500 requests/s, "),
    ] {
        let words = ["--rate", typed, "-d", "600ms", "-c1", &address];
        let (sum, seen) = summary(&words).await;
        assert_eq!(sum.asked, Some(Asked::Rate(typed.to_owned())), "{seen:?}");
        // Not what 600 ms of it come to.
        assert!((sum.target_per_second.unwrap() - target).abs() < 1e-12, "{seen:?}");
        let printed = load(&words).await.text;
        assert!(printed.contains(text), "{printed}");
    }
    let (sum, _) = summary(&["--stages", "40:250ms,0..80:500ms", "-c4", &address]).await;
    assert_eq!(sum.asked, Some(Asked::Stages("40:250ms,0..80:500ms".to_owned())));
    assert!((sum.target_per_second.unwrap() - 40.0).abs() < 1e-6, "{sum:?}");
    let printed = load(&["--ramp", "30..90", "-d", "500ms", &address]).await.text;
    assert!(printed.contains("open loop, --ramp 30..90 (60 requests/s on average), "), "{printed}");
}

#[tokio::test]
async fn a_rate_that_was_not_reached_is_a_share_of_what_was_asked() {
    let address = slow(Duration::from_millis(50));
    // At most 40/s over two connections.
    let (sum, seen) = summary(&["--rate", "800", "-n", "30", "-c2", &address]).await;
    assert!((sum.target_per_second.unwrap() - 800.0).abs() < 1e-9, "{seen:?}");
    let achieved = sum.achieved.unwrap();
    assert!(achieved > 0.0 && achieved <= 0.06, "{achieved}");
    let shortfall = sum.doubts.iter().find_map(|doubt| match doubt {
        Doubt::Shortfall { causes, .. } => Some(causes),
        _ => None,
    });
    let busy = |cause: &Cause| matches!(cause, Cause::ConnectionsBusy { connections: 2, .. });
    assert!(shortfall.unwrap().iter().any(busy), "{seen:?}");
}

#[tokio::test]
async fn a_shortfall_warns_over_more_connections_than_requests() {
    // All are sent in time, and none is answered within the window.
    let address = slow(Duration::from_millis(900));
    let (sum, seen) = summary(&["--rate", "50", "-d", "600ms", "-c64", &address]).await;
    let later = |doubt: &Doubt| match doubt {
        Doubt::Shortfall { causes, .. } => {
            causes.iter().any(|cause| matches!(cause, Cause::AnsweredLater { .. }))
        }
        _ => false,
    };
    assert!(sum.doubts.iter().any(later), "{seen:?}");
}

#[tokio::test]
async fn a_rate_over_connections_that_cannot_be_made_says_that() {
    // Two connections, each for one request; then nothing listens there any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    on_its_own_thread(move || async move {
        let listener = TcpListener::from_std(listener).unwrap();
        let mut streams = Vec::new();
        for _ in 0..2 {
            streams.push(listener.accept().await.unwrap().0);
        }
        drop(listener);
        for mut stream in streams {
            request(&mut stream).await.unwrap();
            stream.write_all(GOOD).await.unwrap();
        }
    });
    let (sum, seen) = summary(&["-c2", "--rate", "300", "-d", "800ms", &address]).await;
    assert!(sum.sent_late.no_connection > 20, "{seen:?}");
    assert!(sum.sent_late.no_connection > sum.sent_late.connections_busy, "{seen:?}");
    let warnings = sum.warnings.join("\n");
    assert!(warnings.contains("no connection could be made (cannot connect"), "{warnings}");
}

#[tokio::test]
async fn rows_and_a_kept_result_have_the_rate_that_was_asked() {
    let address = slow(Duration::from_millis(100));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (kept, rows) = (file("kept.json"), file("rows.ndjson"));
    let words = ["--rate", "130", "-d", "1200ms", "-c1", "--save", &kept, "--ndjson", &rows];
    load(&[&words[..], &["--timeout", "300ms", &address]].concat()).await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let kept = json(&std::fs::read_to_string(kept).unwrap());
    assert_eq!(kept["target_per_second"], 130.0);
    assert_eq!(kept["asked"]["rate"], "130");
    let rows = std::fs::read_to_string(rows).unwrap();
    let rows: Vec<_> = rows.lines().map(json).collect();
    // The last row is of the time after the window, in which nothing was asked any more.
    let within = rows.iter().filter(|row| row["second"].as_u64() < Some(1));
    assert!(within.clone().count() == 1, "{rows:?}");
    for row in within {
        assert_eq!(row["target_per_second"], 130.0, "{rows:?}");
    }
}
