//! The terminal of the graph: taken for drawing and put back, whatever happens, and its keys.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::report::Glance;

/// How long a look for keys takes; the end waits as long.
const LOOK: Duration = Duration::from_millis(50);

/// A terminal in the state for drawing; dropped, it is as before.
pub struct Taken {
    out: Box<dyn Write + Send>,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Another picture.
    Look(Glance),
    /// The end.
    Quit,
}

/// A thread that reads keys; dropped, it ends.
pub struct Keys {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Taken {
    /// Takes the terminal that `out` writes to. A panic puts it back first, so that its words are
    /// seen.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(out: Box<dyn Write + Send>) -> io::Result<Self> {
        enable_raw_mode()?;
        let mut taken = Self { out };
        execute!(taken.out, EnterAlternateScreen, Hide)?;
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
            let _ = disable_raw_mode();
            before(panic);
        }));
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Each is tried whatever becomes of the other.
        let _ = execute!(self.out, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

impl Keys {
    /// Reads keys and changes of size, and calls `pressed` with what they ask for.
    pub fn listen(mut pressed: impl FnMut(Pressed) + Send + 'static) -> Self {
        let (over, ended) = channel();
        let listen = move || {
            while is_on(&ended) {
                match next() {
                    Ok(Some(what)) => pressed(what),
                    Ok(None) => {}
                    // A terminal without keys is looked at all the same.
                    Err(_) => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("keys".to_owned()).spawn(listen).ok();
        Self { over: Some(over), thread }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

fn is_on(ended: &Receiver<()>) -> bool {
    matches!(ended.try_recv(), Err(TryRecvError::Empty))
}

fn next() -> io::Result<Option<Pressed>> {
    if !event::poll(LOOK)? {
        return Ok(None);
    }
    Ok(match event::read()? {
        Event::Key(key) => of_key(key),
        Event::Resize(..) => Some(Pressed::Look(Glance::Redraw)),
        _ => None,
    })
}

/// httping's keys, and those that no terminal sends a signal for while it is drawn on.
fn of_key(key: KeyEvent) -> Option<Pressed> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Some(Pressed::Quit),
        KeyCode::Char('l') if control => Some(Pressed::Look(Glance::Redraw)),
        KeyCode::Char('q' | 'Q') => Some(Pressed::Quit),
        KeyCode::Char('h' | 'H') => Some(Pressed::Look(Glance::Halt)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_httpings() {
        let key = |letter, modifiers| of_key(KeyEvent::new(KeyCode::Char(letter), modifiers));
        let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        assert_eq!(key('q', none), Some(Pressed::Quit));
        assert_eq!(key('c', control), Some(Pressed::Quit));
        assert_eq!(key('c', none), None);
        assert_eq!(key('H', KeyModifiers::SHIFT), Some(Pressed::Look(Glance::Halt)));
        assert_eq!(key('l', control), Some(Pressed::Look(Glance::Redraw)));
        assert_eq!(key('l', none), None);
    }
}
