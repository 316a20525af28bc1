//! What is typed, as a URL and as nothing.

use super::*;

fn parts(text: &str) -> (Scheme, String, u16, String) {
    let Url { scheme, host, port, path, .. } = text.parse().unwrap();
    (scheme, host, port, path)
}

#[test]
fn what_is_not_typed_has_the_usual_value() {
    use Scheme::{Http, Https};
    for (text, scheme, host, port, path) in [
        ("localhost", Http, "localhost", 80, "/"),
        ("localhost:8001", Http, "localhost", 8001, "/"),
        ("localhost:8001/32?a=b", Http, "localhost", 8001, "/32?a=b"),
        ("http://rng/", Http, "rng", 80, "/"),
        ("https://example.org?q", Https, "example.org", 443, "/?q"),
        ("::1", Http, "::1", 80, "/"),
        ("[::1]:8080/x", Http, "::1", 8080, "/x"),
        ("http://127.0.0.1:1", Http, "127.0.0.1", 1, "/"),
    ] {
        assert_eq!(parts(text), (scheme, host.to_owned(), port, path.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_url_is_refused_with_a_reason() {
    for (text, reason) in [
        ("", "no host"),
        ("ftp://x", "does not speak ftp://"),
        ("://x", "no scheme"),
        ("http://", "no host"),
        ("x:0", "port"),
        ("x:99999", "port"),
        ("x:abc", "port"),
        ("x:+80", "port"),
        ("a b", "host"),
        ("a/b c", "%20"),
        ("a/?q=1\t2", "%09"),
        ("a/\u{a0}x", "%C2%A0"),
        ("http://%FF:x@y/", "UTF-8"),
        ("http://[::1/", "bracket"),
        ("http://[fe80::zz]/", "IPv6"),
        ("http://[1.2.3.4]/", "IPv6"),
        ("http://[fe80::1%]/", "zone"),
        ("http://a_b!c/", "host"),
        ("http://xn--\u{fc}/", "host"),
    ] {
        let error = text.parse::<Url>().unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn the_host_header_names_only_an_unusual_port() {
    let header = |text: &str| text.parse::<Url>().unwrap().host_header();
    assert_eq!(header("http://a:80/"), "a");
    assert_eq!(header("http://a:81/"), "a:81");
    assert_eq!(header("https://[::1]:443/"), "[::1]");
    assert_eq!("[::1]:82".parse::<Url>().unwrap().to_string(), "http://[::1]:82/");
}

#[test]
fn a_url_in_the_query_is_no_scheme() {
    for (text, whole) in [
        ("rng:8001/x?next=https://example.org/", "http://rng:8001/x?next=https://example.org/"),
        ("rng?u=ftp://a@b", "http://rng/?u=ftp://a@b"),
        ("HTTPS://rng/", "https://rng/"),
        ("rng/a#b://c", "http://rng/a"),
    ] {
        assert_eq!(text.parse::<Url>().unwrap().to_string(), whole);
    }
}

#[test]
fn a_zone_is_for_this_machine_alone() {
    for text in ["[fe80::7%25eth1]:82/x", "[fe80::7%eth1]:82/x", "http://[fe80::7%25eth1]:82/x"] {
        let url: Url = text.parse().unwrap();
        assert_eq!((&*url.host, url.name()), ("fe80::7%eth1", "fe80::7"));
        assert_eq!(url.host_header(), "[fe80::7]:82");
        assert_eq!(url.for_proxy(), "http://[fe80::7]:82/x");
        assert_eq!(url.to_string(), "http://[fe80::7%eth1]:82/x");
    }
    let bare: Url = "fe80::7%2".parse().unwrap();
    assert_eq!((&*bare.host, bare.port), ("fe80::7%2", 80));
    assert_eq!(url_of("[fe80::7%25]").host, "fe80::7%25", "the 25th interface");
}

#[test]
fn names_and_paths_beyond_ascii_are_encoded() {
    let url = url_of("http://żółw.Example:81/a/ü?q=\"é\"");
    assert_eq!(url.to_string(), "http://xn--w-uga1v8h.example:81/a/%C3%BC?q=%22%C3%A9%22");
    assert_eq!(url_of("http://%C5%BC%C3%B3%C5%82w.example/").host, "xn--w-uga1v8h.example");
}

#[test]
fn user_and_password_are_read_and_not_shown() {
    let url = url_of("https://eva:top%2Fsecret@rng/x");
    let login = url.login.clone().unwrap();
    assert_eq!((&*login.user, login.password.as_deref()), ("eva", Some("top/secret")));
    assert_eq!(url.to_string(), "https://rng/x");
    assert!(!format!("{url:?}").contains("secret"));
    let error = "http://eva:secret@rng:x/".parse::<Url>().unwrap_err().to_string();
    assert!(error.contains("***@rng:x") && !error.contains("secret"), "{error}");
}

fn url_of(text: &str) -> Url {
    text.parse().unwrap()
}
