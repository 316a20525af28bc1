//! Latencies as an HdrHistogram log, which its readers in all languages take.

use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::run::Measured;

/// Nanoseconds of a millisecond: the unit of the column for maxima.
const MILLISECOND: f64 = 1e6;

/// A log of one interval, the window.
#[must_use]
pub fn hlog(measured: &Measured) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let started: SystemTime = measured.started.into();
    let mut builder = IntervalLogWriterBuilder::new();
    let writer = builder
        .add_comment("[Latencies in nanoseconds, from due to done; maxima in milliseconds]")
        .with_start_time(started)
        .with_base_time(started)
        .with_max_value_divisor(MILLISECOND)
        .begin_log_with(&mut bytes, &mut serializer);
    if let Ok(mut writer) = writer {
        let values = measured.recording.latency.histogram();
        // Writing to memory does not fail.
        let _ = writer.write_histogram(&values, Duration::ZERO, measured.window, None);
    }
    bytes
}
