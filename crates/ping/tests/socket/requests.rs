//! What a server gets to see.

use crate::run;
use crate::server::{Deed, FINE, HEAD, Server};

#[tokio::test]
async fn by_default_it_is_a_head_and_that_is_said_once() {
    let server = Server::new(&[Deed::Answers(HEAD)]).await;
    let ended = run(&format!("-c 2 -i 0.01 {}/32", server.address)).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.notes, "sends HEAD /32: as httping does; -G sends GET and reads the body\n");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let expected = format!(
        "HEAD /32 HTTP/1.1\r\nhost: {}\r\nuser-agent: bench-ping/{}\r\nconnection: close\r\n\r\n",
        server.address,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(requests[0], expected);
}

#[tokio::test]
async fn random_bodies_differ_from_probe_to_probe() {
    let server = Server::new(&[Deed::Answers(FINE)]).await;
    let ended =
        run(&format!("-c 2 -i 0.01 --method POST --data-bytes 32 {}", server.address)).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|r| r.starts_with("POST / ") && r.contains("\r\ncontent-length: 32\r\n"))
    );
    assert_ne!(requests[0], requests[1]);
    run(&format!("-c 2 -i 0.01 --data abc --proxy-buster b {}/x?y=1", server.address)).await;
    let busted = &server.requests()[2..];
    assert!(busted[0].starts_with("POST /x?y=1&b=") && busted[0].ends_with("\r\n\r\nabc"));
    assert_ne!(busted[0], busted[1]);
}

#[tokio::test]
async fn a_connection_is_kept_where_that_is_asked() {
    let server = Server::new(&[Deed::Answers(FINE)]).await;
    let ended = run(&format!("-c 3 -i 0.01 -G -Q --json {}", server.address)).await;
    let document: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let connects: Vec<_> = document["probes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|probe| probe["connect_ms"].is_null())
        .collect();
    assert_eq!(connects, [false, true, true]);
    assert!(server.requests().iter().all(|request| !request.contains("connection: close")));
}

#[tokio::test]
async fn a_name_with_two_addresses_finds_the_one_that_listens() {
    // `localhost` is ::1 as well in most places; the server is at 127.0.0.1 only.
    let server = Server::new(&[Deed::Answers(HEAD)]).await;
    let ended = run(&format!("-c 2 -i 0.01 -r localhost:{}", server.address.port())).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let connected = format!("connected to {} (", server.address);
    assert_eq!(ended.out.matches(&connected).count(), 2, "{}", ended.out);
}

#[tokio::test]
async fn another_host_can_be_asked_for_the_url() {
    let server = Server::new(&[Deed::Answers(HEAD)]).await;
    let words = format!("-c 1 --divert-connect {} http://rng:8001/32", server.address);
    assert_eq!(run(&words).await.code, 0);
    assert!(server.requests()[0].contains("\r\nhost: rng:8001\r\n"));
}

#[tokio::test]
async fn a_unix_socket_is_a_way_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(HEAD).await.unwrap();
    });
    let path = path.to_str().unwrap();
    let ended = run(&format!("-c 1 --unix {path} http://app/")).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(&format!("connected to unix:{path} (")), "{}", ended.out);
}

#[tokio::test]
async fn a_body_has_a_type_and_another_where_that_is_given() {
    let server = Server::new(&[Deed::Answers(FINE)]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "x=1").unwrap();
    let path = file.path().display();
    for body in ["--data x=1", "--data-bytes 9", &format!("--data-file {path}")] {
        run(&format!("-c 1 {body} {}", server.address)).await;
        let request = server.requests().pop().unwrap();
        assert!(request.contains("\r\ncontent-type: application/octet-stream\r\n"), "{request}");
    }
    run(&format!("-c 1 --data x=1 --header Content-Type:text/x-mine {}", server.address)).await;
    let request = server.requests().pop().unwrap();
    assert!(request.contains("content-type: text/x-mine") && !request.contains("octet"));
}

#[tokio::test]
async fn a_login_is_sent_and_shown_nowhere() {
    let server = Server::new(&[Deed::Answers(FINE)]).await;
    let address = server.address;
    for words in [
        format!("-G http://lena:s%40fe@{address}/a"),
        format!("-G -U lena -P s@fe http://{address}/a"),
        format!("-G -v -S --json http://lena:s%40fe@{address}/a"),
        format!("-G -M http://lena:s%40fe@{address}/a"),
    ] {
        let ended = run(&format!("-c 1 {words}")).await;
        let request = server.requests().pop().unwrap();
        assert!(
            request.contains("\r\nauthorization: Basic bGVuYTpzQGZl\r\n"),
            "{words}: {request}"
        );
        let all = format!("{}{}", ended.out, ended.notes);
        assert!(!all.contains("fe@") && !all.contains("lena") && !all.contains("bGVu"), "{all}");
    }
}

#[tokio::test]
async fn headers_that_do_not_describe_the_body_are_refused() {
    let server = Server::new(&[Deed::Answers(FINE)]).await;
    for (header, words) in [
        ("--data seven -H? Content-Length:9", "does not fit the body of 5 bytes"),
        ("--data-bytes 5 -H? Content-Length:9", "does not fit the body of 5 bytes"),
        ("--data seven -H? Transfer-Encoding:gzip", "chunked is the only"),
        ("-G -H? Upgrade:h2c", "Upgrade"),
        ("-2 -G -H? Connection:close", "HTTP/2"),
    ] {
        let header = header.replace("-H?", "--header");
        let ended = run(&format!("-c 1 {header} {}", server.address)).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.notes.contains(words), "{ended:?}");
    }
    let right = "--data seven --header Transfer-Encoding:chunked";
    let words = format!("-c 3 -i 0.01 {right} --header Connection:close -Q {}", server.address);
    let ended = run(&words).await;
    assert_eq!(server.connections(), 3, "each has its own");
    assert_eq!(ended.code, 0, "{ended:?}");
    let request = server.requests().pop().unwrap();
    assert!(request.contains("transfer-encoding: chunked\r\n"), "{request}");
}
