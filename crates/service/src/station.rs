//! A queueing station: at most so many requests at a time, each for a service time, first come
//! first served. It gives rng and hasher the speed the lesson needs, and tells exactly how long a
//! request queued and was served. It knows nothing of HTTP but the header that reports this.
//!
//! A process is never woken exactly in time. A station that started the next request only then
//! would be slower than its service time says, so each of its slots keeps its own time: a request
//! that waited starts when the one before it was due to end. At most [`SLACK`] is caught
//! up this way; a process that was really held up has really lost that capacity.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use hyper::header::HeaderValue;
use rand_distr::{Distribution as _, Exp1, StandardNormal};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::pause;
use crate::settings::duration;

/// How much of a late wake-up a slot makes good.
pub const SLACK: Duration = Duration::from_millis(10);

/// The settings of a station. `--concurrency` is the service's own flag, since each has its own
/// default.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Station")]
pub struct ServiceTime {
    /// Mean time a request is worked on; 0 for no delay at all
    #[arg(long = "service-time", id = "service_time", value_name = "TIME",
          default_value = "100ms", value_parser = duration)]
    #[serde(rename = "service_time_ms", serialize_with = "as_milliseconds")]
    pub mean: Duration,
    /// How the service time varies around its mean
    #[arg(long, value_name = "NAME", default_value = "fixed")]
    pub distribution: Distribution,
    /// Coefficient of variation of the log-normal distribution
    #[arg(long, value_name = "CV", default_value = "0.5", value_parser = variation)]
    pub variation: f64,
}

/// How a service time varies around its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Always the mean.
    Fixed,
    /// Memoryless, as textbook queues have it.
    Exponential,
    /// Skewed, as real services are.
    LogNormal,
}

impl ServiceTime {
    /// Always exactly `mean`.
    #[must_use]
    pub fn fixed(mean: Duration) -> Self {
        Self { mean, distribution: Distribution::Fixed, variation: 0.5 }
    }

    fn sample(&self) -> Duration {
        let factor: f64 = match self.distribution {
            Distribution::Fixed => return self.mean,
            Distribution::Exponential => Exp1.sample(&mut rand::rng()),
            Distribution::LogNormal => {
                // Parameters of the underlying normal for mean 1 and the wanted variation.
                let variance = (self.variation * self.variation).ln_1p();
                let normal: f64 = StandardNormal.sample(&mut rand::rng());
                (normal * variance.sqrt() - variance / 2.0).exp()
            }
        };
        self.mean.mul_f64(factor)
    }
}

fn variation(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=10.0).contains(&value) => Ok(value),
        _ => Err(String::from("must be a number from 0 to 10")),
    }
}

fn as_milliseconds<S: serde::Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_f64(time.as_secs_f64() * 1000.0)
}

/// Requests pass through a station one slot each, in order of arrival.
#[derive(Debug)]
pub struct Station {
    service_time: ServiceTime,
    slots: Option<Slots>,
}

/// A station's slots: permits in order of arrival, and for each free slot since when it is free.
#[derive(Debug)]
struct Slots {
    concurrency: NonZeroU32,
    permits: Semaphore,
    free_since: Mutex<BinaryHeap<Reverse<Instant>>>,
}

/// How long a request queued and was served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From its arrival to the start of service.
    pub queue: Duration,
    /// From there to the end of service.
    pub service: Duration,
}

impl Timing {
    /// The value of the W3C `Server-Timing` header, in milliseconds with microsecond digits.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        const NOTHING: HeaderValue = HeaderValue::from_static("queue;dur=0.000, service;dur=0.000");
        if *self == Self::default() {
            return NOTHING;
        }
        let mut line = Vec::with_capacity(48);
        line.extend_from_slice(b"queue;dur=");
        push_milliseconds(&mut line, self.queue);
        line.extend_from_slice(b", service;dur=");
        push_milliseconds(&mut line, self.service);
        HeaderValue::from_maybe_shared(bytes::Bytes::from(line)).unwrap_or(NOTHING)
    }
}

/// `1234.567`, without the machinery of formatting: it runs twice for every request.
fn push_milliseconds(line: &mut Vec<u8>, time: Duration) {
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    let mut rest = microseconds;
    // At least one digit before the point.
    while rest > 0 || first > digits.len() - 4 {
        first -= 1;
        digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    let point = digits.len() - 3;
    line.extend_from_slice(&digits[first..point]);
    line.push(b'.');
    line.extend_from_slice(&digits[point..]);
}

impl Station {
    /// A station for `concurrency` requests at a time (`None`: any number).
    #[must_use]
    pub fn new(service_time: ServiceTime, concurrency: Option<NonZeroU32>) -> Self {
        let slots = concurrency.map(|concurrency| {
            let now = Instant::now();
            let free = (0..concurrency.get()).map(|_| Reverse(now)).collect();
            let permits = Semaphore::new(concurrency.get() as usize);
            Slots { concurrency, permits, free_since: Mutex::new(free) }
        });
        Self { service_time, slots }
    }

    /// Waits for a slot, holds it for one service time, and says how long each took. Dropping
    /// the future gives the slot back at once.
    pub async fn serve(&self) -> Timing {
        self.serve_longer(Duration::ZERO).await
    }

    /// The same with `extra` added to the service time.
    pub async fn serve_longer(&self, extra: Duration) -> Timing {
        self.pass(self.service_time.sample() + extra).await
    }

    /// Waits for a slot and frees it at once: a request without work of its own still stands in
    /// the queue.
    pub async fn queue(&self) -> Timing {
        self.pass(Duration::ZERO).await
    }

    /// What `/health` tells of the station: `concurrency` (null: unlimited) and its service time.
    #[must_use]
    pub fn describe(&self) -> serde_json::Value {
        let concurrency = self.slots.as_ref().map(|slots| slots.concurrency.get());
        let mut shown = serde_json::json!(self.service_time);
        shown["concurrency"] = concurrency.into();
        shown
    }

    async fn pass(&self, service: Duration) -> Timing {
        if self.service_time.mean.is_zero() && service.is_zero() {
            // Nobody holds a slot but for an extra delay, so nobody else waits for one.
            return Timing::default();
        }
        let arrival = Instant::now();
        let Some(slots) = &self.slots else {
            pause::roughly(arrival + service).await;
            return Timing { queue: Duration::ZERO, service };
        };
        // The semaphore is never closed, so there is no error to meet.
        let permit = slots.permits.acquire().await.ok();
        let mut slot = slots.take(permit, arrival);
        let (start, end) = (slot.start, slot.start + service);
        if !service.is_zero() {
            pause::until(end, slots.concurrency.get()).await;
        }
        slot.end = Some(end);
        Timing { queue: start - arrival, service }
    }
}

impl Slots {
    fn take<'a>(&'a self, permit: Option<SemaphorePermit<'a>>, arrival: Instant) -> Slot<'a> {
        let now = Instant::now();
        let free = self.free().pop().map_or(now, |Reverse(since)| since);
        let caught_up = free.max(now.checked_sub(SLACK).unwrap_or(free));
        Slot { slots: self, start: caught_up.max(arrival), end: None, _permit: permit }
    }

    fn free(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Instant>>> {
        self.free_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot in use. It is free again from its `end`, or from the moment it was given up.
struct Slot<'a> {
    slots: &'a Slots,
    start: Instant,
    end: Option<Instant>,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let since = self.end.unwrap_or_else(Instant::now);
        self.slots.free().push(Reverse(since));
    }
}

#[cfg(test)]
mod tests;
