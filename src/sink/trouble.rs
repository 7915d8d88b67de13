//! Why a sink took nothing, by what is done about it.
//!
//! Must not lose an entry: whatever the trouble, the cursor stays where it is.

use crate::store::StoreError;

/// Why a batch was not taken.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may be taken later; not before so many seconds.
    Later(String, i64),
    /// A part of it was refused: fewer entries at once may show which one.
    Refused(String),
    /// Somebody else has the sink.
    Lost,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Trouble {
        match error {
            StoreError::Conflict(_) => Trouble::Lost,
            other => Trouble::Later(other.to_string(), 0),
        }
    }
}
