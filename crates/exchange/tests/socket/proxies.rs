//! Proxies: ways through them, and every way they have to refuse.

use std::net::SocketAddr;

use exchange::{Dialer, Failure, Form, Kind, Protocol, Proxy, Route, Stamps, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::certificates::{Authority, acceptor, called, secure};
use crate::server::{Act, OK, act, acting, connected, got, head, listening, reset, send, to};

fn through(proxy: SocketAddr, kind: &str, route: Route) -> Route {
    Route { proxy: Some(format!("{kind}{proxy}").parse::<Proxy>().unwrap()), ..route }
}

/// Both ways until both have ended.
async fn relay(mut client: TcpStream, server: SocketAddr) {
    let mut server = TcpStream::connect(server).await.unwrap();
    drop(copy_bidirectional(&mut client, &mut server).await);
}

/// An HTTP proxy that connects everybody to `server`, and the heads it was sent. Its answer and the
/// server's first bytes come as one, where the server speaks first.
async fn http_proxy(server: SocketAddr) -> (SocketAddr, UnboundedReceiver<String>) {
    let (told, heads) = unbounded_channel();
    let address = listening(move |mut stream| {
        let told = told.clone();
        async move {
            told.send(head(&mut stream).await).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
                .await
                .unwrap();
            relay(stream, server).await;
        }
    });
    (address.await, heads)
}

/// A SOCKS5 proxy that wants this user and connects everybody to `server`; it tells whom it was
/// asked for.
async fn socks_proxy(
    server: SocketAddr,
    login: Option<&'static [u8]>,
) -> (SocketAddr, UnboundedReceiver<Vec<u8>>) {
    let (told, asked) = unbounded_channel();
    let address = listening(move |mut stream| {
        let told = told.clone();
        async move {
            let mut methods = [0; 255];
            stream.read_exact(&mut methods[..2]).await.unwrap();
            let number = usize::from(methods[1]);
            stream.read_exact(&mut methods[..number]).await.unwrap();
            stream.write_all(&[5, if login.is_some() { 2 } else { 0 }]).await.unwrap();
            if let Some(login) = login {
                let mut given = vec![0; login.len()];
                stream.read_exact(&mut given).await.unwrap();
                let refused = u8::from(given != login);
                stream.write_all(&[1, refused]).await.unwrap();
            }
            let mut request = vec![0; 5];
            let Ok(_) = stream.read_exact(&mut request).await else { return };
            let left = match request[3] {
                1 => 4 + 2 - 1,
                4 => 16 + 2 - 1,
                _ => usize::from(request[4]) + 2,
            };
            request.resize(5 + left, 0);
            stream.read_exact(&mut request[5..]).await.unwrap();
            told.send(request).unwrap();
            stream.write_all(&[5, 0, 0, 3, 2, b'm', b'e', 0, 80]).await.unwrap();
            relay(stream, server).await;
        }
    });
    (address.await, asked)
}

#[tokio::test]
async fn http_goes_through_an_http_proxy_by_its_whole_url() {
    let (told, mut heads) = unbounded_channel();
    let proxy = listening(move |mut stream| {
        let told = told.clone();
        async move {
            told.send(head(&mut stream).await).unwrap();
            act(stream, vec![send(OK)]).await;
        }
    })
    .await;
    for protocol in [Protocol::Http1, Protocol::Hyper1] {
        let url = "http://nobody.invalid/x".parse().unwrap();
        let route = through(proxy, "http://me:secret@", Route { protocol, ..Route::to(url) });
        assert_eq!(Dialer::new(route.clone()).unwrap().form(), Form::Absolute);
        assert_eq!(got(&route).await.0.unwrap().status, 200);
        let expected = "GET http://nobody.invalid/x HTTP/1.1\r\nhost: nobody.invalid\r\n\
                        proxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n";
        assert_eq!(heads.recv().await.unwrap(), expected, "{protocol:?}");
    }
}

#[tokio::test]
async fn https_goes_through_any_proxy_and_both_stamps_are_there() {
    let authority = Authority::new();
    let certificate = authority.sign(&["server.invalid"], |_| {});
    let server = secure(acceptor(&certificate, &[]), |mut stream| async move {
        head(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let route = called("server.invalid", server, Trust::File(authority.file()));
    let route = Route { instead: None, ..route };
    let (http, mut heads) = http_proxy(server).await;
    let (socks, mut asked) = socks_proxy(server, Some(b"\x01\x02me\x06secret")).await;
    for (proxy, kind) in [(http, "http://me:secret@"), (socks, "socks5://me:secret@")] {
        let route = through(proxy, kind, route.clone());
        assert_eq!(Dialer::new(route.clone()).unwrap().form(), Form::Origin);
        let (answer, stamps) = got(&route).await;
        assert_eq!(answer.unwrap().body_bytes, 5, "{kind}");
        assert!(stamps.resolved.is_none() && stamps.connected < stamps.secured);
        assert_eq!(stamps.phases().unwrap().total(), stamps.done.unwrap() - stamps.began);
    }
    let name = format!("server.invalid:{}", server.port());
    let expected = format!(
        "CONNECT {name} HTTP/1.1\r\nhost: {name}\r\n\
         proxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n"
    );
    assert_eq!(heads.recv().await.unwrap(), expected);
    let port = server.port().to_be_bytes();
    let expected = [&[5, 1, 0, 3, 14], &b"server.invalid"[..], &port].concat();
    assert_eq!(asked.recv().await.unwrap(), expected);
}

/// Were a byte too many taken, the server's greeting would be gone.
#[tokio::test]
async fn what_follows_a_proxy_s_answer_belongs_to_the_server() {
    let server = listening(|mut stream| async move {
        stream.write_all(OK).await.unwrap();
        act(stream, vec![]).await;
    })
    .await;
    let proxy = listening(move |mut stream| async move {
        head(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
        let (first, second) = answer.split_at(24);
        stream.write_all(first).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        stream.write_all(&[second, OK].concat()).await.unwrap();
        act(stream, vec![]).await;
    })
    .await;
    assert_eq!(got(&to(server)).await.0.unwrap().body_bytes, 5);
    // HTTP/2 is tunnelled, and sees the answer of HTTP/1.1 that came with the proxy's.
    let route = through(proxy, "http://", to(server));
    let route = Route { protocol: Protocol::Http2, ..route };
    let failure = got(&route).await.0.unwrap_err();
    assert_eq!(failure.to_string(), "HTTP/2: the server speaks another protocol");
}

#[tokio::test]
async fn addresses_are_given_to_socks_as_what_they_are() {
    let server = acting(vec![send(OK)]).await;
    for (host, kind, octets) in [("10.1.2.3", 1, &[10, 1, 2, 3][..]), ("[::1]", 4, &[0; 15])] {
        let (proxy, mut asked) = socks_proxy(server, None).await;
        let route = Route::to(format!("http://{host}:81/").parse().unwrap());
        let route = through(proxy, "socks5://", route);
        assert_eq!(got(&route).await.0.unwrap().status, 200);
        let asked = asked.recv().await.unwrap();
        assert_eq!(asked[..4], [5, 1, 0, kind]);
        assert_eq!(&asked[4..4 + octets.len()], octets);
        assert_eq!(asked[asked.len() - 2..], [0, 81]);
    }
}

/// What is said of a proxy that answers every step with the next of these, and then does the rest.
async fn refusal(kind: &str, steps: &[&[u8]], last: Act) -> String {
    let steps: Vec<Vec<u8>> = steps.iter().map(|step| step.to_vec()).collect();
    let proxy = listening(move |mut stream| {
        let (steps, last) = (steps.clone(), last.clone());
        async move {
            for step in steps {
                let mut heard = [0; 1024];
                assert!(stream.read(&mut heard).await.unwrap() > 0);
                stream.write_all(&step).await.unwrap();
            }
            act(stream, vec![last]).await;
        }
    })
    .await;
    let url = "https://server.invalid/".parse().unwrap();
    let route = through(proxy, kind, Route { trust: Trust::Anyone, ..Route::to(url) });
    let failure = connected(&route).await.0.unwrap_err();
    assert_eq!(failure.kind(), Kind::Proxy, "{failure:?}");
    let said = failure.to_string();
    let prefix = format!("proxy {proxy}: ");
    assert!(said.starts_with(&prefix), "{said}");
    said[prefix.len()..].to_owned()
}

#[tokio::test]
async fn an_http_proxy_s_refusal_is_told() {
    let asks = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!";
    for (kind, answer, said) in [
        ("http://", &asks[..], "it asks for a user and a password: write USER:PASSWORD@HOST:PORT"),
        ("http://a:b@", asks, "it refuses the user or the password"),
        (
            "http://",
            b"HTTP/1.1 403 Forbidden\r\n\r\n",
            "it does not connect to server.invalid:443: 403 Forbidden",
        ),
        ("http://", b"SSH-2.0-x\r\n\r\n", "its answer is not HTTP: invalid HTTP version"),
    ] {
        assert_eq!(refusal(kind, &[answer], Act::Stall).await, said);
    }
    let endless = [b"HTTP/1.1 200 OK\r\nX: ", &vec![b'y'; 100_000][..]].concat();
    let said = refusal("http://", &[&endless], Act::Stall).await;
    assert_eq!(said, "its answer has a head of more than 16384 bytes");
    let half: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\n"];
    let said = "it closed the connection before its answer was whole";
    assert_eq!(refusal("http://", half, Act::Close).await, said);
    assert_eq!(refusal("http://", half, Act::Reset).await, "it reset the connection");
}

#[tokio::test]
async fn a_socks_proxy_s_refusal_is_told() {
    let no_login: &[u8] = &[5, 0];
    for (kind, steps, said) in [
        (
            "socks5://",
            &[&[5, 0xff][..]][..],
            "it asks for a user and a password: write USER:PASSWORD@HOST:PORT",
        ),
        (
            "socks5://a:b@",
            &[&[5, 0xff]],
            "it wants to know who asks in a way that is not supported",
        ),
        ("socks5://a:b@", &[&[5, 2], &[1, 1]], "it refuses the user or the password"),
        ("socks5://", &[&[5, 9]], "it wants a login that was not offered, 9"),
        (
            "socks5://",
            &[b"HTTP/1.1 400"],
            "it does not speak SOCKS5: it answered 72 for the version",
        ),
        (
            "socks5://",
            &[no_login, &[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]],
            "it does not connect to server.invalid:443: connection refused",
        ),
        (
            "socks5://",
            &[no_login, &[5, 77, 0, 1]],
            "it does not connect to server.invalid:443: failure 77",
        ),
        ("socks5://", &[no_login, &[5, 0, 0, 9]], "it answered with an unknown kind of address, 9"),
        (
            "socks5://",
            &[no_login, &[4, 0, 0, 1]],
            "it does not speak SOCKS5: it answered 4 for the version",
        ),
    ] {
        assert_eq!(refusal(kind, steps, Act::Stall).await, said);
    }
    let said = "it closed the connection before its answer was whole";
    assert_eq!(refusal("socks5://", &[no_login, &[5]], Act::Close).await, said);
    assert_eq!(refusal("socks5://", &[&[5]], Act::Reset).await, "it reset the connection");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_a_failure_to_connect() {
    let proxy = listening(|stream| async { reset(stream) }).await;
    let url = "https://server.invalid/".parse().unwrap();
    let route = through(proxy, "socks5://", Route { trust: Trust::Anyone, ..Route::to(url) });
    assert_eq!(connected(&route).await.0.unwrap_err().kind(), Kind::Proxy);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let failure = connected(&through(nobody, "socks5://", route)).await.0.unwrap_err();
    let said = format!("cannot connect to proxy {nobody}: connection refused");
    assert_eq!((failure.kind(), failure.to_string()), (Kind::Refused, said));
    let long = format!("http://{}/", ["a".repeat(60).as_str(); 5].join("."));
    let (proxy, _asked) = socks_proxy(nobody, None).await;
    let route = through(proxy, "socks5://", Route::to(long.parse().unwrap()));
    let mut stamps = Stamps::now();
    let dialer = Dialer::new(route).unwrap();
    let peers = dialer.resolve(&mut stamps).await.unwrap();
    let failure: Failure = dialer.connect(&peers[0], &mut stamps).await.unwrap_err();
    assert!(failure.to_string().ends_with("the name of the server must have 1 to 255 bytes"));
}
