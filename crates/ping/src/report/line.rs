//! One probe as one line, in httping's grammar.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use exchange::{Phase, Secured};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use load::numbers::float;

use super::paint::{Ink, of_time, paint};
use super::words::{ends, failure};
use crate::plan::{Look, Plan};
use crate::prober::{Probe, Reply};
use crate::statistics::{Fault, milliseconds, speed};

/// Bytes of a KB, as httping has it.
const KB: f64 = 1024.0;

/// Writes the line of a probe, its end included.
pub(super) fn line(text: &mut String, plan: &Plan, probe: &Probe, fault: Option<Fault>) {
    let look = &plan.look;
    if look.parts.timestamp {
        let _ = write!(text, "{} ", timestamp(probe.started, look.verbose, &TimeZone::system()));
    }
    match &probe.outcome {
        Ok(reply) => answered(text, plan, probe, reply, fault),
        Err(reason) => {
            let words = failure(reason, plan.target.limit);
            let seq = paint(look, Ink::Seq, probe.seq);
            let after = milliseconds(probe.elapsed);
            let words = paint(look, Ink::Bad, words);
            let _ = write!(text, "{words}, seq={seq} after {after:.2} ms");
        }
    }
    if look.parts.bell && fault.is_none() {
        text.push('\x07');
    }
    text.push('\n');
}

fn answered(text: &mut String, plan: &Plan, probe: &Probe, reply: &Reply, fault: Option<Fault>) {
    let look = &plan.look;
    let kept = plan.target.keeps_connection;
    let verb = if kept { "pinged host" } else { "connected to" };
    let (host, port) = ends(plan, probe);
    let (host, port) = (paint(look, Ink::Host, host), paint(look, Ink::Port, port));
    let _ = write!(text, "{verb} {host}:{port} ({}", reply.answer.head_bytes);
    if kept && look.parts.size {
        let _ = write!(text, "/{}", reply.answer.body_bytes);
    }
    let _ = write!(text, " bytes), seq={} time=", paint(look, Ink::Seq, probe.seq));
    if look.parts.split {
        split(text, reply);
    }
    let total = format_args!("{:6.2}", milliseconds(probe.elapsed)).to_string();
    let _ = write!(text, "{} ms ", paint(look, of_time(look, probe.elapsed), total));
    match fault {
        Some(_) => drop(write!(text, "{}", paint(look, Ink::Bad, reply.status_text()))),
        None if look.parts.status => {
            let _ = write!(text, "{}", paint(look, Ink::Status, reply.status_text()));
        }
        None => {}
    }
    if probe.reconnected {
        text.push_str(" C");
    }
    body(text, look, probe, reply);
    if look.parts.fingerprint
        && let Some(secured) = &probe.secured
    {
        let _ = write!(text, " {}", fingerprint(secured));
    }
    if look.verbose > 0 {
        servers_words(text, reply);
    }
}

/// The phases, each with a `+` behind it and the last with `=`. TLS has its place only where it is
/// spoken, so that there are five otherwise, as httping has them.
fn split(text: &mut String, reply: &Reply) {
    for phase in Phase::ALL {
        let sign = if phase == Phase::Receive { '=' } else { '+' };
        let _ = match reply.phases.get(phase) {
            Some(length) => write!(text, "{:6.2}{sign}", milliseconds(length)),
            None if phase == Phase::Tls => Ok(()),
            None => write!(text, "   n/a{sign}"),
        };
    }
}

fn body(text: &mut String, look: &Look, probe: &Probe, reply: &Reply) {
    if look.parts.speed {
        let _ = write!(text, " {}/s", size(speed(probe).unwrap_or(0.0), look.parts.abbreviated));
    }
    if look.parts.size {
        let bytes = float(reply.answer.body_bytes);
        let _ = write!(text, " {}", size(bytes, look.parts.abbreviated));
    }
}

/// Bytes as whole KB; `abbreviated` as MB and GB where that is shorter.
fn size(bytes: f64, abbreviated: bool) -> String {
    let kilobytes = bytes / KB;
    match abbreviated {
        true if kilobytes >= KB * KB => format!("{:.1}GB", kilobytes / KB / KB),
        true if kilobytes >= KB => format!("{:.1}MB", kilobytes / KB),
        _ => format!("{}KB", kilobytes.trunc()),
    }
}

/// Which replica answered and what it says of its own times.
fn servers_words(text: &mut String, reply: &Reply) {
    if let Some(replica) = &reply.replica {
        let _ = write!(text, " {replica}");
    }
    let own = [("queue", reply.server.queue_us), ("service", reply.server.service_us)];
    for (name, microseconds) in own {
        if let Some(microseconds) = microseconds {
            let length = milliseconds(Duration::from_micros(microseconds));
            let _ = write!(text, " {name}={length:.2}");
        }
    }
}

/// The certificate's SHA-256, as browsers show it.
pub(super) fn fingerprint(secured: &Secured) -> String {
    let bytes: Vec<_> = secured.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

/// The time of day; with -v the date before it, with -vv seconds since 1970.
fn timestamp(moment: SystemTime, verbose: u8, zone: &TimeZone) -> String {
    // What no calendar holds is its end.
    let moment = Timestamp::try_from(moment).unwrap_or(Timestamp::MAX);
    match verbose {
        0 => moment.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string(),
        1 => moment.to_zoned(zone.clone()).strftime("%Y/%m/%d %H:%M:%S%.3f").to_string(),
        _ => format!("{}.{:06}", moment.as_second(), moment.subsec_microsecond()),
    }
}

#[cfg(test)]
mod tests;
