//! Forgets old tombstones and kept answers, user by user, so that no push waits for long. Never touches a live record.

use lastword_protocol::limits::ANSWERS_KEPT_MS;
use lastword_protocol::time::ServerMillis;

use crate::store::{ServerStore, StoreError};

/// What a purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Tombstones.
    pub tombstones: u64,
    /// Kept answers.
    pub answers: u64,
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
