//! Reads answers of any bytes, at once and in pieces. The first byte of the input says how long the
//! pieces are, its highest bit whether the request was HEAD.

#![no_main]

use exchange::{Answer, Decoder, Malformed};
use libfuzzer_sys::fuzz_target;

/// The answer, how many bytes were left behind it, and how often its head was told.
type Read = (Option<Answer>, usize, u32);

fn read(input: &[u8], head_only: bool, piece: usize) -> Result<Read, Malformed> {
    let mut decoder = Decoder::new(head_only);
    let (mut begin, mut end, mut heads) = (0, 0, 0);
    while end < input.len() {
        end = end.saturating_add(piece).min(input.len());
        let progress = decoder.feed(&input[begin..end], &mut |head| {
            assert!((200..1000).contains(&head.status));
            heads += 1;
        })?;
        assert!(progress.consumed <= end - begin, "more consumed than given");
        begin += progress.consumed;
        if progress.answer.is_some() {
            return Ok((progress.answer, input.len() - begin, heads));
        }
    }
    Ok((decoder.closed(), input.len() - begin, heads))
}

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let (piece, head_only) = (usize::from(first & 0x7f) + 1, first & 0x80 != 0);
    let at_once = read(input, head_only, usize::MAX);
    let in_pieces = read(input, head_only, piece);
    match (&at_once, &in_pieces) {
        // A head whose end never comes is not looked at with every piece.
        (Err(Malformed::Head(_)), Ok((None, _, 0))) => {}
        _ => assert_eq!(at_once, in_pieces, "pieces of {piece} make a difference"),
    }
    if let Ok((Some(answer), left, heads)) = at_once {
        assert_eq!(heads, 1);
        assert!(answer.head_bytes + answer.body_bytes + left as u64 <= input.len() as u64);
    }
});
