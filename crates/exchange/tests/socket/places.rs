//! Where connections go: names, families, unix sockets, and from where.

use exchange::{Dialer, Family, Kind, Peer, Route, Stamps};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, UnixListener};

use crate::server::{OK, acting, connected, got, head, send, to};

async fn resolved(route: &Route) -> (Result<Vec<Peer>, exchange::Failure>, Stamps) {
    let mut stamps = Stamps::now();
    let peers = Dialer::new(route.clone()).unwrap().resolve(&mut stamps).await;
    (peers, stamps)
}

#[tokio::test]
async fn a_name_is_looked_up_and_an_address_is_not() {
    let address = acting(vec![send(OK)]).await;
    let named = Route::to(format!("localhost:{}", address.port()).parse().unwrap());
    let named = Route { family: Some(Family::V4), ..named };
    let (peers, stamps) = resolved(&named).await;
    assert_eq!(peers.unwrap(), [Peer::Tcp(address)]);
    assert!(stamps.resolved.is_some() && Dialer::new(named.clone()).unwrap().resolves());
    let (answer, stamps) = got(&named).await;
    assert_eq!(answer.unwrap().status, 200);
    let phases = stamps.phases().unwrap();
    assert!(phases.resolve.is_some());
    assert_eq!(phases.total(), stamps.done.unwrap() - stamps.began);
    let (peers, stamps) = resolved(&to(address)).await;
    assert_eq!(peers.unwrap(), [Peer::Tcp(address)]);
    assert!(stamps.resolved.is_none() && !Dialer::new(to(address)).unwrap().resolves());
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_said() {
    // An empty label is refused without asking a name server.
    let route = Route::to("http://nobody..invalid/".parse().unwrap());
    let (peers, stamps) = resolved(&route).await;
    let failure = peers.unwrap_err();
    assert_eq!(failure.kind(), Kind::Resolve);
    let said = failure.to_string();
    assert!(said.starts_with("cannot resolve nobody..invalid: "), "{said}");
    assert!(!said.contains("lookup") && !said.contains("os error"), "{said}");
    assert_eq!(stamps.resolved, None);
}

#[tokio::test]
async fn ipv6_is_spoken_and_asked_for() {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
        stream.write_all(OK).await.unwrap();
    });
    let route = Route { family: Some(Family::V6), ..to(address) };
    assert_eq!(got(&route).await.0.unwrap().status, 200);
    let four = Route { family: Some(Family::V4), ..to(address) };
    let said = resolved(&four).await.0.unwrap_err().to_string();
    assert_eq!(said, "cannot resolve ::1: it has no IPv4 address");
    let six = Route { family: Some(Family::V6), ..to("127.0.0.1:1".parse().unwrap()) };
    let said = resolved(&six).await.0.unwrap_err().to_string();
    assert_eq!(said, "cannot resolve 127.0.0.1: it has no IPv6 address");
}

#[tokio::test]
async fn a_connection_comes_from_the_address_that_was_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let from = "127.0.0.7".parse().unwrap();
    let route = Route { bind: Some(from), ..to(listener.local_addr().unwrap()) };
    let _connection = connected(&route).await.0.unwrap();
    assert_eq!(listener.accept().await.unwrap().1.ip(), from);
    let route = Route { bind: Some("192.0.2.1".parse().unwrap()), ..route };
    let said = connected(&route).await.0.unwrap_err().to_string();
    assert!(said.ends_with(": 192.0.2.1 is no address of this machine"), "{said}");
}

#[tokio::test]
async fn another_host_than_the_url_s_is_asked_for_it() {
    let address = acting(vec![send(OK)]).await;
    let instead = Some((address.ip().to_string(), address.port()));
    let route = Route { instead, ..Route::to("http://nobody.invalid/".parse().unwrap()) };
    assert_eq!(got(&route).await.0.unwrap().status, 200);
}

#[tokio::test]
async fn a_unix_socket_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let (told, mut heads) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        told.send(head(&mut stream).await).unwrap();
        stream.write_all(OK).await.unwrap();
    });
    let url = "http://engine/version".parse().unwrap();
    let route = Route { unix: Some(path.clone()), ..Route::to(url) };
    assert!(!Dialer::new(route.clone()).unwrap().resolves());
    assert_eq!(resolved(&route).await.0.unwrap(), [Peer::Unix(path.clone())]);
    assert_eq!(got(&route).await.0.unwrap().status, 200);
    assert_eq!(heads.recv().await.unwrap(), "GET /version HTTP/1.1\r\nhost: engine\r\n\r\n");
    let missing = folder.path().join("missing");
    let failure = connected(&Route { unix: Some(missing), ..route.clone() }).await.0.unwrap_err();
    assert!(failure.to_string().ends_with("missing: no such file or directory"), "{failure}");
    // The listener is gone, its file is not.
    let failure = connected(&route).await.0.unwrap_err();
    assert_eq!(failure.kind(), Kind::Refused);
}
