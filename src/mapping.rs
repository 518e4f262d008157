//! An app's own field names to the record's and back, for rows and for the wire alike. Never checks values.

use lastword_protocol::record::{self, Fields};
use serde::Deserialize;

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
    /// Its deletion mark.
    pub is_deleted: String,
    /// When the backend accepted it.
    pub server_updated_at: String,
    /// The backend's own id.
    pub server_id: String,
    /// The backend's copy counter.
    pub version: String,
}

impl Default for FieldNames {
    fn default() -> Self {
        Self {
            id: record::ID.into(),
            client_created_at: record::CLIENT_CREATED_AT.into(),
            client_updated_at: record::CLIENT_UPDATED_AT.into(),
            is_deleted: record::IS_DELETED.into(),
            server_updated_at: record::SERVER_UPDATED_AT.into(),
            server_id: record::SERVER_ID.into(),
            version: record::VERSION.into(),
        }
    }
}

impl FieldNames {
    /// The record's names for an app's object.
    #[must_use]
    pub fn to_record(&self, mut object: Fields) -> Fields {
        for (own, name) in self.renamed() {
            if let Some(value) = object.remove(own) {
                object.insert(name.to_owned(), value);
            }
        }
        object
    }

    /// The app's names for a record's object.
    #[must_use]
    pub fn from_record(&self, mut object: Fields) -> Fields {
        for (own, name) in self.renamed() {
            if let Some(value) = object.remove(name) {
                object.insert(own.to_owned(), value);
            }
        }
        object
    }

    /// Pairs of the app's name and the record's, where they differ.
    fn renamed(&self) -> impl Iterator<Item = (&str, &'static str)> {
        [
            (&self.id, record::ID),
            (&self.client_created_at, record::CLIENT_CREATED_AT),
            (&self.client_updated_at, record::CLIENT_UPDATED_AT),
            (&self.is_deleted, record::IS_DELETED),
            (&self.server_updated_at, record::SERVER_UPDATED_AT),
            (&self.server_id, record::SERVER_ID),
            (&self.version, record::VERSION),
        ]
        .into_iter()
        .map(|(own, name)| (own.as_str(), name))
        .filter(|(own, name)| own != name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_go_there_and_back() {
        let names: FieldNames = serde_json::from_value(json!({"clientUpdatedAt": "updated_at", "id": "key"})).unwrap();
        let row = json!({"key": "a", "updated_at": 5, "isDeleted": false, "name": "x"});
        let record = names.to_record(row.as_object().unwrap().clone());
        assert_eq!(
            record,
            *json!({"id": "a", "clientUpdatedAt": 5, "isDeleted": false, "name": "x"}).as_object().unwrap()
        );
        assert_eq!(names.from_record(record), *row.as_object().unwrap());
    }
}
