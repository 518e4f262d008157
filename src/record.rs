//! Records as a replica holds them: rows, and the keys that name them. Never touches a store.

use serde::{Deserialize, Serialize};

pub(crate) use crate::by_key::listed;
pub use crate::by_key::{ByEntity, ByKey, ByScope};
pub use lastword_protocol::record::{Fields, Record};
pub use lastword_protocol::time::{ServerMillis, Stamp};

/// A reading of this replica's own clock: milliseconds since the Unix epoch. May jump either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// An entity by its place in [`crate::config::Config`]: parents come before the entities that refer to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity(pub u16);

/// What one cursor covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One entity (resource style).
    One(Entity),
    /// Every entity (changeset style).
    All,
}

/// Names one record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The record's entity.
    pub entity: Entity,
    /// The record's id.
    pub id: String,
}

impl Key {
    /// The key of `id` in `entity`.
    #[must_use]
    pub fn new(entity: Entity, id: &str) -> Self {
        Self { entity, id: id.to_owned() }
    }
}

/// A record as it stands in the app's object store.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The record.
    pub record: Record,
    /// The copy at which the row was last known to equal the backend's.
    pub synced: Option<Synced>,
}

/// Marks the copy that the backend was last known to hold: field `_synced` of a row, `"<stamp>"` or `"<stamp>:<hash>"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// That copy's stamp.
    pub stamp: Stamp,
    /// Hash of that copy's content, where the app writes rows by itself.
    pub hash: Option<u64>,
}

impl Synced {
    /// Reads the stored form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => Some(Self { stamp: Stamp(text.parse().ok()?), hash: None }),
            Some((stamp, hash)) => {
                Some(Self { stamp: Stamp(stamp.parse().ok()?), hash: Some(u64::from_str_radix(hash, 16).ok()?) })
            }
        }
    }
}

impl std::fmt::Display for Synced {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.hash {
            None => write!(formatter, "{}", self.stamp.0),
            Some(hash) => write!(formatter, "{}:{hash:x}", self.stamp.0),
        }
    }
}

/// What a store found where a row should be.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredRow {
    /// A row that decodes.
    Row(Row),
    /// A value that is not a record, or holds what JSON cannot; the reason names the path.
    Unreadable(String),
}

impl StoredRow {
    /// The row, if it decodes.
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Unreadable(_) => None,
        }
    }
}
