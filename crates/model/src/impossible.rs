//! What cannot be modelled, and why.

/// What cannot be modelled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Impossible {
    /// A number that is no length of time.
    #[error("{0} is no length of time: from 0 s to a year is")]
    Time(f64),
    /// A loop without end.
    #[error("a loop takes no time: think time and service times add up to less than a microsecond")]
    EmptyLoop,
    /// A stage that no replica serves.
    #[error("no replica of {0} is alive")]
    NobodyServes(String),
    /// A distribution without values.
    #[error("no times were recorded, or too many to count")]
    NothingRecorded,
    /// A log-normal time of mean zero.
    #[error("a log-normal time has a mean above zero")]
    NoMean,
    /// Scaled by zero, less, or no number.
    #[error("times cannot be scaled by {0}: a factor is above zero")]
    Factor(f64),
    /// A plan that is too large to simulate, or for no rate.
    #[error("no plan for {0}: it would take more than 100,000 containers, or none at all")]
    Plan(f64),
    /// A window in which nothing can be counted.
    #[error("a window is longer than no time")]
    EmptyWindow,
}
