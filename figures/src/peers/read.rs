//! What the tools say of their runs, in one form. Pure: text in, numbers out; each tool's words are
//! known in its own file only.

pub(super) mod hey;
pub(super) mod load;
pub(super) mod oha;
pub(super) mod probes;
pub(super) mod strace;
pub(super) mod wrk;

/// What a load generator said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Answers that came.
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    /// Requests that failed, by its own count; not those it gave up at the end.
    pub(super) failures: u64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p95_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    /// What it says of its own schedule; most say nothing.
    pub(super) schedule: Option<Schedule>,
}

/// What became of what was due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Schedule {
    /// Requests sent, whatever became of them.
    pub(super) sent: u64,
    /// How long after its time a request was sent.
    pub(super) lateness_p99_ms: f64,
}
