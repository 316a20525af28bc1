//! Good answers of all kinds, and connections that are kept or not.

use std::borrow::Cow;

use exchange::{Failure, Phase, Protocol};

use crate::server::{Act, OK, acting, connected, get, got, head, listening, send, speaking, to};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Hyper1];

#[tokio::test]
async fn an_answer_is_stamped_from_end_to_end_and_its_phases_add_up() {
    for protocol in BOTH {
        let address = acting(vec![send(OK)]).await;
        let (answer, stamps) = got(&speaking(address, protocol)).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body_bytes, answer.reusable), (200, 5, true));
        assert_eq!(answer.head_bytes, 38, "{protocol:?}");
        let phases = stamps.phases().unwrap();
        assert_eq!(phases.total(), stamps.done.unwrap() - stamps.began);
        assert!(phases.connect.is_some() && phases.resolve.is_none() && phases.tls.is_none());
        let whole = [stamps.began, stamps.connected.unwrap(), stamps.sent.unwrap()];
        let whole = [&whole[..], &[stamps.first.unwrap(), stamps.done.unwrap()]].concat();
        assert!(whole.is_sorted(), "{whole:?}");
    }
}

#[tokio::test]
async fn interim_answers_redirects_and_chunks_are_what_they_are() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for protocol in BOTH {
        for (text, status, body) in [
            (format!("HTTP/1.1 100 Continue\r\n\r\n{chunked}5\r\nhello\r\n0\r\n\r\n"), 200, 5),
            ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n".into(), 302, 0),
            ("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno".into(), 503, 2),
            ("HTTP/1.1 204 No Content\r\n\r\n".into(), 204, 0),
        ] {
            let address = acting(vec![send(&text)]).await;
            let answer = got(&speaking(address, protocol)).await.0.unwrap();
            assert_eq!((answer.status, answer.body_bytes), (status, body), "{protocol:?} {text}");
        }
    }
}

#[tokio::test]
async fn headers_are_seen_once_with_what_the_server_wrote() {
    let text = "HTTP/1.1 200 Fine\r\nServer-Timing: queue;dur=1\r\nX: a\r\nX: b\r\n\
                Content-Length: 0\r\n\r\n";
    for protocol in BOTH {
        let route = speaking(acting(vec![send(text)]).await, protocol);
        let (connection, mut stamps) = connected(&route).await;
        let mut seen = Vec::new();
        let mut on_head = |head: &exchange::Head<'_>| {
            let all = head.headers.all("x").map(<[u8]>::to_vec).collect::<Vec<_>>();
            let timing = head.headers.text("server-timing").map(Cow::into_owned);
            seen.push((head.status, head.reason.to_owned(), timing, all));
        };
        connection.unwrap().exchange(&get(&route), &mut stamps, &mut on_head).await.unwrap();
        let x = vec![b"a".to_vec(), b"b".to_vec()];
        let timing = Some("queue;dur=1".to_owned());
        assert_eq!(seen, [(200, "Fine".to_owned(), timing, x)], "{protocol:?}");
    }
}

#[tokio::test]
async fn heads_of_every_shape_are_read_by_both() {
    let many: String = (0..300).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "y".repeat(200 * 1024));
    let folded = "X-Replica: one\r\n  and\r\n\t two\r\n".to_owned();
    for (headers, name, value) in
        [(many, "x-299", "299"), (large, "x-end", "here"), (folded, "x-replica", "one and two")]
    {
        let text = format!("HTTP/1.1 200 OK\r\n{headers}X-End: here\r\nContent-Length: 0\r\n\r\n");
        for protocol in BOTH {
            let route = speaking(acting(vec![send(&text)]).await, protocol);
            let (connection, mut stamps) = connected(&route).await;
            let mut seen = None;
            let mut on_head = |head: &exchange::Head<'_>| {
                seen = head.headers.text(name).map(Cow::into_owned);
            };
            let mut connection = connection.unwrap();
            let answer = connection.exchange(&get(&route), &mut stamps, &mut on_head).await;
            assert_eq!(answer.map(|answer| answer.status), Ok(200), "{protocol:?} {name}");
            assert_eq!(seen.as_deref(), Some(value), "{protocol:?}");
        }
    }
}

#[tokio::test]
async fn a_head_that_hyper_has_no_room_for_says_both_of_its_limits() {
    let many: String = (0..513).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let text = format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n");
    let route = speaking(acting(vec![send(&text)]).await, Protocol::Hyper1);
    let failure = got(&route).await.0.unwrap_err().to_string();
    assert!(failure.contains("a head of more than 262144 bytes or 512 headers"), "{failure}");
    let route = speaking(acting(vec![send(&text)]).await, Protocol::Http1);
    assert_eq!(got(&route).await.0.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_is_used_again_and_only_the_first_time_made() {
    for protocol in BOTH {
        let address = listening(|mut stream| async move {
            while !head(&mut stream).await.is_empty() {
                tokio::io::AsyncWriteExt::write_all(&mut stream, OK).await.unwrap();
            }
        });
        let route = speaking(address.await, protocol);
        let mut connection = connected(&route).await.0.unwrap();
        for _ in 0..3 {
            let mut stamps = exchange::Stamps::now();
            let answer = connection.exchange(&get(&route), &mut stamps, &mut |_| {}).await;
            assert!(answer.unwrap().reusable, "{protocol:?}");
            let phases = stamps.phases().unwrap();
            assert_eq!((phases.resolve, phases.connect, phases.tls), (None, None, None));
            assert_eq!(phases.total(), stamps.done.unwrap() - stamps.began);
        }
        assert!(connection.share().is_none());
    }
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_is_believed() {
    let said = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for text in [said, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nab"]
    {
        for protocol in BOTH {
            let address = acting(vec![send(text), Act::Close]).await;
            let answer = got(&speaking(address, protocol)).await.0.unwrap();
            assert!(!answer.reusable, "{protocol:?} {text}");
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_fails_without_a_byte() {
    for protocol in BOTH {
        let route = speaking(acting(vec![send(OK), Act::Close]).await, protocol);
        let (connection, mut stamps) = connected(&route).await;
        let mut connection = connection.unwrap();
        connection.exchange(&get(&route), &mut stamps, &mut |_| {}).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let mut stamps = exchange::Stamps::now();
        let failure = connection.exchange(&get(&route), &mut stamps, &mut |_| {}).await;
        let failure = failure.unwrap_err();
        let stale = [
            Failure::Closed(Phase::Send),
            Failure::Closed(Phase::Wait),
            Failure::Reset(Phase::Wait),
            Failure::Reset(Phase::Send),
        ];
        assert!(stale.contains(&failure), "{protocol:?}: {failure:?}");
        assert!(failure.is_stale());
        assert_eq!(stamps.first, None);
    }
}

#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    for protocol in BOTH {
        let route = speaking(acting(vec![send(head)]).await, protocol);
        let request = exchange::Request { method: "HEAD".parse().unwrap(), ..Default::default() };
        let request = exchange::Prepared::new(&request, &route.url, exchange::Form::Origin);
        let (connection, mut stamps) = connected(&route).await;
        let answer = connection.unwrap().exchange(&request, &mut stamps, &mut |_| {}).await;
        assert_eq!(answer.unwrap().body_bytes, 0, "{protocol:?}");
    }
}

#[tokio::test]
async fn the_same_request_is_written_by_both() {
    let (told, mut heads) = tokio::sync::mpsc::unbounded_channel();
    let address = listening(move |mut stream| {
        let told = told.clone();
        async move {
            told.send(head(&mut stream).await).unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, OK).await.unwrap();
        }
    })
    .await;
    for protocol in BOTH {
        got(&speaking(address, protocol)).await.0.unwrap();
    }
    let first = heads.recv().await.unwrap();
    assert_eq!(first, heads.recv().await.unwrap());
    assert_eq!(first, format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n"));
    assert_eq!(to(address).url.authority(), address.to_string());
}
