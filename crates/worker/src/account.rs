//! What this worker knows of its additions to `hashes`: how many loops Redis has of it, and what
//! its note says. Turns what Redis answers into that knowledge; it sends nothing itself.

/// Loops that Redis has of this worker, and the state of its note.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Loops that are surely part of `hashes`.
    pub(crate) counted: u64,
    /// What the note in Redis holds, as far as is known; `None` for no note.
    noted: Option<u64>,
    /// `hashes` as last read, or after this worker's last addition; `None` where it was no number.
    last_value: Option<i64>,
    /// The number of the connection on which Redis watches the note.
    pub(crate) watched_on: Option<u64>,
    /// An addition has failed or would: `hashes` is read before the next one.
    pub(crate) suspicious: bool,
    /// The highest note of an addition that may have failed. For those with a higher one `hashes` was
    /// fit and watched: they succeed if they are carried out.
    may_have_failed: u64,
}

/// The note in Redis is of more loops than this worker has completed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoteTooHigh;

/// What `hashes` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hashes {
    Missing,
    Number(i64),
    /// In Redis's words.
    Unusable(String),
}

impl Hashes {
    /// What a string of Redis holds, or no key at all.
    pub(crate) fn read(text: Option<&[u8]>) -> Self {
        let Some(text) = text else { return Self::Missing };
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        // Redis takes a number only as it writes it itself.
        let number = number.filter(|number: &i64| number.to_string().as_bytes() == text);
        let reason = || "ERR value is not an integer or out of range".to_owned();
        number.map_or_else(|| Self::Unusable(reason()), Self::Number)
    }

    /// The number it is; 0 where it is missing.
    fn value(&self) -> Option<i64> {
        match self {
            Self::Missing => Some(0),
            Self::Number(value) => Some(*value),
            Self::Unusable(_) => None,
        }
    }

    /// Why `addition` cannot be added, if so.
    pub(crate) fn refuses(&self, addition: u64) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Number(value) => value
                .checked_add_unsigned(addition)
                .is_none()
                .then(|| "ERR increment or decrement would overflow".to_owned()),
            Self::Unusable(reason) => Some(reason.clone()),
        }
    }
}

impl Account {
    /// Whether the note in Redis says something else than what is counted.
    pub(crate) fn note_is_wrong(&self) -> bool {
        self.noted.is_some_and(|noted| noted != self.counted)
    }

    /// Takes up what Redis holds, the note and `hashes` as they were at the same moment; `total` are
    /// the loops this worker has completed.
    ///
    /// Another note than the known one is of an addition whose answer was lost. It was carried out,
    /// which is not to say that it succeeded: Redis does the other commands of a transaction also
    /// when `INCRBY` fails. That it failed shows in `hashes`: it cannot be added to, or has not grown
    /// since. Without a note nothing was added yet, or Redis was emptied and begins anew.
    ///
    /// # Errors
    /// When the note cannot be this worker's. Nothing has changed then.
    pub(crate) fn resolve(
        &mut self,
        note: Option<u64>,
        hashes: &Hashes,
        total: u64,
    ) -> Result<(), NoteTooHigh> {
        match note {
            Some(note) if note > total => return Err(NoteTooHigh),
            None => {}
            Some(note) if Some(note) == self.noted => {}
            // With an older note, Redis has come back without its last second, and `hashes` is as old.
            Some(note) if note > self.counted && self.has_failed(note, hashes) => {
                self.suspicious = true;
            }
            Some(note) => self.counted = note,
        }
        self.noted = note;
        self.last_value = hashes.value();
        let missing = total.saturating_sub(self.counted);
        self.suspicious |= hashes.refuses(missing).is_some();
        Ok(())
    }

    /// An addition up to `total` is about to be sent; `hashes` was read and is watched, or was not.
    pub(crate) fn begin(&mut self, total: u64, hashes_is_watched: bool) {
        if !hashes_is_watched {
            self.may_have_failed = total;
        }
    }

    /// An addition was carried out and answered with the value of `hashes` after it.
    pub(crate) fn added(&mut self, total: u64, value: i64) {
        self.counted = total;
        self.noted = Some(total);
        self.last_value = Some(value);
        self.suspicious = false;
    }

    /// An addition was carried out and failed, but its note was written.
    pub(crate) fn failed(&mut self, total: u64) {
        self.noted = Some(total);
        self.suspicious = true;
    }

    /// The note was put back to what is counted.
    pub(crate) fn note_restored(&mut self) {
        self.noted = Some(self.counted);
    }

    fn has_failed(&self, note: u64, hashes: &Hashes) -> bool {
        if note > self.may_have_failed {
            return false;
        }
        let addition = note - self.counted;
        let grown = |value: i64, before: i64| {
            // Lower than before: it was set by hand, which says nothing of the addition.
            value < before || value.abs_diff(before) >= addition
        };
        match (hashes, self.last_value) {
            (Hashes::Number(value), Some(before)) if !grown(*value, before) => true,
            _ => hashes.refuses(addition).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 loops counted; another addition, up to 15, may be under way.
    fn account() -> Account {
        let mut account = Account::default();
        account.begin(10, false);
        account.added(10, 1000);
        account.begin(15, false);
        account
    }

    #[test]
    fn an_addition_whose_answer_was_lost_is_found_in_the_note() {
        let mut account = account();
        account.resolve(Some(10), &Hashes::Number(1004), 15).unwrap();
        assert_eq!(account.counted, 10, "it was not carried out; 4 are of others");
        account.resolve(Some(15), &Hashes::Number(1009), 15).unwrap();
        assert_eq!((account.counted, account.suspicious), (15, false));
        assert!(!account.note_is_wrong());
    }

    #[test]
    fn one_that_failed_is_not_counted_though_its_note_was_written() {
        let wrong_type = Hashes::Unusable("WRONGTYPE".to_owned());
        let full = Hashes::Number(i64::MAX - 4);
        // Mended before it was looked at: it has not grown by what was added.
        for hashes in [wrong_type, full, Hashes::Number(1000), Hashes::Number(1004)] {
            let mut account = account();
            account.resolve(Some(15), &hashes, 15).unwrap();
            assert_eq!((account.counted, account.suspicious), (10, true), "{hashes:?}");
            assert!(account.note_is_wrong());
            account.note_restored();
            assert!(!account.note_is_wrong());
            account.resolve(Some(10), &hashes, 15).unwrap();
            assert_eq!(account.counted, 10);
        }
    }

    #[test]
    fn the_first_addition_and_one_after_a_lost_answer_are_held_against_what_was_read_before() {
        // The first one of all.
        let mut account = Account::default();
        account.resolve(None, &Hashes::Number(700), 5).unwrap();
        account.begin(5, false);
        account.resolve(Some(5), &Hashes::Number(700), 5).unwrap();
        assert_eq!((account.counted, account.suspicious), (0, true));
        // The next one after a lost answer, after an older note, and after a Redis that was emptied.
        for (note, value) in [(Some(15), 1005), (Some(10), 1000), (Some(7), 997), (None, 0)] {
            let mut account = super::tests::account();
            account.resolve(note, &Hashes::Number(value), 20).unwrap();
            let before = account.counted;
            account.begin(20, false);
            account.resolve(Some(20), &Hashes::Number(value), 20).unwrap();
            assert_eq!((account.counted, account.suspicious), (before, true), "{note:?}");
        }
    }

    #[test]
    fn what_cannot_be_added_to_is_known_before_the_first_addition() {
        let full = Hashes::Number(i64::MAX - 4);
        for (hashes, suspicious) in [
            (Hashes::Unusable("WRONGTYPE".to_owned()), true),
            (full, true),
            (Hashes::Missing, false),
            (Hashes::Number(i64::MAX - 5), false),
        ] {
            let mut account = Account::default();
            account.resolve(None, &hashes, 5).unwrap();
            assert_eq!(account.suspicious, suspicious, "{hashes:?}");
        }
    }

    #[test]
    fn one_before_which_hashes_was_looked_at_has_not_failed() {
        let mut account = account();
        account.begin(16, true);
        account.resolve(Some(16), &Hashes::Unusable("WRONGTYPE".to_owned()), 16).unwrap();
        assert_eq!(account.counted, 16);
    }

    #[test]
    fn an_earlier_one_that_arrives_late_may_have_failed_all_the_same() {
        for next in [15, 16] {
            let mut account = account();
            account.begin(next, true);
            account.resolve(Some(15), &Hashes::Unusable("WRONGTYPE".to_owned()), next).unwrap();
            assert_eq!((account.counted, account.suspicious), (10, true), "{next}");
        }
    }

    #[test]
    fn a_note_of_more_loops_than_there_were_is_not_believed() {
        let mut watched = account();
        watched.begin(16, true);
        for mut account in [Account::default(), account(), watched] {
            let before = account.counted;
            let resolved = account.resolve(Some(17), &Hashes::Number(5000), 16);
            assert_eq!(resolved, Err(NoteTooHigh));
            assert_eq!((account.counted, account.note_is_wrong()), (before, false));
        }
    }

    /// See "Consequences" in ADR 6: it may have failed as well.
    #[test]
    fn a_counter_that_somebody_has_set_anew_says_nothing_of_an_addition() {
        for hashes in [Hashes::Missing, Hashes::Number(5), Hashes::Number(-3)] {
            let mut account = account();
            account.resolve(Some(15), &hashes, 15).unwrap();
            assert_eq!((account.counted, account.suspicious), (15, false), "{hashes:?}");
        }
    }

    #[test]
    fn a_redis_that_was_emptied_begins_anew_and_one_with_older_data_is_given_the_rest() {
        let mut account = account();
        account.resolve(None, &Hashes::Missing, 15).unwrap();
        assert_eq!((account.counted, account.note_is_wrong()), (10, false));
        account.added(15, 5);
        account.resolve(Some(12), &Hashes::Number(2), 15).unwrap();
        assert_eq!((account.counted, account.note_is_wrong()), (12, false));
    }

    #[test]
    fn a_counter_refuses_what_it_cannot_hold() {
        assert_eq!(Hashes::Missing.refuses(u64::MAX >> 1), None);
        assert_eq!(Hashes::Number(i64::MAX - 5).refuses(5), None);
        assert!(Hashes::Number(i64::MAX - 5).refuses(6).unwrap().contains("overflow"));
    }
}
