//! An experiment on the running app: rng is slower at every replica while it lasts, and as before
//! afterwards. What rng says it worked is compared, which no slow machine changes.

use std::net::SocketAddr;

use app_tests::http::{Reply, request};
use app_tests::wait::eventually;
use app_tests::{Place, Up};
use serde_json::{Value, json};

async fn experiment(webui: SocketAddr, method: &str, body: &str) -> Reply {
    let asked = request(webui, method, "/api/experiment", body.as_bytes()).await;
    asked.unwrap_or_else(|error| panic!("{method}: {error}"))
}

/// The app's observation once every worker tells that it carries out so many microseconds at rng.
async fn carries_out(up: &Up, workers: usize, rng_us: Option<u64>) -> Value {
    eventually(&format!("{rng_us:?} us at rng"), async || {
        let seen = up.json("/api/observation?by=worker").await;
        let reports = seen["workers"].as_array()?;
        let all = reports.iter().all(|report| report["experiment"]["rng_us"].as_u64() == rng_us);
        (all && reports.len() == workers).then_some(seen)
    })
    .await
}

/// What rng says it worked for each of the next hundred requests or more, in microseconds.
async fn service_us(up: &Up, earlier: &Value) -> u64 {
    let stage = |seen: &Value| {
        let stage = &seen["merged"]["stages"]["rng_service"];
        (stage["sum_us"].as_u64().unwrap_or(0), stage["count"].as_u64().unwrap_or(0))
    };
    let (sum_before, before) = stage(earlier);
    eventually("a hundred answers of rng", async || {
        let (sum, count) = stage(&up.json("/api/observation?by=worker").await);
        let more = count - before;
        (more >= 100).then(|| (sum - sum_before) / more)
    })
    .await
}

#[tokio::test]
async fn rng_is_slower_by_the_delay_until_the_experiment_is_taken_away() {
    // Workers read where replicas are in its folder, for as long as it lives.
    let place = Place::fast();
    let up = place.up(&["--worker", "3", "--rng", "2"]).await;
    up.goes_on(10).await;
    let before = carries_out(&up, 3, None).await;
    assert_eq!(service_us(&up, &before).await, 10_000);

    let body = json!({ "rng_us": 10_000, "seconds": 600 }).to_string();
    assert_eq!(experiment(up.webui, "PUT", &body).await.status, 200);
    let during = carries_out(&up, 3, Some(10_000)).await;
    // One loop of each worker may have been under way at its first such report.
    let slower = service_us(&up, &during).await;
    assert!((19_700..=20_000).contains(&slower), "{slower} us");
    let told = experiment(up.webui, "GET", "").await.json();
    assert_eq!(told["rng_us"], 10_000);

    assert_eq!(experiment(up.webui, "DELETE", "").await.status, 204);
    let after = carries_out(&up, 3, None).await;
    let as_before = service_us(&up, &after).await;
    assert!((10_000..=10_300).contains(&as_before), "{as_before} us");
}

#[tokio::test]
async fn a_variable_forbids_what_bench_allows() {
    let place = Place::fast().with("WEBUI_ALLOW_EXPERIMENTS", "false");
    let place = place.with("WORKER_ALLOW_EXPERIMENTS", "false");
    let up = place.up(&[]).await;
    // Waits until webui answers at all.
    assert_eq!(up.json("/health").await["experiments"], false);
    let answer = experiment(up.webui, "PUT", r#"{"seconds":1}"#).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
}
