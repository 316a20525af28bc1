//! Cuts the bytes of a connection into requests; must not know what any command means.
//!
//! Parsing resumes where it stopped: no byte is looked at again when more arrive, and nothing is
//! allocated for a length that was only claimed.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::ProtocolError;
use crate::inline::split_line;
use crate::integer::parse_integer;
use crate::limits::{MAXIMUM_BULK, MAXIMUM_QUERY, request_size};

const MAXIMUM_ARGUMENTS: usize = 1024 * 1024;
const MAXIMUM_LINE: usize = 64 * 1024;
/// What a client may send before it has given the password, as Redis has it.
const UNAUTHENTICATED_ARGUMENTS: usize = 10;
const UNAUTHENTICATED_BULK: usize = 16_384;
/// How much room is made for arguments on the strength of a claimed count alone.
const TRUSTED_ARGUMENTS: usize = 16;
const SMALL_READ: usize = 4 * 1024;
const LARGE_READ: usize = 64 * 1024;

/// The command's name and its arguments; never empty.
pub(crate) type Request = Vec<Bytes>;

/// Holds what has arrived but is no complete request yet.
#[derive(Debug, Default)]
pub(crate) struct RequestParser {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of line.
    searched: usize,
    unfinished: Option<Unfinished>,
    /// The client has yet to give the password.
    pub(crate) unauthenticated: bool,
}

#[derive(Debug)]
struct Unfinished {
    arguments: Request,
    missing: usize,
    /// Roughly the memory that the arguments take so far.
    bytes: usize,
    /// The length of the argument whose bytes are awaited, once its header was read.
    length: Option<usize>,
}

impl RequestParser {
    /// The buffer to read into, with room for the next read. Room is small while nothing is under
    /// way, so that idle connections are cheap.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        if self.buffer.is_empty() && self.unfinished.is_none() {
            // Reserving first shows the whole capacity, also what lies before the read position.
            self.buffer.reserve(SMALL_READ);
            if self.buffer.capacity() > LARGE_READ {
                self.buffer = BytesMut::with_capacity(SMALL_READ);
            }
        } else {
            self.buffer.reserve(LARGE_READ);
        }
        &mut self.buffer
    }

    /// The next complete request, or none until more bytes arrive. After an error the stream has
    /// lost its framing and must be closed.
    pub(crate) fn next_request(&mut self) -> Result<Option<Request>, ProtocolError> {
        loop {
            if let Some(mut unfinished) = self.unfinished.take() {
                if self.fill(&mut unfinished)? {
                    return Ok(Some(unfinished.arguments));
                }
                self.unfinished = Some(unfinished);
                return Ok(None);
            }
            match self.buffer.first() {
                None => return Ok(None),
                Some(b'*') => {
                    let Some(header) = self.take_line(b'\r', ProtocolError::CountTooBig)? else {
                        return Ok(None);
                    };
                    self.unfinished = start(&header, self.unauthenticated)?;
                }
                Some(_) => {
                    let Some(line) = self.take_line(b'\n', ProtocolError::InlineTooBig)? else {
                        return Ok(None);
                    };
                    let words = split_line(&line)?;
                    if !words.is_empty() {
                        return Ok(Some(words));
                    }
                }
            }
        }
    }

    /// Takes arguments until none is missing; false if the bytes ran out before.
    fn fill(&mut self, unfinished: &mut Unfinished) -> Result<bool, ProtocolError> {
        while unfinished.missing > 0 {
            let length = match unfinished.length {
                Some(length) => length,
                None => match self.take_length()? {
                    Some(length) => *unfinished.length.insert(length),
                    None => return Ok(false),
                },
            };
            if unfinished.bytes + length > MAXIMUM_QUERY {
                return Err(ProtocolError::QueryTooBig);
            }
            if self.buffer.len() < length + 2 {
                return Ok(false);
            }
            unfinished.bytes += length + request_size(&[]);
            // Copied, so that a small value kept for long does not keep a whole read alive.
            unfinished.arguments.push(Bytes::copy_from_slice(&self.buffer[..length]));
            // Redis, too, skips the two bytes after an argument without looking at them.
            self.buffer.advance(length + 2);
            unfinished.length = None;
            unfinished.missing -= 1;
        }
        Ok(true)
    }

    fn take_length(&mut self) -> Result<Option<usize>, ProtocolError> {
        let Some(header) = self.take_line(b'\r', ProtocolError::LengthTooBig)? else {
            return Ok(None);
        };
        match header.split_first() {
            Some((b'$', digits)) => parse_integer(digits)
                .and_then(|length| usize::try_from(length).ok())
                .filter(|length| *length <= MAXIMUM_BULK)
                .ok_or(ProtocolError::InvalidLength)
                .and_then(|length| match self.unauthenticated && length > UNAUTHENTICATED_BULK {
                    true => Err(ProtocolError::UnauthenticatedLength),
                    false => Ok(Some(length)),
                }),
            Some((other, _)) => Err(ProtocolError::ExpectedBulk(*other)),
            None => Err(ProtocolError::ExpectedBulk(b'\r')),
        }
    }

    /// Takes a line without its end. A framed header ends at `\r` and the byte after it, an
    /// inline request at `\n`. The limit holds for a line that arrives whole as well, so that the
    /// outcome does not depend on how the bytes were split.
    fn take_line(
        &mut self,
        end: u8,
        too_long: ProtocolError,
    ) -> Result<Option<BytesMut>, ProtocolError> {
        let found = self.buffer[self.searched..].iter().position(|byte| *byte == end);
        let Some(position) = found.map(|offset| self.searched + offset) else {
            self.searched = self.buffer.len();
            return if self.searched > MAXIMUM_LINE { Err(too_long) } else { Ok(None) };
        };
        if position > MAXIMUM_LINE {
            return Err(too_long);
        }
        let ending = if end == b'\r' { 2 } else { 1 };
        if self.buffer.len() < position + ending {
            self.searched = position;
            return Ok(None);
        }
        self.searched = 0;
        let line = self.buffer.split_to(position);
        self.buffer.advance(ending);
        Ok(Some(line))
    }
}

/// Reads a `*count` header. A count of zero or less is a request for nothing.
fn start(header: &[u8], unauthenticated: bool) -> Result<Option<Unfinished>, ProtocolError> {
    let count = header.get(1..).and_then(parse_integer).ok_or(ProtocolError::InvalidCount)?;
    let missing = usize::try_from(count).unwrap_or(0);
    if missing > MAXIMUM_ARGUMENTS {
        return Err(ProtocolError::InvalidCount);
    }
    if unauthenticated && missing > UNAUTHENTICATED_ARGUMENTS {
        return Err(ProtocolError::UnauthenticatedCount);
    }
    let arguments = Vec::with_capacity(missing.min(TRUSTED_ARGUMENTS));
    Ok((missing > 0).then_some(Unfinished { arguments, missing, bytes: 0, length: None }))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
