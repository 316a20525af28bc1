//! What one thread of a run writes down between two deliveries, and the sum of such pieces. It
//! judges nothing: what the numbers mean is decided in `summary`.

mod by_due;

use std::time::Duration;

use exchange::{Answer, Failure, Kind, Phases};

use crate::distribution::Distribution;
pub use by_due::ByDue;

/// What was written down.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// From due to done: of answers, of requests that took too long, and of those that were never
    /// sent, at the time that had passed by then; at the end some of `unfinished` too.
    pub latency: Distribution,
    /// From sent to done, of answers.
    pub service: Distribution,
    /// From due, or from when the connection became free, to sent: what the generator itself
    /// added.
    pub lateness: Distribution,
    /// From due to the failure, of requests that failed otherwise than by taking too long.
    pub failed: Distribution,
    /// From due to the stop, of requests that were under way then.
    pub unfinished: Distribution,
    /// From due to done, as in `latency`, by when the requests were due.
    pub by_due: ByDue,
    /// Phases of new connections: resolve, connect, tls.
    pub dialled: [Distribution; 3],
    /// Counts.
    pub counts: Counts,
    /// Answers by status code.
    pub statuses: Statuses,
    /// Failures by kind, each with the first one's words.
    pub failures: Vec<(Kind, u64, Failure)>,
    /// The first failure for want of a connection.
    pub unconnected: Option<Failure>,
}

/// What is only counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were sent, or could not be for want of a connection.
    pub sent: u64,
    /// Of those, sent late because no connection was free when they were due.
    pub late: Late,
    /// Of those, sent as soon as they were due, by what became of them.
    pub in_time: InTime,
    /// Due by the end, and never sent.
    pub unsent: u64,
    /// Sent before the window opened; counted nowhere else.
    pub warmup: u64,
    /// Answers that came before the window closed, and were good.
    pub good_in_window: u64,
    /// Answers that came before the window closed.
    pub answers_in_window: u64,
    /// Answers whose status is one of those that are good.
    pub good: u64,
    /// Sent once more, since the server had closed the kept connection meanwhile.
    pub repeated: u64,
    /// Responses that were followed by bytes that belong to none.
    pub excess: u64,
    /// Bytes of requests.
    pub bytes_sent: u64,
    /// Bytes of answers, heads among them.
    pub bytes_received: u64,
    /// Connections made.
    pub connects: u64,
    /// Of those, in the place of an earlier one.
    pub reconnects: u64,
    /// Connections that could not be made.
    pub connect_failures: u64,
}

/// Why no connection was free when a request was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// All were waiting for a response.
    pub waited: u64,
    /// Those that were not could not be made.
    pub unconnected: u64,
    /// The generator itself could not run.
    pub held_up: u64,
}

/// What became of requests that were not sent late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InTime {
    /// No connection could be made for them.
    pub unconnected: u64,
    /// They failed otherwise.
    pub failed: u64,
    /// They were answered after the window closed.
    pub answered_later: u64,
}

/// Numbers of answers by status code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u64)>);

impl Statuses {
    /// Counts `number` answers. There are few codes in a run, so looking through them is fast.
    pub fn add(&mut self, status: u16, number: u64) {
        match self.0.iter_mut().find(|(code, _)| *code == status) {
            Some((_, count)) => *count += number,
            None => self.0.push((status, number)),
        }
    }

    /// Codes and numbers, by code.
    #[must_use]
    pub fn sorted(&self) -> Vec<(u16, u64)> {
        let mut sorted: Vec<_> = self.0.iter().copied().filter(|(_, count)| *count > 0).collect();
        sorted.sort_unstable();
        sorted
    }

    /// All answers.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        let Self {
            sent,
            late,
            in_time,
            unsent,
            warmup,
            good_in_window,
            answers_in_window,
            good,
            repeated,
            excess,
            bytes_sent,
            bytes_received,
            connects,
            reconnects,
            connect_failures,
        } = other;
        self.sent += sent;
        self.late.waited += late.waited;
        self.late.unconnected += late.unconnected;
        self.late.held_up += late.held_up;
        self.in_time.unconnected += in_time.unconnected;
        self.in_time.failed += in_time.failed;
        self.in_time.answered_later += in_time.answered_later;
        self.unsent += unsent;
        self.warmup += warmup;
        self.good_in_window += good_in_window;
        self.answers_in_window += answers_in_window;
        self.good += good;
        self.repeated += repeated;
        self.excess += excess;
        self.bytes_sent += bytes_sent;
        self.bytes_received += bytes_received;
        self.connects += connects;
        self.reconnects += reconnects;
        self.connect_failures += connect_failures;
    }
}

impl Recording {
    /// An answer, with its times from due and from sent.
    pub fn answer(&mut self, answer: &Answer, latency: Duration, service: Duration) {
        self.latency.record(latency);
        self.service.record(service);
        self.statuses.add(answer.status, 1);
        self.counts.bytes_received += answer.head_bytes + answer.body_bytes;
        self.counts.excess += u64::from(answer.excess);
    }

    /// A request that brought no answer in the time from when it was due.
    pub fn failure(&mut self, failure: Failure, latency: Duration) {
        match failure.kind() {
            Kind::Timeout => self.latency.record(latency),
            _ => self.failed.record(latency),
        }
        self.fail(failure.kind(), 1, failure);
    }

    /// A request that was due `latency` ago and will not be sent any more.
    pub fn unsent(&mut self, latency: Duration) {
        self.latency.record(latency);
        self.counts.unsent += 1;
    }

    /// A request that was due `latency` ago and is not waited for any longer.
    pub fn unfinished(&mut self, latency: Duration) {
        self.unfinished.record(latency);
    }

    /// Takes what a stop cut off into the latencies, as far as it says something of them: a request
    /// that had not yet taken as long as most do would only make them look shorter.
    pub fn settle_unfinished(&mut self) {
        let median = self.latency.quantile(0.5).unwrap_or(0);
        for (value, count) in self.unfinished.recorded().filter(|(value, _)| *value >= median) {
            for _ in 0..count {
                self.latency.record(Duration::from_nanos(value));
            }
        }
    }

    /// A new connection, with how long its parts took.
    pub fn dialled(&mut self, phases: &Phases, again: bool) {
        self.counts.connects += 1;
        self.counts.reconnects += u64::from(again);
        let parts = [phases.resolve, phases.connect, phases.tls];
        for (distribution, part) in self.dialled.iter_mut().zip(parts) {
            if let Some(part) = part {
                distribution.record(part);
            }
        }
    }

    /// All failures.
    #[must_use]
    pub fn failed_requests(&self) -> u64 {
        self.failures.iter().map(|(_, count, _)| count).sum()
    }

    /// Adds what another piece holds.
    pub fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency);
        self.service.add(&other.service);
        self.lateness.add(&other.lateness);
        self.failed.add(&other.failed);
        self.unfinished.add(&other.unfinished);
        self.by_due.add(&other.by_due);
        for (mine, others) in self.dialled.iter_mut().zip(&other.dialled) {
            mine.add(others);
        }
        self.counts.add(&other.counts);
        for (status, count) in &other.statuses.0 {
            self.statuses.add(*status, *count);
        }
        for (kind, count, failure) in &other.failures {
            self.fail(*kind, *count, failure.clone());
        }
        if self.unconnected.is_none() {
            self.unconnected.clone_from(&other.unconnected);
        }
    }

    /// Forgets everything, and keeps its memory for what comes next.
    pub fn clear(&mut self) {
        let distributions = [&mut self.latency, &mut self.service, &mut self.lateness];
        distributions.into_iter().for_each(Distribution::clear);
        self.failed.clear();
        self.unfinished.clear();
        self.by_due.clear();
        self.dialled.iter_mut().for_each(Distribution::clear);
        self.counts = Counts::default();
        self.statuses.0.clear();
        self.failures.clear();
        self.unconnected = None;
    }

    fn fail(&mut self, kind: Kind, number: u64, failure: Failure) {
        match self.failures.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, count, _)) => *count += number,
            None => self.failures.push((kind, number, failure)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn piece() -> Recording {
        let mut piece = Recording::default();
        let answer =
            Answer { status: 200, head_bytes: 10, body_bytes: 5, reusable: true, excess: false };
        piece.answer(&answer, 3 * MILLISECOND, 2 * MILLISECOND);
        piece.failure(Failure::Descriptors, MILLISECOND);
        piece.unsent(9 * MILLISECOND);
        piece.counts.sent = 2;
        piece
    }

    #[test]
    fn pieces_add_up_and_can_be_used_again() {
        let mut sum = Recording::default();
        let mut again = piece();
        sum.add(&again);
        again.clear();
        assert_eq!(again.counts, Counts::default());
        again.add(&piece());
        sum.add(&again);
        assert_eq!((sum.latency.count(), sum.service.count(), sum.failed.count()), (4, 2, 2));
        assert_eq!(sum.statuses.sorted(), [(200, 2)]);
        assert_eq!(sum.failed_requests(), 2);
        assert_eq!((sum.counts.sent, sum.counts.unsent, sum.counts.bytes_received), (4, 2, 30));
    }

    #[test]
    fn what_a_stop_cut_off_counts_where_it_took_longer_than_most() {
        let mut recording = piece();
        recording.latency.clear();
        (0..9).for_each(|_| recording.latency.record(100 * MILLISECOND));
        recording.unfinished(20 * MILLISECOND);
        recording.unfinished(3_000 * MILLISECOND);
        recording.settle_unfinished();
        assert_eq!((recording.latency.count(), recording.unfinished.count()), (10, 2));
        assert!(recording.latency.min() >= Some(100_000_000));
        assert!(recording.latency.max() >= Some(3_000_000_000));
        let mut nothing_else = Recording::default();
        nothing_else.unfinished(MILLISECOND);
        nothing_else.settle_unfinished();
        assert_eq!(nothing_else.latency.count(), 1);
    }

    #[test]
    fn what_took_too_long_is_a_latency_and_what_failed_at_once_is_none() {
        let mut recording = Recording::default();
        recording.failure(Failure::Timeout(exchange::Phase::Wait), 2_000 * MILLISECOND);
        recording.failure(Failure::Reset(exchange::Phase::Wait), MILLISECOND);
        assert_eq!((recording.latency.count(), recording.failed.count()), (1, 1));
        assert!(recording.latency.max() >= Some(2_000_000_000));
    }
}
