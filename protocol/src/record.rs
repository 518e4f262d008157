//! The record as it travels: an envelope of sync fields around the app's own fields. Never validates app fields.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::{ENTITY_BYTES_MAX, ID_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::strict::{self, StrictError};
use crate::time::{ServerMillis, Stamp};

/// The app's fields of a record.
pub type Fields = Map<String, Value>;

/// One copy of a record on the wire.
///
/// A copy with `is_deleted` is a tombstone; its fields may be empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Unique in its entity; 1 to 128 bytes.
    pub id: String,
    /// When the record was first made, by its author's clock.
    pub client_created_at: Stamp,
    /// The stamp: orders the copies of a record.
    pub client_updated_at: Stamp,
    /// True for a tombstone.
    pub is_deleted: bool,
    /// When the backend accepted this copy. Only in copies that came from the backend.
    pub server_updated_at: Option<ServerMillis>,
    /// The backend's own id of the record, where it has one.
    pub server_id: Option<String>,
    /// Counts the copies the backend has accepted.
    pub version: Option<u64>,
    /// Per-record hints of a push. Only in copies that are pushed.
    pub sync: Option<SyncHint>,
    /// The app's fields.
    pub fields: Fields,
}

/// Hints that travel with a pushed record, under `_sync`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SyncHint {
    /// True when this replica has had the record from the backend, or had it acknowledged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// Stamp of the copy that the edit replaced. Sent under the manual conflict policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Stamp>,
    /// `manual` asks the backend to answer `conflict` unless its copy is the one in `replaces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<OnConflict>,
}

impl SyncHint {
    /// Reads the hints of a record that is parsed already; none where they are of another form.
    fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let mut hint = Self::default();
        if let Some(known) = object.get("known") {
            hint.known = known.as_bool()?;
        }
        if let Some(replaces) = object.get("replaces").filter(|stamp| !stamp.is_null()) {
            hint.replaces = Some(Stamp(replaces.as_i64()?));
        }
        match object.get("onConflict") {
            None | Some(Value::Null) => {}
            Some(Value::String(manual)) if manual == "manual" => hint.on_conflict = Some(OnConflict::Manual),
            Some(_) => return None,
        }
        Some(hint)
    }
}

/// What a backend should do when its copy is not the one an edit replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Answer `conflict` with its copy, whichever copy is newer.
    Manual,
}

/// Why a JSON object is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not well-formed JSON of the allowed values.
    #[error(transparent)]
    Strict(#[from] StrictError),
    /// A sync field is absent or of the wrong type or range.
    #[error("field `{field}` must be {expected}")]
    Envelope {
        /// The field's wire name.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The encoded record is over the limit.
    #[error("record of {bytes} bytes is over the limit of {PAYLOAD_BYTES_MAX}")]
    TooLarge {
        /// Encoded size.
        bytes: usize,
    },
}

impl Record {
    /// Parses one record from JSON text and checks the envelope and every value's form.
    ///
    /// # Errors
    /// [`RecordError`] names the first fault. The app's schema is not checked here.
    pub fn parse(json: &str) -> Result<Self, RecordError> {
        if json.len() > PAYLOAD_BYTES_MAX {
            return Err(RecordError::TooLarge { bytes: json.len() });
        }
        Self::from_object(strict::parse_object(json)?)
    }

    /// Takes the envelope out of an object; what is left are the app's fields.
    ///
    /// # Errors
    /// [`RecordError::Envelope`] names the first sync field that is absent or wrong.
    pub fn from_object(mut object: Fields) -> Result<Self, RecordError> {
        let id = match object.remove(ID) {
            Some(Value::String(id)) if is_id(&id) => id,
            _ => return Err(envelope(ID, "a string of 1 to 128 bytes")),
        };
        let client_updated_at = match stamp(&mut object, CLIENT_UPDATED_AT)? {
            Some(stamp) => stamp,
            None => return Err(envelope(CLIENT_UPDATED_AT, TIME_FORM)),
        };
        let client_created_at = stamp(&mut object, CLIENT_CREATED_AT)?.unwrap_or(client_updated_at);
        let is_deleted = match object.remove(IS_DELETED) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(deleted)) => deleted,
            Some(_) => return Err(envelope(IS_DELETED, "a boolean")),
        };
        let server_updated_at = stamp(&mut object, SERVER_UPDATED_AT)?.map(|stamp| ServerMillis(stamp.0));
        let server_id = match object.remove(SERVER_ID) {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(envelope(SERVER_ID, "a string")),
        };
        let version = match object.remove(VERSION) {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_u64().ok_or(envelope(VERSION, "a whole number"))?),
        };
        let sync = match object.remove(SYNC) {
            None | Some(Value::Null) => None,
            Some(value) => Some(SyncHint::of(&value).ok_or(envelope(SYNC, "an object of hints"))?),
        };
        Ok(Self {
            id,
            client_created_at,
            client_updated_at,
            is_deleted,
            server_updated_at,
            server_id,
            version,
            sync,
            fields: object,
        })
    }

    /// The record as one flat JSON object, as it travels.
    #[must_use]
    pub fn into_object(self) -> Fields {
        let mut object = self.fields;
        object.insert(ID.into(), self.id.into());
        object.insert(CLIENT_CREATED_AT.into(), self.client_created_at.0.into());
        object.insert(CLIENT_UPDATED_AT.into(), self.client_updated_at.0.into());
        object.insert(IS_DELETED.into(), self.is_deleted.into());
        if let Some(time) = self.server_updated_at {
            object.insert(SERVER_UPDATED_AT.into(), time.0.into());
        }
        if let Some(id) = self.server_id {
            object.insert(SERVER_ID.into(), id.into());
        }
        if let Some(version) = self.version {
            object.insert(VERSION.into(), version.into());
        }
        if let Some(sync) = self.sync.and_then(|hint| serde_json::to_value(hint).ok()) {
            object.insert(SYNC.into(), sync);
        }
        object
    }
}

impl Serialize for Record {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.clone().into_object().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = strict::deserialize_object(deserializer)?;
        Self::from_object(object).map_err(serde::de::Error::custom)
    }
}

/// True for a well-formed record id.
#[must_use]
pub fn is_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len())
}

/// True for a well-formed entity name: `[a-z][a-z0-9_-]{0,63}`.
#[must_use]
pub fn is_entity(name: &str) -> bool {
    name.len() <= ENTITY_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn stamp(object: &mut Fields, field: &'static str) -> Result<Option<Stamp>, RecordError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().map(Stamp) {
            Some(stamp) if stamp.is_valid() => Ok(Some(stamp)),
            _ => Err(envelope(field, TIME_FORM)),
        },
    }
}

const fn envelope(field: &'static str, expected: &'static str) -> RecordError {
    RecordError::Envelope { field, expected }
}

const TIME_FORM: &str = "a whole number of milliseconds since 1970";

/// Wire name of the record's id.
pub const ID: &str = "id";
/// Wire name of the creation time.
pub const CLIENT_CREATED_AT: &str = "clientCreatedAt";
/// Wire name of the stamp.
pub const CLIENT_UPDATED_AT: &str = "clientUpdatedAt";
/// Wire name of the tombstone flag.
pub const IS_DELETED: &str = "isDeleted";
/// Wire name of the backend's time of acceptance.
pub const SERVER_UPDATED_AT: &str = "serverUpdatedAt";
/// Wire name of the backend's own id.
pub const SERVER_ID: &str = "serverId";
/// Wire name of the backend's copy counter.
pub const VERSION: &str = "version";
/// Wire name of the push hints.
pub const SYNC: &str = "_sync";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_its_fields_through_the_wire() {
        let json = r#"{"id":"a","clientCreatedAt":1,"clientUpdatedAt":2,"isDeleted":false,"serverUpdatedAt":3,"serverId":"s","version":4,"_sync":{"known":true},"name":"squat","sets":[{"reps":5}]}"#;
        let record = Record::parse(json).unwrap();
        assert_eq!(record.fields.len(), 2);
        assert_eq!(serde_json::to_value(&record).unwrap(), serde_json::from_str::<Value>(json).unwrap());
    }

    #[test]
    fn a_bad_envelope_names_its_field() {
        let check = |json: &str, field: &str| match Record::parse(json) {
            Err(RecordError::Envelope { field: found, .. }) => assert_eq!(found, field, "{json}"),
            other => panic!("{json} gave {other:?}"),
        };
        check(r#"{"clientUpdatedAt":1}"#, "id");
        check(r#"{"id":"","clientUpdatedAt":1}"#, "id");
        check(r#"{"id":7,"clientUpdatedAt":1}"#, "id");
        check(r#"{"id":"a"}"#, "clientUpdatedAt");
        check(r#"{"id":"a","clientUpdatedAt":"1"}"#, "clientUpdatedAt");
        check(r#"{"id":"a","clientUpdatedAt":-1}"#, "clientUpdatedAt");
        check(r#"{"id":"a","clientUpdatedAt":8640000000000001}"#, "clientUpdatedAt");
        check(r#"{"id":"a","clientUpdatedAt":1,"isDeleted":1}"#, "isDeleted");
        check(r#"{"id":"a","clientUpdatedAt":1,"version":-2}"#, "version");
        for sync in [r#""known""#, "[true]", r#"{"known":null}"#, r#"{"replaces":"1"}"#, r#"{"onConflict":"never"}"#] {
            check(&format!(r#"{{"id":"a","clientUpdatedAt":1,"_sync":{sync}}}"#), "_sync");
        }
    }

    #[test]
    fn hints_are_read_as_they_are_written() {
        for known in [false, true] {
            for replaces in [None, Some(Stamp(7))] {
                for on_conflict in [None, Some(OnConflict::Manual)] {
                    let hint = SyncHint { known, replaces, on_conflict };
                    assert_eq!(SyncHint::of(&serde_json::to_value(&hint).unwrap()), Some(hint));
                }
            }
        }
        let odd = serde_json::json!({"replaces": null, "onConflict": null, "another": 5});
        assert_eq!(SyncHint::of(&odd), Some(SyncHint::default()));
    }

    #[test]
    fn entity_names_have_one_form() {
        for good in ["a", "workout-logs", "student_ecr_item_scores", "x2"] {
            assert!(is_entity(good), "{good}");
        }
        for bad in ["", "A", "2x", "a/b", "_a", "é", &"a".repeat(65)] {
            assert!(!is_entity(bad), "{bad}");
        }
    }
}
