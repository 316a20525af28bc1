//! A way through an HTTP proxy: CONNECT and its answer (RFC 9110, section 9.3.6), of which not a
//! byte more is read than its head has.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Proxy, broken};
use crate::dial::authority;

/// Most bytes of the answer's head.
const MOST_HEAD: usize = 16 * 1024;
/// Most headers of the answer.
const MOST_HEADERS: usize = 64;

/// Makes `stream` one to the server; else why not.
pub(super) async fn connect(
    stream: &mut TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), String> {
    let server = authority(host, port);
    let mut request = format!("CONNECT {server} HTTP/1.1\r\nhost: {server}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"proxy-authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.map_err(|error| broken(&error))?;
    let head = head(stream).await?;
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(&head).map_err(|error| format!("its answer is not HTTP: {error}"))?;
    match answer.code.unwrap_or_default() {
        200..=299 => Ok(()),
        407 if proxy.login.is_none() => {
            Err("it asks for a user and a password: write USER:PASSWORD@HOST:PORT".to_owned())
        }
        407 => Err("it refuses the user or the password".to_owned()),
        code => {
            let reason = answer.reason.unwrap_or_default();
            Err(format!("it does not connect to {server}: {code} {reason}").trim_end().to_owned())
        }
    }
}

/// The head of the answer. What has come is looked at before it is taken, since what follows the
/// head belongs to the server.
async fn head(stream: &mut TcpStream) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    let mut seen = [0; 1024];
    while head.len() < MOST_HEAD {
        let length = stream.peek(&mut seen).await.map_err(|error| broken(&error))?;
        if length == 0 {
            return Err("it closed the connection before its answer was whole".to_owned());
        }
        let before = head.len();
        head.extend_from_slice(&seen[..length]);
        let end = end_of_head(&head);
        let of_head = end.unwrap_or(head.len()) - before;
        stream.read_exact(&mut seen[..of_head]).await.map_err(|error| broken(&error))?;
        if let Some(end) = end {
            head.truncate(end);
            return Ok(head);
        }
    }
    Err(format!("its answer has a head of more than {MOST_HEAD} bytes"))
}

/// Where an empty line ends, if there is one.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let feeds = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    feeds
        .map(|at| &bytes[..=at])
        .find(|line| line.ends_with(b"\n\r\n") || line.ends_with(b"\n\n"))
        .map(<[u8]>::len)
}
