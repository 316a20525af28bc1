//! The delay that a request carries for the service that answers it, so that an experiment can slow
//! a service down while it runs. Reads the header only; whether it is obeyed is a setting of the
//! replica.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::HeaderName;

/// `X-Injected-Delay: <microseconds>`.
pub const HEADER: HeaderName = HeaderName::from_static("x-injected-delay");

/// The longest delay a request may carry, in microseconds.
pub const MOST_US: u64 = 10_000_000;

/// The delay in `headers`; `None` when there is none, or not exactly one whole number of at most
/// [`MOST_US`].
pub(crate) fn delay(headers: &HeaderMap) -> Option<Duration> {
    let mut values = headers.get_all(HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    // `parse` alone would take a plus sign.
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|&delay| delay <= MOST_US).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_str(value).unwrap());
        }
        delay(&headers)
    }

    #[test]
    fn a_delay_is_one_whole_number_of_microseconds() {
        assert_eq!(read(&["0"]), Some(Duration::ZERO));
        assert_eq!(read(&["1500"]), Some(Duration::from_micros(1500)));
        assert_eq!(read(&["10000000"]), Some(Duration::from_secs(10)));
    }

    #[test]
    fn anything_else_is_no_delay() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["5", "5"]), None);
        for wrong in [
            "",
            "10000001",
            "99999999999999999999999",
            "-1",
            "+5",
            "1.5",
            "5ms",
            " 5 6",
            "0x10",
            "é",
        ] {
            assert_eq!(read(&[wrong]), None, "{wrong:?}");
        }
    }
}
