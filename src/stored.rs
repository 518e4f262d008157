//! What lastword's own stores hold of a record, as JSON has it. Never a live record.

use serde::{Deserialize, Serialize};

use crate::outgoing::outbox::{Change, ChangeError, ChangeState, Operation};
use crate::record::{Fields, Key, Millis, Record, ServerMillis, Stamp};

/// A change as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredChange {
    /// The entity's name.
    pub entity: String,
    /// The record's id.
    pub id: String,
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
    /// The form of `change`.
    #[must_use]
    pub fn new(entity: &str, change: Change) -> Self {
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

    /// The change, of the record that `key` names.
    #[must_use]
    pub fn into_change(self, key: Key) -> Change {
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
            raw: None,
        }
    }
}

/// Acknowledged changes of an entity as stored together.
#[derive(Serialize, Deserialize)]
pub struct StoredBundle {
    /// The entity's name.
    pub entity: String,
    /// Its number, and the first and the last id that it may hold.
    pub id: (u32, String, String),
    /// The ids and what stands for each, a [`StoredChange`] as JSON: those that nobody asks for are not read.
    pub changes: Vec<(String, String)>,
}

/// A conflict as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredConflict {
    /// The entity's name.
    pub entity: String,
    /// The record's id.
    pub id: String,
    /// This replica's copy.
    pub local: Fields,
    /// The backend's copy, where it has one.
    pub remote: Option<Fields>,
    /// When it was found.
    pub found_at: Millis,
}

/// A quarantined record as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredQuarantined {
    /// The entity's name.
    pub entity: String,
    /// The record's id.
    pub id: String,
    /// The copy as received.
    pub remote: String,
    /// What is wrong with it.
    pub reason: String,
    /// When it was found.
    pub found_at: Millis,
}
