//! A service's log as an engine streams it: frames of Docker's multiplexed stream, made into lines
//! again. A frame may claim any length and a line may have any: neither is ever held whole.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;

use super::endpoint::Endpoint;
use super::transport;

/// Longest line that is kept, in bytes; log drivers split at 16 KiB.
const LONGEST_LINE: usize = 64 << 10;
/// Bytes before each frame: its stream, three zeros, and its length.
const HEAD: usize = 8;

/// Where logs are read.
#[derive(Clone, Debug)]
pub(super) struct Logs {
    pub(super) endpoint: Endpoint,
    pub(super) version: (usize, usize),
}

impl Logs {
    /// Passes each line of what `service` writes to its standard output, from `since` (Unix
    /// seconds) on, to `take`, until the log ends or `take` returns false.
    ///
    /// # Errors
    /// When the engine does not answer, or refuses.
    pub(super) async fn follow(
        &self,
        service: &str,
        since: i64,
        mut take: impl FnMut(&str) -> bool,
    ) -> io::Result<()> {
        let path = format!("/services/{service}/logs?follow=true&stdout=true&since={since}");
        let mut request = Request::new(Full::<Bytes>::default());
        *request.uri_mut() = path.parse().map_err(io::Error::other)?;
        let endless = u64::MAX;
        let answer = transport::send(&self.endpoint, Some(self.version), request, endless).await?;
        if !answer.status().is_success() {
            return Err(io::Error::other(answer.status().to_string()));
        }
        let (mut body, mut lines) = (answer.into_body(), Lines::default());
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame.map_err(io::Error::other)?.into_data() else { continue };
            if !lines.take(&bytes, &mut take) {
                break;
            }
        }
        Ok(())
    }
}

/// Puts lines together from the bytes of a multiplexed stream.
#[derive(Debug, Default)]
struct Lines {
    /// What has come of the next frame's head.
    head: Vec<u8>,
    /// Bytes of the frame that are still to come.
    left: usize,
    /// What has come of the next line.
    line: Vec<u8>,
    /// The line is longer than any that is kept.
    too_long: bool,
}

impl Lines {
    /// Takes more bytes; false once `take` wants no more lines.
    fn take(&mut self, mut bytes: &[u8], take: &mut impl FnMut(&str) -> bool) -> bool {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
                self.head.extend_from_slice(head);
                bytes = rest;
                if let [.., a, b, c, d] = *self.head
                    && self.head.len() == HEAD
                {
                    self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(0);
                    self.head.clear();
                }
                continue;
            }
            let (text, rest) = bytes.split_at(bytes.len().min(self.left));
            self.left -= text.len();
            bytes = rest;
            if !self.text(text, take) {
                return false;
            }
        }
        true
    }

    fn text(&mut self, text: &[u8], take: &mut impl FnMut(&str) -> bool) -> bool {
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            self.too_long |= self.line.len() + part.len() > LONGEST_LINE;
            if !self.too_long {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let kept = !std::mem::take(&mut self.too_long);
                if kept && !take(&String::from_utf8_lossy(&line)) {
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap();
        [&[1, 0, 0, 0][..], &length.to_be_bytes(), text].concat()
    }

    fn lines(stream: &[u8], piece: usize) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for bytes in stream.chunks(piece) {
            lines.take(bytes, &mut |line| {
                found.push(line.to_owned());
                true
            });
            assert!(lines.line.len() <= LONGEST_LINE && lines.head.len() < HEAD);
        }
        found
    }

    #[test]
    fn lines_come_back_however_the_stream_is_cut() {
        let stream = [frame(b"one\ntw"), frame(b""), frame(b"o\n"), frame(b"rest")].concat();
        for piece in 1..stream.len() {
            assert_eq!(lines(&stream, piece), ["one\n", "two\n"], "in pieces of {piece}");
        }
    }

    #[test]
    fn a_line_or_a_frame_without_end_is_passed_over() {
        let long = [&vec![b'x'; 3 * LONGEST_LINE][..], b"\nshort\n"].concat();
        assert_eq!(lines(&frame(&long), 1000), ["short\n"]);
        let claims = [&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][..], b"line\n", &long].concat();
        assert_eq!(lines(&claims, 4096), ["line\n", "short\n"]);
    }

    #[tokio::test]
    async fn a_log_is_read_until_it_ends_or_enough_has_come() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let logs = Logs { endpoint: Endpoint::Unix(socket), version: (1, 41) };
        let serving = async {
            let mut asked = Vec::new();
            for status in ["200 OK", "200 OK", "404 Not Found"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap();
                asked.push(String::from_utf8_lossy(&request[..length]).into_owned());
                let head = format!("HTTP/1.1 {status}\r\n\r\n").into_bytes();
                let log = [head, frame(b"one\ntwo\n"), frame(b"three\n")].concat();
                stream.write_all(&log).await.unwrap();
            }
            asked
        };
        let reading = async {
            let mut lines = Vec::new();
            let mut take = |line: &str| {
                lines.push(line.to_owned());
                lines.len() != 4
            };
            logs.follow("shop_bench", 7, &mut take).await.unwrap();
            logs.follow("shop_bench", 8, &mut take).await.unwrap();
            let refused = logs.follow("shop_bench", 9, &mut take).await.unwrap_err();
            assert!(refused.to_string().contains("404"), "{refused}");
            lines
        };
        let (asked, lines) = tokio::join!(serving, reading);
        assert_eq!(lines, ["one\n", "two\n", "three\n", "one\n"]);
        let path = "GET /v1.41/services/shop_bench/logs?follow=true&stdout=true&since=8 HTTP/1.1";
        assert!(asked[1].starts_with(path), "{}", asked[1]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(stream in prop::collection::vec(any::<u8>(), 0..200), piece in 1_usize..50) {
            lines(&stream, piece);
        }
    }
}
