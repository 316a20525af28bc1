//! What a server says of itself in the header `Server-Timing`: how long a request queued there, and
//! how long it was served.

use std::time::Duration;

/// Microseconds that the server says a request took, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerTiming {
    /// From the arrival of the request to its service.
    pub queue_us: Option<u64>,
    /// Its service.
    pub service_us: Option<u64>,
}

impl ServerTiming {
    /// Reads `queue` and `service` out of the header's values, such as
    /// `queue;dur=1.2, service;dur=100` in milliseconds; metrics and parameters it does not know
    /// are passed over, as the specification wants.
    pub fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut timing = Self::default();
        let lines = values.into_iter().filter_map(|value| str::from_utf8(value).ok());
        for metric in lines.flat_map(|line| line.split(',')) {
            let mut parts = metric.split(';').map(str::trim);
            let slot = match parts.next() {
                Some("queue") => &mut timing.queue_us,
                Some("service") => &mut timing.service_us,
                _ => continue,
            };
            *slot = parts.find_map(|part| microseconds(part.strip_prefix("dur=")?));
        }
        timing
    }
}

fn microseconds(milliseconds: &str) -> Option<u64> {
    let value: f64 = milliseconds.parse().ok()?;
    Duration::try_from_secs_f64(value / 1000.0).ok()?.as_micros().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> ServerTiming {
        ServerTiming::read([line.as_bytes()])
    }

    #[test]
    fn server_timing_is_read_and_what_is_unknown_passed_over() {
        let both = ServerTiming { queue_us: Some(1_500), service_us: Some(100_000) };
        assert_eq!(read("queue;dur=1.500, service;dur=100.000"), both);
        assert_eq!(read("cache;desc=hit, service;desc=\"x\";dur=100,queue;dur=1.5"), both);
        assert_eq!(read("queue;dur=abc, service"), ServerTiming::default());
        assert_eq!(read("queue;dur=-1, total;dur=7"), ServerTiming::default());
    }

    #[test]
    fn several_headers_are_one() {
        let both = ServerTiming { queue_us: Some(1_000), service_us: Some(2_000) };
        let headers = [&b"queue;dur=1"[..], b"\xff", b"service;dur=2"];
        assert_eq!(ServerTiming::read(headers), both);
    }
}
