//! HTTP/2, over TLS and without, with servers that answer, refuse, and break off.

use exchange::{Dialer, Failure, Kind, Phase, Protocol, Request, Route, Stamps, Trust};
use h2::Reason;
use h2::server::SendResponse;
use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::certificates::{Authority, acceptor, called, secure};
use crate::server::{connected, get, got, listening, speaking};

/// What a server does with a request.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Answer,
    Reset(Reason),
    GoAway(Reason),
    Close,
    HalfAnswer,
}

/// Does the same with every request of a connection; tells what was asked for in a header.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, deed: Deed) {
    let mut connection = h2::server::handshake(&mut stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let asked = request.uri().to_string();
        match deed {
            Deed::Answer => answer(&mut respond, &asked),
            Deed::Reset(reason) => respond.send_reset(reason),
            Deed::GoAway(reason) => connection.abrupt_shutdown(reason),
            Deed::Close => return,
            Deed::HalfAnswer => {
                let head = Response::builder().header("content-length", 50).body(()).unwrap();
                let mut body = respond.send_response(head, false).unwrap();
                body.send_data("half".into(), false).unwrap();
                body.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    }
    drop(connection);
    // Reads on, so that what is unread makes no reset of the end.
    drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
}

fn answer(respond: &mut SendResponse<bytes::Bytes>, asked: &str) {
    let head = Response::builder().status(StatusCode::CREATED).header("x-asked", asked);
    let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
    body.send_data("hello".into(), true).unwrap();
}

async fn plain(deed: Deed) -> Route {
    let address = listening(move |stream| serve(stream, deed)).await;
    speaking(address, Protocol::Http2)
}

#[tokio::test]
async fn it_is_spoken_with_prior_knowledge_and_over_tls() {
    let authority = Authority::new();
    let certificate = authority.sign(&["server"], |_| {});
    let tls = acceptor(&certificate, &["h2"]);
    let address = secure(tls, |stream| serve(stream, Deed::Answer)).await;
    let secured = called("server", address, Trust::File(authority.file()));
    let secured = Route { protocol: Protocol::Http2, ..secured };
    for route in [plain(Deed::Answer).await, secured] {
        let (connection, mut stamps) = connected(&route).await;
        let mut asked = None;
        let mut on_head = |head: &exchange::Head<'_>| {
            assert_eq!(head.reason, "");
            asked = head.headers.text("x-asked").map(std::borrow::Cow::into_owned);
        };
        let mut connection = connection.unwrap();
        let answer = connection.exchange(&get(&route), &mut stamps, &mut on_head).await.unwrap();
        assert_eq!((answer.status, answer.body_bytes, answer.reusable), (201, 5, true));
        assert_eq!(asked.unwrap(), route.url.to_string());
        let as_http1 = format!("HTTP/1.1 201 Created\r\nx-asked: {}\r\n\r\n", route.url);
        assert_eq!(answer.head_bytes, as_http1.len() as u64);
        assert_eq!(stamps.phases().unwrap().total(), stamps.done.unwrap() - stamps.began);
    }
}

#[tokio::test]
async fn exchanges_share_a_connection_side_by_side() {
    let route = plain(Deed::Answer).await;
    let connection = connected(&route).await.0.unwrap();
    let exchanges = (0..20).map(|_| {
        let mut handle = connection.share().unwrap();
        let request = get(&route);
        tokio::spawn(async move {
            let mut stamps = Stamps::now();
            handle.exchange(&request, &mut stamps, &mut |_| {}).await
        })
    });
    let exchanges: Vec<_> = exchanges.collect();
    for exchange in exchanges {
        assert_eq!(exchange.await.unwrap().unwrap().status, 201);
    }
}

#[tokio::test]
async fn a_body_is_sent_and_the_host_is_where_http_2_has_it() {
    let route = plain(Deed::Answer).await;
    let host = ("host".parse().unwrap(), "other".parse().unwrap());
    let body = vec![b'x'; 200_000].into();
    let request = Request {
        method: "POST".parse().unwrap(),
        headers: vec![host],
        body,
        ..Request::default()
    };
    let dialer = Dialer::new(route.clone()).unwrap();
    let (connection, mut stamps) = connected(&route).await;
    let mut asked = None;
    let mut on_head = |head: &exchange::Head<'_>| {
        asked = head.headers.text("x-asked").map(std::borrow::Cow::into_owned);
    };
    let request = dialer.prepare(&request, &route.url);
    connection.unwrap().exchange(&request, &mut stamps, &mut on_head).await.unwrap();
    assert_eq!(asked.unwrap(), "http://other/");
}

#[tokio::test]
async fn failures_are_told_apart() {
    let own = |kind, reason: &str| Failure::Http2 { kind, reason: reason.to_owned() };
    for (deed, expected) in [
        (Deed::GoAway(Reason::NO_ERROR), Failure::Closed(Phase::Wait)),
        (
            Deed::GoAway(Reason::ENHANCE_YOUR_CALM),
            own(
                Kind::Closed,
                "the server ends the connection: detected excessive load generating behavior",
            ),
        ),
        (Deed::Reset(Reason::REFUSED_STREAM), own(Kind::Reset, "the server refuses the request")),
        (
            Deed::Reset(Reason::CANCEL),
            own(Kind::Reset, "the server ends the request: stream no longer needed"),
        ),
        (
            Deed::HalfAnswer,
            own(Kind::Reset, "the server ends the request: unexpected internal error encountered"),
        ),
    ] {
        let (answer, stamps) = got(&plain(deed).await).await;
        assert_eq!(answer.unwrap_err(), expected, "{deed:?}");
        assert_eq!(stamps.done, None);
    }
}

/// What the server had not read when it closed makes a reset of it.
#[tokio::test]
async fn a_server_that_just_closes_is_gone() {
    let failure = got(&plain(Deed::Close).await).await.0.unwrap_err();
    let gone = [Failure::Closed(Phase::Wait), Failure::Reset(Phase::Wait)];
    assert!(gone.contains(&failure), "{failure:?}");
}

#[tokio::test]
async fn a_refused_request_leaves_the_connection_usable() {
    let route = plain(Deed::Reset(Reason::REFUSED_STREAM)).await;
    let mut connection = connected(&route).await.0.unwrap();
    for _ in 0..2 {
        let mut stamps = Stamps::now();
        let failure = connection.exchange(&get(&route), &mut stamps, &mut |_| {}).await;
        assert_eq!(failure.unwrap_err().kind(), Kind::Reset);
        assert!(stamps.sent.is_some());
    }
}
