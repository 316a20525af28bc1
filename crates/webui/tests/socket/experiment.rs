//! `/api/experiment`: what is taken and stored, what is refused and how, and that nothing stays.

use std::net::SocketAddr;
use std::time::Duration;

use observation::EXPERIMENT_KEY;
use redis::AsyncCommands as _;
use service::Limits;
use webui::Webui;

use crate::{Answer, Client, Process, RedisServer, Running, ask, get, json, webui};

const PATH: &str = "/api/experiment";
const GUARD: &str = "WEBUI_ALLOW_EXPERIMENTS";

/// A webui that takes experiments.
fn allowing(redis: SocketAddr) -> Running {
    let webui = Webui::new("w1".to_owned(), redis.to_string().parse().unwrap());
    Running::start(webui.with_experiments(Duration::from_millis(200)), Limits::default())
}

fn request(method: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {PATH} HTTP/1.1\r\nHost: webui\r\nContent-Length: {length}\r\n\r\n{body}")
}

async fn put(address: SocketAddr, body: &str) -> Answer {
    ask(address, &request("PUT", body)).await
}

/// Takes the experiment away; the answer must have no body at all.
async fn delete(address: SocketAddr) {
    let mut client = Client::connect(address).await;
    client.send(request("DELETE", "")).await;
    let answer = client.answer_to_head().await;
    assert_eq!((answer.status, answer.header("content-length")), (204, None));
    // Nothing of it is left on the connection.
    client.send(get("/health")).await;
    assert_eq!(client.answer().await.status, 200);
}

fn error(answer: &Answer) -> String {
    json(answer)["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_put_is_stored_for_its_time_told_and_taken_away() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let webui = allowing(redis.address);
    let none = ask(webui.address, &get(PATH)).await;
    assert_eq!((none.status, &*error(&none)), (404, "there is no experiment"));

    let asked = r#"{"rng_us":10000,"policy":"random","seconds":60}"#;
    let answer = put(webui.address, asked).await;
    let stored = serde_json::json!({
        "think_us": 0, "rng_us": 10_000, "hasher_us": 0, "policy": "random", "seconds": 60,
    });
    assert_eq!((answer.status, json(&answer)), (200, stored.clone()));
    let held: String = client.get(EXPERIMENT_KEY).await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&held).unwrap(), stored);
    let left: i64 = client.ttl(EXPERIMENT_KEY).await.unwrap();
    assert!((1..=60).contains(&left), "{left}");

    // Most of it is over.
    let _: bool = client.pexpire(EXPERIMENT_KEY, 15_000).await.unwrap();
    let told = json(&ask(webui.address, &get(PATH)).await);
    let seconds = told["seconds"].as_u64().unwrap();
    assert!((1..=15).contains(&seconds), "{told}");
    assert_eq!((&told["rng_us"], &told["policy"]), (&10_000.into(), &"random".into()));

    delete(webui.address).await;
    delete(webui.address).await;
    assert!(!client.exists::<_, bool>(EXPERIMENT_KEY).await.unwrap());
    assert_eq!(ask(webui.address, &get(PATH)).await.status, 404);
}

#[tokio::test]
async fn another_one_takes_the_place_of_the_first_whole() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address);
    put(webui.address, r#"{"rng_us":10000,"policy":"vip","seconds":600}"#).await;
    put(webui.address, r#"{"think_us":7,"seconds":1}"#).await;
    let told = json(&ask(webui.address, &get(PATH)).await);
    let expected = serde_json::json!({
        "think_us": 7, "rng_us": 0, "hasher_us": 0, "policy": null, "seconds": 1,
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn it_ends_by_itself() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address);
    assert_eq!(put(webui.address, r#"{"rng_us":1,"seconds":1}"#).await.status, 200);
    let ended = async {
        while ask(webui.address, &get(PATH)).await.status != 404 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, ended).await.unwrap();
}

#[tokio::test]
async fn what_is_no_experiment_is_refused_in_a_sentence_and_changes_nothing() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address);
    put(webui.address, r#"{"rng_us":5,"seconds":600}"#).await;
    for (body, part) in [
        ("", "not an experiment"),
        ("rng=+10ms", "not an experiment"),
        ("[]", "not an experiment"),
        ("{}", "seconds"),
        (r#"{"seconds":0}"#, "1 to 600 seconds"),
        (r#"{"seconds":601}"#, "1 to 600 seconds"),
        (r#"{"seconds":1.5}"#, "not an experiment"),
        (r#"{"seconds":60,"rng_us":-1}"#, "not an experiment"),
        (r#"{"seconds":60,"rng_us":10000001}"#, "rng_us is 10000001"),
        (r#"{"seconds":60,"think_us":10000001}"#, "think_us"),
        (r#"{"seconds":60,"hasher_us":10000001}"#, "hasher_us"),
        (r#"{"seconds":60,"policy":"fair"}"#, "least-outstanding"),
        (r#"{"seconds":60,"rng":5}"#, "unknown field"),
        (r#"{"seconds":60} {"seconds":60}"#, "not an experiment"),
    ] {
        let answer = put(webui.address, body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(error(&answer).contains(part), "{body}: {}", answer.text());
    }
    let told = json(&ask(webui.address, &get(PATH)).await);
    assert_eq!(told["rng_us"], 5);
}

#[tokio::test]
async fn the_limits_themselves_are_taken() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address);
    for policy in observation::POLICIES {
        let delays = r#""think_us":10000000,"rng_us":10000000,"hasher_us":10000000"#;
        let body = format!(r#"{{{delays},"policy":"{policy}","seconds":600}}"#);
        assert_eq!(put(webui.address, &body).await.status, 200, "{body}");
    }
}

#[tokio::test]
async fn bodies_that_are_large_or_never_come_are_refused() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address);
    let large = format!(r#"{{"seconds":1{}}}"#, " ".repeat(5000));
    let answer = put(webui.address, &large).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let head = format!("PUT {PATH} HTTP/1.1\r\nHost: webui\r\nContent-Length: 20\r\n\r\n{{");
    let answer = ask(webui.address, &head).await;
    assert_eq!(answer.status, 408, "{}", answer.text());
    assert_eq!(ask(webui.address, &get(PATH)).await.status, 404);
}

#[tokio::test]
async fn unless_allowed_nothing_is_told_stored_or_taken_away() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let () = client.set(EXPERIMENT_KEY, "somebody's").await.unwrap();
    let webui = webui(redis.address);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = ask(webui.address, &request(method, r#"{"seconds":1}"#)).await;
        assert_eq!(answer.status, 403, "{method}");
        assert!(error(&answer).contains(GUARD), "{}", answer.text());
    }
    let held: String = client.get(EXPERIMENT_KEY).await.unwrap();
    assert_eq!(held, "somebody's");
    let health = ask(webui.address, &get("/health")).await;
    assert!(health.text().contains(r#""experiments":false"#), "{}", health.text());
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let redis = RedisServer::start().await;
    for running in [webui(redis.address), allowing(redis.address)] {
        for method in ["POST", "PATCH", "CONNECT-TO"] {
            let answer = ask(running.address, &request(method, "")).await;
            assert_eq!(answer.status, 405, "{method}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD, PUT, DELETE"));
        }
    }
    // A path that only looks like it.
    let allowing = allowing(redis.address);
    for path in ["/api/experiments", "/api/experiment/"] {
        assert_eq!(ask(allowing.address, &get(path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn without_redis_all_three_answer_503() {
    let webui = allowing(([127, 0, 0, 1], 1).into());
    for method in ["GET", "PUT", "DELETE"] {
        let answer = ask(webui.address, &request(method, r#"{"seconds":1}"#)).await;
        assert_eq!(answer.status, 503, "{method}");
        assert!(error(&answer).contains("127.0.0.1:1"), "{}", answer.text());
    }
}

#[tokio::test]
async fn what_somebody_else_left_under_the_key_is_told_and_can_be_taken_away() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let webui = allowing(redis.address);
    let fits = r#"{"rng_us":5,"seconds":60}"#;
    let () = client.set(EXPERIMENT_KEY, fits).await.unwrap();
    let answer = ask(webui.address, &get(PATH)).await;
    assert_eq!(answer.status, 503);
    assert!(error(&answer).contains("never expires"), "{}", answer.text());
    let () = client.set_ex(EXPERIMENT_KEY, "?", 60).await.unwrap();
    assert_eq!(ask(webui.address, &get(PATH)).await.status, 503);
    let () = client.del(EXPERIMENT_KEY).await.unwrap();
    let () = client.rpush(EXPERIMENT_KEY, 1).await.unwrap();
    let answer = ask(webui.address, &get(PATH)).await;
    assert!(answer.status == 503 && error(&answer).contains("WRONGTYPE"), "{}", answer.text());
    delete(webui.address).await;
    assert_eq!(ask(webui.address, &get(PATH)).await.status, 404);
}

#[tokio::test]
async fn the_flag_allows_experiments() {
    let program = env!("CARGO_BIN_EXE_webui");
    let redis = RedisServer::start().await;
    let address = redis.address.to_string();
    let webui = Process::start(program, &["--redis", &address, "--allow-experiments"]).await;
    assert_eq!(put(webui.address, r#"{"seconds":1}"#).await.status, 200);
    let health = ask(webui.address, &get("/health")).await;
    assert!(health.text().contains(r#""experiments":true"#), "{}", health.text());
    let ended = Process::fail(program, &[], &[(GUARD, "perhaps")]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains(GUARD), "{}", ended.message);
}
