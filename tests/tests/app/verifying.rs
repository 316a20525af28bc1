//! `bench scale --verify`: the best next action is predicted, done, and scored.

use std::time::Duration;

use app_tests::{Place, within};
use serde_json::Value;

/// A window of 12 s and all around it, on a machine that does other things too.
const LONG: Duration = Duration::from_mins(1);

/// Five workers and one rng that takes twice as long as the rest of their loop: a second rng makes twice
/// as many.
#[tokio::test]
async fn the_prediction_is_written_down_before_it_is_tried_and_what_was_changed_is_put_back() {
    let place = Place::fast().with("RNG_SERVICE_TIME", "40ms");
    let up = place.up(&["--worker", "5"]).await;
    let run = place.folder().join("run");
    let words = ["scale", "--verify", "--duration", "12s", "--warmup", "1s", "--output", "json"];
    let out = ["--out", run.to_str().unwrap()];
    let mut verifying = place.start(&[&words[..], &out].concat());
    let prediction = run.join("prediction.json");
    let kept = within(LONG, "the prediction", async || {
        let kept = std::fs::read(&prediction).ok();
        (kept.is_some() || verifying.has_ended()).then_some(kept)
    });
    let Some(kept) = kept.await else { panic!("no prediction: {:?}", verifying.end().await) };
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    let measured = std::fs::read_to_string(run.join("samples.ndjson")).unwrap().lines().count();
    assert_eq!(measured, 1, "told before it was tried");
    let ended = verifying.end_within(LONG).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    let verification = &json["verification"];
    assert_eq!(verification["prediction"]["from"]["rng"], 1, "{json}");
    assert_eq!(verification["prediction"]["to"]["rng"], 2, "{json}");
    let value = |of: &Value| of["value"].as_f64().unwrap();
    let (before, then) =
        (value(&verification["prediction"]["measured"]), value(&verification["measured"]));
    // Two rng of 40 ms each, or what five workers can do: well above one.
    assert!(then > 1.4 * before, "{before} and then {then} hashes/s");
    assert_eq!(json["steps"].as_array().unwrap().len(), 2);
    let sentence = verification["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("rng 1 to 2: ") && sentence.contains("the prediction"),
        "{sentence}"
    );
    assert_eq!(kept["hashes_per_second"], verification["prediction"]["hashes_per_second"]);
    let modified = |name: &str| std::fs::metadata(run.join(name)).unwrap().modified().unwrap();
    assert!(
        modified("prediction.json") < modified("samples.ndjson"),
        "told before it was measured"
    );
    let again =
        place.run(&["scale", "--duration", "1s", "--warmup", "0", "--output", "json"]).await;
    assert_eq!(again.json()["steps"][0]["replicas"]["rng"], 1, "{again:?}");
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn without_a_verdict_nothing_is_tried() {
    let place = Place::fast();
    let ended = place.run(&["scale", "--verify", "--duration", "500ms", "--warmup", "0"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("Not verified: without a verdict"), "{}", ended.stdout);
}
