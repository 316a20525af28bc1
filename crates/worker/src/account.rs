//! What this worker knows of its additions to `hashes`: how many loops Redis has of it, and what
//! its note says. Turns what Redis answers into that knowledge; it sends nothing itself.

/// Loops that Redis has of this worker, and the state of its note.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Loops that are surely part of `hashes`.
    pub(crate) counted: u64,
    /// What the note in Redis holds, as far as is known; `None` for no note.
    noted: Option<u64>,
    /// `hashes` after this worker's last addition.
    last_value: Option<i64>,
    /// The number of the connection on which Redis watches the note.
    pub(crate) watched_on: Option<u64>,
    /// An addition has failed: `hashes` is looked at before the next one.
    pub(crate) suspicious: bool,
    /// `hashes` was fit and is watched: the addition under way succeeds if it is carried out.
    cannot_fail: bool,
}

/// What `hashes` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hashes {
    Missing,
    Number(i64),
    /// In Redis's words.
    Unusable(String),
}

impl Hashes {
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

    /// Takes up what Redis holds: the note, and `hashes`.
    ///
    /// Another note than the known one is of an addition whose answer was lost. It was carried out,
    /// which is not to say that it succeeded: Redis does the other commands of a transaction also
    /// when `INCRBY` fails. That it failed shows in `hashes`: it cannot be added to, or has not grown
    /// since. Without a note nothing was added yet, or Redis was emptied and begins anew.
    pub(crate) fn resolve(&mut self, note: Option<u64>, hashes: &Hashes) {
        match note {
            None => self.last_value = None,
            Some(note) if Some(note) == self.noted => {}
            // Redis has come back without its last second, and `hashes` is as old.
            Some(note) if note <= self.counted => {
                self.counted = note;
                self.last_value = None;
            }
            Some(note) if self.has_failed(note - self.counted, hashes) => self.suspicious = true,
            Some(note) => {
                self.counted = note;
                self.last_value = None;
            }
        }
        self.noted = note;
    }

    /// A transaction is about to be sent; `hashes` was looked at and is watched, or was not.
    pub(crate) fn begin(&mut self, hashes_is_watched: bool) {
        self.cannot_fail = hashes_is_watched;
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

    fn has_failed(&self, addition: u64, hashes: &Hashes) -> bool {
        if self.cannot_fail {
            return false;
        }
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

    fn account() -> Account {
        let mut account = Account::default();
        account.added(10, 1000);
        account
    }

    #[test]
    fn an_addition_whose_answer_was_lost_is_found_in_the_note() {
        let mut account = account();
        account.resolve(Some(10), &Hashes::Number(1004));
        assert_eq!(account.counted, 10, "it was not carried out; 4 are of others");
        account.resolve(Some(15), &Hashes::Number(1009));
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
            account.resolve(Some(15), &hashes);
            assert_eq!((account.counted, account.suspicious), (10, true), "{hashes:?}");
            assert!(account.note_is_wrong());
            account.note_restored();
            assert!(!account.note_is_wrong());
            account.resolve(Some(10), &hashes);
            assert_eq!(account.counted, 10);
        }
    }

    #[test]
    fn one_before_which_hashes_was_looked_at_has_not_failed() {
        let mut account = account();
        account.begin(true);
        account.resolve(Some(15), &Hashes::Unusable("WRONGTYPE".to_owned()));
        assert_eq!(account.counted, 15);
    }

    #[test]
    fn a_counter_that_somebody_has_set_anew_says_nothing_of_an_addition() {
        for hashes in [Hashes::Missing, Hashes::Number(5), Hashes::Number(-3)] {
            let mut account = account();
            account.resolve(Some(15), &hashes);
            assert_eq!((account.counted, account.suspicious), (15, false), "{hashes:?}");
        }
    }

    #[test]
    fn a_redis_that_was_emptied_begins_anew_and_one_with_older_data_is_given_the_rest() {
        let mut account = account();
        account.resolve(None, &Hashes::Missing);
        assert_eq!((account.counted, account.note_is_wrong()), (10, false));
        account.added(15, 5);
        account.resolve(Some(12), &Hashes::Number(2));
        assert_eq!((account.counted, account.note_is_wrong()), (12, false));
    }

    #[test]
    fn a_counter_refuses_what_it_cannot_hold() {
        assert_eq!(Hashes::Missing.refuses(u64::MAX >> 1), None);
        assert_eq!(Hashes::Number(i64::MAX - 5).refuses(5), None);
        assert!(Hashes::Number(i64::MAX - 5).refuses(6).unwrap().contains("overflow"));
    }
}
