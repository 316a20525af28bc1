//! Which answer a request asks for, read as Flask's router reads it. It answers nothing itself.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;
use service::is_read;

/// Most bytes one request may ask for: 1 GiB.
pub const MOST_BYTES: u64 = 1 << 30;

/// The methods of both routes, as Flask names them in `Allow`.
pub(crate) const METHODS: &str = "OPTIONS, GET, HEAD";

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /`.
    Greeting,
    /// `GET /<n>`.
    Bytes(u64),
    /// `GET /<n>` with an n above [`MOST_BYTES`].
    TooMany,
    /// `OPTIONS` of a path that exists.
    Options,
    /// Any other method on a path that exists.
    WrongMethod,
    /// A path that does not exist.
    Unknown,
}

impl Route {
    /// The route of a request with this method and path.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        match of_path(path) {
            Self::Unknown => Self::Unknown,
            route if is_read(method) => route,
            _ if method == Method::OPTIONS => Self::Options,
            _ => Self::WrongMethod,
        }
    }
}

fn of_path(path: &str) -> Route {
    // Decoded first: Flask takes an encoded slash for a slash. Without an escape nothing is copied.
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    let Some(name) = decoded.strip_prefix(b"/") else {
        return Route::Unknown;
    };
    let slashes = name.iter().take_while(|byte| **byte == b'/').count();
    let name = &name[slashes..];
    if name.is_empty() {
        return Route::Greeting;
    }
    if !name.iter().all(u8::is_ascii_digit) {
        return Route::Unknown;
    }
    // All digits: a number that does not even fit is one too large, not an unknown path.
    match std::str::from_utf8(name).map(str::parse) {
        Ok(Ok(count)) if count <= MOST_BYTES => Route::Bytes(count),
        _ => Route::TooMany,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decimal_numbers_or_unknown() {
        for (path, route) in [
            ("/", Route::Greeting),
            ("//", Route::Greeting),
            ("/%2f", Route::Greeting),
            ("/0", Route::Bytes(0)),
            ("/032", Route::Bytes(32)),
            ("//10", Route::Bytes(10)),
            ("////7", Route::Bytes(7)),
            ("/%31%30", Route::Bytes(10)),
            ("/4%32", Route::Bytes(42)),
            ("/%2F/%2f8", Route::Bytes(8)),
            ("/1073741824", Route::Bytes(MOST_BYTES)),
            ("/1073741825", Route::TooMany),
            ("/%3999999999999999999999999999", Route::TooMany),
        ] {
            assert_eq!(of_path(path), route, "{path}");
        }
        for path in [
            "*", "", "/abc", "/-1", "/+1", "/32/", "/32%2F", "/ 32", "/1e3", "/%zz", "/%3",
            "/%2531", "/%FF", "/./1", "/a/../1", "/1;x",
        ] {
            assert_eq!(of_path(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn a_path_that_exists_has_three_methods() {
        for path in ["/", "/10", "//%31", "/1073741825"] {
            assert_eq!(Route::of(&Method::OPTIONS, path), Route::Options, "{path}");
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                assert_eq!(Route::of(&method, path), Route::WrongMethod, "{method} {path}");
            }
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
            assert_eq!(Route::of(&method, "/abc"), Route::Unknown, "{method}");
        }
        assert_eq!(Route::of(&Method::HEAD, "/5"), Route::Bytes(5));
    }
}
