//! Wire error codes, a closed list, and the body that carries them. Source: docs/protocol.md, section 4.

use serde::{Deserialize, Serialize};

/// Why a backend refuses one record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// Does not match the entity's schema or the form of a record.
    Invalid,
    /// Names a record the backend does not have.
    MissingReference,
    /// Its stamp is too far ahead of the backend's clock.
    ClockSkew,
    /// This user may not write this record.
    Forbidden,
    /// Over the size limit.
    TooLarge,
    /// No such entity here.
    UnknownEntity,
    /// The same id stands twice in the batch; this is the second.
    DuplicateId,
    /// A code this version does not know.
    #[serde(other)]
    Other,
}

/// Body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// The error.
    pub error: WireError,
}

/// An error that concerns a whole request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WireError {
    /// Stable code.
    pub code: ErrorCode,
    /// For a person. Never holds record contents or secrets.
    pub message: String,
    /// True when the same request may succeed later.
    pub retryable: bool,
    /// How long to wait, where the backend knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// More about the error, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

/// Why a whole request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request is not well formed.
    BadRequest,
    /// 401: no valid credentials.
    Unauthorized,
    /// 403: this user may not.
    Forbidden,
    /// 404: no such route or entity.
    NotFound,
    /// 405: not with this method.
    MethodNotAllowed,
    /// 408: the request took too long to arrive.
    RequestTimeout,
    /// 410: the cursor is of another history; the body's `details.epoch` is the present one.
    EpochChanged,
    /// 410: the cursor is older than the purge horizon.
    CursorExpired,
    /// 413: the body is over the limit.
    TooLarge,
    /// 415: a content type or encoding not served.
    UnsupportedMediaType,
    /// 422: the idempotency key was used with another body.
    KeyReused,
    /// 422: well-formed JSON of the wrong shape.
    Invalid,
    /// 426: this protocol version is not served.
    UpgradeRequired,
    /// 429: too many requests.
    RateLimited,
    /// 500: a fault of the backend.
    Internal,
    /// 503: not able to serve just now.
    Unavailable,
    /// A code this version does not know.
    #[serde(other)]
    Other,
}
