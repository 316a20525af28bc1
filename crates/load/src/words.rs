//! Numbers as people read them. Pure.

/// A whole number with commas.
#[must_use]
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time with its unit and three or four digits.
#[must_use]
pub(crate) fn nanoseconds(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let decimals = match value {
        v if v < 10.0 && unit != "ns" => 2,
        v if v < 100.0 && unit != "ns" => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// A rate: whole when large, with decimals when small.
#[must_use]
pub(crate) fn rate(a_second: f64) -> String {
    match a_second {
        r if r >= 1_000.0 => count(crate::numbers::whole(r.round())),
        r if r >= 10.0 => format!("{r:.1}"),
        r if r >= 0.1 || r <= 0.0 => format!("{r:.2}"),
        r => significant(r, 3),
    }
}

/// A rate that was asked for: with all its digits, up to six.
#[must_use]
pub(crate) fn asked_rate(a_second: f64) -> String {
    match a_second {
        r if r >= 1_000.0 && r.fract() == 0.0 => count(crate::numbers::whole(r)),
        r if r > 0.0 => significant(r, 6),
        r => r.to_string(),
    }
}

/// A number above 0 with `digits` significant digits, without zeros at its end.
fn significant(number: f64, digits: i32) -> String {
    let whole = number.log10().floor();
    let unit = 10_f64.powf(f64::from(digits - 1) - whole);
    let rounded = (number * unit).round() / unit;
    // A float has no more than 17 digits that say anything; trailing zeros say nothing here.
    let decimals = usize::try_from(crate::numbers::whole((f64::from(digits - 1) - whole).max(0.0)));
    let text = format!("{rounded:.*}", decimals.unwrap_or(0));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A share in percent.
#[must_use]
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p == 0.0 || p >= 99.995 => format!("{p:.0}%"),
        p if p < 0.01 => "<0.01%".to_owned(),
        p => format!("{p:.2}%"),
    }
}

/// Bytes with a unit.
#[must_use]
pub(crate) fn bytes(bytes: f64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 100.0);
    format!("{value:.decimals$} {}", units[unit])
}

/// `1 thread`, `2 threads`.
#[must_use]
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_units() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let times = [850.0, 8_500.0, 85_000.0, 850_000.0, 8.5e6, 9.999e8, 8.5e9];
        let texts = ["850 ns", "8.50 us", "85.0 us", "850 us", "8.50 ms", "1000 ms", "8.50 s"];
        assert_eq!(times.map(nanoseconds), texts);
        let rates = [0.0, 0.5, 15.0, 1_500.4, 0.3, 1.0 / 3_600.0];
        assert_eq!(rates.map(rate), ["0.00", "0.50", "15.0", "1,500", "0.30", "0.000278"]);
        let asked = [0.3, 1.0 / 3_600.0, 1_000.0, 1_000.5, 7.0, 123_456.0, 0.05];
        let texts = ["0.3", "0.000277778", "1,000", "1000.5", "7", "123,456", "0.05"];
        assert_eq!(asked.map(asked_rate), texts);
        assert_eq!([0.0, 0.000_01, 0.5, 1.0].map(percent), ["0%", "<0.01%", "50.00%", "100%"]);
        assert_eq!([0.0, 999.0, 1_500.0, 2.5e9].map(bytes), ["0 B", "999 B", "1.5 KB", "2.5 GB"]);
        assert_eq!([counted(1, "thread"), counted(2, "thread")], ["1 thread", "2 threads"]);
    }
}
