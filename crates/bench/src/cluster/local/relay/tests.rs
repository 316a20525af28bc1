//! Relays on real sockets, in front of a replica of a few lines. Real time, since a paused clock
//! does not wait for what is on its way between two sockets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::*;
use crate::cluster::Service;

const IDLE: Duration = Duration::from_millis(400);
/// For connections that are not to be idle, however busy the machine is.
const NEVER: Duration = Duration::from_hours(1);
/// Larger than what the buffers of both systems hold.
const LARGE: usize = 32 << 20;

/// A relay in front of one replica.
struct Relayed {
    address: SocketAddr,
    events: UnboundedReceiver<Event>,
    _tasks: JoinSet<()>,
}

async fn relayed(connections: usize, idle: Duration) -> Relayed {
    let limits = Limits { connections, reserve: 4, health_checks: 2, idle };
    let replica = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    configure(&listener, idle).unwrap();
    let address = listener.local_addr().unwrap();
    let registry = Arc::new(Registry::unlisted(Service::Rng));
    let slot = registry.enter();
    registry.ready(slot, Some(replica.local_addr().unwrap()));
    let (sender, events) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(relay(listener, registry, limits, sender));
    tasks.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = replica.accept().await {
            open.spawn(answer(stream));
        }
    });
    Relayed { address, events, _tasks: tasks }
}

/// The replica: what it does with a request depends on its path.
async fn answer(mut stream: TcpStream) {
    let good = |body: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    while let Some(path) = request(&mut stream).await {
        match &*path {
            "/late" => tokio::time::sleep(3 * IDLE).await,
            "/expect" => {
                // In pieces, and the body that the client then sends is not read.
                for piece in ["HTTP/1.1 100 Con", "tinue\r\n\r\n"] {
                    let _ = stream.write_all(piece.as_bytes()).await;
                    tokio::time::sleep(IDLE / 8).await;
                }
                tokio::time::sleep(3 * IDLE).await;
            }
            "/bye" => return,
            _ => {}
        }
        let answer = match &*path {
            "/health" => good("well"),
            "/large" => good(&"x".repeat(LARGE)),
            "/drip" => good("drop drop ok"),
            _ => good("ok"),
        };
        // All of the response but for the end of "/drip", which comes byte by byte.
        let (first, last) = answer.split_at(answer.len() - if path == "/drip" { 10 } else { 0 });
        if stream.write_all(first).await.is_err() {
            return;
        }
        for byte in last {
            tokio::time::sleep(IDLE / 2).await;
            let _ = stream.write_all(&[*byte]).await;
        }
        if path == "/health" {
            return;
        }
    }
}

/// The path of the next request.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()?.split(' ').nth(1).map(str::to_owned)
}

impl Relayed {
    /// A connection that has been passed on and answered once.
    async fn inside(&self) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        assert!(ask(&mut client, "/").await.ends_with("\r\n\r\nok"));
        client
    }

    /// The whole answer to one request over a connection of its own.
    async fn once(&self, request: &str) -> String {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(format!("{request} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        rest(&mut client).await
    }
}

/// Sends a request and reads an answer of any size to its end.
async fn ask(client: &mut TcpStream, path: &str) -> String {
    send(client, path).await;
    receive(client).await
}

async fn send(client: &mut TcpStream, path: &str) {
    client.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
}

async fn receive(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let mut text = String::from_utf8(head).unwrap();
    let length = text.split_once("Length: ").unwrap().1.split_once('\r').unwrap().0;
    let mut body = vec![0; length.parse().unwrap()];
    client.read_exact(&mut body).await.unwrap();
    text.push_str(std::str::from_utf8(&body).unwrap());
    text
}

/// All that still comes until the connection ends, however it does.
async fn rest(client: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _ = client.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn over_the_limit_health_is_answered_and_all_else_refused() {
    let mut relayed = relayed(2, NEVER).await;
    let (mut one, two) = (relayed.inside().await, relayed.inside().await);
    for request in ["GET /32", "POST /health", "nonsense"] {
        let refused = relayed.once(request).await;
        assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
        assert!(refused.contains("\r\nRetry-After: 1\r\nConnection: close\r\n"), "{refused}");
        assert!(refused.ends_with("\r\n\r\nover the limit of 2 connections\n"), "{refused}");
    }
    let head = relayed.once("HEAD /32").await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.ends_with("\r\n\r\n"), "{head}");
    let health = relayed.once("GET /health").await;
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("well"), "{health}");
    let event = relayed.events.recv().await.unwrap();
    assert!(matches!(event, Event::OverLimit { limit: 2, connections: 1.., .. }), "{event:?}");
    // Those inside notice nothing, and whoever leaves makes room.
    assert!(ask(&mut one, "/").await.ends_with("ok"));
    drop(two);
    while !relayed.once("GET /health").await.contains("well") {}
    while relayed.once("GET /bye").await.contains("503") {}
}

#[tokio::test]
async fn a_silent_crowd_over_the_limit_keeps_no_health_check_from_its_answer() {
    let relayed = relayed(1, NEVER).await;
    let mut inside = relayed.inside().await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(relayed.address).await.unwrap());
    }
    assert!(relayed.once("GET /health").await.ends_with("well"));
    // The oldest get a response before they are closed.
    assert!(rest(&mut crowd[0]).await.starts_with("HTTP/1.1 503 "));
    assert!(ask(&mut inside, "/").await.ends_with("ok"));
}

#[tokio::test]
async fn a_connection_that_sends_nothing_over_the_limit_is_answered_in_time() {
    let relayed = relayed(1, NEVER).await;
    let _inside = relayed.inside().await;
    let mut silent = TcpStream::connect(relayed.address).await.unwrap();
    let mut slow = TcpStream::connect(relayed.address).await.unwrap();
    slow.write_all(b"GET /hea").await.unwrap();
    for client in [&mut silent, &mut slow] {
        assert!(rest(client).await.starts_with("HTTP/1.1 503 "));
    }
}

#[tokio::test]
async fn only_a_connection_without_a_request_under_way_is_idle() {
    let relayed = relayed(10, IDLE).await;
    let begin = tokio::time::Instant::now();
    let connect = || async { TcpStream::connect(relayed.address).await.unwrap() };
    let (mut silent, mut waiting, mut dripping) =
        (connect().await, connect().await, connect().await);
    let ((), late, drip) = tokio::join!(
        async {
            assert_eq!(rest(&mut silent).await, "");
            assert!(begin.elapsed() >= IDLE, "{:?}", begin.elapsed());
        },
        async {
            let answer = ask(&mut waiting, "/late").await;
            assert_eq!(rest(&mut waiting).await, "", "and then it is idle, too");
            answer
        },
        ask(&mut dripping, "/drip"),
    );
    assert!(late.ends_with("ok") && drip.ends_with("ok"), "{late} {drip}");
    assert!(begin.elapsed() > 3 * IDLE);
}

/// `Expect: 100-continue`: the replica takes the request, which then waits in its queue.
#[tokio::test]
async fn a_request_that_waits_after_an_interim_response_is_not_idle() {
    let relayed = relayed(10, IDLE).await;
    let mut client = TcpStream::connect(relayed.address).await.unwrap();
    send(&mut client, "/expect").await;
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[tokio::test]
async fn a_slow_reader_gets_all_of_a_long_response() {
    let relayed = relayed(10, 5 * IDLE).await;
    let mut client = TcpStream::connect(relayed.address).await.unwrap();
    send(&mut client, "/large").await;
    let mut taken = 0;
    let mut buffer = vec![0; 32 << 10];
    // A fiftieth of what the two systems hold in between, for longer than the idle time.
    for _ in 0..20 {
        tokio::time::sleep(IDLE / 2).await;
        taken += client.read(&mut buffer).await.unwrap();
    }
    while taken < LARGE {
        match client.read(&mut buffer).await.unwrap() {
            0 => break,
            more => taken += more,
        }
    }
    assert!(taken >= LARGE, "only {taken} bytes came");
}

#[tokio::test]
async fn a_client_that_takes_nothing_gives_its_slot_back() {
    let relayed = relayed(1, IDLE / 4).await;
    let mut greedy = TcpStream::connect(relayed.address).await.unwrap();
    send(&mut greedy, "/large").await;
    while relayed.once("GET /").await.contains("503") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn half_open_connections_end_soon() {
    let relayed = relayed(2, IDLE).await;
    // The replica ends its side, these clients never do.
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(relayed.address).await.unwrap();
        send(&mut client, "/bye").await;
        assert_eq!(rest(&mut client).await, "");
        clients.push(client);
    }
    while relayed.once("GET /bye").await.contains("503") {
        tokio::time::sleep(IDLE / 4).await;
    }
    // A client that has said all it wants to say still gets its answer.
    let mut client = TcpStream::connect(relayed.address).await.unwrap();
    send(&mut client, "/late").await;
    client.shutdown().await.unwrap();
    assert!(receive(&mut client).await.ends_with("ok"));
}
