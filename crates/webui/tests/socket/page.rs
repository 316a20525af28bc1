//! The page, the way to it, and what is not there.

use crate::{Client, RedisServer, ask, get, webui};

#[tokio::test]
async fn the_root_leads_to_the_page() {
    let redis = RedisServer::start().await;
    let answer = ask(webui(redis.address).address, &get("/")).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("/index.html")));
}

#[tokio::test]
async fn the_page_is_whole_in_itself() {
    let redis = RedisServer::start().await;
    let answer = ask(webui(redis.address).address, &get("/index.html")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let page = answer.text();
    for part in ["hashes/s", "coins found", "prefers-color-scheme", "<svg", "lang=\"en\""] {
        assert!(page.contains(part), "{part}");
    }
    for elsewhere in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[tokio::test]
async fn head_is_answered_wherever_get_is() {
    let redis = RedisServer::start().await;
    let mut client = Client::connect(webui(redis.address).address).await;
    for (path, status) in [
        ("/", 302),
        ("/index.html", 200),
        ("/json", 200),
        ("/api/observation", 200),
        ("/health", 200),
        ("/nowhere", 404),
    ] {
        client.send(get(path).replace("GET", "HEAD")).await;
        let answer = client.answer_to_head().await;
        assert_eq!(answer.status, status, "{path}");
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert!(length > 0, "{path}");
    }
    client.send(get("/")).await;
    assert_eq!(client.answer().await.status, 302);
}

#[tokio::test]
async fn other_paths_and_methods_are_not_found() {
    let redis = RedisServer::start().await;
    let mut client = Client::connect(webui(redis.address).address).await;
    for path in
        ["/nowhere", "/json//", "//json", "/INDEX.HTML", "/api", "/api/observation/x", "/index.htm"]
    {
        client.send(get(path)).await;
        assert_eq!(client.answer().await.status, 404, "{path}");
    }
    for path in ["/", "/json", "/index.html", "/api/observation", "/health"] {
        client.send(format!("POST {path} HTTP/1.1\r\nHost: w\r\nContent-Length: 1\r\n\r\nx")).await;
        assert_eq!(client.answer().await.status, 404, "POST {path}");
    }
}

#[tokio::test]
async fn options_say_which_methods_there_are() {
    let redis = RedisServer::start().await;
    let mut client = Client::connect(webui(redis.address).address).await;
    for (path, status, methods) in [
        ("/", 200, Some("GET,HEAD")),
        ("/index.html", 200, Some("GET,HEAD")),
        ("/JSON/", 200, Some("GET,HEAD")),
        ("/api/observation", 200, Some("GET,HEAD")),
        ("/api/experiment", 200, Some("GET, HEAD, PUT, DELETE")),
        ("/nowhere", 404, None),
        ("*", 404, None),
    ] {
        client.send(get(path).replace("GET", "OPTIONS")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("allow")), (status, methods), "{path}");
        // What a browser would need before it lets a page of another origin use more than GET.
        assert_eq!(answer.header("access-control-allow-methods"), None, "{path}");
    }
}

#[tokio::test]
async fn an_http_1_0_client_gets_the_numbers() {
    let redis = RedisServer::start().await;
    let mut client = Client::connect(webui(redis.address).address).await;
    client.send("GET /json HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(client.rest().await, "");
}
