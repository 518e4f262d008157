//! `GET /api/v1/sync/status`: what the server has for this user and device. Changes nothing.

use axum::Json;
use axum::extract::{Query, State};
use lastword_protocol::time::ServerMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::device_id;
use crate::auth::Caller;
use crate::cursor::epoch_text;
use crate::error::ApiError;
use crate::pull::head_cursor;
use crate::state::AppState;

/// The query of a status request.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct StatusQuery {
    /// The device to tell about: a UUID.
    #[param(format = "uuid")]
    device_id: Option<String>,
}

/// What the server has for this user and device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// The newest cursor of the changeset style.
    cursor: String,
    epoch: String,
    server_time: ServerMillis,
    /// `serverUpdatedAt` of the newest change of this user; 0 before the first.
    last_change_at: ServerMillis,
    /// The device asked for, when it has synced before.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceStatus>,
    entities: Vec<EntityStatus>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeviceStatus {
    device_id: String,
    last_push_at: Option<ServerMillis>,
    last_pull_at: Option<ServerMillis>,
    revoked: bool,
}

#[derive(Serialize, ToSchema)]
struct EntityStatus {
    entity: String,
    records: i64,
    tombstones: i64,
}

/// Answers the status.
#[utoipa::path(get, path = "/api/v1/sync/status", params(StatusQuery), tag = "sync",
    responses((status = 200, body = Status)), security(("bearer" = [])))]
pub(crate) async fn status(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<StatusQuery>,
) -> Result<Json<Status>, ApiError> {
    let device = query.device_id.as_deref().map(device_id).transpose()?;
    let user = state.store.user_state(caller.user).await?;
    let counts = state.store.counts(caller.user).await?;
    let found = match device {
        Some(device) => state.store.device(caller.user, device).await?,
        None => None,
    };
    Ok(Json(Status {
        cursor: head_cursor(&state, caller.user, &user),
        epoch: epoch_text(user.epoch),
        server_time: state.clock.now(),
        last_change_at: ServerMillis(user.head_ms),
        device: found.map(|row| DeviceStatus {
            device_id: row.id.0.to_string(),
            last_push_at: row.last_push_ms.map(ServerMillis),
            last_pull_at: row.last_pull_ms.map(ServerMillis),
            revoked: row.revoked_ms.is_some(),
        }),
        entities: counts
            .into_iter()
            .map(|count| EntityStatus { entity: count.entity, records: count.live, tombstones: count.deleted })
            .collect(),
    }))
}
