//! A latency account: a histogram in microseconds for the quantiles, and exact sums for the mean.

use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Smallest value a histogram tells apart, in microseconds.
pub const LOWEST: u64 = 1;
/// Largest value a histogram holds, one hour in microseconds; larger ones are clamped and counted.
pub const HIGHEST: u64 = 3_600_000_000;
const DIGITS: u8 = 3;
/// What deflated histograms begin with (HdrHistogram V2).
const DEFLATED: u32 = 0x1c84_9314;
/// Bytes before the deflated ones: that mark, and their number.
const HEAD_OF_DEFLATED: usize = 8;
/// Largest histogram, inflated, in bytes: 24,000 counts of up to 9 bytes, and a head.
const LARGEST: u64 = 256 << 10;

/// How often something took how long.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    count: u64,
    sum_us: u64,
    clamped: u64,
    /// Made with the first value: it takes some 90 KB.
    histogram: Option<Histogram<u32>>,
}

/// A histogram in a report that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a base64 HdrHistogram V2 of 1 us to 1 h with 3 digits: {0}")]
pub struct BadHistogram(String);

fn empty() -> Histogram<u32> {
    Histogram::new_with_bounds(LOWEST, HIGHEST, DIGITS)
        .unwrap_or_else(|_| unreachable!("HdrHistogram accepts these bounds"))
}

impl Latency {
    /// Adds one value.
    pub fn record(&mut self, microseconds: u64) {
        self.count += 1;
        self.sum_us += microseconds;
        self.clamped += u64::from(microseconds > HIGHEST);
        self.histogram.get_or_insert_with(empty).saturating_record(microseconds);
    }

    /// Sums alone, of values whose distribution nobody kept.
    #[must_use]
    pub fn of_sums(count: u64, sum_us: u64) -> Self {
        Self { count, sum_us, ..Self::default() }
    }

    /// The same sums with the distribution of another account.
    #[must_use]
    pub fn distributed_as(&self, other: &Self) -> Self {
        Self { histogram: other.histogram.clone(), ..*self }
    }

    /// How many values were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Exact sum of all values, clamped ones at their full length.
    #[must_use]
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// Values over [`HIGHEST`].
    #[must_use]
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Exact mean, `None` without values.
    #[must_use]
    pub fn mean_us(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "sums stay far below 2^53 microseconds")]
        (self.count > 0).then(|| self.sum_us as f64 / self.count as f64)
    }

    /// The value that a share `quantile` (0 to 1) of all values does not exceed, to 3 digits.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        self.histogram.as_ref().map(|histogram| histogram.value_at_quantile(quantile))
    }

    /// The largest value, to 3 digits.
    #[must_use]
    pub fn max_us(&self) -> Option<u64> {
        self.histogram.as_ref().map(Histogram::max)
    }

    /// Each value that was met, to 3 digits, with how often it was, in order.
    pub fn recorded_us(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let recorded = self.histogram.iter().flat_map(Histogram::iter_recorded);
        recorded.map(|step| (step.value_iterated_to(), u64::from(step.count_at_value())))
    }

    /// Adds another account's values.
    pub fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        self.clamped = self.clamped.saturating_add(other.clamped);
        if let Some(other) = &other.histogram {
            // Both have the same bounds, the only reason for which adding could fail.
            let _ = self.histogram.get_or_insert_with(empty).add(other);
        }
    }

    /// What came since `earlier`, or `None` when `earlier` is not an earlier state of this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        let mut histogram = self.histogram.clone();
        if let Some(earlier) = &earlier.histogram {
            histogram.as_mut()?.subtract(earlier).ok()?;
        }
        let histogram = histogram.filter(|histogram| !histogram.is_empty());
        Some(Self {
            count: self.count.checked_sub(earlier.count)?,
            sum_us: self.sum_us.checked_sub(earlier.sum_us)?,
            clamped: self.clamped.checked_sub(earlier.clamped)?,
            histogram,
        })
    }

    /// The same account without its histogram: sums only, for answers that need to be small.
    #[must_use]
    pub fn without_histogram(&self) -> Self {
        Self { histogram: None, ..*self }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    count: u64,
    sum_us: u64,
    clamped: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    histogram: String,
}

impl Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut encoded = Vec::new();
        if let Some(histogram) = &self.histogram {
            V2DeflateSerializer::new()
                .serialize(histogram, &mut encoded)
                .map_err(serde::ser::Error::custom)?;
        }
        let histogram = BASE64_STANDARD.encode(&encoded);
        let Self { count, sum_us, clamped, .. } = *self;
        Wire { count, sum_us, clamped, histogram }.serialize(out)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Wire { count, sum_us, clamped, histogram } = Wire::deserialize(input)?;
        let histogram = decode(&histogram).map_err(serde::de::Error::custom)?;
        Ok(Self { count, sum_us, clamped, histogram })
    }
}

fn decode(text: &str) -> Result<Option<Histogram<u32>>, BadHistogram> {
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = BASE64_STANDARD.decode(text).map_err(|e| BadHistogram(e.to_string()))?;
    let bytes = unpacked(bytes)?;
    let histogram: Histogram<u32> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|e| BadHistogram(e.to_string()))?;
    let expected = (LOWEST, HIGHEST, DIGITS);
    match (histogram.low(), histogram.high(), histogram.sigfig()) {
        bounds if bounds == expected => Ok(Some(histogram)),
        bounds => Err(BadHistogram(format!("its bounds are {bounds:?}"))),
    }
}

/// A histogram's V2 bytes, inflated where they are deflated. The lengths in them are checked here,
/// as the decoder takes as much memory as they say.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, BadHistogram> {
    let field =
        |bytes: &[u8], at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let plain = match field(&bytes, 0) {
        Some(DEFLATED) => {
            let mut plain = Vec::new();
            let packed = bytes.get(HEAD_OF_DEFLATED..).unwrap_or_default();
            let inflated = ZlibDecoder::new(packed).take(LARGEST + 1).read_to_end(&mut plain);
            inflated.map_err(|error| BadHistogram(error.to_string()))?;
            plain
        }
        _ => bytes,
    };
    let length = field(&plain, 4).map_or(0, u64::from);
    match plain.len() as u64 > LARGEST || length > LARGEST {
        true => Err(BadHistogram(format!("it is larger than {LARGEST} bytes"))),
        false => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(values: &[u64]) -> Latency {
        let mut latency = Latency::default();
        for &value in values {
            latency.record(value);
        }
        latency
    }

    #[test]
    fn bounds_do_not_clamp_what_they_hold() {
        let latency = recorded(&[100_000, 812_345]);
        assert_eq!(latency.clamped(), 0);
        assert_eq!(latency.mean_us(), Some(456_172.5));
        let max = latency.max_us().unwrap();
        assert!(max.abs_diff(812_345) <= 812, "{max} is not within 0.1 % of 812345");
    }

    #[test]
    fn values_over_an_hour_are_clamped_and_counted() {
        let latency = recorded(&[HIGHEST, HIGHEST + 1]);
        assert_eq!((latency.count(), latency.clamped()), (2, 1));
        assert_eq!(latency.sum_us(), 2 * HIGHEST + 1);
    }

    #[test]
    fn without_values_there_are_no_quantiles() {
        let latency = Latency::default();
        assert_eq!(
            (latency.mean_us(), latency.quantile_us(0.5), latency.max_us()),
            (None, None, None)
        );
    }

    #[test]
    fn histograms_of_other_shapes_are_refused() {
        let mut other = Histogram::<u32>::new_with_bounds(1, 1000, 2).unwrap();
        other.record(5).unwrap();
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&other, &mut bytes).unwrap();
        let text = BASE64_STANDARD.encode(&bytes);
        assert!(decode(&text).unwrap_err().to_string().contains("bounds"));
        assert!(decode("%%%").is_err());
        assert!(decode("AAAA").is_err());
    }

    fn deflated(plain: &[u8]) -> String {
        let mut bytes = DEFLATED.to_be_bytes().to_vec();
        bytes.extend(u32::MAX.to_be_bytes());
        let mut packer = flate2::write::ZlibEncoder::new(bytes, flate2::Compression::best());
        std::io::Write::write_all(&mut packer, plain).unwrap();
        BASE64_STANDARD.encode(packer.finish().unwrap())
    }

    #[test]
    fn a_histogram_takes_no_more_memory_than_one_can_need() {
        // A head that is right but for the length it claims.
        let head = |length: u32| {
            let mut plain = 0x1c84_9313_u32.to_be_bytes().to_vec();
            plain.extend(length.to_be_bytes());
            plain.extend(0_u32.to_be_bytes());
            plain.extend(u32::from(DIGITS).to_be_bytes());
            plain.extend(LOWEST.to_be_bytes());
            plain.extend(HIGHEST.to_be_bytes());
            plain.extend(1_f64.to_be_bytes());
            plain
        };
        assert!(decode(&deflated(&head(0))).unwrap().is_some());
        let bomb = [head(100), vec![0; 2 << 20]].concat();
        for too_large in
            [deflated(&bomb), deflated(&head(u32::MAX)), BASE64_STANDARD.encode(head(u32::MAX))]
        {
            let error = decode(&too_large).unwrap_err().to_string();
            assert!(error.contains("larger than 262144 bytes"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn subtracting_an_earlier_state_leaves_what_came_since(
            before in prop::collection::vec(1_u64..10_000_000, 0..50),
            after in prop::collection::vec(1_u64..10_000_000, 0..50),
        ) {
            let earlier = recorded(&before);
            let mut later = earlier.clone();
            for &value in &after {
                later.record(value);
            }
            let since = later.since(&earlier).unwrap();
            let expected = recorded(&after);
            prop_assert_eq!(since.count(), expected.count());
            prop_assert_eq!(since.sum_us(), expected.sum_us());
            prop_assert_eq!(since.quantile_us(0.5), expected.quantile_us(0.5));
            let mut sum = earlier.clone();
            sum.add(&expected);
            prop_assert_eq!(sum.quantile_us(0.9), later.quantile_us(0.9));
            if !after.is_empty() {
                prop_assert!(earlier.since(&later).is_none());
            }
        }

        #[test]
        fn json_keeps_every_value(values in prop::collection::vec(0_u64..HIGHEST * 2, 0..50)) {
            let latency = recorded(&values);
            let text = serde_json::to_string(&latency).unwrap();
            let back: Latency = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back, latency);
        }
    }
}
