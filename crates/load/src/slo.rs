//! What must hold of a run: terms such as `p99<250ms,errors<1%`, and whether they do.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::distribution::needed;
use crate::numbers::{float, milliseconds, nanoseconds};
use crate::settings::{length, share};
use crate::words;

/// All that must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo(Vec<Term>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Term {
    what: What,
    relation: Relation,
    limit: f64,
}

/// What a term is about; limits of times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Quantile(f64),
    Mean,
    Max,
    /// Share of requests that failed.
    Errors,
    /// Good answers a second.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What terms are held against.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Latencies.
    pub latency: &'a crate::distribution::Distribution,
    /// Share of requests that failed.
    pub errors: f64,
    /// Good answers a second.
    pub rate: f64,
    /// Whether the generator itself was held up or at its limit: latencies may be longer, and the
    /// rate lower, than the server's.
    pub doubtful: bool,
}

/// A term and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The term as it is typed.
    pub term: String,
    /// What was measured, as people read it; or why that is not told.
    pub measured: String,
    /// Whether it holds; `None` where there were too few requests to tell.
    pub met: Option<bool>,
}

impl Slo {
    /// Whether it says anything of errors.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|term| term.what == What::Errors)
    }

    /// How many requests its percentiles need.
    #[must_use]
    pub fn needed(&self) -> u64 {
        let needed = self.0.iter().map(|term| match term.what {
            What::Quantile(quantile) => needed(quantile),
            _ => 0,
        });
        needed.max().unwrap_or(0)
    }

    /// What became of each term.
    #[must_use]
    pub fn judge(&self, judged: &Judged<'_>) -> Vec<Verdict> {
        self.0.iter().map(|term| term.judge(judged)).collect()
    }
}

impl Term {
    fn judge(&self, judged: &Judged<'_>) -> Verdict {
        let term = self.to_string();
        let Some(value) = self.value(judged) else {
            let measured = match self.what {
                What::Quantile(quantile) => {
                    let (needed, there) = (needed(quantile), judged.latency.count());
                    format!(
                        "needs {} requests, there are {}",
                        words::count(needed),
                        words::count(there)
                    )
                }
                _ => "no request".to_owned(),
            };
            return Verdict { term, measured, met: None };
        };
        let measured = self.what.text(value);
        match self.holds(value) {
            false if self.may_be_the_generators(judged) => {
                let measured = format!("{measured}, but bench itself was held up or at its limit");
                Verdict { term, measured, met: None }
            }
            holds => Verdict { term, measured, met: Some(holds) },
        }
    }

    /// Whether it may be the generator by which this is missed, and not the server. Where even the
    /// shortest latency is too long it is not.
    fn may_be_the_generators(&self, judged: &Judged<'_>) -> bool {
        let upper = matches!(self.relation, Relation::Less | Relation::AtMost);
        let shortest = judged.latency.min().map(float);
        let by_generator = match self.what {
            What::Quantile(_) | What::Mean | What::Max => {
                upper && shortest.is_some_and(|shortest| self.holds(shortest))
            }
            What::Rate => !upper,
            What::Errors => false,
        };
        judged.doubtful && by_generator
    }

    fn value(&self, judged: &Judged<'_>) -> Option<f64> {
        match self.what {
            What::Quantile(quantile) => judged.latency.told(quantile).map(float),
            What::Mean => judged.latency.mean(),
            What::Max => judged.latency.max().map(float),
            What::Errors => Some(judged.errors),
            What::Rate => Some(judged.rate),
        }
    }

    fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::Less => value < self.limit,
            Relation::AtMost => value <= self.limit,
            Relation::More => value > self.limit,
            Relation::AtLeast => value >= self.limit,
        }
    }
}

impl What {
    fn text(self, value: f64) -> String {
        match self {
            Self::Quantile(_) | Self::Mean | Self::Max => words::nanoseconds(value),
            Self::Errors => words::percent(value),
            Self::Rate => format!("{}/s", words::rate(value)),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            // A float's own digits: 99.9, not 99.90000000000001.
            What::Quantile(quantile) => write!(formatter, "p{}", (quantile * 1e8).round() / 1e6)?,
            What::Mean => formatter.write_str("mean")?,
            What::Max => formatter.write_str("max")?,
            What::Errors => formatter.write_str("errors")?,
            What::Rate => formatter.write_str("rate")?,
        }
        formatter.write_str(match self.relation {
            Relation::Less => "<",
            Relation::AtMost => "<=",
            Relation::More => ">",
            Relation::AtLeast => ">=",
        })?;
        match self.what {
            What::Quantile(_) | What::Mean | What::Max => {
                write!(formatter, "{}ms", milliseconds(crate::numbers::whole(self.limit)))
            }
            What::Errors => write!(formatter, "{}%", (self.limit * 1e8).round() / 1e6),
            What::Rate => write!(formatter, "{}/s", self.limit),
        }
    }
}

impl FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|term| term.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no term; write for example p99<250ms, mean<10ms, max<1s, errors<1% or rate>=900"
            )
        };
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(at);
        let (relation, limit) = match (rest.strip_prefix("<="), rest.strip_prefix(">=")) {
            (Some(limit), _) => (Relation::AtMost, limit),
            (_, Some(limit)) => (Relation::AtLeast, limit),
            _ if rest.starts_with('<') => (Relation::Less, &rest[1..]),
            _ => (Relation::More, &rest[1..]),
        };
        let what = match name.trim() {
            "mean" => What::Mean,
            "max" => What::Max,
            "errors" => What::Errors,
            "rate" => What::Rate,
            name => What::Quantile(quantile(name).ok_or_else(wrong)?),
        };
        let limit = limit.trim();
        let limit = match what {
            What::Errors => share(limit)?,
            What::Rate => limit
                .trim_end_matches("/s")
                .parse()
                .ok()
                .filter(|rate: &f64| rate.is_finite() && *rate >= 0.0)
                .ok_or_else(wrong)?,
            _ if limit.parse::<f64>().is_ok() => {
                return Err(format!("'{text}': say of what, such as {limit}ms or {limit}s"));
            }
            _ => float(nanoseconds(length(limit)?.min(Duration::from_hours(1)))),
        };
        Ok(Self { what, relation, limit })
    }
}

/// `p99.9` as 0.999.
fn quantile(name: &str) -> Option<f64> {
    let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
    (percent > 0.0 && percent < 100.0).then_some(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::Distribution;

    fn verdicts(terms: &str, values: u64) -> Vec<(String, String, Option<bool>)> {
        let mut latency = Distribution::default();
        (1..=values).for_each(|value| latency.record(Duration::from_millis(value)));
        let slo: Slo = terms.parse().unwrap();
        let judged = Judged { latency: &latency, errors: 0.02, rate: 950.0, doubtful: false };
        slo.judge(&judged).into_iter().map(|v| (v.term, v.measured, v.met)).collect()
    }

    #[test]
    fn what_the_generator_may_have_missed_is_not_decided() {
        let mut latency = Distribution::default();
        (1..=1_000).for_each(|value| latency.record(Duration::from_millis(value)));
        let judged = Judged { latency: &latency, errors: 0.5, rate: 90.0, doubtful: true };
        for (term, met) in [
            ("p50<400ms", None),
            ("max<1ms", Some(false)),
            ("p90<1us", Some(false)),
            ("mean<2s", Some(true)),
            ("p50>700ms", Some(false)),
            ("rate>=100", None),
            ("rate<50", Some(false)),
            ("errors<1%", Some(false)),
        ] {
            let verdicts = term.parse::<Slo>().unwrap().judge(&judged);
            assert_eq!(verdicts[0].met, met, "{verdicts:?}");
        }
    }

    #[test]
    fn terms_are_held_against_what_was_measured() {
        for (term, met) in [
            ("p50<501ms", true),
            ("p50<499ms", false),
            ("p99<=1s", true),
            ("p99.0>989ms", true),
            ("max<999ms", false),
            ("mean<0.6s", true),
            ("errors<2%", false),
            ("errors<=2%", true),
            ("rate>=950", true),
            ("rate>950/s", false),
        ] {
            assert_eq!(verdicts(term, 1_000)[0].2, Some(met), "{term}");
        }
    }

    #[test]
    fn a_term_reads_as_it_was_typed_and_too_few_requests_are_told() {
        let judged = verdicts(" p99.9 < 250ms, errors<0.1%,rate>=900/s", 100);
        let terms: Vec<_> = judged.iter().map(|(term, ..)| term.as_str()).collect();
        assert_eq!(terms, ["p99.9<250ms", "errors<0.1%", "rate>=900/s"]);
        assert_eq!(judged[0].1, "needs 10,000 requests, there are 100");
        assert_eq!(judged[0].2, None);
        assert!("errors<1%".parse::<Slo>().unwrap().has_errors());
        assert!(!"p50<1s".parse::<Slo>().unwrap().has_errors());
    }

    #[test]
    fn what_is_no_term_is_refused_with_one() {
        for wrong in ["", "p99", "p99<", "p99<5", "p0<1s", "p100<1s", "x<1s", "errors<2", "rate>x"]
        {
            assert!(wrong.parse::<Slo>().is_err(), "{wrong:?}");
        }
        assert!("p99<250".parse::<Slo>().unwrap_err().contains("250ms"));
    }
}
