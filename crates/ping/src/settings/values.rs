//! Values of flags: each is what it says, or refused with a sentence that says what to write.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use exchange::Url;
use http::Method;
use http::header::{HeaderName, HeaderValue};

/// How many probes.
pub type Count = NonZeroU64;

/// The longest time that makes sense: a day.
const LONGEST: Duration = Duration::from_hours(24);
/// Largest body of random bytes.
const LARGEST_BODY: usize = 64 << 20;

/// Which statuses are ok.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u16)>);

/// A measure and what it must not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What is measured.
    pub measure: Measure,
    /// The most it may be.
    pub most: Duration,
}

/// A measure of all probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The shortest.
    Min,
    /// The mean.
    Mean,
    /// The longest.
    Max,
    /// How much neighbours differ.
    Jitter,
    /// What a share of all does not exceed.
    Quantile(Share),
}

/// A share of all, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

/// Nagios' two limits of the average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    /// From here on there is a warning.
    pub warn: Duration,
    /// From here on it is critical.
    pub critical: Duration,
}

impl Statuses {
    /// Whether a status is one of them.
    #[must_use]
    pub fn has(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

/// All but the server's own failures.
impl Default for Statuses {
    fn default() -> Self {
        Self(vec![(100, 499), (600, 999)])
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return formatter.write_str("all but 5xx");
        }
        for (place, (first, last)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match first == last {
                true => write!(formatter, "{comma}{first}")?,
                false => write!(formatter, "{comma}{}xx", first / 100)?,
            }
        }
        Ok(())
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |word: &str| {
            let word = word.trim();
            if let Some(class) = word.strip_suffix("xx") {
                let class: u16 = class.parse().ok().filter(|class| (1..=9).contains(class))?;
                return Some((class * 100, class * 100 + 99));
            }
            let status = word.parse().ok().filter(|status| (100..=999).contains(status))?;
            Some((status, status))
        };
        let all: Option<Vec<_>> = text.split(',').map(one).collect();
        all.map(Self)
            .ok_or_else(|| "write statuses or their classes: 200,301 or 2xx,3xx".to_owned())
    }
}

impl Measure {
    /// As it is typed.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Min => "min".to_owned(),
            Self::Mean => "avg".to_owned(),
            Self::Max => "max".to_owned(),
            Self::Jitter => "jitter".to_owned(),
            Self::Quantile(share) => format!("p{}", f64::from(share.0) / 1e4),
        }
    }
}

impl Share {
    /// The half: of the median.
    const HALF: Self = Self(500_000);

    /// As a part of one.
    #[must_use]
    pub fn of_one(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// Of a percentage; four digits behind the point are kept.
    fn of_percent(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() > 2 || part.len() > 4 || !digits(whole) || !digits(part) {
            return None;
        }
        let millionths = format!("{whole}{part:0<4}").parse().ok()?;
        (millionths > 0).then_some(Self(millionths))
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a measure, = and a time: p99=250ms, avg=10ms, max=1s".to_owned();
        let (measure, most) = text.split_once('=').ok_or_else(wrong)?;
        let measure = match measure.trim() {
            "min" => Measure::Min,
            "avg" | "mean" => Measure::Mean,
            "max" => Measure::Max,
            "jitter" => Measure::Jitter,
            "median" => Measure::Quantile(Share::HALF),
            other => {
                let share = other.strip_prefix('p').and_then(Share::of_percent);
                Measure::Quantile(share.ok_or_else(wrong)?)
            }
        };
        Ok(Self { measure, most: milliseconds(most)? })
    }
}

impl FromStr for Average {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write two times in ms: warning,critical, such as 100,250".to_owned();
        let (warn, critical) = text.split_once(',').ok_or_else(wrong)?;
        Ok(Self { warn: milliseconds(warn)?, critical: milliseconds(critical)? })
    }
}

/// A number of probes.
pub(super) fn count(text: &str) -> Result<Count, String> {
    text.trim().parse().map_err(|_| "must be a whole number from 1 on".to_owned())
}

/// A time in seconds, or with a unit.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    time(text, 1.0, "write seconds, or a unit behind it: 0.2, 200ms, 1m")
}

/// The same, but not 0.
pub(super) fn positive_seconds(text: &str) -> Result<Duration, String> {
    let longer = |time: &Duration| !time.is_zero();
    seconds(text).and_then(|time| Some(time).filter(longer).ok_or("must be more than 0".to_owned()))
}

/// A time in milliseconds, or with a unit.
pub(super) fn milliseconds(text: &str) -> Result<Duration, String> {
    time(text, 1e-3, "write milliseconds, or a unit behind it: 250, 250ms, 0.5s")
}

fn time(text: &str, bare: f64, wrong: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "" => bare,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        _ => return Err(wrong.to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| wrong.to_owned())?;
    let length = Duration::try_from_secs_f64(number * unit).unwrap_or(Duration::MAX);
    if length > LONGEST { Err("must be at most a day".to_owned()) } else { Ok(length) }
}

/// `HOST` or `HOST:PORT`.
pub(super) fn place(text: &str) -> Result<(String, Option<u16>), String> {
    let wrong = || "write HOST or HOST:PORT".to_owned();
    let url: Url = text.parse().map_err(|_| wrong())?;
    if url.path != "/" || text.contains("://") {
        return Err(wrong());
    }
    let after_host = text.rsplit_once(']').map_or(text, |(_, rest)| rest);
    let has_port = after_host.matches(':').count() == 1;
    Ok((url.host, has_port.then_some(url.port)))
}

/// A method in capitals; others are rarely meant.
pub(super) fn method(text: &str) -> Result<Method, String> {
    let wrong = || "write a method such as GET, POST or DELETE".to_owned();
    let method = Method::from_str(&text.to_ascii_uppercase()).map_err(|_| wrong())?;
    if method == Method::CONNECT {
        Err("CONNECT is for proxies: -x".to_owned())
    } else {
        Ok(method)
    }
}

/// `Name: value`.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || "write a header as 'Name: value'".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
    Ok((name, header_value(value.trim())?))
}

/// The value of a header.
pub(super) fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "must be printable text in one line".to_owned())
}

/// The length of a body.
pub(super) fn body_length(text: &str) -> Result<usize, String> {
    let length = text.trim().parse().ok().filter(|length| *length <= LARGEST_BODY);
    length.ok_or_else(|| format!("must be a whole number up to {LARGEST_BODY}"))
}

#[cfg(test)]
mod tests;
