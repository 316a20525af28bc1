//! What the app can reach at most for each number of workers, with what was measured in it.

use load::numbers::float;
use maud::{Markup, html};

use super::svg::{Scale, axes, chart, percent, whisker};
use super::words;
use crate::analyse::{Bounds, StepFindings};
use crate::cluster::Service;

const HEIGHT: u32 = 380;
/// Where the plot begins and ends, in pixels from above.
const TOP: f64 = 26.0;
const BOTTOM: f64 = 330.0;
/// Words on two lines closer than this, in pixels, would overlap.
const APART: f64 = 17.0;
/// A knee at more than so many times the workers there are is not shown.
const FAR: f64 = 4.0;
/// The axis goes on to at least so many workers.
const FEWEST: f64 = 5.0;
/// So many other ceilings are drawn.
const MOST_CEILINGS: usize = 8;

/// The bounds of one deployment of services, whatever its number of workers.
#[derive(Clone, Debug, PartialEq)]
struct Roof {
    /// Hashes per second of a worker that never waits.
    slope: f64,
    /// The service that allows no more, and how much it allows.
    ceiling: Option<(String, f64)>,
}

/// The plot around the step at `index`, with the points of all `steps`.
pub(super) fn section(steps: &[StepFindings], index: usize) -> Markup {
    let Some((step, roof)) = steps.get(index).and_then(|step| Some((step, roof(step)?))) else {
        return html! {};
    };
    let knee = roof.ceiling.as_ref().map(|(_, ceiling)| ceiling / roof.slope);
    let (x, y) = scales(steps, &roof, knee);
    let shows = shows(step, &roof, knee);
    let content = html! {
        (axes(&x, &y, ("workers", "hashes/s")))
        (region(&roof, &x, &y))
        (others(steps, &roof, &x, &y))
        (lines(&roof, &x, &y))
        @if let Some(knee) = knee.filter(|knee| *knee < x.high) {
            line.knee x1=(x.x(knee)) x2=(x.x(knee)) y1=(y.y(y.low)) y2=(y.y(roof.slope * knee)) {}
            text.label x=(percent(x.at(knee) + 0.8)) y=(format!("{:.1}", BOTTOM - 10.0)) {
                "knee: " (format!("{knee:.1}")) " workers"
            }
        }
        @for (other, one) in steps.iter().enumerate().filter(|(other, _)| *other != index) {
            (point(one, &x, &y, Some(other)))
        }
        (point(step, &x, &y, None))
    };
    html! {
        section {
            h2 { "What it could reach at most" }
            p.lead {
                "More workers make more hashes only up to the knee. From there on the ceiling of a \
                 service holds, and only more replicas of that service lift it."
            }
            figure { (chart(HEIGHT, &shows, &content)) }
        }
    }
}

fn roof(step: &StepFindings) -> Option<Roof> {
    let Bounds { worker, rng, hasher } = step.bounds?;
    let workers = float(step.workers);
    let services =
        [(Service::Rng, step.replicas.rng, rng), (Service::Hasher, step.replicas.hasher, hasher)];
    let known = services.into_iter().filter_map(|(service, replicas, bound)| {
        Some((format!("{replicas} {}", service.name()), bound?))
    });
    let ceiling = known.min_by(|a, b| a.1.total_cmp(&b.1));
    (workers > 0.0 && worker > 0.0).then(|| Roof { slope: worker / workers, ceiling })
}

/// Axes with room for all steps, and for the knee unless it is far away.
fn scales(steps: &[StepFindings], roof: &Roof, knee: Option<f64>) -> (Scale, Scale) {
    let workers = steps.iter().map(|step| float(step.workers)).fold(1.0, f64::max);
    let near = knee.filter(|knee| *knee <= FAR * workers.max(2.0));
    let right = near.map_or(workers, |knee| knee.max(workers));
    let measured =
        steps.iter().map(|step| step.hashes_per_second.interval.high).fold(0.0, f64::max);
    let unhindered = roof.slope * workers * 1.1;
    let ceiling = roof.ceiling.as_ref().map_or(unhindered, |(_, ceiling)| *ceiling);
    // Far above a low ceiling there is nothing to see.
    let sloping = unhindered.min(ceiling.max(measured) * 2.0);
    let top = measured.max(sloping).max(if near.is_some() { ceiling } else { 0.0 });
    (
        Scale { low: 0.0, high: (right * 1.35).max(FEWEST), from: 9.0, to: 98.0 },
        Scale { low: 0.0, high: (top * 1.15).max(f64::MIN_POSITIVE), from: BOTTOM, to: TOP },
    )
}

/// What is possible, as an area: everything under both lines.
fn region(roof: &Roof, x: &Scale, y: &Scale) -> Markup {
    let ceiling = roof.ceiling.as_ref().map_or(f64::INFINITY, |(_, ceiling)| *ceiling);
    let top = ceiling.min(y.high);
    let meet = (top / roof.slope).min(x.high);
    let place = |workers: f64, rate: f64| {
        format!("{:.1},{:.1}", workers / x.high * 1000.0, 1000.0 - rate / y.high * 1000.0)
    };
    let right = place(x.high, (roof.slope * x.high).min(top));
    let corners =
        [place(0.0, 0.0), place(meet, roof.slope * meet), right, place(x.high, 0.0)].join(" ");
    html! {
        svg x=(percent(x.from)) y=(TOP) width=(percent(x.to - x.from)) height=(BOTTOM - TOP)
            viewBox="0 0 1000 1000" preserveAspectRatio="none" {
            polygon.possible points=(corners) {}
        }
    }
}

fn lines(roof: &Roof, x: &Scale, y: &Scale) -> Markup {
    let end = (y.high / roof.slope).min(x.high);
    let words = format!("no waiting: {:.2} per worker", roof.slope);
    let steep = x.at(end) < 60.0;
    html! {
        line.bound x1=(x.x(0.0)) x2=(x.x(end)) y1=(y.y(0.0)) y2=(y.y(roof.slope * end)) {}
        @if steep {
            text.label x=(percent(x.at(end * 0.97) + 1.5)) y=(format!("{:.1}", TOP + 10.0)) { (words) }
        } @else {
            text.label x=(percent(x.at(end * 0.62) - 1.5)) y=(y.y(roof.slope * end * 0.66))
                text-anchor="end" { (words) }
        }
        @if let Some((service, ceiling)) = roof.ceiling.as_ref().filter(|(_, c)| *c < y.high) {
            line.bound.ceiling x1=(x.x(0.0)) x2=(x.x(x.high)) y1=(y.y(*ceiling)) y2=(y.y(*ceiling)) {}
            text.label.strong x=(percent(x.to)) y=(format!("{:.1}", y.at(*ceiling) - 7.0))
                text-anchor="end" { (service) ": " (format!("{ceiling:.1}")) }
        }
    }
}

/// The ceilings of the other steps, faint, where their words have room.
fn others(steps: &[StepFindings], own: &Roof, x: &Scale, y: &Scale) -> Markup {
    let mut taken: Vec<f64> = own.ceiling.iter().map(|(_, ceiling)| y.at(*ceiling)).collect();
    let mut ceilings: Vec<(String, f64)> = Vec::new();
    for (service, ceiling) in steps.iter().filter_map(roof).filter_map(|roof| roof.ceiling) {
        let free = taken.iter().all(|place| (place - y.at(ceiling)).abs() >= APART);
        if free && ceiling < y.high && ceilings.len() < MOST_CEILINGS {
            taken.push(y.at(ceiling));
            ceilings.push((service, ceiling));
        }
    }
    html! {
        @for (service, ceiling) in &ceilings {
            line.other x1=(x.x(0.0)) x2=(x.x(x.high)) y1=(y.y(*ceiling)) y2=(y.y(*ceiling)) {}
            text.label.faint x=(percent(x.to)) y=(format!("{:.1}", y.at(*ceiling) - 5.0))
                text-anchor="end" { (service) ": " (format!("{ceiling:.1}")) }
        }
    }
}

/// A measured step; of another than the one that is told, only a small mark.
fn point(step: &StepFindings, x: &Scale, y: &Scale, other: Option<usize>) -> Markup {
    let rate = step.hashes_per_second.interval;
    let workers = float(step.workers.max(u64::from(step.replicas.worker)));
    let at = x.x(workers);
    let words = format!(
        "{}: {:.2} hashes/s ({:.2} to {:.2})",
        words::replicas(step),
        rate.value,
        rate.low,
        rate.high
    );
    let class = if other.is_some() { "other" } else { "own" };
    // Beside a line that rises, below one that lies.
    let rises = roof(step).is_some_and(|roof| rate.value > 0.9 * roof.slope * workers);
    let is_low = y.at(rate.value) > BOTTOM - 34.0;
    let (label, anchor, down) = match rises {
        true => (percent(x.at(workers) + 1.5), "start", 14.0),
        false => (at.clone(), "middle", if is_low { -14.0 } else { 26.0 }),
    };
    html! {
        g {
            title { (words) }
            (whisker(&at, y, (rate.low, rate.high), class))
            circle class=(format!("point {class}")) cx=(at) cy=(y.y(rate.value))
                r=(if other.is_some() { "5" } else { "7" }) {}
            @if other.is_none() {
                text.label.strong x=(label) y=(format!("{:.1}", y.at(rate.value) + down))
                    text-anchor=(anchor) { "measured " (format!("{:.2}", rate.value)) }
            }
        }
    }
}

fn shows(step: &StepFindings, roof: &Roof, knee: Option<f64>) -> String {
    let rate = step.hashes_per_second.interval.value;
    let ceiling = roof.ceiling.as_ref().zip(knee).map_or_else(
        || "no service has a ceiling".to_owned(),
        |((service, ceiling), knee)| {
            format!("{service} allow {ceiling:.1} at most, from {knee:.1} workers on")
        },
    );
    format!(
        "Hashes per second against workers: {:.2} per worker without waiting; {ceiling}; measured \
         {rate:.2} with {}",
        roof.slope,
        words::replicas(step)
    )
}
