//! Errors of requests: one enum inside, one JSON body outside. Messages never hold record contents or secrets.

use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lastword_protocol::error::{ErrorBody, ErrorCode, WireError};
use serde_json::json;

use crate::store::StoreError;

/// Why a whole request fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: ErrorCode,
    /// For a person.
    pub message: String,
    /// How long to wait before the next try, where one can help.
    pub retry_after_ms: Option<u64>,
    /// The present epoch, for `epoch_changed`.
    pub epoch: Option<String>,
}

impl ApiError {
    /// An error that a repeat cannot help.
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after_ms: None, epoch: None }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message)
    }

    /// 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        let message = "send a valid API key or token as Authorization: Bearer";
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message)
    }

    /// 403 for a device that was revoked.
    #[must_use]
    pub fn revoked() -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, "this device was revoked")
    }

    /// 422 for JSON of the wrong shape.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Invalid, message)
    }

    /// 410 with the present epoch.
    #[must_use]
    pub fn epoch_changed(epoch: String) -> Self {
        let message = "the cursor belongs to another history; pull everything anew";
        Self { epoch: Some(epoch), ..Self::new(StatusCode::GONE, ErrorCode::EpochChanged, message) }
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>, retry_after_ms: u64) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message);
        Self { retry_after_ms: Some(retry_after_ms), ..error }
    }

    /// 500, logged with its cause and answered without it.
    #[must_use]
    pub fn internal(cause: &str) -> Self {
        tracing::error!(cause, "internal error");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, "the server had a fault; it is logged")
    }

    /// The error that stands for a bare status given by a layer or a router.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::UNAUTHORIZED => return Self::unauthorized(),
            StatusCode::NOT_FOUND => (ErrorCode::NotFound, "no such route or entity"),
            StatusCode::METHOD_NOT_ALLOWED => (ErrorCode::MethodNotAllowed, "not with this method"),
            StatusCode::REQUEST_TIMEOUT => (ErrorCode::RequestTimeout, "the request took too long"),
            StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::TooLarge, "the body is over the limit"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (ErrorCode::UnsupportedMediaType, "send application/json, as it is or with gzip")
            }
            StatusCode::UNPROCESSABLE_ENTITY => (ErrorCode::Invalid, "the body is not of the expected shape"),
            StatusCode::TOO_MANY_REQUESTS => (ErrorCode::RateLimited, "too many requests"),
            StatusCode::SERVICE_UNAVAILABLE => return Self::unavailable("not able to serve just now", RETRY_SOON_MS),
            _ if status.is_client_error() => (ErrorCode::BadRequest, "the request is not well formed"),
            _ => (ErrorCode::Internal, "the server had a fault; it is logged"),
        };
        Self::new(status, code, message)
    }

    fn retryable(&self) -> bool {
        matches!(
            self.code,
            ErrorCode::RequestTimeout | ErrorCode::RateLimited | ErrorCode::Internal | ErrorCode::Unavailable
        )
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Busy => Self::unavailable(error.to_string(), RETRY_SOON_MS),
            StoreError::Full | StoreError::ReadOnly | StoreError::Unreachable => {
                tracing::error!(%error, "the database does not serve");
                Self::unavailable(error.to_string(), RETRY_LATER_MS)
            }
            // The user was removed while its request ran.
            StoreError::NoUser => Self::unauthorized(),
            StoreError::Fault(cause) => Self::internal(cause),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retryable = self.retryable();
        let body = ErrorBody {
            error: WireError {
                code: self.code,
                message: self.message,
                retryable,
                retry_after_ms: self.retry_after_ms,
                details: self.epoch.map(|epoch| json!({ "epoch": epoch })),
            },
        };
        let json = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], json).into_response();
        if let Some(wait_ms) = self.retry_after_ms {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// When a busy database is worth another try.
const RETRY_SOON_MS: u64 = 1_000;
/// When a database that a person must look after is worth another try.
const RETRY_LATER_MS: u64 = 10_000;
