//! `POST {path}/batch`: request and answer of a push in resource style. Source: docs/protocol.md, section 4.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::RejectCode;
use crate::time::ServerMillis;

/// Header that names a body, the same for each retry of the same body: a UUID.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// Header that carries [`crate::PROTOCOL_VERSION`].
pub const SYNC_PROTOCOL: &str = "X-Sync-Protocol";
/// Header that names one request in both sides' logs.
pub const REQUEST_ID: &str = "X-Request-Id";
/// Header that names the replica that asks: its device id.
pub const DEVICE_ID: &str = "X-Device-Id";

/// A batch of changed records of one entity.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PushRequest {
    /// The replica that pushes: a UUID.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub device_id: String,
    /// The records in the order they must be applied; each is one JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub records: Vec<Box<RawValue>>,
}

/// One result for each record of the batch.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PushResponse {
    /// In the order of the request.
    pub results: Vec<PushResult>,
    /// The backend's clock when it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<ServerMillis>,
    /// Names one continuous history of the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}

/// What became of one pushed record.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "FlatResult")]
pub struct PushResult {
    /// The record's id.
    pub id: String,
    /// Its fate.
    #[serde(flatten)]
    pub outcome: PushOutcome,
}

/// A [`PushResult`] as it arrives: the fields of every status side by side. A reader derived for the flattened outcome
/// would be several times as large, which counts in a browser.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatResult {
    id: String,
    status: String,
    server_updated_at: Option<ServerMillis>,
    version: Option<u64>,
    server_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    record: Option<serde_json::Value>,
    code: Option<RejectCode>,
    message: Option<String>,
    fields: Option<Vec<FieldError>>,
    reference: Option<Reference>,
}

impl TryFrom<FlatResult> for PushResult {
    type Error = &'static str;

    fn try_from(flat: FlatResult) -> Result<Self, Self::Error> {
        let FlatResult { server_updated_at, version, server_id, reference, .. } = flat;
        let outcome = match flat.status.as_str() {
            "applied" => PushOutcome::Applied { server_updated_at, version, server_id },
            "conflict" => PushOutcome::Conflict { record: flat.record.ok_or("a conflict must have a `record`")? },
            "rejected" => PushOutcome::Rejected {
                code: flat.code.ok_or("a rejected record must have a `code`")?,
                message: flat.message.unwrap_or_default(),
                fields: flat.fields.unwrap_or_default(),
                reference,
            },
            "gone" => PushOutcome::Gone,
            _ => return Err("a `status` must be `applied`, `conflict`, `rejected` or `gone`"),
        };
        Ok(Self { id: flat.id, outcome })
    }
}

/// A field that is there, be it null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

/// The fate of one pushed record.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum PushOutcome {
    /// The pushed copy is the backend's copy now, or was already.
    #[serde(rename_all = "camelCase")]
    Applied {
        /// When the backend accepted the copy.
        #[serde(skip_serializing_if = "Option::is_none")]
        server_updated_at: Option<ServerMillis>,
        /// Counts accepted copies; unmoved by a repeat.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
        /// The backend's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        server_id: Option<String>,
    },
    /// The backend keeps another copy.
    Conflict {
        /// The backend's copy, one JSON object.
        record: serde_json::Value,
    },
    /// The backend refuses the copy.
    Rejected {
        /// Why, from a closed list.
        code: RejectCode,
        /// Why, for a person.
        message: String,
        /// The fields at fault.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<FieldError>,
        /// The parent that is missing, for `missing_reference`.
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<Reference>,
    },
    /// The record was deleted and its tombstone purged; an old edit does not bring it back.
    Gone,
}

/// A record named by another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reference {
    /// Entity of the named record.
    pub entity: String,
    /// Id of the named record.
    pub id: String,
}

/// One fault of a record, by JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the value at fault.
    pub path: String,
    /// What it must be, for a person. Never holds the value.
    pub message: String,
}
