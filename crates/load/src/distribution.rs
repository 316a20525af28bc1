//! How long things took: every value in a histogram of nanoseconds, three digits exact, and what it
//! is written and read as. No clock.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

use crate::numbers::{float, milliseconds, nanoseconds};

/// The longest time that is told apart: an hour.
pub const LONGEST: Duration = Duration::from_hours(1);
/// Three digits: a value is at most 0.1 % off.
const EXACT: u8 = 3;
/// Two: for what is only shown beside.
const ROUGH: u8 = 2;
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
#[derive(Clone, Debug)]
pub struct Distribution {
    values: Histogram<u64>,
    /// Values longer than [`LONGEST`], which count as that.
    clamped: u64,
}

/// A text that holds no histogram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an HdrHistogram: {0}")]
pub struct NoHistogram(String);

impl Distribution {
    /// For values that must be exact to 0.1 %.
    #[must_use]
    pub fn exact() -> Self {
        Self::with_digits(EXACT)
    }

    /// For values that may be off by 1 %, in a tenth of the memory.
    #[must_use]
    pub fn rough() -> Self {
        Self::with_digits(ROUGH)
    }

    fn with_digits(digits: u8) -> Self {
        let values = Histogram::new_with_bounds(1, nanoseconds(LONGEST), digits)
            .unwrap_or_else(|_| unreachable!("HdrHistogram accepts these bounds"));
        Self { values, clamped: 0 }
    }

    /// Writes one value down.
    pub fn record(&mut self, length: Duration) {
        let value = nanoseconds(length);
        if self.values.record(value).is_err() {
            self.values.saturating_record(value);
            self.clamped += 1;
        }
    }

    /// Adds all values of another one.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds, so that nothing can fail to fit.
        if !other.values.is_empty() && self.values.add(&other.values).is_ok() {
            self.clamped += other.clamped;
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        if !self.values.is_empty() {
            self.values.reset();
        }
        self.clamped = 0;
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.values.len()
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
        (self.count() > 0).then(|| self.values.value_at_quantile(quantile))
    }

    /// The same where enough values lie beyond it, so that it is not one of a few stragglers.
    #[must_use]
    pub fn told(&self, quantile: f64) -> Option<u64> {
        self.quantile(quantile).filter(|_| self.count() >= needed(quantile))
    }

    /// The longest, to the histogram's resolution.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then(|| self.values.max())
    }

    /// The shortest.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count() > 0).then(|| self.values.min())
    }

    /// The mean in nanoseconds.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.values.mean())
    }

    /// The standard deviation in nanoseconds.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.values.stdev())
    }

    /// How many values lie within two limits, both among them.
    #[must_use]
    pub fn between(&self, low: u64, high: u64) -> u64 {
        self.values.count_between(low, high)
    }

    /// Each value that was met with how often it was, in order.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.values.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// As HdrHistogram's V2 format, deflated, in base64: what its readers in all languages take.
    #[must_use]
    pub fn blob(&self) -> String {
        let mut bytes = Vec::new();
        match V2DeflateSerializer::new().serialize(&self.values, &mut bytes) {
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
        let values = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| NoHistogram(error.to_string()))?;
        Ok(Self { values, clamped: 0 })
    }

    /// As the percentile distribution HdrHistogram's plotter takes (`.hgrm`), in milliseconds.
    #[must_use]
    pub fn hgrm(&self) -> String {
        let mut text = String::from("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
        let mut count = 0;
        for step in self.values.iter_quantiles(5) {
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
            self.values.buckets(),
            2048,
        );
        text
    }

    /// The histogram itself, for logs of intervals.
    pub(crate) fn values(&self) -> &Histogram<u64> {
        &self.values
    }
}

/// How many values a percentile needs before it is told: ten beyond it.
#[must_use]
pub fn needed(quantile: f64) -> u64 {
    crate::numbers::whole((BEYOND / (1.0 - quantile)).round().max(1.0))
}

/// How likely a value of `after` is longer than one of `before`, equal ones counted half: 0.5 when
/// neither tends to be.
#[must_use]
pub fn longer(before: &Distribution, after: &Distribution) -> Option<f64> {
    let (all_before, all_after) = (float(before.count()), float(after.count()));
    if before.count() == 0 || after.count() == 0 {
        return None;
    }
    let mut earlier = before.recorded().peekable();
    let (mut below, mut pairs) = (0.0, 0.0);
    for (value, count) in after.recorded() {
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
