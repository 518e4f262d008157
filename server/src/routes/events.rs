//! `GET /api/v1/events`: pokes over SSE. Carries cursors, never records.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures::Stream;
use futures::stream::unfold;
use serde_json::json;

use crate::auth::Caller;
use crate::cursor::epoch_text;
use crate::error::ApiError;
use crate::pokes::Listener;
use crate::pull::head_cursor;
use crate::state::AppState;

/// Pokes: says that something changed, and never what.
///
/// Answers a stream of `hello`, then `change` at each move of the user's history by others, and comments in between.
#[utoipa::path(get, path = "/api/v1/events", tag = "sync",
    params(("X-Device-Id" = Option<Uuid>, Header, description = "The replica that listens")),
    responses((status = 200, body = String, content_type = "text/event-stream")), security(("bearer" = [])))]
pub(crate) async fn events(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    caller.check_device(&state).await?;
    // Listens before it reads, so that no change falls in between.
    let stopping = || ApiError::unavailable("the server is stopping", 1_000);
    let listener = state.pokes.listen(caller.user, caller.device).ok_or_else(stopping)?;
    let hello = event(&state, &caller, "hello").await?;
    metrics::counter!("lastword_event_streams_total").increment(1);
    let first = futures::stream::iter([Ok(hello)]);
    let rest = unfold((state, caller, listener), |(state, caller, mut listener)| async {
        let event = next(&state, &caller, &mut listener).await?;
        Some((Ok(event), (state, caller, listener)))
    });
    Ok(Sse::new(futures::StreamExt::chain(first, rest)))
}

/// The next event; `None` ends the stream: the server stops, the database fails, or the credentials are no longer valid.
async fn next(state: &AppState, caller: &Caller, listener: &mut Listener) -> Option<Event> {
    match tokio::time::timeout(state.options.heartbeat, listener.poked()).await {
        Ok(false) => None,
        Ok(true) => event(state, caller, "change").await.ok(),
        Err(_) => caller.still_valid(state).await.then(|| Event::default().comment("")),
    }
}

async fn event(state: &AppState, caller: &Caller, name: &str) -> Result<Event, ApiError> {
    let user = state.store.user_state(caller.user).await?;
    let data = json!({
        "cursor": head_cursor(state, caller.user, &user),
        "epoch": epoch_text(user.epoch),
        "serverTime": state.clock.now(),
    });
    Ok(Event::default().event(name).data(data.to_string()))
}
