//! Servers of a few lines, and the command as it is typed.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser;
use load::command::{self, Ending, Outs, Trouble};
use load::settings::Settings;
use load::summary::Summary;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A good answer.
pub(crate) const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A server on a free port, on a thread of its own until the test's process ends: `behave` gets
/// each connection with its number from 0.
pub(crate) fn serve<F, B>(behave: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> B + Send + 'static,
    B: Future<Output = ()> + 'static,
{
    let (tell, address) = mpsc::channel();
    on_its_own_thread(move || async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        tell.send(listener.local_addr().unwrap()).unwrap();
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::task::spawn_local(behave(stream, number));
        }
    });
    address.recv().unwrap()
}

/// Runs something until the test's process ends, or until it ends by itself.
pub(crate) fn on_its_own_thread<F, R>(run: F)
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = ()>,
{
    std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let options = tokio::runtime::LocalOptions::default();
        builder.enable_all().build_local(options).unwrap().block_on(run());
    });
}

/// Reads a request whose body, if it has one, comes in the same packet; `None` at the end.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while !text.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => text.extend_from_slice(&buffer[..read]),
        }
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Answers all requests of a connection alike.
pub(crate) async fn answer_all(mut stream: TcpStream, answer: &[u8]) {
    while request(&mut stream).await.is_some() {
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    settings: Settings,
}

/// What a user sees.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) ending: Result<Ending, Trouble>,
    pub(crate) text: String,
}

impl Seen {
    /// The exit code.
    pub(crate) fn exit(&self) -> u8 {
        match &self.ending {
            Ok(ending) => ending.exit(),
            Err(trouble) => trouble.exit(),
        }
    }

    /// The JSON that was printed.
    pub(crate) fn summary(&self) -> Summary {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What these words come to as arguments.
pub(crate) fn typed(words: &[&str]) -> Result<Settings, clap::Error> {
    let typed = Typed::try_parse_from(std::iter::once(&"load").chain(words))?;
    Ok(typed.settings)
}

/// Runs `bench load` with these words, stopped after a time.
pub(crate) async fn stopped_after(time: Duration, words: &[&str]) -> Seen {
    let settings = typed(words).unwrap();
    let (mut results, mut notes) = (Vec::new(), Vec::new());
    let outs = Outs { results: &mut results, notes: &mut notes, terminal: None };
    let ending = command::load(&settings, tokio::time::sleep(time), outs).await;
    Seen { ending, text: String::from_utf8(results).unwrap() }
}

/// Runs `bench load` with these words to its end.
pub(crate) async fn load(words: &[&str]) -> Seen {
    stopped_after(Duration::from_hours(1), words).await
}

/// The same with JSON, and its summary.
pub(crate) async fn summary(words: &[&str]) -> (Summary, Seen) {
    let seen = load(&[words, &["--json"]].concat()).await;
    (seen.summary(), seen)
}
