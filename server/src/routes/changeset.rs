//! `/v1/sync/upload` and `/v1/sync/download`. Source: docs/protocol.md, section 5.

use axum::extract::State;
use axum::http::HeaderMap;
use lastword_protocol::changeset::{DownloadRequest, DownloadResponse, UploadRequest, UploadResponse};
use lastword_protocol::time::ServerMillis;
use serde::Serialize;

use super::body::{Body, check_count, device_id, idempotency_key};
use crate::auth::Caller;
use crate::batch::pushed_change;
use crate::cursor::epoch_text;
use crate::error::ApiError;
use crate::pull::head_cursor;
use crate::push::{PushJob, run};
use crate::state::AppState;
use crate::wire::{self, JsonText};

/// Takes changes of any entity.
#[utoipa::path(post, path = "/v1/sync/upload", request_body = UploadRequest, tag = "changeset",
    params(("Idempotency-Key" = Option<Uuid>, Header, description = "The same for each retry of the same body")),
    responses((status = 200, body = UploadResponse)), security(("bearer" = [])))]
pub(crate) async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<UploadRequest>,
) -> Result<JsonText, ApiError> {
    check_count(body.value.changes.len())?;
    let job = PushJob {
        user: caller.user,
        device: device_id(&body.value.device_id)?,
        key: idempotency_key(&headers)?,
        body_hash: body.hash,
        batch: body.value.changes.iter().map(|item| pushed_change(item)).collect(),
        encode: |outcomes| wire::encode(&wire::upload_results(outcomes)?),
    };
    let answer = run(&state, job).await?;
    let tail = wire::encode(&UploadTail {
        server_cursor: head_cursor(&state, caller.user, &answer.user),
        server_time: answer.now,
        epoch: epoch_text(answer.user.epoch),
    })?;
    let json = join_objects(&answer.results, &tail).ok_or_else(|| ApiError::internal("a kept answer is no object"))?;
    Ok(JsonText(json.into_bytes()))
}

#[derive(Serialize)]
struct UploadTail {
    server_cursor: String,
    server_time: ServerMillis,
    epoch: String,
}

/// Two encoded, non-empty objects as one: the kept results stay as they were first sent.
fn join_objects(first: &str, second: &str) -> Option<String> {
    Some(format!("{},{}", first.strip_suffix('}')?, second.strip_prefix('{')?))
}

/// Answers a page of all entities.
#[utoipa::path(post, path = "/v1/sync/download", request_body = DownloadRequest, tag = "changeset",
    responses((status = 200, body = DownloadResponse)), security(("bearer" = [])))]
pub(crate) async fn download(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<DownloadRequest>,
) -> Result<JsonText, ApiError> {
    let DownloadRequest { device_id: device, since, limit } = body.value;
    if !state.store.note_pull(caller.user, device_id(&device)?, state.clock.now().0).await? {
        return Err(ApiError::revoked());
    }
    let page = crate::pull::page(&state, caller.user, None, since.as_deref(), limit).await?;
    let tail = DownloadTail {
        server_cursor: page.cursor,
        has_more: page.has_more,
        up_to: page.up_to,
        remaining: page.remaining,
        server_time: state.clock.now(),
        epoch: page.epoch,
    };
    wire::page_body("changes", &page.copies, wire::write_change, &tail)
}

/// [`DownloadResponse`] after its changes.
#[derive(Serialize)]
struct DownloadTail {
    server_cursor: String,
    has_more: bool,
    up_to: ServerMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u64>,
    server_time: ServerMillis,
    epoch: String,
}
