//! Messages as lines of a log: compressed, in pieces short enough that no log driver splits them.
//!
//! `bench1 <source> <number> <piece>/<pieces> <base64 of deflated JSON>`: the source is one task,
//! the number rises with each of its messages. Whatever else is in the log is passed over, and so is
//! a message of which a piece is missing, or that has come before.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::Message;
use crate::http::LARGEST_OBSERVATION;

/// First word of every line; its number changes with the format.
const MARK: &str = "bench1";
/// Log drivers split lines at 16 KiB.
const PIECE: usize = 12 << 10;
/// No message has more pieces.
const MOST_PIECES: usize = 4096;
/// No message is larger than this when unpacked: what claims to be is not bench's.
const LARGEST: u64 = LARGEST_OBSERVATION as u64 + 4096;
/// Most text that is kept of all messages that are coming in: one of the largest kind, packed.
const MOST_TEXT: usize = MOST_PIECES * PIECE;
/// Most sources: one task of each node, and those started again in their stead. With one more the
/// one that has been silent longest is forgotten.
const MOST_SOURCES: usize = 4096;

/// The lines of one message, each ending in a newline.
#[must_use]
pub fn encode(source: &str, number: u64, message: &Message) -> String {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    // Neither a value of these types nor a buffer in memory can fail.
    let _ = serde_json::to_writer(&mut packed, message);
    let text = STANDARD.encode(packed.finish().unwrap_or_default());
    let pieces = text.len().div_ceil(PIECE).max(1);
    let mut lines = String::new();
    for piece in 0..pieces {
        let end = (piece + 1) * PIECE;
        let part = &text[piece * PIECE..end.min(text.len())];
        let _ = writeln!(lines, "{MARK} {source} {number} {}/{pieces} {part}", piece + 1);
    }
    lines
}

/// Puts messages together again from the lines of several sources.
#[derive(Debug, Default)]
pub struct Decoder {
    sources: BTreeMap<String, Partial>,
    /// Lines taken so far.
    lines: u64,
    /// Bytes of text kept of all messages that are coming in.
    text: usize,
}

/// The message of one source that is coming in.
#[derive(Debug, Default)]
struct Partial {
    /// Number of the last whole message.
    done: u64,
    number: u64,
    pieces: usize,
    text: String,
    /// Number of its last line.
    line: u64,
}

impl Decoder {
    /// Takes one line; returns the message it completes.
    pub fn take(&mut self, line: &str) -> Option<Message> {
        let mut words = line.split_whitespace();
        if words.next() != Some(MARK) {
            return None;
        }
        let source = words.next()?;
        let number = words.next()?.parse().ok()?;
        let (piece, pieces) = words.next()?.split_once('/')?;
        let (piece, pieces): (usize, usize) = (piece.parse().ok()?, pieces.parse().ok()?);
        let text = words.next()?;
        if pieces > MOST_PIECES || text.len() > PIECE {
            return None;
        }
        self.make_room(source, text.len());
        self.lines += 1;
        let partial = self.sources.entry(source.to_owned()).or_default();
        partial.line = self.lines;
        let before = partial.text.len();
        let message = partial.take(number, (piece, pieces), text);
        self.text = self.text - before + partial.text.len();
        message
    }

    /// Forgets what is kept where a log claims more than a stack can say.
    fn make_room(&mut self, source: &str, text: usize) {
        if self.sources.len() >= MOST_SOURCES && !self.sources.contains_key(source) {
            let oldest = self.sources.iter().min_by_key(|(_, partial)| partial.line);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                let forgotten = self.sources.remove(&oldest);
                self.text -= forgotten.map_or(0, |partial| partial.text.len());
            }
        }
        if self.text + text > MOST_TEXT {
            for partial in self.sources.values_mut() {
                partial.text = String::new();
                partial.pieces = 0; // only a first piece may follow
            }
            self.text = 0;
        }
    }
}

impl Partial {
    fn take(
        &mut self,
        number: u64,
        (piece, pieces): (usize, usize),
        text: &str,
    ) -> Option<Message> {
        if piece == 1 {
            (self.number, self.pieces) = (number, 0);
            self.text.clear();
        }
        if number <= self.done || number != self.number || piece != self.pieces + 1 {
            return None; // it has come before, or a piece is missing
        }
        self.pieces = piece;
        self.text.push_str(text);
        if piece < pieces {
            return None;
        }
        self.done = number;
        let packed = STANDARD.decode(std::mem::take(&mut self.text)).ok()?;
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
        let (one, two) = (encode("a", 1, &small), encode("a", 2, &large));
        assert!(two.lines().count() > 1 && two.lines().all(|line| line.len() < 16_000));
        assert_eq!(decoded(&format!("{one}noise\n{two}")), [small, large]);
    }

    #[test]
    fn a_message_with_a_missing_piece_is_passed_over() {
        let large = encode("a", 1, &large());
        let small = Message::Silent("away".to_owned());
        let without_second: String = large
            .lines()
            .enumerate()
            .filter(|(n, _)| *n != 1)
            .map(|(_, l)| format!("{l}\n"))
            .collect();
        assert_eq!(decoded(&(without_second + &encode("a", 2, &small))), [small]);
    }

    #[test]
    fn sources_do_not_disturb_each_other_and_nothing_comes_twice() {
        let (one, two) = (encode("a", 1, &large()), encode("b", 1, &large()));
        let mixed: String =
            one.lines().zip(two.lines()).map(|(one, two)| format!("{one}\n{two}\n")).collect();
        assert_eq!(decoded(&mixed), [large(), large()]);
        assert_eq!(decoded(&(mixed.clone() + &mixed)).len(), 2);
    }

    #[test]
    fn a_log_of_endless_claims_is_kept_within_bounds() {
        let mut decoder = Decoder::default();
        let piece = "A".repeat(PIECE);
        for number in 0..MOST_SOURCES + 200 {
            decoder.take(&format!("bench1 s{number} 1 1/4096 {piece}"));
            assert!(decoder.text <= MOST_TEXT, "{}", decoder.text);
        }
        let kept: usize = decoder.sources.values().map(|partial| partial.text.len()).sum();
        assert_eq!((kept, decoder.sources.len()), (decoder.text, MOST_SOURCES));
        assert_eq!(decoder.take(&format!("bench1 s 1 1/1 {piece}{piece}")), None);
        let message = Message::Silent("away".to_owned());
        let lines = encode("s1", 2, &message);
        assert_eq!(lines.lines().find_map(|line| decoder.take(line)), Some(message));
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_log_is_survived(line in "(bench1 a )?[0-9]{0,3} ?[0-9]?/?[0-9]? ?[A-Za-z0-9+/=]{0,40}") {
            Decoder::default().take(&line);
        }
    }
}
