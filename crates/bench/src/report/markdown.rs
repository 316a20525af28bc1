//! Findings as Markdown, for a pull request or a page: the sentence, the number, where the workers
//! are, what to do next, and, of a recorded run, how it was measured.

use std::fmt::Write as _;

use load::numbers::float;
use tabled::builder::Builder;
use tabled::settings::Style;

use super::states::{self, ORDER, State};
use super::words::{self, PATH_HEAD, STAGE_HEAD};
use super::{evidence, provenance, provenance::Line, sweep};
use crate::analyse::{Findings, StepFindings};
use crate::review::Review;

/// Letters of a bar.
const WIDTH: usize = 40;

pub(super) fn render(findings: &Findings, review: Option<&Review>) -> String {
    let mut text = format!("Cluster: {}\n", plain(&findings.cluster));
    let asked = review.map_or_else(|| findings.asked(), Review::asked);
    if let Some(sweeps) = review.and_then(|review| review.sweep.as_ref()) {
        let grid = anstream::adapter::strip_str(&sweep::tables(sweeps)).to_string();
        // A fence longer than any that a sentence holds.
        let _ = write!(text, "\n### The grid\n\n````\n{}\n````\n", grid.trim_matches('\n'));
    }
    for (index, step) in findings.steps.iter().enumerate() {
        text.push_str(&head(step));
        text.push_str(&bars(&states::of_step(findings, asked, index)));
        text.push_str(&body(step));
        if review.is_some() {
            let lines = provenance::step(step);
            text.push_str(&details("How this step was measured", &lines, None));
        }
    }
    if findings.steps.len() > 1 {
        let (head, rows) = words::steps(&findings.steps);
        let _ = write!(text, "\n### Summary\n\n{}\n", table(head, rows.into_iter()));
    }
    for line in words::tried(findings) {
        let _ = writeln!(text, "\n{}", plain(&line));
    }
    if let Some(review) = review {
        let command = provenance::command(&review.run.run.command);
        text.push_str(&details("How it was measured", &provenance::run(review), Some(&command)));
    }
    if let Some((sentence, _)) = words::verification(findings) {
        let _ = writeln!(text, "\n{}", plain(&sentence));
    }
    text
}

fn head(step: &StepFindings) -> String {
    let rate = step.hashes_per_second.interval;
    let coins = step.coins_per_second;
    if step.rate_is_withheld() {
        let (replicas, verdict) = (words::replicas(step), plain(&words::verdict(step)));
        return format!("\n### {replicas}: no rate\n\n{verdict}\n\n");
    }
    format!(
        "\n### {}: {:.2} hashes/s\n\n{}\n\n- {:.2} hashes/s ({:.2} to {:.2}), {:.2} coins/s ({:.2} to \
         {:.2})\n",
        words::replicas(step),
        rate.value,
        plain(&words::verdict(step)),
        rate.value,
        rate.low,
        rate.high,
        coins.value,
        coins.low,
        coins.high,
    )
}

fn body(step: &StepFindings) -> String {
    let mut lines = Vec::new();
    if let Some(closure) = step.closure {
        lines.push(format!("closure {:.1} % of {}", closure * 100.0, evidence::workers(step)));
    }
    if let Some(phases) = words::phases(step) {
        lines.push(format!("settled in {}: {phases}", words::seconds(step.settled_after_ms)));
    }
    lines.extend(evidence::spreading(step));
    lines.extend(evidence::certainty(step));
    lines.extend(words::causes(step));
    let next =
        if step.actions.is_empty() { evidence::by_bounds(step) } else { evidence::actions(step) };
    let next = next.into_iter().filter(|_| step.bottleneck.is_some());
    lines.extend(next.map(|line| format!("next: {line}")));
    lines.extend(step.walls.iter().map(|wall| format!("wall: {}", wall.sentence)));
    lines.extend(step.unseen.iter().map(|what| format!("not seen: {what}")));
    lines.extend(step.warnings.iter().map(|warning| format!("warning: {warning}")));
    let mut text: String = lines.iter().map(|line| format!("- {}\n", plain(line))).collect();
    if !step.stages.is_empty() {
        let rows = step.stages.iter().map(words::stage_row);
        let _ = write!(text, "\n{}\n", table(STAGE_HEAD, rows));
    }
    if !step.paths.is_empty() {
        let rows = step.paths.iter().map(words::path_row);
        let _ = write!(text, "\n{}\n", table(PATH_HEAD, rows));
    }
    text
}

/// Where the workers are, a row of letters for each state, and what the letters mean.
fn bars(states: &[State]) -> String {
    let widest = states.iter().map(|state| state.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for state in states.iter().filter(|state| state.workers > 0.0 && !state.parts.is_empty()) {
        let letters = letters(state);
        let rate = state.rate.value;
        let _ = writeln!(text, "{:widest$}  {letters}  {rate:.2} hashes/s", state.name);
    }
    let Some(first) = states.first().filter(|_| !text.is_empty()) else { return String::new() };
    let parts = ORDER.iter().filter_map(|part| Some((part, first.of(*part)?)));
    let key: Vec<String> =
        parts.map(|(part, n)| format!("{} {} {n:.1}", part.letter(), part.words())).collect();
    format!("\n```\n{text}```\n\n{}\n\n", key.join(" · "))
}

/// A bar of letters: each stands for what is at its middle.
fn letters(state: &State) -> String {
    let at = |letter: usize| {
        let middle = (float(letter as u64) + 0.5) / float(WIDTH as u64) * state.workers;
        let mut end = 0.0;
        let here = ORDER.iter().find(|part| {
            end += state.of(**part).unwrap_or(0.0);
            middle < end
        });
        here.map_or(' ', |part| part.letter())
    };
    (0..WIDTH).map(at).collect()
}

/// Names and values that open at a click, with a command below them.
fn details(title: &str, lines: &[Line], command: Option<&str>) -> String {
    let rows = lines.iter().map(|(name, value)| [name.clone(), value.clone()]);
    let rows = table(["", ""], rows);
    // A fence longer than any that the command holds.
    let command =
        command.map_or_else(String::new, |command| format!("\n````sh\n{command}\n````\n"));
    format!("\n<details><summary>{title}</summary>\n\n{rows}\n{command}\n</details>\n")
}

/// Text that Markdown takes as it is, in a line or a table's cell.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '`' | '\\' => plain.extend(['\\', character]),
            '<' => plain.push_str("&lt;"),
            '&' => plain.push_str("&amp;"),
            control if control.is_control() => plain.push(' '),
            other => plain.push(other),
        }
    }
    plain
}

fn table<Row: IntoIterator<Item = String>>(
    head: impl IntoIterator<Item = impl Into<String>>,
    rows: impl Iterator<Item = Row>,
) -> String {
    let mut builder = Builder::default();
    builder.push_record(head);
    for row in rows {
        builder.push_record(row.into_iter().map(|cell| plain(&cell)));
    }
    builder.build().with(Style::markdown()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::{step, tests::ideal};

    #[test]
    fn a_bar_of_letters_has_one_width() {
        for (workers, rng) in [(1, 1), (3, 1), (7, 2), (10, 1), (10, 5)] {
            let bar = letters(&State::measured("measured", &step(&ideal(workers, rng))));
            assert_eq!(bar.len(), WIDTH, "{workers} workers, {rng} rng: {bar}");
        }
        let bar = letters(&State::measured("measured", &step(&ideal(10, 1))));
        assert_eq!(bar, format!("ttttRRRR{}HHHH", "r".repeat(28)));
    }

    #[test]
    fn what_comes_from_the_run_is_no_markdown() {
        assert_eq!(plain("a|b <img src=x>\n`&"), r"a\|b &lt;img src=x> \`&amp;");
    }
}
