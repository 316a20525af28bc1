//! `bench scale --out`: what a run directory holds, and a disk that does not take it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use app_tests::{Ended, Place, Process};
use serde_json::Value;

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

async fn scale(place: &Place, out: &Path) -> Ended {
    let words = ["scale", "--worker", "1,2", "--output", "json", "--warmup", "0"];
    let mut command = place.command(&[&words[..], &["--duration", "300ms"]].concat());
    Process::start(command.arg("--out").arg(out)).end().await
}

#[tokio::test]
async fn a_run_directory_holds_what_was_asked_seen_and_found() {
    let place = Place::fast();
    let out = place.folder().join("runs/first");
    let ended = scale(&place, &out).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let findings: Value = serde_json::from_str(&read(&out, "findings.json")).unwrap();
    assert_eq!(findings, ended.json());
    let run: Value = serde_json::from_str(&read(&out, "run.json")).unwrap();
    assert_eq!(run["stop_reason"], "done");
    assert_eq!(run["cluster"], findings["cluster"]);
    assert!(run["command"].as_array().unwrap().iter().any(|word| word == "1,2"), "{run}");
    for field in ["schema_version", "bench_version", "began", "host"] {
        assert!(!run[field].is_null(), "no {field} in {run}");
    }
    let samples = read(&out, "samples.ndjson");
    let steps: Vec<Value> =
        samples.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let workers: Vec<_> = steps.iter().map(|step| step["replicas"]["worker"].as_u64()).collect();
    assert_eq!(workers, [Some(1), Some(2)]);
    let mut names: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["findings.json", "run.json", "samples.ndjson"]);

    let again = scale(&place, &out).await;
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("already holds a run"), "{}", again.stderr);
    assert_eq!(read(&out, "samples.ndjson"), samples);
}

/// `/dev/full` takes nothing, as a full disk does.
#[tokio::test]
async fn on_a_full_disk_the_results_are_still_printed() {
    let place = Place::fast();
    let out = place.folder().join("run");
    fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink("/dev/full", out.join("samples.ndjson")).unwrap();
    let ended = scale(&place, &out).await;
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let step = &ended.json()["steps"][0];
    assert!(step["hashes_per_second"]["value"].as_f64().is_some_and(|rate| rate > 0.0), "{step}");
    for part in ["samples.ndjson", "No space left", "printed"] {
        assert!(ended.stderr.contains(part), "no {part} in {}", ended.stderr);
    }
    assert!(place.app_folders().is_empty());
}

#[tokio::test]
async fn an_unusable_directory_is_refused_before_anything_starts() {
    let place = Place::fast();
    let file = place.folder().join("file");
    fs::write(&file, "not a directory").unwrap();
    for out in [file.as_path(), &file.join("below"), Path::new("/proc/nowhere")] {
        let ended = scale(&place, out).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("--out") && ended.stdout.is_empty(), "{ended:?}");
    }
    assert!(!place.folder().join("dockercoins").exists(), "an app was started all the same");
}

/// Whoever frees the port types the same command again.
#[tokio::test]
async fn an_app_that_did_not_start_leaves_no_run_behind() {
    let place = Place::fast();
    let out = place.folder().join("run");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let words = ["scale", "--rng-port", &port, "--duration", "100ms", "--warmup", "0"];
    let words = [&words[..], &["--out", out.to_str().unwrap()]].concat();
    let refused = place.run(&words).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    drop(taken);
    let again = place.run(&words).await;
    assert_eq!(again.code, Some(3), "{again:?}");
}
