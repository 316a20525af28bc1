//! HTTP/1.1 over a stream of bytes, one exchange at a time: the fast path. Two system calls an
//! exchange, one buffer a connection, no allocation once it is connected.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::answer::{Answer, Decoder, MOST_HEAD, Malformed};
use crate::failure::Failure;
use crate::habits::Habits;
use crate::head::Head;
use crate::request::Prepared;
use crate::stamps::{Phase, Stamps};
use crate::turn::Turn;

/// Enough for the answers most servers give; it grows with longer ones.
const BUFFER: usize = 4 * 1024;
/// The largest buffer for bodies, which are dropped piece by piece.
const LARGEST_BUFFER: usize = 64 * 1024;

/// A connection that speaks HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
    /// Since when it is idle, once it has brought an answer.
    idle_since: Option<Instant>,
    /// Whether its last answer was one that never has a body.
    bodiless: bool,
    /// What is known of the server's ways.
    habits: Habits,
}

/// How far an answer was read.
struct Reading {
    decoder: Decoder,
    /// Bytes at the buffer's front that are not dealt with.
    held: usize,
    turn: Turn,
}

/// What could be done next while a request is sent.
enum Moved {
    Written(usize),
    Flushed,
    /// There was no room for the request, but something of the answer.
    Read(io::Result<usize>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, habits: Habits) -> Self {
        Self { stream, buffer: vec![0; BUFFER], idle_since: None, bodiless: false, habits }
    }

    /// Sends `request` and reads its answer, which may begin before the request was sent whole.
    pub(crate) async fn exchange(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        if self.idle_since.is_some_and(|since| stamps.began > since) {
            self.still_idle().await?;
        }
        let answer = self.request(request, stamps, on_head).await;
        let before = self.idle_since;
        self.idle_since = stamps.done;
        match answer {
            Ok(answer) => Ok(self.kept(answer, request)),
            // What followed the last answer came after it and in the place of this one.
            Err(Failure::Malformed(Malformed::NoHttp)) if before.is_some() => {
                self.habits.exceeded(self.bodiless);
                stamps.first = None;
                Err(Failure::Excess)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The same answer with whether its connection is kept.
    fn kept(&self, mut answer: Answer, request: &Prepared) -> Answer {
        if answer.excess {
            self.habits.exceeded(self.bodiless);
        }
        // Where such answers were followed by bodies, the next body may be on its way.
        let is_risky = self.bodiless && self.habits.sends_unasked_bodies();
        answer.reusable &= !request.closes && !is_risky;
        answer
    }

    async fn request(
        &mut self,
        request: &Prepared,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        let decoder = Decoder::new(request.head_only);
        let mut reading = Reading { decoder, held: 0, turn: Turn::default() };
        let mut unsent = request.bytes();
        let broken = loop {
            match poll_fn(|context| self.poll_send(context, unsent, reading.held)).await {
                Ok(Moved::Written(written)) => unsent = &unsent[written..],
                Ok(Moved::Flushed) => break None,
                Ok(Moved::Read(read)) => {
                    if stamps.first.is_none() {
                        begun(&read)?;
                        stamps.sent = Some(Instant::now());
                    }
                    if let Some(answer) = self.absorb(read, &mut reading, stamps, on_head)? {
                        return Ok(Answer { reusable: false, ..answer });
                    }
                }
                // The answer may say why the server would not hear more.
                Err(error) => break Some(error),
            }
        };
        stamps.sent.get_or_insert_with(Instant::now);
        let answer = self.receive(&mut reading, stamps, on_head).await;
        match (answer, broken) {
            (answer, None) => answer,
            (Ok(answer), Some(_)) => Ok(Answer { reusable: false, ..answer }),
            (Err(_), Some(error)) if stamps.first.is_none() => {
                Err(Failure::broken(Phase::Send, &error))
            }
            (Err(failure), Some(_)) => Err(failure),
        }
    }

    /// Sees that nothing came while nothing was asked: the connection's end, or bytes that would be
    /// taken for the answer. It costs no system call where the system has not reported anything.
    async fn still_idle(&mut self) -> Result<(), Failure> {
        let came = poll_fn(|context| Poll::Ready(self.poll_read(context, 0))).await;
        match came {
            Poll::Pending => Ok(()),
            Poll::Ready(Err(error)) => Err(Failure::broken(Phase::Send, &error)),
            Poll::Ready(Ok(bytes)) if !is_http(&self.buffer[..bytes]) => {
                self.habits.exceeded(self.bodiless);
                Err(Failure::Excess)
            }
            // A server that gives its last word, such as 408, and one that closes want the same.
            Poll::Ready(Ok(_)) => Err(Failure::Closed(Phase::Send)),
        }
    }

    async fn receive(
        &mut self,
        reading: &mut Reading,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Answer, Failure> {
        loop {
            let read = poll_fn(|context| self.poll_read(context, reading.held)).await;
            if let Some(answer) = self.absorb(read, reading, stamps, on_head)? {
                return Ok(answer);
            }
            if reading.turn.is_over() {
                yield_now().await;
            }
        }
    }

    /// Deals with what was read; the answer, once it is whole.
    fn absorb(
        &mut self,
        read: io::Result<usize>,
        reading: &mut Reading,
        stamps: &mut Stamps,
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Option<Answer>, Failure> {
        let phase = if stamps.first.is_none() { Phase::Wait } else { Phase::Receive };
        let read = read.map_err(|error| Failure::broken(phase, &error))?;
        if read == 0 {
            stamps.done = stamps.first.map(|_| Instant::now());
            return reading.decoder.closed().map(Some).ok_or(Failure::Closed(phase));
        }
        if phase == Phase::Wait {
            stamps.first = Some(Instant::now());
        }
        let filled = reading.held + read;
        let progress = match reading.decoder.feed(&self.buffer[..filled], on_head) {
            Ok(progress) => progress,
            Err(Malformed::Head(_)) if !is_http(&self.buffer[..filled]) => {
                return Err(Malformed::NoHttp.into());
            }
            Err(malformed) => return Err(malformed.into()),
        };
        reading.held = filled - progress.consumed;
        let Some(mut answer) = progress.answer else {
            let is_data = reading.decoder.is_in_data();
            reading.turn.took(if is_data { 0 } else { read });
            let is_head = reading.decoder.awaits_head();
            self.make_room(progress.consumed, filled, is_head);
            return Ok(None);
        };
        self.bodiless = reading.decoder.is_bodiless();
        if reading.held > 0 {
            (answer.excess, answer.reusable) = (true, false);
        }
        // What fits into one read has no time of its own to be received in.
        let in_one = phase == Phase::Wait;
        stamps.done = if in_one { stamps.first } else { Some(Instant::now()) };
        Ok(Some(answer))
    }

    /// Writes what is unsent, or flushes it where nothing is; reads where there is no room to
    /// write, since the server may want to be heard before it hears more.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        unsent: &[u8],
        held: usize,
    ) -> Poll<io::Result<Moved>> {
        let stream = Pin::new(&mut self.stream);
        let moved = if unsent.is_empty() {
            // TLS may hold some back.
            stream.poll_flush(context).map_ok(|()| Moved::Flushed)
        } else {
            stream.poll_write(context, unsent).map(|written| match written? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                written => Ok(Moved::Written(written)),
            })
        };
        match moved {
            Poll::Ready(moved) => Poll::Ready(moved),
            Poll::Pending => self.poll_read(context, held).map(|read| Ok(Moved::Read(read))),
        }
    }

    /// Moves what is held to the front, and makes the buffer larger where one read filled it.
    fn make_room(&mut self, consumed: usize, filled: usize, is_head: bool) {
        self.buffer.copy_within(consumed..filled, 0);
        let largest = if is_head { MOST_HEAD } else { LARGEST_BUFFER };
        if filled == self.buffer.len() && filled < largest {
            self.buffer.resize(filled * 2, 0);
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, held: usize) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(&mut self.buffer[held..]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

/// Whether bytes may be the beginning of an HTTP/1 response; empty lines before it are passed over.
fn is_http(bytes: &[u8]) -> bool {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    let name = b"HTTP/";
    begin.is_none_or(|begin| bytes[begin..].iter().zip(name).all(|(byte, letter)| byte == letter))
}

/// Whether something of the answer came while the request was sent, or the connection's end.
fn begun(read: &io::Result<usize>) -> Result<(), Failure> {
    match read {
        Err(error) => Err(Failure::broken(Phase::Send, error)),
        Ok(0) => Err(Failure::Closed(Phase::Send)),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::request::{Form, Request};

    fn get() -> Prepared {
        Prepared::new(&Request::default(), &"http://x/".parse().unwrap(), Form::Origin)
    }

    /// What an exchange comes to with a server that writes `pieces` and then closes.
    async fn exchanged(pieces: &[&[u8]]) -> (Result<Answer, Failure>, Stamps) {
        let (client, mut server) = duplex(MOST_HEAD);
        let serve = async {
            let mut request = [0; 1024];
            assert!(server.read(&mut request).await.unwrap() > 0);
            for piece in pieces {
                // Whoever has given up does not read.
                let _ = server.write_all(piece).await;
                tokio::task::yield_now().await;
            }
            drop(server);
        };
        let mut stamps = Stamps::now();
        let mut wire = Wire::new(client, Habits::default());
        let exchange = async {
            let answer = wire.exchange(&get(), &mut stamps, &mut |_| {}).await;
            // The server may still be writing.
            drop(wire);
            answer
        };
        let (answer, ()) = tokio::join!(exchange, serve);
        (answer, stamps)
    }

    #[tokio::test]
    async fn an_answer_may_come_in_any_pieces() {
        let long = vec![b'x'; 300_000];
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", long.len());
        let (answer, stamps) = exchanged(&[head.as_bytes(), &long]).await;
        assert_eq!(answer.unwrap().body_bytes, 300_000);
        assert!(stamps.done.unwrap() >= stamps.first.unwrap());
        assert_eq!(stamps.phases().unwrap().total(), stamps.done.unwrap() - stamps.began);
        let bytes: Vec<_> = head.as_bytes().chunks(1).collect();
        let (answer, _) = exchanged(&[&bytes[..], &[&long]].concat()).await;
        assert_eq!(answer.unwrap().body_bytes, 300_000);
    }

    #[tokio::test]
    async fn heads_up_to_the_limit_fit() {
        let header = format!("X: {}\r\n", "y".repeat(MOST_HEAD - 100));
        let head = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 0\r\n\r\n");
        let (answer, _) = exchanged(&[head.as_bytes()]).await;
        assert_eq!(answer.unwrap().head_bytes, head.len() as u64);
        let endless = vec![b'x'; 2 * MOST_HEAD];
        let (answer, _) = exchanged(&[b"HTTP/1.1 200 OK\r\nX: ", &endless]).await;
        assert_eq!(answer, Err(Malformed::HeadTooLong.into()));
    }

    #[tokio::test]
    async fn an_end_too_early_says_how_far_it_came() {
        assert_eq!(exchanged(&[]).await.0, Err(Failure::Closed(Phase::Wait)));
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
        let (answer, stamps) = exchanged(&[half]).await;
        assert_eq!(answer, Err(Failure::Closed(Phase::Receive)));
        assert!(stamps.first.is_some());
        let until_closed = b"HTTP/1.0 200 OK\r\n\r\nhello";
        let (answer, stamps) = exchanged(&[until_closed]).await;
        assert_eq!(answer.unwrap().body_bytes, 5);
        assert!(stamps.done.is_some());
    }

    #[tokio::test]
    async fn what_comes_unasked_is_not_taken_for_the_next_answer() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let last_word = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
        for unasked in [&last_word[..], b""] {
            let (client, mut server) = duplex(1024);
            let mut wire = Wire::new(client, Habits::default());
            let mut request = [0; 1024];
            for _ in 0..2 {
                let answering = async {
                    assert!(server.read(&mut request).await.unwrap() > 0);
                    server.write_all(answer).await.unwrap();
                };
                let mut stamps = Stamps::now();
                let (get, on_head) = (get(), &mut |_: &Head<'_>| {});
                let exchanged = wire.exchange(&get, &mut stamps, on_head);
                let (answer, ()) = tokio::join!(exchanged, answering);
                assert_eq!(answer.unwrap().status, 200);
            }
            server.write_all(unasked).await.unwrap();
            server.shutdown().await.unwrap();
            let mut stamps = Stamps::now();
            let failure = wire.exchange(&get(), &mut stamps, &mut |_| {}).await.unwrap_err();
            assert_eq!(failure, Failure::Closed(Phase::Send));
            assert!(failure.is_stale() && stamps.sent.is_none());
        }
    }

    #[tokio::test]
    async fn more_than_the_answer_closes_the_connection_and_is_noted() {
        let more = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhello";
        let answer = exchanged(&[more]).await.0.unwrap();
        assert_eq!((answer.body_bytes, answer.excess, answer.reusable), (1, true, false));
    }

    #[test]
    fn what_may_begin_a_response_is_known_by_its_first_bytes() {
        for begin in [&b""[..], b"\r\n", b"HT", b"\r\nHTTP/1.1 200"] {
            assert!(is_http(begin), "{begin:?}");
        }
        for other in [&b"h"[..], b"hello", b"HTP", b"0\r\n\r\n"] {
            assert!(!is_http(other), "{other:?}");
        }
    }
}
