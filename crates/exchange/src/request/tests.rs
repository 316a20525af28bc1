//! Requests as they are written.

use super::*;

fn rendered(request: &Request, form: Form) -> String {
    let url = "http://rng:8001/32?a".parse().unwrap();
    String::from_utf8(Prepared::new(request, &url, form).bytes().to_vec()).unwrap()
}

#[test]
fn a_request_is_written_as_the_standard_says() {
    let get = Request::default();
    assert_eq!(rendered(&get, Form::Origin), "GET /32?a HTTP/1.1\r\nhost: rng:8001\r\n\r\n");
    assert!(rendered(&get, Form::Absolute).starts_with("GET http://rng:8001/32?a HTTP/1.1\r\n"));
    let post = Request { method: Method::POST, body: "abc".into(), ..get.clone() };
    let text = rendered(&post, Form::Origin);
    let typed = "content-type: application/octet-stream\r\ncontent-length: 3\r\n\r\nabc";
    assert!(text.ends_with(typed), "{text}");
    let empty = Request { method: Method::POST, ..get };
    assert!(rendered(&empty, Form::Origin).ends_with("content-length: 0\r\n\r\n"));
}

#[test]
fn hyper_gets_the_same_with_the_host_where_http2_has_it() {
    let header = (HOST, HeaderValue::from_static("other"));
    let request = Request { headers: vec![header], ..Request::default() };
    let url = "https://rng:8001/32?a".parse().unwrap();
    let parts = Prepared::new(&request, &url, Form::Origin).parts;
    assert_eq!(parts.http1.uri(), "/32?a");
    assert_eq!(parts.http1.headers()[HOST], "other");
    assert_eq!(parts.http2.uri(), "https://other/32?a");
    assert!(parts.http2.headers().is_empty());
    let parts = Prepared::new(&Request::default(), &url, Form::Absolute).parts;
    assert_eq!(parts.http1.uri(), "https://rng:8001/32?a");
    assert_eq!(parts.http2.uri(), "https://rng:8001/32?a");
}

#[test]
fn headers_that_are_given_come_before_those_by_default() {
    let header = |name: &'static str, value| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let headers = vec![header("host", "other"), header("x", "1"), header("x", "2")];
    let request = Request { headers, ..Request::default() };
    let text = rendered(&request, Form::Origin);
    assert_eq!(text, "GET /32?a HTTP/1.1\r\nhost: other\r\nx: 1\r\nx: 2\r\n\r\n");
    let old = Request { hostless: true, old: true, ..Request::default() };
    assert_eq!(rendered(&old, Form::Origin), "GET /32?a HTTP/1.0\r\n\r\n");
}

#[test]
fn a_type_that_is_given_is_the_body_s() {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    let request = Request {
        method: Method::PUT,
        headers: vec![kind],
        body: "a,b".into(),
        ..Request::default()
    };
    let text = rendered(&request, Form::Origin);
    assert!(text.contains("content-type: text/csv\r\n") && !text.contains("octet"), "{text}");
    let bodiless = Request { method: Method::POST, ..Request::default() };
    assert!(!rendered(&bodiless, Form::Origin).contains("content-type"));
}

#[test]
fn a_body_is_sent_in_a_chunk_where_that_is_asked_for() {
    let chunked = (TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    let request = |body: &'static str| Request {
        method: Method::POST,
        headers: vec![chunked.clone()],
        body: body.into(),
        ..Request::default()
    };
    let text = rendered(&request("seventeen letters"), Form::Origin);
    assert!(text.ends_with("\r\n\r\n11\r\nseventeen letters\r\n0\r\n\r\n"), "{text}");
    assert!(!text.contains("content-length"));
    assert!(rendered(&request(""), Form::Origin).ends_with("\r\n\r\n0\r\n\r\n"));
}

#[test]
fn a_request_that_closes_says_so() {
    let url = "http://x/".parse().unwrap();
    let closes = |value: &'static str| {
        let headers = vec![(CONNECTION, HeaderValue::from_static(value))];
        Prepared::new(&Request { headers, ..Request::default() }, &url, Form::Origin).closes
    };
    assert!(closes("close") && closes("TE, Close"));
    assert!(!closes("keep-alive") && !closes("closed"));
}

#[test]
fn a_user_in_the_url_logs_in_unless_a_header_does() {
    let url: Url = "http://anna:s%C3%BC%3A%40@rng:81/x".parse().unwrap();
    let text = |request: &Request, form| {
        String::from_utf8(Prepared::new(request, &url, form).bytes().to_vec()).unwrap()
    };
    let by_url = text(&Request::default(), Form::Origin);
    assert!(by_url.contains("authorization: Basic YW5uYTpzw7w6QA==\r\n"), "{by_url}");
    let by_proxy = text(&Request::default(), Form::Absolute);
    assert!(by_proxy.starts_with("GET http://rng:81/x HTTP/1.1\r\n"), "{by_proxy}");
    let own = (AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    let by_header = text(&Request { headers: vec![own], ..Request::default() }, Form::Origin);
    assert!(by_header.contains("Bearer x") && !by_header.contains("Basic"));
}
