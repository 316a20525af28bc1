//! Clocks that are wrong in the running app. A file shifts the clock of a service: at its start or while
//! it runs.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

use std::fs;
use std::time::Duration;

use app_tests::{Place, Process};
use serde_json::Value;

const SCALE: [&str; 9] =
    ["scale", "--worker", "2", "--warmup", "1s", "--duration", "12s", "--output", "json"];
/// From starting that until well into its window, and until somewhat later.
const IN_THE_WINDOW: Duration = Duration::from_secs(7);
const LATER: Duration = Duration::from_secs(3);
/// A measurement and all around it, on a machine that does other things too.
const LONG: Duration = Duration::from_mins(1);

/// The result for the only step.
async fn step(measuring: Process) -> Value {
    let ended = measuring.end_within(LONG).await;
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    ended.json()["steps"][0].clone()
}

/// A place with a file that shifts the clock of what this variable is of, by so many seconds.
fn shifting(variable: &str, seconds: &str) -> (Place, impl Fn(&str) + use<>) {
    let place = Place::fast();
    let file = place.folder().join("offset");
    let place = place.with(variable, &file.to_string_lossy());
    let set = move |seconds: &str| {
        // In one go, so that no part of it is read.
        let new = file.with_extension("new");
        fs::write(&new, seconds).unwrap();
        fs::rename(new, &file).unwrap();
    };
    set(seconds);
    (place, set)
}

#[tokio::test]
async fn no_rate_is_reported_where_webui_s_clock_is_set_during_the_window() {
    for (before, during, way) in
        [("0", "3600", "forward by 60 min"), ("3600", "0", "back by 60 min")]
    {
        let (place, set) = shifting("WEBUI_CLOCK_OFFSET", before);
        let up = place.up(&["--worker", "2"]).await;
        let measuring = place.start(&SCALE);
        tokio::time::sleep(IN_THE_WINDOW).await;
        set(during);
        tokio::time::sleep(LATER).await;
        let step = step(measuring).await;
        let reason = step["withheld"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("webui's clock was set") && reason.contains(way), "{step}");
        assert_eq!(step["hashes_per_second"]["value"], 0.0, "{step}");
        assert_eq!(up.stop().await.code, Some(0));
    }
}

/// A worker dates its reports by the clock at its start, and measures time by one that nobody sets.
#[tokio::test]
async fn workers_with_another_clock_are_measured_as_any_others() {
    let (place, set) = shifting("WORKER_CLOCK_OFFSET", "3600");
    let up = place.up(&["--worker", "2"]).await;
    let seen = up.json("/api/observation?by=worker").await;
    let ahead = |worker: &Value| {
        let [made, now] = [&worker["at_us"], &seen["now_us"]].map(|at| at.as_f64().unwrap());
        (made - now) / 1e6
    };
    for worker in seen["workers"].as_array().unwrap() {
        assert!((3500.0..=3610.0).contains(&ahead(worker)), "{worker}");
    }
    let measuring = place.start(&SCALE);
    tokio::time::sleep(IN_THE_WINDOW).await;
    set("-3600");
    let step = step(measuring).await;
    let text = step.to_string();
    assert!(!text.contains("clock of worker") && !text.contains("webui's clock"), "{text}");
    assert!(step["hashes_per_second"]["value"].as_f64() > Some(0.0), "{text}");
    assert_eq!(up.stop().await.code, Some(0));
}
