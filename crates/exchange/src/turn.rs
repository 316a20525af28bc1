//! How much may be taken from one peer before others have their turn: a peer that never stops sending
//! would otherwise keep the clock, and with it every time limit, from being looked at.

use tokio::task::yield_now;

/// Bytes that are looked at, one by one, in one turn.
const BYTES: usize = 128 * 1024;
/// Pieces that are taken in one turn, however small they are.
const PIECES: u32 = 64;

/// What was taken in this turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    bytes: usize,
    pieces: u32,
}

impl Turn {
    /// Counts a piece that was taken, of which `bytes` bytes were looked at.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.pieces += 1;
    }

    /// Whether it is the others' turn; said once, since a new turn begins then.
    pub(crate) fn is_over(&mut self) -> bool {
        let over = self.bytes >= BYTES || self.pieces >= PIECES;
        if over {
            *self = Self::default();
        }
        over
    }

    /// Counts a piece like [`Self::took`], and yields to other tasks when the turn is over.
    pub(crate) async fn taken(&mut self, bytes: usize) {
        self.took(bytes);
        if self.is_over() {
            yield_now().await;
        }
    }
}
