//! Stored copies and outcomes to wire text, without parsing stored fields again. Never adds or drops an app field.

use std::io::Write as _;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lastword_protocol::changeset::{AppliedChange, ChangeKey, UploadRejection};
use lastword_protocol::push::{PushOutcome, PushResult};
use lastword_protocol::time::ServerMillis;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::prepare::Refusal;
use crate::replica::Outcome;
use crate::store::{RecordKey, StoredCopy};

/// Writes a copy as one flat object of the resource style.
pub(crate) fn write_record(json: &mut Vec<u8>, copy: &StoredCopy) -> Result<(), ApiError> {
    member(json, "{\"id\":", &copy.id)?;
    member(json, ",\"clientCreatedAt\":", &copy.created_ms)?;
    member(json, ",\"clientUpdatedAt\":", &copy.stamp)?;
    member(json, ",\"isDeleted\":", &copy.deleted)?;
    member(json, ",\"serverUpdatedAt\":", &copy.server_ms)?;
    write_fields(json, copy)
}

/// Writes a copy as a change of the changeset style.
pub(crate) fn write_change(json: &mut Vec<u8>, copy: &StoredCopy) -> Result<(), ApiError> {
    member(json, "{\"entity_type\":", &copy.entity)?;
    member(json, ",\"id\":", &copy.id)?;
    member(json, ",\"updated_at\":", &copy.stamp)?;
    member(json, ",\"deleted\":", &copy.deleted)?;
    member(json, ",\"server_updated_at\":", &copy.server_ms)?;
    member(json, ",\"data\":{\"clientCreatedAt\":", &copy.created_ms)?;
    write_fields(json, copy)?;
    json.push(b'}');
    Ok(())
}

/// Writes the backend's fields and the app's, and closes the object. The stored text is spliced in as it is.
fn write_fields(json: &mut Vec<u8>, copy: &StoredCopy) -> Result<(), ApiError> {
    member(json, ",\"version\":", &copy.version)?;
    member(json, ",\"serverId\":", &copy.server_id)?;
    let members = copy.fields.strip_prefix('{').ok_or_else(|| ApiError::internal("stored fields are not an object"))?;
    if members != "}" {
        json.push(b',');
    }
    json.extend_from_slice(members.as_bytes());
    Ok(())
}

/// Writes what stands before a value, and the value as JSON text.
fn member(json: &mut Vec<u8>, before: &str, value: &impl Serialize) -> Result<(), ApiError> {
    json.extend_from_slice(before.as_bytes());
    write_value(json, value)
}

/// Writes any value as JSON text.
fn write_value(json: &mut Vec<u8>, value: &impl Serialize) -> Result<(), ApiError> {
    serde_json::to_writer(json, value).map_err(|_| not_encoded())
}

fn not_encoded() -> ApiError {
    ApiError::internal("an answer did not encode")
}

/// Any value as JSON text.
pub(crate) fn encode(value: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|_| not_encoded())
}

/// A page's body: the list `name` of its copies, then the members of `tail`. Stored fields are not parsed again.
pub(crate) fn page_body(
    name: &str,
    copies: &[StoredCopy],
    write: fn(&mut Vec<u8>, &StoredCopy) -> Result<(), ApiError>,
    tail: &impl Serialize,
) -> Result<JsonText, ApiError> {
    let mut json = Vec::with_capacity(copies.iter().map(StoredCopy::wire_bytes).sum::<usize>() + TAIL_BYTES);
    write!(json, "{{\"{name}\":[").map_err(|_| not_encoded())?;
    for (place, copy) in copies.iter().enumerate() {
        if place > 0 {
            json.push(b',');
        }
        write(&mut json, copy)?;
    }
    json.extend_from_slice(b"],");
    let tail = encode(tail)?;
    json.extend_from_slice(tail.strip_prefix('{').ok_or_else(not_encoded)?.as_bytes());
    Ok(JsonText(json))
}

/// Encoded JSON as an answer.
pub(crate) struct JsonText(pub(crate) Vec<u8>);

impl IntoResponse for JsonText {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

fn raw_change(copy: &StoredCopy) -> Result<Box<RawValue>, ApiError> {
    let mut json = Vec::with_capacity(copy.wire_bytes());
    write_change(&mut json, copy)?;
    serde_json::from_slice(&json).map_err(|_| ApiError::internal("a stored copy is not JSON"))
}

fn record_value(copy: &StoredCopy) -> Result<serde_json::Value, ApiError> {
    let mut json = Vec::with_capacity(copy.wire_bytes());
    write_record(&mut json, copy)?;
    serde_json::from_slice(&json).map_err(|_| ApiError::internal("a stored copy is not JSON"))
}

/// The results of a batch in resource style.
pub(crate) fn push_results(outcomes: Vec<(RecordKey, Outcome)>) -> Result<Vec<PushResult>, ApiError> {
    let result = |(key, outcome): (RecordKey, Outcome)| {
        let outcome = match outcome {
            Outcome::Applied { server_ms, version, server_id } => PushOutcome::Applied {
                server_updated_at: Some(ServerMillis(server_ms)),
                version: Some(version.cast_unsigned()),
                server_id: Some(server_id),
            },
            Outcome::Conflict(copy) => PushOutcome::Conflict { record: record_value(&copy)? },
            Outcome::Rejected(Refusal { code, message, fields, reference }) => {
                PushOutcome::Rejected { code, message, fields, reference }
            }
            Outcome::Gone => PushOutcome::Gone,
        };
        Ok(PushResult { id: key.id, outcome })
    };
    outcomes.into_iter().map(result).collect()
}

/// The part of an upload's answer that a repeat gets again.
#[derive(Default, Serialize)]
pub(crate) struct UploadResults {
    applied: Vec<AppliedChange>,
    conflicts: Vec<Conflict>,
    rejected: Vec<UploadRejection>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<ChangeKey>,
}

#[derive(Serialize)]
struct Conflict {
    entity_type: String,
    id: String,
    server: Box<RawValue>,
}

/// The results of a batch in changeset style.
pub(crate) fn upload_results(outcomes: Vec<(RecordKey, Outcome)>) -> Result<UploadResults, ApiError> {
    let mut results = UploadResults::default();
    for (RecordKey { entity: entity_type, id }, outcome) in outcomes {
        match outcome {
            Outcome::Applied { server_ms, version, .. } => results.applied.push(AppliedChange::Full {
                entity_type,
                id,
                server_updated_at: Some(ServerMillis(server_ms)),
                version: Some(version.cast_unsigned()),
            }),
            Outcome::Conflict(copy) => {
                results.conflicts.push(Conflict { entity_type, id, server: raw_change(&copy)? });
            }
            Outcome::Rejected(Refusal { code, message, fields, .. }) => {
                results.rejected.push(UploadRejection { entity_type, id, code, message, fields });
            }
            Outcome::Gone => results.gone.push(ChangeKey { entity_type, id }),
        }
    }
    Ok(results)
}

/// What follows the list in a page, at most.
const TAIL_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use lastword_protocol::changeset::Change;
    use lastword_protocol::record::Record;

    fn copy(fields: &str) -> StoredCopy {
        StoredCopy {
            entity: "logs".into(),
            id: "a\"\u{1}".into(),
            seq: 4,
            created_ms: 1,
            stamp: 2,
            deleted: false,
            server_ms: 3,
            version: 5,
            server_id: "s".into(),
            fields: fields.into(),
        }
    }

    #[test]
    fn both_styles_carry_the_same_record() {
        for fields in ["{}", r#"{"name":"squat","sets":[{"reps":5}]}"#] {
            let mut json = Vec::new();
            write_record(&mut json, &copy(fields)).unwrap();
            let record = Record::parse(str::from_utf8(&json).unwrap()).unwrap();
            let change: Change = serde_json::from_str(raw_change(&copy(fields)).unwrap().get()).unwrap();
            assert_eq!(change.into_record().unwrap(), record);
            assert_eq!(serde_json::to_string(&record.fields).unwrap(), fields);
            assert_eq!((record.id.as_str(), record.version), ("a\"\u{1}", Some(5)));
        }
    }
}
