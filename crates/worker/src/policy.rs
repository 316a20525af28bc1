//! Which replica gets the next request. Pure: it is told who is available and how busy each is.

use clap::ValueEnum;
use rand::RngExt as _;

/// How requests are spread over replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// In turn; connections are kept.
    RoundRobin,
    /// Any, equally likely; connections are kept.
    Random,
    /// The one with the fewest of this worker's requests under way; connections are kept.
    LeastOutstanding,
    /// A new connection for each request through the service's name, so that whatever stands
    /// behind it (a virtual IP, a mesh) decides; in turn, if the name has several addresses.
    Vip,
}

impl Policy {
    /// Its name as the flag has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::Random => "random",
            Self::LeastOutstanding => "least-outstanding",
            Self::Vip => "vip",
        }
    }

    /// Index of the replica to ask, out of `available` (`None`: not now; else how many requests
    /// are under way). `turn` is the worker's own count of choices.
    pub(crate) fn choose(self, available: &[Option<usize>], turn: usize) -> Option<usize> {
        let open: Vec<usize> =
            (0..available.len()).filter(|&index| available[index].is_some()).collect();
        if open.is_empty() {
            return None;
        }
        let place = match self {
            Self::RoundRobin | Self::Vip => turn % open.len(),
            Self::Random => rand::rng().random_range(0..open.len()),
            Self::LeastOutstanding => {
                let in_turn = (0..open.len()).map(|step| turn.wrapping_add(step) % open.len());
                in_turn.min_by_key(|&place| available[open[place]])?
            }
        };
        Some(open[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_robin_takes_turns_and_skips_who_is_away() {
        let choose = |available: &[_], turn| Policy::RoundRobin.choose(available, turn);
        let all = [Some(9), Some(0), Some(0)];
        assert_eq!(
            (0..4).map(|turn| choose(&all, turn)).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(2), Some(0)]
        );
        let with_one_away = [Some(0), None, Some(0), Some(0)];
        let mut shares = [0; 4];
        for turn in 0..300 {
            shares[choose(&with_one_away, turn).unwrap()] += 1;
        }
        assert_eq!(shares, [100, 0, 100, 100]);
        assert_eq!(choose(&[None, None], 0), None);
        assert_eq!(choose(&[], 7), None);
    }

    #[test]
    fn least_outstanding_takes_the_idlest_and_breaks_ties_in_turn() {
        let choose =
            |turn| Policy::LeastOutstanding.choose(&[Some(2), Some(1), None, Some(1)], turn);
        assert_eq!((choose(0), choose(1), choose(2)), (Some(1), Some(1), Some(3)));
    }

    #[test]
    fn random_reaches_every_replica_that_is_there() {
        let mut seen = [0; 3];
        for turn in 0..3000 {
            let chosen = Policy::Random.choose(&[Some(0), None, Some(5)], turn).unwrap();
            seen[chosen] += 1;
        }
        // 1,500 each expected, standard deviation 27.
        assert!(seen[1] == 0 && seen[0] > 1300 && seen[2] > 1300, "{seen:?}");
        assert_eq!(Policy::Random.choose(&[None], 0), None);
    }
}
