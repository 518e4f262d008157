//! Removing what need not be kept. Decides nothing.

use super::SqliteStore;
use crate::store::{StoreError, UserId};

pub(super) async fn users_with_tombstones(
    store: &SqliteStore,
    before_ms: i64,
    limit: usize,
) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT DISTINCT user_id FROM records WHERE deleted AND server_ms < ? LIMIT ?";
    let query = sqlx::query_scalar(sql).bind(before_ms).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(query.fetch_all(&store.readers).await?)
}

pub(super) async fn purge_tombstones(store: &SqliteStore, user: UserId, before_ms: i64) -> Result<u64, StoreError> {
    let mut tx = store.writer.begin_with("BEGIN IMMEDIATE").await?;
    let sql = "UPDATE users SET
            horizon_seq = max(horizon_seq, gone.seq),
            purged_stamp = max(coalesce(purged_stamp, gone.stamp), gone.stamp)
        FROM (SELECT max(seq) AS seq, max(stamp) AS stamp FROM records
            WHERE user_id = ?1 AND deleted AND server_ms < ?2) AS gone
        WHERE users.id = ?1 AND gone.seq IS NOT NULL";
    sqlx::query(sql).bind(user).bind(before_ms).execute(&mut *tx).await?;
    let sql = "DELETE FROM records WHERE user_id = ? AND deleted AND server_ms < ?";
    let removed = sqlx::query(sql).bind(user).bind(before_ms).execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    Ok(removed)
}

pub(super) async fn purge_answers(store: &SqliteStore, before_ms: i64, limit: u64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE created_ms < ? LIMIT ?)";
    let query = sqlx::query(sql).bind(before_ms).bind(limit.cast_signed());
    Ok(query.execute(&store.writer).await?.rows_affected())
}
