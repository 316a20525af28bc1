//! `--find-max`: the highest rate that is still good.

use std::net::SocketAddr;
use std::time::Duration;

use load::command::Trouble;
use load::plan::Refusal;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::support::{GOOD, Seen, load, request, serve, typed};

/// One request at a time over all connections, 5 ms each: at most 200 a second. Every `nth` answer is
/// an error.
fn narrow(nth: usize) -> SocketAddr {
    let turn = std::sync::Arc::new(tokio::sync::Mutex::new(0));
    serve(move |mut stream, _| {
        let turn = std::sync::Arc::clone(&turn);
        async move {
            while request(&mut stream).await.is_some() {
                let mut turn = turn.lock().await;
                *turn += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
                let bad = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
                let answer = if *turn % nth == 0 { bad } else { GOOD };
                stream.write_all(answer).await.unwrap();
            }
        }
    })
}

async fn searched(address: SocketAddr, more: &[&str]) -> (Seen, Value) {
    let address = address.to_string();
    let words = ["--find-max", "-c8", "-d", "300ms", "--warmup", "50ms", "--json", &address];
    let seen = load(&[&words[..], more].concat()).await;
    let found = serde_json::from_str(&seen.text).unwrap();
    (seen, found)
}

#[tokio::test]
async fn the_highest_good_rate_is_bracketed() {
    let (seen, found) = searched(narrow(usize::MAX), &["--slo", "p50<200ms"]).await;
    assert_eq!(seen.exit(), 0, "{seen:?}");
    let (met, missed) = (&found["met_per_second"], &found["missed_per_second"]);
    let steps = found["steps"].as_array().unwrap();
    let ended_at = |rate: &Value, met: bool| {
        steps.iter().filter(|step| step["target_per_second"] == *rate && step["met"] == met).count()
    };
    assert!(ended_at(met, true) >= 2 && ended_at(missed, false) >= 1, "{found}");
    let (met, missed) = (met.as_f64().unwrap(), missed.as_f64().unwrap());
    // How near 200 it comes is up to what else the machine does.
    assert!(met < missed && met <= 220.0, "{found}");
    assert!(found["conclusion"].as_str().unwrap().contains("lies between"), "{found}");
}

#[tokio::test]
async fn a_rate_with_errors_is_good_only_where_they_are_allowed() {
    // Of a step at a quarter of the capacity some requests fail for sure.
    let (_, found) = searched(narrow(2), &["--slo", "max<10s"]).await;
    let first = &found["steps"][0];
    assert!(first["met"] == false && first["errors"].as_f64().unwrap() > 0.0, "{found}");
    assert!(first["verdict"].as_str().unwrap().contains("of all requests failed"), "{found}");
    let (_, found) = searched(narrow(2), &["--slo", "max<10s", "--max-errors", "100%"]).await;
    let steps = found["steps"].as_array().unwrap();
    let good = |step: &&Value| step["met"] == true && step["errors"].as_f64() > Some(0.0);
    assert!(steps.iter().any(|step| good(&step)), "{found}");
    let blamed = |step: &Value| step["verdict"].as_str().unwrap().contains("requests failed");
    assert!(!steps.iter().any(blamed), "{found}");
}

#[tokio::test]
async fn a_search_has_no_rows() {
    let words = ["--find-max", "--slo", "p50<1s", "-o", "csv", "127.0.0.1:1"];
    let seen = load(&words).await;
    assert!(matches!(seen.ending, Err(Trouble::Refused(Refusal::RowsOfSearch))), "{seen:?}");
    for file in ["--csv", "--ndjson", "--hgrm", "--hlog"] {
        let words = ["--find-max", "--slo", "p50<1s", file, "rows", "127.0.0.1:1"];
        let refused = typed(&words).unwrap_err().to_string();
        assert!(refused.contains("cannot be used with"), "{refused}");
    }
}
