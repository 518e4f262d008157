//! Stored copies and outcomes to wire text, without parsing stored fields again. Never adds or drops an app field.

use lastword_protocol::changeset::{AppliedChange, ChangeKey, UploadRejection};
use lastword_protocol::push::{PushOutcome, PushResult};
use lastword_protocol::time::ServerMillis;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::replica::{Outcome, Refusal};
use crate::store::{RecordKey, StoredCopy};

/// A copy as one flat object of the resource style.
pub(crate) fn record_json(copy: &StoredCopy) -> Result<Box<RawValue>, ApiError> {
    let mut json = String::with_capacity(copy.wire_bytes());
    json.push_str("{\"id\":");
    push_string(&mut json, &copy.id)?;
    json.push_str(&format!(
        ",\"clientCreatedAt\":{},\"clientUpdatedAt\":{},\"isDeleted\":{},\"serverUpdatedAt\":{}",
        copy.created_ms, copy.stamp, copy.deleted, copy.server_ms
    ));
    push_backend_fields(&mut json, copy)?;
    push_app_fields(&mut json, copy)?;
    raw(json)
}

/// A copy as a change of the changeset style.
pub(crate) fn change_json(copy: &StoredCopy) -> Result<Box<RawValue>, ApiError> {
    let mut json = String::with_capacity(copy.wire_bytes());
    json.push_str("{\"entity_type\":");
    push_string(&mut json, &copy.entity)?;
    json.push_str(",\"id\":");
    push_string(&mut json, &copy.id)?;
    json.push_str(&format!(
        ",\"updated_at\":{},\"deleted\":{},\"server_updated_at\":{},\"data\":{{\"clientCreatedAt\":{}",
        copy.stamp, copy.deleted, copy.server_ms, copy.created_ms
    ));
    push_backend_fields(&mut json, copy)?;
    push_app_fields(&mut json, copy)?;
    json.push('}');
    raw(json)
}

fn push_backend_fields(json: &mut String, copy: &StoredCopy) -> Result<(), ApiError> {
    json.push_str(&format!(",\"version\":{},\"serverId\":", copy.version));
    push_string(json, &copy.server_id)
}

/// Splices the stored object's members in and closes the object.
fn push_app_fields(json: &mut String, copy: &StoredCopy) -> Result<(), ApiError> {
    let members = copy.fields.strip_prefix('{').ok_or_else(|| ApiError::internal("stored fields are not an object"))?;
    if members != "}" {
        json.push(',');
    }
    json.push_str(members);
    Ok(())
}

fn push_string(json: &mut String, text: &str) -> Result<(), ApiError> {
    json.push_str(&serde_json::to_string(text).map_err(|_| ApiError::internal("a string did not encode"))?);
    Ok(())
}

fn raw(json: String) -> Result<Box<RawValue>, ApiError> {
    RawValue::from_string(json).map_err(|_| ApiError::internal("a stored copy is not JSON"))
}

/// Any value as JSON text.
pub(crate) fn encode(value: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|_| ApiError::internal("an answer did not encode"))
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
            Outcome::Conflict(copy) => PushOutcome::Conflict {
                record: serde_json::from_str(record_json(&copy)?.get())
                    .map_err(|_| ApiError::internal("a stored copy is not JSON"))?,
            },
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
                results.conflicts.push(Conflict { entity_type, id, server: change_json(&copy)? });
            }
            Outcome::Rejected(Refusal { code, message, fields, .. }) => {
                results.rejected.push(UploadRejection { entity_type, id, code, message, fields });
            }
            Outcome::Gone => results.gone.push(ChangeKey { entity_type, id }),
        }
    }
    Ok(results)
}

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
            let record = Record::parse(record_json(&copy(fields)).unwrap().get()).unwrap();
            let change: Change = serde_json::from_str(change_json(&copy(fields)).unwrap().get()).unwrap();
            assert_eq!(change.into_record().unwrap(), record);
            assert_eq!(serde_json::to_string(&record.fields).unwrap(), fields);
            assert_eq!((record.id.as_str(), record.version), ("a\"\u{1}", Some(5)));
        }
    }
}
