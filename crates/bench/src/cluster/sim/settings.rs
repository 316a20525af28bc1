//! Settings of a simulated app as they are typed.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use model::Policy;
use service::settings::{duration, positive_duration};

use super::clocks::Shown;
use super::conditions::{Jitter, Part, Setting, Timed};

/// What can be set, for the help and for whoever mistyped it.
pub const SETTINGS: &str = "think, rng, hasher, redis, network, start and jitter (times; jitter also \
    exponential), rng.N and hasher.N (a time, or dead, of one replica), rng-places, hasher-places, \
    rng-declares, hasher-declares and hung-workers (numbers), rng-quota and hasher-quota (per cent of \
    the processor time that it needs), rng-fails and hasher-fails (per cent of requests), policy \
    (round-robin, random, least-outstanding, vip, sticky, stale:N), tells (yes, no), clock and \
    worker-clock (a time with its sign by which webui's clock, or that of one worker, is set), seed";

impl FromStr for Timed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, rest) = text.split_once('=').ok_or("write KEY=VALUE or KEY=VALUE@TIME")?;
        let (value, from) = match rest.split_once('@') {
            Some((value, from)) => (value, positive_duration(from)?),
            None => (rest, Duration::ZERO),
        };
        let setting = setting(key, value).map_err(|why| format!("{key}: {why}"))?;
        Ok(Self { from, setting })
    }
}

fn setting(key: &str, value: &str) -> Result<Setting, String> {
    let unknown = || format!("there is no such setting; there are {SETTINGS}");
    let part = |name: &str| match name {
        "rng" => Ok(Part::Rng),
        "hasher" => Ok(Part::Hasher),
        _ => Err(unknown()),
    };
    if let Some((name, what)) =
        key.split_once('-').filter(|_| !matches!(key, "hung-workers" | "worker-clock"))
    {
        return match what {
            "places" => Ok(Setting::Places(part(name)?, number(value)?)),
            "declares" if value == "none" => Ok(Setting::Declares(part(name)?, None)),
            "declares" => Ok(Setting::Declares(part(name)?, Some(number(value)?))),
            "quota" => Ok(Setting::Quota(part(name)?, per_cent(value)?)),
            "fails" => Ok(Setting::Fails(part(name)?, per_cent(value)?)),
            _ => Err(unknown()),
        };
    }
    if let Some((name, of)) = key.split_once('.') {
        let number = number(of)?.get();
        if value == "dead" {
            return Ok(Setting::Dead(part(name)?, number));
        }
        return Ok(Setting::Service(part(name)?, Some(number), positive_duration(value)?));
    }
    Ok(match key {
        "think" => Setting::Think(duration(value)?),
        "redis" => Setting::Service(Part::Redis, None, positive_duration(value)?),
        "network" => Setting::Network(duration(value)?),
        "start" => Setting::Start(duration(value)?),
        "jitter" if value == "exponential" => Setting::Jitter(Jitter::Exponential),
        "jitter" => Setting::Jitter(Jitter::Deviation(duration(value)?)),
        "hung-workers" => Setting::HungWorkers(whole(value)?),
        "policy" => Setting::Policy(policy(value)?),
        "tells" => Setting::Tells(yes(value)?),
        "clock" => Setting::Clock(Shown::Webui, signed(value)?),
        "worker-clock" => Setting::Clock(Shown::Worker, signed(value)?),
        "seed" => Setting::Seed(whole(value)?),
        name => Setting::Service(part(name)?, None, positive_duration(value)?),
    })
}

/// How requests are spread.
pub(super) fn policy(value: &str) -> Result<Policy, String> {
    match value.split_once(':') {
        Some(("stale", before)) => Ok(Policy::Stale(number(before)?)),
        Some(_) => Err("only stale has a number".to_owned()),
        None => match value {
            "round-robin" => Ok(Policy::RoundRobin),
            "random" => Ok(Policy::Random),
            "least-outstanding" => Ok(Policy::LeastOutstanding),
            "vip" => Ok(Policy::SharedRoundRobin),
            "sticky" => Ok(Policy::Sticky),
            _ => Err("round-robin, random, least-outstanding, vip, sticky or stale:N".to_owned()),
        },
    }
}

fn yes(value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

/// A time with its sign, in microseconds.
fn signed(text: &str) -> Result<i64, String> {
    let (sign, time) = match text.strip_prefix('-') {
        Some(time) => (-1, time),
        None => (1, text.trim_start_matches('+')),
    };
    let micros = i64::try_from(positive_duration(time)?.as_micros());
    micros.map(|micros| sign * micros).map_err(|_| "too long a time".to_owned())
}

fn number(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "a whole number from 1 on".to_owned())
}

fn per_cent(text: &str) -> Result<u8, String> {
    match text.trim_end_matches('%').parse() {
        Ok(share @ 1..=99) => Ok(share),
        _ => Err("per cent, from 1 to 99".to_owned()),
    }
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "a whole number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_the_time_they_begin() {
        let read = |text: &str| text.parse::<Timed>().unwrap();
        let slow = Setting::Service(Part::Rng, Some(2), Duration::from_millis(200));
        assert_eq!(read("rng.2=200ms"), Timed { from: Duration::ZERO, setting: slow.clone() });
        assert_eq!(read("rng.2=200ms@20s"), Timed { from: Duration::from_secs(20), setting: slow });
        assert_eq!(read("policy=stale:1").setting, Setting::Policy(Policy::Stale(NonZeroU32::MIN)));
        assert_eq!(read("hasher-declares=none").setting, Setting::Declares(Part::Hasher, None));
        assert_eq!(read("hung-workers=3").setting, Setting::HungWorkers(3));
        assert_eq!(read("rng.3=dead").setting, Setting::Dead(Part::Rng, 3));
        assert_eq!(read("hasher-quota=40%").setting, Setting::Quota(Part::Hasher, 40));
        let hour = 3_600_000_000;
        assert_eq!(read("clock=+1h@20s").setting, Setting::Clock(Shown::Webui, hour));
        assert_eq!(read("worker-clock=-1h@9s").setting, Setting::Clock(Shown::Worker, -hour));
        assert_eq!(read("rng-fails=5").setting, Setting::Fails(Part::Rng, 5));
        for wrong in [
            "rng-quota=0",
            "rng-fails=100",
            "rng",
            "rng=0",
            "rng.0=1s",
            "mars=1s",
            "policy=best",
            "rng-moons=2",
            "clock=yesterday",
            "think=x",
            "a@b",
        ] {
            assert!(wrong.parse::<Timed>().is_err(), "{wrong} was accepted");
        }
        for unknown in ["mars=1s", "rng-moons=2"] {
            let said = unknown.parse::<Timed>().unwrap_err();
            assert!(said.contains("hung-workers"), "{unknown}: {said}");
        }
    }
}
