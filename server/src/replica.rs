//! The server's rules for a batch: who wins, what is refused, which numbers are given. Does no I/O and reads no clock.
//!
//! Source: docs/protocol.md, sections 2 to 4 and 11. The rule for one copy is `lastword_protocol::accept`.

use std::collections::{HashMap, HashSet};

use lastword_protocol::accept::{Verdict, accept};
use lastword_protocol::error::RejectCode;
use lastword_protocol::order::compare_stamps;
use lastword_protocol::push::{FieldError, Reference};
use lastword_protocol::record::{Record, RecordError};
use lastword_protocol::time::{ServerMillis, Stamp};
use serde_json::Value;

use crate::cursor::CursorKey;
use crate::entities::{Entities, Entity};
use crate::store::{RecordKey, StoredCopy, UserId, UserState};

/// One record of a batch as it arrived.
#[derive(Debug)]
pub struct Pushed {
    /// Which record it says it is.
    pub key: RecordKey,
    /// The record, or why it is none.
    pub record: Result<Record, Refusal>,
}

/// Why one record is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: RejectCode,
    /// For a person.
    pub message: String,
    /// The fields at fault.
    pub fields: Vec<FieldError>,
    /// The parent that is missing.
    pub reference: Option<Reference>,
}

/// What became of one record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the backend's copy now, or was already.
    Applied {
        /// When it was accepted.
        server_ms: i64,
        /// Counts accepted copies.
        version: i64,
        /// The backend's own id.
        server_id: String,
    },
    /// The backend keeps this other copy.
    Conflict(StoredCopy),
    /// Refused.
    Rejected(Refusal),
    /// Deleted and purged long ago.
    Gone,
}

/// Everything a decision depends on.
pub struct Facts<'a> {
    /// The entities served.
    pub entities: &'a Entities,
    /// The user.
    pub user_id: UserId,
    /// The user's counters.
    pub user: UserState,
    /// The backend's clock.
    pub now: ServerMillis,
    /// Stored copies of the records in the batch.
    pub stored: HashMap<RecordKey, StoredCopy>,
    /// Records named by the batch that exist and are live; `None` when references are not checked.
    pub live: Option<HashSet<RecordKey>>,
    /// Gives the backend's own ids.
    pub ids: &'a CursorKey,
}

/// The fate of a whole batch.
#[derive(Debug)]
pub struct Decision {
    /// One for each record, in order.
    pub outcomes: Vec<(RecordKey, Outcome)>,
    /// Copies to write.
    pub writes: Vec<StoredCopy>,
    /// The user's counters afterwards.
    pub user: UserState,
}

impl Refusal {
    /// A refusal without field errors.
    pub fn new(code: RejectCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), reference: None }
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        let code = match error {
            RecordError::TooLarge { .. } => RejectCode::TooLarge,
            RecordError::Strict(_) | RecordError::Envelope { .. } => RejectCode::Invalid,
        };
        let fields = match &error {
            RecordError::Envelope { field, expected } => {
                vec![FieldError { path: format!("/{field}"), message: format!("must be {expected}") }]
            }
            RecordError::TooLarge { .. } | RecordError::Strict(_) => Vec::new(),
        };
        Self { code, message: error.to_string(), fields, reference: None }
    }
}

/// Decides a batch, record by record in its order.
#[must_use]
pub fn decide(batch: Vec<Pushed>, mut facts: Facts<'_>) -> Decision {
    let mut seen = HashSet::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut writes = Vec::with_capacity(batch.len());
    for Pushed { key, record } in batch {
        // An item without a readable id is refused for that, and is no one's double.
        let outcome = if key.id.is_empty() || seen.insert(key.clone()) {
            record
                .and_then(|record| decide_one(&key, &record, &mut facts, &mut writes))
                .unwrap_or_else(Outcome::Rejected)
        } else {
            Outcome::Rejected(Refusal::new(RejectCode::DuplicateId, "the id stands twice in this batch"))
        };
        outcomes.push((key, outcome));
    }
    Decision { outcomes, writes, user: facts.user }
}

fn decide_one(
    key: &RecordKey,
    record: &Record,
    facts: &mut Facts<'_>,
    writes: &mut Vec<StoredCopy>,
) -> Result<Outcome, Refusal> {
    let entity = facts.entities.by_name(&key.entity);
    let entity = entity.ok_or_else(|| Refusal::new(RejectCode::UnknownEntity, "no such entity here"))?;
    let stored = facts.stored.remove(key);
    let stored_record = stored.as_ref().map(|stored| as_record(stored, record)).transpose()?;
    match accept(stored_record.as_ref(), record, facts.now, facts.user.purged_stamp.map(Stamp)) {
        Verdict::Apply => {
            check_fields(entity, record)?;
            check_references(entity, record, facts.live.as_ref())?;
            let copy = next_copy(key, record, stored.as_ref(), facts);
            let (server_ms, version, server_id) = (copy.server_ms, copy.version, copy.server_id.clone());
            writes.push(copy);
            Ok(Outcome::Applied { server_ms, version, server_id })
        }
        Verdict::ClockSkew => {
            Err(Refusal::new(RejectCode::ClockSkew, "the stamp is too far ahead of the server's clock"))
        }
        Verdict::Gone => Ok(Outcome::Gone),
        Verdict::Same => Ok(stored.map_or(Outcome::Gone, |stored| Outcome::Applied {
            server_ms: stored.server_ms,
            version: stored.version,
            server_id: stored.server_id,
        })),
        Verdict::Conflict => Ok(stored.map_or(Outcome::Gone, Outcome::Conflict)),
    }
}

/// The copy to write, under the next sequence number and a `serverUpdatedAt` after every earlier one of this user.
fn next_copy(key: &RecordKey, record: &Record, stored: Option<&StoredCopy>, facts: &mut Facts<'_>) -> StoredCopy {
    facts.user.head_seq += 1;
    facts.user.head_ms = facts.now.0.max(facts.user.head_ms + 1);
    if let Some(live) = &mut facts.live {
        if record.is_deleted {
            live.remove(key);
        } else {
            live.insert(key.clone());
        }
    }
    StoredCopy {
        entity: key.entity.clone(),
        id: key.id.clone(),
        seq: facts.user.head_seq,
        created_ms: record.client_created_at.0,
        stamp: record.client_updated_at.0,
        deleted: record.is_deleted,
        server_ms: facts.user.head_ms,
        version: stored.map_or(1, |stored| stored.version + 1),
        server_id: stored.map_or_else(
            || facts.ids.server_id(facts.user_id, &key.entity, &key.id),
            |stored| stored.server_id.clone(),
        ),
        fields: Value::Object(record.fields.clone()).to_string(),
    }
}

fn check_fields(entity: &Entity, record: &Record) -> Result<(), Refusal> {
    if record.is_deleted {
        return Ok(());
    }
    let fields = entity.schema.as_ref().map(|schema| schema.check(&record.fields)).unwrap_or_default();
    if !fields.is_empty() {
        return Err(Refusal { fields, ..Refusal::new(RejectCode::Invalid, "does not match the entity's schema") });
    }
    if entity.accepts.is_some_and(|accepts| !accepts(&record.fields)) {
        return Err(Refusal::new(RejectCode::Invalid, "does not match the entity's type"));
    }
    Ok(())
}

fn check_references(entity: &Entity, record: &Record, live: Option<&HashSet<RecordKey>>) -> Result<(), Refusal> {
    let Some(live) = live else { return Ok(()) };
    match named_by(entity, record).find(|key| !live.contains(key)) {
        None => Ok(()),
        Some(RecordKey { entity, id }) => Err(Refusal {
            reference: Some(Reference { entity, id }),
            ..Refusal::new(RejectCode::MissingReference, "a record that it names does not exist")
        }),
    }
}

/// The records that a live record names.
pub fn named_by<'a>(entity: &'a Entity, record: &'a Record) -> impl Iterator<Item = RecordKey> + 'a {
    let fields = entity.references.iter().filter(|_| !record.is_deleted);
    fields.filter_map(|(field, target)| match record.fields.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(RecordKey { entity: target.clone(), id: id.clone() }),
        Some(other) => Some(RecordKey { entity: target.clone(), id: other.to_string() }),
    })
}

/// The stored copy as the merge order sees it; its fields are read only where they can decide.
fn as_record(stored: &StoredCopy, pushed: &Record) -> Result<Record, Refusal> {
    let order = compare_stamps(pushed.client_updated_at, pushed.is_deleted, Stamp(stored.stamp), stored.deleted);
    let fields = if order.is_eq() {
        serde_json::from_str(&stored.fields)
            .map_err(|_| Refusal::new(RejectCode::Invalid, "the stored copy cannot be read"))?
    } else {
        serde_json::Map::new()
    };
    Ok(Record {
        id: stored.id.clone(),
        client_created_at: Stamp(stored.created_ms),
        client_updated_at: Stamp(stored.stamp),
        is_deleted: stored.deleted,
        server_updated_at: None,
        server_id: None,
        version: None,
        sync: None,
        fields,
    })
}
