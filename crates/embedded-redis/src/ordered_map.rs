//! A map that remembers the order of insertion and can be read in pages; must give every entry
//! that stays throughout to a reader who follows the pages, whatever else comes and goes.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

/// Entries by key and by the number they got when they were first inserted. The number is the
/// cursor: it never changes while the entry lives, and new entries come after all others.
#[derive(Debug, Clone)]
pub(crate) struct OrderedMap<V> {
    entries: HashMap<Bytes, Slot<V>>,
    order: BTreeMap<u64, Bytes>,
    last: u64,
    revision: u64,
}

#[derive(Debug, Clone)]
struct Slot<V> {
    number: u64,
    value: V,
}

impl<V> Default for OrderedMap<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), last: 0, revision: 0 }
    }
}

impl<V> OrderedMap<V> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Changes with each insertion and removal.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&V> {
        self.entries.get(key).map(|slot| &slot.value)
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.entries.get_mut(key).map(|slot| &mut slot.value)
    }

    /// Inserts or replaces; a replaced entry keeps its place.
    pub(crate) fn insert(&mut self, key: Bytes, value: V) -> Option<V> {
        self.revision += 1;
        if let Some(slot) = self.entries.get_mut(&key) {
            return Some(std::mem::replace(&mut slot.value, value));
        }
        self.last += 1;
        self.order.insert(self.last, key.clone());
        self.entries.insert(key, Slot { number: self.last, value });
        None
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<V> {
        let slot = self.entries.remove(key)?;
        self.order.remove(&slot.number);
        self.revision += 1;
        Some(slot.value)
    }

    /// All entries, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &V)> {
        self.entries_of(self.order.values())
    }

    /// At most `count` entries from `cursor` on, and the cursor of the next page: 0 after the last.
    pub(crate) fn page(&self, cursor: u64, count: usize) -> (u64, Vec<(&Bytes, &V)>) {
        let entries = self.entries_of(self.order.range(cursor..).map(|(_, key)| key));
        let entries = entries.take(count).collect();
        let next = self.order.range(cursor..).nth(count).map_or(0, |(number, _)| *number);
        (next, entries)
    }

    fn entries_of<'map>(
        &'map self,
        keys: impl Iterator<Item = &'map Bytes>,
    ) -> impl Iterator<Item = (&'map Bytes, &'map V)> {
        keys.filter_map(|key| self.get(key).map(|value| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::OrderedMap;
    use bytes::Bytes;

    fn key(number: usize) -> Bytes {
        Bytes::from(format!("key:{number}"))
    }

    #[test]
    fn pages_give_every_entry_that_stays_while_others_come_and_go() {
        let mut map = OrderedMap::default();
        for number in 0..100 {
            map.insert(key(number), number);
        }
        let mut seen = Vec::new();
        let mut cursor = 0;
        loop {
            let (next, page) = map.page(cursor, 7);
            seen.extend(page.into_iter().map(|(_, value)| *value));
            // The odd ones go, one new one comes, and the even ones are written again.
            for number in 0..100 {
                if number % 2 == 1 {
                    map.remove(&key(number));
                } else {
                    map.insert(key(number), number);
                }
            }
            map.insert(key(1000 + seen.len()), 1000);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        assert!((0..100).step_by(2).all(|number| seen.contains(&number)), "{seen:?}");
    }

    #[test]
    fn keeps_the_order_of_insertion() {
        let mut map = OrderedMap::default();
        for number in [3, 1, 2] {
            map.insert(key(number), number);
        }
        map.insert(key(3), 30);
        assert_eq!(map.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [30, 1, 2]);
        assert_eq!(map.page(0, 3).0, 0);
        assert_eq!(map.page(0, usize::MAX).1.len(), 3);
    }
}
