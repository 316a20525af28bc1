//! Adding up the workers' reports. Pure: no Redis, no clock.

use observation::{Report, Totals};
use serde_json::Value;

/// How much of each worker's report an answer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Counts and sums.
    Sums,
    /// The histograms as well.
    Histograms,
}

/// Reports added up one after another. Each is kept as the JSON it will be sent as: a report's
/// histograms take a megabyte until then, and a kilobyte or three after.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    merged: Totals,
    workers: Vec<(String, Value)>,
}

impl Merge {
    /// Adds one worker's report.
    pub(crate) fn add(&mut self, mut report: Report, detail: Detail) -> serde_json::Result<()> {
        self.merged.add(&report.totals);
        if detail == Detail::Sums {
            report.totals = report.totals.without_histograms();
        }
        let written = serde_json::to_value(&report)?;
        self.workers.push((report.id, written));
        Ok(())
    }

    /// The sum over all reports, and the reports by their workers' ids.
    pub(crate) fn finish(mut self) -> (Totals, Vec<Value>) {
        self.workers.sort_by(|(a, _), (b, _)| a.cmp(b));
        let workers = self.workers.into_iter().map(|(_, written)| written);
        (self.merged, workers.collect())
    }
}

#[cfg(test)]
mod tests {
    use observation::{SCHEMA_VERSION, Stage};

    use super::*;

    fn report(id: &str, loops: u64, microseconds: u64) -> Report {
        let mut totals = Totals { loops, coins: 1, ..Totals::default() };
        let stage = totals.stages.entry(Stage::Loop).or_default();
        (0..loops).for_each(|_| stage.record(microseconds));
        totals.rng_replicas.insert("rng.1".to_owned(), loops);
        Report {
            schema_version: SCHEMA_VERSION,
            id: id.to_owned(),
            replica: id.to_owned(),
            started_us: 1,
            at_us: 2,
            virtual_workers: 1,
            policy: "round-robin".to_owned(),
            experiment: None,
            totals,
        }
    }

    fn merged(reports: &[Report], detail: Detail) -> (Totals, Vec<Report>) {
        let mut merge = Merge::default();
        for report in reports {
            merge.add(report.clone(), detail).unwrap();
        }
        let (totals, workers) = merge.finish();
        let read = |written| serde_json::from_value(written).unwrap();
        (totals, workers.into_iter().map(read).collect())
    }

    #[test]
    fn without_workers_there_is_nothing() {
        assert_eq!(merged(&[], Detail::Sums), (Totals::default(), Vec::new()));
    }

    #[test]
    fn totals_are_summed_and_workers_are_in_order_of_their_ids() {
        let (totals, workers) =
            merged(&[report("b", 3, 1000), report("a", 5, 9000)], Detail::Histograms);
        assert_eq!((totals.loops, totals.coins), (8, 2));
        assert_eq!(totals.rng_replicas["rng.1"], 8);
        let stage = &totals.stages[&Stage::Loop];
        assert_eq!((stage.count(), stage.sum_us()), (8, 48_000));
        assert_eq!(stage.quantile_us(0.1), Some(1000));
        assert_eq!(workers, [report("a", 5, 9000), report("b", 3, 1000)]);
    }

    #[test]
    fn without_detail_only_the_sum_has_histograms() {
        let (totals, workers) = merged(&[report("a", 5, 9000)], Detail::Sums);
        assert!(totals.stages[&Stage::Loop].max_us() >= Some(9000));
        let stage = &workers[0].totals.stages[&Stage::Loop];
        assert_eq!((stage.count(), stage.sum_us()), (5, 45_000));
        assert_eq!(stage, &totals.stages[&Stage::Loop].without_histogram());
    }
}
