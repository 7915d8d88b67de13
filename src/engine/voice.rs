//! What countersign says at a forge, without what a tenant never wants said.
//!
//! Must not be used for what an edit writes: that is refused at the door, or written as it was asked for.

use super::Engine;
use crate::domain::lifecycle::Record;
use crate::store::Store;

/// Says things about one proposal.
pub(super) struct Voice<'a> {
    store: &'a Store,
    record: &'a Record,
}

impl Engine {
    /// The voice in which a proposal is spoken of.
    pub(super) fn voice<'a>(&'a self, record: &'a Record) -> Voice<'a> {
        Voice { store: &self.store, record }
    }
}

impl Voice<'_> {
    /// The text as it may be said.
    pub(super) fn say(&self, text: String) -> String {
        self.store.cleaned(&self.record.binding.tenant, text, self.record.environment.as_deref())
    }
}
