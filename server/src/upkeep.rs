//! What a server does beside answering: forgets old tombstones and kept answers, hears other nodes.
//!
//! Goes user by user, so that no push waits for long. Never touches a live record.

use std::time::Duration;

use lastword_protocol::limits::ANSWERS_KEPT_MS;
use lastword_protocol::time::ServerMillis;

use crate::state::AppState;
use crate::store::{ServerStore, StoreError};

/// What a purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Tombstones.
    pub tombstones: u64,
    /// Kept answers.
    pub answers: u64,
}

/// Purges at start and every hour, renews what is kept in memory, and passes on the pokes of other nodes. Runs until it is dropped or aborted.
pub async fn upkeep(state: AppState, tombstones_kept_ms: i64) {
    futures::future::join(hourly(&state, tombstones_kept_ms), hear_other_nodes(&state)).await;
}

async fn hourly(state: &AppState, tombstones_kept_ms: i64) {
    let mut hours = tokio::time::interval(UPKEEP_EVERY);
    loop {
        hours.tick().await;
        state.rate.forget_idle();
        if let Some(jwt) = &state.jwt {
            jwt.refresh().await;
        }
        match purge(state.store.as_ref(), state.clock.now(), tombstones_kept_ms).await {
            Ok(purged) => tracing::info!(purged.tombstones, purged.answers, "purged"),
            Err(error) => tracing::warn!(%error, "could not purge; next try in an hour"),
        }
    }
}

async fn hear_other_nodes(state: &AppState) {
    while let Err(error) = state.store.listen(&state.pokes).await {
        tracing::warn!(%error, "lost the other nodes' pokes; listening again");
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

/// Removes tombstones older than `tombstones_kept_ms` and answers that need not be kept any longer.
///
/// Each user's horizon moves in the transaction that removes its tombstones. Safe on several nodes at once.
///
/// # Errors
/// [`StoreError`]; what was removed by then stays removed.
pub async fn purge(store: &dyn ServerStore, now: ServerMillis, tombstones_kept_ms: i64) -> Result<Purged, StoreError> {
    let before_ms = now.0.saturating_sub(tombstones_kept_ms);
    let mut purged = Purged::default();
    loop {
        let users = store.users_with_tombstones(before_ms, USERS_AT_A_TIME).await?;
        for user in &users {
            purged.tombstones += store.purge_tombstones(*user, before_ms).await?;
        }
        if users.len() < USERS_AT_A_TIME {
            break;
        }
    }
    loop {
        let answers = store.purge_answers(now.0.saturating_sub(ANSWERS_KEPT_MS), ANSWERS_AT_A_TIME).await?;
        purged.answers += answers;
        if answers < ANSWERS_AT_A_TIME {
            return Ok(purged);
        }
    }
}

const USERS_AT_A_TIME: usize = 100;
const ANSWERS_AT_A_TIME: u64 = 1_000;
const UPKEEP_EVERY: Duration = Duration::from_secs(60 * 60);
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
