//! `/api/experiment`: what the app is to do differently for a while, kept in Redis, where every
//! worker reads it. It expires there, so that nothing stays behind when whoever asked dies.
//! Carrying it out is the worker's business.
//!
//! | request | answer |
//! |---|---|
//! | `GET` | 200 with the one there is and how many seconds are left; 404 when there is none |
//! | `PUT` | 200 with what was stored in place of any other |
//! | `DELETE` | 204, whether or not there was one |
//! | `OPTIONS` | 200 with `Allow` |
//!
//! The first three 403 unless allowed, and where the request names a host that is not webui's or comes
//! from a page of another one. Every refusal is `{"error": "<sentence>"}`.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL};
use hyper::{Method, StatusCode};
use observation::{BadExperiment, EXPERIMENT_KEY, Experiment};
use redis::{Pipeline, RedisResult, Value, from_redis_value};
use serde::Deserialize;
use serde_json::json;
use service::{BodyError, Reply, Request, next_chunk, reply};

use crate::store::{Store, StoreError, deadline};
use crate::with;
use service::hosts::{Hosts, Stranger};

/// Most bytes of an experiment; one with every field has 110.
const MOST_BYTES: u64 = 4096;

/// Its methods, as `Allow` names them.
const METHODS: &str = "GET, HEAD, PUT, DELETE";

/// Whether experiments may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Experiments {
    /// No.
    Refused,
    /// Yes, with bodies that pause no longer than `patience`.
    Allowed { patience: Duration },
}

/// Why there is no such answer as was asked for.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "experiments are not allowed here: start webui with --allow-experiments or \
         WEBUI_ALLOW_EXPERIMENTS=true"
    )]
    NotAllowed,
    #[error("{0}")]
    Stranger(#[from] Stranger),
    #[error("only GET, PUT and DELETE are understood here")]
    Method,
    #[error("{0}")]
    Body(#[from] BodyError),
    #[error("not an experiment: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Range(#[from] BadExperiment),
    #[error("there is no experiment")]
    None,
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// An [`Experiment`] as it is asked for: a field that is misspelt must not be left out in silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    think_us: u64,
    #[serde(default)]
    rng_us: u64,
    #[serde(default)]
    hasher_us: u64,
    policy: Option<String>,
    seconds: u64,
}

impl Experiments {
    /// Answers one request.
    pub(crate) async fn answer(self, (store, hosts): (&Store, &Hosts), request: Request) -> Reply {
        if request.method() == Method::OPTIONS {
            return reply::options(METHODS);
        }
        let answered = self.carry_out((store, hosts), request).await;
        let reply = answered.unwrap_or_else(|refusal| {
            let status = refusal.status();
            let reply = reply::json(status, &json!({ "error": refusal.to_string() }));
            match status {
                StatusCode::METHOD_NOT_ALLOWED => with(reply, ALLOW, METHODS),
                _ => reply,
            }
        });
        with(reply, CACHE_CONTROL, "no-store")
    }

    async fn carry_out(
        self,
        (store, hosts): (&Store, &Hosts),
        request: Request,
    ) -> Result<Reply, Refusal> {
        let method = request.method().clone();
        if ![Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(&method) {
            return Err(Refusal::Method);
        }
        let Self::Allowed { patience } = self else {
            return Err(Refusal::NotAllowed);
        };
        hosts.check(&request)?;
        match method {
            Method::PUT => {
                let experiment = read(request.into_body(), patience).await?;
                keep(store, &experiment).await?;
                Ok(reply::json(StatusCode::OK, &experiment))
            }
            Method::DELETE => {
                let mut delete = Pipeline::new();
                delete.cmd("DEL").arg(EXPERIMENT_KEY);
                one(store, &delete, "DEL experiment").await?;
                Ok(reply::no_content())
            }
            _ => {
                let left = kept(store).await?.ok_or(Refusal::None)?;
                Ok(reply::json(StatusCode::OK, &left))
            }
        }
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Stranger(stranger) => stranger.status(),
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body(error) => error.status(),
            Self::Json(_) | Self::Range(_) => StatusCode::BAD_REQUEST,
            Self::None => StatusCode::NOT_FOUND,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The experiment that a request asks for.
async fn read(mut body: Incoming, patience: Duration) -> Result<Experiment, Refusal> {
    let (mut text, mut left) = (Vec::new(), MOST_BYTES);
    while let Some(chunk) = next_chunk(&mut body, &mut left, MOST_BYTES, patience).await? {
        text.extend_from_slice(&chunk);
    }
    let Asked { think_us, rng_us, hasher_us, policy, seconds } = serde_json::from_slice(&text)?;
    let experiment = Experiment { think_us, rng_us, hasher_us, policy, seconds };
    experiment.check()?;
    Ok(experiment)
}

/// Stores `experiment` in place of any other, for its time.
async fn keep(store: &Store, experiment: &Experiment) -> Result<(), Refusal> {
    let text = serde_json::to_vec(experiment)?;
    let mut set = Pipeline::new();
    set.cmd("SET").arg(EXPERIMENT_KEY).arg(text).arg("EX").arg(experiment.seconds);
    one(store, &set, "SET experiment").await?;
    Ok(())
}

/// The experiment in Redis with the seconds it has left.
async fn kept(store: &Store) -> Result<Option<Experiment>, StoreError> {
    const COMMAND: &str = "GET experiment";
    let mut get = Pipeline::new();
    get.cmd("GET").arg(EXPERIMENT_KEY);
    get.cmd("PTTL").arg(EXPERIMENT_KEY);
    let mut replies = store.ask(&get, deadline()).await?.into_iter();
    let mut next = || replies.next().unwrap_or(Ok(Value::Nil));
    let text = next().and_then(|value| Ok(from_redis_value::<Option<Vec<u8>>>(value)?));
    let left = next().and_then(|value| Ok(from_redis_value::<i64>(value)?));
    let text = text.map_err(|error| store.refused(COMMAND, &error))?;
    let left = left.map_err(|error| store.refused("PTTL experiment", &error))?;
    let Some(text) = text else {
        return Ok(None);
    };
    let unfit = |reason: &dyn std::fmt::Display| {
        store.unfit(COMMAND, &format_args!("it holds no experiment of webui's: {reason}"))
    };
    let Some(left) = Experiment::time_left(left).map_err(|error| unfit(&error))? else {
        return Ok(None);
    };
    let experiment: Experiment = serde_json::from_slice(&text).map_err(|error| unfit(&error))?;
    let seconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).div_ceil(1000);
    Ok(Some(Experiment { seconds, ..experiment }))
}

/// The one reply to the one command of `commands`, which an error of Redis calls `name`.
async fn one(store: &Store, commands: &Pipeline, name: &'static str) -> Result<Value, StoreError> {
    let reply: RedisResult<Value> =
        store.ask(commands, deadline()).await?.pop().unwrap_or(Ok(Value::Nil));
    reply.map_err(|error| store.refused(name, &error))
}
