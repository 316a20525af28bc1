//! `/json`: the two counters as the original answers them.

use std::time::SystemTime;

use redis::AsyncCommands as _;

use crate::{RedisServer, ask, get, json, webui};

#[tokio::test]
async fn before_the_first_count_there_are_no_hashes() {
    let redis = RedisServer::start().await;
    let answer = ask(webui(redis.address).address, &get("/json")).await;
    assert_eq!(answer.status, 200);
    let numbers = json(&answer);
    assert_eq!(numbers["coins"], 0);
    assert_eq!(numbers["hashes"], serde_json::Value::Null);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = numbers["now"].as_f64().unwrap();
    assert!((now - since.as_secs_f64()).abs() < 30.0, "{now}");
    assert_eq!(numbers.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn hashes_are_the_text_in_redis_and_coins_the_size_of_the_wallet() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let webui = webui(redis.address);
    let () = client.incr("hashes", 345).await.unwrap();
    let () = client.hset("wallet", "0abc", b"\xff\0\x01").await.unwrap();
    let () = client.hset("wallet", "0def", b"\0").await.unwrap();
    let numbers = json(&ask(webui.address, &get("/json")).await);
    assert_eq!((&numbers["coins"], &numbers["hashes"]), (&2.into(), &"345".into()));
    let () = client.set("hashes", "not a number").await.unwrap();
    for path in ["/JSON", "/json/", "/Json/?x=1"] {
        let numbers = json(&ask(webui.address, &get(path)).await);
        assert_eq!(numbers["hashes"], "not a number", "{path}");
    }
    let numbers = json(&ask(webui.address, &get("/json?x=1")).await);
    assert_eq!(numbers["hashes"], "not a number");
}

#[tokio::test]
async fn keys_of_another_type_are_told_in_redis_own_words() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let webui = webui(redis.address);
    let () = client.rpush("hashes", 1).await.unwrap();
    for path in ["/json", "/api/observation"] {
        let answer = ask(webui.address, &get(path)).await;
        assert_eq!(answer.status, 503);
        let error = json(&answer)["error"].to_string();
        for part in ["WRONGTYPE", "GET hashes", &redis.address.to_string()] {
            assert!(error.contains(part), "{error}");
        }
    }
    let () = client.del("hashes").await.unwrap();
    assert_eq!(ask(webui.address, &get("/json")).await.status, 200);
    let () = client.set("wallet", "x").await.unwrap();
    let answer = ask(webui.address, &get("/json")).await;
    assert!(answer.status == 503 && answer.text().contains("HLEN wallet"), "{answer:?}");
}
