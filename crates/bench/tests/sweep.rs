//! `bench sweep` over a simulated app: what is printed, what is kept, and that a break loses nothing.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn sweep(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(["sweep", "--cluster", "sim", "--worker", "1,2,5,10", "--rng", "1..4"]);
    command.args(words).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    all["sweeps"][0].clone()
}

fn kept(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("run.json")).unwrap()).unwrap()
}

fn lines(run: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(run.join("samples.ndjson")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_guided_sweep_says_what_the_whole_grid_says() {
    let guided = json(&sweep(&["--output", "json"]));
    let full = json(&sweep(&["--output", "json", "--full"]));
    let cells = |findings: &Value| findings["cells"].as_array().unwrap().clone();
    let measured = |findings: &Value| {
        cells(findings).iter().filter(|cell| !cell["measured"].is_null()).count()
    };
    assert_eq!(measured(&full), 16);
    assert!(measured(&guided) <= 9, "{} of 16", measured(&guided));
    assert_eq!(guided["ridge"], full["ridge"]);
    assert_eq!(
        guided["ridge"].as_array().unwrap().len(),
        3,
        "four rng are too many for ten workers"
    );
    for (one, other) in cells(&guided).iter().zip(&cells(&full)) {
        let value = |cell: &Value| cell["hashes_per_second"]["value"].as_f64().unwrap();
        assert!((value(one) / value(other) - 1.0).abs() < 0.01, "{one} {other}");
    }
    assert!(guided["mean_absolute_error"].as_f64().unwrap() < 0.01, "{guided}");
}

#[test]
fn a_sweep_that_was_broken_off_goes_on_and_its_end_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let out = ["--output", "json", "--out", run.to_str().unwrap()];
    let whole = json(&sweep(&out));
    let all = lines(&run);
    // As if the power had gone while the fourth cell was written.
    let rest = format!("{}\n{}", all[..3].join("\n"), &all[3][..all[3].len() / 2]);
    std::fs::write(run.join("samples.ndjson"), rest).unwrap();
    let mut broken = kept(&run);
    assert_eq!(broken["stop_reason"], "done");
    broken["stop_reason"] = "running".into();
    std::fs::write(run.join("run.json"), broken.to_string()).unwrap();
    let again = json(&sweep(&out));
    let ended = kept(&run);
    assert_eq!(ended["stop_reason"], "done");
    assert_eq!((&ended["went_on"][0]["after"], &ended["began"]), (&3.into(), &broken["began"]));
    assert_eq!(lines(&run).len(), all.len());
    assert_eq!(lines(&run)[..3], all[..3], "what was measured is not measured again");
    let replicas = |findings: &Value| {
        let cells = findings["cells"].as_array().unwrap();
        cells.iter().map(|cell| cell["measured"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(replicas(&again), replicas(&whole));
}

#[test]
fn another_sweep_does_not_go_into_the_same_directory() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let out = run.to_str().unwrap();
    assert_eq!(sweep(&["--out", out]).status.code(), Some(0));
    let other = sweep(&["--out", out, "--full"]);
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("already holds a run"), "{said}");
    let other = sweep(&["--out", out, "--simulate", "rng=200ms"]);
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("--simulate"), "{said}");
    assert_eq!(kept(&run)["seed"], 1);
}

#[test]
fn what_the_model_cannot_know_is_measured_and_said() {
    // Two minutes in, everything takes twice as long: cells measured then are no longer as predicted.
    let changed = sweep(&["--output", "json", "--simulate", "rng=200ms@120s"]);
    let findings: Value = serde_json::from_slice(&changed.stdout).unwrap();
    let findings = &findings["sweeps"][0];
    assert!(findings["surprises"].as_u64().unwrap() > 0, "{findings}");
    assert_eq!(changed.status.code(), Some(3));
}

#[test]
fn policies_are_swept_one_after_the_other() {
    let output = sweep(&["--output", "json", "--policy", "round-robin,random", "--rng", "5"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "a list is given once: {words}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(["sweep", "--cluster", "sim", "--worker", "5,10", "--rng", "5", "--full"]);
    command.args(["--policy", "round-robin,random", "--output", "json"]);
    let all: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let rate = |sweep: usize| {
        let of = &all["sweeps"][sweep];
        (of["policy"].clone(), of["cells"][1]["hashes_per_second"]["value"].as_f64().unwrap())
    };
    let ((in_turn, best), (random, less)) = (rate(0), rate(1));
    assert_eq!((in_turn, random), ("round-robin".into(), "random".into()));
    // 33.33 and 28.97 with ten workers and five rng.
    assert!((less / best - 0.87).abs() < 0.02, "{best} and {less}");
}

#[test]
fn the_report_of_a_sweep_has_the_whole_grid() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_str().unwrap().to_owned();
    let text = |output: Output| {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let printed = text(sweep(&["--out", &run]));
    let report = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        text(command.args(["report", &run, "--out", "-", "--format", format]).output().unwrap())
    };
    let rows: Vec<&str> =
        printed.lines().filter(|line| line.contains("~ ") && !line.contains("cells")).collect();
    assert!(rows.len() > 2, "{printed}");
    for told in [report("table"), report("markdown")] {
        assert!(rows.iter().all(|row| told.contains(row)), "{rows:?} in {told}");
    }
    let page = report("html");
    let predicted = rows.iter().map(|row| row.matches('~').count()).sum::<usize>();
    assert_eq!(page.matches("predicted\">").count(), predicted, "{printed}");
    let said = printed.lines().rfind(|line| !line.is_empty()).unwrap();
    assert!(page.contains(said), "{said}");
}
