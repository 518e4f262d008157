//! What can be known of a pushed record before its user is held: the longer a push holds the user, the longer others
//! wait. Looks at nothing stored and reads no clock.

use lastword_protocol::error::RejectCode;
use lastword_protocol::push::{FieldError, Reference};
use lastword_protocol::record::{Record, RecordError};
use serde_json::Value;

use crate::cursor::CursorKey;
use crate::entities::{Entities, Entity};
use crate::store::{RecordKey, UserId};

/// One record of a batch as it arrived.
#[derive(Debug)]
pub struct Pushed {
    /// Which record it says it is.
    pub key: RecordKey,
    /// The record, or why it is none.
    pub record: Result<Record, Refusal>,
}

/// One record of a batch, ready to be decided.
#[derive(Debug)]
pub struct Prepared {
    /// Which record it says it is.
    pub key: RecordKey,
    /// The record, or why it is refused whatever is stored.
    pub record: Result<Candidate, Refusal>,
}

/// A record that may become the backend's copy.
#[derive(Debug)]
pub struct Candidate {
    /// The record.
    pub record: Record,
    /// The app's fields as they are stored.
    pub fields: String,
    /// The backend's own id, if the record is new.
    pub server_id: String,
    /// The records it names.
    pub references: Vec<RecordKey>,
    /// Why its fields do not fit the entity, which matters only if it would win.
    pub unfit: Option<Refusal>,
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

/// Prepares one record.
#[must_use]
pub fn prepare(entities: &Entities, ids: &CursorKey, user: UserId, pushed: Pushed) -> Prepared {
    let Pushed { key, record } = pushed;
    let record = record.and_then(|record| {
        let entity = entities.by_name(&key.entity);
        let entity = entity.ok_or_else(|| Refusal::new(RejectCode::UnknownEntity, "no such entity here"))?;
        let fields = serde_json::to_string(&record.fields)
            .map_err(|_| Refusal::new(RejectCode::Invalid, "its fields cannot be written as JSON"))?;
        Ok(Candidate {
            fields,
            server_id: ids.server_id(user, &key.entity, &key.id),
            references: named_by(entity, &record).collect(),
            unfit: check_fields(entity, &record).err(),
            record,
        })
    });
    Prepared { key, record }
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

/// The records that a live record names.
fn named_by<'a>(entity: &'a Entity, record: &'a Record) -> impl Iterator<Item = RecordKey> + 'a {
    let fields = entity.references.iter().filter(|_| !record.is_deleted);
    fields.filter_map(|(field, target)| match record.fields.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(RecordKey { entity: target.clone(), id: id.clone() }),
        Some(other) => Some(RecordKey { entity: target.clone(), id: other.to_string() }),
    })
}
