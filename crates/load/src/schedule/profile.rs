//! The rate of an open loop over time, in straight pieces, and its integral both ways: how many
//! requests are due by a time, and when the next one is.

use std::time::Duration;

/// A piece of a profile: the rate goes from one value to another in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Requests a second at its beginning.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
    /// How long it is; `None`, at the end only, for one that does not end.
    pub length: Option<Duration>,
}

/// The rate over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    stages: Vec<Stage>,
}

impl Stage {
    /// Requests in the first `seconds` of this stage.
    fn count(&self, seconds: f64) -> f64 {
        seconds * (self.from + self.rate(seconds)) / 2.0
    }

    /// The rate after `seconds`.
    fn rate(&self, seconds: f64) -> f64 {
        match self.length.map(|length| length.as_secs_f64()) {
            Some(length) if length > 0.0 => self.from + (self.to - self.from) * seconds / length,
            _ => self.from,
        }
    }

    /// After how many seconds `count` requests were due.
    fn seconds(&self, count: f64) -> f64 {
        // A stage may begin at a rate of 0, and rounding may leave less than nothing of a count.
        if count <= 0.0 {
            return 0.0;
        }
        let slope = self.length.map_or(0.0, |length| (self.to - self.from) / length.as_secs_f64());
        // The root of `slope / 2 * t^2 + from * t = count`, in the form that a slope of 0 does not
        // break.
        let root = (self.from * self.from + 2.0 * slope * count).max(0.0).sqrt();
        2.0 * count / (self.from + root)
    }
}

impl Profile {
    /// The same rate all the time, without an end.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self { stages: vec![Stage { from: rate, to: rate, length: None }] }
    }

    /// Stages one after the other.
    #[must_use]
    pub fn new(stages: Vec<Stage>) -> Self {
        Self { stages }
    }

    /// Its stages.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The same with a time before it at its first rate.
    #[must_use]
    pub fn after_warmup(&self, warmup: Duration) -> Self {
        let first = self.stages.first().map(|stage| stage.from);
        let before = first.map(|rate| Stage { from: rate, to: rate, length: Some(warmup) });
        let before = before.filter(|_| !warmup.is_zero());
        Self { stages: before.into_iter().chain(self.stages.iter().copied()).collect() }
    }

    /// The same, ended after `length` where it went on.
    #[must_use]
    pub fn ended_after(&self, length: Duration) -> Self {
        let end = |stage: &Stage| Stage { length: Some(stage.length.unwrap_or(length)), ..*stage };
        Self { stages: self.stages.iter().map(end).collect() }
    }

    /// How long it is; `None` without an end.
    #[must_use]
    pub fn length(&self) -> Option<Duration> {
        self.stages.iter().map(|stage| stage.length).sum()
    }

    /// When the request with this number (from 0, whole or not) is due, from the start; `None`
    /// where the profile has ended by then.
    #[must_use]
    pub fn when(&self, number: f64) -> Option<Duration> {
        let (mut before, mut start) = (0.0, Duration::ZERO);
        for stage in &self.stages {
            let Some(length) = stage.length else {
                return Some(start + Duration::from_secs_f64(stage.seconds(number - before)));
            };
            let count = stage.count(length.as_secs_f64());
            if number - before < count {
                return Some(start + Duration::from_secs_f64(stage.seconds(number - before)));
            }
            before += count;
            start += length;
        }
        None
    }

    /// How many requests are due in the first `elapsed`.
    #[must_use]
    pub fn expected(&self, elapsed: Duration) -> f64 {
        let mut left = elapsed.as_secs_f64();
        let mut sum = 0.0;
        for stage in &self.stages {
            let length = stage.length.map_or(left, |length| length.as_secs_f64().min(left));
            sum += stage.count(length);
            left -= length;
        }
        sum
    }

    /// The average rate from one time to a later one: exactly the rate of a profile that has but
    /// one.
    #[must_use]
    pub fn average(&self, from: Duration, to: Duration) -> f64 {
        let first = self.stages.first().map_or(0.0, |stage| stage.from);
        let same = |rate: f64| rate.total_cmp(&first).is_eq();
        let constant = self.stages.iter().all(|stage| same(stage.from) && same(stage.to));
        match to.saturating_sub(from) {
            length if constant || length.is_zero() => first,
            length => (self.expected(to) - self.expected(from)) / length.as_secs_f64(),
        }
    }

    /// The rate after `elapsed`; 0 behind its end.
    #[must_use]
    pub fn rate(&self, elapsed: Duration) -> f64 {
        let mut left = elapsed;
        for stage in &self.stages {
            match stage.length {
                Some(length) if left >= length => left -= length,
                _ => return stage.rate(left.as_secs_f64()),
            }
        }
        0.0
    }
}
