//! An app's own names and forms of the sync fields to the record's and back, for rows and for the wire alike.
//!
//! Never checks the app's own fields. Where nothing is mapped, nothing is moved or copied.

use lastword_protocol::limits::PAYLOAD_BYTES_MAX;
use lastword_protocol::record::{self, Fields, Record, RecordError, is_id};
use lastword_protocol::strict;
use serde::Deserialize;
use serde_json::Value;

use crate::columns::ColumnNames;
use crate::iso8601;
use crate::record::Stamp;

/// The names an app uses for the sync fields of an entity. Each default is the record's own name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FieldNames {
    /// The record's id.
    pub id: String,
    /// When it was made.
    pub client_created_at: String,
    /// Its stamp.
    pub client_updated_at: String,
    /// Its deletion mark. Not used where `deleted_at` is.
    pub is_deleted: String,
    /// When it was deleted, in place of a mark: absent or null for a live record, its stamp for a tombstone.
    pub deleted_at: Option<String>,
    /// When the backend accepted it.
    pub server_updated_at: String,
    /// The backend's own id.
    pub server_id: String,
    /// The backend's copy counter.
    pub version: String,
    /// The form of every time among these.
    #[serde(skip)]
    pub times: Times,
    /// The status columns of its rows: taken off wherever a record is read, and never sent.
    #[serde(skip)]
    pub columns: ColumnNames,
}

/// How an app writes times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Times {
    /// Milliseconds since the Unix epoch.
    #[default]
    Ms,
    /// ISO 8601 text in UTC, with milliseconds.
    Iso,
}

impl Default for FieldNames {
    fn default() -> Self {
        Self {
            id: record::ID.into(),
            client_created_at: record::CLIENT_CREATED_AT.into(),
            client_updated_at: record::CLIENT_UPDATED_AT.into(),
            is_deleted: record::IS_DELETED.into(),
            deleted_at: None,
            server_updated_at: record::SERVER_UPDATED_AT.into(),
            server_id: record::SERVER_ID.into(),
            version: record::VERSION.into(),
            times: Times::Ms,
            columns: ColumnNames::default(),
        }
    }
}

impl FieldNames {
    /// The record that an object of the app's stands for.
    ///
    /// # Errors
    /// Names the first sync field that is absent or wrong, as the app calls it.
    pub fn record(&self, mut object: Fields) -> Result<Record, String> {
        if self.is_plain() {
            return Record::from_object(object).map_err(|error| error.to_string());
        }
        self.columns.iter().for_each(|name| drop(object.remove(name)));
        // Apart from the app's fields, among which the record's own names are free now.
        let mut envelope = Fields::new();
        for (own, name) in self.pairs() {
            if let Some(value) = object.remove(own) {
                envelope.insert(name.to_owned(), self.record_value(name, value));
            }
        }
        if let Some(hint) = object.remove(record::SYNC) {
            envelope.insert(record::SYNC.to_owned(), hint);
        }
        let record = Record::from_object(envelope).map_err(|error| self.named(&error))?;
        Ok(Record { fields: object, ..record })
    }

    /// The record that JSON text of the app's stands for, every value's form checked.
    ///
    /// # Errors
    /// As [`FieldNames::record`], or what is not well-formed.
    pub fn parse(&self, json: &str) -> Result<Record, String> {
        if self.is_plain() {
            return Record::parse(json).map_err(|error| error.to_string());
        }
        if json.len() > PAYLOAD_BYTES_MAX {
            return Err(RecordError::TooLarge { bytes: json.len() }.to_string());
        }
        self.record(strict::parse_object(json).map_err(|error| error.to_string())?)
    }

    /// A record as the app's object.
    #[must_use]
    pub fn object(&self, mut record: Record) -> Fields {
        if self.is_plain() {
            return record.into_object();
        }
        let mut object = std::mem::take(&mut record.fields);
        let stamp = record.client_updated_at;
        let mut envelope = record.into_object();
        for (own, name) in self.pairs() {
            if let Some(value) = envelope.remove(name) {
                object.insert(own.to_owned(), self.app_value(name, value, stamp));
            }
        }
        object.extend(envelope);
        object
    }

    /// The id and the app's own fields of an object that need not be a whole record.
    #[must_use]
    pub fn split(&self, mut object: Fields) -> (Option<Value>, Fields) {
        let id = object.remove(&self.id);
        for own in self.own() {
            object.remove(own);
        }
        (id, object)
    }

    /// The id that JSON text of the app's holds, where it has a usable one.
    #[must_use]
    pub fn id_of(&self, json: &str) -> Option<String> {
        let value: Value = serde_json::from_str(json).ok()?;
        Some(value.get(&self.id)?.as_str()?.to_owned()).filter(|id| is_id(id))
    }

    /// The stamp of an object that may be no record.
    #[must_use]
    pub fn stamp_of(&self, json: &str) -> Option<Stamp> {
        let value: Value = serde_json::from_str(json).ok()?;
        self.ms(value.get(&self.client_updated_at)?).map(Stamp)
    }

    /// A time as the app writes it.
    #[must_use]
    pub fn time(&self, ms: i64) -> Value {
        match self.times {
            Times::Ms => ms.into(),
            Times::Iso => iso8601::format(ms).into(),
        }
    }

    /// A time that the app wrote, in milliseconds.
    #[must_use]
    pub fn ms(&self, time: &Value) -> Option<i64> {
        match (self.times, time) {
            (Times::Iso, Value::String(text)) => iso8601::parse(text),
            (Times::Iso | Times::Ms, time) => time.as_i64(),
        }
    }

    /// The app's names, those of the status columns among them.
    pub fn own(&self) -> impl Iterator<Item = &str> {
        self.pairs().into_iter().map(|(own, _)| own).chain(self.columns.iter())
    }

    /// Says what is wrong with the names, if anything is.
    ///
    /// # Errors
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.deleted_at.is_some() && self.is_deleted != record::IS_DELETED {
            return Err("give `isDeleted` or `deletedAt` a name, not both".into());
        }
        let own: Vec<&str> = self.own().collect();
        for (place, name) in own.iter().enumerate() {
            if name.is_empty() || RESERVED.contains(name) || strict::FORBIDDEN_KEYS.contains(name) {
                return Err(format!("a sync field cannot be called `{name}`"));
            }
            if own[..place].contains(name) {
                return Err(format!("two sync fields are called `{name}`"));
            }
        }
        Ok(())
    }

    /// True when the app's objects are records as they stand.
    fn is_plain(&self) -> bool {
        self.times == Times::Ms
            && self.deleted_at.is_none()
            && self.columns == ColumnNames::default()
            && self.pairs().iter().all(|(own, name)| own == name)
    }

    /// The app's names and the record's.
    fn pairs(&self) -> [(&str, &'static str); 7] {
        [
            (&self.id, record::ID),
            (&self.client_created_at, record::CLIENT_CREATED_AT),
            (&self.client_updated_at, record::CLIENT_UPDATED_AT),
            (self.deleted_at.as_ref().unwrap_or(&self.is_deleted), record::IS_DELETED),
            (&self.server_updated_at, record::SERVER_UPDATED_AT),
            (&self.server_id, record::SERVER_ID),
            (&self.version, record::VERSION),
        ]
    }

    /// A value of the app's as the record holds it; one of the wrong form stays, to be refused by its field.
    fn record_value(&self, name: &str, value: Value) -> Value {
        match name {
            record::IS_DELETED if self.deleted_at.is_some() => match &value {
                Value::Null => false.into(),
                _ if self.ms(&value).is_some() => true.into(),
                // Neither a time nor null: a form that no deletion mark has.
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    Value::Array(vec![value])
                }
            },
            _ if is_time(name) => self.ms(&value).map_or(value, Value::from),
            _ => value,
        }
    }

    fn app_value(&self, name: &str, value: Value, stamp: Stamp) -> Value {
        match name {
            record::IS_DELETED if self.deleted_at.is_some() => {
                if value == Value::Bool(true) {
                    self.time(stamp.0)
                } else {
                    Value::Null
                }
            }
            _ if is_time(name) => value.as_i64().map_or(value, |ms| self.time(ms)),
            _ => value,
        }
    }

    fn named(&self, error: &RecordError) -> String {
        let RecordError::Envelope { field, .. } = error else { return error.to_string() };
        let own = self.pairs().into_iter().find(|(_, name)| name == field).map_or(*field, |(own, _)| own);
        let said = error.to_string().replacen(*field, own, 1);
        let is_moment = is_time(field) || (*field == record::IS_DELETED && self.deleted_at.is_some());
        match self.times {
            Times::Iso if is_moment => format!("field `{own}` must be a time in ISO 8601"),
            Times::Ms if is_moment => format!("field `{own}` must be a whole number of milliseconds since 1970"),
            Times::Iso | Times::Ms => said,
        }
    }
}

fn is_time(name: &str) -> bool {
    [record::CLIENT_CREATED_AT, record::CLIENT_UPDATED_AT, record::SERVER_UPDATED_AT].contains(&name)
}

/// Fields of a row or a pushed record that are lastword's own.
const RESERVED: [&str; 2] = [record::SYNC, "_synced"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(options: Value, times: Times) -> FieldNames {
        let names = FieldNames { times, ..serde_json::from_value(options).unwrap() };
        names.check().unwrap();
        names
    }

    fn snake(times: Times) -> FieldNames {
        names(
            json!({
                "clientCreatedAt": "created_at", "clientUpdatedAt": "updated_at", "deletedAt": "deleted_at",
                "serverUpdatedAt": "server_updated_at", "serverId": "server_id",
            }),
            times,
        )
    }

    fn there_and_back(names: &FieldNames, row: Value) -> Record {
        let record = names.record(row.as_object().unwrap().clone()).unwrap();
        assert_eq!(names.parse(&row.to_string()), Ok(record.clone()));
        assert_eq!(Value::Object(names.object(record.clone())), row);
        record
    }

    #[test]
    fn plain_names_change_nothing() {
        let names = FieldNames::default();
        assert!(names.is_plain() && names.check().is_ok());
        let record = there_and_back(
            &names,
            json!({"id": "a", "clientCreatedAt": 4, "clientUpdatedAt": 5, "isDeleted": false, "name": "x"}),
        );
        assert_eq!(record, names.record(record.clone().into_object()).unwrap());
    }

    #[test]
    fn snake_case_and_a_deletion_time_go_there_and_back() {
        let live = json!({"id": "a", "created_at": 4, "updated_at": 5, "deleted_at": null, "name": "x"});
        let record = there_and_back(&snake(Times::Ms), live);
        assert_eq!((record.client_created_at.0, record.client_updated_at.0, record.is_deleted), (4, 5, false));
        let dead = json!({"id": "a", "created_at": 4, "updated_at": 5, "deleted_at": 5, "server_updated_at": 9});
        let record = there_and_back(&snake(Times::Ms), dead);
        assert!(record.is_deleted && record.fields.is_empty());
        let names = snake(Times::Ms);
        let absent = names.parse(r#"{"id": "a", "updated_at": 5}"#).unwrap();
        assert!(!absent.is_deleted);
    }

    #[test]
    fn iso_times_go_there_and_back() {
        let names = snake(Times::Iso);
        let dead = json!({
            "id": "a", "created_at": "2025-11-21T02:03:04.005Z", "updated_at": "2025-11-21T02:03:05.000Z",
            "deleted_at": "2025-11-21T02:03:05.000Z", "server_updated_at": "2025-11-21T02:03:06.000Z", "at": "x",
        });
        let record = there_and_back(&names, dead);
        assert_eq!(record.client_created_at.0, 1_763_690_584_005);
        assert_eq!(record.server_updated_at.map(|time| time.0), Some(1_763_690_586_000));
        assert!(record.is_deleted);
        let flagged = names_with_flag();
        there_and_back(
            &flagged,
            json!({"id": "a", "clientCreatedAt": "1970-01-01T00:00:00.001Z", "clientUpdatedAt": "1970-01-01T00:00:00.002Z", "gone": true}),
        );
        // A number is a time in either form.
        assert_eq!(names.parse(r#"{"id": "a", "updated_at": 5}"#).unwrap().client_updated_at.0, 5);
    }

    fn names_with_flag() -> FieldNames {
        names(json!({"isDeleted": "gone"}), Times::Iso)
    }

    #[test]
    fn a_name_of_the_records_is_free_for_the_app_where_it_is_mapped() {
        let names = names(json!({"version": "sync_version", "id": "key"}), Times::Ms);
        let record = there_and_back(
            &names,
            json!({"key": "k", "id": 7, "clientCreatedAt": 1, "clientUpdatedAt": 1, "isDeleted": false, "version": "2.0", "sync_version": 3}),
        );
        assert_eq!((record.id.as_str(), record.version), ("k", Some(3)));
        assert_eq!(Value::Object(record.fields), json!({"id": 7, "version": "2.0"}));
    }

    #[test]
    fn the_hints_of_a_push_travel_with_mapped_names() {
        let names = snake(Times::Iso);
        let mut record = names.parse(r#"{"id": "a", "updated_at": "2025-11-21T02:03:05Z", "_sync": {"known": true}}"#);
        assert!(record.as_ref().unwrap().sync.as_ref().unwrap().known);
        assert_eq!(names.object(record.as_mut().unwrap().clone())["_sync"], json!({"known": true}));
    }

    #[test]
    fn what_is_wrong_is_named_as_the_app_names_it() {
        let check = |names: &FieldNames, json: &str, said: &str| {
            let error = names.parse(json).unwrap_err();
            assert!(error.contains(said), "{json}: {error}");
        };
        let iso = snake(Times::Iso);
        check(&iso, r#"{"id": "a"}"#, "`updated_at` must be a time in ISO 8601");
        check(&iso, r#"{"id": "a", "updated_at": "yesterday"}"#, "`updated_at` must be a time in ISO 8601");
        check(&iso, r#"{"id": "a", "updated_at": 1, "deleted_at": "no"}"#, "`deleted_at` must be a time");
        check(&iso, r#"{"id": "a", "updated_at": 1, "deleted_at": true}"#, "`deleted_at` must be a time");
        check(&snake(Times::Ms), r#"{"id": "a", "updated_at": "2025-11-21T02:03:05Z"}"#, "milliseconds");
        check(&snake(Times::Ms), r#"{"id": "a", "updated_at": 1, "deleted_at": false}"#, "`deleted_at`");
        check(&names(json!({"id": "key"}), Times::Ms), r#"{"id": "a", "clientUpdatedAt": 1}"#, "`key` must be");
        check(&FieldNames::default(), r#"{"id": "a"}"#, "`clientUpdatedAt`");
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let refused = |options: Value| {
            let names: FieldNames = serde_json::from_value(options).unwrap();
            names.check().unwrap_err()
        };
        assert!(refused(json!({"isDeleted": "gone", "deletedAt": "gone_at"})).contains("not both"));
        assert!(refused(json!({"clientUpdatedAt": "at", "clientCreatedAt": "at"})).contains("two sync fields"));
        assert!(refused(json!({"id": ""})).contains("cannot be called"));
        assert!(refused(json!({"id": "_synced"})).contains("cannot be called"));
        assert!(refused(json!({"serverId": "__proto__"})).contains("cannot be called"));
        assert!(serde_json::from_value::<FieldNames>(json!({"updated": "x"})).is_err());
    }
}
