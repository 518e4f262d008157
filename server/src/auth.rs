//! Who calls: a bearer token to a user. Never logs or returns a token.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::error::ApiError;
use crate::keys::hash_key;
use crate::state::AppState;
use crate::store::UserId;

/// The user behind a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: UserId,
    key_hash: [u8; 32],
}

impl Caller {
    /// Asks again, for answers that go on for long.
    pub(crate) async fn still_valid(&self, state: &AppState) -> bool {
        matches!(state.store.key_owner(&self.key_hash).await, Ok(Some(_)))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(ApiError::unauthorized)?;
        let key_hash = hash_key(token);
        let owner = state.store.key_owner(&key_hash).await?.ok_or_else(ApiError::unauthorized)?;
        let now_ms = state.clock.now().0;
        if owner.last_used_ms.is_none_or(|last| now_ms - last >= TOUCH_EVERY_MS) {
            let store = state.store.clone();
            // Beside the request: a read must not wait for the writer, and a lost note does no harm.
            tokio::spawn(async move { store.touch_key(owner.key, now_ms).await });
        }
        Ok(Self { user: owner.user, key_hash })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// How exact `last used` is.
const TOUCH_EVERY_MS: i64 = 10 * 60 * 1000;
