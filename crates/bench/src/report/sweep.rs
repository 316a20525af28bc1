//! A grid as a heat map: one row for each number of rng, one column for each number of workers.

use std::fmt::Write as _;

use anstyle::{Ansi256Color, Color, Style};
use model::Usl;

use super::compare::percent;
use super::json;
use super::table::{DOUBT, FAINT, GOOD};
use crate::analyse::verdict::counted;
use crate::analyse::{CellFindings, Reason, RowLaw, SweepFindings, Sweeps};
use crate::cli::StatusFormat;
use crate::cluster::Replicas;

/// From slow to fast, as 256-colour codes that differ in lightness, too: dark blue to yellow.
const HEAT: [u8; 8] = [17, 24, 30, 36, 71, 107, 149, 226];
/// From this step on, dark letters can be read better.
const LIGHT: usize = 3;
/// Marks the cells of the ridge.
pub(super) const RIDGE: &str = "\u{25c6}";
/// Columns of a cell.
const WIDTH: usize = 9;

/// All of it, in the format asked for, ending in a newline.
#[must_use]
pub fn render(findings: &Sweeps, format: StatusFormat) -> String {
    match format {
        StatusFormat::Json => json::pretty(findings),
        StatusFormat::Table => {
            format!("cluster  {}\n{}", findings.cluster, tables(findings))
        }
    }
}

/// The heat map of each policy with what belongs to it.
pub(super) fn tables(findings: &Sweeps) -> String {
    findings.sweeps.iter().map(table).collect()
}

/// What the marks of a map mean, and how many of its cells were measured.
pub(super) fn key(findings: &SweepFindings) -> String {
    let measured = findings.cells.iter().filter(|cell| cell.measured.is_some()).count();
    format!(
        "hashes/s; {measured} of {} cells measured, ~ predicted by the model, {RIDGE} from here on \
         more workers bring nothing",
        findings.cells.len()
    )
}

/// How far predictions were off, if any could be held against a measurement.
pub(super) fn errors(findings: &SweepFindings) -> Option<String> {
    let off = findings.mean_absolute_error? * 100.0;
    Some(format!("predictions, made before they were measured, were {off:.1} % off on average"))
}

/// How many cells were not as predicted, if any.
pub(super) fn surprises(findings: &SweepFindings) -> Option<String> {
    let cells = counted(u64::from(findings.surprises), "cell");
    let some = findings.surprises > 0;
    some.then(|| format!("{cells} not as predicted; the rows they are in were measured"))
}

/// A row as the Universal Scalability Law describes it, and how badly it does.
pub(super) fn law(row: &RowLaw) -> String {
    let Usl { single, contention, coherency, lack_of_fit, worst } = row.law;
    let replicas = format!("{} rng and {} hasher", row.rng, row.hasher);
    format!(
        "Universal Scalability Law, {replicas}: a {single:.2} hashes/s, s {contention:.4}, k \
         {coherency:.5}; a description that is {:.1} % off on average and {:.1} % at worst",
        100.0 * lack_of_fit,
        100.0 * worst
    )
}

/// A cell that was measured, in one line.
#[must_use]
pub fn line(cell: &CellFindings) -> String {
    let Replicas { worker, rng, hasher } = cell.replicas;
    let found = cell.hashes_per_second;
    let half = (found.high - found.low) / 2.0;
    let model = match (cell.predicted, cell.error) {
        (Some(said), Some(error)) if cell.measured != Some(Reason::Calibration) => {
            format!("   {:.2} predicted ({})", said.value, percent(error))
        }
        _ => String::new(),
    };
    let why = cell.measured.map_or("", reason);
    let doubt =
        cell.withheld.as_ref().map_or_else(String::new, |why| format!("   no verdict: {why}"));
    format!(
        "worker {worker:>4}  rng {rng:>3}  hasher {hasher:>3}   {:>8.2} hashes/s ± {half:.2}   \
         {why}{model}{doubt}",
        found.value
    )
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Calibration => "calibration",
        Reason::Knee => "knee",
        Reason::Audit => "audit",
        Reason::Surprise => "beside a surprise",
        Reason::Best => "the most",
        Reason::Full => "",
    }
}

fn table(findings: &SweepFindings) -> String {
    let mut text = match &findings.policy {
        Some(policy) => format!("\npolicy   {policy}\n"),
        None => String::new(),
    };
    for hasher in &findings.grid.hasher {
        text.push_str(&map(findings, *hasher));
    }
    let _ = writeln!(text, "\n{FAINT}{}{FAINT:#}", key(findings));
    if let Some(line) = errors(findings) {
        let _ = writeln!(text, "{FAINT}{line}{FAINT:#}");
    }
    for row in &findings.laws {
        let _ = writeln!(text, "{FAINT}{}{FAINT:#}", law(row));
    }
    if let Some(line) = surprises(findings) {
        let _ = writeln!(text, "{DOUBT}{line}{DOUBT:#}");
    }
    for cell in findings.cells.iter().filter(|cell| cell.withheld.is_some()) {
        let _ = writeln!(text, "{DOUBT}{}{DOUBT:#}", line(cell));
    }
    let _ = writeln!(text, "\n{GOOD}{}{GOOD:#}", findings.sentence);
    text
}

fn map(findings: &SweepFindings, hasher: u32) -> String {
    let most = findings.cells.iter().map(|cell| cell.hashes_per_second.value).fold(0.0, f64::max);
    let mut text = format!("\n{FAINT}hasher {hasher}{FAINT:#}\n{:>10}", "rng");
    for worker in &findings.grid.worker {
        let _ = write!(text, "{worker:>WIDTH$}");
    }
    text.push_str("  worker\n");
    for rng in findings.grid.rng.iter().rev() {
        let _ = write!(text, "{rng:>10} ");
        for worker in &findings.grid.worker {
            let replicas = Replicas { worker: *worker, rng: *rng, hasher };
            match findings.cells.iter().find(|cell| cell.replicas == replicas) {
                Some(cell) => text.push_str(&square(cell, findings, most)),
                None => {
                    let _ = write!(text, "{:^WIDTH$}", "-");
                }
            }
        }
        text.push('\n');
    }
    text
}

fn square(cell: &CellFindings, findings: &SweepFindings, most: f64) -> String {
    let rate = cell.hashes_per_second.value;
    let ridge = if findings.ridge.contains(&cell.replicas) { RIDGE } else { " " };
    let predicted = if cell.measured.is_none() { "~" } else { " " };
    let style = style(if most > 0.0 { rate / most } else { 0.0 });
    let style = if cell.measured.is_some() { style.bold() } else { style };
    let number = if rate < 1000.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    format!("{style}{ridge}{predicted}{number:>5}  {style:#}")
}

/// The colours of a share of the most.
fn style(share: f64) -> Style {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let step = ((share.clamp(0.0, 1.0) * 8.0) as usize).min(HEAT.len() - 1);
    let letters = if step < LIGHT { 15 } else { 16 };
    let colour = |code| Some(Color::Ansi256(Ansi256Color(code)));
    Style::new().bg_color(colour(HEAT[step])).fg_color(colour(letters))
}
