//! The writing side: the push transaction. Decides nothing.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{FromRow as _, Postgres, Row as _, Transaction};

use super::{PostgresStore, read};
use crate::store::{
    DeviceId, FIRST_VERSION, KeptAnswer, PushName, PushTx, PushWrites, StoreError, StoredCopy, UserId, UserState,
};

struct PostgresPush {
    tx: Transaction<'static, Postgres>,
    user_id: UserId,
    user: UserState,
    run_mark: i64,
}

pub(super) async fn begin(store: &PostgresStore, user_id: UserId) -> Result<Box<dyn PushTx>, StoreError> {
    let mut tx = store.writer.begin().await?;
    // The lock is held until the commit, so that no reader sees sequence n + 1 before n. Start time and file number
    // tell a database that failed over, or whose tables were restored, under a node that went on running.
    let sql = "SELECT epoch, head_seq, head_ms, mark, mark_seq, horizon_seq, purged_stamp,
            (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint AS started_us,
            pg_relation_filenode('users')::bigint AS file
        FROM users WHERE id = $1 FOR UPDATE";
    let row = sqlx::query(sql).bind(user_id).fetch_optional(&mut *tx).await?.ok_or(StoreError::NoUser)?;
    let run_mark = run_mark(store.node, row.try_get("started_us")?, row.try_get("file")?);
    let user = UserState::from_row(&row)?;
    Ok(Box::new(PostgresPush { tx, user_id, user, run_mark }))
}

/// Odd and so never 0; different for each process, each start of the database and each making of its tables.
fn run_mark(node: i64, started_us: i64, file: i64) -> i64 {
    node.wrapping_add(started_us.wrapping_mul(SPREAD)).wrapping_add(file.wrapping_mul(SPREAD).rotate_left(32)) | 1
}

#[async_trait]
impl PushTx for PostgresPush {
    fn user(&self) -> UserState {
        self.user
    }

    fn run_mark(&self) -> i64 {
        self.run_mark
    }

    async fn note_push(&mut self, device: DeviceId, now_ms: i64) -> Result<bool, StoreError> {
        let sql = "INSERT INTO devices (user_id, id, created_ms, last_push_ms) VALUES ($1, $2, $3, $3)
            ON CONFLICT (user_id, id) DO UPDATE SET last_push_ms = $3 RETURNING revoked_ms IS NULL";
        Ok(sqlx::query_scalar(sql).bind(self.user_id).bind(device).bind(now_ms).fetch_one(&mut *self.tx).await?)
    }

    async fn kept(&mut self, name: &PushName) -> Result<Option<KeptAnswer>, StoreError> {
        let sql = "SELECT body_hash, answer FROM answers WHERE user_id = $1 AND device_id = $2 AND name = $3";
        let query = sqlx::query_as(sql).bind(self.user_id).bind(name.device).bind(&name.key);
        let row: Option<(Vec<u8>, String)> = query.fetch_optional(&mut *self.tx).await?;
        Ok(row.map(|(body_hash, answer)| KeptAnswer { body_hash, answer }))
    }

    async fn copies(&mut self, entity: &str, ids: &[&str]) -> Result<Vec<StoredCopy>, StoreError> {
        // One look-up in the unique index for each id. The entity is compared as an expression, or the planner, on a
        // table without statistics, takes records_by_entity_seq as no dearer and walks all rows of the entity.
        let sql = "SELECT found.* FROM unnest($3::text[]) AS wanted (id) CROSS JOIN LATERAL (
                SELECT entity, records.id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields
                FROM records WHERE user_id = $1 AND entity || '' = $2 AND records.id = wanted.id LIMIT 1) AS found";
        let query = sqlx::query(sql).bind(self.user_id).bind(entity).bind(ids);
        query.fetch_all(&mut *self.tx).await?.iter().map(read::copy).collect()
    }

    async fn live(&mut self, entity: &str, ids: &[&str]) -> Result<HashSet<String>, StoreError> {
        let sql = "SELECT wanted.id FROM unnest($3::text[]) AS wanted (id) CROSS JOIN LATERAL (
                SELECT deleted FROM records WHERE user_id = $1 AND entity || '' = $2 AND records.id = wanted.id LIMIT 1
            ) AS found WHERE NOT found.deleted";
        let query = sqlx::query_scalar(sql).bind(self.user_id).bind(entity).bind(ids);
        Ok(query.fetch_all(&mut *self.tx).await?.into_iter().collect())
    }

    async fn commit(mut self: Box<Self>, writes: PushWrites, now_ms: i64) -> Result<UserState, StoreError> {
        let mut user = self.user;
        if !writes.copies.is_empty() {
            self.write_copies(&writes.copies).await?;
            user = self.begin_stretch(writes.user).await?;
            let sql = "UPDATE users SET head_seq = $1, head_ms = $2, mark = $3, mark_seq = $4 WHERE id = $5";
            let query = sqlx::query(sql).bind(user.head_seq).bind(user.head_ms).bind(user.mark).bind(user.mark_seq);
            query.bind(self.user_id).execute(&mut *self.tx).await?;
        }
        if let Some((name, kept)) = writes.keep {
            let sql = "INSERT INTO answers (user_id, device_id, name, body_hash, answer, created_ms)
                VALUES ($1, $2, $3, $4, $5, $6)";
            let query = sqlx::query(sql).bind(self.user_id).bind(name.device).bind(name.key);
            query.bind(kept.body_hash).bind(kept.answer).bind(now_ms).execute(&mut *self.tx).await?;
        }
        self.tx.commit().await?;
        Ok(user)
    }
}

impl PostgresPush {
    /// Notes where this run's writing begins in the user's history, once for each run and user.
    async fn begin_stretch(&mut self, after: UserState) -> Result<UserState, StoreError> {
        if self.user.mark == self.run_mark {
            return Ok(after);
        }
        let first_seq = self.user.head_seq + 1;
        let sql = "INSERT INTO marks (user_id, first_seq, mark) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let query = sqlx::query(sql).bind(self.user_id).bind(first_seq).bind(self.run_mark);
        let new = query.execute(&mut *self.tx).await?.rows_affected() == 1;
        Ok(if new { UserState { mark: self.run_mark, mark_seq: first_seq, ..after } } else { after })
    }

    /// One statement for all rows that replace none, and one for those that do, which costs half as much again.
    async fn write_copies(&mut self, copies: &[StoredCopy]) -> Result<(), StoreError> {
        let (new, changed): (Vec<_>, Vec<_>) = copies.iter().partition(|copy| copy.version == FIRST_VERSION);
        self.insert(INSERT, &new).await?;
        self.insert(&format!("{INSERT} {OR_REPLACE}"), &changed).await
    }

    /// One array for each column.
    async fn insert(&mut self, sql: &str, copies: &[&StoredCopy]) -> Result<(), StoreError> {
        if copies.is_empty() {
            return Ok(());
        }
        let texts = |column: fn(&StoredCopy) -> &str| copies.iter().map(|copy| column(copy)).collect::<Vec<_>>();
        let numbers = |column: fn(&StoredCopy) -> i64| copies.iter().map(|copy| column(copy)).collect::<Vec<_>>();
        sqlx::query(sql)
            .bind(self.user_id)
            .bind(texts(|copy| &copy.entity))
            .bind(texts(|copy| &copy.id))
            .bind(numbers(|copy| copy.seq))
            .bind(numbers(|copy| copy.created_ms))
            .bind(numbers(|copy| copy.stamp))
            .bind(copies.iter().map(|copy| copy.deleted).collect::<Vec<_>>())
            .bind(numbers(|copy| copy.server_ms))
            .bind(numbers(|copy| copy.version))
            .bind(texts(|copy| &copy.server_id))
            .bind(texts(|copy| &copy.fields))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}

/// The arrays are walked side by side, without a table of each in between.
const INSERT: &str = "INSERT INTO records
        (user_id, entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields)
    SELECT $1, unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::bigint[]),
        unnest($6::bigint[]), unnest($7::boolean[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::text[]),
        unnest($11::text[])";
const OR_REPLACE: &str = "ON CONFLICT (user_id, entity, id) DO UPDATE SET seq = excluded.seq,
    created_ms = excluded.created_ms, stamp = excluded.stamp, deleted = excluded.deleted,
    server_ms = excluded.server_ms, version = excluded.version, server_id = excluded.server_id,
    fields = excluded.fields";
/// Spreads a number over all 64 bits: 2^64 divided by the golden ratio.
const SPREAD: i64 = -7_046_029_254_386_353_131;
