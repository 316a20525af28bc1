//! The ways to an engine: TLS by environment, flag and docker context, and plain TCP.

use std::fs;
use std::path::Path;
use std::process::Command;

use app_tests::lab::PLAIN;
use app_tests::{Ended, Lab, Process};
use tokio::net::{TcpListener, UnixStream};

use crate::refused;

const STATUS: [&str; 3] = ["status", "--output", "json"];

/// An engine with TLS: its address, and the folder of certificates.
struct Tls {
    host: String,
    certificates: String,
}

/// What `lab env --tls` says about m2.
async fn tls(lab: &Lab) -> Tls {
    let said = lab.run(&["env", "m2", "--tls"]).await;
    let value = |name: &str| -> String {
        let lines = said.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name));
        lines.unwrap_or_else(|| panic!("no {name} in {said}")).trim_matches('\'').to_owned()
    };
    assert_eq!(value("DOCKER_TLS_VERIFY="), "1");
    Tls { host: value("DOCKER_HOST="), certificates: value("DOCKER_CERT_PATH=") }
}

async fn run(command: &mut Command) -> Ended {
    Process::start(command).end().await
}

fn shows_the_stack(ended: &Ended, engine: &str) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    assert_eq!((json["stack"].as_str(), json["engine"].as_str()), (Some(PLAIN), Some(engine)));
    assert_eq!(json["services"].as_array().map(Vec::len), Some(5), "{json}");
}

#[tokio::test]
async fn tls_is_spoken_as_the_environment_says() {
    let (lab, _) = Lab::plain().await;
    let Tls { host, certificates } = tls(&lab).await;
    let secure = |words: &[&str]| {
        let mut command = lab.bench_without_engine(words);
        command.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", &certificates);
        command
    };
    shows_the_stack(&run(secure(&STATUS).env("DOCKER_HOST", &host)).await, &host);
    let by_flag = secure(&[&STATUS[..], &["--engine", &host]].concat());
    shows_the_stack(&run(&mut { by_flag }).await, &host);
    // Without TLS the engine's port says nothing that bench could use.
    let words = [&STATUS[..], &["--engine", &host]].concat();
    refused(&run(&mut lab.bench_without_engine(&words)).await, &[&host, "HTTPS"]);
}

#[tokio::test]
async fn certificates_of_another_authority_or_none_are_refused() {
    let (lab, _) = Lab::plain().await;
    let Tls { host, certificates } = tls(&lab).await;
    let wrong = lab.folder().join("wrong");
    fs::create_dir(&wrong).unwrap();
    let with = async |folder: &Path| {
        let mut command = lab.bench_without_engine(&STATUS);
        command.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", folder);
        run(command.env("DOCKER_HOST", &host)).await
    };
    refused(&with(&wrong).await, &["cannot read", "ca.pem, cert.pem and key.pem"]);
    for name in ["cert.pem", "key.pem"] {
        fs::copy(Path::new(&certificates).join(name), wrong.join(name)).unwrap();
    }
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]);
    openssl.args(["-subj", "/CN=nobody's authority", "-keyout", "/dev/null", "-out"]);
    assert_eq!(run(openssl.arg(wrong.join("ca.pem"))).await.code, Some(0));
    refused(&with(&wrong).await, &["the certificates in DOCKER_CERT_PATH"]);
}

#[tokio::test]
async fn a_docker_context_is_followed() {
    let (lab, _) = Lab::plain().await;
    let Tls { host, certificates } = tls(&lab).await;
    let config = lab.folder().join("config");
    let docker = async |words: &[&str]| {
        let mut command = Command::new("docker");
        command.args(words).env("DOCKER_CONFIG", &config).env_remove("DOCKER_HOST");
        let ended = run(&mut command).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    };
    let [ca, cert, key] =
        ["ca", "cert", "key"].map(|name| format!("{name}={certificates}/{name}.pem"));
    docker(&["context", "create", "lab", "--docker", &format!("host={host},{ca},{cert},{key}")])
        .await;
    let socket = lab.engine("m3");
    docker(&["context", "create", "third", "--docker", &format!("host={socket}")]).await;
    let bench = |words: &[&str]| {
        let mut command = lab.bench_without_engine(&[&STATUS[..], words].concat());
        command.env("DOCKER_CONFIG", &config);
        command
    };
    shows_the_stack(&run(&mut bench(&["--context", "lab"])).await, &host);
    shows_the_stack(&run(bench(&[]).env("DOCKER_CONTEXT", "third")).await, &socket);
    docker(&["context", "use", "lab"]).await;
    shows_the_stack(&run(&mut bench(&[])).await, &host);
    let ended = run(&mut bench(&["--context", "nosuch"])).await;
    refused(&ended, &["no docker context 'nosuch'", "docker context ls"]);
}

#[tokio::test]
async fn plain_tcp_is_spoken_where_nothing_asks_for_tls() {
    let (lab, _) = Lab::plain().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let socket = lab.state().join("m1/docker.sock");
    let relay = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut engine = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut client, &mut engine).await },
            );
        }
    });
    let words = [&STATUS[..], &["--engine", &address]].concat();
    shows_the_stack(&run(&mut lab.bench_without_engine(&words)).await, &address);
    // The engine's address says nothing about where ports are published: that is asked of the swarm.
    let words =
        ["scale", "--engine", &address, "--output", "json", "--duration", "2s", "--warmup", "0"];
    let mut command = lab.bench_without_engine(&words);
    let ended = Process::start(&mut command).end_within(app_tests::lab::PATIENCE).await;
    assert_eq!(crate::measured(&ended)["steps"][0]["reporting"], 1);
    relay.abort();
}
