//! Counts of values in buckets that are at most 0.1 % wide, those of HdrHistogram with three
//! digits. Memory is taken octave by octave, as values come: most runs need ten of thirty-two, and
//! a run has a dozen of these.

/// Buckets of an octave.
const BUCKETS: usize = 1024;
/// The same as a number among values; values below twice that have a bucket each.
const HALF: u64 = BUCKETS as u64;
/// Octaves up to 2^42 ns, more than an hour.
const OCTAVES: usize = 33;

/// Counts by value.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    octaves: [Option<Box<[u64; BUCKETS]>>; OCTAVES],
    total: u64,
    sum: u128,
    /// The exact shortest and longest.
    range: Option<(u64, u64)>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { octaves: [const { None }; OCTAVES], total: 0, sum: 0, range: None }
    }
}

impl Buckets {
    pub(super) fn record(&mut self, value: u64, count: u64) {
        let (octave, bucket) = place(value);
        let counts = self.octaves[octave].get_or_insert_with(|| Box::new([0; BUCKETS]));
        counts[bucket] += count;
        self.total += count;
        self.sum += u128::from(value) * u128::from(count);
        let (low, high) = self.range.unwrap_or((value, value));
        self.range = Some((low.min(value), high.max(value)));
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, others) in self.octaves.iter_mut().zip(&other.octaves) {
            let Some(others) = others else { continue };
            let mine = mine.get_or_insert_with(|| Box::new([0; BUCKETS]));
            mine.iter_mut().zip(others.iter()).for_each(|(mine, other)| *mine += other);
        }
        self.total += other.total;
        self.sum += other.sum;
        self.range = match (self.range, other.range) {
            (Some((low, high)), Some((lowest, highest))) => {
                Some((low.min(lowest), high.max(highest)))
            }
            (one, another) => one.or(another),
        };
    }

    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        if self.total > 0 {
            self.octaves.iter_mut().flatten().for_each(|counts| counts.fill(0));
        }
        (self.total, self.sum, self.range) = (0, 0, None);
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn sum(&self) -> u128 {
        self.sum
    }

    pub(super) fn range(&self) -> Option<(u64, u64)> {
        self.range
    }

    /// The highest value of each bucket that is not empty, with its count, in order.
    pub(super) fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let octaves = self.octaves.iter().enumerate();
        octaves.filter_map(|(octave, counts)| Some((octave, counts.as_ref()?))).flat_map(
            |(octave, counts)| {
                let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                filled.map(move |(bucket, count)| (highest(octave, bucket), *count))
            },
        )
    }
}

/// Where a value is counted.
fn place(value: u64) -> (usize, usize) {
    // Values below 1,024 are octave 0 with buckets of 1; from there on each octave has buckets
    // twice as wide as the one before, but for the first.
    let octave = (value / HALF).checked_ilog2().map_or(0, |log| log as usize + 1);
    let octave = octave.min(OCTAVES - 1);
    let bucket = match octave {
        0 => value,
        _ => (value >> (octave - 1)).min(2 * HALF - 1) - HALF,
    };
    (octave, usize::try_from(bucket).unwrap_or(0))
}

/// The highest value that is counted there.
fn highest(octave: usize, bucket: usize) -> u64 {
    match octave {
        0 => bucket as u64,
        _ => ((bucket as u64 + HALF + 1) << (octave - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_and_is_narrow(value in 0_u64..4_000_000_000_000) {
            let (octave, bucket) = place(value);
            let highest = highest(octave, bucket);
            prop_assert!(highest >= value, "{value}: {highest}");
            prop_assert!((highest - value) * 1_000 <= value, "{value}: {highest}");
            prop_assert_eq!(place(highest), (octave, bucket));
        }
    }

    #[test]
    fn neighbours_follow_each_other_without_a_gap() {
        for octave in 0..OCTAVES {
            for bucket in 0..BUCKETS {
                let next = place(highest(octave, bucket) + 1);
                let last = bucket + 1 == BUCKETS;
                let expected = if last { (octave + 1, 0) } else { (octave, bucket + 1) };
                assert!(next == expected || expected.0 == OCTAVES, "{octave} {bucket}: {next:?}");
            }
        }
    }
}
