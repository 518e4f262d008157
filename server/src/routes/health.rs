//! `GET /health`: the process answers. `GET /ready`: it can serve. Need no token and tell nothing else.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::state::AppState;

/// That all is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

/// Says that the process answers.
#[utoipa::path(get, path = "/health", tag = "operations", responses((status = 200, body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Says that the database answers too, and that the server is not stopping.
#[utoipa::path(get, path = "/ready", tag = "operations", responses((status = 200, body = Health)))]
pub(crate) async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    let unready = |message: &str| ApiError::unavailable(message, 1_000);
    if state.pokes.is_closed() {
        return Err(unready("the server is stopping"));
    }
    match tokio::time::timeout(DATABASE_WAIT, state.store.ping()).await {
        Ok(answer) => answer?,
        Err(_) => return Err(unready("the database does not answer")),
    }
    Ok(Json(Health { status: "ready" }))
}

const DATABASE_WAIT: Duration = Duration::from_secs(2);
