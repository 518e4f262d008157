//! `GET {path}` and `POST {path}/batch` of each entity. Source: docs/protocol.md, section 4.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use lastword_protocol::pull::PullResponse;
use lastword_protocol::push::{PushRequest, PushResponse};
use lastword_protocol::time::ServerMillis;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::body::{Body, check_count, device_id, idempotency_key};
use crate::auth::Caller;
use crate::batch::pushed_record;
use crate::cursor::epoch_text;
use crate::error::ApiError;
use crate::push::{PushJob, run};
use crate::state::AppState;
use crate::wire::{self, JsonText};

/// Which entity a route serves.
#[derive(Clone)]
pub(crate) struct EntityName(pub(crate) Arc<str>);

/// The query of a pull.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PullQuery {
    /// The cursor of the last page; absent at first.
    since: Option<String>,
    /// Most records in the page.
    #[param(minimum = 1, maximum = 5000, default = 1000)]
    limit: Option<u32>,
}

/// Answers a page of one entity.
#[utoipa::path(get, path = "/api/v1/{entity}",
    params(PullQuery, ("X-Device-Id" = Option<Uuid>, Header, description = "The replica that asks")),
    responses((status = 200, body = PullResponse)), security(("bearer" = [])))]
pub(crate) async fn pull(
    State(state): State<AppState>,
    caller: Caller,
    Extension(entity): Extension<EntityName>,
    Query(query): Query<PullQuery>,
) -> Result<JsonText, ApiError> {
    if let Some(device) = caller.device
        && !state.store.note_pull(caller.user, device, state.clock.now().0).await?
    {
        return Err(ApiError::revoked());
    }
    let page = crate::pull::page(&state, caller.user, Some(&entity.0), query.since.as_deref(), query.limit).await?;
    let tail = PullTail {
        cursor: page.cursor,
        has_more: page.has_more,
        up_to: page.up_to,
        server_time: state.clock.now(),
        epoch: page.epoch,
        remaining: page.remaining,
    };
    wire::page_body("records", &page.copies, wire::write_record, &tail)
}

/// [`PullResponse`] after its records.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PullTail {
    cursor: String,
    has_more: bool,
    up_to: ServerMillis,
    server_time: ServerMillis,
    epoch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u64>,
}

/// As [`PushResponse`], with the results as they are kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PushAnswerBody {
    results: Box<RawValue>,
    server_time: ServerMillis,
    epoch: String,
}

/// Takes a batch of one entity.
#[utoipa::path(post, path = "/api/v1/{entity}/batch", request_body = PushRequest,
    params(("Idempotency-Key" = Option<Uuid>, Header, description = "The same for each retry of the same body")),
    responses((status = 200, body = PushResponse)), security(("bearer" = [])))]
pub(crate) async fn push(
    State(state): State<AppState>,
    caller: Caller,
    Extension(entity): Extension<EntityName>,
    headers: HeaderMap,
    body: Body<PushRequest>,
) -> Result<Json<PushAnswerBody>, ApiError> {
    check_count(body.value.records.len())?;
    let job = PushJob {
        user: caller.user,
        device: device_id(&body.value.device_id)?,
        key: idempotency_key(&headers)?,
        body_hash: body.hash,
        batch: body.value.records.iter().map(|item| pushed_record(&entity.0, item)).collect(),
        encode: |outcomes| wire::encode(&wire::push_results(outcomes)?),
    };
    let answer = run(&state, job).await?;
    let results = RawValue::from_string(answer.results).map_err(|_| ApiError::internal("a kept answer is not JSON"))?;
    Ok(Json(PushAnswerBody { results, server_time: answer.now, epoch: epoch_text(answer.user.epoch) }))
}
