//! `GET {path}?since&limit`: the answer of a pull in resource style. Source: docs/protocol.md, section 4.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::time::ServerMillis;

/// A page of records in the backend's commit order.
///
/// Records stay unparsed, so that one bad record does not spoil its page: see [`crate::record::Record::parse`].
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PullResponse {
    /// The records, tombstones included; each is one JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub records: Vec<Box<RawValue>>,
    /// Covers exactly the records given. Opaque, at most 512 bytes.
    pub cursor: String,
    /// True when more records wait behind this page.
    pub has_more: bool,
    /// The `serverUpdatedAt` up to which the puller has now seen everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<ServerMillis>,
    /// The backend's clock when it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<ServerMillis>,
    /// Names one continuous history of the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// How many records wait behind this page, where the backend can count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
}
