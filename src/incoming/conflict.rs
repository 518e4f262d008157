//! What the app is told when two copies met, and the conflicts that wait for its choice. Never picks a winner.

use crate::record::{Key, Millis, Record};

/// Two copies of a record between which the user must choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The record.
    pub key: Key,
    /// This replica's copy.
    pub local: Record,
    /// The backend's copy; none when the backend deleted the record and purged its tombstone.
    pub remote: Option<Record>,
    /// When it was found.
    pub found_at: Millis,
}

/// Something the app must hear once its transaction has committed.
#[allow(clippy::large_enum_variant, reason = "there are few, and each is moved once")]
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A local edit lost to a newer copy.
    Superseded {
        /// The copy that lost.
        local: Record,
        /// The copy that won.
        remote: Record,
        /// The record.
        key: Key,
    },
    /// Both sides changed a record and the user decides.
    Conflict(Key),
    /// A push of a record failed.
    Failed {
        /// The record.
        key: Key,
        /// Why.
        code: String,
        /// Why, for a person.
        message: String,
        /// True when it became a dead letter.
        permanently: bool,
    },
    /// A remote copy failed validation.
    Quarantined {
        /// The record.
        key: Key,
        /// Why.
        reason: String,
    },
    /// Edits stamped too far ahead were stamped again by the backend's clock.
    Restamped {
        /// How many.
        count: usize,
    },
    /// An acknowledged record was not in the backend's history and will be sent again.
    LostByBackend(Key),
}
