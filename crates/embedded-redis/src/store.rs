//! The databases: keys, their values and when they expire; must not know commands or replies.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::CommandError;
use crate::ordered_map::OrderedMap;
use crate::watches::Watches;

/// How many databases there are, as in a Redis without a configuration.
pub(crate) const DATABASES: usize = 16;

/// A hash's fields.
pub(crate) type Hash = OrderedMap<Bytes>;

/// What a key can hold.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(Bytes),
    Hash(Hash),
}

impl Value {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Hash(_) => "hash",
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::String(value) => value.len(),
            Self::Hash(hash) => hash.iter().map(|(field, value)| weight(field, value.len())).sum(),
        }
    }
}

/// What becomes of a key's deadline when its value is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    Clear,
    Keep,
    At(Instant),
}

/// A value with its deadline.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    deadline: Option<Instant>,
    /// When it was last read or written.
    used: Cell<Instant>,
}

#[derive(Debug, Default)]
struct Database {
    keys: OrderedMap<Entry>,
    deadlines: BTreeSet<(Instant, Bytes)>,
}

/// Keys whose deadline has passed are gone before any command sees the store. All but `advance_to`
/// and `clear_all` are about the selected database.
#[derive(Debug)]
pub(crate) struct Store {
    databases: [Database; DATABASES],
    selected: usize,
    watches: Watches,
    now: Instant,
    expired: u64,
}

impl Store {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            databases: Default::default(),
            selected: 0,
            watches: Watches::default(),
            now,
            expired: 0,
        }
    }

    /// Sets the time that holds until the next call, and removes what expired by then.
    pub(crate) fn advance_to(&mut self, now: Instant) {
        self.now = now;
        for (index, database) in self.databases.iter_mut().enumerate() {
            while let Some((deadline, _)) = database.deadlines.first()
                && *deadline <= now
                && let Some((_, key)) = database.deadlines.pop_first()
            {
                database.keys.remove(&key);
                self.watches.touch(index, &key);
                self.expired += 1;
            }
        }
    }

    /// Selects a database, by a number below [`DATABASES`], for what follows.
    pub(crate) fn select(&mut self, index: usize) {
        self.selected = index.min(DATABASES - 1);
    }

    /// Keys, and keys with a deadline, of each database.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (usize, usize)> {
        self.databases.iter().map(|database| (database.keys.len(), database.deadlines.len()))
    }

    fn database(&self) -> &Database {
        &self.databases[self.selected]
    }

    fn database_mut(&mut self) -> &mut Database {
        &mut self.databases[self.selected]
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn len(&self) -> usize {
        self.database().keys.len()
    }

    /// How many keys were removed at their deadline so far.
    pub(crate) fn expired(&self) -> u64 {
        self.expired
    }

    /// Roughly the memory taken by keys and values.
    pub(crate) fn bytes(&self) -> usize {
        let entries = self.databases.iter().flat_map(|database| database.keys.iter());
        entries.map(|(key, entry)| weight(key, entry.value.bytes())).sum()
    }

    pub(crate) fn keys(&self) -> &OrderedMap<Entry> {
        &self.database().keys
    }

    /// What a key holds; this is not a use of it.
    pub(crate) fn value(&self, key: &[u8]) -> Option<&Value> {
        self.keys().get(key).map(|entry| &entry.value)
    }

    /// How long a key has not been used.
    pub(crate) fn idle(&self, key: &[u8]) -> Option<Duration> {
        self.keys().get(key).map(|entry| self.now.saturating_duration_since(entry.used.get()))
    }

    /// Roughly the memory taken by a key and its value.
    pub(crate) fn bytes_of(&self, key: &Bytes) -> Option<usize> {
        self.value(key).map(|value| weight(key, value.bytes()))
    }

    fn used(&self, key: &[u8]) -> Option<&Value> {
        let entry = self.keys().get(key)?;
        entry.used.set(self.now);
        Some(&entry.value)
    }

    /// Watches a key of the selected database for a client.
    pub(crate) fn watch(&mut self, client: u64, key: &Bytes) {
        self.watches.watch(client, self.selected, key);
    }

    /// Ends a client's watch; whether any of its keys was changed meanwhile.
    pub(crate) fn unwatch(&mut self, client: u64) -> bool {
        self.watches.unwatch(client)
    }

    fn touch(&mut self, key: &[u8]) {
        self.watches.touch(self.selected, key);
    }

    pub(crate) fn string(&self, key: &[u8]) -> Result<Option<&Bytes>, CommandError> {
        match self.used(key) {
            Some(Value::String(value)) => Ok(Some(value)),
            Some(Value::Hash(_)) => Err(CommandError::WrongType),
            None => Ok(None),
        }
    }

    pub(crate) fn hash(&self, key: &[u8]) -> Result<Option<&Hash>, CommandError> {
        match self.used(key) {
            Some(Value::Hash(hash)) => Ok(Some(hash)),
            Some(Value::String(_)) => Err(CommandError::WrongType),
            None => Ok(None),
        }
    }

    pub(crate) fn set_string(&mut self, key: &Bytes, value: Bytes, deadline: Deadline) {
        let kept = self.forget_deadline(key);
        let deadline = match deadline {
            Deadline::Clear => None,
            Deadline::Keep => kept,
            Deadline::At(at) => Some(at),
        };
        let value = Value::String(value);
        let used = Cell::new(self.now);
        self.database_mut().keys.insert(key.clone(), Entry { value, deadline, used });
        self.touch(key);
        self.remember_deadline(key, deadline);
    }

    /// Changes a hash, which is made if there is none and removed if it ends up empty.
    pub(crate) fn change_hash<R>(
        &mut self,
        key: &Bytes,
        change: impl FnOnce(&mut Hash) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        let used = Cell::new(self.now);
        let Some(entry) = self.databases[self.selected].keys.get_mut(key) else {
            let mut hash = Hash::default();
            let result = change(&mut hash)?;
            if !hash.is_empty() {
                let entry = Entry { value: Value::Hash(hash), deadline: None, used };
                self.database_mut().keys.insert(key.clone(), entry);
                self.touch(key);
            }
            return Ok(result);
        };
        let Value::Hash(hash) = &mut entry.value else {
            return Err(CommandError::WrongType);
        };
        entry.used = used;
        let before = hash.revision();
        let result = change(hash)?;
        let (changed, empty) = (hash.revision() != before, hash.is_empty());
        if changed {
            self.touch(key);
        }
        if empty {
            self.remove(key);
        }
        Ok(result)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        self.forget_deadline(key);
        let removed = self.database_mut().keys.remove(key).is_some();
        if removed {
            self.touch(key);
        }
        removed
    }

    /// Removes all keys of the selected database.
    pub(crate) fn clear(&mut self) {
        let (selected, database) = (self.selected, &mut self.databases[self.selected]);
        let touched =
            |(index, key): (usize, &[u8])| index == selected && database.keys.get(key).is_some();
        self.watches.touch_all(touched);
        *database = Database::default();
    }

    /// Removes all keys of all databases.
    pub(crate) fn clear_all(&mut self) {
        let selected = self.selected;
        for index in 0..DATABASES {
            self.select(index);
            self.clear();
        }
        self.select(selected);
    }

    pub(crate) fn deadline(&self, key: &[u8]) -> Option<Instant> {
        self.keys().get(key).and_then(|entry| entry.deadline)
    }

    /// Sets or clears the deadline of a key that exists.
    pub(crate) fn set_deadline(&mut self, key: &Bytes, deadline: Option<Instant>) {
        self.forget_deadline(key);
        if let Some(entry) = self.database_mut().keys.get_mut(key) {
            entry.deadline = deadline;
            self.touch(key);
            self.remember_deadline(key, deadline);
        }
    }

    fn forget_deadline(&mut self, key: &[u8]) -> Option<Instant> {
        let deadline = self.deadline(key)?;
        self.database_mut().deadlines.remove(&(deadline, Bytes::copy_from_slice(key)));
        Some(deadline)
    }

    fn remember_deadline(&mut self, key: &Bytes, deadline: Option<Instant>) {
        if let Some(deadline) = deadline {
            self.database_mut().deadlines.insert((deadline, key.clone()));
        }
    }
}

/// An entry's size with what the maps around it need.
fn weight(key: &Bytes, value: usize) -> usize {
    const OVERHEAD: usize = 144;
    key.len() + value + OVERHEAD
}
