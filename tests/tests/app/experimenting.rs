//! An experiment on the running app: rng is slower at every replica while it lasts, and as before
//! afterwards. What rng says it worked is compared, which no slow machine changes. Then bench's own
//! experiments, which it begins, renews, and ends.

use std::net::SocketAddr;
use std::time::Duration;

use app_tests::http::{Reply, request};
use app_tests::wait::eventually;
use app_tests::{Place, Up};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Two windows and all around them, on a machine that does other things too.
const LONG: Duration = Duration::from_secs(55);

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

/// One rng of 40 ms is what five workers wait for: the rate falls by as much as its time grows.
#[tokio::test]
async fn bench_makes_rng_slower_and_says_what_the_rate_depends_on() {
    let place = Place::fast().with("RNG_SERVICE_TIME", "40ms");
    let up = place.up(&["--worker", "5"]).await;
    let words = ["scale", "--inject", "rng=+20ms", "--output", "json"];
    let timing = ["--duration", "13s", "--warmup", "1s"];
    let ended = place.start(&[&words[..], &timing].concat()).end_within(LONG).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    assert_eq!(json["steps"].as_array().unwrap().len(), 1, "{json}");
    let found = &json["injections"][0];
    let number = |value: &Value| value.as_f64().unwrap();
    let [before, with] = [0, 1].map(|window| number(&found["time_ms"][window]));
    assert!((39.0..=41.0).contains(&before) && (59.0..=61.0).contains(&with), "{found}");
    let elasticity = number(&found["elasticity"]["value"]);
    assert!((0.8..=1.2).contains(&elasticity), "{found}");
    carries_out(&up, 5, None).await;
    assert_eq!(experiment(up.webui, "GET", "").await.status, 404);
}

/// What is asked for lasts 20 s by itself: a window as long ends later only if it is renewed.
#[tokio::test]
async fn bench_sweeps_with_another_policy_for_as_long_as_it_measures() {
    let place = Place::fast();
    let up = place.up(&["--worker", "3", "--rng", "2"]).await;
    let run = place.folder().join("run");
    let words = ["sweep", "--worker", "3", "--policy", "random", "--out", run.to_str().unwrap()];
    let timing = ["--duration", "21s", "--warmup", "1s"];
    let ended = place.start(&[&words[..], &timing].concat()).end_within(LONG).await;
    // A machine that does other things may leave the cell without a verdict.
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    let samples = std::fs::read_to_string(run.join("samples.ndjson")).unwrap();
    let cell: Value = serde_json::from_str(samples.lines().next().unwrap()).unwrap();
    let told = cell["carried_out"].as_array().unwrap();
    assert_eq!(told.len(), 1, "one policy for all of the window: {told:?}");
    assert_eq!(told[0]["policy"], "random");
    let workers = cell["last"]["workers"].as_array().unwrap();
    assert!(workers.iter().all(|worker| worker["policy"] == "random"), "{workers:?}");
    carries_out(&up, 3, None).await;
    assert_eq!(experiment(up.webui, "GET", "").await.status, 404);
}

#[tokio::test]
async fn an_interrupted_bench_leaves_no_experiment() {
    let place = Place::fast();
    let up = place.up(&["--worker", "3"]).await;
    let words = ["sweep", "--worker", "3", "--policy", "random", "--duration", "1m"];
    let sweeping = place.start(&words);
    eventually("workers that spread at random", async || {
        let seen = up.json("/api/observation?by=worker").await;
        let told = |report: &Value| report["experiment"]["policy"] == "random";
        let reports = seen["workers"].as_array()?;
        (reports.len() == 3 && reports.iter().all(told)).then_some(())
    })
    .await;
    sweeping.signal(Signal::INT);
    assert_eq!(sweeping.end().await.code, Some(130));
    assert_eq!(experiment(up.webui, "GET", "").await.status, 404, "not in 20 s, but now");
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
    for words in [&["scale", "--inject", "rng=+10ms"][..], &["sweep", "--policy", "random"]] {
        let ended = place.run(words).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(4), ""), "{ended:?}");
        for part in ["experiments are off", "WEBUI_ALLOW_EXPERIMENTS=true", "bench up"] {
            assert!(ended.stderr.contains(part), "no {part} in {}", ended.stderr);
        }
    }
}
