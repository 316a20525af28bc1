//! Figure `grid`: hashes/s over worker and rng replicas against two bounds, one from the nominal
//! times and one from the times of the single worker's own loop.

use anyhow::Context as _;
use bench::analyse::{Findings, StageName, StepFindings};

use crate::app;
use crate::lab::Lab;
use crate::section::Section;
use crate::stats::{largest, percent};

/// Requests one hasher works on at a time.
const HASHER_PLACES: f64 = 20.0;
/// What one worker must reach; the original makes 3.20.
const ONE_WORKER: f64 = 3.28;

/// What the cell of one worker and one rng says of the machine, in seconds.
#[derive(Clone, Copy, Debug)]
struct Calibration {
    /// Time of a loop in which nobody waits.
    unhindered: f64,
    rng: f64,
    hasher: f64,
}

/// One measured cell.
#[derive(Debug)]
struct Cell {
    workers: u32,
    rng: u32,
    measured: f64,
    half_width: f64,
    bound: f64,
    ideal: f64,
    withheld: Option<String>,
}

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    let (workers, rng) = lab.choose(("1,2,3,5,10,20", "1,2,5,10"), ("1,10", "1,5"));
    let duration = lab.window_typed();
    let warmup = lab.choose("10s", "3s");
    let arguments =
        ["--worker", workers, "--rng", rng, "--duration", &duration, "--warmup", warmup];
    let findings = app::scale(lab, &arguments).await?;
    let calibration = Calibration::of(&findings)?;
    let cells: Vec<_> = findings.steps.iter().map(|step| Cell::of(step, &calibration)).collect();
    let mut section = section(&cells, &calibration, lab.window.as_secs_f64());
    section.command(format!("target/release/bench scale {} --output json", arguments.join(" ")));
    Ok(section)
}

impl Calibration {
    fn of(findings: &Findings) -> anyhow::Result<Self> {
        let one = |step: &&StepFindings| step.replicas.worker == 1 && step.replicas.rng == 1;
        let step = findings.steps.iter().find(one).context("no cell with one of each")?;
        Ok(Self {
            unhindered: 1.0 / step.hashes_per_second.interval.value,
            rng: app::service_seconds(step, StageName::Rng)?,
            hasher: app::service_seconds(step, StageName::Hasher)?,
        })
    }

    fn bound(&self, workers: u32, rng: u32) -> f64 {
        let by_workers = f64::from(workers) / self.unhindered;
        by_workers.min(f64::from(rng) / self.rng).min(HASHER_PLACES / self.hasher)
    }
}

fn ideal(workers: u32, rng: u32) -> f64 {
    (f64::from(workers) / 0.3).min(10.0 * f64::from(rng))
}

impl Cell {
    fn of(step: &StepFindings, calibration: &Calibration) -> Self {
        let (workers, rng) = (step.replicas.worker, step.replicas.rng);
        let rate = step.hashes_per_second.interval;
        Self {
            workers,
            rng,
            measured: rate.value,
            half_width: (rate.high - rate.low) / 2.0,
            bound: calibration.bound(workers, rng),
            ideal: ideal(workers, rng),
            withheld: step.withheld.as_ref().map(|withheld| withheld.reason.clone()),
        }
    }

    fn off_bound(&self) -> f64 {
        self.measured / self.bound - 1.0
    }

    fn off_ideal(&self) -> f64 {
        self.measured / self.ideal - 1.0
    }

    fn row(&self) -> [String; 7] {
        [
            self.workers.to_string(),
            self.rng.to_string(),
            format!("{:.3} ± {:.3}", self.measured, self.half_width),
            format!("{:.3}", self.bound),
            percent(self.off_bound()),
            format!("{:.3}", self.ideal),
            percent(self.off_ideal()),
        ]
    }
}

fn section(cells: &[Cell], calibration: &Calibration, seconds: f64) -> Section {
    let mut section = Section::default();
    let mut within = |what: &str, limit: f64, deviation: fn(&Cell) -> f64| {
        let worst = cells.iter().max_by(|a, b| deviation(a).abs().total_cmp(&deviation(b).abs()));
        let said = worst.map_or("nothing".to_owned(), |cell| {
            format!(
                "worst of {}: {} (W={}, R={})",
                cells.len(),
                percent(deviation(cell)),
                cell.workers,
                cell.rng
            )
        });
        let passed = largest(cells.iter().map(|cell| deviation(cell).abs())) <= limit;
        section.check(format!("within {:.1} % of {what}", limit * 100.0), said, passed);
    };
    within("the calibrated bound", 0.015, Cell::off_bound);
    within("min(W/0.3, 10 R)", 0.03, Cell::off_ideal);
    let one = 1.0 / calibration.unhindered;
    section.check(
        format!("one worker, one rng: at least {ONE_WORKER}/s"),
        format!("{one:.4}/s"),
        one >= ONE_WORKER,
    );
    section.text(format!(
        "W workers and R rng replicas, one window of {seconds:.0} s a cell. Calibrated bound: \
         min(W/c, R/S_rng, 20/S_hasher) with c = {:.1} ms, S_rng = {:.2} ms and S_hasher = {:.2} ms \
         from the cell of one worker and one rng.",
        calibration.unhindered * 1e3,
        calibration.rng * 1e3,
        calibration.hasher * 1e3
    ));
    let header = ["W", "R", "hashes/s", "bound", "from bound", "ideal", "from ideal"];
    section.table(header, cells.iter().map(Cell::row).collect());
    for cell in cells {
        if let Some(reason) = &cell.withheld {
            section
                .text(format!("W={}, R={}: verdict withheld, {reason}.", cell.workers, cell.rng));
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_smallest_of_three() {
        let calibration = Calibration { unhindered: 0.305, rng: 0.101, hasher: 0.102 };
        assert!((calibration.bound(1, 1) - 1.0 / 0.305).abs() < 1e-9);
        assert!((calibration.bound(20, 1) - 1.0 / 0.101).abs() < 1e-9);
        assert!((calibration.bound(100, 100) - 20.0 / 0.102).abs() < 1e-9);
        assert!((ideal(10, 5) - 33.333).abs() < 1e-3);
    }
}
