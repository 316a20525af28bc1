//! `bench ping` and `bench load` on ways that go wrong: certificates, proxies, and names whose
//! address goes away while they run.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use app_tests::{Ended, Place, Process, eventually};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A server that answers each connection's requests over what `wrap` makes of it, and tells of each
/// request, until the test's process ends.
fn server<S>(wrap: impl Fn(std::net::TcpStream) -> S + Send + 'static) -> (SocketAddr, Requests)
where
    S: std::io::Read + std::io::Write + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, told) = (wrap(stream.unwrap()), told.clone());
            thread::spawn(move || {
                let mut request = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut request) {
                    let text = String::from_utf8_lossy(&request[..read]).into_owned();
                    // The test may be over.
                    let _ = told.send(text);
                    if stream.write_all(ANSWER).and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, requests)
}

type Requests = mpsc::Receiver<String>;

/// A server with a certificate that nobody knows, and the certificate.
fn secured() -> (SocketAddr, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let config = Arc::new(config);
    let (address, _requests) = server(move |stream| {
        StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
    });
    (address, certificate.pem())
}

async fn run(words: &str) -> Ended {
    let place = Place::fast();
    let words: Vec<_> = words.split_whitespace().collect();
    Process::start(&mut place.plain(&words)).end().await
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_unless_it_is_accepted() {
    let (address, pem) = secured();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("own.pem");
    fs::write(&file, pem).unwrap();
    let trusting = format!("--ca {}", file.display());
    for command in ["ping -G -c 2 -i 0.01", "load -c 2 -n 20 --no-view"] {
        let refused = run(&format!("{command} https://{address}/")).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains("TLS with 127.0.0.1: its certificate"), "{said}");
        assert!(said.contains("(-k accepts it)") || said.contains("--ca"), "{said}");
        for accepting in ["-k", &trusting] {
            let accepted = run(&format!("{command} {accepting} https://{address}/")).await;
            assert_eq!(accepted.code, Some(0), "{accepting}: {accepted:?}");
        }
        let missing = run(&format!("{command} --ca /no/such.pem https://{address}/")).await;
        assert_eq!(missing.code, Some(2), "{missing:?}");
        assert!(missing.stderr.contains("/no/such.pem"), "{}", missing.stderr);
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_url_and_one_that_is_not_there_is_named() {
    let (proxy, requests) = server(|stream| stream);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for command in ["ping -G -c 1", "load -c 1 -n 1 --no-view"] {
        let asked = run(&format!("{command} -x {proxy} http://app.invalid/32")).await;
        assert_eq!(asked.code, Some(0), "{asked:?}");
        let request = requests.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(request.starts_with("GET http://app.invalid/32 HTTP/1.1\r\n"), "{request}");
        let refused = run(&format!("{command} -x {closed} http://app.invalid/")).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains(&format!("cannot connect to proxy {closed}")), "{said}");
    }
}

/// `bench` where a file of the test's own says which addresses names have.
fn with_hosts(hosts: &std::path::Path, words: &str) -> Command {
    let namespaces = ["--map-root-user", "--mount"];
    let allowed = Command::new("unshare").args(namespaces).arg("true").status();
    assert!(
        allowed.is_ok_and(|status| status.success()),
        "this needs user namespaces: run it as root, or set kernel.apparmor_restrict_unprivileged_userns=0"
    );
    let place = Place::fast();
    let bench = place.plain(&[]).get_program().to_owned();
    let mut command = Command::new("unshare");
    // What is mounted there is seen by this command alone.
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    command.args(namespaces).args(["sh", "-c", script]).arg(hosts).arg(bench);
    command.args(words.split_whitespace());
    command
}

#[tokio::test]
async fn a_name_that_loses_its_address_fails_until_it_has_one_again() {
    let (address, _requests) = server(|stream| stream);
    let folder = TempDir::new().unwrap();
    let hosts = folder.path().join("hosts");
    let known = "127.0.0.1 flaky.test\n";
    // The same file, so that it stays where it is mounted.
    let says = |text: &str| fs::write(&hosts, text).unwrap();
    let url = format!("http://flaky.test:{}/", address.port());

    says(known);
    let words = format!("ping -G -i 0.05 {url}");
    let mut pinging = Process::start(&mut with_hosts(&hosts, &words));
    pinging.line("an answer", |line| line.contains("seq=0 ")).await;
    says("");
    pinging.line("the failure", |line| line.contains("cannot resolve flaky.test")).await;
    let answers = |pinging: &Process| {
        pinging.lines().iter().filter(|line| line.starts_with("connected to 127.0.0.1")).count()
    };
    let before = answers(&pinging);
    says(known);
    eventually("answers again", async || (answers(&pinging) > before).then_some(())).await;
    pinging.signal(rustix::process::Signal::INT);
    let ended = pinging.end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("resolve"), "{}", ended.stdout);

    let words = format!("load -c 1 --rate 50 -d 6s --no-keep-alive --json {url}");
    let loading = Process::start(&mut with_hosts(&hosts, &words));
    tokio::time::sleep(Duration::from_secs(2)).await;
    says("");
    tokio::time::sleep(Duration::from_secs(2)).await;
    says(known);
    let ended = loading.end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let result = ended.json();
    let failed = result["failures"]["resolve"]["count"].as_u64().unwrap();
    let first = result["failures"]["resolve"]["first"].as_str().unwrap();
    assert!(failed > 0 && first.starts_with("cannot resolve flaky.test"), "{result}");
    assert!(result["good"].as_u64().unwrap() > 100, "{result}");
    assert_eq!(result["requests"].as_u64().unwrap() + result["failed"].as_u64().unwrap(), 300);
}
