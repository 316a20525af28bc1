//! What only a process has: settings and their variables, signals, the log.

use redis::AsyncCommands as _;
use rustix::process::Signal;

use crate::{Process, RedisServer, ask, get, json};

const WEBUI: &str = env!("CARGO_BIN_EXE_webui");

#[tokio::test]
async fn redis_is_found_by_flag_as_address_and_as_url() {
    let redis = RedisServer::start().await;
    let () = redis.client().await.set("hashes", 7).await.unwrap();
    let url = format!("redis://{}/0", redis.address);
    for setting in [redis.address.to_string(), url] {
        let webui = Process::start(WEBUI, &["--redis", &setting]).await;
        assert_eq!(json(&ask(webui.address, &get("/json")).await)["hashes"], "7");
    }
}

#[tokio::test]
async fn a_password_is_read_from_a_file_that_a_container_is_given() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let () = client.set("hashes", 7).await.unwrap();
    let mut require = redis::cmd("CONFIG");
    require.arg("SET").arg("requirepass").arg("s3same");
    let () = require.query_async(&mut client).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let address = redis.address.to_string();
    let flags = ["--redis", &address, "--redis-password-file", file.to_str().unwrap()];
    for (password, status) in [("s3same\n", 200), ("another", 503)] {
        std::fs::write(&file, password).unwrap();
        let webui = Process::start(WEBUI, &flags).await;
        let answer = ask(webui.address, &get("/json")).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{text}");
        assert!(!text.contains(password.trim()), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_address_stops_the_start_by_its_name() {
    for wrong in ["http://redis", "redis:port", ""] {
        let ended = Process::fail(WEBUI, &[&format!("--redis={wrong}")], &[]).await;
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.message);
        assert!(ended.message.contains("--redis"), "{}", ended.message);
    }
    let ended = Process::fail(WEBUI, &[], &[("WEBUI_REDIS", "redis:port")]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains("WEBUI_REDIS"), "{}", ended.message);
}

#[tokio::test]
async fn health_answers_without_redis_and_tells_who_answers() {
    let flags = ["--redis", "127.0.0.1:1", "--replica", "named"];
    let webui = Process::start(WEBUI, &flags).await;
    let answer = ask(webui.address, &get("/health")).await;
    let health: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &health["service"]), (200, &"webui".into()));
    assert_eq!((&health["replica"], &health["status"]), (&"named".into(), &"ok".into()));
    assert!(health["version"].is_string(), "{health}");
}

#[tokio::test]
async fn an_outage_and_a_broken_report_are_logged_once() {
    let mut redis = RedisServer::start().await;
    let webui = Process::start(WEBUI, &["--redis", &redis.address.to_string()]).await;
    let () = redis.client().await.hset("worker:odd", "report", "?").await.unwrap();
    for _ in 0..3 {
        assert_eq!(ask(webui.address, &get("/api/observation")).await.status, 200);
    }
    redis.kill().await;
    for _ in 0..3 {
        assert_eq!(ask(webui.address, &get("/json")).await.status, 503);
    }
    redis.restart().await;
    assert_eq!(ask(webui.address, &get("/json")).await.status, 200);
    webui.signal(Signal::TERM);
    let ended = webui.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.message);
    for (level, words) in [
        (" WARN ", &["worker:odd"][..]),
        (" WARN ", &["cannot be reached", " failures=1"]),
        // The first failure and the two after it, within ten seconds of the only line.
        (" INFO ", &["redis is back", " failures=3", " after="]),
    ] {
        let lines: Vec<_> = ended.message.lines().filter(|line| line.contains(words[0])).collect();
        assert_eq!(lines.len(), 1, "{}", ended.message);
        assert!(words.iter().chain([&level]).all(|word| lines[0].contains(word)), "{}", lines[0]);
    }
}

#[tokio::test]
async fn its_health_is_checked_by_its_own_program_whether_or_not_redis_answers() {
    let webui = Process::start(WEBUI, &["--redis", "127.0.0.1:1"]).await;
    let port = webui.address.port().to_string();
    let variables = [("WEBUI_LISTEN_PORT", &*port)];
    let healthy = Process::fail(WEBUI, &["--check-health"], &variables).await;
    assert_eq!((healthy.code, &*healthy.message), (Some(0), ""));
    drop(webui);
    let gone = Process::fail(WEBUI, &["--check-health"], &variables).await;
    assert_eq!(gone.code, Some(1), "{}", gone.message);
    assert!(gone.message.starts_with("webui is unhealthy: "), "{}", gone.message);
}
