//! Messages as lines of a log: compressed, in pieces short enough that no log driver splits them.
//!
//! `bench1 <message> <piece>/<pieces> <base64 of deflated JSON>`; whatever else is in the log is
//! passed over, and so is a message of which a piece is missing.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::Message;

/// First word of every line; its number changes with the format.
const MARK: &str = "bench1";
/// Log drivers split lines at 16 KiB.
const PIECE: usize = 12 << 10;
/// No message is larger than this when unpacked: what claims to be is not bench's.
const LARGEST: u64 = 256 << 20;

/// The lines of one message, each ending in a newline.
#[must_use]
pub fn encode(number: u64, message: &Message) -> String {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    // Neither a value of these types nor a buffer in memory can fail.
    let _ = serde_json::to_writer(&mut packed, message);
    let _ = packed.flush();
    let text = STANDARD.encode(packed.finish().unwrap_or_default());
    let pieces = text.len().div_ceil(PIECE).max(1);
    let mut lines = String::new();
    for piece in 0..pieces {
        let end = (piece + 1) * PIECE;
        let part = &text[piece * PIECE..end.min(text.len())];
        let _ = writeln!(lines, "{MARK} {number} {}/{pieces} {part}", piece + 1);
    }
    lines
}

/// Puts messages together again from lines.
#[derive(Debug, Default)]
pub struct Decoder {
    number: u64,
    pieces: usize,
    text: String,
}

impl Decoder {
    /// Takes one line; returns the message it completes.
    pub fn take(&mut self, line: &str) -> Option<Message> {
        let mut words = line.split_whitespace();
        if words.next() != Some(MARK) {
            return None;
        }
        let number = words.next()?.parse().ok()?;
        let (piece, pieces) = words.next()?.split_once('/')?;
        let (piece, pieces): (usize, usize) = (piece.parse().ok()?, pieces.parse().ok()?);
        if piece == 1 {
            (self.number, self.pieces) = (number, 0);
            self.text.clear();
        }
        if number != self.number || piece != self.pieces + 1 {
            return None; // a piece is missing
        }
        self.pieces = piece;
        self.text.push_str(words.next()?);
        if piece < pieces {
            return None;
        }
        let packed = STANDARD.decode(&self.text).ok()?;
        serde_json::from_reader(DeflateDecoder::new(packed.as_slice()).take(LARGEST)).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::Counter;

    fn decoded(lines: &str) -> Vec<Message> {
        let mut decoder = Decoder::default();
        lines.lines().filter_map(|line| decoder.take(line)).collect()
    }

    /// A message of several pieces: text that does not compress to less.
    fn large() -> Message {
        let next = |n: &u32| Some(n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let numbers = std::iter::successors(Some(1_u32), next).take(8000);
        Message::Silent(numbers.map(|n| format!("{n:x}")).collect())
    }

    #[test]
    fn messages_of_any_size_come_back_as_they_were() {
        let small = Message::Counter(Counter { now_us: 7, hashes: 3, coins: 1 });
        let large = large();
        let (one, two) = (encode(1, &small), encode(2, &large));
        assert!(two.lines().count() > 1 && two.lines().all(|line| line.len() < 16_000));
        assert_eq!(decoded(&format!("{one}noise\n{two}")), [small, large]);
    }

    #[test]
    fn a_message_with_a_missing_piece_is_passed_over() {
        let large = encode(1, &large());
        let small = Message::Silent("away".to_owned());
        let without_second: String = large
            .lines()
            .enumerate()
            .filter(|(n, _)| *n != 1)
            .map(|(_, l)| format!("{l}\n"))
            .collect();
        assert_eq!(decoded(&(without_second + &encode(2, &small))), [small]);
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_log_is_survived(line in "(bench1 )?[0-9]{0,3} ?[0-9]?/?[0-9]? ?[A-Za-z0-9+/=]{0,40}") {
            Decoder::default().take(&line);
        }
    }
}
