//! `bench probe` on a running app, on servers that are none, and on nothing.

use std::net::TcpListener;

use app_tests::{Ended, Place, Process};
use rustix::process::Signal;
use serde_json::Value;

/// `bench probe` with further words, every tenth of a second.
async fn probe(place: &Place, words: &[&str]) -> Ended {
    let common = ["probe", "--interval", "100ms", "--output", "json"];
    Process::start(&mut place.plain(&[&common[..], words].concat())).end().await
}

fn port<'a>(json: &'a Value, service: &str, request: &str) -> &'a Value {
    let mut ports = json["ports"].as_array().into_iter().flatten();
    ports
        .find(|port| port["service"] == service && port["request"] == request)
        .unwrap_or_else(|| panic!("no {service} {request} in {json}"))
}

/// Ten workers at an rng that takes as long as each worker's whole loop without it: the others wait.
#[tokio::test]
async fn requests_queue_where_the_app_is_held_back() {
    let place = Place::fast().with("RNG_SERVICE_TIME", "40ms");
    let up = place.up(&["--worker", "10"]).await;
    up.goes_on(20).await;
    let ended = probe(&place, &["--count", "12"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["verdict"]["service"], "rng", "{json}");
    let sentence = json["verdict"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("requests queue at rng, ") && sentence.contains(" waiting"));
    let waiting = json["services"][1]["waiting"].as_f64().unwrap();
    // One is served, one or so is elsewhere, and the probes themselves wait, too.
    assert!(waiting > 5.0 && waiting < 12.0, "{waiting} wait in {json}");
    for (service, request) in
        [("webui", "GET /"), ("rng", "GET /"), ("rng", "GET /32"), ("hasher", "POST /")]
    {
        let port = port(&json, service, request);
        assert_eq!((&port["probes"], &port["failed"]), (&12.into(), &0.into()), "{port}");
        assert!(port["p50_ms"].as_f64() >= port["min_ms"].as_f64(), "{port}");
    }
    assert_eq!(port(&json, "rng", "GET /")["replicas"]["rng.1"], 12);

    let above = probe(&place, &["--count", "4", "--fail-above", "rng=1ms"]).await;
    assert_eq!(above.code, Some(1), "{above:?}");
    let missed = above.json()["missed"].to_string();
    assert!(missed.contains("rng GET /: a median of") && missed.contains("above 1.0 ms"));
    assert!(!missed.contains("hasher"), "{missed}");
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn an_idle_app_has_no_queue_and_ctrl_c_prints_what_was_seen() {
    let place = Place::fast();
    let up = place.up(&["--worker", "0"]).await;
    up.answers().await;
    let words = ["probe", "--interval", "50ms", "--count", "0", "--output", "json"];
    let probing = Process::start(&mut place.plain(&words));
    // Two seconds are forty probes of each path; how many there were is told below.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    probing.signal(Signal::INT);
    let ended = probing.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    let sentence = json["verdict"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("requests queue nowhere"), "{sentence}");
    assert!(port(&json, "rng", "GET /")["probes"].as_u64() > Some(3), "{json}");
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn what_gives_no_answer_is_said_with_the_reason() {
    let place = Place::fast();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("gone=http://{closed}/x?a=b");
    let ended = probe(&place, &["--count", "2", "--url", &url]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let json = ended.json();
    let gone = port(&json, "gone", "GET /x?a=b");
    assert_eq!((&gone["failed"], &gone["p50_ms"]), (&2.into(), &Value::Null));
    assert!(gone["failures"].to_string().contains("refused"), "{gone}");
    let withheld = json["withheld"].as_str().unwrap();
    assert!(withheld.contains("gone gives no good answer to GET /x?a=b"), "{withheld}");

    // A server that takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let ended = probe(&place, &["--count", "1", "--timeout", "200ms", "--url", &url]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("no answer in time"), "{}", ended.stdout);
}

#[tokio::test]
async fn an_app_that_is_not_there_is_refused_with_what_to_do() {
    let place = Place::fast();
    let ended = probe(&place, &["--attach", "1", "--count", "1"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(4), ""), "{ended:?}");
    assert!(ended.stderr.contains("--attach"), "{}", ended.stderr);
}
