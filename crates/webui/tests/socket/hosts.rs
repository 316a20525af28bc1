//! Whom webui takes experiments from: requests as a browser sends them that was led here under another
//! site's name, and as every honest client sends them. Numbers may be read under any name.

use std::net::SocketAddr;
use std::time::Duration;

use service::Limits;
use webui::Webui;

use crate::{Answer, Client, Process, RedisServer, Running, ask, get, json};

const PATH: &str = "/api/experiment";
const ASKED: &str = r#"{"seconds":1}"#;

/// A webui called `webui.7` that takes experiments, under these host names too.
fn allowing(redis: SocketAddr, names: &str) -> Running {
    let webui = Webui::new("webui.7".to_owned(), redis.to_string().parse().unwrap());
    let webui = webui.with_experiments(Duration::from_secs(5));
    Running::start(webui.with_allowed_hosts(names.parse().unwrap()), Limits::default())
}

/// `PUT` of an experiment with these lines in its header.
fn put(target: &str, version: &str, lines: &[&str]) -> String {
    let mut head = format!("PUT {target} HTTP/{version}\r\nContent-Length: {}\r\n", ASKED.len());
    for line in lines {
        head.push_str(line);
        head.push_str("\r\n");
    }
    format!("{head}\r\n{ASKED}")
}

async fn status(address: SocketAddr, lines: &[&str]) -> u16 {
    let answer = ask(address, &put(PATH, "1.1", lines)).await;
    if answer.status != 200 {
        assert!(json(&answer)["error"].is_string(), "{}", answer.text());
    }
    answer.status
}

#[tokio::test]
async fn addresses_localhost_and_own_names_pass() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address, "");
    let own = service::launch::host_name();
    let own = [format!("Host: {own}:8000"), format!("Host: {}", own.to_uppercase())];
    let hosts = [
        "Host: 127.0.0.1:8000",
        "Host: 10.0.0.9",
        "Host: 198.51.100.7:80",
        "Host: [::1]:8000",
        "Host: [2001:DB8::7]",
        "Host: [::ffff:10.0.0.9]:8000",
        "Host: localhost",
        "hOST:   LocalHost.:8000  ",
        "Host: webui",
        "Host: WEBUI:80",
        "Host: tasks.webui",
        "Host: webui.7",
        &own[0],
        &own[1],
    ];
    for host in hosts {
        assert_eq!(status(webui.address, &[host]).await, 200, "{host}");
    }
}

#[tokio::test]
async fn other_names_are_refused_whatever_they_look_like() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address, "");
    for host in [
        "Host: evil.example:8000",
        "Host: localhost.evil.example",
        "Host: webui.evil.example",
        "Host: 127.0.0.1.evil.example",
        "Host: tasks.evil.example",
        "Host: evil",
        "Host: 2130706433",
        "Host: 0x7f.1",
    ] {
        let refused = ask(webui.address, &put(PATH, "1.1", &[host])).await;
        assert_eq!(refused.status, 403, "{host}");
        assert!(refused.text().contains("WEBUI_ALLOWED_HOSTS"), "{}", refused.text());
    }
    for host in [
        "Host: user@localhost",
        "Host: localhost/",
        "Host: localhost, evil.example",
        "Host: localhost:80:80",
        "Host: localhost:eighty",
        "Host: [localhost]",
        "Host: [::1",
        "Host:",
    ] {
        assert_eq!(status(webui.address, &[host]).await, 400, "{host}");
    }
    // Nor may it be read or ended, by any spelling of the path that leads there.
    for method in ["GET", "HEAD", "DELETE"] {
        let request = format!("{method} {PATH}?x HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        let mut client = Client::connect(webui.address).await;
        client.send(request).await;
        assert_eq!(client.answer_to_head().await.status, 403, "{method}");
    }
}

#[tokio::test]
async fn a_host_is_named_once_in_the_header_and_in_the_target() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address, "");
    for (lines, expected) in [
        (&[][..], 400),
        (&["Host: localhost", "Host: localhost"], 400),
        (&["Host: localhost", "Host: evil.example"], 400),
        (&["X-Forwarded-Host: localhost", "Host: evil.example"], 403),
    ] {
        assert_eq!(status(webui.address, lines).await, expected, "{lines:?}");
    }
    for (target, host, expected) in [
        ("http://localhost:8000/api/experiment", "Host: localhost:8000", 200),
        ("http://127.0.0.1/api/experiment", "Host: localhost", 200),
        ("http://evil.example/api/experiment", "Host: localhost", 403),
        ("http://localhost/api/experiment", "Host: evil.example", 403),
        ("http://localhost@evil.example/api/experiment", "Host: localhost", 400),
    ] {
        let answer = ask(webui.address, &put(target, "1.1", &[host])).await;
        assert_eq!(answer.status, expected, "{target} {host}");
    }
    // HTTP/1.0 knows no Host; no browser speaks it. But one that is there counts.
    for (lines, expected) in [
        (&[][..], 200),
        (&["Host: localhost"], 200),
        (&["Host: evil.example"], 403),
        (&["Origin: http://localhost"], 403),
    ] {
        let answer = ask(webui.address, &put(PATH, "1.0", lines)).await;
        assert_eq!(answer.status, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn a_page_must_be_of_the_host_that_is_asked() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address, "");
    for (host, origin, expected) in [
        ("Host: localhost:8000", "Origin: http://localhost:8000", 200),
        ("Host: localhost", "Origin: HTTP://LOCALHOST", 200),
        ("Host: 10.0.0.9:8000", "Origin: http://10.0.0.9:8000", 200),
        ("Host: [::1]:8000", "Origin: http://[0:0:0:0:0:0:0:1]:8000", 200),
        ("Host: localhost", "Origin: http://evil.example", 403),
        ("Host: 10.0.0.9", "Origin: http://10.0.0.8", 403),
        ("Host: localhost", "Origin: http://127.0.0.1", 403),
        ("Host: localhost", "Origin: null", 403),
        ("Host: localhost", "Origin: file://", 403),
        ("Host: localhost", "Origin:", 403),
        ("Host: evil.example", "Origin: http://evil.example", 403),
    ] {
        assert_eq!(status(webui.address, &[host, origin]).await, expected, "{host} {origin}");
    }
    let twice = ["Host: localhost", "Origin: http://localhost", "Origin: http://localhost"];
    assert_eq!(status(webui.address, &twice).await, 400);
}

/// A proxy either passes the name on that it goes by, or puts in the one by which it reaches webui.
#[tokio::test]
async fn behind_a_proxy_its_name_must_be_allowed() {
    let redis = RedisServer::start().await;
    let passed_on = ["Host: shop.example", "Origin: https://shop.example"];
    let replaced =
        ["Host: 10.0.0.9:8000", "Origin: https://shop.example", "X-Forwarded-For: 1.1.1.1"];
    let strict = allowing(redis.address, "");
    let open = allowing(redis.address, "other.example, Shop.Example.");
    for lines in [&passed_on[..], &replaced] {
        assert_eq!(status(strict.address, lines).await, 403, "{lines:?}");
        assert_eq!(status(open.address, lines).await, 200, "{lines:?}");
    }
    // What is allowed is a host, not everything below it.
    assert_eq!(status(open.address, &["Host: a.shop.example"]).await, 403);
}

#[tokio::test]
async fn numbers_are_given_under_any_host_name() {
    let redis = RedisServer::start().await;
    let webui = allowing(redis.address, "");
    for path in ["/json", "/api/observation", "/index.html", "/health"] {
        let request = get(path).replace("Host: webui", "Host: evil.example");
        let answer: Answer = ask(webui.address, &request).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn names_come_from_a_flag_or_its_variable() {
    let program = env!("CARGO_BIN_EXE_webui");
    let redis = RedisServer::start().await;
    let address = redis.address.to_string();
    let flags = ["--redis", &address, "--allow-experiments", "--allowed-hosts=a.example,b.example"];
    let webui = Process::start(program, &flags).await;
    assert_eq!(status(webui.address, &["Host: b.example:8000"]).await, 200);
    assert_eq!(status(webui.address, &["Host: c.example:8000"]).await, 403);
    let variable = ("WEBUI_ALLOWED_HOSTS", "http://a.example");
    let ended = Process::fail(program, &[], &[variable]).await;
    assert_eq!(ended.code, Some(2));
    for part in [variable.0, "--allowed-hosts", "without scheme"] {
        assert!(ended.message.contains(part), "{}", ended.message);
    }
}
