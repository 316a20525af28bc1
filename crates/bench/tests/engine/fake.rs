//! An engine that manages a swarm with one stack, `shop`, and knows as much of the API as bench
//! asks for.

#![expect(clippy::unwrap_used, reason = "a test whose engine is broken has failed")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixListener;

/// The engine; its socket goes with it.
pub(crate) struct Engine {
    folder: TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    services: BTreeMap<String, Value>,
    /// Answers in place of its own, by the path without its version.
    answers: BTreeMap<String, (StatusCode, Value)>,
    paths: Vec<String>,
    updates: Vec<String>,
    /// How often a service is changed by somebody else just before it is updated.
    interferences: u32,
}

impl Engine {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let names = ["worker", "rng", "hasher", "webui"];
        let services = names.map(|name| (name.to_owned(), service(name))).into();
        let state = Arc::new(Mutex::new(State { services, ..State::default() }));
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&served);
                let answer = service_fn(move |request| answer(Arc::clone(&state), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        });
        Self { folder, state }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    pub(crate) fn service(&self, name: &str) -> Value {
        self.state().services[name].clone()
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Value)) {
        change(self.state().services.get_mut(name).unwrap());
    }

    pub(crate) fn answer(&self, path: &str, status: StatusCode, body: Value) {
        self.state().answers.insert(path.to_owned(), (status, body));
    }

    pub(crate) fn interfere(&self, times: u32) {
        self.state().interferences = times;
    }

    pub(crate) fn updates(&self) -> Vec<String> {
        self.state().updates.clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.state().paths.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// A service with some of everything that scaling must not touch.
fn service(name: &str) -> Value {
    json!({
        "ID": format!("id-{name}"),
        "Version": {"Index": 10},
        "CreatedAt": "2026-01-01T00:00:00Z",
        "Spec": {
            "Name": format!("shop_{name}"),
            "Labels": {"com.docker.stack.namespace": "shop"},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": format!("registry/{name}:1@sha256:00"),
                    "Env": ["A=b=c"],
                    "CapabilityDrop": ["ALL"],
                    "ReadOnly": true,
                    "Healthcheck": {"Test": ["CMD", "/x"], "Interval": 2_000_000_000_i64},
                    "Isolation": "default"
                },
                "Resources": {"Limits": {"MemoryBytes": 1000}, "Reservations": {"NanoCPUs": 10}},
                "Placement": {"Preferences": [{"Spread": {"SpreadDescriptor": "node.id"}}]},
                "Networks": [{"Target": "net1", "Aliases": [name]}],
                "ForceUpdate": 2,
                "Runtime": "container"
            },
            "Mode": {"Replicated": {"Replicas": 1}},
            "UpdateConfig": {"Parallelism": 2, "FailureAction": "rollback", "MaxFailureRatio": 0,
                             "Order": "start-first"},
            "EndpointSpec": {"Mode": "vip"}
        },
        "Endpoint": {"Spec": {"Mode": "vip"}}
    })
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let method = request.method().clone();
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().map(str::to_owned));
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let mut state = state.lock().unwrap();
    state.paths.push(path.clone());
    let path = path.strip_prefix("/v1.41").unwrap_or(&path);
    let (status, body) = match state.answers.get(path) {
        Some(answer) => answer.clone(),
        None => state.own(&method, path, query.as_deref().unwrap_or_default(), &body),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    Ok(response)
}

impl State {
    fn own(
        &mut self,
        method: &Method,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> (StatusCode, Value) {
        let ok = |body: Value| (StatusCode::OK, body);
        let swarm = json!({"LocalNodeState": "active", "ControlAvailable": true, "NodeID": "n1"});
        match (method, path) {
            (&Method::GET, "/version") => ok(json!({"ApiVersion": "1.41"})),
            (&Method::GET, "/info") => ok(json!({"Swarm": swarm})),
            (&Method::GET, "/services") => ok(self.services.values().cloned().collect()),
            (&Method::GET, "/tasks" | "/nodes") => ok(json!([])),
            (_, path) => match path.strip_prefix("/services/id-") {
                Some(rest) => self.one(rest, query, body),
                None => (StatusCode::NOT_FOUND, json!({"message": format!("no {path}")})),
            },
        }
    }

    /// Reads one service, or updates it if the version is its newest.
    fn one(&mut self, rest: &str, query: &str, body: &[u8]) -> (StatusCode, Value) {
        let Some(name) = rest.strip_suffix("/update") else {
            return (StatusCode::OK, self.services[rest].clone());
        };
        let service = self.services.get_mut(name).unwrap();
        let version = service["Version"]["Index"].as_u64().unwrap();
        if self.interferences > 0 {
            self.interferences -= 1;
            let labels = &mut service["Spec"]["Labels"];
            let times: u32 = labels["interfered"].as_str().unwrap_or("0").parse().unwrap();
            labels["interfered"] = json!((times + 1).to_string());
            service["Version"]["Index"] = json!(version + 1);
        }
        let version = service["Version"]["Index"].as_u64().unwrap();
        if !query.contains(&format!("version={version}")) {
            let message = "rpc error: code = Unknown desc = update out of sequence";
            return (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": message}));
        }
        service["Spec"] = serde_json::from_slice(body).unwrap();
        service["Version"]["Index"] = json!(version + 1);
        self.updates.push(name.to_owned());
        (StatusCode::OK, json!({"Warnings": null}))
    }
}
