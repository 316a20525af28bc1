//! Clocks that are set by an hour while bench measures: no rate is reported from them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

/// Measures a simulated app with this setting; exit code, findings and what is printed for people.
fn measured(setting: &str) -> (Option<i32>, serde_json::Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let bench = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(words).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let words = ["scale", "--cluster", "sim", "--worker", "10", "--rng", "5", "--duration", "30s"];
    let more = ["--simulate", setting, "--out", run.to_str().unwrap()];
    let (code, text) = bench(&[&words[..], &more].concat());
    let (_, json) = bench(&["report", run.to_str().unwrap(), "--format", "json"]);
    (code, serde_json::from_str(&json).unwrap(), text)
}

#[test]
fn no_rate_is_reported_from_a_clock_that_is_set_by_an_hour() {
    for (setting, whose) in [
        ("clock=+1h@25s", "webui's clock was set forward by 60 min"),
        ("clock=-1h@25s", "webui's clock was set back by 60 min"),
        ("worker-clock=+1h@25s", "was set forward by 60 min"),
        ("worker-clock=-1h@25s", "was set back by 60 min"),
    ] {
        let (code, json, text) = measured(setting);
        let step = &json["steps"][0];
        let reason = step["withheld"]["reason"].as_str().unwrap_or_else(|| panic!("{step:#}"));
        assert!(reason.contains(whose), "{setting}: {reason}");
        assert_eq!(code, Some(3), "{setting}: {text}");
        assert_eq!(step["hashes_per_second"]["value"], 0.0);
        let kind = if setting.starts_with("clock") { "webui" } else { "worker" };
        assert_eq!(step["clock_steps"][0]["clock"]["kind"], kind);
        assert!(text.contains(whose) && !text.contains("hashes/s"), "{setting}: {text}");
    }
}

#[test]
fn a_clock_that_is_set_before_or_after_the_window_spoils_nothing() {
    for setting in ["clock=-1h@1s", "worker-clock=+1h@1s", "clock=+1h@5m"] {
        let (code, json, text) = measured(setting);
        assert_eq!(code, Some(0), "{setting}: {text}");
        let rate = json["steps"][0]["hashes_per_second"]["value"].as_f64().unwrap();
        assert!((rate - 33.2).abs() < 1.0, "{setting}: {rate}");
    }
}
