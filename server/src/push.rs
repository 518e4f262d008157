//! One push, one transaction: hold the user, load, decide, write, keep the answer, commit. Holds no SQL and no rule.

use std::collections::{BTreeMap, HashMap, HashSet};

use axum::http::StatusCode;
use lastword_protocol::error::ErrorCode;
use lastword_protocol::time::ServerMillis;

use crate::batch::is_storable;
use crate::error::ApiError;
use crate::prepare::{Prepared, Pushed, prepare};
use crate::replica::{Facts, Outcome, decide};
use crate::state::AppState;
use crate::store::{
    DeviceId, KeptAnswer, PushName, PushTx, PushWrites, RecordKey, StoreError, StoredCopy, UserId, UserState,
};

/// One body of a push, of either style.
pub(crate) struct PushJob {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    /// The idempotency key, where the replica gave one.
    pub(crate) key: Option<String>,
    /// SHA-256 of path and decoded body.
    pub(crate) body_hash: [u8; 32],
    pub(crate) batch: Vec<Pushed>,
    /// Encodes the part of the answer that a repeat gets again.
    pub(crate) encode: Encode,
}

/// Outcomes to JSON text.
pub(crate) type Encode = fn(Vec<(RecordKey, Outcome)>) -> Result<String, ApiError>;

/// What a push came to.
pub(crate) struct PushAnswer {
    /// The encoded results, first or kept.
    pub(crate) results: String,
    /// The user's counters afterwards.
    pub(crate) user: UserState,
    /// The backend's clock.
    pub(crate) now: ServerMillis,
}

/// Runs a push to its durable end, even when the client hangs up meanwhile.
pub(crate) async fn run(state: &AppState, job: PushJob) -> Result<PushAnswer, ApiError> {
    let state = state.clone();
    let task = tokio::spawn(async move { push(&state, job).await });
    task.await.unwrap_or_else(|_| Err(ApiError::internal("a push panicked")))
}

async fn push(state: &AppState, job: PushJob) -> Result<PushAnswer, ApiError> {
    let prepared = |pushed| prepare(&state.entities, &state.cursors, job.user, pushed);
    let mut batch: Vec<Prepared> = job.batch.into_iter().map(prepared).collect();
    let mut tx = state.store.begin_push(job.user).await?;
    // Read only now: while this push waited for the user, time went on.
    let now = state.clock.now();
    if !tx.note_push(job.device, now.0).await? {
        return Err(ApiError::revoked());
    }
    let name = job.key.map(|key| PushName { device: job.device, key });
    if let Some(name) = &name
        && let Some(kept) = tx.kept(name).await?
    {
        return repeat(kept, &job.body_hash, tx.user(), now);
    }
    let stored = load(tx.as_mut(), &batch).await?;
    let live = if state.options.check_references { Some(load_live(tx.as_mut(), &batch).await?) } else { None };
    let decision = decide(&mut batch, Facts { user: tx.user(), now, stored, live });
    count(&decision.outcomes);
    let results = (job.encode)(decision.outcomes)?;
    let kept = |name| (name, KeptAnswer { body_hash: job.body_hash.to_vec(), answer: results.clone() });
    let moved = !decision.writes.is_empty();
    let writes = PushWrites { copies: decision.writes, user: decision.user, keep: name.map(kept) };
    let user = tx.commit(writes, now.0).await?;
    if moved {
        state.pokes.poke(job.user, job.device);
        state.store.announce(job.user, job.device);
    }
    Ok(PushAnswer { results, user, now })
}

fn count(outcomes: &[(RecordKey, Outcome)]) {
    for (_, outcome) in outcomes {
        let name = match outcome {
            Outcome::Applied { .. } => "applied",
            Outcome::Conflict(_) => "conflict",
            Outcome::Rejected(_) => "rejected",
            Outcome::Gone => "gone",
        };
        metrics::counter!("lastword_pushed_records_total", "outcome" => name).increment(1);
    }
}

fn repeat(kept: KeptAnswer, body_hash: &[u8], user: UserState, now: ServerMillis) -> Result<PushAnswer, ApiError> {
    if kept.body_hash != body_hash {
        let message = "this Idempotency-Key was used with another body";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::KeyReused, message));
    }
    Ok(PushAnswer { results: kept.answer, user, now })
}

async fn load(tx: &mut dyn PushTx, batch: &[Prepared]) -> Result<HashMap<RecordKey, StoredCopy>, StoreError> {
    let parsed = batch.iter().filter(|prepared| prepared.record.is_ok()).map(|prepared| &prepared.key);
    let mut stored = HashMap::with_capacity(batch.len());
    for (entity, ids) in by_entity(parsed) {
        for copy in tx.copies(entity, &ids).await? {
            stored.insert(RecordKey { entity: copy.entity.clone(), id: copy.id.clone() }, copy);
        }
    }
    Ok(stored)
}

async fn load_live(tx: &mut dyn PushTx, batch: &[Prepared]) -> Result<HashSet<RecordKey>, StoreError> {
    let candidates = batch.iter().filter_map(|prepared| prepared.record.as_ref().ok());
    // An id that no record can have is not looked up.
    let named = candidates.flat_map(|candidate| &candidate.references).filter(|key| is_storable(&key.id));
    let mut live = HashSet::new();
    for (entity, ids) in by_entity(named) {
        let found = tx.live(entity, &ids).await?;
        live.extend(found.into_iter().map(|id| RecordKey { entity: entity.to_owned(), id }));
    }
    Ok(live)
}

fn by_entity<'a>(keys: impl Iterator<Item = &'a RecordKey>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in keys {
        groups.entry(&key.entity).or_default().push(&key.id);
    }
    groups
}
