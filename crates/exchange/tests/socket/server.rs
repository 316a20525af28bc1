//! Servers of a few lines, and an exchange with one.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::time::Duration;

use exchange::{
    Answer, Connection, Dialer, Failure, Form, Prepared, Protocol, Request, Route, Stamps,
};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// What a server does once it has read the head of a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Closes as usual, which ends what is done.
    Close,
    /// Breaks the connection, which ends what is done.
    Reset,
    /// Does nothing for ever.
    Stall,
}

/// Sends these bytes.
pub(crate) fn send(bytes: impl AsRef<[u8]>) -> Act {
    Act::Send(bytes.as_ref().to_vec())
}

/// A server that gives each connection to `serve`, until the test ends.
pub(crate) async fn listening<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(serve(stream))),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    address
}

/// A server that reads the head of one request a connection and then does this.
pub(crate) async fn acting(acts: Vec<Act>) -> SocketAddr {
    listening(move |mut stream| {
        let acts = acts.clone();
        async move {
            head(&mut stream).await;
            act(stream, acts).await;
        }
    })
    .await
}

/// Does this on `stream`.
pub(crate) async fn act(mut stream: TcpStream, acts: Vec<Act>) {
    for act in acts {
        match act {
            // Whoever has given up does not read.
            Act::Send(bytes) => drop(stream.write_all(&bytes).await),
            Act::Close => return,
            Act::Reset => {
                // So that what was sent is read before.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return reset(stream);
            }
            Act::Stall => pending().await,
        }
    }
    // Reads on, so that what the client does not expect is no reset.
    drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
}

/// Breaks the connection instead of closing it.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// The head of a request; empty when there is none.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

/// The way to a server that was started here.
pub(crate) fn to(address: SocketAddr) -> Route {
    Route::to(format!("http://{address}/").parse().unwrap())
}

/// The same, spoken otherwise.
pub(crate) fn speaking(address: SocketAddr, protocol: Protocol) -> Route {
    Route { protocol, ..to(address) }
}

pub(crate) fn get(route: &Route) -> Prepared {
    Prepared::new(&Request::default(), &route.url, Form::Origin)
}

/// A connection, and when what happened.
pub(crate) async fn connected(route: &Route) -> (Result<Connection, Failure>, Stamps) {
    let mut stamps = Stamps::now();
    let connect = async {
        let dialer = Dialer::new(route.clone())?;
        let peers = dialer.resolve(&mut stamps).await?;
        dialer.connect(&peers[0], &mut stamps).await
    };
    let connection = connect.await;
    (connection, stamps)
}

/// What one GET came to, and when what happened.
pub(crate) async fn got(route: &Route) -> (Result<Answer, Failure>, Stamps) {
    let (connection, mut stamps) = connected(route).await;
    let answer = match connection {
        Err(failure) => Err(failure),
        Ok(mut connection) => {
            let dialer = Dialer::new(route.clone()).unwrap();
            let request = dialer.prepare(&Request::default(), &route.url);
            connection.exchange(&request, &mut stamps, &mut |_| {}).await
        }
    };
    (answer, stamps)
}
