//! Reads an HTTP/1.1 answer out of bytes as they come (RFC 9112): where its head ends, how its body
//! is delimited, and when it is whole. Pure: it knows no connection and no clock.

mod chunks;

use std::mem::MaybeUninit;

use crate::head::{Head, Headers};
use chunks::Chunks;

/// Most bytes of a head.
pub(crate) const MOST_HEAD: usize = 256 * 1024;
/// Most headers of an answer that hyper reads.
pub(crate) const MOST_HEADERS: usize = 512;
/// Headers of an answer for which there is room without an allocation; more are read all the same.
const USUAL_HEADERS: usize = 128;
/// Most interim answers (1xx) before the answer itself.
const MOST_INTERIM: u32 = 16;

/// What an answer was, besides its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Bytes of its head, status line and blank line included; as HTTP/1.1 would write it.
    pub head_bytes: u64,
    /// Bytes of its body, without what delimits it.
    pub body_bytes: u64,
    /// Whether the connection can be used for another exchange.
    pub reusable: bool,
    /// Whether bytes that belong to no response followed it, or its head announces a body that this
    /// response cannot have, as a 204 with `Transfer-Encoding`. The answer is good all the same; its
    /// connection is not reusable.
    pub excess: bool,
}

/// What came is no answer, or one that contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not the head of an answer.
    #[error("{0}")]
    Head(httparse::Error),
    /// Nothing that begins as HTTP does.
    #[error("the response does not begin with HTTP/")]
    NoHttp,
    /// The head does not end.
    #[error("a head of more than {MOST_HEAD} bytes")]
    HeadTooLong,
    /// The head does not end, or has more headers than hyper has room for; hyper does not tell which.
    #[error("a head of more than {MOST_HEAD} bytes or {MOST_HEADERS} headers")]
    HeadTooLarge,
    /// The status is none.
    #[error("status {0}")]
    Status(u16),
    /// The protocol was to be changed, unasked.
    #[error("a change of protocols that nobody asked for")]
    Switched,
    /// Nothing but interim answers.
    #[error("more than {MOST_INTERIM} interim answers")]
    Interim,
    /// A length that is no number, or several.
    #[error("a wrong Content-Length")]
    Length,
    /// A chunk that is none.
    #[error("a wrong chunk")]
    Chunk,
    /// hyper cannot read it; it does not tell why as a value.
    #[error("a wrong head or length")]
    Hyper,
}

/// How far an answer was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that are dealt with; the rest must be given again, with more behind it.
    pub consumed: usize,
    /// The answer, once it is whole.
    pub answer: Option<Answer>,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Decoder {
    /// The request was one whose answer has no body.
    head_only: bool,
    body: Body,
    /// Whether this is an answer that never has a body: to HEAD, 204, 304.
    bodiless: bool,
    answer: Answer,
    interim: u32,
    /// Bytes of an incomplete head that were seen.
    seen: usize,
    /// At how many bytes an incomplete head is parsed again although its end is not in sight.
    look_again: usize,
}

#[derive(Debug)]
enum Body {
    /// The head is not whole yet.
    NotYet,
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunks),
    /// Until the connection is closed.
    UntilClosed,
}

impl Decoder {
    /// For the answer to a request; `head_only` for the method HEAD.
    #[must_use]
    pub fn new(head_only: bool) -> Self {
        let answer =
            Answer { status: 0, head_bytes: 0, body_bytes: 0, reusable: false, excess: false };
        let (body, bodiless) = (Body::NotYet, false);
        Self { head_only, body, bodiless, answer, interim: 0, seen: 0, look_again: 0 }
    }

    /// Takes bytes: those left over from the last call, and what came behind them. `on_head` is
    /// called once, with the head of the answer itself.
    ///
    /// # Errors
    /// When this is no answer.
    pub fn feed(
        &mut self,
        input: &[u8],
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<Progress, Malformed> {
        let mut consumed = 0;
        while matches!(self.body, Body::NotYet) {
            match self.head(&input[consumed..], on_head)? {
                0 => return Ok(Progress { consumed, answer: None }),
                length => consumed += length,
            }
        }
        let (used, whole) = self.body(&input[consumed..])?;
        Ok(Progress { consumed: consumed + used, answer: whole.then_some(self.answer) })
    }

    /// The peer closed the connection: the answer, if it was one that ends so.
    #[must_use]
    pub fn closed(&self) -> Option<Answer> {
        matches!(self.body, Body::UntilClosed).then_some(self.answer)
    }

    /// Whether the answer is one that never has a body, once its head was read: one to HEAD, a 204
    /// or a 304. Some servers send a body all the same.
    #[must_use]
    pub fn is_bodiless(&self) -> bool {
        self.bodiless
    }

    /// Whether what comes next is passed over without being looked at.
    pub(crate) fn is_in_data(&self) -> bool {
        matches!(self.body, Body::Length(_) | Body::UntilClosed)
    }

    /// Whether the head of the answer is still to come.
    pub(crate) fn awaits_head(&self) -> bool {
        matches!(self.body, Body::NotYet)
    }

    /// Reads a head; 0 while it is not whole.
    fn head(
        &mut self,
        input: &[u8],
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<usize, Malformed> {
        // So that a head that comes in pieces is as long as it may be at once.
        let input = &input[..input.len().min(MOST_HEAD)];
        if !self.worth_parsing(input) {
            return Ok(0);
        }
        let mut headers = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
        match self.parse(input, &mut headers, on_head) {
            Err(Malformed::Head(httparse::Error::TooManyHeaders)) => {
                // No header is shorter than its line, so these are enough.
                let lines = input.split(|byte| *byte == b'\n').count();
                let mut headers = vec![MaybeUninit::uninit(); lines];
                self.parse(input, &mut headers, on_head)
            }
            parsed => parsed,
        }
    }

    /// Reads a head, with its headers into `headers`; 0 while it is not whole.
    fn parse<'a>(
        &mut self,
        input: &'a [u8],
        headers: &mut [MaybeUninit<httparse::Header<'a>>],
        on_head: &mut impl FnMut(&Head<'_>),
    ) -> Result<usize, Malformed> {
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            // A client must read a header that goes on in the next line (RFC 9112, section 5.2).
            .allow_obsolete_multiline_headers_in_responses(true)
            .parse_response_with_uninit_headers(&mut response, input, headers)
            .map_err(Malformed::Head)?;
        let httparse::Status::Complete(length) = parsed else {
            (self.seen, self.look_again) = (input.len(), input.len() * 2);
            return if input.len() >= MOST_HEAD { Err(Malformed::HeadTooLong) } else { Ok(0) };
        };
        (self.seen, self.look_again) = (0, 0);
        let status = response.code.unwrap_or_default();
        match status {
            101 => return Err(Malformed::Switched),
            100..=199 => {
                self.interim += 1;
                let enough = self.interim > MOST_INTERIM;
                return if enough { Err(Malformed::Interim) } else { Ok(length) };
            }
            200..=999 => {}
            wrong => return Err(Malformed::Status(wrong)),
        }
        self.answer.status = status;
        self.answer.head_bytes = length as u64;
        self.delimit(&response)?;
        let reason = response.reason.unwrap_or_default();
        on_head(&Head { status, reason, headers: Headers::Raw(response.headers) });
        Ok(length)
    }

    /// A head that comes byte by byte is not parsed anew with each: only when its end has come, or
    /// when it has doubled, so that garbage is seen at once.
    fn worth_parsing(&mut self, input: &[u8]) -> bool {
        if self.seen == 0 || input.len() >= self.look_again.min(MOST_HEAD) {
            return !input.is_empty();
        }
        let new = &input[self.seen.saturating_sub(3)..];
        self.seen = input.len();
        new.windows(2).any(|two| two == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n")
    }

    /// How the body ends (RFC 9112, section 6.3), and whether the connection outlives it.
    fn delimit(&mut self, response: &httparse::Response<'_, '_>) -> Result<(), Malformed> {
        let mut kept = response.version == Some(1);
        let (mut length, mut chunked) = (None, None);
        for header in response.headers.iter() {
            let (name, value) = (header.name, header.value);
            match name.len() {
                10 if name.eq_ignore_ascii_case("connection") => {
                    if lists(value, "close") {
                        kept = false;
                    } else if lists(value, "keep-alive") {
                        kept = true;
                    }
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(one_length(value, length)?);
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    chunked = Some(ends_in_chunked(value));
                }
                _ => {}
            }
        }
        self.bodiless = self.head_only || matches!(self.answer.status, 204 | 304);
        // A 204 has no framing at all (RFC 9112, section 6); HEAD and 304 name that of a GET.
        let announces = chunked.is_some() || length.is_some_and(|length| length > 0);
        self.answer.excess = self.answer.status == 204 && announces;
        kept &= !self.answer.excess;
        self.body = match (self.bodiless, chunked, length) {
            (true, ..) => Body::Length(0),
            (_, Some(true), _) => Body::Chunked(Chunks::default()),
            (_, None, Some(length)) => Body::Length(length),
            (_, Some(false), _) | (_, None, None) => Body::UntilClosed,
        };
        self.answer.reusable = kept && !matches!(self.body, Body::UntilClosed);
        Ok(())
    }

    /// Bytes of the body that were used, and whether it ended with them.
    fn body(&mut self, input: &[u8]) -> Result<(usize, bool), Malformed> {
        match &mut self.body {
            Body::NotYet => Ok((0, false)),
            Body::Length(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= used as u64;
                self.answer.body_bytes += used as u64;
                Ok((used, *left == 0))
            }
            Body::Chunked(chunks) => {
                let used = chunks.feed(input, &mut self.answer.body_bytes)?;
                Ok((used, chunks.ended()))
            }
            Body::UntilClosed => {
                self.answer.body_bytes += input.len() as u64;
                Ok((input.len(), false))
            }
        }
    }
}

/// Whether a list of words separated by commas has this one.
fn lists(value: &[u8], word: &str) -> bool {
    let mut words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    words.any(|listed| listed.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether chunked is the last encoding of several.
fn ends_in_chunked(value: &[u8]) -> bool {
    let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
    last.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

/// A length, which must be that of an earlier header if there was one; `5, 5` is 5.
fn one_length(value: &[u8], mut earlier: Option<u64>) -> Result<u64, Malformed> {
    for part in value.split(|byte| *byte == b',') {
        let digits = part.trim_ascii();
        let number = (digits.iter().all(u8::is_ascii_digit))
            .then(|| str::from_utf8(digits).ok()?.parse().ok())
            .flatten();
        if number.is_none() || earlier.is_some_and(|earlier| Some(earlier) != number) {
            return Err(Malformed::Length);
        }
        earlier = number;
    }
    earlier.ok_or(Malformed::Length)
}

#[cfg(test)]
mod tests;
