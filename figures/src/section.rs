//! A figure as a section of Markdown: what is asked, what was measured, how to repeat it.

use std::fmt::{Display, Write as _};

use tabled::builder::Builder;
use tabled::settings::Style;

/// One figure's section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    checks: Vec<[String; 3]>,
    body: String,
    commands: Vec<String>,
}

impl Section {
    /// Holds something measured against what is asked of it.
    pub(crate) fn check(&mut self, asked: impl Display, measured: impl Display, passed: bool) {
        let verdict = if passed { "pass" } else { "**miss**" };
        self.checks.push([asked.to_string(), measured.to_string(), verdict.to_owned()]);
    }

    /// Adds a paragraph.
    pub(crate) fn text(&mut self, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.body, "{text}\n\n");
    }

    /// Adds a table.
    pub(crate) fn table<const N: usize>(&mut self, header: [&str; N], rows: Vec<[String; N]>) {
        let table = table(header, rows);
        self.text(table);
    }

    /// Adds a command that repeats what was measured.
    pub(crate) fn command(&mut self, line: impl Into<String>) {
        self.commands.push(line.into());
    }

    pub(crate) fn render(&self, name: impl Display) -> String {
        let checks = table(["asked", "measured", "verdict"], self.checks.clone());
        let commands = self.commands.join("\n");
        format!("## {name}\n\n{checks}\n\n{}```sh\n{commands}\n```\n\n", self.body)
    }
}

fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut builder = Builder::new();
    builder.push_record(header);
    for row in rows {
        builder.push_record(row);
    }
    builder.build().with(Style::markdown()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_the_checks_the_body_and_the_commands() {
        let mut section = Section::default();
        section.check("at least 2", "3.0", true);
        section.check("at most 2", "3.0", false);
        section.text("Words.");
        section.command("bench scale");
        let lines = [
            "## example",
            "",
            "| asked      | measured | verdict  |",
            "|------------|----------|----------|",
            "| at least 2 | 3.0      | pass     |",
            "| at most 2  | 3.0      | **miss** |",
            "",
            "Words.",
            "",
            "```sh",
            "bench scale",
            "```",
            "",
            "",
        ];
        assert_eq!(section.render("example"), lines.join("\n"));
    }
}
