//! The reading side: each page from one snapshot of the primary. Never writes.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::PostgresStore;
use crate::store::shared::snapshot_reads;
use crate::store::{PageQuery, PageRead, StoreError, StoredCopy, UserId, UserState};

/// The statement of a page, with a condition on the entity or without.
macro_rules! page_sql {
    ($entity:literal) => {
        concat!(
            "SELECT entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields FROM (
                SELECT *, row_number() OVER by_seq AS place,
                    sum(octet_length(fields) + octet_length(id) + octet_length(entity) + 256) OVER by_seq AS bytes
                FROM (SELECT * FROM records WHERE user_id = $1 AND seq > $2 ",
            $entity,
            " ORDER BY seq LIMIT $3) AS page
                WINDOW by_seq AS (ORDER BY seq ROWS UNBOUNDED PRECEDING)
            ) AS sized WHERE bytes <= $4 OR place = 1 ORDER BY seq"
        )
    };
}

pub(super) async fn page(store: &PostgresStore, user_id: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
    let mut tx = store.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let user = user_state(&mut tx, user_id).await?;
    let mark_at_seen = mark_at(&mut tx, user_id, &user, query.seen).await?;
    let copies = copies_after(&mut tx, user_id, query).await?;
    let end = copies.last().map_or(query.after, |copy| copy.seq);
    let waiting = waiting(&mut tx, user_id, query.entity, end, query.count_most()).await?;
    tx.rollback().await?;
    Ok(PageRead::new(&query, user, mark_at_seen, copies, waiting))
}

async fn copies_after(
    connection: &mut PgConnection,
    user_id: UserId,
    query: PageQuery<'_>,
) -> Result<Vec<StoredCopy>, StoreError> {
    // The running sum keeps a page of large records from being sent whole and cut off here.
    let sql = match query.entity {
        Some(_) => page_sql!("AND entity = $5"),
        None => page_sql!(""),
    };
    let limit = |most: usize| i64::try_from(most).unwrap_or(i64::MAX);
    let rows = sqlx::query(sql).bind(user_id).bind(query.after).bind(limit(query.records_max));
    let rows = rows.bind(limit(query.bytes_max));
    let rows = if let Some(entity) = query.entity { rows.bind(entity) } else { rows };
    rows.fetch_all(connection).await?.iter().map(copy).collect()
}

snapshot_reads!(PgConnection);

pub(super) fn copy(row: &PgRow) -> Result<StoredCopy, StoreError> {
    Ok(StoredCopy {
        entity: row.try_get(0)?,
        id: row.try_get(1)?,
        seq: row.try_get(2)?,
        created_ms: row.try_get(3)?,
        stamp: row.try_get(4)?,
        deleted: row.try_get(5)?,
        server_ms: row.try_get(6)?,
        version: row.try_get(7)?,
        server_id: row.try_get(8)?,
        fields: row.try_get(9)?,
    })
}
