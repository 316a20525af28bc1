//! Clocks of a simulated app that were set. The app itself goes by the true time; only what it shows is
//! dated by them.

/// Whose clock is shown in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Webui's.
    Webui,
    /// The first worker's.
    Worker,
}

/// Which clocks were set.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// Whose, from which true time in microseconds on, and by how many microseconds.
    set: Vec<(Shown, u64, i64)>,
}

impl Clocks {
    /// Sets a clock from a true time on.
    pub(super) fn set(&mut self, whose: Shown, (from_us, by_us): (u64, i64)) {
        self.set.push((whose, from_us, by_us));
    }

    /// What a clock shows at a true time.
    pub(super) fn shown(&self, whose: Shown, time_us: u64) -> u64 {
        let of = self.set.iter().filter(|(of, from_us, _)| *of == whose && *from_us <= time_us);
        time_us.saturating_add_signed(of.map(|(.., by_us)| by_us).sum())
    }
}
