//! `bench scale` with an app of its own: its results in every format, and that they are right.

use app_tests::Place;
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// At nominal speed two workers, each 0.3 s for a loop, make 6.67 hashes/s.
#[tokio::test]
async fn a_long_enough_window_ends_with_a_right_rate_and_a_verdict() {
    let place = Place::nominal();
    let words = ["scale", "--worker", "2", "--rng", "1", "--output", "json"];
    let timing = ["--warmup", "500ms", "--duration", "13500ms"];
    let ended = place.run(&[&words[..], &timing].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    let step = &json["steps"][0];
    let rate = &step["hashes_per_second"];
    let bound = (2.0_f64 / 0.3).min(10.0);
    let value = number(&rate["value"]);
    assert!(value > 0.9 * bound && value < 1.02 * bound, "{value} hashes/s for a bound of {bound}");
    assert!(number(&rate["low"]) <= value && value <= number(&rate["high"]), "{rate}");
    let closure = number(&step["closure"]);
    assert!((closure - 1.0).abs() < 0.02, "closure {closure}");
    assert_eq!(step["bottleneck"]["service"], "worker");
    let sentence = step["bottleneck"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("busy"), "no evidence in: {sentence}");
    assert!(step["withheld"].is_null());
    let rng = step["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == "rng");
    let utilisation = number(&rng.unwrap()["utilisation"]);
    assert!(utilisation > 0.55 && utilisation < 0.72, "rng is {utilisation} busy, not 2 in 3");
    assert!(place.app_folders().is_empty());
}

#[tokio::test]
async fn json_has_every_field_that_is_promised() {
    let place = Place::fast();
    let words = ["scale", "--worker", "2", "--output", "json", "--warmup", "0"];
    let ended = place.run(&[&words[..], &["--duration", "1s"]].concat()).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let json = ended.json();
    assert_eq!(json["schema_version"], 1);
    assert!(json["cluster"].as_str().unwrap().starts_with("local"), "{json}");
    let step = &json["steps"][0];
    for field in ["worker", "rng", "hasher"] {
        assert!(step["replicas"][field].is_u64(), "replicas.{field} in {step}");
    }
    for rate in ["hashes_per_second", "coins_per_second"] {
        for field in ["value", "low", "high"] {
            assert!(step[rate][field].is_f64(), "{rate}.{field} in {step}");
        }
    }
    assert!(step["closure"].is_f64() && step["warnings"].is_array(), "{step}");
    let stages = step["stages"].as_array().unwrap();
    let names: Vec<_> = stages.iter().filter_map(|stage| stage["name"].as_str()).collect();
    for name in ["think", "rng", "hasher", "redis"] {
        assert!(names.contains(&name), "no {name} among {names:?}");
    }
    let fields = [
        "replicas",
        "calls_per_second",
        "p50_ms",
        "p90_ms",
        "p99_ms",
        "max_ms",
        "utilisation",
        "waiting",
        "present",
    ];
    for stage in stages {
        for field in fields {
            assert!(stage.get(field).is_some(), "no {field} in {stage}");
        }
    }
}

#[tokio::test]
async fn a_window_too_short_for_a_verdict_says_how_long_it_should_be() {
    let place = Place::fast();
    let ended = place.run(&["scale", "--duration", "500ms", "--warmup", "0"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("No verdict"), "{}", ended.stdout);
    assert!(ended.stdout.contains("too short") && ended.stdout.contains("--duration"));
    assert!(ended.stdout.contains("hashes/s") && ended.stdout.contains("coins/s"));
    assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_list_is_measured_step_by_step_and_summed_up() {
    let place = Place::fast();
    let words = ["scale", "--worker", "1,2", "--duration", "500ms", "--warmup", "0"];
    let ended = place.run(&words).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let text = &ended.stdout;
    let place_of = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
    assert!(place_of("1 worker, 1 rng, 1 hasher") < place_of("2 workers, 1 rng, 1 hasher"));
    let summary = text.lines().filter(|line| line.contains("withheld")).count();
    assert_eq!(summary, 2, "one row for each step in the summary of\n{text}");
}

#[tokio::test]
async fn csv_has_a_row_for_each_stage_of_each_step() {
    let place = Place::fast();
    let words = ["scale", "--worker", "1,2", "--duration", "500ms", "--warmup", "0"];
    let ended = place.run(&[&words[..], &["--output", "csv"]].concat()).await;
    let rows: Vec<Vec<_>> = ended.stdout.lines().map(|row| row.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|head| *head == name).unwrap();
    let (worker, stage) = (column("worker"), column("stage"));
    for name in ["worker", "rng", "hasher", "hashes_per_second", "p99_ms"] {
        column(name);
    }
    for count in ["1", "2"] {
        let stages = rows[1..].iter().filter(|row| row[worker] == count).map(|row| row[stage]);
        let stages: Vec<_> = stages.collect();
        assert!(["think", "rng", "hasher"].iter().all(|name| stages.contains(name)), "{stages:?}");
    }
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{}", ended.stdout);
}

#[tokio::test]
async fn markdown_has_a_section_for_each_step() {
    let place = Place::fast();
    let words = ["scale", "--worker", "1,2", "--duration", "500ms", "--warmup", "0"];
    let ended = place.run(&[&words[..], &["--output", "markdown"]].concat()).await;
    let heads: Vec<_> = ended.stdout.lines().filter(|line| line.starts_with("### ")).collect();
    assert_eq!(heads.len(), 3, "two steps and a summary in\n{}", ended.stdout);
    assert!(ended.stdout.lines().any(|line| line.starts_with('|')));
    assert!(!ended.stdout.contains('\x1b'), "colours in a file");
}
