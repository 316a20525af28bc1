//! Splits a request typed as a plain line, as over telnet; must not be used for the framed form.

use bytes::Bytes;

use crate::error::ProtocolError;

/// The words of a line: separated by white space, in double quotes with escapes (`\n`, `\x41`),
/// or in single quotes, where only `\'` is an escape.
pub(crate) fn split_line(line: &[u8]) -> Result<Vec<Bytes>, ProtocolError> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?.trim_ascii_start();
        words.push(Bytes::from(word));
    }
    Ok(words)
}

fn take_word<'line>(line: &'line [u8], word: &mut Vec<u8>) -> Result<&'line [u8], ProtocolError> {
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' | b'\'' => return take_quoted(after, byte, word),
            _ if byte.is_ascii_whitespace() => return Ok(after),
            _ => word.push(byte),
        }
        rest = after;
    }
    Ok(rest)
}

/// A quoted part ends its word: what follows the closing quote must be white space or nothing.
fn take_quoted<'line>(
    line: &'line [u8],
    quote: u8,
    word: &mut Vec<u8>,
) -> Result<&'line [u8], ProtocolError> {
    let mut rest = line;
    loop {
        rest = match rest {
            [b'\\', b'\'', after @ ..] if quote == b'\'' => {
                word.push(b'\'');
                after
            }
            [b'\\', after @ ..] if quote == b'"' && !after.is_empty() => take_escape(after, word),
            [byte, after @ ..] if *byte == quote => {
                return match after.first() {
                    Some(next) if !next.is_ascii_whitespace() => {
                        Err(ProtocolError::UnbalancedQuotes)
                    }
                    _ => Ok(after),
                };
            }
            [byte, after @ ..] => {
                word.push(*byte);
                after
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        };
    }
}

/// What follows a backslash in double quotes. A letter without a meaning stands for itself.
fn take_escape<'line>(line: &'line [u8], word: &mut Vec<u8>) -> &'line [u8] {
    if let [b'x', high, low, after @ ..] = line
        && let (Some(high), Some(low)) = (hexadecimal(*high), hexadecimal(*low))
    {
        word.push(high * 16 + low);
        return after;
    }
    let Some((&letter, after)) = line.split_first() else {
        return line;
    };
    word.push(match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    });
    after
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_words_quotes_and_escapes() {
        let cases: [(&str, &[&[u8]]); 7] = [
            ("", &[]),
            ("  PING\t x ", &[b"PING", b"x"]),
            (r#"SET "a b" 'c d'"#, &[b"SET", b"a b", b"c d"]),
            (r#""\x41\n\r\t\q\"""#, &[b"A\n\r\tq\""]),
            (r"'it\'s \n'", &[br"it's \n"]),
            (r#"ab"cd" e"#, &[b"abcd", b"e"]),
            (r#""" ''"#, &[b"", b""]),
        ];
        for (line, words) in cases {
            assert_eq!(split_line(line.as_bytes()).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn refuses_open_and_glued_quotes() {
        for line in [r#"SET "a"#, "SET 'a", r#""a"b"#, r#""a\"#] {
            assert_eq!(split_line(line.as_bytes()), Err(ProtocolError::UnbalancedQuotes), "{line}");
        }
    }
}
