//! The next event of each of a fixed number of owners, and which is first: a tournament tree.
//!
//! Each owner has one event at all times, so that an event is replaced, never added or removed. That takes
//! a fixed number of steps without a branch that could be guessed wrong, which is faster than a heap.
//! Of events at the same time the one of the owner with the lower number is first.

use crate::numbers::{count, index};

/// A time and its owner as one number: 64 bits of each.
type Key = u128;

fn key(time: u64, owner: u32) -> Key {
    (Key::from(time) << 32) | Key::from(owner)
}

/// Events of owners 0, 1, ...
#[derive(Debug)]
pub(super) struct Calendar {
    /// A binary tree of winners: the root is at 1, the leaves are in the second half.
    nodes: Vec<Key>,
}

impl Calendar {
    /// A calendar with the owners' first events.
    pub(super) fn new(times: &[u64]) -> Self {
        let leaves = times.len().next_power_of_two();
        let mut nodes = vec![Key::MAX; 2 * leaves];
        for (owner, time) in times.iter().enumerate() {
            nodes[leaves + owner] = key(*time, count(owner));
        }
        for node in (1..leaves).rev() {
            nodes[node] = nodes[2 * node].min(nodes[2 * node + 1]);
        }
        Self { nodes }
    }

    /// The earliest event: its time and owner.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half of a key is taken apart")]
    pub(super) fn first(&self) -> (u64, u32) {
        let first = self.nodes[1];
        ((first >> 32) as u64, first as u32)
    }

    /// Gives an owner another event.
    #[inline]
    pub(super) fn replace(&mut self, owner: u32, time: u64) {
        let mut winner = key(time, owner);
        let mut node = self.nodes.len() / 2 + index(owner);
        while node > 1 {
            self.nodes[node] = winner;
            winner = winner.min(self.nodes[node ^ 1]);
            node /= 2;
        }
        self.nodes[1] = winner;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_earliest_is_first(
            mut times in prop::collection::vec(0u64..50, 1..20),
            changes in prop::collection::vec((0usize..20, 0u64..50), 0..60),
        ) {
            let mut calendar = Calendar::new(&times);
            for (owner, time) in changes {
                let owner = owner % times.len();
                times[owner] = time;
                calendar.replace(count(owner), time);
                let earliest = (0..times.len()).min_by_key(|owner| times[*owner]).unwrap();
                prop_assert_eq!(calendar.first(), (times[earliest], count(earliest)));
            }
        }
    }
}
