//! Who calls: a bearer token to a user. Never logs or returns a token.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::error::ApiError;
use crate::keys::hash_key;
use crate::state::AppState;
use crate::store::UserId;

/// The user behind a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: UserId,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(ApiError::unauthorized)?;
        let (scheme, token) =
            header.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(ApiError::unauthorized)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::unauthorized());
        }
        let owner = state.store.key_owner(&hash_key(token.trim())).await?.ok_or_else(ApiError::unauthorized)?;
        let now_ms = state.clock.now().0;
        if owner.last_used_ms.is_none_or(|last| now_ms - last >= TOUCH_EVERY_MS) {
            let store = state.store.clone();
            // Beside the request: a read must not wait for the writer, and a lost note does no harm.
            tokio::spawn(async move { store.touch_key(owner.key, now_ms).await });
        }
        Ok(Self { user: owner.user })
    }
}

/// How exact `last used` is.
const TOUCH_EVERY_MS: i64 = 10 * 60 * 1000;
