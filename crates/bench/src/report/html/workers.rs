//! Where the workers are: a bar for each state of the app, a cell for each worker, and the same
//! numbers as a table, which is the legend too. The parts of a bar sum to all workers.

use maud::{Markup, html};

use super::svg::{chart, percent};
use crate::analyse::StageName;
use crate::report::states::{ORDER, Part, State};

/// Parts of a bar that are wide enough for their number, in per cent.
const WIDE: f64 = 6.5;
/// Those that are wide enough for words too, on a screen that is not narrow.
const WIDER: f64 = 18.0;
/// Up to so many workers each has a cell.
const CELLS: f64 = 60.0;
/// Height of a bar, in pixels.
const HEIGHT: u32 = 52;

/// The bars of some states, the first of them measured.
pub(super) fn section(states: &[State]) -> Markup {
    let most = states.iter().map(|state| state.workers).fold(0.0, f64::max);
    if most <= 0.0 || states.iter().all(|state| state.parts.is_empty()) {
        return html! {};
    }
    let cells = if most <= CELLS { " From mark to mark is one worker." } else { "" };
    html! {
        section {
            h2 { "Where the workers are" }
            p.lead {
                "On average, at any moment of the window." (cells)
                " Striped: waiting for their turn."
            }
            @for state in states { (bar(state, most)) }
            (legend(states))
        }
    }
}

fn bar(state: &State, most: f64) -> Markup {
    let mut from = 0.0;
    let mut parts = Vec::new();
    for part in ORDER {
        let Some(workers) = state.of(part).filter(|workers| *workers > 0.0) else { continue };
        let width = workers / most * 100.0;
        parts.push((part, workers, from, width));
        from += width;
    }
    let words: Vec<String> =
        parts.iter().map(|(part, workers, ..)| format!("{} {workers:.1}", part.words())).collect();
    let shows = format!("{}: of {:.0} workers, {}", state.name, state.workers, words.join("; "));
    let content = html! {
        @for (part, workers, from, width) in &parts {
            rect class=(class(*part)) x=(percent(*from)) y="0" width=(percent(*width))
                height=(HEIGHT) { title { (format!("{}: {workers:.2} workers", part.words())) } }
        }
        @if most <= CELLS { (cells(state.workers, most)) }
        @for (part, workers, from, width) in parts.iter().filter(|(.., width)| *width >= WIDE) {
            @let middle = percent(from + width / 2.0);
            @let number = format!("{workers:.1}");
            @let is_long = *width >= WIDER;
            text class=(format!("on {} {}", class(*part), if is_long { "short" } else { "" }))
                x=(middle) y="33" text-anchor="middle" { (number) }
            @if is_long {
                text class=(format!("on {} long", class(*part))) x=(middle) y="33"
                    text-anchor="middle" { (number) " " (place(*part)) }
            }
        }
    };
    html! {
        figure.state {
            figcaption {
                strong { (state.name) } " " (state.replicas())
                span.rate { (format!("{:.2}", state.rate.value)) " hashes/s" }
            }
            (chart(HEIGHT, &shows, &content))
        }
    }
}

/// What is said of a part beside its number, where there is room.
fn place(part: Part) -> String {
    match part {
        Part::Served(StageName::Think) => "think".to_owned(),
        Part::Served(stage) => format!("at {}", stage.name()),
        Part::Waiting(stage) => format!("wait for {}", stage.name()),
        Part::Unknown => "not accounted for".to_owned(),
    }
}

/// Marks between the cells, which leave the numbers free.
fn cells(workers: f64, most: f64) -> Markup {
    let between = (1..).map(f64::from).take_while(|cell| *cell < workers - 1e-6);
    html! {
        @for cell in between {
            @let x = percent(cell / most * 100.0);
            line.cell x1=(x) x2=(x) y1="0" y2="9" {}
            line.cell x1=(x) x2=(x) y1=(HEIGHT - 9) y2=(HEIGHT) {}
        }
    }
}

/// The numbers behind the bars.
fn legend(states: &[State]) -> Markup {
    let shown = |part: &&Part| states.iter().any(|state| state.of(**part).is_some());
    html! {
        div.scroll {
            table.legend {
                caption { "Workers at each place, on average" }
                thead {
                    tr {
                        th scope="col" { "place" }
                        @for state in states { th.number scope="col" { (state.name) } }
                    }
                }
                tbody {
                    @for part in ORDER.iter().filter(shown) {
                        tr {
                            th scope="row" { (swatch(*part)) (part.words()) }
                            @for state in states {
                                td.number {
                                    (state.of(*part).map_or_else(|| "–".to_owned(), |w| format!("{w:.2}")))
                                }
                            }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "all workers" }
                        @for state in states {
                            td.number {
                                (format!("{:.2}", state.parts.iter().map(|(_, w)| w).sum::<f64>()))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn swatch(part: Part) -> Markup {
    html! {
        svg.swatch aria-hidden="true" width="16" height="16" {
            rect class=(class(part)) width="16" height="16" {}
        }
    }
}

fn class(part: Part) -> String {
    match part {
        Part::Served(stage) => format!("part {}", stage.name()),
        Part::Waiting(stage) => format!("part waiting {}", stage.name()),
        Part::Unknown => "part waiting unknown".to_owned(),
    }
}
