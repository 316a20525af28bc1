//! Progress as one line on standard error that is written over; nothing at all where standard
//! error is no terminal that can be drawn on.

use std::time::Duration;

use bench::analyse::Slowed;
use bench::cluster::local::Event;
use bench::progress::Progress;
use bench::report;
use rustix::termios::tcgetwinsize;
use tokio::time::Instant;

use crate::printer::Printer;
use crate::terminal::is_drawable;

/// How often the line may change.
const REFRESH: Duration = Duration::from_millis(100);

/// The progress line.
pub(crate) struct Screen {
    /// Only where standard error is a terminal.
    printer: Option<Printer>,
    step: String,
    drawn: Option<Instant>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let terminal = is_drawable(&std::io::stderr());
        let printer = terminal.then(|| Printer::new(std::io::stderr()));
        Self { printer, step: String::new(), drawn: None }
    }

    /// Shows what is going on.
    pub(crate) fn show(&mut self, progress: &Progress) {
        if self.printer.is_none() {
            return;
        }
        match progress {
            Progress::Cluster(cluster) => self.draw(cluster),
            Progress::Step { number, of, replicas } => {
                let place = if *of > 1 { format!("[{number}/{of}] ") } else { String::new() };
                self.step = format!(
                    "{place}worker {}, rng {}, hasher {}",
                    replicas.worker, replicas.rng, replicas.hasher
                );
            }
            Progress::Settling(missing) => self.draw(&format!("settling: {missing}")),
            Progress::WarmingUp { left } => {
                self.draw(&format!("warming up, {:.0} s left", left.as_secs_f64().ceil()));
            }
            Progress::Measuring { elapsed, until, reached, hashes_per_second } => {
                let estimate = hashes_per_second
                    .filter(|_| elapsed.as_secs() >= 2)
                    .map_or_else(String::new, |rate| format!("   {rate:.2} hashes/s"));
                let reached =
                    reached.map_or_else(String::new, |share| format!(" ± {:.1} %", share * 100.0));
                let elapsed = elapsed.as_secs_f64();
                let time = match until.map(|until| until.as_secs_f64()) {
                    Some(until) => format!("{:.0}/{until:.0} s", elapsed.min(until)),
                    None => format!("{elapsed:.0} s"),
                };
                self.draw(&format!("measuring {time}{estimate}{reached}"));
            }
            Progress::Happened(Event::Died { replica, how, restart_in }) => {
                self.keep(&format!("{replica} died ({how}), again in {restart_in:.1?}"));
            }
            Progress::Happened(Event::OverLimit { service, connections, limit }) => {
                let name = service.name();
                self.keep(&format!("{name} got {connections} connections over its {limit}: 503"));
            }
            Progress::Happened(Event::CannotAccept { service, reason }) => {
                self.keep(&format!("{} cannot accept connections: {reason}", service.name()));
            }
            Progress::Injecting(experiment) => {
                if let Some((stage, ms)) = Slowed::by(experiment) {
                    self.keep(&format!("{ms} ms are added at {}", stage.name()));
                }
            }
            Progress::Cell(cell) => self.keep(&report::sweep::line(cell)),
            Progress::Predicted(sentence) => self.keep(sentence),
            Progress::Happened(_) => {}
        }
    }

    /// Leaves the line empty for what is printed next.
    pub(crate) fn close(mut self) {
        self.clear();
        if let Some(printer) = self.printer {
            // Progress is no result: a run does not fail for want of it.
            let _ = printer.close();
        }
    }

    fn clear(&mut self) {
        if self.drawn.take().is_some() {
            self.write("\r\x1b[K".to_owned());
        }
    }

    fn keep(&mut self, line: &str) {
        self.clear();
        self.write(format!("{line}\n"));
    }

    fn draw(&mut self, what: &str) {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < REFRESH) {
            return;
        }
        // A line that wraps could not be written over.
        let width = tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
        let line: String =
            format!("{}   {what}", self.step).chars().take(width.max(2) - 1).collect();
        self.write(format!("\r\x1b[K{line}"));
        self.drawn = Some(Instant::now());
    }

    fn write(&mut self, text: String) {
        if let Some(printer) = &mut self.printer {
            printer.write(text);
        }
    }
}
