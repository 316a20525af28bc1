//! How the requests of a run arrive, and those of the steps of a search: the flags of arrival made
//! into a profile and its limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::numbers::float;
use crate::schedule::{Arrival, Limits, Profile, Spacing, Stage};
use crate::settings::{ArrivalArgs, ArrivalKind};

/// How long a closed loop runs to find where a search begins.
const SOUNDING: Duration = Duration::from_secs(2);
/// The window, where neither its length nor the number of requests is given.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// The window of a step of a search.
pub(super) const STEP_WINDOW: Duration = Duration::from_secs(5);
/// The warm-up of a step of a search.
pub(super) const STEP_WARMUP: Duration = Duration::from_secs(1);
/// A step of a search is made longer than that for no percentile.
pub(super) const LONGEST_STEP: Duration = Duration::from_secs(30);
/// How many times as long as a step the runs are that confirm what a search found.
const CONFIRMING: u32 = 4;
/// And as long as a step at this rate, which may be longer for the sake of a percentile.
const LONGER: u32 = 2;

/// What was asked of an open loop, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// `--rate`: `1000`, `1/h`.
    Rate(String),
    /// `--ramp`: `100..1000`.
    Ramp(String),
    /// `--stages`: `100/s:10s,100..1000/s:30s`.
    Stages(String),
}

impl Asked {
    /// What these arguments ask; `None` for a closed loop and for a search.
    pub(super) fn of(settings: &ArrivalArgs) -> Option<Self> {
        let ArrivalArgs { rate, ramp, stages, .. } = settings;
        let rate = rate.as_ref().map(|rate| Self::Rate(rate.text.clone()));
        let ramp = || ramp.as_ref().map(|ramp| Self::Ramp(ramp.text.clone()));
        let stages = || stages.as_ref().map(|stages| Self::Stages(stages.text.clone()));
        rate.or_else(ramp).or_else(stages)
    }
}

impl Plan {
    /// The same at a constant rate, as a step of a search. The window is that of the step, or as
    /// long as `requests` take at this rate, but no longer than [`Self::longest_step`] for their
    /// sake; a confirming run is several times as long.
    #[must_use]
    pub fn at_rate(&self, rate: f64, requests: u64, confirming: bool) -> Self {
        let spacing = match &self.arrival {
            Arrival::Open { spacing, .. } => *spacing,
            Arrival::Closed => Spacing::Even,
        };
        // One second more, since some may fail.
        let needed = Duration::from_secs_f64((float(requests) / rate).min(1e6) + 1.0);
        let needed = if requests > 0 { needed.min(self.longest_step()) } else { Duration::ZERO };
        let step = self.step_window().max(needed);
        let window = match confirming {
            true => (self.step_window() * CONFIRMING).max(step * LONGER),
            false => step,
        };
        let limits = Limits { window: Some(window), requests: None, ..self.limits };
        let profile = Profile::constant(rate).ended_after(window).after_warmup(limits.warmup);
        let asked = Some(Asked::Rate(rate.to_string()));
        Self { arrival: Arrival::Open { profile, spacing }, asked, limits, ..self.clone() }
    }

    /// The window of a step of a search, as it was asked for.
    fn step_window(&self) -> Duration {
        self.limits.window.unwrap_or(STEP_WINDOW)
    }

    /// The longest window that a step of a search gets for the sake of a percentile.
    #[must_use]
    pub fn longest_step(&self) -> Duration {
        self.step_window().max(LONGEST_STEP)
    }

    /// The same as a short closed loop, to find where a search begins.
    #[must_use]
    pub fn sounding(&self) -> Self {
        let limits = Limits {
            warmup: Duration::ZERO,
            window: Some(SOUNDING),
            requests: None,
            ..self.limits
        };
        Self { arrival: Arrival::Closed, asked: None, limits, ..self.clone() }
    }
}

/// How requests arrive, and for how long.
pub(super) fn arrival(settings: &ArrivalArgs, timeout: Duration) -> (Arrival, Limits) {
    let warmup = settings.warmup.unwrap_or(match settings.find_max {
        true => STEP_WARMUP,
        false => Duration::ZERO,
    });
    let window = match (settings.duration, settings.requests) {
        (None, None) if settings.find_max => Some(STEP_WINDOW),
        (None, None) => Some(WINDOW),
        (duration, _) => duration,
    };
    let profile = match (&settings.rate, &settings.ramp, &settings.stages) {
        (Some(rate), ..) => Some(Profile::constant(rate.value)),
        (_, Some(ramp), _) => {
            let (from, to) = ramp.value;
            let length = Some(window.unwrap_or(WINDOW));
            Some(Profile::new(vec![Stage { from, to, length }]))
        }
        (.., Some(stages)) => Some(Profile::new(stages.value.0.clone())),
        _ => None,
    };
    let window = match &profile {
        Some(profile) => profile.length().or(window),
        None => window,
    };
    let limits = Limits { warmup, window, requests: settings.requests, drain: timeout };
    let spacing = match settings.arrival {
        ArrivalKind::Even => Spacing::Even,
        ArrivalKind::Poisson => Spacing::Poisson { seed: settings.seed },
    };
    let ended = |profile: Profile| match window {
        Some(window) => profile.ended_after(window),
        None => profile,
    };
    let arrival = match profile {
        Some(profile) => Arrival::Open { profile: ended(profile).after_warmup(warmup), spacing },
        // The spacing of a search's steps.
        None if settings.find_max => Arrival::Open { profile: Profile::constant(1.0), spacing },
        None => Arrival::Closed,
    };
    (arrival, limits)
}
