//! Reading what rng and hasher say about a request's time.

#![expect(clippy::unwrap_used, reason = "a header in another form fails the test")]

use super::Answer;

impl Answer {
    /// Milliseconds the request queued and was served, from its `Server-Timing` header.
    pub(crate) fn timing(&self) -> (f64, f64) {
        let header = self.header("server-timing").unwrap();
        let (queue, service) = header.split_once(", ").unwrap();
        let milliseconds = |part: &str, name: &str| {
            let number = part.strip_prefix(name).unwrap();
            let number = number.strip_prefix(";dur=").unwrap();
            number.parse::<f64>().unwrap()
        };
        (milliseconds(queue, "queue"), milliseconds(service, "service"))
    }
}
