//! Reading a JSON body under its limits. Error messages say where, never what.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use lastword_protocol::limits::BATCH_RECORDS_MAX;
use lastword_protocol::push::IDEMPOTENCY_KEY;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::ApiError;
use crate::state::AppState;
use crate::store::DeviceId;

/// A JSON body with what identifies it.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    /// SHA-256 of path and decoded body.
    pub(crate) hash: [u8; 32],
}

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(ApiError::from_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let path = request.uri().path().to_owned();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::from_status(rejection.into_response().status()))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
        let hash = Sha256::new().chain_update(path).chain_update([0]).chain_update(&bytes).finalize().into();
        Ok(Self { value, hash })
    }
}

fn wrong(error: &serde_json::Error) -> ApiError {
    let place = format!("at line {} column {}", error.line(), error.column());
    if error.is_data() {
        ApiError::invalid(format!("the body is not of the expected shape {place}"))
    } else {
        ApiError::bad_request(format!("the body is not JSON {place}"))
    }
}

/// The idempotency key of a push, where there is one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| Uuid::try_parse(text).ok());
    key.map(|key| Some(key.to_string())).ok_or_else(|| ApiError::bad_request("Idempotency-Key must be a UUID"))
}

pub(crate) fn device_id(text: &str) -> Result<DeviceId, ApiError> {
    Uuid::try_parse(text).map(DeviceId).map_err(|_| ApiError::invalid("the device id must be a UUID"))
}

pub(crate) fn check_count(records: usize) -> Result<(), ApiError> {
    if records <= BATCH_RECORDS_MAX {
        return Ok(());
    }
    Err(ApiError {
        message: format!("a batch holds at most {BATCH_RECORDS_MAX} records"),
        ..ApiError::from_status(StatusCode::PAYLOAD_TOO_LARGE)
    })
}
