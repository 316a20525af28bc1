//! TLS: what is agreed on, whom it is agreed on with, and what is said when it is not.

use std::net::SocketAddr;
use std::path::PathBuf;

use exchange::{Failure, Kind, Phase, Protocol, Route, Trust};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::certificates::{Authority, acceptor, called, secure};
use crate::server::{OK, connected, got, head, listening, reset, send};

async fn answer(mut stream: TlsStream<TcpStream>) {
    while !head(&mut stream).await.is_empty() {
        stream.write_all(OK).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// A server with a certificate of `authority` for `server`.
async fn server(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> SocketAddr {
    let certificate = authority.sign(&["server"], change);
    secure(acceptor(&certificate, &["http/1.1"]), answer).await
}

async fn refusal(route: &Route) -> String {
    let failure = connected(route).await.0.unwrap_err();
    assert_eq!(failure.kind(), Kind::Tls, "{failure:?}");
    failure.to_string()
}

#[tokio::test]
async fn a_server_of_a_known_authority_is_trusted_and_told_of() {
    let authority = Authority::new();
    let certificate = authority.sign(&["server", "127.0.0.1"], |_| {});
    let address = secure(acceptor(&certificate, &["http/1.1"]), answer).await;
    for protocol in [Protocol::Http1, Protocol::Hyper1] {
        for name in ["server", "127.0.0.1"] {
            let route = called(name, address, Trust::File(authority.file()));
            let route = Route { protocol, ..route };
            let connection = connected(&route).await.0.unwrap();
            let secured = connection.secured().unwrap();
            assert_eq!(secured.fingerprint[..], Sha256::digest(certificate.0.der())[..]);
            assert_eq!(secured.version, "TLSv1.3");
            assert!(secured.cipher.starts_with("TLS13_"), "{secured:?}");
            let (answer, stamps) = got(&route).await;
            assert_eq!(answer.unwrap().body_bytes, 5);
            let phases = stamps.phases().unwrap();
            assert!(phases.tls.is_some());
            assert_eq!(phases.total(), stamps.done.unwrap() - stamps.began);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_with_what_to_do() {
    let authority = Authority::new();
    let trust = || Trust::File(authority.file());
    let expired = server(&authority, |certificate| {
        certificate.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let expired = called("server", expired.await, trust());
    let said = refusal(&expired).await;
    assert!(said.starts_with("TLS with server: its certificate expired "), "{said}");
    assert!(said.ends_with(" days ago (-k accepts it)"), "{said}");
    let early = server(&authority, |certificate| {
        certificate.not_before = rcgen::date_time_ymd(3000, 1, 1);
    });
    let said = refusal(&called("server", early.await, trust())).await;
    assert!(said.contains("valid in ") && said.contains("clock"), "{said}");
    let other = called("other", server(&authority, |_| {}).await, trust());
    let said = "TLS with other: its certificate is for server, not other (-k accepts it)";
    assert_eq!(refusal(&other).await, said);
    let unknown = Authority::named("another authority");
    let unknown = called("server", server(&unknown, |_| {}).await, trust());
    let said = refusal(&unknown).await;
    assert!(said.contains("authority that is not trusted here (--ca"), "{said}");
    let namesake = called("server", server(&Authority::new(), |_| {}).await, trust());
    let said = refusal(&namesake).await;
    assert!(said.contains("a signature is wrong"), "{said}");
    for route in [expired, other, unknown, namesake] {
        let route = Route { trust: Trust::Anyone, ..route };
        assert_eq!(got(&route).await.0.unwrap().status, 200, "{route:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_signs_itself_can_be_trusted_by_name() {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["server".to_owned()]).unwrap();
    let own = parameters.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.pem");
    std::fs::write(&file, own.pem()).unwrap();
    let address = secure(acceptor(&(own, key), &[]), answer).await;
    let said = refusal(&called("server", address, Trust::File(Authority::new().file()))).await;
    assert!(said.contains("not trusted here"), "{said}");
    assert_eq!(got(&called("server", address, Trust::File(file))).await.0.unwrap().status, 200);
}

/// Certificates of servers that are in the file themselves: one that says it is an authority, as
/// `openssl req -x509` makes them, and one that an authority has signed which is not there.
#[tokio::test]
async fn a_server_s_own_certificate_in_the_file_is_trusted_for_its_name_and_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let signed = Authority::new();
    let made = |changes: &dyn Fn(&mut CertificateParams), by_itself: bool| {
        if !by_itself {
            return signed.sign(&["shop.test", "10.1.2.3"], changes);
        }
        let key = KeyPair::generate().unwrap();
        let names = vec!["shop.test".to_owned(), "10.1.2.3".to_owned()];
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        changes(&mut parameters);
        (parameters.self_signed(&key).unwrap(), key)
    };
    for by_itself in [true, false] {
        let certificate = made(&|_| {}, by_itself);
        let file = folder.path().join(format!("own-{by_itself}.pem"));
        std::fs::write(&file, certificate.0.pem()).unwrap();
        let trust = || Trust::File(file.clone());
        let address = secure(acceptor(&certificate, &[]), answer).await;
        for name in ["shop.test", "10.1.2.3"] {
            let answered = got(&called(name, address, trust())).await.0;
            assert_eq!(answered.unwrap().status, 200, "{by_itself} {name}");
        }
        let said = refusal(&called("bank.test", address, trust())).await;
        assert!(said.contains("is for shop.test and 10.1.2.3, not bank.test"), "{said}");
        let another = made(&|_| {}, by_itself);
        let address = secure(acceptor(&another, &[]), answer).await;
        let said = refusal(&called("shop.test", address, trust())).await;
        assert!(said.contains("TLS with shop.test"), "{said}");
        let expired = made(&|made| made.not_after = rcgen::date_time_ymd(2021, 3, 4), by_itself);
        std::fs::write(&file, expired.0.pem()).unwrap();
        let address = secure(acceptor(&expired, &[]), answer).await;
        let said = refusal(&called("shop.test", address, trust())).await;
        assert!(said.contains("its certificate expired"), "{by_itself} {said}");
    }
}

#[tokio::test]
async fn files_that_are_of_no_use_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let address = "127.0.0.1:1".parse().unwrap();
    let wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, reason) in [
        (folder.path().join("missing"), ": no such file or directory"),
        (file("empty", ""), "has no certificate in PEM form"),
        (file("wrong", wrong), "has a certificate that is none"),
    ] {
        let said = refusal(&called("server", address, Trust::File(path.clone()))).await;
        assert!(said.contains(reason) && said.contains(path.to_str().unwrap()), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_told_from_one_that_breaks_off() {
    let plain = listening(|stream| crate::server::act(stream, vec![send(OK)])).await;
    let said = refusal(&called("server", plain, Trust::Anyone)).await;
    assert!(said.ends_with("does not speak TLS on this port; try http://"), "{said}");
    let broken = listening(|stream| async { reset(stream) }).await;
    let failure = connected(&called("server", broken, Trust::Anyone)).await.0.unwrap_err();
    assert_eq!(failure, Failure::Reset(Phase::Tls));
    let closed = listening(|mut stream| async move {
        let mut hello = [0; 64];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut hello).await.unwrap();
        stream.shutdown().await.unwrap();
        crate::server::act(stream, vec![]).await;
    });
    let failure = connected(&called("server", closed.await, Trust::Anyone)).await.0.unwrap_err();
    assert_eq!(failure, Failure::Closed(Phase::Tls));
    assert_eq!(failure.to_string(), "connection closed while agreeing on TLS");
}

#[tokio::test]
async fn http_2_needs_a_server_that_agrees() {
    let authority = Authority::new();
    for alpn in [&["http/1.1"][..], &[]] {
        let certificate = authority.sign(&["server"], |_| {});
        let address = secure(acceptor(&certificate, alpn), answer).await;
        let route = called("server", address, Trust::File(authority.file()));
        let said = refusal(&Route { protocol: Protocol::Http2, ..route }).await;
        assert!(said.ends_with("does not speak HTTP/2 over TLS; ask for HTTP/1.1"), "{said}");
    }
}

/// Without its farewell nobody knows whether the server meant to end there.
#[tokio::test]
async fn an_answer_that_ends_without_farewell_is_cut_off() {
    let authority = Authority::new();
    for says_farewell in [true, false] {
        let certificate = authority.sign(&["server"], |_| {});
        let serve = move |mut stream: TlsStream<TcpStream>| async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
            stream.flush().await.unwrap();
            if says_farewell {
                stream.shutdown().await.unwrap();
            }
        };
        let address = secure(acceptor(&certificate, &[]), serve).await;
        let answer = got(&called("server", address, Trust::File(authority.file()))).await.0;
        match says_farewell {
            true => assert_eq!(answer.unwrap().body_bytes, 5),
            false => assert_eq!(answer.unwrap_err(), Failure::Closed(Phase::Receive)),
        }
    }
}

#[tokio::test]
async fn a_name_that_no_certificate_has_is_refused_before_anything_is_sent() {
    let url = "https://a_b..c/".parse().unwrap();
    let said = refusal(&Route::to(url)).await;
    assert!(said.contains("no certificate can be for a name like this"), "{said}");
}
