//! The doubts of a run in words: what it is, then what to do. Pure.

use super::doubts::{Cause, Doubt};
use crate::numbers::float;
use crate::words::{asked_rate, count, counted, nanoseconds, percent, rate};

/// What hold-ups do to the figures.
const DOUBTFUL: &str =
    "latency and service times contain that time, and are not the server's alone";

/// One doubt in a sentence.
pub(super) fn sentence(doubt: &Doubt) -> String {
    match doubt {
        Doubt::ClosedLoop => {
            "closed loop: while the server is slow less is sent, so latency leaves out what would \
                              have waited; --rate measures that"
                .to_owned()
        }
        Doubt::Throttled { .. }
        | Doubt::Stopped { .. }
        | Doubt::WaitedForProcessor { .. }
        | Doubt::LateWakeups { .. } => format!("{}: {DOUBTFUL}", hold_up(doubt)),
        Doubt::Busy { .. } => busy(doubt),
        Doubt::Late { p50_ms, p99_ms, latency_p50_ms } => format!(
            "the generator itself was late by {} (p50) and {} (p99), beside a median latency of {}: \
             draw no conclusion from differences of that size",
            ms(*p50_ms),
            ms(*p99_ms),
            ms(*latency_p50_ms)
        ),
        Doubt::Shortfall { achieved, target_per_second, causes } => {
            shortfall(*achieved, *target_per_second, causes)
        }
        Doubt::Overloaded { growth_ms_per_s, completed_per_second } => format!(
            "the server does not keep up with this rate: latency grew by {} every second, and a longer \
             run would show longer ones; it completed {}/s",
            ms(*growth_ms_per_s),
            rate(*completed_per_second)
        ),
        Doubt::NeverSent { .. }
        | Doubt::Unfinished { .. }
        | Doubt::NotConnected { .. }
        | Doubt::OverAnHour { .. }
        | Doubt::Repeated { .. }
        | Doubt::Excess { .. } => of_requests(doubt),
    }
}

/// A generator at its limit. A thread more helps only where a processor is left for it.
fn busy(doubt: &Doubt) -> String {
    let Doubt::Busy { share, processors, threads, one_thread } = doubt else {
        return String::new();
    };
    let used = percent(*share);
    let used = match one_thread {
        true => format!("its busiest thread used {used} of one processor"),
        false => format!("its threads used {used} of the {} that it may use", allowed(*processors)),
    };
    let mend = match float(*threads) < *processors {
        true => {
            format!("give it more --threads (now {threads}; it may use {})", allowed(*processors))
        }
        false => "give it more processors".to_owned(),
    };
    format!("the generator was the limit: {used}; {mend}")
}

/// How the generator was held up.
fn hold_up(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Throttled { times, time_ms, processors } => format!(
            "bench itself was held up: the processor quota of its control group ({}) was used up {} \
             and throttled it for {}",
            allowed(*processors),
            counted(*times, "time"),
            ms(*time_ms)
        ),
        Doubt::Stopped { times, time_ms, longest_ms } => format!(
            "bench itself was stopped {} for {} (longest {}), by a signal (SIGSTOP), a debugger or a \
             machine that stood still",
            counted(*times, "time"),
            ms(*time_ms),
            ms(*longest_ms)
        ),
        Doubt::WaitedForProcessor { time_ms, share, longest_ms, quota_hidden } => {
            let longest = match *longest_ms > 0.0 {
                true => format!(", up to {} at a time", ms(*longest_ms)),
                false => String::new(),
            };
            let hidden = match quota_hidden {
                true => " or a quota that bench cannot see",
                false => "",
            };
            format!(
                "bench itself was held up: it waited for a processor for {} ({} of the run){longest}, \
                 because of other processes{hidden}",
                ms(*time_ms),
                percent(*share)
            )
        }
        Doubt::LateWakeups { times, time_ms, longest_ms } => format!(
            "bench itself was held up: it woke late {} by {} (longest {})",
            counted(*times, "time"),
            ms(*time_ms),
            ms(*longest_ms)
        ),
        _ => String::new(),
    }
}

/// Doubts that are a count of requests or connections.
fn of_requests(doubt: &Doubt) -> String {
    match doubt {
        Doubt::NeverSent { requests, scheduled } => format!(
            "{} of {} requests were never sent; they count in the latency with the time they had \
             waited by the end, so the true one is longer",
            count(*requests),
            count(*scheduled)
        ),
        Doubt::Unfinished { requests } => format!(
            "{} had no response when the run was stopped; the latency has those that had taken longer \
             than the median by then, with that time, so the true one is longer",
            counted(*requests, "request")
        ),
        Doubt::NotConnected { connections, wanted, first } => format!(
            "{} of {wanted} connections could not be made at first: {first}",
            count(*connections)
        ),
        Doubt::OverAnHour { requests } => {
            format!("{} took more than an hour and count as an hour", counted(*requests, "request"))
        }
        Doubt::Excess { responses } => format!(
            "{} followed by bytes that belong to no response, such as a body after HEAD or 204: they \
             are good, but their connections were closed",
            match responses {
                1 => "1 response was".to_owned(),
                several => format!("{} responses were", count(*several)),
            }
        ),
        Doubt::Repeated { requests } => format!(
            "{} were sent twice, since the server had closed the kept connection: what it did with \
             the first is not known",
            counted(*requests, "request")
        ),
        _ => String::new(),
    }
}

fn shortfall(achieved: f64, target: f64, causes: &[Cause]) -> String {
    let causes: Vec<_> = causes.iter().map(cause).collect();
    let causes = match causes.is_empty() {
        true => String::new(),
        false => format!(": {}", causes.join("; ")),
    };
    format!(
        "{} of the target rate of {}/s was achieved{causes}",
        percent(achieved),
        asked_rate(target)
    )
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::ConnectionsBusy { requests, connections: 1 } => format!(
            "{} sent late because the only connection was waiting for a response",
            were(*requests)
        ),
        Cause::ConnectionsBusy { requests, connections } => format!(
            "{} sent late because all {} connections were waiting for responses",
            were(*requests),
            count(*connections)
        ),
        Cause::NoConnection { requests, first } => {
            let why = first.as_ref().map_or_else(String::new, |first| format!(" ({first})"));
            format!(
                "{} sent late or failed because no connection could be made{why}",
                were(*requests)
            )
        }
        Cause::GeneratorHeldUp { requests } => {
            format!("{} sent late because bench itself was held up", were(*requests))
        }
        Cause::Failed { requests } => {
            format!("{} sent in time and failed", were(*requests))
        }
        Cause::AnsweredLater { requests } => {
            format!("{} answered only after the end of the window", were(*requests))
        }
    }
}

fn were(requests: u64) -> String {
    let verb = if requests == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(requests, "request"))
}

/// What the generator may use.
fn allowed(processors: f64) -> String {
    let noun = if (processors - 1.0).abs() < f64::EPSILON { "processor" } else { "processors" };
    format!("{} {noun}", asked_rate(processors))
}

fn ms(milliseconds: f64) -> String {
    nanoseconds(milliseconds * 1e6)
}
