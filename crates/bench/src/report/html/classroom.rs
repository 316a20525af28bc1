//! For the classroom: what one sees who reads the counter once a second, beside what there is.

use maud::{Markup, html};

use super::svg::{Scale, axes, chart, percent};
use crate::analyse::{BySecond, Interval, Moving};

const HEIGHT: u32 = 300;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 250.0;
/// Fewer seconds show no pattern.
const FEWEST: usize = 6;
/// So many of the readings are told in words.
const TOLD: usize = 12;
/// Differences of so large a share of the rate are seen.
const JUMPY: f64 = 0.2;

/// The naive curve of a window and the true rate.
pub(super) fn section(rates: &BySecond, rate: Interval) -> Markup {
    if rates.naive.len() < FEWEST || rate.value <= 0.0 {
        return html! {};
    }
    let end = rates.naive.last().map_or(1.0, |last| last.to);
    let top = rates.naive.iter().map(|moving| moving.per_second).fold(rate.high, f64::max);
    let x = Scale { low: 0.0, high: end, from: 9.0, to: 98.0 };
    let y = Scale { low: 0.0, high: top * 1.15, from: BOTTOM, to: TOP };
    let seen: Vec<String> =
        rates.naive.iter().take(TOLD).map(|moving| format!("{:.0}", moving.per_second)).collect();
    let shows = format!(
        "Rate over {end:.0} seconds: read once a second it seems to be {} and so on; over the whole \
         window it is {:.2} hashes/s",
        seen.join(" "),
        rate.value
    );
    let content = html! {
        (axes(&x, &y, ("seconds", "hashes/s")))
        rect.band x=(percent(x.from)) width=(percent(x.to - x.from)) y=(y.y(rate.high))
            height=(format!("{:.1}", (y.at(rate.low) - y.at(rate.high)).max(1.0))) {}
        line.truth x1=(percent(x.from)) x2=(percent(x.to)) y1=(y.y(rate.value)) y2=(y.y(rate.value)) {}
        (stairs(&rates.naive, &x, &y))
        (curve(&rates.exact, &x, &y))
    };
    html! {
        section {
            h2 { "For the classroom: the counter, read once a second" }
            @if is_jumpy(rates, rate) { p.seen { (seen.join(" ")) " …" } }
            p { (why(rates, rate)) }
            figure {
                (chart(HEIGHT, &shows, &content))
                figcaption.key {
                    span.naive { "read once a second and subtracted, as the original's page does" }
                    @if !rates.exact.is_empty() {
                        span.exact { "by the workers' own reports" }
                    }
                    span.truth { (format!("the rate: {:.2} hashes/s", rate.value)) }
                }
            }
        }
    }
}

/// Whether seconds look different at a glance.
fn is_jumpy(rates: &BySecond, rate: Interval) -> bool {
    let rates = rates.naive.iter().map(|moving| moving.per_second);
    let (low, high) = rates.fold((f64::MAX, 0.0_f64), |(low, high), r| (low.min(r), high.max(r)));
    high - low > JUMPY * rate.value
}

/// Why the naive curve looks as it does.
fn why(rates: &BySecond, rate: Interval) -> String {
    let how = match rates.flush_seconds.zip(rates.loops_at_a_time) {
        Some((every, 1.0)) => format!("it adds each loop when the next begins, every {every:.2} s"),
        Some((every, loops)) => format!("here {loops:.0} loops at a time, every {every:.2} s"),
        None => "several loops at a time".to_owned(),
    };
    let seen = match is_jumpy(rates, rate) {
        true => "a second with one such moment more or less looks faster, or like standing still",
        false => {
            "these workers add at different moments, so that it hardly shows; workers that start \
                  together add together, and then seconds jump up and down"
        }
    };
    format!(
        "The orange line is what one sees who reads the counter once a second and subtracts. The app \
         does not go and stop like that. A worker adds its loops to the counter only about once a second: {how}. So \
         one sees the moments of adding, not the work: {seen}. Over the whole window it is {:.2} \
         hashes/s.",
        rate.value
    )
}

/// Each second at its height, with the steps between.
fn stairs(rates: &[Moving], x: &Scale, y: &Scale) -> Markup {
    let corner = |at: f64, rate: f64| corner(x, y, at, rate);
    let corners: Vec<String> = rates
        .iter()
        .flat_map(|m| [corner(m.from, m.per_second), corner(m.to, m.per_second)])
        .collect();
    lines(x, &corners, "naive")
}

fn curve(rates: &[Moving], x: &Scale, y: &Scale) -> Markup {
    let middle = |m: &Moving| corner(x, y, f64::midpoint(m.from, m.to), m.per_second);
    lines(x, &rates.iter().map(middle).collect::<Vec<_>>(), "exact")
}

/// A corner of a line, in thousandths of the plot.
fn corner(x: &Scale, y: &Scale, at: f64, rate: f64) -> String {
    format!("{:.1},{:.1}", at / x.high * 1000.0, 1000.0 - rate / y.high * 1000.0)
}

fn lines(x: &Scale, corners: &[String], class: &str) -> Markup {
    html! {
        svg x=(percent(x.from)) y=(TOP) width=(percent(x.to - x.from)) height=(BOTTOM - TOP)
            viewBox="0 0 1000 1000" preserveAspectRatio="none" {
            polyline class=(class) points=(corners.join(" ")) {}
        }
    }
}
