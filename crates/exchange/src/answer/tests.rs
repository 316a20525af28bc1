//! Answers whole, in pieces, and wrong.

use proptest::prelude::*;

use super::*;

/// Reads `input` in pieces of these lengths, as a connection would.
fn read(input: &[u8], head_only: bool, piece: usize) -> Result<(Option<Answer>, usize), Malformed> {
    let mut decoder = Decoder::new(head_only);
    let (mut begin, mut end) = (0, 0);
    while end < input.len() {
        end = (end + piece.max(1)).min(input.len());
        let progress = decoder.feed(&input[begin..end], &mut |_| {})?;
        begin += progress.consumed;
        if progress.answer.is_some() {
            return Ok((progress.answer, input.len() - begin));
        }
    }
    Ok((decoder.closed(), input.len() - begin))
}

/// The answer that is the same whether it comes at once or byte by byte.
fn whole(input: &str, head_only: bool) -> Result<(Option<Answer>, usize), Malformed> {
    let at_once = read(input.as_bytes(), head_only, usize::MAX);
    assert_eq!(read(input.as_bytes(), head_only, 1), at_once, "{input:?}");
    at_once
}

fn answer(input: &str) -> Answer {
    let (answer, left) = whole(input, false).unwrap();
    assert_eq!(left, 0, "{input:?}");
    answer.unwrap_or_else(|| panic!("{input:?} is not whole"))
}

#[test]
fn a_body_ends_where_its_head_says() {
    let plain = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!((plain.status, plain.head_bytes, plain.body_bytes), (200, 38, 5));
    assert!(plain.reusable);
    let twice = answer("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\ncontent-length:5\r\n\r\nhello");
    assert_eq!(twice.body_bytes, 5);
    let empty = answer("HTTP/1.1 204 No Content\r\n\r\n");
    assert!(empty.reusable && empty.body_bytes == 0);
    assert_eq!(answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").body_bytes, 0);
    let (head, left) = whole("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true).unwrap();
    assert_eq!((head.unwrap().body_bytes, left), (0, 0));
}

#[test]
fn chunks_are_put_together() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    for (body, bytes) in [
        ("0\r\n\r\n", 0),
        ("5\r\nhello\r\n0\r\n\r\n", 5),
        ("5;a=\"b\"\r\nhello\r\nA\r\n0123456789\r\n00\r\nTrailer: x\r\nOther: y\r\n\r\n", 15),
        ("5\nhello\n0\n\n", 5),
    ] {
        let answer = answer(&format!("{head}{body}"));
        assert!(answer.reusable);
        assert_eq!(answer.body_bytes, bytes, "{body:?}");
    }
    for wrong in ["x\r\n", "\r\n", "5\r\nhelloX", "5x\r\n", "fffffffffffffffff\r\n", "0\r\n\rX"] {
        assert_eq!(whole(&format!("{head}{wrong}"), false), Err(Malformed::Chunk), "{wrong:?}");
    }
}

#[test]
fn without_a_length_the_end_of_the_connection_ends_the_answer() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"] {
        let answer = answer(&format!("{head}hello"));
        assert!(!answer.reusable);
        assert_eq!(answer.body_bytes, 5);
    }
}

#[test]
fn an_answer_that_is_not_whole_is_none() {
    for half in [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        assert_eq!(whole(half, false).unwrap().0, None, "{half:?}");
    }
}

#[test]
fn the_connection_is_kept_as_version_and_header_say() {
    for (head, kept) in [
        ("HTTP/1.1 200 OK\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: x, close\r\n", false),
        ("HTTP/1.0 200 OK\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", true),
    ] {
        assert_eq!(answer(&format!("{head}Content-Length: 0\r\n\r\n")).reusable, kept, "{head:?}");
    }
}

#[test]
fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let whole_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let after = answer(&format!("HTTP/1.1 100 Continue\r\n\r\n{interim}{whole_answer}"));
    assert_eq!((after.status, after.head_bytes, after.body_bytes), (200, 38, 2));
    assert_eq!(whole(&interim.repeat(17), false), Err(Malformed::Interim));
}

#[test]
fn what_is_no_answer_is_said_to_be_none() {
    use httparse::Error;
    for (wrong, reason) in [
        ("\x15\x03\x01\0\x02\x02\x50", Malformed::Head(Error::Version)),
        ("SSH-2.0-OpenSSH_9.2\r\n", Malformed::Head(Error::Version)),
        ("HTTP/1.1 099 No\r\n\r\n", Malformed::Status(99)),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Malformed::Switched),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Malformed::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", Malformed::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", Malformed::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Malformed::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Malformed::Length),
    ] {
        assert_eq!(whole(wrong, false), Err(reason), "{wrong:?}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MOST_HEAD));
    assert_eq!(whole(&endless, false), Err(Malformed::HeadTooLong));
}

#[test]
fn headers_may_be_many_and_go_on_in_the_next_line() {
    let many =
        format!("HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\nok", "X: y\r\n".repeat(1_000));
    assert_eq!(answer(&many).body_bytes, 2);
    let folded = "HTTP/1.1 200 OK\r\nServer: a\r\n  b\r\n\tc\r\nContent-Length:\r\n 2\r\n\r\nok";
    assert_eq!(answer(folded).body_bytes, 2);
}

#[test]
fn a_204_that_announces_a_body_ends_its_connection() {
    for (framing, excess) in [
        ("Transfer-Encoding: chunked", true),
        ("Content-Length: 3", true),
        ("Content-Length: 0", false),
    ] {
        let answer = answer(&format!("HTTP/1.1 204 No Content\r\n{framing}\r\n\r\n"));
        assert_eq!((answer.excess, answer.reusable), (excess, !excess), "{framing}");
    }
    // HEAD and 304 name the body of a GET.
    assert!(!answer("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n").excess);
    let head =
        whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true).unwrap().0.unwrap();
    assert!(head.reusable && !head.excess);
}

#[test]
fn what_follows_an_answer_is_left() {
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n";
    let (_, left) = read(two.as_bytes(), false, usize::MAX).unwrap();
    assert_eq!(left, 17);
}

proptest! {
    #[test]
    fn pieces_make_no_difference(body in proptest::collection::vec(any::<u8>(), 0..300), piece in 1..200_usize, chunk in 1..100_usize) {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut input = head.to_vec();
        for chunk in body.chunks(chunk) {
            input.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            input.extend_from_slice(chunk);
            input.extend_from_slice(b"\r\n");
        }
        input.extend_from_slice(b"0\r\n\r\n");
        let (answer, left) = read(&input, false, piece).unwrap();
        prop_assert_eq!(answer.unwrap().body_bytes, body.len() as u64);
        prop_assert_eq!(left, 0);
    }

    #[test]
    fn nothing_makes_it_panic_or_depend_on_pieces(input in proptest::collection::vec(any::<u8>(), 0..400), piece in 1..50_usize, head in any::<bool>()) {
        let mut bytes = if head { b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec() } else { Vec::new() };
        bytes.extend_from_slice(&input);
        let at_once = read(&bytes, false, usize::MAX);
        let pieces = read(&bytes, false, piece);
        prop_assert_eq!(at_once, pieces);
    }
}
