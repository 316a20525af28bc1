//! The one database: keys, their values and when they expire; must not know commands or replies.

use std::collections::BTreeSet;

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::CommandError;
use crate::ordered_map::OrderedMap;
use crate::watches::Watches;

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
}

/// Keys whose deadline has passed are gone before any command sees the store.
#[derive(Debug)]
pub(crate) struct Store {
    keys: OrderedMap<Entry>,
    deadlines: BTreeSet<(Instant, Bytes)>,
    watches: Watches,
    now: Instant,
    expired: u64,
}

impl Store {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            keys: OrderedMap::default(),
            deadlines: BTreeSet::new(),
            watches: Watches::default(),
            now,
            expired: 0,
        }
    }

    /// Sets the time that holds until the next call, and removes what expired by then.
    pub(crate) fn advance_to(&mut self, now: Instant) {
        self.now = now;
        while let Some((deadline, _)) = self.deadlines.first()
            && *deadline <= now
            && let Some((_, key)) = self.deadlines.pop_first()
        {
            self.keys.remove(&key);
            self.watches.touch(&key);
            self.expired += 1;
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many keys have a deadline.
    pub(crate) fn expiring(&self) -> usize {
        self.deadlines.len()
    }

    /// How many keys were removed at their deadline so far.
    pub(crate) fn expired(&self) -> u64 {
        self.expired
    }

    /// Roughly the memory taken by keys and values.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.iter().map(|(key, entry)| weight(key, entry.value.bytes())).sum()
    }

    pub(crate) fn keys(&self) -> &OrderedMap<Entry> {
        &self.keys
    }

    pub(crate) fn value(&self, key: &[u8]) -> Option<&Value> {
        self.keys.get(key).map(|entry| &entry.value)
    }

    pub(crate) fn watches(&mut self) -> &mut Watches {
        &mut self.watches
    }

    pub(crate) fn string(&self, key: &[u8]) -> Result<Option<&Bytes>, CommandError> {
        match self.value(key) {
            Some(Value::String(value)) => Ok(Some(value)),
            Some(Value::Hash(_)) => Err(CommandError::WrongType),
            None => Ok(None),
        }
    }

    pub(crate) fn hash(&self, key: &[u8]) -> Result<Option<&Hash>, CommandError> {
        match self.value(key) {
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
        self.keys.insert(key.clone(), Entry { value, deadline });
        self.watches.touch(key);
        self.remember_deadline(key, deadline);
    }

    /// Changes a hash, which is made if there is none and removed if it ends up empty.
    pub(crate) fn change_hash<R>(
        &mut self,
        key: &Bytes,
        change: impl FnOnce(&mut Hash) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        let Some(entry) = self.keys.get_mut(key) else {
            let mut hash = Hash::default();
            let result = change(&mut hash)?;
            if !hash.is_empty() {
                let entry = Entry { value: Value::Hash(hash), deadline: None };
                self.keys.insert(key.clone(), entry);
                self.watches.touch(key);
            }
            return Ok(result);
        };
        let Value::Hash(hash) = &mut entry.value else {
            return Err(CommandError::WrongType);
        };
        let before = hash.revision();
        let result = change(hash)?;
        let (changed, empty) = (hash.revision() != before, hash.is_empty());
        if changed {
            self.watches.touch(key);
        }
        if empty {
            self.remove(key);
        }
        Ok(result)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        self.forget_deadline(key);
        let removed = self.keys.remove(key).is_some();
        if removed {
            self.watches.touch(key);
        }
        removed
    }

    pub(crate) fn clear(&mut self) {
        let keys = &self.keys;
        self.watches.touch_all(|key| keys.get(key).is_some());
        self.keys = OrderedMap::default();
        self.deadlines.clear();
    }

    pub(crate) fn deadline(&self, key: &[u8]) -> Option<Instant> {
        self.keys.get(key).and_then(|entry| entry.deadline)
    }

    /// Sets or clears the deadline of a key that exists.
    pub(crate) fn set_deadline(&mut self, key: &Bytes, deadline: Option<Instant>) {
        self.forget_deadline(key);
        if let Some(entry) = self.keys.get_mut(key) {
            entry.deadline = deadline;
            self.watches.touch(key);
            self.remember_deadline(key, deadline);
        }
    }

    fn forget_deadline(&mut self, key: &[u8]) -> Option<Instant> {
        let deadline = self.deadline(key)?;
        self.deadlines.remove(&(deadline, Bytes::copy_from_slice(key)));
        Some(deadline)
    }

    fn remember_deadline(&mut self, key: &Bytes, deadline: Option<Instant>) {
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, key.clone()));
        }
    }
}

/// An entry's size with what the maps around it need.
fn weight(key: &Bytes, value: usize) -> usize {
    const OVERHEAD: usize = 144;
    key.len() + value + OVERHEAD
}
