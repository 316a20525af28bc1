//! What a search comes to, as figures and in a sentence. Pure.

use serde::Serialize;

use super::bracket::Bracket;
use super::step::Step;
use crate::words;

/// What a search comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Search {
    /// `load`.
    pub command: String,
    /// See [`crate::summary::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// All steps, in their order.
    pub steps: Vec<Step>,
    /// The highest rate that was good each time.
    pub met_per_second: Option<f64>,
    /// The lowest that was not.
    pub missed_per_second: Option<f64>,
    /// Why it ended.
    pub ended: End,
    /// Whether the generator ended the search, so that the server may bear more.
    pub generator_was_the_limit: bool,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// All of it in a sentence.
    pub conclusion: String,
}

/// Why a search ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum End {
    /// The answer is known, or no rate that can be judged is good.
    Found,
    /// As many steps were made as a search may have.
    MostSteps,
    /// It was stopped.
    Interrupted,
    /// A step had too few requests for a percentile.
    Undecided,
    /// The generator spoilt step after step.
    Generator,
    /// The server is gone: no connection can be made, or nothing is answered any more.
    Gone {
        /// The rate of the last step.
        rate: f64,
        /// Why no connection can be made, in words; none where they can.
        failure: Option<String>,
    },
}

impl Search {
    pub(super) fn new(steps: Vec<Step>, bracket: &Bracket, end: End) -> Self {
        Self {
            command: "load".to_owned(),
            schema_version: crate::summary::SCHEMA_VERSION,
            met_per_second: bracket.met().map(|(rate, _)| rate),
            missed_per_second: bracket.missed(),
            generator_was_the_limit: end == End::Generator,
            interrupted: end == End::Interrupted,
            conclusion: conclusion(bracket, &end),
            ended: end,
            steps,
        }
    }
}

fn per_second(rate: f64) -> String {
    format!("{}/s", words::asked_rate(rate))
}

fn conclusion(bracket: &Bracket, end: &End) -> String {
    let met = bracket.met().map(|(rate, _)| per_second(rate));
    match (end, met) {
        (End::Interrupted, Some(met)) => format!("Stopped early. {met} was good so far."),
        (End::Interrupted, None) => "Stopped early; no rate was good so far.".to_owned(),
        (End::Undecided, _) => {
            "A step had too few requests to tell: give it a longer --duration, or ask for a \
                                lower percentile."
                .to_owned()
        }
        (End::Generator, Some(met)) => format!(
            "At least {met}: beyond it the generator, not the server, was the limit; give it more \
             --threads or processors of its own."
        ),
        (End::Generator, None) => {
            "The generator, not the server, was the limit; nothing follows for \
                                   the server."
                .to_owned()
        }
        (End::Gone { rate, failure }, met) => gone(*rate, failure.as_deref(), met),
        (End::Found | End::MostSteps, met) => found(bracket, met),
    }
}

fn gone(rate: f64, failure: Option<&str>, met: Option<String>) -> String {
    let how = match failure {
        Some(failure) => format!("no connection can be made any more: {failure}"),
        None => "it answers nothing any more, not even a rate that was good before".to_owned(),
    };
    let met = met.map_or_else(
        || "no rate was good before".to_owned(),
        |met| format!("{met} was good before"),
    );
    format!("The server is gone after {}: {how}; {met}.", per_second(rate))
}

fn found(bracket: &Bracket, met: Option<String>) -> String {
    let times = bracket.met().map_or(0, |(_, times)| times);
    match (met, bracket.missed().map(per_second)) {
        (Some(met), Some(missed)) => format!(
            "The highest rate that meets it lies between {met} (met {}) and {missed} (missed).",
            words::counted(times as u64, "time")
        ),
        (Some(met), None) => format!("{met} is still met; the search ended there."),
        (None, Some(_)) => format!(
            "No rate met it, down to {}, below which a step has too few requests to tell.",
            per_second(bracket.floor())
        ),
        (None, None) => "No rate was tried.".to_owned(),
    }
}
