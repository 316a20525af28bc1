//! Findings for people at a terminal. Colours are ANSI; `main` leaves them out where they would
//! not be understood.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::style::Style as Frame;
use tabled::settings::{Alignment, Modify, Padding};

use super::words::{self, PATH_HEAD, STAGE_HEAD};
use crate::analyse::verdict::counted;
use crate::analyse::{Findings, StepFindings};

const STRONG: Style = Style::new().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const DOUBT: Style = AnsiColor::Yellow.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();

pub(super) fn render(findings: &Findings) -> String {
    let mut text = format!("cluster  {}\n", findings.cluster);
    for step in &findings.steps {
        text.push('\n');
        text.push_str(&render_step(step));
    }
    if findings.steps.len() > 1 {
        let (head, rows) = words::steps(&findings.steps);
        let _ = write!(text, "\n{}\n", table(head, rows.into_iter(), 3));
    }
    for injected in &findings.injections {
        let _ = writeln!(text, "\n{}", injected.sentence);
    }
    if let Some(reason) = &findings.uninjected {
        let _ = writeln!(text, "\n{DOUBT}Not injected: {reason}.{DOUBT:#}");
    }
    for several in &findings.repetitions {
        let _ = writeln!(text, "\n{GOOD}{}{GOOD:#}", words::repetitions(several));
    }
    if let Some(reason) = &findings.unrepeated {
        let _ = writeln!(text, "\n{DOUBT}No mean over runs: {reason}.{DOUBT:#}");
    }
    if let Some((sentence, held)) = words::verification(findings) {
        let style = if held { GOOD } else { DOUBT };
        let _ = writeln!(text, "\n{style}{sentence}{style:#}");
    }
    text
}

fn render_step(step: &StepFindings) -> String {
    let mut text = headline(step);
    if !step.stages.is_empty() {
        let rows = step.stages.iter().map(words::stage_row);
        let _ = writeln!(text, "{}", table(STAGE_HEAD, rows, 1));
    }
    if let (Some(closure), Some(loop_ms)) = (step.closure, step.loop_ms) {
        let _ = writeln!(
            text,
            "{FAINT}closure {:.1} % of {}; a loop takes {loop_ms:.1} ms{FAINT:#}",
            closure * 100.0,
            counted(step.workers, "worker")
        );
    }
    for line in words::balance(step) {
        let _ = writeln!(text, "{FAINT}{line}{FAINT:#}");
    }
    if !step.paths.is_empty() {
        let rows = step.paths.iter().map(words::path_row);
        let _ = writeln!(text, "{}", table(PATH_HEAD, rows, 2));
    }
    text.push_str(&conclusion(step));
    for warning in &step.warnings {
        let _ = writeln!(text, "{DOUBT}warning: {warning}{DOUBT:#}");
    }
    text
}

/// The verdict, what is wrong beyond it, what to do next, and the walls behind.
fn conclusion(step: &StepFindings) -> String {
    let style = if step.bottleneck.is_some() { GOOD } else { DOUBT };
    let mut text = format!("\n{style}{}{style:#}", words::verdict(step));
    if let Some(sure) = words::sure(step) {
        let _ = write!(text, " {FAINT}{sure}{FAINT:#}");
    }
    text.push('\n');
    for line in words::causes(step) {
        let _ = writeln!(text, "  also: {line}");
    }
    if step.bottleneck.is_some() {
        for (number, line) in (1..).zip(words::next(step)) {
            let _ = writeln!(text, "  next {number}. {line}");
        }
        if let Some(line) = words::in_vain(step) {
            let _ = writeln!(text, "  {FAINT}{line}{FAINT:#}");
        }
        for (number, wall) in (1..).zip(&step.walls) {
            let _ = writeln!(text, "  {FAINT}wall {number}. {}{FAINT:#}", wall.sentence);
        }
    }
    for line in &step.unseen {
        let _ = writeln!(text, "{FAINT}not seen: {line}{FAINT:#}");
    }
    text
}

fn headline(step: &StepFindings) -> String {
    if step.rate_is_withheld() {
        return format!(
            "{STRONG}{}{STRONG:#}   settled in {}, measured for {}\n\n",
            words::replicas(step),
            words::seconds(step.settled_after_ms),
            words::seconds(step.window_ms),
        );
    }
    let rate = step.hashes_per_second;
    let (coins, counter) = (step.coins_per_second, step.counter_hashes_per_second);
    let statistical = rate
        .statistical
        .map_or_else(String::new, |half| format!(" {} statistical", words::plus_minus(half)));
    let flush = match rate.flush > 0.0 {
        true => format!(" {} flush", words::plus_minus(rate.flush)),
        false => String::new(),
    };
    let course = match step.course.as_deref() {
        None | Some("flat") => String::new(),
        Some(course) => format!("   {DOUBT}not steady: {}{DOUBT:#}", course.replace('_', " ")),
    };
    format!(
        "{STRONG}{}{STRONG:#}   settled in {}{}, measured for {}\n\n\
         {STRONG}{:>9.2} hashes/s{STRONG:#}{statistical}{flush}   {FAINT}{:.2} {} by the counter\
         {FAINT:#}{course}\n\
         {STRONG}{:>9.2} coins/s{STRONG:#}  {:.2} to {:.2}\n\n",
        words::replicas(step),
        words::seconds(step.settled_after_ms),
        words::phases(step).map_or_else(String::new, |phases| format!(" ({phases})")),
        words::seconds(step.window_ms),
        rate.interval.value,
        counter.interval.value,
        words::plus_minus(counter.interval.high - counter.interval.value),
        coins.value,
        coins.low,
        coins.high,
    )
}

/// A table with numbers to the right from column `numbers` on.
pub(super) fn table<Row: IntoIterator<Item = String>>(
    head: impl IntoIterator<Item = impl Into<String>>,
    rows: impl Iterator<Item = Row>,
    numbers: usize,
) -> String {
    let mut builder = Builder::default();
    builder.push_record(head);
    for row in rows {
        builder.push_record(row);
    }
    let mut table = builder.build();
    table
        .with(Frame::rounded().remove_vertical())
        .with(Padding::new(1, 1, 0, 0))
        .with(Modify::new(Columns::new(numbers..)).with(Alignment::right()))
        .with(Modify::new(Rows::first()).with(Alignment::center()));
    table.to_string()
}
