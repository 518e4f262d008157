//! Reading and purging in SQL that both databases understand, written once. Never writes a copy.

use async_trait::async_trait;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{EntityCount, PageQuery, StoreError, StoredCopy, UserId};

/// Forgetting what need not be kept.
#[async_trait]
pub trait PurgeStore: Send + Sync + 'static {
    /// Users with tombstones accepted before `before_ms`, at most `limit` of them.
    async fn users_with_tombstones(&self, before_ms: i64, limit: usize) -> Result<Vec<UserId>, StoreError>;

    /// Removes a user's tombstones accepted before `before_ms` and moves its horizon, in one transaction.
    async fn purge_tombstones(&self, user: UserId, before_ms: i64) -> Result<u64, StoreError>;

    /// Removes answers kept since before `before_ms`, at most `limit` of them.
    async fn purge_answers(&self, before_ms: i64, limit: u64) -> Result<u64, StoreError>;

    /// Counts a user's records by entity.
    async fn counts(&self, user: UserId) -> Result<Vec<EntityCount>, StoreError>;

    /// Answers when the database does.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Implements [`PurgeStore`] for a store with the pools `readers` and `writer`.
macro_rules! purge_store {
    ($store:ty) => {
        #[async_trait]
        impl PurgeStore for $store {
            async fn users_with_tombstones(&self, before_ms: i64, limit: usize) -> Result<Vec<UserId>, StoreError> {
                let sql = "SELECT DISTINCT user_id FROM records WHERE deleted AND server_ms < $1 LIMIT $2";
                let query = sqlx::query_scalar(sql).bind(before_ms).bind(i64::try_from(limit).unwrap_or(i64::MAX));
                Ok(query.fetch_all(&self.readers).await?)
            }

            async fn purge_tombstones(&self, user: UserId, before_ms: i64) -> Result<u64, StoreError> {
                let mut tx = self.writer.begin().await?;
                // First the horizon: it locks the user, so that no push brings a tombstone to life meanwhile.
                let sql = "UPDATE users SET
                        horizon_seq = CASE WHEN gone.seq > horizon_seq THEN gone.seq ELSE horizon_seq END,
                        purged_stamp = CASE WHEN purged_stamp > gone.stamp THEN purged_stamp ELSE gone.stamp END
                    FROM (SELECT max(seq) AS seq, max(stamp) AS stamp FROM records
                        WHERE user_id = $1 AND deleted AND server_ms < $2) AS gone
                    WHERE users.id = $1 AND gone.seq IS NOT NULL";
                sqlx::query(sql).bind(user).bind(before_ms).execute(&mut *tx).await?;
                let sql = "DELETE FROM records WHERE user_id = $1 AND deleted AND server_ms < $2";
                let removed = sqlx::query(sql).bind(user).bind(before_ms).execute(&mut *tx).await?.rows_affected();
                tx.commit().await?;
                Ok(removed)
            }

            async fn purge_answers(&self, before_ms: i64, limit: u64) -> Result<u64, StoreError> {
                let sql = "DELETE FROM answers WHERE (user_id, device_id, name) IN
                    (SELECT user_id, device_id, name FROM answers WHERE created_ms < $1 LIMIT $2)";
                let query = sqlx::query(sql).bind(before_ms).bind(limit.cast_signed());
                Ok(query.execute(&self.writer).await?.rows_affected())
            }

            async fn counts(&self, user: UserId) -> Result<Vec<EntityCount>, StoreError> {
                let sql = "SELECT entity, count(*) FILTER (WHERE NOT deleted) AS live,
                        count(*) FILTER (WHERE deleted) AS deleted
                    FROM records WHERE user_id = $1 GROUP BY entity ORDER BY entity";
                Ok(sqlx::query_as(sql).bind(user).fetch_all(&self.readers).await?)
            }

            async fn ping(&self) -> Result<(), StoreError> {
                sqlx::query("SELECT 1 FROM meta LIMIT 1").execute(&self.readers).await?;
                Ok(())
            }
        }
    };
}

purge_store!(SqliteStore);
purge_store!(PostgresStore);

/// A copy as a page finds it. Where its fields are large they were left out.
pub(super) struct Listed {
    pub(super) copy: StoredCopy,
    pub(super) fields_bytes: i64,
}

/// The columns of [`Listed`], in its order. Binds: user, place, limit, what is large, and entity if there is one.
pub(super) const LISTED: &str = "entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id,
    CASE WHEN octet_length(fields) <= $4 THEN fields END, octet_length(fields)";

impl PageQuery<'_> {
    /// The rows that a page chooses from.
    pub(super) fn rows(&self) -> &'static str {
        match self.entity {
            Some(_) => "FROM records WHERE user_id = $1 AND entity = $5 AND seq > $2 ORDER BY seq LIMIT $3",
            None => "FROM records WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        }
    }

    /// One more than the page holds tells whether there is more.
    pub(super) fn limit(&self) -> i64 {
        i64::try_from(self.records_max).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Fields of more bytes are read when the page is cut: so no more is ever read for nothing than a page holds.
    pub(super) fn large(&self) -> i64 {
        i64::try_from(self.bytes_max / self.records_max.max(1)).unwrap_or(i64::MAX)
    }

    /// The copies that both limits let pass.
    pub(super) fn cut(&self, listed: Vec<Listed>) -> Vec<StoredCopy> {
        let (mut copies, mut bytes) = (Vec::with_capacity(listed.len()), 0);
        for Listed { copy, fields_bytes } in listed.into_iter().take(self.records_max) {
            bytes += copy.wire_bytes() - copy.fields.len() + usize::try_from(fields_bytes).unwrap_or(usize::MAX);
            if bytes > self.bytes_max && !copies.is_empty() {
                break;
            }
            copies.push(copy);
        }
        copies
    }
}

/// What is left of reading a page once its rows are listed.
pub(super) struct Cut<'a> {
    pub(super) copies: &'a [StoredCopy],
    /// True when a limit cut it off before the last copy.
    pub(super) has_more: bool,
}

/// Defines the reads that a page is made of, for one kind of connection.
macro_rules! snapshot_reads {
    ($connection:ty) => {
        /// Everything that a page needs, on a connection whose transaction holds one snapshot.
        async fn read_page(
            connection: &mut $connection,
            user_id: UserId,
            query: PageQuery<'_>,
        ) -> Result<PageRead, StoreError> {
            let user = user_state(connection, user_id).await?;
            let mark_at_seen = mark_at(connection, user_id, &user, query.seen).await?;
            let listed = list(connection, user_id, &query).await?;
            let found = listed.len();
            let mut copies = query.cut(listed);
            read_large(connection, user_id, &query, &mut copies).await?;
            let has_more = copies.len() < found;
            let remaining = remaining(connection, user_id, &user, &query, &Cut { copies: &copies, has_more }).await?;
            Ok(PageRead { user, mark_at_seen, copies, has_more, remaining })
        }

        pub(super) async fn user_state(connection: &mut $connection, user: UserId) -> Result<UserState, StoreError> {
            let sql =
                "SELECT epoch, head_seq, head_ms, mark, mark_seq, horizon_seq, purged_stamp FROM users WHERE id = $1";
            sqlx::query_as(sql).bind(user).fetch_optional(connection).await?.ok_or(StoreError::NoUser)
        }

        /// The mark of the stretch that `seq` lies in; 0 before the first.
        pub(super) async fn mark_at(
            connection: &mut $connection,
            user_id: UserId,
            user: &UserState,
            seq: i64,
        ) -> Result<i64, StoreError> {
            if seq >= user.mark_seq {
                return Ok(user.mark);
            }
            let sql = "SELECT mark FROM marks WHERE user_id = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT 1";
            let mark: Option<i64> = sqlx::query_scalar(sql).bind(user_id).bind(seq).fetch_optional(connection).await?;
            Ok(mark.unwrap_or_default())
        }

        /// Reads the fields that were left out.
        async fn read_large(
            connection: &mut $connection,
            user_id: UserId,
            query: &PageQuery<'_>,
            copies: &mut [StoredCopy],
        ) -> Result<(), StoreError> {
            let left_out = || copies.iter().filter(|copy| copy.fields.is_empty()).map(|copy| copy.seq);
            let (Some(first), Some(last)) = (left_out().next(), left_out().last()) else { return Ok(()) };
            let of_entity = if query.entity.is_some() { "AND entity = $5" } else { "" };
            let sql = format!(
                "SELECT seq, fields FROM records
                WHERE user_id = $1 AND seq BETWEEN $2 AND $3 AND octet_length(fields) > $4 {of_entity}"
            );
            let large = sqlx::query_as(&sql).bind(user_id).bind(first).bind(last).bind(query.large());
            let large = if let Some(entity) = query.entity { large.bind(entity) } else { large };
            let large: Vec<(i64, String)> = large.fetch_all(connection).await?;
            for (seq, fields) in large {
                if let Ok(place) = copies.binary_search_by_key(&seq, |copy| copy.seq) {
                    copies[place].fields = fields;
                }
            }
            Ok(())
        }

        /// How many copies wait behind the page, where that is known or cheap to count.
        async fn remaining(
            connection: &mut $connection,
            user_id: UserId,
            user: &UserState,
            query: &PageQuery<'_>,
            page: &Cut<'_>,
        ) -> Result<Option<i64>, StoreError> {
            if !page.has_more {
                return Ok(Some(0));
            }
            if let Some(waiting) = query.waiting(user) {
                return Ok(Some(waiting - i64::try_from(page.copies.len()).unwrap_or(i64::MAX)));
            }
            let sql = match query.entity {
                Some(_) => {
                    "SELECT count(*) FROM
                    (SELECT 1 FROM records WHERE user_id = $1 AND entity = $4 AND seq > $2 LIMIT $3) AS waiting"
                }
                None => {
                    "SELECT count(*) FROM (SELECT 1 FROM records WHERE user_id = $1 AND seq > $2 LIMIT $3) AS waiting"
                }
            };
            let (end, most) = (page.copies.last().map_or(query.after, |copy| copy.seq), query.count_most());
            let counted = sqlx::query_scalar(sql).bind(user_id).bind(end).bind(most);
            let counted = if let Some(entity) = query.entity { counted.bind(entity) } else { counted };
            let counted: i64 = counted.fetch_one(connection).await?;
            Ok(Some(counted).filter(|counted| *counted < most))
        }
    };
}

pub(super) use snapshot_reads;
