//! `--logs`: which logs of the replicas `bench up` shows beside the usual ones.

use clap::ValueEnum;

use crate::cluster::local::ServiceLogs;

/// A value of `--logs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoggedService {
    /// Each worker's line per second, however many run.
    Worker,
    /// Each request to rng.
    Rng,
    /// Each request to hasher.
    Hasher,
    /// All of these.
    All,
    /// None of these, not even those of a single worker.
    None,
}

impl ServiceLogs {
    /// What is asked for by `--logs` with these values; the later ones win.
    #[must_use]
    pub fn of(asked: &[LoggedService]) -> Self {
        asked.iter().fold(Self::default(), |logs, service| match service {
            LoggedService::Worker => Self { worker: Some(true), ..logs },
            LoggedService::Rng => Self { rng: Some(true), ..logs },
            LoggedService::Hasher => Self { hasher: Some(true), ..logs },
            LoggedService::All => Self::each(true),
            LoggedService::None => Self::each(false),
        })
    }

    fn each(on: bool) -> Self {
        Self { worker: Some(on), rng: Some(on), hasher: Some(on) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        use LoggedService::{All, Hasher, None as Nothing, Rng, Worker};
        let of = |asked: &[LoggedService]| {
            let ServiceLogs { worker, rng, hasher } = ServiceLogs::of(asked);
            [worker, rng, hasher]
        };
        assert_eq!(of(&[]), [None; 3]);
        assert_eq!(of(&[Hasher, Worker]), [Some(true), None, Some(true)]);
        assert_eq!(of(&[All]), [Some(true); 3]);
        assert_eq!(of(&[Nothing, Rng]), [Some(false), Some(true), Some(false)]);
        assert_eq!(of(&[Rng, Nothing]), [Some(false); 3]);
    }
}
