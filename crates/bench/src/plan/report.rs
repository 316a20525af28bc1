//! What `bench report` is to do.

use std::path::{Path, PathBuf};

use crate::cli::{ReportArgs, ReportFormat};

/// What is to be told, how and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPlan {
    /// What.
    pub what: Told,
    /// The file to write; `None` for standard output.
    pub to: Option<PathBuf>,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The schema of findings.
    Schema,
    /// A recorded run.
    Run {
        /// Its directory.
        from: PathBuf,
        /// How.
        format: ReportFormat,
    },
}

impl From<ReportArgs> for ReportPlan {
    fn from(arguments: ReportArgs) -> Self {
        let ReportArgs { from, format, out, schema } = arguments;
        let from = from.filter(|_| !schema);
        let named = out.as_deref().and_then(format_of);
        let Some(from) = from else { return Self { what: Told::Schema, to: file(out) } };
        let format = format.or(named).unwrap_or(ReportFormat::Table);
        let beside = || (format == ReportFormat::Html).then(|| from.join("report.html"));
        let to = if out.is_some() { file(out) } else { beside() };
        Self { what: Told::Run { from, format }, to }
    }
}

/// A file, unless it is `-`.
fn file(out: Option<PathBuf>) -> Option<PathBuf> {
    out.filter(|path| path.as_os_str() != "-")
}

/// The format that a file's name asks for.
fn format_of(path: &Path) -> Option<ReportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "html" | "htm" => Some(ReportFormat::Html),
        "md" | "markdown" => Some(ReportFormat::Markdown),
        "json" => Some(ReportFormat::Json),
        "csv" => Some(ReportFormat::Csv),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;
    use crate::plan::Plan;

    fn plan(words: &str) -> ReportPlan {
        let words = ["bench", "report"].into_iter().chain(words.split_whitespace());
        match Plan::try_from(Cli::parse_from(words)).unwrap() {
            Plan::Report(plan) => plan,
            _ => unreachable!("bench report was typed"),
        }
    }

    #[test]
    fn html_goes_beside_the_run_and_all_else_to_standard_output() {
        let told = |words: &str| {
            let ReportPlan { what, to } = plan(words);
            let Told::Run { format, .. } = what else { unreachable!("a run was named") };
            (format, to.map(|path| path.display().to_string()))
        };
        let file = |name: &str| Some(name.to_owned());
        assert_eq!(told("run"), (ReportFormat::Table, None));
        assert_eq!(told("run --format html"), (ReportFormat::Html, file("run/report.html")));
        assert_eq!(told("run --format html -o -"), (ReportFormat::Html, None));
        assert_eq!(told("run --output json"), (ReportFormat::Json, None));
        assert_eq!(told("run -o a.html"), (ReportFormat::Html, file("a.html")));
        assert_eq!(told("run -o a.MD"), (ReportFormat::Markdown, file("a.MD")));
        assert_eq!(told("run -o a.txt"), (ReportFormat::Table, file("a.txt")));
        assert_eq!(told("run -o a.html --format csv"), (ReportFormat::Csv, file("a.html")));
        assert_eq!(plan("--schema"), ReportPlan { what: Told::Schema, to: None });
    }
}
