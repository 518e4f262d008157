//! The writing side: the push transaction. Decides nothing.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite, Transaction};

use super::{SqliteStore, id_list, read};
use crate::store::{DeviceId, KeptAnswer, PushName, PushTx, PushWrites, StoreError, StoredCopy, UserId, UserState};

struct SqlitePush {
    tx: Transaction<'static, Sqlite>,
    user_id: UserId,
    user: UserState,
    run_mark: i64,
}

pub(super) async fn begin(store: &SqliteStore, user_id: UserId) -> Result<Box<dyn PushTx>, StoreError> {
    let mut tx = store.writer.begin_with("BEGIN IMMEDIATE").await?;
    let user = read::user_state(&mut tx, user_id).await?;
    Ok(Box::new(SqlitePush { tx, user_id, user, run_mark: store.run_mark }))
}

#[async_trait]
impl PushTx for SqlitePush {
    fn user(&self) -> UserState {
        self.user
    }

    fn run_mark(&self) -> i64 {
        self.run_mark
    }

    async fn note_push(&mut self, device: DeviceId, now_ms: i64) -> Result<bool, StoreError> {
        let sql = "INSERT INTO devices (user_id, id, created_ms, last_push_ms) VALUES (?1, ?2, ?3, ?3)
            ON CONFLICT DO UPDATE SET last_push_ms = ?3 RETURNING revoked_ms IS NULL";
        let (allowed,): (bool,) =
            sqlx::query_as(sql).bind(self.user_id).bind(device).bind(now_ms).fetch_one(&mut *self.tx).await?;
        Ok(allowed)
    }

    async fn kept(&mut self, name: &PushName) -> Result<Option<KeptAnswer>, StoreError> {
        let sql = "SELECT body_hash, answer FROM answers WHERE user_id = ? AND device_id = ? AND name = ?";
        let query = sqlx::query_as(sql).bind(self.user_id).bind(name.device).bind(&name.key);
        let row: Option<(Vec<u8>, String)> = query.fetch_optional(&mut *self.tx).await?;
        Ok(row.map(|(body_hash, answer)| KeptAnswer { body_hash, answer }))
    }

    async fn copies(&mut self, entity: &str, ids: &[&str]) -> Result<Vec<StoredCopy>, StoreError> {
        let sql = "SELECT entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields
            FROM records WHERE user_id = ? AND entity = ? AND id IN (SELECT value FROM json_each(?))";
        let query = sqlx::query(sql).bind(self.user_id).bind(entity).bind(id_list(ids));
        query.fetch_all(&mut *self.tx).await?.iter().map(read::copy).collect()
    }

    async fn live(&mut self, entity: &str, ids: &[&str]) -> Result<HashSet<String>, StoreError> {
        let sql = "SELECT id FROM records
            WHERE user_id = ? AND entity = ? AND NOT deleted AND id IN (SELECT value FROM json_each(?))";
        let query = sqlx::query_scalar(sql).bind(self.user_id).bind(entity).bind(id_list(ids));
        Ok(query.fetch_all(&mut *self.tx).await?.into_iter().collect())
    }

    async fn commit(mut self: Box<Self>, writes: PushWrites, now_ms: i64) -> Result<UserState, StoreError> {
        let mut user = self.user;
        if !writes.copies.is_empty() {
            write_copies(&mut self.tx, self.user_id, &writes.copies).await?;
            user = begin_stretch(&mut self.tx, self.user_id, self.user, writes.user, self.run_mark).await?;
            let sql = "UPDATE users SET head_seq = ?, head_ms = ?, mark = ?, mark_seq = ? WHERE id = ?";
            let query = sqlx::query(sql).bind(user.head_seq).bind(user.head_ms).bind(user.mark).bind(user.mark_seq);
            query.bind(self.user_id).execute(&mut *self.tx).await?;
        }
        if let Some((name, kept)) = writes.keep {
            let sql = "INSERT INTO answers (user_id, device_id, name, body_hash, answer, created_ms)
                VALUES (?, ?, ?, ?, ?, ?)";
            let query = sqlx::query(sql).bind(self.user_id).bind(name.device).bind(name.key);
            query.bind(kept.body_hash).bind(kept.answer).bind(now_ms).execute(&mut *self.tx).await?;
        }
        self.tx.commit().await?;
        Ok(user)
    }
}

/// Notes where this run's writing begins in the user's history, once for each run and user.
async fn begin_stretch(
    tx: &mut Transaction<'static, Sqlite>,
    user_id: UserId,
    before: UserState,
    after: UserState,
    run_mark: i64,
) -> Result<UserState, StoreError> {
    if before.mark == run_mark {
        return Ok(after);
    }
    let first_seq = before.head_seq + 1;
    let sql = "INSERT INTO marks (user_id, first_seq, mark) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    let new = sqlx::query(sql).bind(user_id).bind(first_seq).bind(run_mark).execute(&mut **tx).await?;
    Ok(if new.rows_affected() == 1 { UserState { mark: run_mark, mark_seq: first_seq, ..after } } else { after })
}

async fn write_copies(
    tx: &mut Transaction<'static, Sqlite>,
    user_id: UserId,
    copies: &[StoredCopy],
) -> Result<(), StoreError> {
    let mut rest = copies;
    while let Some(rows) = ROWS_PER_STATEMENT.into_iter().find(|rows| *rows <= rest.len()) {
        let (chunk, later) = rest.split_at(rows);
        rest = later;
        let mut query: QueryBuilder<'_, Sqlite> = QueryBuilder::new(
            "INSERT INTO records
            (user_id, entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields) ",
        );
        query.push_values(chunk, |mut row, copy| {
            row.push_bind(user_id).push_bind(&copy.entity).push_bind(&copy.id).push_bind(copy.seq);
            row.push_bind(copy.created_ms).push_bind(copy.stamp).push_bind(copy.deleted).push_bind(copy.server_ms);
            row.push_bind(copy.version).push_bind(&copy.server_id).push_bind(&copy.fields);
        });
        query.push(
            " ON CONFLICT (user_id, entity, id) DO UPDATE SET seq = excluded.seq, created_ms = excluded.created_ms,
            stamp = excluded.stamp, deleted = excluded.deleted, server_ms = excluded.server_ms,
            version = excluded.version, server_id = excluded.server_id, fields = excluded.fields",
        );
        query.build().execute(&mut **tx).await?;
    }
    Ok(())
}

/// Few texts of statements, so that SQLite compiles each once; few statements for the usual batches.
const ROWS_PER_STATEMENT: [usize; 5] = [500, 100, 20, 4, 1];
