//! What connections to one server learn of its ways, shared by all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of a server's ways. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits(Arc<AtomicBool>);

impl Habits {
    /// Bytes that belong to no response followed one; `bodiless` when that was one that never has a
    /// body.
    pub(crate) fn exceeded(&self, bodiless: bool) {
        if bodiless {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a response that never has a body was followed by one. It comes when it comes, so
    /// connections are not kept after such responses.
    pub(crate) fn sends_unasked_bodies(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
