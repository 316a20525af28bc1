//! What typed words come to, and which are refused.

use exchange::{Family, ProxyKind, Trust};
use http::Method;

use super::*;
use crate::prober::Body;
use crate::report::fixtures::{plan, planned};

fn url(words: &str) -> String {
    plan(words).target.route.url.to_string()
}

fn headers(words: &str) -> Vec<String> {
    let plan = plan(words);
    let headers = plan.target.asked.request.headers;
    headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect()
}

#[test]
fn a_place_is_typed_in_httpings_three_ways() {
    assert_eq!(url("localhost:8001"), "http://localhost:8001/");
    assert_eq!(url("-g http://localhost:8001/32"), "http://localhost:8001/32");
    assert_eq!(url("-h localhost -p 8001"), "http://localhost:8001/");
    assert_eq!(url("-h ::1 -p 81"), "http://[::1]:81/");
    assert_eq!(url("-l localhost"), "https://localhost/");
    assert_eq!(url("-l localhost:8443/x"), "https://localhost:8443/x");
    assert_eq!(url("--unix /run/x"), "http://localhost/");
    assert_eq!(planned(""), Err(Refusal::NoPlace));
    assert!(matches!(planned("-h host:80"), Err(Refusal::Host(_))));
    assert!(matches!(planned("-h http://host"), Err(Refusal::Host(_))));
}

#[test]
fn head_is_sent_unless_something_else_is_meant() {
    let method = |words: &str| {
        let plan = plan(words);
        (plan.target.asked.request.method, plan.chosen.is_some())
    };
    assert_eq!(method("x"), (Method::HEAD, true));
    assert_eq!(method("-G x"), (Method::GET, false));
    assert_eq!(method("--data a x"), (Method::POST, true));
    assert_eq!(method("--method put --data-bytes 5 x"), (Method::PUT, false));
    assert_eq!(plan("--data-bytes 5 x").target.asked.body, Body::Random(5));
    assert!(planned("-G --data a x").unwrap_err().to_string().contains("--method GET"));
}

#[test]
fn flags_become_headers_and_given_ones_come_before() {
    let own = format!("user-agent: bench-ping/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(headers("x"), [own.clone(), "connection: close".to_owned()]);
    assert_eq!(headers("-Q x"), std::slice::from_ref(&own));
    assert_eq!(headers("--http2 x"), [own], "HTTP/2 has no such header");
    let all = "-I me -R from -C a=1 -C b=2 -U u -P p -Z --header X-Y:1 --header X-Y:2 x";
    assert_eq!(
        headers(all),
        [
            "user-agent: me",
            "connection: close",
            "referer: from",
            "pragma: no-cache",
            "cache-control: no-cache",
            "cookie: a=1; b=2",
            "x-y: 1",
            "x-y: 2"
        ]
    );
    assert_eq!(headers("--header User-Agent:1 -Q x"), ["user-agent: 1"]);
}

#[test]
fn the_way_there_is_as_it_was_typed() {
    let route = |words: &str| plan(words).target.route;
    assert_eq!(route("-6 x").family, Some(Family::V6));
    assert_eq!(route("-y 127.0.0.2 x").bind, Some("127.0.0.2".parse().unwrap()));
    assert_eq!(route("-k x").trust, Trust::Anyone);
    assert_eq!(route("--ca a.pem x").trust, Trust::File("a.pem".into()));
    assert_eq!(route("--divert-connect a x:81").instead, Some(("a".to_owned(), 81)));
    assert_eq!(route("--divert-connect a:82 x:81").instead, Some(("a".to_owned(), 82)));
    let proxy = route("-x p:1 -5 --proxy-user u --proxy-password w x").proxy.unwrap();
    assert_eq!((proxy.kind, &*proxy.host, proxy.port), (ProxyKind::Socks5, "p", 1));
    let login = |user: &str, password: &str| exchange::Login {
        user: user.to_owned(),
        password: Some(password.to_owned()),
    };
    assert_eq!(proxy.login, Some(login("u", "w")));
    let proxy = route("-x u%40h:w%3A@p:1 x").proxy.unwrap();
    assert_eq!(proxy.login, Some(login("u@h", "w:")));
}

#[test]
fn passwords_and_bodies_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "p\nnot this\n").unwrap();
    let path = file.to_str().unwrap();
    let password = |words: &str| plan(words).target.route.url.login.unwrap().password;
    assert_eq!(password(&format!("-U u -T {path} x")).as_deref(), Some("p"));
    assert_eq!(password(&format!("--password-file {path} http://u:q@x")).as_deref(), Some("p"));
    assert_eq!(password("http://u:q@x").as_deref(), Some("q"));
    let body = plan(&format!("--data-file {path} x")).target.asked.request.body;
    assert_eq!(&body[..], b"p\nnot this\n");
    let error = planned("-U u -T /nowhere x").unwrap_err().to_string();
    assert_eq!(error, "--password-file /nowhere: No such file or directory");
    let error = planned("-P word x").unwrap_err().to_string();
    assert_eq!(error, "-P needs a user: -U NAME, or NAME@ before the host");
}

#[test]
fn the_pace_is_httpings() {
    let second = Duration::from_secs(1);
    assert_eq!(plan("x").pace, Pace::Every(second));
    assert_eq!(plan("-K x").pace, Pace::Every(second / 2));
    assert_eq!(plan("-i 0.2 x").pace, Pace::Every(second / 5));
    assert_eq!(plan("-f x").pace, Pace::Flood);
    assert_eq!(plan("x").target.limit, Duration::from_secs(30));
}

#[test]
fn a_bound_that_cannot_be_told_is_refused_before() {
    let error = planned("-c 10 --fail-above p99=1s x").unwrap_err().to_string();
    assert!(error.contains("p99 needs 1000 probes"), "{error}");
    assert!(planned("-c 1000 --fail-above p99=1s x").is_ok());
    assert!(planned("-c 1 --fail-above max=1s x").is_ok());
    assert!(planned("--fail-above p99=1s x").is_ok(), "Ctrl-C may come late enough");
}
