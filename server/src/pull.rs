//! One page: cursor in, copies and cursor out, from one snapshot. Never interprets a cursor it did not sign.

use axum::http::StatusCode;
use lastword_protocol::error::ErrorCode;
use lastword_protocol::limits::{PAGE_BYTES_MAX, PAGE_RECORDS, PAGE_RECORDS_MAX};
use lastword_protocol::time::ServerMillis;

use crate::cursor::{Read, Stale, epoch_text};
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::{Counted, PageQuery, PageRead, Position, StoredCopy, UserId, UserState};

/// A page of either style.
pub(crate) struct Page {
    pub(crate) copies: Vec<StoredCopy>,
    pub(crate) cursor: String,
    pub(crate) has_more: bool,
    pub(crate) up_to: ServerMillis,
    pub(crate) remaining: Option<u64>,
    pub(crate) epoch: String,
}

/// Reads the page of `scope` (an entity, or all) after the cursor `since`.
pub(crate) async fn page(
    state: &AppState,
    user: UserId,
    scope: Option<&str>,
    since: Option<&str>,
    limit: Option<u32>,
) -> Result<Page, ApiError> {
    let records_max = match limit.map(usize::try_from) {
        None => PAGE_RECORDS,
        Some(Ok(limit)) if (1..=PAGE_RECORDS_MAX).contains(&limit) => limit,
        Some(_) => return Err(ApiError::bad_request(format!("limit must be 1 to {PAGE_RECORDS_MAX}"))),
    };
    let since = match since {
        None => None,
        Some(cursor) => Some(read_cursor(state, user, scope, cursor).await?),
    };
    let (after, seen) = since.map_or((0, 0), |position| (position.seq, position.head));
    let counted = since.and_then(|position| Some(Counted { waiting: position.waiting?, horizon: position.floor }));
    let query = PageQuery { entity: scope, after, seen, counted, records_max, bytes_max: PAGE_BYTES_MAX };
    let read = state.store.page(user, query).await?;
    if let Some(position) = since
        && let Err(stale) = position.check(&read.user, read.mark_at_seen)
    {
        return Err(refuse(state, user, &read.user, stale).await?);
    }
    metrics::counter!("lastword_pulled_records_total").increment(read.copies.len() as u64);
    Ok(cut(state, user, scope, since, read))
}

async fn read_cursor(state: &AppState, user: UserId, scope: Option<&str>, cursor: &str) -> Result<Position, ApiError> {
    match state.cursors.read(user, scope, cursor) {
        Read::Signed(position) => Ok(position),
        Read::Unsigned { epoch } => {
            let present = state.store.user_state(user).await?.epoch;
            let foreign = epoch != present;
            Err(if foreign { ApiError::epoch_changed(epoch_text(present)) } else { malformed() })
        }
        Read::Malformed => Err(malformed()),
    }
}

fn malformed() -> ApiError {
    ApiError::bad_request("since is not a cursor that this server gave for this path")
}

async fn refuse(state: &AppState, user: UserId, found: &UserState, stale: Stale) -> Result<ApiError, ApiError> {
    match stale {
        Stale::OtherEpoch => Ok(ApiError::epoch_changed(epoch_text(found.epoch))),
        Stale::UnknownHistory => {
            // A cursor signed here from commits not found here: the database went back in time. Every replica must hear.
            let epoch = state.store.renew_epoch(user, found.epoch).await?;
            tracing::warn!(user = %user.0, "a cursor is ahead of the database: restored from a backup? new epoch");
            Ok(ApiError::epoch_changed(epoch_text(epoch)))
        }
        Stale::Expired => {
            let message = "the cursor is older than the purged tombstones; pull everything anew";
            Ok(ApiError::new(StatusCode::GONE, ErrorCode::CursorExpired, message))
        }
    }
}

fn cut(state: &AppState, user_id: UserId, scope: Option<&str>, since: Option<Position>, read: PageRead) -> Page {
    let PageRead { user, copies, has_more, remaining, .. } = read;
    let floor = since.filter(|_| has_more).map_or(user.horizon_seq, |position| position.floor);
    let last = copies.last().filter(|_| has_more);
    let seq = last.map_or(user.head_seq, |copy| copy.seq);
    let up_to = ServerMillis(last.map_or(user.head_ms, |copy| copy.server_ms));
    let position = Position { seq, floor, waiting: remaining, ..Position::head_of(&user) };
    let cursor = state.cursors.write(user_id, scope, position);
    let remaining = remaining.and_then(|remaining| u64::try_from(remaining).ok());
    Page { cursor, has_more, up_to, remaining, epoch: epoch_text(user.epoch), copies }
}

/// The cursor of everything `user` has now.
pub(crate) fn head_cursor(state: &AppState, user_id: UserId, user: &UserState) -> String {
    state.cursors.write(user_id, None, Position::head_of(user))
}
