//! Lines that a peer sends, each up to a length: one that never ends takes no more memory than that.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// A line, or as much of it as was to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its bytes without the newline.
    pub(crate) bytes: Vec<u8>,
    /// Whether it ends here: false where it is longer than was allowed, and the next read goes on.
    pub(crate) whole: bool,
}

/// Reads a line of at most `most` bytes, newline included; `None` at the end of `input`.
///
/// # Errors
/// Those of `input`.
pub(crate) async fn read_line(
    input: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let most_bytes = u64::try_from(most).unwrap_or(u64::MAX);
    if input.take(most_bytes).read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    let ended = bytes.last() == Some(&b'\n');
    if ended {
        bytes.pop();
    }
    Ok(Some(Line { whole: ended || bytes.len() < most, bytes }))
}

/// A text of a peer without control characters, which could change what a terminal shows.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_line_comes_in_pieces() {
        let mut input = b"ab\nabcdefgh\n\nend".as_slice();
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input, 4).await.unwrap() {
            lines.push((String::from_utf8(line.bytes).unwrap(), line.whole));
        }
        let line = |text: &str, whole| (text.to_owned(), whole);
        assert_eq!(
            lines,
            [
                line("ab", true),
                line("abcd", false),
                line("efgh", false),
                line("", true),
                line("", true),
                line("end", true)
            ]
        );
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(
            printable("a\tb\u{1b}[2Jc\u{9b}d\r\u{7}"),
            "a\tb\u{fffd}[2Jc\u{fffd}d\u{fffd}\u{fffd}"
        );
    }
}
