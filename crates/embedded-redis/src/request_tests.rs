//! Tests of the request parser; must not open a socket.

use proptest::prelude::*;

use super::*;

/// Feeds the chunks one by one; the requests seen, and the error that ended them if any.
fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Request>, Option<ProtocolError>) {
    let mut parser = RequestParser::default();
    let mut requests = Vec::new();
    for chunk in chunks {
        parser.buffer().extend_from_slice(chunk);
        loop {
            match parser.next_request() {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

fn frame(request: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", request.len()).into_bytes();
    for argument in request {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[test]
fn reads_framed_and_inline_requests_in_one_stream() {
    let (requests, error) =
        parse([&b"*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\nPING x\r\n\r\n*0\r\n*-1\r\nPING\n"[..]]);
    assert_eq!(error, None);
    assert_eq!(requests, [vec!["ECHO", "\r\n"], vec!["PING", "x"], vec!["PING"]]);
}

#[test]
fn names_what_is_wrong_with_the_bytes() {
    let long = vec![b'1'; MAXIMUM_LINE + 1];
    let cases: [(Vec<u8>, ProtocolError); 10] = [
        (b"*x\r\n".to_vec(), ProtocolError::InvalidCount),
        (b"*1048577\r\n".to_vec(), ProtocolError::InvalidCount),
        (b"*99999999999999999999\r\n".to_vec(), ProtocolError::InvalidCount),
        (b"*1\r\n$-1\r\n".to_vec(), ProtocolError::InvalidLength),
        (b"*1\r\n$67108865\r\n".to_vec(), ProtocolError::InvalidLength),
        (b"*1\r\n:1\r\n".to_vec(), ProtocolError::ExpectedBulk(b':')),
        (b"PING \"\n".to_vec(), ProtocolError::UnbalancedQuotes),
        (long.clone(), ProtocolError::InlineTooBig),
        ([b"*", &long[..]].concat(), ProtocolError::CountTooBig),
        ([b"*1\r\n$", &long[..]].concat(), ProtocolError::LengthTooBig),
    ];
    for (bytes, error) in cases {
        assert_eq!(parse([&bytes[..]]).1, Some(error));
    }
}

#[test]
fn allocates_nothing_for_a_claimed_length() {
    let mut parser = RequestParser::default();
    parser.buffer().extend_from_slice(b"*1048576\r\n$67108864\r\nabc");
    assert_eq!(parser.next_request(), Ok(None));
    assert!(parser.buffer.capacity() <= 2 * LARGE_READ);
    assert!(parser.unfinished.is_some_and(|it| it.arguments.capacity() <= TRUSTED_ARGUMENTS));
}

#[test]
fn lets_go_of_a_large_buffer_once_it_is_empty() {
    let mut parser = RequestParser::default();
    parser.buffer().extend_from_slice(&frame(&[vec![0; 4 * LARGE_READ]]));
    assert!(parser.next_request().unwrap().is_some());
    assert!(parser.buffer().capacity() <= LARGE_READ);
}

/// Bytes that look enough like the protocol to reach its corners.
fn nearly_protocol() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"*2\r\n".to_vec()),
        Just(b"$3\r\n".to_vec()),
        Just(b"$-1\r\n".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"PING".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.sort_unstable();
    let starts = std::iter::once(0).chain(at.iter().copied());
    let ends = at.iter().copied().chain(std::iter::once(bytes.len()));
    starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect()
}

proptest! {
    #[test]
    fn any_bytes_however_split_give_one_outcome(
        bytes in prop_oneof![nearly_protocol(), prop::collection::vec(any::<u8>(), 0..200)],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = parse([&bytes[..]]);
        prop_assert_eq!(&parse(split(&bytes, &cuts)), &whole);
        prop_assert_eq!(&parse(bytes.chunks(1)), &whole);
    }

    #[test]
    fn what_was_framed_is_read_back(
        requests in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|request| frame(request)).collect();
        let (read, error) = parse(split(&bytes, &cuts));
        prop_assert_eq!(error, None);
        prop_assert_eq!(read, requests);
    }
}
