//! A grid of workers and rng replicas as a map of rates: of steps that were all measured, and of a
//! sweep, where what is predicted is marked, and where replicas balance.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::analyse::{StepFindings, SweepFindings, Sweeps};
use crate::cluster::Replicas;
use crate::report::sweep::{RIDGE, errors, key, law, surprises};

/// A cell as it is shown.
struct Square {
    rate: f64,
    limit: &'static str,
    /// Not measured.
    predicted: bool,
    /// From here on more workers bring nothing.
    ridge: bool,
}

/// The cells of a map by their replicas, hashers outermost.
type Squares = BTreeMap<Replicas, Square>;

/// The maps of measured steps: one for each policy and number of hashers that has a choice of both
/// others.
pub(super) fn of_steps(steps: &[StepFindings]) -> Markup {
    let mut by_policy: BTreeMap<Option<&str>, Squares> = BTreeMap::new();
    for step in steps {
        let limit = step.bottleneck.as_ref().map_or("?", |bottleneck| bottleneck.service.name());
        let rate = step.hashes_per_second.interval.value;
        let square = Square { rate, limit, predicted: false, ridge: false };
        by_policy.entry(step.policy.as_deref()).or_default().insert(step.replicas, square);
    }
    let has_choice = |squares: &&Squares| {
        let several =
            |of: fn(&Replicas) -> u32| squares.keys().map(of).collect::<BTreeSet<u32>>().len() > 1;
        several(|replicas| replicas.worker) && several(|replicas| replicas.rng)
    };
    let maps: Vec<_> = by_policy.iter().filter(|(_, squares)| has_choice(squares)).collect();
    html! {
        @if !maps.is_empty() {
            section {
                h2 { "The map" }
                @for (policy, squares) in maps { (map(*policy, squares)) }
            }
        }
    }
}

/// The maps of a sweep: one for each policy and number of hashers, with what is known of them.
pub(super) fn of_sweeps(sweeps: &Sweeps) -> Markup {
    html! {
        section {
            h2 { "The map" }
            @for sweep in &sweeps.sweeps { (of_sweep(sweep)) }
        }
    }
}

fn of_sweep(sweep: &SweepFindings) -> Markup {
    let square = |cell: &crate::analyse::CellFindings| Square {
        rate: cell.hashes_per_second.value,
        limit: cell.limit.map_or("?", |limit| limit.name()),
        predicted: cell.measured.is_none(),
        ridge: sweep.ridge.contains(&cell.replicas),
    };
    let squares: Squares = sweep.cells.iter().map(|cell| (cell.replicas, square(cell))).collect();
    html! {
        @if let Some(policy) = &sweep.policy { h3 { "Policy " (policy) } }
        (map(sweep.policy.as_deref(), &squares))
        p.note { (key(sweep)) @if let Some(line) = errors(sweep) { "; " (line) } "." }
        @for row in &sweep.laws { p.note { (law(row)) "." } }
        @if let Some(line) = surprises(sweep) { p.outcome.doubt { (line) "." } }
    }
}

/// A table for each number of hashers.
fn map(policy: Option<&str>, squares: &Squares) -> Markup {
    let all = |of: fn(&Replicas) -> u32| squares.keys().map(of).collect::<BTreeSet<u32>>();
    let (workers, rngs) = (all(|replicas| replicas.worker), all(|replicas| replicas.rng));
    let hashers = all(|replicas| replicas.hasher);
    let most = squares.values().map(|square| square.rate).fold(0.0, f64::max);
    let caption = |hasher: u32| {
        let of = if hashers.len() > 1 { format!(", {hasher} hasher") } else { String::new() };
        let policy = policy.map_or_else(String::new, |policy| format!(", policy {policy}"));
        format!(
            "Hashes/s by workers (down) and rng replicas (across){of}{policy}; in brackets what limits"
        )
    };
    html! {
        @for hasher in &hashers {
            div.scroll {
                table.map {
                    caption { (caption(*hasher)) }
                    thead { tr { th scope="col" { "workers" }
                        @for rng in &rngs { th.number scope="col" { (rng) " rng" } } } }
                    tbody {
                        @for worker in &workers {
                            tr {
                                th scope="row" { (worker) }
                                @for rng in &rngs {
                                    @let of = Replicas { worker: *worker, rng: *rng, hasher: *hasher };
                                    (cell(squares.get(&of), most))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(square: Option<&Square>, most: f64) -> Markup {
    let Some(Square { rate, limit, predicted, ridge }) = square else {
        return html! { td.number { "–" } };
    };
    // Ten shades: a page without scripts sets no colours of its own.
    let shade = (rate / most.max(f64::MIN_POSITIVE) * 9.0).round().clamp(0.0, 9.0);
    let kind = if *predicted { " predicted" } else { "" };
    html! {
        td class=(format!("number shade-{shade:.0}{kind}")) {
            @if *ridge { (RIDGE) " " }
            @if *predicted { "~" }
            (format!("{rate:.2}")) " " span.limit { "(" (limit) ")" }
        }
    }
}
