//! Which headers a user may give a request. Those that frame the body must describe it; those that
//! would make the server speak something else than is read here are refused.

use bytes::{BufMut as _, BytesMut};
use http::header::{
    CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};

use crate::connection::Protocol;

/// Headers that HTTP/2 has no use for (RFC 9113, section 8.2.2).
const OF_HTTP1: [&str; 3] = ["connection", "keep-alive", "proxy-connection"];

/// A header that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// A length that is not the body's.
    #[error(
        "the header Content-Length: {given} does not fit the body of {body} bytes; leave it out, it is sent by itself"
    )]
    Length {
        /// What was given.
        given: String,
        /// How long the body is.
        body: usize,
    },
    /// An encoding that the body is not sent in.
    #[error(
        "the header Transfer-Encoding: {0} cannot be sent: chunked is the only encoding that bench sends a body in"
    )]
    Encoding(String),
    /// Two ways to frame one body.
    #[error("the headers Content-Length and Transfer-Encoding contradict each other; give one")]
    Both,
    /// A header that may be there once.
    #[error("the header {0} is given more than once")]
    Repeated(HeaderName),
    /// A change of protocols.
    #[error(
        "the header Upgrade: {0} cannot be sent: bench could not read the protocol it asks for"
    )]
    Upgrade(String),
    /// An expectation that only a body can meet.
    #[error("the header Expect: 100-continue needs a body")]
    Expectation,
    /// What HTTP/2 does not have.
    #[error("the header {0} cannot be sent: HTTP/2 has none; --http2 and it contradict each other")]
    NotInHttp2(HeaderName),
}

/// Checks the headers that a user gave for a request with a body of this length.
///
/// - `Content-Length` must be the body's, and `Transfer-Encoding` be `chunked`, in which the body is
///   sent then; not both.
/// - `Upgrade` is refused, as is `Expect: 100-continue` without a body. With one, the body follows
///   at once, which the standard allows (RFC 9110, section 10.1.1).
/// - `Host` may be there once. `TE` frames nothing and is sent as it is.
/// - With HTTP/2, headers that only HTTP/1 has are refused.
///
/// # Errors
/// The first header that cannot be sent.
pub fn check_headers(
    headers: &[(HeaderName, HeaderValue)],
    body: usize,
    protocol: Protocol,
) -> Result<(), BadHeader> {
    let values = |name: HeaderName| {
        headers.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value)
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    if protocol == Protocol::Http2
        && let Some((name, _)) = headers.iter().find(|(name, value)| !in_http2(name, value))
    {
        return Err(BadHeader::NotInHttp2(name.clone()));
    }
    if values(HOST).count() > 1 {
        return Err(BadHeader::Repeated(HOST));
    }
    if let Some(value) = values(UPGRADE).next() {
        return Err(BadHeader::Upgrade(text(value)));
    }
    let right = |value: &&HeaderValue| {
        let digits = value.as_bytes().trim_ascii();
        let text = str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
        text.and_then(|text| text.parse().ok()) == Some(body)
    };
    if let Some(wrong) = values(CONTENT_LENGTH).find(|value| !right(value)) {
        return Err(BadHeader::Length { given: text(wrong), body });
    }
    let chunked =
        |value: &&HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if let Some(wrong) = values(TRANSFER_ENCODING).find(|value| !chunked(value)) {
        return Err(BadHeader::Encoding(text(wrong)));
    }
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
        if values(name.clone()).count() > 1 {
            return Err(BadHeader::Repeated(name));
        }
    }
    if values(CONTENT_LENGTH).next().is_some() && values(TRANSFER_ENCODING).next().is_some() {
        return Err(BadHeader::Both);
    }
    let expects = lists(values(EXPECT), "100-continue");
    if expects && body == 0 { Err(BadHeader::Expectation) } else { Ok(()) }
}

/// Whether HTTP/2 has a header.
fn in_http2(name: &HeaderName, value: &HeaderValue) -> bool {
    match name.as_str() {
        "te" => value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"trailers"),
        "transfer-encoding" | "upgrade" => false,
        name => !OF_HTTP1.contains(&name),
    }
}

/// Whether lists of words separated by commas have this one.
pub(super) fn lists<'a>(values: impl IntoIterator<Item = &'a HeaderValue>, word: &str) -> bool {
    let words = values.into_iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    words.into_iter().any(|listed| listed.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// Writes a body as one chunk and the end of all (RFC 9112, section 7.1).
pub(super) fn put_chunk(bytes: &mut BytesMut, body: &[u8]) {
    // A chunk of no bytes would be the end already.
    if !body.is_empty() {
        bytes.put_slice(format!("{:x}\r\n", body.len()).as_bytes());
        bytes.put_slice(body);
        bytes.put_slice(b"\r\n");
    }
    bytes.put_slice(b"0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: usize, protocol: Protocol, headers: &[(&str, &str)]) -> Option<String> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        check_headers(&headers, body, protocol).err().map(|error| error.to_string())
    }

    #[test]
    fn headers_that_frame_the_body_must_describe_it() {
        let refused = |body, headers: &[_]| refused(body, Protocol::Http1, headers);
        assert_eq!(refused(7, &[("content-length", "7")]), None);
        assert_eq!(refused(0, &[("content-length", "0")]), None);
        assert_eq!(refused(7, &[("transfer-encoding", "Chunked")]), None);
        assert_eq!(refused(7, &[("te", "trailers"), ("connection", "te, close")]), None);
        assert_eq!(refused(7, &[("expect", "100-continue")]), None);
        assert_eq!(refused(0, &[("host", "a")]), None);
        for (body, headers, words) in [
            (7, &[("content-length", "70")][..], "body of 7 bytes"),
            (7, &[("content-length", "+7")], "+7"),
            (7, &[("content-length", "")], "7 bytes"),
            (0, &[("content-length", "1")], "0 bytes"),
            (7, &[("content-length", "7"), ("content-length", "7")], "more than once"),
            (7, &[("transfer-encoding", "gzip, chunked")], "only encoding"),
            (7, &[("transfer-encoding", "identity")], "identity"),
            (7, &[("content-length", "7"), ("transfer-encoding", "chunked")], "contradict"),
            (0, &[("host", "a"), ("host", "b")], "host is given more than once"),
            (0, &[("upgrade", "websocket"), ("connection", "upgrade")], "Upgrade: websocket"),
            (0, &[("expect", "100-Continue")], "needs a body"),
        ] {
            let said = refused(body, headers).unwrap_or_default();
            assert!(said.contains(words), "{headers:?}: {said:?}");
        }
    }

    #[test]
    fn http2_has_no_headers_of_connections() {
        let refused = |headers: &[_]| refused(3, Protocol::Http2, headers);
        assert_eq!(refused(&[("te", "trailers"), ("content-length", "3")]), None);
        for header in [
            ("connection", "close"),
            ("keep-alive", "5"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
        ] {
            let said = refused(&[header]).unwrap_or_default();
            assert!(said.contains(header.0) && said.contains("HTTP/2"), "{header:?}: {said:?}");
        }
    }
}
