//! `bench compare` of recorded runs of a simulated app.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench")).args(words).output().unwrap()
}

/// A recorded run of ten workers with these settings.
fn run(folder: &Path, name: &str, settings: &[&str]) -> PathBuf {
    let run = folder.join(name);
    let mut words = vec!["scale", "--cluster", "sim", "--worker", "10", "--out"];
    words.push(run.to_str().unwrap());
    for setting in settings {
        words.extend(["--simulate", setting]);
    }
    assert_eq!(bench(&words).status.code(), Some(0));
    run
}

fn compared(first: &str, second: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let output = bench(&[&["compare", first, second], more].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn runs_are_compared_with_intervals_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, settings: &[&str]| {
        run(folder.path(), name, settings).to_str().unwrap().to_owned()
    };
    let (one, same) = (path("one", &["seed=1"]), path("same", &["seed=2"]));
    let slower = path("slower", &["rng=110ms"]);
    let (code, said, _) = compared(&one, &same, &["--fail-if-slower", "3%"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("a tie: they are within 1 % of each other; a slowdown of 3 % is ruled out"),
        "{said}"
    );
    let (code, said, _) = compared(&one, &slower, &["--fail-if-slower", "3%"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the second is slower; slower, and 3 % is not ruled out"), "{said}");
    assert!(said.contains("--fail-if-slower 3 %: failed: slower with 10 workers"), "{said}");
    let (code, said, _) = compared(&one, &slower, &["--output", "json"]);
    assert_eq!(code, Some(0), "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let change = json["replicas"][0]["change"]["value"].as_f64().unwrap();
    assert!((change + 1.0 / 11.0).abs() < 0.005, "{change}");
    let several = format!("{one},{same}");
    let (code, said, _) = compared(&several, &several, &[]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let one = run(folder.path(), "one", &[]);
    let one = one.to_str().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (code, _, said) = compared(one, empty.to_str().unwrap(), &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("it holds no run"), "{said}");
    let (code, _, said) = compared(one, "no-such-file", &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no-such-file: no such file"), "{said}");
    let (code, _, said) = compared("a.json", "b.json", &["--margin", "1%"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--margin is for directories"), "{said}");
}

#[test]
fn a_slowed_step_is_no_state_of_the_app_and_a_policy_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (slowed, policies) = (path("slowed"), path("policies"));
    let json = |words: &[&str]| -> serde_json::Value {
        let output = bench(words);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let inject = ["scale", "--worker", "10", "--inject", "rng=+100ms", "--simulate", "seed=1"];
    json(&[&inject[..], &["--out", &slowed, "--output", "json"]].concat());
    let report = json(&["report", &slowed, "--format", "json"]);
    assert_eq!(report["steps"].as_array().unwrap().len(), 1);
    assert_eq!(report["injections"].as_array().unwrap().len(), 1);
    let plan = json(&["plan", "--target", "20", "--from", &slowed, "--output", "json"]);
    assert_eq!(plan["plan"]["replicas"]["rng"], 2, "of the app as it is, not as it was slowed");
    let sweep = ["sweep", "--cluster", "sim", "--worker", "5,10", "--rng", "5", "--full"];
    let of = ["--policy", "round-robin,random", "--out", &policies, "--output", "json"];
    json(&[&sweep[..], &of].concat());
    let report = json(&["report", &policies, "--format", "json"]);
    assert_eq!(report["steps"].as_array().unwrap().len(), 4);
    assert!(report["uninjected"].is_null() && report["injections"].is_null(), "{report}");
    let compared = json(&["compare", &policies, &policies, "--output", "json"]);
    assert_eq!(compared["replicas"].as_array().unwrap().len(), 4, "{compared}");
    assert_eq!(compared["replicas"][0]["policy"], "random");
}
