//! Reads integers as Redis reads them; must not accept a form that Redis refuses.

/// The integer that `text` spells in its one canonical form: no `+`, no leading zero, no `-0`.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits.first()? {
        b'1'..=b'9' => std::str::from_utf8(text).ok()?.parse().ok(),
        b'0' if text == b"0" => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_integer;

    #[test]
    fn accepts_only_the_canonical_form() {
        for number in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse_integer(number.to_string().as_bytes()), Some(number));
        }
        for text in ["", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1x", "9223372036854775808"] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }
}
