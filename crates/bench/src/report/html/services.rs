//! How rng and hasher were used, replica by replica: who got how many requests, who was how busy,
//! who is slow, and what the spreading costs.

use load::numbers::float;
use maud::{Markup, html};

use super::svg::percent;
use super::words;
use crate::analyse::{ReplicaFindings, ReplicaState, ServiceFindings, Spreading, StepFindings};

/// More replicas are not listed one by one; those that are peculiar come first.
const MOST: usize = 24;

/// A cost that is told as 0.00 is none, in hashes per second.
const LEAST_COST: f64 = 0.005;

/// Each service with its replicas.
pub(super) fn section(step: &StepFindings) -> Markup {
    let balance = words::balance(step);
    if step.services.is_empty() && balance.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "How the work was spread" }
            @if step.services.is_empty() {
                ul { @for line in &balance { li { (line) } } }
            }
            @for service in &step.services { (one(service)) }
        }
    }
}

fn one(service: &ServiceFindings) -> Markup {
    let name = service.service.name();
    html! {
        h3 { (name) }
        @if let Some(balancing) = &service.balancing {
            p {
                span class=(format!("badge {}", spreading(balancing.seen).0)) {
                    (spreading(balancing.seen).1)
                }
                " " (balancing.sentence)
                @if let Some(cost) = balancing.cost_hashes_per_second.filter(|c| c.high >= LEAST_COST) {
                    " Against an even spread in turn it costs "
                    (format!("{:.2} hashes/s ({:.2} to {:.2}).", cost.value, cost.low, cost.high))
                }
            }
        }
        p { (service.concurrency.sentence) }
        @if !service.replicas.is_empty() { (replicas(service)) }
    }
}

fn replicas(service: &ServiceFindings) -> Markup {
    let mut rows: Vec<(&String, &ReplicaFindings)> = service.replicas.iter().collect();
    rows.sort_by_key(|(_, replica)| replica.state == ReplicaState::Typical);
    let left_out = rows.len().saturating_sub(MOST);
    let even = 1.0 / float(service.replicas.len() as u64);
    let most = rows.iter().map(|(_, replica)| replica.share).fold(even, f64::max);
    html! {
        div.scroll {
            table.replicas {
                caption { "Replicas of " (service.service.name()) "; the line marks an even share" }
                thead {
                    tr {
                        th scope="col" { "replica" }
                        th.number scope="col" { "requests" }
                        th.wide scope="col" { "share" }
                        th.wide scope="col" { "busy" }
                        th.number scope="col" { "work" }
                        th.number scope="col" { "queue" }
                        th scope="col" { "state" }
                    }
                }
                tbody {
                    @for (name, replica) in rows.iter().take(MOST) {
                        (row(name, replica, (even / most, most)))
                    }
                }
            }
        }
        @if left_out > 0 { p.note { "and " (left_out) " more, the least peculiar" } }
    }
}

fn row(name: &str, replica: &ReplicaFindings, (even, most): (f64, f64)) -> Markup {
    let (class, state) = state(replica.state);
    html! {
        tr class=(class) {
            th scope="row" { (name) }
            td.number { (replica.requests) }
            td.wide { (meter("share", replica.share / most, Some(even), replica.share)) }
            td.wide {
                @if let Some(busy) = replica.utilisation { (meter("busy", busy, None, busy)) }
                @else { "–" }
            }
            td.number { (words::time(replica.service_ms)) }
            td.number { (words::time(replica.queue_ms)) }
            td { span class=(format!("badge {class}")) { (state) } }
        }
    }
}

/// A small bar with its number beside it.
fn meter(class: &str, width: f64, mark: Option<f64>, share: f64) -> Markup {
    html! {
        span.meter {
            svg.mini aria-hidden="true" width="100%" height="18" {
                rect.rail x="0" y="2" width="100%" height="14" {}
                rect class=(class) x="0" y="2" width=(percent(width.clamp(0.0, 1.0) * 100.0))
                    height="14" {}
                @if let Some(mark) = mark {
                    line.mark x1=(percent(mark * 100.0)) x2=(percent(mark * 100.0)) y1="0" y2="18" {}
                }
            }
            span.number { (format!("{:.1} %", share * 100.0)) }
        }
    }
}

fn state(state: ReplicaState) -> (&'static str, &'static str) {
    match state {
        ReplicaState::Typical => ("typical", "as the others"),
        ReplicaState::Straggler => ("straggler", "slower than the others"),
        ReplicaState::Crowded => ("crowded", "gets more"),
        ReplicaState::Spared => ("spared", "gets less"),
    }
}

fn spreading(seen: Spreading) -> (&'static str, &'static str) {
    match seen {
        Spreading::InTurn => ("typical", "in turn"),
        Spreading::ByLoad => ("typical", "by load"),
        Spreading::Random => ("spared", "at random"),
        Spreading::Uneven => ("straggler", "uneven"),
        Spreading::Pinned => ("straggler", "kept connections"),
        Spreading::Stale => ("straggler", "stale connections"),
    }
}
