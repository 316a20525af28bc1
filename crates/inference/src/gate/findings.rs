//! What a gate comes to as a whole: the worst of its verdicts, and how many runs decide what is left.

use serde::{Deserialize, Serialize};

use super::{IfUndecided, Outcome, Verdict};

/// What a gate came to, apart from what each caller adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateFindings {
    /// The slowdown that must be caught, as a share.
    pub limit: f64,
    /// The worst of all verdicts.
    pub outcome: Outcome,
    /// What was to become of an undecided one.
    pub undecided: IfUndecided,
    /// Runs on each side that decide all that is undecided; missing where nothing is, or where no
    /// number of runs would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetitions_needed: Option<u32>,
}

/// How many attempts of one side failed: of requests, or per hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// Failed requests.
    pub failed: u64,
    /// What they are a share of: all requests, or hashes made.
    pub of: u64,
}

impl GateFindings {
    /// What the verdicts come to. Without any there is nothing to judge by; `obstructed` where something
    /// beside them keeps the whole from passing.
    pub fn of<'a, R: 'a>(
        (limit, undecided): (f64, IfUndecided),
        verdicts: impl IntoIterator<Item = &'a Verdict<R>>,
        obstructed: bool,
    ) -> Self {
        let mut worst = None;
        let mut needed = Some(None);
        for verdict in verdicts {
            worst = worst.max(Some(verdict.outcome()));
            if let Verdict::Undecided { repetitions_needed } = verdict {
                needed = needed.zip(*repetitions_needed).map(|(most, one)| most.max(Some(one)));
            }
        }
        let of_all = if obstructed { Outcome::NotJudged } else { Outcome::Passed };
        Self {
            limit,
            outcome: worst.unwrap_or(Outcome::NotJudged).max(of_all),
            undecided,
            repetitions_needed: needed.flatten(),
        }
    }

    /// The exit code of a command whose gate this is.
    #[must_use]
    pub fn exit(&self) -> u8 {
        self.outcome.exit(self.undecided)
    }
}

impl Failures {
    /// Whether more failed after than before: at least one whole request more, had both sides made as
    /// many attempts. Exact for all numbers.
    #[must_use]
    pub fn rose(before: Self, after: Self) -> bool {
        // failed_after ≥ failed_before · after / before + 1, times `before`. Neither product nor sum can
        // overflow: (2^64 − 1)^2 + 2^64 − 1 < 2^128.
        let wide = |number: u64| u128::from(number);
        let attempts = wide(before.of.max(1));
        wide(after.failed) * attempts >= wide(before.failed) * wide(after.of) + attempts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rose(before: (u64, u64), after: (u64, u64)) -> bool {
        let side = |(failed, of)| Failures { failed, of };
        Failures::rose(side(before), side(after))
    }

    #[test]
    fn one_more_of_as_many_is_more_and_as_many_are_not() {
        let sizes = (1..=3_000).chain([4_999, 65_537, 1 << 40, (1 << 53) + 1, u64::MAX]);
        for of in sizes {
            for failed in [0, 1, 2, 7, 29, of / 3, of / 2, of - 1].into_iter().filter(|f| *f < of) {
                assert!(rose((failed, of), (failed + 1, of)), "{failed} and one more of {of}");
                assert!(!rose((failed, of), (failed, of)), "{failed} of {of} twice");
                assert!(!rose((failed + 1, of), (failed, of)), "one less than {failed} of {of}");
            }
        }
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        let most = u64::MAX;
        assert!(!rose((most, most), (most, most)));
        assert!(rose((0, most), (1, most)) && rose((most - 1, most), (most, most)));
        assert!(rose((0, 0), (1, 0)) && !rose((0, 0), (0, 0)) && !rose((0, 0), (0, 9)));
        assert!(!rose((29, 2_999), (30, 3_099)), "0.97 more at the size of the second side");
        assert!(rose((29, 2_999), (61, 5_998 + 103)) && !rose((29, 2_999), (59, 5_998 + 1)));
    }

    proptest! {
        #[test]
        fn only_proportions_count(failed in 0_u64..1_000, of in 1_u64..10_000, times in 1_u64..1_000) {
            let same = (failed * times, of * times);
            prop_assert!(!rose((failed, of), same));
            prop_assert!(rose((failed, of), (same.0 + 1, same.1)));
        }
    }

    fn findings(verdicts: &[Verdict<()>], obstructed: bool) -> GateFindings {
        GateFindings::of((0.05, IfUndecided::Inconclusive), verdicts, obstructed)
    }

    #[test]
    fn the_worst_verdict_counts_and_nothing_to_judge_by_never_passes() {
        let undecided = Verdict::Undecided { repetitions_needed: Some(9) };
        let missing = Verdict::NotJudged { reason: () };
        for (verdicts, obstructed, outcome) in [
            (vec![], false, Outcome::NotJudged),
            (vec![Verdict::Faster], false, Outcome::Passed),
            (vec![Verdict::Faster], true, Outcome::NotJudged),
            (vec![Verdict::Faster, undecided.clone()], false, Outcome::Undecided),
            (vec![undecided.clone(), missing.clone()], false, Outcome::NotJudged),
            (vec![missing, Verdict::Slower, undecided], true, Outcome::Failed),
        ] {
            assert_eq!(findings(&verdicts, obstructed).outcome, outcome, "{verdicts:?}");
        }
    }

    #[test]
    fn as_many_runs_as_the_widest_needs() {
        let undecided = |repetitions_needed| Verdict::Undecided { repetitions_needed };
        let needed = |verdicts: &[Verdict<()>]| findings(verdicts, false).repetitions_needed;
        assert_eq!(needed(&[undecided(Some(9)), Verdict::Faster, undecided(Some(4))]), Some(9));
        assert_eq!(needed(&[undecided(Some(9)), undecided(None), undecided(Some(4))]), None);
        assert_eq!(needed(&[Verdict::Faster]), None);
    }
}
