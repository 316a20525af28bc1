//! Findings as Markdown, for a pull request or a page.

use std::fmt::Write as _;

use tabled::builder::Builder;
use tabled::settings::Style;

use super::words::{self, PATH_HEAD, STAGE_HEAD, STEP_HEAD};
use crate::analyse::Findings;
use crate::analyse::verdict::counted;

pub(super) fn render(findings: &Findings) -> String {
    let mut text = format!("Cluster: {}\n", findings.cluster);
    for step in &findings.steps {
        let rate = step.hashes_per_second;
        let _ = write!(
            text,
            "\n### {}: {:.2} hashes/s\n\n{}\n\n- {:.2} hashes/s ({:.2} to {:.2}), {:.2} coins/s \
             ({:.2} to {:.2})\n",
            words::replicas(step),
            rate.interval.value,
            words::verdict(step),
            rate.interval.value,
            rate.interval.low,
            rate.interval.high,
            step.coins_per_second.value,
            step.coins_per_second.low,
            step.coins_per_second.high,
        );
        if let Some(closure) = step.closure {
            let workers = counted(step.workers, "worker");
            let _ = writeln!(text, "- closure {:.1} % of {workers}", closure * 100.0);
        }
        if let Some(phases) = words::phases(step) {
            let settled = words::seconds(step.settled_after_ms);
            let _ = writeln!(text, "- settled in {settled}: {phases}");
        }
        for line in words::balance(step) {
            let _ = writeln!(text, "- {line}");
        }
        for line in words::next(step).iter().filter(|_| step.bottleneck.is_some()) {
            let _ = writeln!(text, "- next: {line}");
        }
        for warning in &step.warnings {
            let _ = writeln!(text, "- warning: {warning}");
        }
        if !step.stages.is_empty() {
            let _ =
                write!(text, "\n{}\n", table(STAGE_HEAD, step.stages.iter().map(words::stage_row)));
        }
        if !step.paths.is_empty() {
            let _ =
                write!(text, "\n{}\n", table(PATH_HEAD, step.paths.iter().map(words::path_row)));
        }
    }
    if findings.steps.len() > 1 {
        let rows = findings.steps.iter().map(words::step_row);
        let _ = write!(text, "\n### Summary\n\n{}\n", table(STEP_HEAD, rows));
    }
    if let Some((sentence, _)) = words::verification(findings) {
        let _ = writeln!(text, "\n{sentence}");
    }
    text
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut builder = Builder::default();
    builder.push_record(head);
    for row in rows {
        builder.push_record(row);
    }
    builder.build().with(Style::markdown()).to_string()
}
