//! Servers that break off, lie about lengths, and speak something else.

use exchange::{Failure, Kind, Malformed, Phase, Protocol};

use crate::server::{Act, OK, acting, got, send, speaking, to};

async fn failure(protocol: Protocol, acts: &[Act]) -> Failure {
    let route = speaking(acting(acts.to_vec()).await, protocol);
    match got(&route).await.0 {
        Err(failure) => failure,
        Ok(answer) => panic!("{protocol:?} {acts:?}: {answer:?}"),
    }
}

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (answer, stamps) = got(&to(address)).await;
    let failure = answer.unwrap_err();
    assert_eq!(failure.kind(), Kind::Refused);
    assert_eq!(failure.to_string(), format!("cannot connect to {address}: connection refused"));
    assert_eq!(stamps.connected, None);
}

#[tokio::test]
async fn a_connection_that_ends_too_early_says_where() {
    for (acts, expected) in [
        (vec![Act::Close], Failure::Closed(Phase::Wait)),
        (vec![Act::Reset], Failure::Reset(Phase::Wait)),
        (vec![send(HALF), Act::Close], Failure::Closed(Phase::Receive)),
        (vec![send(HALF), Act::Reset], Failure::Reset(Phase::Receive)),
        (vec![send(CHUNKED), send("5\r\nhel"), Act::Close], Failure::Closed(Phase::Receive)),
    ] {
        for protocol in [Protocol::Http1, Protocol::Hyper1] {
            assert_eq!(failure(protocol, &acts).await, expected, "{protocol:?} {acts:?}");
        }
    }
    // Half a head is something of the answer; hyper does not tell it.
    let acts = [send("HTTP/1.1 200 OK\r\nContent-"), Act::Close];
    assert_eq!(failure(Protocol::Http1, &acts).await, Failure::Closed(Phase::Receive));
    assert_eq!(failure(Protocol::Hyper1, &acts).await, Failure::Closed(Phase::Wait));
}

#[tokio::test]
async fn a_connection_that_breaks_at_once_is_reset() {
    let address = crate::server::listening(|stream| async { crate::server::reset(stream) }).await;
    for protocol in [Protocol::Http1, Protocol::Hyper1] {
        let failure = got(&speaking(address, protocol)).await.0.unwrap_err();
        assert_eq!(failure.kind(), Kind::Reset, "{failure:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X: yyyyyyyyyyyyyyyyyyyy\r\n".repeat(50_000));
    for (text, expected) in [
        (format!("{CHUNKED}nonsense\r\n"), Malformed::Chunk),
        (format!("{CHUNKED}ffffffffffffffffff\r\n"), Malformed::Chunk),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".into(), Malformed::Switched),
    ] {
        for protocol in [Protocol::Http1, Protocol::Hyper1] {
            let failure = failure(protocol, &[send(&text)]).await;
            assert_eq!(failure, expected.into(), "{protocol:?} {text}");
        }
    }
    let long = &[send(format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(1_000_000)))];
    for text in ["SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\0\x02\x02\x50", "+PONG\r\n", &endless] {
        for protocol in [Protocol::Http1, Protocol::Hyper1] {
            let failure = failure(protocol, &[send(text)]).await;
            assert_eq!(failure.kind(), Kind::Malformed, "{protocol:?} {failure:?}");
        }
    }
    assert_eq!(failure(Protocol::Http1, long).await, Malformed::HeadTooLong.into());
    assert_eq!(failure(Protocol::Hyper1, long).await, Malformed::HeadTooLarge.into());
}

#[tokio::test]
async fn lengths_that_contradict_each_other_are_seen() {
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhello";
    for protocol in [Protocol::Http1, Protocol::Hyper1] {
        assert_eq!(failure(protocol, &[send(two)]).await.kind(), Kind::Malformed, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_server_of_http_1_does_not_speak_http_2() {
    let address = acting(vec![send(OK)]).await;
    let failure = got(&speaking(address, Protocol::Http2)).await.0.unwrap_err();
    assert_eq!(failure.to_string(), "HTTP/2: the server speaks another protocol");
    assert_eq!(failure.kind(), Kind::Malformed);
}
