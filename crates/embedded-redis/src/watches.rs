//! Which clients watch which keys, and whose keys were changed; must not look at values.

use std::collections::HashMap;

use bytes::Bytes;

/// The watching clients by number. There are few of them, and usually none.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    clients: HashMap<u64, Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    keys: Vec<(usize, Bytes)>,
    touched: bool,
}

impl Watches {
    /// Watches a key of the database of this number.
    pub(crate) fn watch(&mut self, client: u64, database: usize, key: &Bytes) {
        let watch = self.clients.entry(client).or_default();
        if !watch.keys.iter().any(|(of, watched)| *of == database && watched == key) {
            watch.keys.push((database, key.clone()));
        }
    }

    /// Ends a client's watch; whether any of its keys was changed meanwhile.
    pub(crate) fn unwatch(&mut self, client: u64) -> bool {
        self.clients.remove(&client).is_some_and(|watch| watch.touched)
    }

    /// Notes that a key of a database was made, changed or removed.
    pub(crate) fn touch(&mut self, database: usize, key: &[u8]) {
        self.touch_all(|watched| watched == (database, key));
    }

    /// Notes that all keys for which `changed` holds were changed.
    pub(crate) fn touch_all(&mut self, changed: impl Fn((usize, &[u8])) -> bool) {
        for watch in self.clients.values_mut() {
            watch.touched |= watch.keys.iter().any(|(database, key)| changed((*database, key)));
        }
    }
}
