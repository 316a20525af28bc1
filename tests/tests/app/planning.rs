//! `bench plan` from a recorded run.

use app_tests::{Ended, Place, Process};

/// `bench` with these words and no others.
async fn bench(place: &Place, words: &[&str]) -> Ended {
    Process::start(&mut place.plain(words)).end().await
}

/// rng takes 40 ms, so that it is what 60 hashes a second need most of.
#[tokio::test]
async fn a_recorded_run_tells_what_a_rate_takes() {
    let place = Place::fast().with("RNG_SERVICE_TIME", "40ms");
    let run = place.folder().join("run");
    let out = run.to_str().unwrap();
    let words = ["scale", "--worker", "4", "--duration", "4s", "--warmup", "1s", "--out", out];
    let measured = place.run(&[&words[..], &["--output", "json"]].concat()).await;
    let value = measured.json()["steps"][0]["hashes_per_second"]["value"].as_f64().unwrap();
    let words = ["plan", "--target", "60", "--from", out, "--output", "json"];
    let ended = bench(&place, &words).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let advice = ended.json();
    let now = advice["now_per_second"]["value"].as_f64().unwrap();
    assert!((now / value - 1.0).abs() < 0.1, "{now} simulated, {value} measured");
    // 60 a second of 40 ms each are 2.4 replicas' work, and a little more where timers are late.
    let rng = advice["plan"]["replicas"]["rng"].as_u64().unwrap();
    assert!((3..=4).contains(&rng), "{advice}");
    assert_eq!(advice["now"]["worker"], 4, "{advice}");

    let ended = bench(&place, &["plan", "--target", "60", "--from", "nowhere"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--from nowhere"), "{}", ended.stderr);
}
