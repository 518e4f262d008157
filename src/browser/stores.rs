//! lastword's own object stores and the form of what they hold. Never holds a live record.

use serde::{Deserialize, Serialize};

use crate::outgoing::outbox::{Change, ChangeError, ChangeState, Operation};
use crate::record::{Fields, Key, Millis, Record, ServerMillis, Stamp};

/// The outbox: key [entity, id].
pub const OUTBOX: &str = "_lastword_outbox";
/// Conflicts that wait for the user: key [entity, id].
pub const CONFLICTS: &str = "_lastword_conflicts";
/// Remote copies that failed validation: key [entity, id].
pub const QUARANTINE: &str = "_lastword_quarantine";
/// Everything else: key is a name.
pub const META: &str = "_lastword_meta";
/// The stores keyed by [entity, id].
pub const BY_RECORD: [&str; 3] = [OUTBOX, CONFLICTS, QUARANTINE];
/// Field of a value in the stores keyed by record that holds the entity's name.
pub(super) const ENTITY: &str = "entity";
/// Field of a value in the stores keyed by record that holds the record's id.
pub(super) const ID: &str = "id";
/// Field of an app's row that holds the mark of the copy the backend has.
pub const SYNCED: &str = "_synced";
/// Field of an entry in [`META`] that holds its name.
pub const NAME: &str = "name";
/// Field of an entry in [`META`] that holds its value.
pub const VALUE: &str = "value";
/// Names of the entries of [`META`].
pub mod meta {
    /// The replica.
    pub const REPLICA: &str = "replica";
    /// The push in flight.
    pub const IN_FLIGHT: &str = "inFlight";
    /// A scope's checkpoint.
    #[must_use]
    pub fn scope(name: &str) -> String {
        format!("scope:{name}")
    }
    /// What is kept for an entity.
    #[must_use]
    pub fn entity(name: &str) -> String {
        format!("entity:{name}")
    }
    /// The name of the entity, where an entry is what is kept for one.
    #[must_use]
    pub fn entity_of(name: &str) -> Option<&str> {
        name.strip_prefix("entity:")
    }
    /// The first and the last name that an entry kept for an entity may have.
    #[must_use]
    pub fn entity_range() -> (String, String) {
        (entity(""), entity(&char::MAX.to_string()))
    }
    /// A list of ids seen by a resync.
    #[must_use]
    pub fn seen(scope: &str, list: u32) -> String {
        format!("seen:{scope}:{list}")
    }
    /// The first and the last name that a list of a scope may have.
    #[must_use]
    pub fn seen_range(scope: &str) -> (String, String) {
        (format!("seen:{scope}:"), format!("seen:{scope}:{}", char::MAX))
    }
}

/// A change as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredChange {
    pub(super) entity: String,
    pub(super) id: String,
    stamp: Stamp,
    operation: Operation,
    state: ChangeState,
    #[serde(default)]
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_try_at: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ChangeError>,
    queued_at: Millis,
    #[serde(default)]
    known: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sent: Vec<Stamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_at: Option<ServerMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tombstone: Option<Record>,
}

impl StoredChange {
    pub(super) fn new(entity: &str, change: Change) -> Self {
        Self {
            entity: entity.to_owned(),
            id: change.key.id,
            stamp: change.stamp,
            operation: change.operation,
            state: change.state,
            attempts: change.attempts,
            last_attempt_at: change.last_attempt_at,
            next_try_at: change.next_try_at,
            error: change.error,
            queued_at: change.queued_at,
            known: change.known,
            base: change.base,
            held: change.held,
            sent: change.sent,
            earlier: change.earlier,
            accepted_at: change.accepted_at,
            tombstone: change.tombstone,
        }
    }

    pub(super) fn into_change(self, key: Key) -> Change {
        Change {
            key,
            stamp: self.stamp,
            operation: self.operation,
            state: self.state,
            attempts: self.attempts,
            last_attempt_at: self.last_attempt_at,
            next_try_at: self.next_try_at,
            error: self.error,
            queued_at: self.queued_at,
            known: self.known,
            base: self.base,
            held: self.held,
            sent: self.sent,
            earlier: self.earlier,
            accepted_at: self.accepted_at,
            tombstone: self.tombstone,
        }
    }
}

/// A conflict as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredConflict {
    pub(super) entity: String,
    pub(super) id: String,
    pub(super) local: Fields,
    pub(super) remote: Option<Fields>,
    pub(super) found_at: Millis,
}

/// A quarantined record as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredQuarantined {
    pub(super) entity: String,
    pub(super) id: String,
    pub(super) remote: String,
    pub(super) reason: String,
    pub(super) found_at: Millis,
}
