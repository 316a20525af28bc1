//! Requests that are longer than the server wants to hear.

use exchange::{Answer, Failure, Form, Kind, Prepared, Protocol, Request, Stamps};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{connected, head, listening, reset, speaking};

/// More than fits into the system's buffers of both sides.
const LARGE: usize = 30_000_000;
const REFUSAL: &[u8] = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno";

async fn posted(
    address: std::net::SocketAddr,
    protocol: Protocol,
) -> (Result<Answer, Failure>, Stamps) {
    let route = speaking(address, protocol);
    let body = vec![b'x'; LARGE].into();
    let request = Request { method: "POST".parse().unwrap(), body, ..Request::default() };
    let request = Prepared::new(&request, &route.url, Form::Origin);
    let (connection, mut stamps) = connected(&route).await;
    let answer = connection.unwrap().exchange(&request, &mut stamps, &mut |_| {}).await;
    (answer, stamps)
}

#[tokio::test]
async fn an_answer_before_the_request_was_sent_is_the_answer() {
    let address = listening(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(REFUSAL).await.unwrap();
        // Neither reads nor closes.
        std::future::pending::<()>().await;
    })
    .await;
    let (answer, stamps) = posted(address, Protocol::Http1).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body_bytes, answer.reusable), (413, 2, false));
    assert_eq!(stamps.phases().unwrap().total(), stamps.done.unwrap() - stamps.began);
}

#[tokio::test]
async fn an_answer_is_heard_although_the_server_then_breaks_the_connection() {
    let address = listening(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(REFUSAL).await.unwrap();
        // Closing with bytes unread resets.
        drop(stream);
    })
    .await;
    let (answer, _) = posted(address, Protocol::Http1).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.reusable), (413, false));
}

#[tokio::test]
async fn a_break_while_sending_says_so() {
    let address = listening(|mut stream| async move {
        head(&mut stream).await;
        reset(stream);
    })
    .await;
    let (answer, stamps) = posted(address, Protocol::Http1).await;
    assert_eq!(answer.unwrap_err(), Failure::Reset(exchange::Phase::Send));
    assert_eq!(stamps.first, None);
    let (answer, _) = posted(address, Protocol::Hyper1).await;
    assert_eq!(answer.unwrap_err().kind(), Kind::Reset);
}

/// Neither side could go on if we read only once all was sent.
#[tokio::test]
async fn a_server_that_answers_while_it_listens_is_heard() {
    for protocol in [Protocol::Http1, Protocol::Hyper1] {
        let address = listening(|mut stream| async move {
            head(&mut stream).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let (mut from, mut to) = stream.split();
            let mut body = (&mut from).take(LARGE as u64);
            tokio::io::copy(&mut body, &mut to).await.unwrap();
        })
        .await;
        let (answer, stamps) = posted(address, protocol).await;
        assert_eq!(answer.unwrap().body_bytes, LARGE as u64, "{protocol:?}");
        assert_eq!(stamps.phases().unwrap().total(), stamps.done.unwrap() - stamps.began);
    }
}
