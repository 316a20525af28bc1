//! The rows. Only requests and what must come back; how they are compared is elsewhere.

use super::Body::{Any, Counts, Greeting, Is, NonEmpty, Random};
use super::Header::{Allow, Length, Location, Type};
use super::{Body, COUNTED_COINS, COUNTED_HASHES, Given, Header, Row, Work};

/// A request that is answered at once.
const fn row(request: &'static [u8], status: u16, headers: &'static [Header], body: Body) -> Row {
    Row { request, given: Given::Anything, status, headers, body, work: Work::None }
}

/// A request that is worked on for the service time.
const fn worked(request: &'static [u8], headers: &'static [Header], body: Body) -> Row {
    Row { work: Work::Done, ..row(request, 200, headers, body) }
}

/// A request whose answer depends on what Redis holds.
const fn with(given: Given, row: Row) -> Row {
    Row { given, ..row }
}

const BINARY: Header = Type("application/octet-stream");
const PLAIN: Header = Type("text/plain");
const JSON: Header = Type("application/json");
const PAGE: Header = Type("text/html");
/// Of rng's routes, as Flask gives them.
const OF_RNG: Header = Allow(&["GET", "HEAD", "OPTIONS"]);
/// Of webui's routes, as express gives them.
const OF_WEBUI: Header = Allow(&["GET", "HEAD"]);
const TO_PAGE: Header = Location("/index.html");

const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// Of the bytes 80 ff 00 c3, which are no text in any encoding.
const OF_NO_TEXT: &str = "f8b3d93b06e911ad59aa971921729088724d043c69362e1122b6d64193e9f9fc";

/// What rng must answer.
pub const RNG: &[Row] = &[
    row(b"GET / HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[], Greeting("RNG")),
    row(b"GET // HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[], Greeting("RNG")),
    row(b"GET /?x=1 HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[], Greeting("RNG")),
    row(b"HEAD / HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[], Any),
    row(b"HEAD / HTTP/1.0\r\n\r\n", 200, &[], Any),
    row(b"GET / HTTP/1.0\r\n\r\n", 200, &[], Greeting("RNG")),
    row(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, &[], Greeting("RNG")),
    row(b"GET / HTTP/1.1\r\nHost: rng\r\nConnection: close\r\n\r\n", 200, &[], Greeting("RNG")),
    worked(b"GET /32 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(32)], Random(32)),
    worked(b"GET /0 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(0)], Random(0)),
    worked(b"GET /1 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(1)], Random(1)),
    worked(b"GET /00010 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(10)], Random(10)),
    worked(
        b"GET /1000000 HTTP/1.1\r\nHost: rng\r\n\r\n",
        &[BINARY, Length(1_000_000)],
        Random(1_000_000),
    ),
    worked(b"GET //10 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(10)], Random(10)),
    worked(b"GET ///7 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(7)], Random(7)),
    worked(b"GET /%31%30 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(10)], Random(10)),
    worked(b"GET /3%32 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(32)], Random(32)),
    worked(b"GET /%2F9 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(9)], Random(9)),
    worked(b"GET /10?x=1 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(10)], Random(10)),
    worked(b"GET http://rng/10 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(10)], Random(10)),
    worked(b"GET /32 HTTP/1.0\r\n\r\n", &[BINARY, Length(32)], Random(32)),
    worked(
        b"GET /32 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        &[BINARY, Length(32)],
        Random(32),
    ),
    worked(b"HEAD /32 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(32)], Any),
    worked(b"HEAD /0 HTTP/1.1\r\nHost: rng\r\n\r\n", &[BINARY, Length(0)], Any),
    row(b"GET /abc HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /-1 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /+1 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /1.5 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /1e3 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /32/ HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /32%2F HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /%zz HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /%2531 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /./32 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /a/../32 HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /32;x HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"GET /index.html HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"HEAD /abc HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"POST /abc HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"OPTIONS /abc HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"OPTIONS * HTTP/1.1\r\nHost: rng\r\n\r\n", 404, &[], Any),
    row(b"POST /32 HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 405, &[OF_RNG], Any),
    row(b"POST / HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 405, &[OF_RNG], Any),
    row(b"PUT //10 HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 405, &[OF_RNG], Any),
    row(b"DELETE /%31 HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 405, &[OF_RNG], Any),
    row(b"PATCH /32 HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 405, &[OF_RNG], Any),
    row(b"BREW /32 HTTP/1.1\r\nHost: rng\r\nContent-Length: 0\r\n\r\n", 405, &[OF_RNG], Any),
    row(b"OPTIONS /32 HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[OF_RNG], Is("")),
    row(b"OPTIONS / HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[OF_RNG], Is("")),
    row(b"OPTIONS //10 HTTP/1.1\r\nHost: rng\r\n\r\n", 200, &[OF_RNG], Is("")),
];

/// What hasher must answer.
pub const HASHER: &[Row] = &[
    row(b"GET / HTTP/1.1\r\nHost: hasher\r\n\r\n", 200, &[], Greeting("HASHER")),
    row(b"GET /?x=1 HTTP/1.1\r\nHost: hasher\r\n\r\n", 200, &[], Greeting("HASHER")),
    row(b"HEAD / HTTP/1.1\r\nHost: hasher\r\n\r\n", 200, &[], Any),
    row(b"HEAD / HTTP/1.0\r\n\r\n", 200, &[], Any),
    row(b"GET / HTTP/1.0\r\n\r\n", 200, &[], Greeting("HASHER")),
    row(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, &[], Greeting("HASHER")),
    row(b"GET / HTTP/1.1\r\nHost: hasher\r\nConnection: close\r\n\r\n", 200, &[], Greeting("HASHER")),
    row(b"GET http://hasher/ HTTP/1.1\r\nHost: hasher\r\n\r\n", 200, &[], Greeting("HASHER")),
    worked(b"POST / HTTP/1.1\r\nHost: hasher\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc", &[PLAIN, Length(64)], Is(OF_ABC)),
    worked(b"POST / HTTP/1.1\r\nHost: hasher\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n", &[PLAIN, Length(64)], Is(OF_NOTHING)),
    worked(b"POST / HTTP/1.1\r\nHost: hasher\r\nContent-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n\x80\xff\x00\xc3", &[PLAIN, Length(64)], Is(OF_NO_TEXT)),
    worked(b"POST /?x=1 HTTP/1.1\r\nHost: hasher\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc", &[PLAIN, Length(64)], Is(OF_ABC)),
    worked(b"POST / HTTP/1.1\r\nHost: hasher\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc", &[PLAIN, Length(64)], Is(OF_ABC)),
    worked(b"POST / HTTP/1.0\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc", &[PLAIN, Length(64)], Is(OF_ABC)),
    worked(b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc", &[PLAIN, Length(64)], Is(OF_ABC)),
    row(b"GET /abc HTTP/1.1\r\nHost: hasher\r\n\r\n", 404, &[], Any),
    row(b"GET /32 HTTP/1.1\r\nHost: hasher\r\n\r\n", 404, &[], Any),
    row(b"GET /index.html HTTP/1.1\r\nHost: hasher\r\n\r\n", 404, &[], Any),
    row(b"HEAD /abc HTTP/1.1\r\nHost: hasher\r\n\r\n", 404, &[], Any),
    row(b"POST /abc HTTP/1.1\r\nHost: hasher\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc", 404, &[], Any),
    row(b"PUT / HTTP/1.1\r\nHost: hasher\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"DELETE / HTTP/1.1\r\nHost: hasher\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"PATCH / HTTP/1.1\r\nHost: hasher\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"OPTIONS / HTTP/1.1\r\nHost: hasher\r\n\r\n", 404, &[], Any),
];

const COUNTED: Body = Counts { coins: COUNTED_COINS, hashes: Some(COUNTED_HASHES) };

/// What webui must answer.
pub const WEBUI: &[Row] = &[
    row(b"GET / HTTP/1.1\r\nHost: webui\r\n\r\n", 302, &[TO_PAGE], Any),
    row(b"HEAD / HTTP/1.1\r\nHost: webui\r\n\r\n", 302, &[TO_PAGE], Any),
    row(b"GET / HTTP/1.0\r\n\r\n", 302, &[TO_PAGE], Any),
    row(b"HEAD / HTTP/1.0\r\n\r\n", 302, &[TO_PAGE], Any),
    row(b"GET /?x=1 HTTP/1.1\r\nHost: webui\r\n\r\n", 302, &[TO_PAGE], Any),
    row(b"GET /index.html HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[PAGE], NonEmpty),
    row(b"HEAD /index.html HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[PAGE], Any),
    row(b"GET /index.html HTTP/1.0\r\n\r\n", 200, &[PAGE], NonEmpty),
    row(b"GET /index.html HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, &[PAGE], NonEmpty),
    with(
        Given::Nothing,
        row(
            b"GET /json HTTP/1.1\r\nHost: webui\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(
            b"GET /json/ HTTP/1.1\r\nHost: webui\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(
            b"GET /JSON HTTP/1.1\r\nHost: webui\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(
            b"GET /Json/?x=1 HTTP/1.1\r\nHost: webui\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(
            b"GET http://webui/json HTTP/1.1\r\nHost: webui\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(b"GET /json HTTP/1.0\r\n\r\n", 200, &[JSON], Counts { coins: 0, hashes: None }),
    ),
    with(
        Given::Nothing,
        row(
            b"GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(
            b"GET /json HTTP/1.1\r\nHost: webui\r\nConnection: close\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(
        Given::Nothing,
        row(
            b"GET /json HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            200,
            &[JSON],
            Counts { coins: 0, hashes: None },
        ),
    ),
    with(Given::Counted, row(b"GET /json HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[JSON], COUNTED)),
    with(Given::Counted, row(b"GET /json/ HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[JSON], COUNTED)),
    with(Given::Counted, row(b"GET /JSON HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[JSON], COUNTED)),
    with(
        Given::Counted,
        row(b"GET /Json/?x=1 HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[JSON], COUNTED),
    ),
    with(
        Given::Counted,
        row(b"GET http://webui/json HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[JSON], COUNTED),
    ),
    with(Given::Counted, row(b"GET /json HTTP/1.0\r\n\r\n", 200, &[JSON], COUNTED)),
    with(
        Given::Counted,
        row(b"GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, &[JSON], COUNTED),
    ),
    with(
        Given::Counted,
        row(
            b"GET /json HTTP/1.1\r\nHost: webui\r\nConnection: close\r\n\r\n",
            200,
            &[JSON],
            COUNTED,
        ),
    ),
    with(
        Given::Counted,
        row(b"GET /json HTTP/1.1\r\nHost: shop.example\r\n\r\n", 200, &[JSON], COUNTED),
    ),
    row(b"HEAD /json HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[JSON], Any),
    row(b"OPTIONS / HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[OF_WEBUI], Any),
    row(b"OPTIONS /json HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[OF_WEBUI], Any),
    row(b"OPTIONS /json/ HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[OF_WEBUI], Any),
    row(b"OPTIONS /JSON HTTP/1.1\r\nHost: webui\r\n\r\n", 200, &[OF_WEBUI], Any),
    row(b"GET /nowhere HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"GET /json// HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"GET //json HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"GET /jso%6e HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"GET /INDEX.HTML HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"GET /index.html/ HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"GET /api HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"HEAD /nowhere HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"OPTIONS /nowhere HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"OPTIONS * HTTP/1.1\r\nHost: webui\r\n\r\n", 404, &[], Any),
    row(b"POST / HTTP/1.1\r\nHost: webui\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"POST /json HTTP/1.1\r\nHost: webui\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"PUT /json HTTP/1.1\r\nHost: webui\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"POST /index.html HTTP/1.1\r\nHost: webui\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
    row(b"DELETE /nowhere HTTP/1.1\r\nHost: webui\r\nContent-Length: 0\r\n\r\n", 404, &[], Any),
];
