//! When requests are sent.

use crate::support::{GOOD, answer_all, serve, summary};

#[tokio::test]
async fn a_rate_is_kept_to_the_request() {
    let address = serve(|stream, _| answer_all(stream, GOOD)).to_string();
    for words in [&["--rate", "500"][..], &["--rate", "500", "-t2"]] {
        let (summary, seen) = summary(&[words, &["-d", "1s", &address]].concat()).await;
        assert_eq!(
            (summary.scheduled, summary.sent, summary.requests),
            (500, 500, 500),
            "{seen:?}"
        );
        assert!((summary.target_per_second.unwrap() - 500.0).abs() < 1e-6);
        assert!(summary.lateness.count == 500 && summary.lateness.min_ms.unwrap() >= 0.0);
    }
}

#[tokio::test]
async fn a_number_of_requests_at_a_rate_has_that_rate() {
    let address = serve(|stream, _| answer_all(stream, GOOD)).to_string();
    let (summary, seen) = summary(&["--rate", "400", "-n", "80", &address]).await;
    assert!(summary.target_per_second.unwrap() <= 400.0 + 1e-6, "{seen:?}");
    assert!(summary.window_s >= 0.2, "{seen:?}");
}

#[tokio::test]
async fn a_warmup_is_sent_and_not_counted() {
    let address = serve(|stream, _| answer_all(stream, GOOD)).to_string();
    for words in [&["--rate", "100", "-n20"][..], &["-n20", "-c2"], &["-n20", "--ramp", "50..150"]]
    {
        let words = [words, &["--warmup", "200ms", &address]].concat();
        let (summary, seen) = summary(&words).await;
        assert_eq!((summary.requests, summary.latency.count), (20, 20), "{seen:?}");
        assert!(summary.bytes.sent < 20 * 200, "{seen:?}");
    }
}

#[tokio::test]
async fn stages_and_random_arrivals_come_to_their_number() {
    let address = serve(|stream, _| answer_all(stream, GOOD)).to_string();
    let (stages, _) = summary(&["--stages", "100:500ms,100..300:500ms", &address]).await;
    assert_eq!((stages.scheduled, stages.requests), (150, 150));
    let words = ["--rate", "400", "-d", "1s", "--arrival", "poisson", "--seed", "3", &address];
    let (random, _) = summary(&words).await;
    // Five standard deviations.
    assert!(random.scheduled.abs_diff(400) < 100, "{}", random.scheduled);
    assert_eq!((random.arrival.as_str(), random.requests), ("poisson", random.scheduled));
}

#[tokio::test]
async fn a_closed_loop_waits_for_each_answer() {
    let address = serve(|mut stream, _| async move {
        while crate::support::request(&mut stream).await.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, GOOD).await;
        }
    });
    let (summary, seen) = summary(&["-c2", "-d", "500ms", &address.to_string()]).await;
    assert!((2..=50).contains(&summary.requests), "{seen:?}");
    assert!(summary.latency.min_ms.unwrap() >= 20.0 && summary.is_closed());
    assert!(summary.doubts.contains(&load::summary::Doubt::ClosedLoop), "{summary:?}");
}
