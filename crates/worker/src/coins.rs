//! The coins that Redis may not have yet. To write a coin twice does no harm, so one is kept until
//! it is sure to be written; writing them is `ledger`'s.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::flush::Coin;

/// Coins kept while Redis is away; beyond that the workers wait rather than lose one.
const MOST: usize = 500_000;
/// Coins written in one transaction, so that a long outage does not end in one that takes too long.
const AT_ONCE: usize = 10_000;
/// Coins remembered although Redis has confirmed them, until the next flush shows that the
/// confirmations were theirs.
const MOST_CONFIRMED: usize = 10_000;

/// Coins of all workers of this process.
#[derive(Debug, Default)]
pub(crate) struct Coins(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    unwritten: Vec<Coin>,
    /// Written and confirmed since the last flush.
    confirmed: Vec<Coin>,
}

/// Coins to write with one flush.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) coins: Vec<Coin>,
    confirmed_before: usize,
}

/// A coin that is being written; kept for the next flush unless that is confirmed.
pub(crate) struct Kept<'a> {
    coins: &'a Coins,
    coin: Option<Coin>,
}

impl Coins {
    /// Whether no more may be kept.
    pub(crate) fn are_full(&self) -> bool {
        self.lists().unwritten.len() >= MOST
    }

    /// How many are still to be written.
    pub(crate) fn unwritten(&self) -> usize {
        self.lists().unwritten.len()
    }

    pub(crate) fn keep(&self, coin: Coin) -> Kept<'_> {
        Kept { coins: self, coin: Some(coin) }
    }

    /// Some of those that are still to be written. They stay in the list until they are: a flush may
    /// be dropped half way.
    pub(crate) fn batch(&self) -> Batch {
        let lists = self.lists();
        let coins = lists.unwritten.iter().take(AT_ONCE).cloned().collect();
        Batch { coins, confirmed_before: lists.confirmed.len() }
    }

    /// A transaction was answered, and the coins of `batch` are written unless they were refused.
    pub(crate) fn flushed(&self, batch: &Batch, written: bool) {
        let lists = &mut *self.lists();
        if written {
            lists.unwritten.drain(..batch.coins.len());
        }
        let confirmed = batch.confirmed_before.min(lists.confirmed.len());
        lists.confirmed.drain(..confirmed);
    }

    /// Nothing that the connection has confirmed is believed any more.
    pub(crate) fn doubt(&self) {
        let lists = &mut *self.lists();
        lists.unwritten.append(&mut lists.confirmed);
    }

    /// Nothing under this lock can panic half way, so a poisoned one is as good as any.
    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept<'_> {
    /// Redis has confirmed that it is written.
    pub(crate) fn confirmed(mut self) {
        let coin = self.coin.take();
        let confirmed = &mut self.coins.lists().confirmed;
        if confirmed.len() < MOST_CONFIRMED {
            confirmed.extend(coin);
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if self.coin.is_some() {
            self.coins.lists().unwritten.extend(self.coin.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn coin(hash: &'static str) -> Coin {
        Coin { hash: Bytes::from_static(hash.as_bytes()), bytes: Bytes::new() }
    }

    fn hashes(coins: &[Coin]) -> Vec<&[u8]> {
        coins.iter().map(|coin| &coin.hash[..]).collect()
    }

    #[test]
    fn a_confirmed_coin_comes_back_when_the_connection_turns_out_to_be_wrong() {
        let coins = Coins::default();
        drop(coins.keep(coin("01")));
        coins.keep(coin("02")).confirmed();
        let batch = coins.batch();
        assert_eq!(hashes(&batch.coins), [b"01"]);
        coins.keep(coin("03")).confirmed();
        coins.flushed(&batch, true);
        coins.doubt();
        // The second was confirmed before a flush that was answered rightly, the third after.
        assert_eq!(hashes(&coins.batch().coins), [b"03"]);
    }

    #[test]
    fn coins_that_were_refused_stay() {
        let coins = Coins::default();
        drop(coins.keep(coin("01")));
        coins.flushed(&coins.batch(), false);
        assert_eq!(coins.unwritten(), 1);
    }
}
