//! When a thread of the generator could not run though it had to. A beat is due every few
//! milliseconds; a clock reading that comes long after the beat was due says that the thread was
//! held up until then. It reads no clock itself, but for what a hold-up was made of once there was
//! one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// A beat is due this often.
pub(crate) const BEAT: Duration = Duration::from_millis(10);
/// A beat that is late by more than this was held up.
const LATE: Duration = Duration::from_millis(10);
/// Of hold-ups as long as this, one in which the thread neither worked nor waited for a processor
/// was a stop. Shorter ones are too near what clocks and beats can distinguish.
const STOP: Duration = Duration::from_millis(100);
/// A thread that is occupied for more than this many quarters of the time has hardly any left.
const PRESSED: u32 = 3;
/// Hold-ups that are remembered, so that what was due in one is known when it is sent.
const REMEMBERED: usize = 64;

/// Times in which a thread did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// How many.
    pub times: u64,
    /// All of them.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

/// How one thread was held up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HoldUps {
    /// Beats that came late, and by how much: the least that it was held up.
    pub late: Gaps,
    /// Of those, the ones in which it neither ran nor waited for a processor: it was stopped by a
    /// signal or a debugger, or the machine stood still.
    pub stopped: Gaps,
    /// How long it was ready to run and waited for a processor, as the kernel counts it; throttling
    /// by a quota is part of it. `None` where the kernel does not count.
    pub waited: Option<Waits>,
}

/// Waits for a processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many.
    pub times: u64,
    /// All of them.
    pub time: Duration,
}

/// What a thread had used at some time.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    /// CPU time.
    worked: Duration,
    /// Waits on a run queue.
    waited: Option<Waits>,
}

/// Watches one thread.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// When the next beat is due.
    due: Cell<Instant>,
    /// From when on it is late; kept beside, since each response is held against it.
    late: Cell<Instant>,
    /// What the thread had used at the last beat.
    used: Cell<Used>,
    /// What it had when the watch began.
    first: Cell<Used>,
    /// The last hold-ups, each from when a beat was due to its end, in order.
    last: RefCell<VecDeque<(Instant, Instant)>>,
    /// Whether the thread had hardly any time left between the last two beats.
    pressed: Cell<bool>,
    seen: Cell<HoldUps>,
    /// The kernel's count of this thread's waits, where there is one.
    schedstat: Option<File>,
}

impl Gaps {
    fn add(&mut self, length: Duration) {
        self.times += 1;
        self.total += length;
        self.longest = self.longest.max(length);
    }
}

impl HoldUps {
    /// The least that the thread is known to have been held up.
    #[must_use]
    pub fn total(&self) -> Duration {
        let waited = self.waited.unwrap_or_default().time + self.stopped.total;
        waited.max(self.late.total)
    }
}

impl Waits {
    fn since(self, before: Self) -> Self {
        Self {
            times: self.times.saturating_sub(before.times),
            time: self.time.saturating_sub(before.time),
        }
    }

    /// The mean of them.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let times = u32::try_from(self.times).unwrap_or(u32::MAX);
        self.time.checked_div(times).unwrap_or_default()
    }
}

impl Monitor {
    /// A watch that begins at `now`, on the thread to be watched.
    pub(crate) fn new(now: Instant) -> Self {
        let schedstat = File::open("/proc/thread-self/schedstat").ok();
        let used = Cell::new(Used::now(schedstat.as_ref()));
        Self {
            due: Cell::new(now + BEAT),
            late: Cell::new(now + BEAT + LATE),
            first: used.clone(),
            used,
            last: RefCell::new(VecDeque::with_capacity(REMEMBERED)),
            pressed: Cell::new(false),
            seen: Cell::default(),
            schedstat,
        }
    }

    /// Begins anew at `now`: what was before does not count.
    pub(crate) fn restart(&self, now: Instant) {
        let used = self.used();
        self.due_after(now);
        self.used.set(used);
        self.first.set(used);
        self.last.borrow_mut().clear();
        self.pressed.set(false);
        self.seen.set(HoldUps::default());
    }

    /// The thread's clock reads `now`: had a beat been due long before, it was held up until now.
    #[inline]
    pub(crate) fn reads(&self, now: Instant) {
        if now > self.late.get() {
            self.held_up(now);
        }
    }

    /// The beat, at `now`; the next one is due a little later.
    pub(crate) fn beat(&self, now: Instant) {
        self.reads(now);
        let used = self.used();
        self.weigh(now, used);
        self.due_after(now);
        self.used.set(used);
    }

    /// Whether a request that is late is so because of the generator: it was held up when it was
    /// due, or has hardly any time left. A thread that waits for responses has.
    pub(crate) fn is_why(&self, due: Instant) -> bool {
        self.pressed.get() || self.covers(due)
    }

    /// Whether the thread was held up at `due`.
    fn covers(&self, due: Instant) -> bool {
        let last = self.last.borrow();
        let ended = last.partition_point(|(_, to)| *to < due);
        last.get(ended).is_some_and(|(from, _)| *from <= due)
    }

    /// What was seen since the beginning.
    pub(crate) fn seen(&self) -> HoldUps {
        let (first, now) = (self.first.get(), self.used());
        let waited = now.waited.zip(first.waited);
        let waited = waited.map(|(now, first)| now.since(first));
        HoldUps { waited, ..self.seen.get() }
    }

    /// Sees how much of the time since the last beat the thread worked or waited for a processor.
    fn weigh(&self, now: Instant, used: Used) {
        let before = self.used.get();
        let waited = used.waited.zip(before.waited).map(|(now, was)| now.since(was).time);
        let occupied = used.worked.saturating_sub(before.worked) + waited.unwrap_or_default();
        let elapsed = (now + BEAT).saturating_duration_since(self.due.get());
        if !elapsed.is_zero() {
            self.pressed.set(occupied > elapsed * PRESSED / 4);
        }
    }

    fn due_after(&self, now: Instant) {
        self.due.set(now + BEAT);
        self.late.set(now + BEAT + LATE);
    }

    fn used(&self) -> Used {
        Used::now(self.schedstat.as_ref())
    }

    #[cold]
    fn held_up(&self, now: Instant) {
        let due = self.due.get();
        let late = now.saturating_duration_since(due);
        let (before, used) = (self.used.get(), self.used());
        let mut seen = self.seen.get();
        seen.late.add(late);
        let worked = used.worked.saturating_sub(before.worked);
        let waited = used.waited.zip(before.waited).map(|(now, was)| now.since(was).time);
        // Where the kernel does not count waits, a stop cannot be distinguished from one.
        if let Some(waited) = waited {
            let stopped = late.saturating_sub(worked + waited);
            if stopped >= STOP {
                seen.stopped.add(stopped);
            }
        }
        self.seen.set(seen);
        self.weigh(now, used);
        let mut last = self.last.borrow_mut();
        if last.len() == REMEMBERED {
            last.pop_front();
        }
        last.push_back((due, now));
        drop(last);
        self.due_after(now);
        self.used.set(used);
    }
}

impl Used {
    fn now(schedstat: Option<&File>) -> Self {
        Self { worked: thread_time(), waited: schedstat.and_then(waited_for_processor) }
    }
}

/// How long this thread has worked.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How often and how long this thread was ready to run and did not.
fn waited_for_processor(schedstat: &File) -> Option<Waits> {
    let mut text = [0; 80];
    let length = schedstat.read_at(&mut text, 0).ok()?;
    waits(std::str::from_utf8(&text[..length]).ok()?)
}

/// The second number of `schedstat`, in nanoseconds, and the third: how many times the thread was
/// given a processor (`Documentation/scheduler/sched-stats.rst`).
fn waits(schedstat: &str) -> Option<Waits> {
    let mut numbers = schedstat.split_whitespace().skip(1).map(|number| number.parse().ok());
    let time = Duration::from_nanos(numbers.next()??);
    Some(Waits { times: numbers.next()??, time })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_beat_in_time_is_no_hold_up() {
        let start = Instant::now();
        let monitor = Monitor::new(start);
        for number in 1..=20 {
            monitor.reads(start + BEAT * number);
            monitor.beat(start + BEAT * number + 3 * MILLISECOND);
        }
        assert_eq!(monitor.seen.get(), HoldUps::default());
        assert!(!monitor.covers(start + BEAT));
    }

    #[test]
    fn what_was_due_in_a_hold_up_is_covered_and_nothing_else() {
        let start = Instant::now();
        let monitor = Monitor::new(start);
        monitor.beat(start + BEAT);
        let end = start + 700 * MILLISECOND;
        monitor.reads(end);
        // The same hold-up is seen once.
        monitor.reads(end + MILLISECOND);
        monitor.beat(end + 2 * MILLISECOND);
        let seen = monitor.seen.get();
        assert_eq!((seen.late.times, seen.late.longest), (1, 680 * MILLISECOND));
        assert!(monitor.covers(start + 300 * MILLISECOND) && monitor.covers(end));
        assert!(!monitor.covers(end + 5 * MILLISECOND) && !monitor.covers(start));
    }

    #[test]
    fn the_time_between_hold_ups_is_none() {
        let start = Instant::now();
        let monitor = Monitor::new(start);
        // As under a quota of a tenth: 10 ms of work, 90 ms of waiting.
        for period in 1..=100 {
            monitor.beat(start + 100 * MILLISECOND * period);
        }
        let at = |ms| monitor.covers(start + ms * MILLISECOND);
        assert_eq!(monitor.seen.get().late.times, 100);
        assert!(at(9_950) && at(9_200) && !at(9_905) && !at(9_805), "{monitor:?}");
        assert!(at(5_050) && !at(550), "the oldest are forgotten");
        let later = start + Duration::from_mins(1);
        monitor.restart(later);
        monitor.beat(later + BEAT);
        monitor.beat(later + 90 * MILLISECOND);
        assert!(!at(9_950) && at(60_050));
        assert_eq!(monitor.seen.get().late.times, 1);
    }

    #[test]
    fn a_thread_without_time_left_is_pressed_until_it_has_some() {
        let start = Instant::now();
        let monitor = Monitor::new(start);
        // Its own work, a quarter of a beat's time and then all of it, is as good as a wait.
        let used = |worked| Used { worked: monitor.used.get().worked + worked, waited: None };
        monitor.weigh(start + BEAT, used(BEAT / 4));
        assert!(!monitor.is_why(start));
        monitor.weigh(start + BEAT, used(BEAT));
        assert!(monitor.is_why(start) && !monitor.covers(start));
        monitor.weigh(start + BEAT, used(BEAT / 4));
        assert!(!monitor.is_why(start));
    }

    #[test]
    fn a_thread_that_slept_through_its_beats_was_stopped() {
        let start = Instant::now();
        let monitor = Monitor::new(start);
        // Neither work nor a wait for a processor accounts for a time that only the clock has.
        monitor.reads(start + Duration::from_secs(3));
        let seen = monitor.seen();
        if seen.waited.is_some() {
            assert_eq!(seen.stopped.times, 1, "{seen:?}");
            assert!(seen.stopped.longest > Duration::from_secs(2), "{seen:?}");
        }
        assert!(seen.total() > Duration::from_secs(2), "{seen:?}");
    }

    #[test]
    fn the_kernels_count_of_waits_is_its_second_and_third_number() {
        let counted = waits("123 4088062 4\n").unwrap();
        assert_eq!((counted.times, counted.time), (4, Duration::from_nanos(4_088_062)));
        assert_eq!(counted.mean(), Duration::from_nanos(1_022_015));
        assert_eq!([waits(""), waits("0 x 1"), waits("7 8")], [None; 3]);
        assert_eq!(Waits::default().mean(), Duration::ZERO);
    }
}
