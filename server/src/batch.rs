//! From a body's raw items to records, one by one: a bad item is refused alone. Never fails a whole batch.

use lastword_protocol::changeset::Change;
use lastword_protocol::error::RejectCode;
use lastword_protocol::limits::PAYLOAD_BYTES_MAX;
use lastword_protocol::record::{Record, RecordError, is_id};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::prepare::{Pushed, Refusal};
use crate::store::RecordKey;

/// One item of a resource-style batch.
pub(crate) fn pushed_record(entity: &str, item: &RawValue) -> Pushed {
    let record = Record::parse(item.get()).map_err(Refusal::from).and_then(storable);
    let id = record.as_ref().map_or_else(|_| named_in(item).id, |record| record.id.clone());
    Pushed { key: RecordKey { entity: entity.to_owned(), id }, record }
}

/// One item of an upload.
pub(crate) fn pushed_change(item: &RawValue) -> Pushed {
    let record = parse_change(item).and_then(storable);
    let Named { id, entity_type: entity } = named_in(item);
    Pushed { key: RecordKey { entity, id }, record }
}

/// True for an id that every database can hold: Postgres has no NUL in text.
pub(crate) fn is_storable(id: &str) -> bool {
    is_id(id) && !id.contains('\0')
}

fn parse_change(item: &RawValue) -> Result<Record, Refusal> {
    let json = item.get();
    if json.len() > PAYLOAD_BYTES_MAX {
        return Err(RecordError::TooLarge { bytes: json.len() }.into());
    }
    // Values are checked on the text, where a key that stands twice still shows.
    let object = lastword_protocol::strict::parse_object(json).map_err(RecordError::from)?;
    let change: Change = serde_json::from_value(object.into()).map_err(|_| {
        Refusal::new(RejectCode::Invalid, "not a change: see entity_type, id, data, updated_at, deleted")
    })?;
    Ok(change.into_record()?)
}

fn storable(record: Record) -> Result<Record, Refusal> {
    if is_storable(&record.id) {
        return Ok(record);
    }
    Err(RecordError::Envelope { field: "id", expected: "a string of 1 to 128 bytes without NUL" }.into())
}

/// What a refused item calls itself, so that its author can tell which one it was.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    id: String,
    entity_type: String,
}

fn named_in(item: &RawValue) -> Named {
    let mut named: Named = serde_json::from_str(item.get()).unwrap_or_default();
    if !is_id(&named.id) {
        named.id.clear();
    }
    named
}
