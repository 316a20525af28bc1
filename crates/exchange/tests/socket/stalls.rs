//! Servers that stall for ever: whoever gives up knows what was under way.

use std::time::Duration;

use exchange::{Dialer, Failure, Phase, Protocol, Request, Route, Stamps};
use tokio::net::{TcpSocket, TcpStream};

use crate::server::{Act, acting, head, listening, send, speaking, to};

/// Where an exchange stands that is given up after a while.
async fn given_up(route: Route, body: usize) -> Phase {
    let dialer = Dialer::new(route).unwrap();
    let request = Request { body: vec![0; body].into(), ..Request::default() };
    let request = dialer.prepare(&request, &dialer.route().url);
    let mut stamps = Stamps::now();
    let exchange = async {
        let peers = dialer.resolve(&mut stamps).await.unwrap();
        let mut connection = dialer.connect(&peers[0], &mut stamps).await.unwrap();
        connection.exchange(&request, &mut stamps, &mut |_| {}).await
    };
    let outcome = tokio::time::timeout(Duration::from_millis(300), exchange).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert_eq!(stamps.phases(), None);
    stamps.under_way(dialer.resolves(), true, dialer.secures())
}

#[tokio::test]
async fn the_phase_under_way_is_known() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf";
    for protocol in [Protocol::Http1, Protocol::Hyper1] {
        let silent = acting(vec![Act::Stall]).await;
        assert_eq!(given_up(speaking(silent, protocol), 0).await, Phase::Wait);
        let halfway = acting(vec![send(half), Act::Stall]).await;
        assert_eq!(given_up(speaking(halfway, protocol), 0).await, Phase::Receive);
    }
    let url = format!("https://{}/", acting(vec![Act::Stall]).await).parse().unwrap();
    assert_eq!(given_up(Route::to(url), 0).await, Phase::Tls);
    // More than fits into the system's buffers of both sides.
    let deaf = listening(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert_eq!(given_up(to(deaf), 50_000_000).await, Phase::Send);
    let timeout = Failure::Timeout(Phase::Wait);
    assert_eq!(timeout.to_string(), "no answer in time");
}

/// A system drops what would be one connection more than a listener lets wait.
#[tokio::test]
async fn a_connection_that_nobody_takes_is_under_way() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 100, "the listener takes all");
    }
    assert_eq!(given_up(to(address), 0).await, Phase::Connect);
}

#[tokio::test]
async fn an_exchange_that_was_given_up_closes_its_connection() {
    for protocol in [Protocol::Http1, Protocol::Hyper1, Protocol::Http2] {
        let (told, mut closed) = tokio::sync::mpsc::unbounded_channel();
        let address = listening(move |mut stream| {
            let told = told.clone();
            async move {
                head(&mut stream).await;
                drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
                told.send(()).unwrap();
            }
        })
        .await;
        given_up(speaking(address, protocol), 0).await;
        closed.recv().await.unwrap();
    }
}
