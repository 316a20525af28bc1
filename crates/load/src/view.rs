//! The live view in a terminal: a thread of its own draws what the run says of itself, so that a
//! terminal that is slow or stopped holds nothing up. It decides nothing but that its user quits.

mod frame;
mod screen;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::plan::Plan;
use crate::run::Live;
pub use frame::{Frame, render};

/// How long the end waits for the terminal to be put back.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How a user quits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quit {
    /// What was measured is enough.
    Enough,
    /// Ctrl-C.
    Interrupt,
}

/// What the drawing thread and the run share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    frame: Mutex<Option<Frame>>,
}

impl Shared {
    fn set(&self, frame: Frame) {
        *self.frame.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame);
    }

    /// The latest frame.
    pub(crate) fn get(&self) -> Option<Frame> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The view, or none.
pub(crate) struct View {
    shared: Arc<Shared>,
    title: frame::Title,
    /// Says that it is over, and is closed once the terminal is as it was.
    over: Option<std::sync::mpsc::Sender<()>>,
    restored: Option<std::sync::mpsc::Receiver<()>>,
    quit: watch::Receiver<Option<Quit>>,
}

impl View {
    /// Opens the view on a terminal, where there is one that can be drawn on.
    pub(crate) fn open(terminal: Option<Box<dyn Write + Send>>, plan: &Plan) -> Self {
        let shared = Arc::new(Shared::default());
        let (quitting, quit) = watch::channel(None);
        let title = frame::Title::new(plan);
        let (over, ended) = std::sync::mpsc::channel();
        let (restored_sender, restored) = std::sync::mpsc::channel();
        let drawn = Arc::clone(&shared);
        let started = terminal.and_then(|terminal| {
            let draw = move || {
                let _restored = restored_sender; // dropped at the end, which is how that is noticed
                screen::draw(terminal, &drawn, &ended, &quitting);
            };
            std::thread::Builder::new().name("view".to_owned()).spawn(draw).ok()
        });
        let open = started.is_some();
        Self { shared, title, over: open.then_some(over), restored: open.then_some(restored), quit }
    }

    /// Whether anything is drawn.
    pub(crate) fn is_open(&self) -> bool {
        self.over.is_some()
    }

    /// Completes when the user quits.
    pub(crate) fn quit(&self) -> impl Future<Output = Quit> + use<> {
        let mut quit = self.quit.clone();
        async move {
            let asked = match quit.wait_for(Option::is_some).await {
                Ok(quit) => *quit,
                Err(_) => None,
            };
            match asked {
                Some(quit) => quit,
                None => std::future::pending().await,
            }
        }
    }

    /// Shows how the run goes.
    pub(crate) fn show(&self, live: &Live<'_>) {
        if self.is_open() {
            self.shared.set(Frame::new(&self.title, live));
        }
    }

    /// Puts the terminal back.
    pub(crate) fn close(&mut self) {
        self.over = None;
        if let Some(restored) = self.restored.take() {
            // A terminal that does not take it is left to itself.
            let _ = restored.recv_timeout(LAST_WAIT);
        }
    }
}
