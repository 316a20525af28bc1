//! Which Docker engine to talk to, decided as the docker client does: a flag, `DOCKER_HOST`, then
//! the context in use. Reads environment and files; connects to nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// The context that stands for the default socket.
const DEFAULT_CONTEXT: &str = "default";

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// TCP without encryption, `HOST:PORT`.
    Tcp(String),
    /// TCP with TLS, both sides known by their certificates.
    Tls {
        /// `HOST:PORT`.
        address: String,
        /// Holds `ca.pem`, `cert.pem` and `key.pem`.
        certificates: PathBuf,
    },
}

/// What was typed about the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `--engine`.
    pub engine: Option<String>,
    /// `--context`.
    pub context: Option<String>,
}

/// What the environment says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_TLS_VERIFY` is set to something.
    pub tls: bool,
    /// `DOCKER_CERT_PATH`.
    pub certificates: Option<PathBuf>,
    /// `DOCKER_CONFIG`, or `.docker` in the home directory.
    pub config: Option<PathBuf>,
}

/// An engine and why that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Whether somebody asked for it, or it is only where engines usually are.
    pub explicit: bool,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = text("HOME").map(|home| Path::new(&home).join(".docker"));
        Self {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            tls: text("DOCKER_TLS_VERIFY").is_some(),
            certificates: text("DOCKER_CERT_PATH").map(PathBuf::from),
            config: text("DOCKER_CONFIG").map(PathBuf::from).or(home),
        }
    }
}

impl Choice {
    /// The engine that was asked for, or the one that `environment` names, or the usual socket.
    ///
    /// # Errors
    /// A sentence when an address or a context cannot be used.
    pub fn from(asked: &Asked, environment: &Environment) -> Result<Self, String> {
        // An address that is no engine's may be one with a password.
        let chosen = Self::unredacted(asked, environment);
        chosen.map_err(|reason| redacted::text(&reason).into_owned())
    }

    fn unredacted(asked: &Asked, environment: &Environment) -> Result<Self, String> {
        let named = |endpoint| Self { endpoint, explicit: true };
        if let Some(engine) = &asked.engine {
            return Endpoint::parse(engine, environment).map(named);
        }
        if let Some(context) = &asked.context {
            return of_context(context, environment).map(named);
        }
        if let Some(host) = &environment.host {
            return Endpoint::parse(host, environment).map(named);
        }
        if let Some(context) = environment.context.clone().or_else(|| current_context(environment))
            && context != DEFAULT_CONTEXT
        {
            return of_context(&context, environment).map(named);
        }
        Ok(Self { endpoint: Endpoint::Unix(DEFAULT_SOCKET.into()), explicit: false })
    }
}

impl Endpoint {
    /// From `unix://PATH`, `tcp://HOST:PORT` or an `http(s)` URL, with TLS where the environment
    /// asks for it.
    fn parse(text: &str, environment: &Environment) -> Result<Self, String> {
        let certificates = || {
            let of_environment = environment.certificates.clone().or(environment.config.clone());
            of_environment.ok_or_else(|| format!("{text}: set DOCKER_CERT_PATH for TLS"))
        };
        Self::with_certificates(text, environment.tls, certificates)
    }

    fn with_certificates(
        text: &str,
        tls: bool,
        certificates: impl FnOnce() -> Result<PathBuf, String>,
    ) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            format!("'{text}' is no engine; write unix:///PATH or tcp://HOST:PORT")
        })?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "tcp" | "http" | "https" => {
                let tls = tls || scheme == "https";
                let address = with_port(rest, if tls { 2376 } else { 2375 })
                    .ok_or_else(|| format!("'{text}' has no host, or a port that is none"))?;
                match tls {
                    true => Ok(Self::Tls { address, certificates: certificates()? }),
                    false => Ok(Self::Tcp(address)),
                }
            }
            "ssh" => Err(format!(
                "{text}: engines behind ssh are not supported; forward the socket with \
                 `ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST` and name \
                 unix:///tmp/docker.sock"
            )),
            _ => Err(format!("'{text}' is no engine; write unix:///PATH or tcp://HOST:PORT")),
        }
    }

    /// The host where this engine's ports are published, if its address tells.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(address) | Self::Tls { address, .. } => {
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                Some(host.trim_start_matches('[').trim_end_matches(']'))
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
            Self::Tcp(address) | Self::Tls { address, .. } => write!(out, "tcp://{address}"),
        }
    }
}

/// `HOST:PORT` of `HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT`, each perhaps followed by `/`.
fn with_port(text: &str, default: u16) -> Option<String> {
    let text = text.trim_end_matches('/');
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (text, default),
    };
    let host_fits = !host.is_empty() && !host.contains(['/', '@', ' ']);
    host_fits.then(|| format!("{host}:{port}"))
}

/// The context that `docker context use` chose.
fn current_context(environment: &Environment) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "currentContext")]
        current_context: Option<String>,
    }
    let text = std::fs::read(environment.config.as_ref()?.join("config.json")).ok()?;
    serde_json::from_slice::<Config>(&text).ok()?.current_context.filter(|name| !name.is_empty())
}

/// What `docker context create` wrote down under `name`.
fn of_context(name: &str, environment: &Environment) -> Result<Endpoint, String> {
    if name == DEFAULT_CONTEXT {
        return Ok(Endpoint::Unix(DEFAULT_SOCKET.into()));
    }
    let missing = || format!("no docker context '{name}'; `docker context ls` shows what there is");
    let contexts = environment.config.as_ref().ok_or_else(missing)?.join("contexts");
    let digest: String =
        Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = contexts.join("meta").join(&digest).join("meta.json");
    let text = std::fs::read(&file).map_err(|_| missing())?;
    let context: Context = serde_json::from_slice(&text)
        .map_err(|error| format!("docker context '{name}': {}: {error}", file.display()))?;
    let docker = context.endpoints.docker;
    if docker.skip_tls_verify {
        return Err(format!(
            "docker context '{name}' skips the check of the engine's certificate, which bench does \
             not; make it without skip-tls-verify"
        ));
    }
    let certificates = contexts.join("tls").join(&digest).join("docker");
    let tls = certificates.join("ca.pem").exists();
    Endpoint::with_certificates(&docker.host, tls, || Ok(certificates))
        .map_err(|reason| format!("docker context '{name}': {reason}"))
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: DockerEndpoint,
}

#[derive(Deserialize)]
struct DockerEndpoint {
    #[serde(rename = "Host")]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(asked: &Asked, environment: &Environment) -> Endpoint {
        Choice::from(asked, environment).unwrap().endpoint
    }

    #[test]
    fn addresses_are_read_as_the_docker_client_reads_them() {
        let plain = Environment::default();
        let parse = |text: &str| Endpoint::parse(text, &plain);
        assert_eq!(parse("unix:///run/d.sock"), Ok(Endpoint::Unix("/run/d.sock".into())));
        assert_eq!(parse("tcp://10.0.0.1"), Ok(Endpoint::Tcp("10.0.0.1:2375".into())));
        assert_eq!(parse("tcp://[::1]:99/"), Ok(Endpoint::Tcp("[::1]:99".into())));
        assert_eq!(parse("tcp://[::1]"), Ok(Endpoint::Tcp("[::1]:2375".into())));
        assert_eq!(parse("tcp://[::1]").unwrap().host(), Some("::1"));
        for wrong in ["", "tcp://", "tcp://:1", "docker.sock", "tcp://a:b", "unix://x", "npipe://x"]
        {
            assert!(parse(wrong).is_err(), "{wrong:?} was accepted");
        }
        assert!(parse("ssh://host").unwrap_err().contains("ssh -NL"));
        let secure = Environment { tls: true, certificates: Some("/c".into()), ..plain };
        let tls = Endpoint::Tls { address: "h:2376".into(), certificates: "/c".into() };
        assert_eq!(Endpoint::parse("tcp://h", &secure), Ok(tls));
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_context() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path();
        let name = Sha256::digest(b"lab").iter().fold(String::new(), |mut text, byte| {
            std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}")).unwrap();
            text
        });
        let meta = config.join("contexts/meta").join(&name);
        std::fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"lab","Endpoints":{"docker":{"Host":"tcp://ctx:1"}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        std::fs::write(config.join("config.json"), r#"{"currentContext":"lab"}"#).unwrap();
        let mut environment =
            Environment { config: Some(config.to_owned()), ..Environment::default() };
        let mut asked = Asked::default();
        assert_eq!(chosen(&asked, &environment), Endpoint::Tcp("ctx:1".into()));
        environment.host = Some("tcp://env:1".into());
        assert_eq!(chosen(&asked, &environment), Endpoint::Tcp("env:1".into()));
        asked.context = Some("lab".into());
        assert_eq!(chosen(&asked, &environment), Endpoint::Tcp("ctx:1".into()));
        asked.engine = Some("unix:///x".into());
        assert_eq!(chosen(&asked, &environment), Endpoint::Unix("/x".into()));
        let certificates = config.join("contexts/tls").join(&name).join("docker");
        std::fs::create_dir_all(&certificates).unwrap();
        std::fs::write(certificates.join("ca.pem"), "").unwrap();
        asked.engine = None;
        let tls = Endpoint::Tls { address: "ctx:1".into(), certificates };
        assert_eq!(chosen(&asked, &environment), tls);
        asked.context = Some("none".into());
        let error = Choice::from(&asked, &environment).unwrap_err();
        assert!(error.contains("docker context ls"), "{error}");
    }

    #[test]
    fn an_address_with_a_login_is_refused_without_it() {
        for engine in ["tcp://ada:geheim@h:2375", "ssh://ada:geheim@h", "x://:geheim@h"] {
            let asked = Asked { engine: Some(engine.into()), context: None };
            let by_flag = Choice::from(&asked, &Environment::default()).unwrap_err();
            let host = Environment { host: Some(engine.into()), ..Environment::default() };
            let by_variable = Choice::from(&Asked::default(), &host).unwrap_err();
            for error in [by_flag, by_variable] {
                assert!(!error.contains("geheim") && error.contains("@h"), "{error}");
            }
        }
    }

    #[test]
    fn without_a_word_it_is_the_usual_socket() {
        let choice = Choice::from(&Asked::default(), &Environment::default()).unwrap();
        assert_eq!(choice.endpoint.to_string(), "unix:///var/run/docker.sock");
        assert!(!choice.explicit);
    }
}
