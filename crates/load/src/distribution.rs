//! How long things took: every value in a histogram of nanoseconds, three digits exact, and what it
//! is written and read as. No clock.

mod buckets;

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

use crate::numbers::{float, milliseconds, nanoseconds, whole};
use buckets::Buckets;

/// The longest time that is told apart: an hour.
pub const LONGEST: Duration = Duration::from_hours(1);
/// Digits of HdrHistogram: a value is at most 0.1 % off.
const DIGITS: u8 = 3;
/// How many values must lie beyond a percentile before it is told.
const BEYOND: f64 = 10.0;

/// Percentiles that are told, with their names in JSON.
pub const PERCENTILES: [(&str, f64); 7] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99_9", 0.999),
    ("p99_99", 0.9999),
];

/// Lengths of time and how often each was met.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    values: Buckets,
    /// Values longer than [`LONGEST`], which count as that.
    clamped: u64,
}

/// A text that holds no histogram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an HdrHistogram: {0}")]
pub struct NoHistogram(String);

impl Distribution {
    /// Writes one value down.
    pub fn record(&mut self, length: Duration) {
        let longest = nanoseconds(LONGEST);
        let value = nanoseconds(length);
        self.clamped += u64::from(value > longest);
        self.values.record(value.min(longest), 1);
    }

    /// Adds all values of another one.
    pub fn add(&mut self, other: &Self) {
        self.values.add(&other.values);
        self.clamped += other.clamped;
    }

    /// Forgets all values, and keeps its memory for others.
    pub fn clear(&mut self) {
        self.values.clear();
        self.clamped = 0;
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.values.total()
    }

    /// How many were longer than can be told apart.
    #[must_use]
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// The value that the share `quantile` of all does not exceed; `None` without values. Told
    /// whatever their number: [`Self::told`] asks that.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let (_, max) = self.values.range()?;
        let rank = whole((quantile * float(self.count())).ceil()).max(1);
        let mut counted = 0;
        let reached = self.values.recorded().find(|(_, count)| {
            counted += count;
            counted >= rank
        });
        Some(reached.map_or(max, |(value, _)| value.min(max)))
    }

    /// The same where enough values lie beyond it, so that it is not one of a few stragglers.
    #[must_use]
    pub fn told(&self, quantile: f64) -> Option<u64> {
        self.quantile(quantile).filter(|_| self.count() >= needed(quantile))
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        self.values.range().map(|(_, max)| max)
    }

    /// The shortest.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        self.values.range().map(|(min, _)| min)
    }

    /// The mean in nanoseconds.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = u128::from(self.count());
        // A sum of nanoseconds is divided as a whole number: it may have more digits than a float.
        let mean = self.values.sum().checked_div(count)?;
        u64::try_from(mean).ok().map(float)
    }

    /// The standard deviation in nanoseconds.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares = self.recorded().map(|(value, count)| {
            let distance = float(value) - mean;
            distance * distance * float(count)
        });
        Some((squares.sum::<f64>() / float(self.count())).sqrt())
    }

    /// How many values lie within two limits, both among them, to the width of a bucket.
    #[must_use]
    pub fn between(&self, low: u64, high: u64) -> u64 {
        let within = self.recorded().filter(|(value, _)| (low..=high).contains(value));
        within.map(|(_, count)| count).sum()
    }

    /// Each value that was met, to the width of a bucket, with how often it was, in order.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let max = self.max().unwrap_or(0);
        self.values.recorded().map(move |(value, count)| (value.min(max), count))
    }

    /// As HdrHistogram's V2 format, deflated, in base64: what its readers in all languages take.
    #[must_use]
    pub fn blob(&self) -> String {
        let mut bytes = Vec::new();
        match V2DeflateSerializer::new().serialize(&self.histogram(), &mut bytes) {
            Ok(_) => STANDARD.encode(bytes),
            // Writing to memory does not fail.
            Err(_) => String::new(),
        }
    }

    /// Reads what [`Self::blob`] wrote, or any other HdrHistogram of nanoseconds.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_blob(text: &str) -> Result<Self, NoHistogram> {
        let bytes = STANDARD.decode(text.trim()).map_err(|e| NoHistogram(e.to_string()))?;
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| NoHistogram(error.to_string()))?;
        let mut read = Self::default();
        for step in histogram.iter_recorded() {
            read.values.record(step.value_iterated_to(), step.count_at_value());
        }
        Ok(read)
    }

    /// As the percentile distribution HdrHistogram's plotter takes (`.hgrm`), in milliseconds.
    #[must_use]
    pub fn hgrm(&self) -> String {
        let mut text = String::from("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
        let mut count = 0;
        let histogram = self.histogram();
        for step in histogram.iter_quantiles(5) {
            let value = milliseconds(step.value_iterated_to());
            let reached = step.quantile_iterated_to();
            count += step.count_since_last_iteration();
            // Writing to memory does not fail.
            let _ = match reached < 1.0 {
                true => writeln!(
                    text,
                    "{value:12.6} {reached:14.12} {count:10} {:14.2}",
                    1.0 / (1.0 - reached)
                ),
                false => writeln!(text, "{value:12.6} {reached:14.12} {count:10}"),
            };
        }
        let scaled = |nanoseconds: Option<f64>| nanoseconds.unwrap_or(0.0) / 1e6;
        let _ = writeln!(
            text,
            "#[Mean    = {:12.6}, StdDeviation   = {:12.6}]\n\
             #[Max     = {:12.6}, Total count    = {:12}]\n\
             #[Buckets = {:12}, SubBuckets     = {:12}]",
            scaled(self.mean()),
            scaled(self.deviation()),
            milliseconds(self.max().unwrap_or(0)),
            self.count(),
            histogram.buckets(),
            2048,
        );
        text
    }

    /// The same as HdrHistogram has it, for its formats.
    pub(crate) fn histogram(&self) -> Histogram<u64> {
        // As long as its longest value needs: a histogram up to an hour takes most of its memory
        // for what was not met.
        let longest = self.max().unwrap_or(0).max(2);
        let mut histogram = Histogram::new_with_bounds(1, longest, DIGITS)
            .unwrap_or_else(|_| unreachable!("HdrHistogram accepts these bounds"));
        for (value, count) in self.recorded() {
            histogram.saturating_record_n(value, count);
        }
        histogram
    }
}

/// How many values a percentile needs before it is told: ten beyond it.
#[must_use]
pub fn needed(quantile: f64) -> u64 {
    whole((BEYOND / (1.0 - quantile)).round().max(1.0))
}

/// How likely a value of `after` is longer than one of `before`, equal ones counted half: 0.5 when
/// neither tends to be.
#[must_use]
pub fn longer(before: &Distribution, after: &Distribution) -> Option<f64> {
    let (all_before, all_after) = (float(before.count()), float(after.count()));
    if before.count() == 0 || after.count() == 0 {
        return None;
    }
    // By bucket, so that equal values of both are equal.
    let mut earlier = before.values.recorded().peekable();
    let (mut below, mut pairs) = (0.0, 0.0);
    for (value, count) in after.values.recorded() {
        while let Some((_, number)) = earlier.next_if(|(other, _)| *other < value) {
            below += float(number);
        }
        let equal = earlier.peek().filter(|(other, _)| *other == value).map_or(0, |(_, n)| *n);
        pairs += float(count) * (below + float(equal) / 2.0);
    }
    Some(pairs / all_before / all_after)
}

#[cfg(test)]
mod tests;
