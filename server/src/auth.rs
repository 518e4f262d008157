//! Who calls: a bearer token to a user, and whether that user may call just now. Never logs or returns a token.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use lastword_protocol::push::DEVICE_ID;
use uuid::Uuid;

use crate::error::ApiError;
use crate::jwt::JwtVerifier;
use crate::keys::{KEY_PREFIX, hash_key};
use crate::state::AppState;
use crate::store::{DeviceId, UserId, UserRow};

/// The user behind a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: UserId,
    /// The replica, where the request names it.
    pub(crate) device: Option<DeviceId>,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Key { hash: [u8; 32] },
    Token { expires_ms: i64 },
}

impl Caller {
    /// Asks again, for answers that go on for long.
    pub(crate) async fn still_valid(&self, state: &AppState) -> bool {
        let proven = match self.proof {
            Proof::Key { hash } => matches!(state.store.key_owner(&hash).await, Ok(Some(_))),
            Proof::Token { expires_ms } => state.clock.now().0 < expires_ms,
        };
        proven && self.check_device(state).await.is_ok()
    }

    /// Refuses a replica that was revoked.
    pub(crate) async fn check_device(&self, state: &AppState) -> Result<(), ApiError> {
        let Some(device) = self.device else { return Ok(()) };
        let known = state.store.device(self.user, device).await?;
        if known.is_some_and(|known| known.revoked_ms.is_some()) { Err(ApiError::revoked()) } else { Ok(()) }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(ApiError::unauthorized)?;
        let caller = match &state.jwt {
            Some(verifier) if !token.starts_with(KEY_PREFIX) => by_token(state, verifier, token).await?,
            _ => by_key(state, token).await?,
        };
        let device =
            parts.headers.get(DEVICE_ID).map(|value| device(value.to_str().unwrap_or_default())).transpose()?;
        state.rate.check(caller.user).map_err(|wait_ms| ApiError {
            retry_after_ms: Some(wait_ms),
            ..ApiError::from_status(StatusCode::TOO_MANY_REQUESTS)
        })?;
        Ok(Self { device, ..caller })
    }
}

fn device(text: &str) -> Result<DeviceId, ApiError> {
    let bad = |_| ApiError::bad_request(format!("{DEVICE_ID} must be a UUID"));
    Uuid::try_parse(text).map(DeviceId).map_err(bad)
}

async fn by_key(state: &AppState, key: &str) -> Result<Caller, ApiError> {
    let hash = hash_key(key);
    let owner = state.store.key_owner(&hash).await?.ok_or_else(ApiError::unauthorized)?;
    let now_ms = state.clock.now().0;
    if owner.last_used_ms.is_none_or(|last| now_ms - last >= TOUCH_EVERY_MS) {
        let store = state.store.clone();
        // Beside the request: a read must not wait for the writer, and a lost note does no harm.
        tokio::spawn(async move { store.touch_key(owner.key, now_ms).await });
    }
    Ok(Caller { user: owner.user, device: None, proof: Proof::Key { hash } })
}

/// The provider knows its users: one that comes for the first time is added.
async fn by_token(state: &AppState, verifier: &JwtVerifier, token: &str) -> Result<Caller, ApiError> {
    let identity = verifier.verify(token).await.ok_or_else(ApiError::unauthorized)?;
    let expires_ms = i64::try_from(identity.expires_s).unwrap_or(i64::MAX).saturating_mul(1000);
    let user = match state.store.user_by_name(&identity.name).await? {
        Some(user) => user,
        None => {
            let now = state.clock.now();
            let row = UserRow { id: UserId(Uuid::now_v7()), name: identity.name.clone(), created_ms: now.0 };
            state.store.add_user(&row).await?;
            // Another request may have been first.
            state.store.user_by_name(&identity.name).await?.ok_or_else(ApiError::unauthorized)?
        }
    };
    Ok(Caller { user, device: None, proof: Proof::Token { expires_ms } })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// How exact `last used` is.
const TOUCH_EVERY_MS: i64 = 10 * 60 * 1000;
