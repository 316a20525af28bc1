//! Clocks that are set by an hour while bench measures: no rate is reported from them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use bench::analyse::{Clock, StepFindings};
use bench::cluster::Status;
use bench::measure::{App, Spares, Window};

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

/// A webui like the original's, whose clock is set by `seconds` at its thirtieth response.
fn webui_set_by(seconds: f64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut answered = 0;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line.ends_with("\r\n\r\n") {
                    let known = line.starts_with("GET /json ");
                    answered += u32::from(known);
                    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                    let now = since.as_secs_f64() + if answered > 30 { seconds } else { 0.0 };
                    let body =
                        format!(r#"{{"coins":{answered},"hashes":"{answered}","now":{now}}}"#);
                    let status = if known { "200 OK" } else { "404 Not Found" };
                    let head =
                        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
                    if reader.get_mut().write_all((head + &body).as_bytes()).is_err() {
                        break;
                    }
                    line.clear();
                }
            }
        }
    });
    address
}

/// What is found in a window of fifty readings of it.
async fn found(seconds: f64) -> StepFindings {
    let webui = vec![webui_set_by(seconds)];
    let status = Status { pid: None, webui, rng: vec![], hasher: vec![], services: vec![] };
    let mut app = App::new(&status);
    let first = app.observe().await.unwrap();
    let mut watch = |window: Window<'_>| window.counter.len() < 50;
    let readings = app.read_window(Spares::None, &mut watch).await.unwrap();
    let last = app.observe().await.unwrap();
    let samples = serde_json::json!({
        "replicas": { "worker": 1, "rng": 1, "hasher": 1 },
        "settled_after_ms": 0,
        "window_ms": 2500,
        "counter": readings.counter,
        "clocks": readings.clocks,
        "workers": readings.workers,
        "moments": readings.moments,
        "first": first,
        "last": last,
        "stations": { "rng": null, "hasher": null },
        "restarts": 0,
        "failed_readings": readings.failed,
    });
    bench::analyse::step(&serde_json::from_value(samples).unwrap())
}

#[tokio::test]
async fn a_server_whose_clock_is_set_is_found_by_the_monotonic_one() {
    for (by, minutes) in [(3_600.0, 60), (-3_600.0, -60)] {
        let found = found(by).await;
        let [step] = &found.clock_steps[..] else { panic!("{:?}", found.clock_steps) };
        assert_eq!(
            (&step.clock, (step.seconds / 60.0).round()),
            (&Clock::Webui, f64::from(minutes))
        );
        assert!(found.rate_is_withheld() && found.withheld.is_some());
    }
    let sound = found(0.0).await;
    assert_eq!(sound.clock_steps, []);
    assert!(sound.hashes_per_second.interval.value > 1.0, "{:?}", sound.hashes_per_second);
}
