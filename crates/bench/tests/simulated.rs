//! `bench scale` of simulated apps as a user types it: thousands of workers, none at all, and apps that
//! tell nothing of themselves.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use serde_json::Value;

/// The findings of a run, and its exit code.
fn scale(words: &str) -> (Value, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(["scale", "--cluster", "sim", "--output", "json"]).args(words.split(' '));
    let output = command.output().unwrap();
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

fn rate(found: &Value) -> f64 {
    found["hashes_per_second"]["value"].as_f64().unwrap()
}

/// What takes time for each pair of workers, or for each worker and replica at each look, makes this one
/// take minutes.
#[test]
fn five_thousand_workers_can_be_tried() {
    let (found, code) = scale("--worker 5000 --rng 1500 --hasher 100 --warmup 3s --duration 4s");
    let step = &found["steps"][0];
    assert_eq!(step["reporting"], 5000, "{step}");
    // 5,000 loops of 0.3 s ask for more than 1,500 rng replicas can give.
    assert!((rate(step) / 15_000.0 - 1.0).abs() < 0.03, "{}", step["hashes_per_second"]);
    assert_eq!(step["rng_replicas"].as_object().unwrap().len(), 1500);
    assert_eq!(code, Some(3), "a window so short has no verdict");
}

#[test]
fn where_nobody_can_loop_nothing_is_waited_for_and_nothing_made_up() {
    for none in ["--worker 0", "--worker 3 --rng 0", "--worker 3 --simulate tells=no --hasher 0"] {
        let (found, code) = scale(none);
        let step = &found["steps"][0];
        assert_eq!(code, Some(3), "{none}");
        assert!(step["withheld"]["reason"].as_str().unwrap().contains("scaled to 0"), "{step}");
        assert!(step["window_ms"].as_u64().unwrap() < 1000, "{none}: {}", step["window_ms"]);
        assert!(step["unseen"].as_array().is_none_or(Vec::is_empty), "{none}: {}", step["unseen"]);
        assert!(step["warnings"].as_array().is_none_or(Vec::is_empty), "{step}");
    }
}

#[test]
fn runs_of_an_app_that_tells_nothing_have_a_mean_by_the_counter() {
    let silent = "--worker 10 --rng 5 --simulate tells=no --repeat 3";
    let (found, _) = scale(&format!("{silent} --duration 30s"));
    let mean = &found["repetitions"][0];
    assert_eq!(mean["runs"], 3, "{found}");
    assert!((rate(mean) / 33.33 - 1.0).abs() < 0.03, "{mean}");
    let (short, _) = scale(&format!("{silent} --duration 5s"));
    assert!(short["repetitions"].is_null(), "{short}");
    assert!(short["unrepeated"].as_str().unwrap().contains("too short"), "{short}");
}

#[test]
fn a_window_that_ends_by_time_says_what_kept_it_open() {
    let (found, _) =
        scale("--worker 10 --rng 5 --precision 0.2% --max-duration 31s --simulate policy=random");
    let stopped = &found["steps"][0]["stopped"];
    let reason = stopped["reason"].as_str().unwrap();
    assert!(reason.starts_with("31 s were over (--max-duration); "), "{stopped}");
    assert!(reason.ends_with("the interval was wider than was asked"), "{stopped}");
}

#[test]
fn a_warm_up_is_cut_and_what_only_scatters_is_not() {
    let warm_up = |words: &str| {
        let (found, _) = scale(words);
        let step = &found["steps"][0];
        (step["warm_up"]["rule"].as_str().unwrap().to_owned(), rate(step))
    };
    let slow = "--worker 10 --rng 1 --simulate rng=110ms --simulate rng=100ms@20s";
    let (rule, value) = warm_up(slow);
    assert_eq!(rule, "throughput had not settled before (MSER-5)");
    assert!((value - 10.0).abs() < 0.02, "{value}");
    for seed in 1..=4 {
        for rng in [2, 5, 8] {
            let same = format!("--worker 10 --rng {rng} --simulate policy=random");
            let (rule, _) = warm_up(&format!("{same} --simulate seed={seed}"));
            assert_eq!(rule, "two flush periods and ten loops", "{rng} rng, seed {seed}");
        }
    }
}

#[test]
fn what_a_simulated_app_has_no_use_for_is_refused() {
    for wrong in ["--webui-port 9000", "--bind 0.0.0.0", "--redis somewhere", "--precision 0.1%"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.args(["scale", "--cluster", "sim"]).args(wrong.split(' '));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}
