//! The body of an answer in chunks (RFC 9112, section 7.1): sizes, data, extensions and trailers,
//! which are passed over.

use super::{MOST_HEAD, Malformed};

/// Reads a body in chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    /// Bytes of the line that is read.
    line: usize,
}

#[derive(Debug, Default)]
enum State {
    /// In the hexadecimal size of a chunk, after so many digits.
    #[default]
    SizeBegins,
    Size(u64),
    /// Behind the size, up to the end of its line.
    Extension(u64),
    /// So many bytes of data still to come.
    Data(u64),
    /// The carriage return behind data, if there is one.
    DataEnd,
    /// The line feed behind data.
    DataEndFeed,
    /// At the beginning of a trailer's line.
    TrailerBegins,
    /// In a trailer's line.
    Trailer,
    /// The line feed of the last, empty line.
    LastFeed,
    Ended,
}

impl Chunks {
    /// Whether the last chunk and the trailers behind it were read.
    pub(super) fn ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Takes bytes; returns how many are of this body, and adds those of data to `data`.
    pub(super) fn feed(&mut self, input: &[u8], data: &mut u64) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < input.len() && !self.ended() {
            if let State::Data(left) = &mut self.state {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len() - at);
                *left -= used as u64;
                *data += used as u64;
                at += used;
                if *left == 0 {
                    self.state = State::DataEnd;
                }
            } else {
                self.state = self.next(input[at])?;
                at += 1;
                self.line = if input[at - 1] == b'\n' { 0 } else { self.line + 1 };
                if self.line > MOST_HEAD {
                    return Err(Malformed::Chunk);
                }
            }
        }
        Ok(at)
    }

    /// Where one byte that is not data leads.
    fn next(&self, byte: u8) -> Result<State, Malformed> {
        use State::{
            Data, DataEnd, DataEndFeed, Ended, Extension, LastFeed, Size, SizeBegins, Trailer,
            TrailerBegins,
        };
        let digit = || (byte as char).to_digit(16).map(u64::from);
        let of_size = |size: u64| if size == 0 { TrailerBegins } else { Data(size) };
        Ok(match (&self.state, byte) {
            (SizeBegins, _) => Size(digit().ok_or(Malformed::Chunk)?),
            (Size(size) | Extension(size), b'\n') => of_size(*size),
            (Size(size), b'\r' | b';' | b' ' | b'\t') | (Extension(size), _) => Extension(*size),
            (Size(size), _) => {
                let shifted = size.checked_mul(16).ok_or(Malformed::Chunk)?;
                Size(shifted + digit().ok_or(Malformed::Chunk)?)
            }
            (DataEnd, b'\r') => DataEndFeed,
            (DataEnd | DataEndFeed, b'\n') => SizeBegins,
            (TrailerBegins, b'\r') => LastFeed,
            (TrailerBegins | LastFeed, b'\n') => Ended,
            (Trailer, b'\n') => TrailerBegins,
            (TrailerBegins | Trailer, _) => Trailer,
            (DataEnd | DataEndFeed | LastFeed | Data(_) | Ended, _) => {
                return Err(Malformed::Chunk);
            }
        })
    }
}
