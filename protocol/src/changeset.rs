//! `/v1/sync/upload` and `/v1/sync/download`: one cursor for all entities. Source: docs/protocol.md, section 5.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::RejectCode;
use crate::push::FieldError;
use crate::record::{Fields, Record, RecordError, SyncHint};
use crate::time::{ServerMillis, Stamp};

/// One record of any entity, as it travels in changeset style. Snake case, unlike the resource style.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// The record's entity.
    pub entity_type: String,
    /// The record's id.
    pub id: String,
    /// The app's fields, with `clientCreatedAt`, `serverId` and `version` beside them; null for a bare tombstone.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<Fields>,
    /// The stamp.
    pub updated_at: Stamp,
    /// True for a tombstone.
    #[serde(default)]
    pub deleted: bool,
    /// When the backend accepted this copy. Only in copies that came from the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_updated_at: Option<ServerMillis>,
    /// Hints of a push.
    #[serde(default, rename = "_sync", skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncHint>,
}

impl Change {
    /// The change that carries `record` of `entity`.
    #[must_use]
    pub fn from_record(entity: &str, record: Record) -> Self {
        let (id, updated_at, deleted) = (record.id.clone(), record.client_updated_at, record.is_deleted);
        let (server_updated_at, sync) = (record.server_updated_at, record.sync.clone());
        let mut data = record.into_object();
        for field in MOVED {
            data.remove(field);
        }
        Self { entity_type: entity.to_owned(), id, data: Some(data), updated_at, deleted, server_updated_at, sync }
    }

    /// The record that this change carries.
    ///
    /// # Errors
    /// [`RecordError`] when the change's data is not a record's.
    pub fn into_record(self) -> Result<Record, RecordError> {
        let mut object = self.data.unwrap_or_default();
        object.insert(crate::record::ID.into(), self.id.into());
        object.insert(crate::record::CLIENT_UPDATED_AT.into(), self.updated_at.0.into());
        object.insert(crate::record::IS_DELETED.into(), self.deleted.into());
        if let Some(time) = self.server_updated_at {
            object.insert(crate::record::SERVER_UPDATED_AT.into(), time.0.into());
        }
        let mut record = Record::from_object(object)?;
        record.sync = self.sync;
        Ok(record)
    }
}

/// Body of `/v1/sync/upload`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadRequest {
    /// The replica that pushes: a UUID.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub device_id: String,
    /// The changes in the order they must be applied, each a [`Change`].
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub changes: Vec<Box<RawValue>>,
    /// The replica's download cursor, for the backend's information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cursor: Option<String>,
}

/// Answer of `/v1/sync/upload`. Each uploaded id stands in exactly one list.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadResponse {
    /// The backend's head after this upload. Never a download cursor: it would step over what others wrote.
    pub server_cursor: String,
    /// Ids whose uploaded copy is the backend's copy now, or was already.
    pub applied: Vec<AppliedChange>,
    /// Changes that lost to the backend's copy.
    pub conflicts: Vec<UploadConflict>,
    /// Changes the backend refuses.
    pub rejected: Vec<UploadRejection>,
    /// Records that were deleted and purged; an old edit does not bring them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<ChangeKey>,
    /// The backend's clock when it answered.
    pub server_time: ServerMillis,
    /// Names one continuous history of the backend.
    pub epoch: String,
}

/// An applied change: a bare id, or an id with what the backend assigned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, try_from = "Value")]
pub enum AppliedChange {
    /// The id alone.
    Id(String),
    /// The id with the backend's fields.
    Full {
        /// The record's entity.
        entity_type: String,
        /// The record's id.
        id: String,
        /// When the backend accepted the copy.
        #[serde(skip_serializing_if = "Option::is_none")]
        server_updated_at: Option<ServerMillis>,
        /// Counts accepted copies.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
}

impl TryFrom<Value> for AppliedChange {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        if let Value::String(id) = value {
            return Ok(Self::Id(id));
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(APPLIED);
        Ok(Self::Full {
            entity_type: text("entity_type")?,
            id: text("id")?,
            server_updated_at: value.get("server_updated_at").and_then(Value::as_i64).map(ServerMillis),
            version: value.get("version").and_then(Value::as_u64),
        })
    }
}

const APPLIED: &str = "an applied change must be an id, or have an `entity_type` and an `id`";

/// Names one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeKey {
    /// The record's entity.
    pub entity_type: String,
    /// The record's id.
    pub id: String,
}

/// A change that lost, with the backend's copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadConflict {
    /// The record's entity.
    pub entity_type: String,
    /// The record's id.
    pub id: String,
    /// The backend's copy.
    pub server: Change,
}

/// A change the backend refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadRejection {
    /// The record's entity.
    pub entity_type: String,
    /// The record's id.
    pub id: String,
    /// Why, from a closed list.
    pub code: RejectCode,
    /// Why, for a person.
    #[serde(default)]
    pub message: String,
    /// The fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
}

/// Body of `/v1/sync/download`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadRequest {
    /// The replica that pulls: a UUID.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub device_id: String,
    /// The cursor of the last page; absent at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Most changes in the page.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Answer of `/v1/sync/download`: changes of all entities in commit order.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadResponse {
    /// Covers exactly the changes given.
    pub server_cursor: String,
    /// True when more changes wait behind this page.
    pub has_more: bool,
    /// The changes, each a [`Change`], unparsed so that a bad one does not spoil the page.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub changes: Vec<Box<RawValue>>,
    /// The `serverUpdatedAt` up to which the puller has now seen everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<ServerMillis>,
    /// How many changes wait behind this page, where the backend can count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// The backend's clock when it answered.
    pub server_time: ServerMillis,
    /// Names one continuous history of the backend.
    pub epoch: String,
}

/// Envelope fields that stand beside `data` and not in it.
const MOVED: [&str; 5] = [
    crate::record::ID,
    crate::record::CLIENT_UPDATED_AT,
    crate::record::IS_DELETED,
    crate::record::SERVER_UPDATED_AT,
    crate::record::SYNC,
];
