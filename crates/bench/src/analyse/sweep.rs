//! A sweep of a grid under way: which cell is worth measuring next, what the others will do by the
//! model, and where replicas balance. Pure: cells that were measured in, the next one or findings out.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use model::{Effort, Impossible, Resource, Scenario};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;

use super::advice::{interval, service};
use super::agreement::named;
use super::grid::{self, CellFindings, Grid, Reason, SweepFindings, best};
use super::scalability::laws;
use super::verdict::TIE;
use super::{Interval, Limit, StepFindings, with_replicas};
use crate::cluster::{Replicas, Service};

/// One in so many of the cells that the model is sure of is measured all the same.
const AUDIT: usize = 10;
/// Chance begins with this, so that a sweep that is resumed draws the same cells.
const SEED: u64 = 1;
/// Cells of up to this many are simulated thoroughly; of larger grids each gets its share.
const THOROUGH: usize = 50;

/// A cell that was measured.
#[derive(Clone, Debug)]
struct Measured {
    /// Why.
    pub reason: Reason,
    /// What came of it.
    pub step: StepFindings,
}

/// A sweep under way: its axes, what was measured, and what the model says.
#[derive(Clone, Debug)]
pub struct Sweep {
    grid: Grid,
    full: bool,
    measured: BTreeMap<Replicas, Measured>,
    predicted: BTreeMap<Replicas, Predicted>,
}

#[derive(Clone, Copy, Debug)]
struct Predicted {
    hashes_per_second: Interval,
    limit: Service,
}

impl Sweep {
    /// A sweep in which nothing was measured yet.
    #[must_use]
    pub fn new(grid: Grid, full: bool) -> Self {
        Self { grid, full, measured: BTreeMap::new(), predicted: BTreeMap::new() }
    }

    /// Adds what was measured.
    pub fn add(&mut self, reason: Reason, step: StepFindings) {
        self.measured.insert(step.replicas, Measured { reason, step });
    }

    /// Takes over what the model of an app says of every cell that was not measured yet, and of the one
    /// it is made from.
    ///
    /// # Errors
    /// When a cell is too large to be simulated.
    pub fn predict(&mut self, app: &Scenario) -> Result<(), Impossible> {
        let cells = self.grid.cells();
        let share = u32::try_from(cells.len().div_ceil(THOROUGH)).unwrap_or(u32::MAX);
        let default = Effort::default();
        let runs = (default.runs.get() / share).max(2);
        let effort = Effort { runs: NonZeroU32::new(runs).unwrap_or(default.runs), ..default };
        let is_ahead = |cell: &Replicas| {
            self.measured.get(cell).is_none_or(|m| m.reason == Reason::Calibration)
        };
        for cell in cells.into_iter().filter(|cell| serves(*cell) && is_ahead(cell)) {
            let there = with_replicas(app, cell)?;
            let hashes_per_second = interval(&there.predict(effort)?);
            let limit = service(limit(&there));
            self.predicted.insert(cell, Predicted { hashes_per_second, limit });
        }
        Ok(())
    }

    /// The cell to measure next, and why; `None` when that is enough.
    #[must_use]
    pub fn next(&self) -> Option<(Replicas, Reason)> {
        let waiting = |cell: &Replicas| !self.measured.contains_key(cell);
        if self.measured.is_empty() {
            return Some((self.grid.middle(), Reason::Calibration));
        }
        if self.full {
            return self.grid.cells().into_iter().find(waiting).map(|cell| (cell, Reason::Full));
        }
        let kinds = [
            (Reason::Knee, self.knees()),
            (Reason::Audit, self.audited()),
            (Reason::Surprise, self.beside_surprises()),
            (Reason::Best, self.fastest()),
        ];
        let next = |(reason, cells): (Reason, Vec<Replicas>)| {
            cells.into_iter().find(waiting).map(|cell| (cell, reason))
        };
        kinds.into_iter().find_map(next)
    }

    /// How many cells have been measured.
    #[must_use]
    pub fn measured(&self) -> usize {
        self.measured.len()
    }

    /// Whether there is a model of the app.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        !self.predicted.is_empty()
    }

    /// From now on every cell is wanted.
    pub fn measure_all(&mut self) {
        self.full = true;
    }

    /// How many cells will be measured, as far as that is known.
    #[must_use]
    pub fn expected(&self) -> usize {
        if self.full {
            return self.grid.cells().len();
        }
        let mut all: Vec<Replicas> = self.measured.keys().copied().collect();
        all.extend(self.knees().into_iter().chain(self.audited()).chain(self.beside_surprises()));
        all.extend(self.fastest());
        all.push(self.grid.middle());
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// In each line the two cells between which the limit changes.
    fn knees(&self) -> Vec<Replicas> {
        let limit = |cell: &Replicas| self.predicted.get(cell).map(|predicted| predicted.limit);
        let lines = self.grid.lines();
        let pairs = lines.iter().flat_map(|line| line.windows(2));
        pairs.filter(|pair| limit(&pair[0]) != limit(&pair[1])).flatten().copied().collect()
    }

    /// Some of the others, by lot.
    fn audited(&self) -> Vec<Replicas> {
        let knees = self.knees();
        let mut others = self.grid.cells();
        others.retain(|cell| !knees.contains(cell) && *cell != self.grid.middle());
        let number = others.len().div_ceil(AUDIT);
        others.shuffle(&mut SmallRng::seed_from_u64(SEED));
        others.truncate(number);
        others
    }

    /// The lines of cells that were not as predicted: there the model is not to be trusted.
    fn beside_surprises(&self) -> Vec<Replicas> {
        let surprising = |line: &Vec<Replicas>| line.iter().any(|cell| self.is_surprise(*cell));
        self.grid.lines().into_iter().filter(surprising).flatten().collect()
    }

    /// What the sentence about the whole grid rests on, so that it is measured.
    fn fastest(&self) -> Vec<Replicas> {
        let cells: Vec<_> =
            self.grid.cells().into_iter().filter_map(|cell| self.cell(cell)).collect();
        best(&cells)
            .into_iter()
            .flat_map(|best| [best.most.replicas, best.cheapest.replicas])
            .collect()
    }

    fn is_surprise(&self, cell: Replicas) -> bool {
        let (Some(measured), Some(predicted)) =
            (self.measured.get(&cell), self.predicted.get(&cell))
        else {
            return false;
        };
        let (found, said) = (measured.step.hashes_per_second.interval, predicted.hashes_per_second);
        measured.step.withheld.is_some() || found.low > said.high || found.high < said.low
    }

    /// All that is known by now.
    #[must_use]
    pub fn findings(&self, policy: Option<&str>) -> SweepFindings {
        let cells: Vec<_> =
            self.grid.cells().into_iter().filter_map(|cell| self.cell(cell)).collect();
        let scored = cells.iter().filter(|cell| cell.measured != Some(Reason::Calibration));
        let errors: Vec<f64> = scored.filter_map(|cell| Some(cell.error?.abs())).collect();
        let count = load::numbers::float(errors.len() as u64);
        let surprises = self.measured.keys().filter(|cell| self.is_surprise(**cell)).count();
        SweepFindings {
            policy: policy.map(str::to_owned),
            grid: self.grid.clone(),
            ridge: self.ridge(),
            mean_absolute_error: (count > 0.0).then(|| errors.iter().sum::<f64>() / count),
            surprises: u32::try_from(surprises).unwrap_or(u32::MAX),
            laws: laws(&cells),
            sentence: grid::sentence(&cells),
            cells,
        }
    }

    fn cell(&self, replicas: Replicas) -> Option<CellFindings> {
        let predicted = self.predicted.get(&replicas);
        let said = predicted.map(|predicted| predicted.hashes_per_second);
        let Some(Measured { reason, step }) = self.measured.get(&replicas) else {
            return predicted.map(|predicted| CellFindings {
                replicas,
                hashes_per_second: predicted.hashes_per_second,
                measured: None,
                predicted: said,
                error: None,
                limit: Some(predicted.limit.into()),
                withheld: None,
            });
        };
        let found = step.hashes_per_second.interval;
        Some(CellFindings {
            replicas,
            hashes_per_second: found,
            measured: Some(*reason),
            predicted: said,
            error: said.map(|said| found.value / said.value - 1.0),
            limit: step.bottleneck.as_ref().map(|bottleneck| bottleneck.service),
            withheld: step.withheld.as_ref().map(|withheld| withheld.reason.clone()),
        })
    }

    /// In each row of workers the first cell that something else limits, or as good as limits: as
    /// measured, or as predicted where nothing was measured or the measurement has no verdict.
    fn ridge(&self) -> Vec<Replicas> {
        let limit = |cell: &Replicas| {
            let measured = self.measured.get(cell).and_then(|measured| limit_of(&measured.step));
            measured.or(self.predicted.get(cell).map(|predicted| predicted.limit.into()))
        };
        let beyond = |cell: &Replicas| limit(cell).is_some_and(|limit| limit != Limit::Worker);
        self.grid.rows().iter().filter_map(|row| row.iter().find(|c| beyond(c)).copied()).collect()
    }
}

/// What a measured app is short of; where a service binds as good as early as the workers, that is.
fn limit_of(step: &StepFindings) -> Option<Limit> {
    let bottleneck = step.bottleneck.as_ref()?.service;
    let [_, tied] = named(step.bounds.as_ref()?);
    Some(match (bottleneck, tied) {
        (Limit::Worker, Some(service)) => service.into(),
        _ => bottleneck,
    })
}

/// The same of an app in the model.
fn limit(app: &Scenario) -> Resource {
    let bounds = app.bounds();
    match bounds.limit() {
        Resource::Workers => {
            let widened = model::Bounds { workers: bounds.workers * TIE, ..bounds };
            widened.limit()
        }
        station @ Resource::Station(_) => station,
    }
}

/// Whether anything can be done with these replicas.
fn serves(Replicas { worker, rng, hasher }: Replicas) -> bool {
    worker > 0 && rng > 0 && hasher > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;
    use crate::analyse::{measured, step};

    fn tutorial() -> Grid {
        Grid { worker: vec![1, 2, 3, 5, 8, 10, 12], rng: vec![1, 2, 3, 4], hasher: vec![1] }
    }

    /// Measures whatever the sweep wants, each cell of an ideal app but for those `bent`.
    fn swept(grid: Grid, full: bool, bent: &[Replicas]) -> Sweep {
        let mut sweep = Sweep::new(grid, full);
        while let Some((cell, reason)) = sweep.next() {
            let samples = ideal(cell.worker, cell.rng);
            let mut found = step(&samples);
            if bent.contains(&cell) {
                let interval = &mut found.hashes_per_second.interval;
                interval.value *= 0.8;
                (interval.low, interval.high) = (interval.value, interval.value);
            }
            sweep.add(reason, found);
            if sweep.predicted.is_empty() {
                sweep.predict(&measured(&samples).unwrap()).unwrap();
            }
        }
        sweep
    }

    #[test]
    fn knees_and_a_tenth_tell_as_much_as_the_whole_grid() {
        let (guided, full) = (swept(tutorial(), false, &[]), swept(tutorial(), true, &[]));
        assert!(guided.measured.len() <= 12, "{} of 28 cells", guided.measured.len());
        assert_eq!(full.measured.len(), 28);
        let (guided, full) = (guided.findings(None), full.findings(None));
        assert_eq!((guided.cells.len(), &guided.ridge), (28, &full.ridge));
        for (one, other) in guided.cells.iter().zip(&full.cells) {
            let (one, other) = (one.hashes_per_second.value, other.hashes_per_second.value);
            assert!((one / other - 1.0).abs() < 0.01, "{one} {other}");
        }
        assert!(guided.mean_absolute_error.unwrap() < 0.005);
        assert!(guided.sentence.contains("12 workers, 4 rng and 1 hasher"), "{}", guided.sentence);
        let ridge: Vec<_> = guided.ridge.iter().map(|cell| (cell.worker, cell.rng)).collect();
        assert_eq!(ridge, [(3, 1), (8, 2), (10, 3), (12, 4)]);
    }

    #[test]
    fn rows_are_described_by_the_law_with_its_lack_of_fit() {
        let grid = Grid { worker: vec![1, 2, 3, 5, 8], rng: vec![1, 2], hasher: vec![1] };
        let found = swept(grid.clone(), true, &[]).findings(None);
        let rows: Vec<_> = found.laws.iter().map(|row| (row.rng, row.hasher)).collect();
        assert_eq!(rows, [(1, 1), (2, 1)]);
        // min(W/0.3, 10) has a corner, and the law has none.
        let law = found.laws[0].law;
        assert!((0.02..0.2).contains(&law.lack_of_fit) && law.worst > law.lack_of_fit, "{law:?}");
        assert!((law.at(1.0) / 3.33 - 1.0).abs() <= law.worst + 0.01, "{law:?}");
        let few = Grid { worker: vec![1, 2, 3], ..grid };
        assert!(swept(few, true, &[]).findings(None).laws.is_empty());
    }

    #[test]
    fn where_the_model_is_wrong_its_line_is_measured() {
        let bent = Replicas { worker: 3, rng: 1, hasher: 1 };
        let sweep = swept(tutorial(), false, &[bent]);
        let line: Vec<_> = sweep.measured.keys().filter(|cell| cell.rng == 1).collect();
        assert_eq!(line.len(), 7, "{line:?}");
        assert_eq!(sweep.findings(None).surprises, 1);
    }

    #[test]
    fn a_grid_of_one_number_of_workers_has_its_knee_along_rng() {
        let grid = Grid { worker: vec![10], rng: (1..=8).collect(), hasher: vec![1] };
        let sweep = swept(grid, false, &[]);
        let measured: Vec<_> = sweep.measured.keys().map(|cell| cell.rng).collect();
        assert!(measured.contains(&3) && measured.contains(&4), "{measured:?}");
        assert!(measured.len() < 8);
    }
}
