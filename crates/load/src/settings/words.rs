//! Words of the command line as values: times, rates, stages, shares, targets.

use std::str::FromStr;
use std::time::Duration;

use exchange::Url;
use http::Method;
use http::header::{HeaderName, HeaderValue};

use super::Stages;
use crate::numbers::whole;
use crate::plan::Good;
use crate::schedule::Stage;

/// The highest rate that can be asked for.
const HIGHEST_RATE: f64 = 10e6;

/// A target as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetText {
    /// Its share of the requests.
    pub weight: u32,
    /// The method, where one was typed.
    pub method: Option<Method>,
    /// The URL.
    pub url: Url,
}

/// A length of time: `10s`, `1m30s`, `250ms`, or seconds as a plain number, as wrk's users type.
pub(crate) fn length(text: &str) -> Result<Duration, String> {
    let wrong = || String::from("not a length of time; write for example 30s, 1m30s or 250ms");
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let signed = text.parse::<jiff::SignedDuration>().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

/// A length of time above zero.
pub(super) fn positive_length(text: &str) -> Result<Duration, String> {
    match length(text)? {
        Duration::ZERO => Err(String::from("must be longer than 0")),
        length => Ok(length),
    }
}

/// A number with an ending for thousands or millions, as wrk takes it.
fn number(text: &str) -> Option<f64> {
    let (digits, factor) = match text.char_indices().next_back()? {
        (at, 'k' | 'K') => (&text[..at], 1e3),
        (at, 'M') => (&text[..at], 1e6),
        _ => (text, 1.0),
    };
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = digits.parse::<f64>().ok().filter(|_| plain)? * factor;
    number.is_finite().then_some(number)
}

/// A whole number above zero.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let wrong = "must be a whole number above 0, such as 10000 or 10k";
    let number = number(text).filter(|n| *n >= 1.0 && n.fract().abs() < f64::EPSILON && *n < 1e15);
    number.map(whole).ok_or_else(|| wrong.to_owned())
}

/// A number of things that take memory: connections, threads.
pub(super) fn file_count(text: &str) -> Result<usize, String> {
    let count = count(text).ok().filter(|count| *count <= 1_000_000);
    let count = count.and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| String::from("must be a whole number from 1 to 1000000"))
}

/// A rate: `1000`, `1000/s`, `90/m`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match rate_or_zero(text)? {
        rate if rate > 0.0 => Ok(rate),
        _ => Err(String::from("must be above 0")),
    }
}

fn rate_or_zero(text: &str) -> Result<f64, String> {
    let (amount, per) = match text.split_once('/') {
        None | Some((_, "s")) => (text.trim_end_matches("/s"), 1.0),
        Some((amount, "m")) => (amount, 60.0),
        Some((amount, "h")) => (amount, 3600.0),
        Some(_) => ("", 1.0),
    };
    let wrong = || String::from("not a rate; write for example 1000, 1000/s, 90/m or 10k");
    let rate = number(amount).ok_or_else(wrong)? / per;
    match rate <= HIGHEST_RATE {
        true => Ok(rate),
        false => Err(format!("at most {HIGHEST_RATE} a second")),
    }
}

/// Two rates with `..` between; what stands behind the second is the unit of both.
pub(super) fn ramp(text: &str) -> Result<(f64, f64), String> {
    let wrong = || String::from("write for example 100..1000");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let unit = to.split_once('/').map_or(String::new(), |(_, unit)| format!("/{unit}"));
    let (from, to) = (rate_or_zero(&format!("{from}{unit}"))?, rate_or_zero(to)?);
    match from + to > 0.0 {
        true => Ok((from, to)),
        false => Err(String::from("one of the two rates must be above 0")),
    }
}

/// Stages with commas between, each `RATE:TIME` or `FROM..TO:TIME`.
pub(super) fn stages(text: &str) -> Result<Stages, String> {
    let stages = text.split(',').map(stage).collect::<Result<Vec<_>, _>>()?;
    match stages.iter().any(|stage| stage.from + stage.to > 0.0) {
        true => Ok(Stages(stages)),
        false => Err(String::from("one stage must have a rate above 0")),
    }
}

fn stage(text: &str) -> Result<Stage, String> {
    let wrong = || format!("'{text}' is no stage; write for example 100/s:10s or 100..1000/s:30s");
    let (rates, time) = text.trim().split_once(':').ok_or_else(wrong)?;
    let (from, to) = match rates.contains("..") {
        true => ramp(rates)?,
        false => {
            let rate = rate_or_zero(rates)?;
            (rate, rate)
        }
    };
    Ok(Stage { from, to, length: Some(positive_length(time)?) })
}

/// A share: `1%`, `0.5%`, or `0.01`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent.trim()).map(|percent| percent / 100.0),
        None => number(text),
    };
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| String::from("not a share; write for example 1% or 0.1%"))
}

/// `NAME: VALUE`.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write 'NAME: VALUE'")?;
    let name = HeaderName::from_str(name.trim()).map_err(|_| "no name of a header")?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "no value of a header")?;
    Ok((name, value))
}

/// `[WEIGHT] [METHOD] URL`.
pub(super) fn target(text: &str) -> Result<TargetText, String> {
    let mut words = text.split_whitespace().peekable();
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let weight = match words.next_if(is_number) {
        Some(digits) => digits
            .parse()
            .ok()
            .filter(|weight| (1..=1_000).contains(weight))
            .ok_or("the weight must be from 1 to 1000")?,
        None => 1,
    };
    let is_method = |word: &&str| word.bytes().all(|byte| byte.is_ascii_uppercase());
    let method = words.next_if(is_method);
    let method = method.map(|word| word.parse().map_err(|_| "no method")).transpose()?;
    match (words.next(), words.next()) {
        (Some(url), None) => {
            let url = url.parse().map_err(|error: exchange::BadUrl| error.to_string())?;
            Ok(TargetText { weight, method, url })
        }
        _ => Err(String::from("write '[WEIGHT] [METHOD] URL', such as '3 GET localhost:8001/32'")),
    }
}

impl FromStr for Good {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut good = Self::default();
        for word in text.split(',').map(str::trim) {
            let class = word.strip_suffix("xx").and_then(|digit| digit.parse().ok());
            match (class, word.parse()) {
                (Some(class @ 1..=5), _) => good.classes.push(class),
                (None, Ok(code @ 100..=999)) => good.codes.push(code),
                _ => return Err(format!("'{word}' is no status; write for example 2xx,3xx,404")),
            }
        }
        Ok(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_wrk_and_people_write_them() {
        for (text, seconds) in [("10s", 10.0), ("10", 10.0), ("1m30s", 90.0), ("250ms", 0.25)] {
            assert_eq!(length(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for wrong in ["", "soon", "-1s", "-1", "NaN", "inf"] {
            assert!(length(wrong).is_err(), "{wrong:?}");
        }
        assert!(positive_length("0").is_err());
    }

    #[test]
    fn rates_have_units_and_numbers_endings() {
        for (text, a_second) in [("1000", 1e3), ("1000/s", 1e3), ("90/m", 1.5), ("10k", 1e4)] {
            assert_eq!(rate(text), Ok(a_second), "{text}");
        }
        for wrong in ["", "0", "-1", "1/x", "fast", "1e99", "inf", "20M"] {
            assert!(rate(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!((count("10k"), file_count("64")), (Ok(10_000), Ok(64)));
        for wrong in ["", "0", "1.5", "-2", "x"] {
            assert!(count(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn stages_are_rates_and_ramps() {
        let Stages(read) = stages("100/s:10s,100..1000/s:30s,0:5").unwrap();
        let rates: Vec<_> = read.iter().map(|stage| (stage.from, stage.to)).collect();
        assert_eq!(rates, [(100.0, 100.0), (100.0, 1000.0), (0.0, 0.0)]);
        assert_eq!(read[2].length, Some(Duration::from_secs(5)));
        assert_eq!(ramp("60..120/m"), Ok((1.0, 2.0)));
        for wrong in ["", "100", "100:0s", "x:1s", "0:5s", "1..:2s"] {
            assert!(stages(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!((share("1%"), share("0.01")), (Ok(0.01), Ok(0.01)));
        for wrong in ["", "%", "101%", "-1%", "2"] {
            assert!(share(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn targets_have_a_weight_and_a_method_if_they_want() {
        let read = |text| target(text).map(|t| (t.weight, t.method, t.url.to_string()));
        let url = || "http://a:1/32".to_owned();
        assert_eq!(read("a:1/32"), Ok((1, None, url())));
        assert_eq!(read("3 a:1/32"), Ok((3, None, url())));
        assert_eq!(read("3 POST a:1/32"), Ok((3, Some(Method::POST), url())));
        for wrong in ["", "3", "POST", "0 a", "a b c d", "9999 a"] {
            assert!(target(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn good_statuses_are_classes_and_codes() {
        let good: Good = "2xx, 404".parse().unwrap();
        assert!(good.has(200) && good.has(299) && good.has(404));
        assert!(!good.has(304) && !good.has(500) && !good.has(405));
        for wrong in ["", "xx", "6xx", "20", "ok"] {
            assert!(wrong.parse::<Good>().is_err(), "{wrong:?}");
        }
    }
}
