//! The way to change the running app for a while: through webui, or in the simulation itself. What
//! is changed ends by itself soon after whoever asked for it is gone.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use observation::Experiment;
use tokio::time::Instant;

use crate::cluster::sim::Simulated;
use crate::failure::Failure;
use crate::http::{Client, HttpError};

/// How long a change outlives whoever asked for it, in seconds.
const LIFETIME_S: u64 = 20;
/// The same, with the flush at which workers see that it is over.
const OVER: Duration = Duration::from_secs(LIFETIME_S + 2);
/// How often it is tried again to end one.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is asked for again.
const RENEWAL: Duration = Duration::from_secs(5);
const PATH: &str = "/api/experiment";

/// The way to whoever carries changes out.
#[derive(Debug)]
pub enum Steering {
    /// webui.
    Webui(Client),
    /// The simulation.
    Simulated(Simulated),
}

/// Why an experiment does not begin, or does not last.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// webui answers 403: it is not set to allow experiments.
    #[error("experiments are off in this app")]
    Off,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Steering {
    /// Whether somebody is there to ask: on an app that has just begun webui, or its Redis, may not be yet.
    pub async fn is_there(&mut self) -> bool {
        let Self::Webui(webui) = self else { return true };
        match webui.ask(Method::GET, PATH, Bytes::new()).await {
            Ok(_) => true,
            // Any other answer, such as that there is no experiment, is one.
            Err(HttpError::Status { status, .. }) => status != StatusCode::SERVICE_UNAVAILABLE,
            Err(_) => false,
        }
    }

    /// Whether webui says that it takes no experiments. One that says nothing about them may be older.
    pub async fn are_off(&mut self) -> bool {
        let Self::Webui(webui) = self else { return false };
        let health = webui.get("/health").await.unwrap_or_default();
        let health: serde_json::Value = serde_json::from_slice(&health).unwrap_or_default();
        health["experiments"] == false
    }

    /// Asks for a change, which ends the one before.
    ///
    /// # Errors
    /// When webui does not allow it, or does not answer.
    pub async fn begin(&mut self, experiment: &Experiment) -> Result<(), Refused> {
        match self {
            Self::Webui(webui) => {
                let lasting = Experiment { seconds: LIFETIME_S, ..experiment.clone() };
                let body = serde_json::to_vec(&lasting).unwrap_or_default();
                let asked = webui.ask(Method::PUT, PATH, Bytes::from(body)).await;
                asked.map(drop).map_err(|error| match error {
                    HttpError::Status { status: StatusCode::FORBIDDEN, .. } => Refused::Off,
                    error => refused(&error).into(),
                })
            }
            Self::Simulated(app) => Ok(app.experiment(Some(experiment))?),
        }
    }

    /// Asks for it again and again, so that it lasts; ends only when that fails.
    pub async fn keep_up(&mut self, experiment: &Experiment) -> Refused {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Self::Webui(_) = self
                && let Err(refused) = self.begin(experiment).await
            {
                return refused;
            }
        }
    }

    /// Ends any change; where webui cannot be told, waits until it has ended by itself.
    pub async fn surely_end(&mut self) {
        let begin = Instant::now();
        while self.end().await.is_err() && begin.elapsed() < OVER {
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Ends any change.
    ///
    /// # Errors
    /// When webui does not answer: then it ends by itself.
    pub async fn end(&mut self) -> Result<(), Failure> {
        match self {
            Self::Webui(webui) => {
                let asked = webui.ask(Method::DELETE, PATH, Bytes::new()).await;
                asked.map(drop).map_err(|error| refused(&error))
            }
            Self::Simulated(app) => app.experiment(None),
        }
    }
}

fn refused(error: &HttpError) -> Failure {
    Failure::Experiment(match error {
        HttpError::Status { status: StatusCode::NOT_FOUND, .. } => {
            "this webui knows no experiments: it is older, or the original app's".to_owned()
        }
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn whoever_gives_any_answer_but_that_it_is_not_ready_is_there() {
        for (answer, expected) in [
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", false),
            ("", false),
        ] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut steering = Steering::Webui(Client::new(listener.local_addr().unwrap()));
            let server = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            };
            let (there, ()) = tokio::join!(steering.is_there(), server);
            assert_eq!(there, expected, "{answer}");
        }
    }

    /// webui refuses requests for foreign host names; those of bench name an IP address.
    #[tokio::test]
    async fn webui_accepts_the_host_that_bench_names_at_any_address() {
        for bind in ["127.0.0.1:0", "127.0.0.7:0", "[::1]:0"] {
            let listener = service::launch::bind(bind.parse().unwrap()).unwrap();
            let address = listener.local_addr().unwrap();
            // Its Redis cannot be reached, so a request that is accepted is answered with 503.
            let webui = webui::Webui::new("w1".to_owned(), "127.0.0.1:1".parse().unwrap());
            let webui = webui.with_experiments(Duration::from_secs(5));
            let (_trigger, stop) = service::Stop::manual();
            tokio::spawn(service::serve(listener, webui, service::Limits::default(), stop));
            let mut steering = Steering::Webui(Client::new(address));
            assert!(!steering.are_off().await, "{bind}");
            let refused = steering.begin(&Experiment::default()).await.unwrap_err().to_string();
            assert!(refused.contains("503"), "{bind}: {refused}");
            assert!(!refused.contains("name"), "{bind}: {refused}");
        }
    }

    /// As where webui was restarted with another setting after it was asked whether it takes any.
    #[tokio::test]
    async fn a_webui_that_forbids_experiments_has_them_switched_off() {
        let listener = service::launch::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let webui = webui::Webui::new("w1".to_owned(), "127.0.0.1:1".parse().unwrap());
        let (_trigger, stop) = service::Stop::manual();
        tokio::spawn(service::serve(listener, webui, service::Limits::default(), stop));
        let mut steering = Steering::Webui(Client::new(address));
        let refused = steering.begin(&Experiment::default()).await.unwrap_err();
        assert!(matches!(refused, Refused::Off), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_ended_is_waited_for() {
        // Nobody listens there any more.
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = gone.local_addr().unwrap();
        drop(gone);
        let mut steering = Steering::Webui(Client::new(address));
        let begin = Instant::now();
        steering.surely_end().await;
        assert!(begin.elapsed() >= OVER, "{:?}", begin.elapsed());
    }
}
