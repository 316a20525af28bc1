//! Bytes that belong to no response, behind one that is whole.

use std::time::Duration;

use exchange::{Connection, Dialer, Failure, Form, Prepared, Protocol, Request, Stamps};
use http::Method;
use tokio::io::AsyncWriteExt as _;

use crate::server::{acting, get, head, listening, send, speaking};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Hyper1];

async fn connect(dialer: &Dialer) -> (Connection, Stamps) {
    let mut stamps = Stamps::now();
    let peers = dialer.resolve(&mut stamps).await.unwrap();
    (dialer.connect(&peers[0], &mut stamps).await.unwrap(), stamps)
}

fn asking(method: &Method, url: &exchange::Url) -> Prepared {
    let request = Request { method: method.clone(), ..Request::default() };
    Prepared::new(&request, url, Form::Origin)
}

#[tokio::test]
async fn a_whole_response_is_good_whatever_follows_it() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (method, text) in [
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".to_owned()),
        (Method::HEAD, format!("{chunked}3\r\nabc\r\n0\r\n\r\n")),
        (
            Method::GET,
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        ),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\n\r\nnot for you".into()),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef".into()),
        (Method::GET, format!("{chunked}3\r\nabc\r\n0\r\n\r\n0\r\n\r\n")),
    ] {
        for protocol in BOTH {
            let route = speaking(acting(vec![send(&text)]).await, protocol);
            let (mut connection, mut stamps) = connect(&Dialer::new(route.clone()).unwrap()).await;
            let request = asking(&method, &route.url);
            let answer = connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap();
            assert!(answer.excess && !answer.reusable, "{protocol:?} {method} {text}: {answer:?}");
            assert!([200, 204, 304].contains(&answer.status));
        }
    }
}

/// The second request on a connection is answered by the body that belongs to the first.
#[tokio::test]
async fn what_comes_late_is_not_taken_for_the_next_response() {
    for protocol in BOTH {
        let address = listening(|mut stream| async move {
            let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
            head(&mut stream).await;
            stream.write_all(whole).await.unwrap();
            head(&mut stream).await;
            // Whoever has given up does not read.
            let _ = stream.write_all(&[b"<html/>", &whole[..]].concat()).await;
            tokio::time::sleep(Duration::from_secs(9)).await;
        })
        .await;
        let route = speaking(address, protocol);
        let dialer = Dialer::new(route.clone()).unwrap();
        let request = asking(&Method::HEAD, &route.url);
        let (mut connection, mut stamps) = connect(&dialer).await;
        let first = connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap();
        assert!(first.reusable && !first.excess, "a good server sends HEAD like this");
        let mut stamps = Stamps::now();
        let failure = connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap_err();
        assert_eq!(failure, Failure::Excess, "{protocol:?}");
        assert!(failure.is_stale() && stamps.first.is_none());
        // From now on the next body is expected: such connections are not kept.
        let (mut connection, mut stamps) = connect(&dialer).await;
        let again = connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap();
        assert!(!again.reusable, "{protocol:?}");
    }
}

/// It comes while nothing is asked.
#[tokio::test]
async fn what_comes_between_two_requests_is_excess_and_no_last_word() {
    for protocol in BOTH {
        let address = listening(|mut stream| async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.write_all(b"okokok").await.unwrap();
            tokio::time::sleep(Duration::from_secs(9)).await;
        })
        .await;
        let route = speaking(address, protocol);
        let (mut connection, mut stamps) = connect(&Dialer::new(route.clone()).unwrap()).await;
        let request = get(&route);
        connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        let mut stamps = Stamps::now();
        let failure = connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap_err();
        assert_eq!(failure, Failure::Excess, "{protocol:?}");
        assert!(stamps.first.is_none() && failure.is_stale());
    }
}

#[tokio::test]
async fn a_first_response_that_is_none_is_malformed_and_not_excess() {
    for protocol in BOTH {
        let route = speaking(acting(vec![send("hello")]).await, protocol);
        let (mut connection, mut stamps) = connect(&Dialer::new(route.clone()).unwrap()).await;
        let failure =
            connection.exchange(&get(&route), &mut stamps, &mut |_| {}).await.unwrap_err();
        assert!(matches!(failure, Failure::Malformed(_)), "{protocol:?}: {failure:?}");
    }
}

/// A request that asks for the end of its connection is its last.
#[tokio::test]
async fn connections_that_are_asked_to_close_are_not_kept() {
    for protocol in BOTH {
        let text = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
        let route = speaking(acting(vec![send(text)]).await, protocol);
        let (mut connection, mut stamps) = connect(&Dialer::new(route.clone()).unwrap()).await;
        let close = (http::header::CONNECTION, http::HeaderValue::from_static("Close"));
        let request = Request { headers: vec![close], ..Request::default() };
        let request = Prepared::new(&request, &route.url, Form::Origin);
        let answer = connection.exchange(&request, &mut stamps, &mut |_| {}).await.unwrap();
        assert!(!answer.reusable && !answer.excess, "{protocol:?}");
    }
}
