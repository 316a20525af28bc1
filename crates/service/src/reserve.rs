//! Connections over a limit: a few at a time, each for as long as it takes to read one request and
//! refuse it. The oldest gives way to the next, so that silent connections keep no other from its
//! answer.

use std::collections::VecDeque;

use tokio::sync::oneshot;

/// Slots for connections over a limit.
#[derive(Debug)]
pub struct Reserve {
    most: usize,
    /// The oldest first; a closed one has given its slot back.
    taken: VecDeque<oneshot::Sender<()>>,
}

/// A connection's slot in a [`Reserve`]; dropping it gives the slot back.
#[derive(Debug)]
pub struct Surplus(oneshot::Receiver<()>);

impl Reserve {
    /// A reserve of `most` slots, at least one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), taken: VecDeque::new() }
    }

    /// A slot for one more connection; with none free, that of the oldest.
    pub fn admit(&mut self) -> Surplus {
        if self.taken.len() >= self.most {
            self.taken.retain(|taken| !taken.is_closed());
        }
        if self.taken.len() >= self.most {
            self.taken.pop_front(); // dropping the sender is how its holder learns of it
        }
        let (sender, receiver) = oneshot::channel();
        self.taken.push_back(sender);
        Surplus(receiver)
    }
}

impl Surplus {
    /// Completes when the slot is needed for another connection.
    pub async fn displaced(&mut self) {
        if !self.0.is_terminated() {
            // Nothing is ever sent: both outcomes mean that the sender is gone.
            let _ = (&mut self.0).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    #[test]
    fn the_oldest_gives_way_and_a_free_slot_is_used_first() {
        let mut reserve = Reserve::new(2);
        let (mut first, second, mut third) = (reserve.admit(), reserve.admit(), reserve.admit());
        assert_eq!(first.0.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(third.0.try_recv(), Err(TryRecvError::Empty));
        drop(second);
        let mut fourth = reserve.admit();
        assert_eq!(third.0.try_recv(), Err(TryRecvError::Empty), "the second's slot was free");
        assert_eq!(fourth.0.try_recv(), Err(TryRecvError::Empty));
    }
}
