//! Draws frames on a terminal, reads its keys, and leaves it as it was, whatever happens.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::watch;

use super::{Quit, Shared, render};

/// Time between two frames, in which keys are waited for.
const FRAME: Duration = Duration::from_millis(200);

/// A terminal in the state for drawing; dropped, it is as before.
struct Taken<W: Write>(Terminal<CrosstermBackend<W>>);

impl<W: Write> Taken<W> {
    fn new(mut out: W) -> io::Result<Self> {
        enable_raw_mode()?;
        let taken = execute!(out, EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(out)))
            .map(Self);
        if taken.is_err() {
            disable_raw_mode()?;
        }
        taken
    }
}

impl<W: Write> Drop for Taken<W> {
    fn drop(&mut self) {
        // Each is tried whatever becomes of the other.
        let _ = execute!(self.0.backend_mut(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Draws until the run is over or the terminal fails. `quit` is told when the user wants no more.
pub(super) fn draw(
    out: Box<dyn Write + Send>,
    shared: &Shared,
    over: &Receiver<()>,
    quit: &watch::Sender<Option<Quit>>,
) {
    restore_on_panic();
    let Ok(mut taken) = Taken::new(out) else { return };
    while matches!(over.try_recv(), Err(TryRecvError::Empty)) {
        if let Some(frame) = shared.get() {
            let drawn = taken.0.draw(|area| render(&frame, area.area(), area.buffer_mut()));
            if drawn.is_err() {
                return;
            }
        }
        match pressed() {
            Ok(Some(how)) => {
                quit.send_replace(Some(how));
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// Waits for a key as long as a frame is shown; what it asks for.
fn pressed() -> io::Result<Option<Quit>> {
    if !event::poll(FRAME)? {
        return Ok(None);
    }
    Ok(match event::read()? {
        Event::Key(key) => quits(key),
        _ => None,
    })
}

fn quits(key: KeyEvent) -> Option<Quit> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Quit::Enough),
        // The terminal sends no signal while it is drawn on.
        KeyCode::Char('c') if control => Some(Quit::Interrupt),
        _ => None,
    }
}

/// A panic's words belong on a terminal that shows them.
fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_keys_quit() {
        let key = |code, modifiers| quits(KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Some(Quit::Enough));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Quit::Interrupt));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
    }
}
