//! The reading side: each page from one snapshot of the primary. Never writes.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::PostgresStore;
use crate::store::shared::{Cut, snapshot_reads};
use crate::store::{PageQuery, PageRead, StoreError, StoredCopy, UserId, UserState};

pub(super) async fn page(store: &PostgresStore, user_id: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
    let mut tx = store.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let user = user_state(&mut tx, user_id).await?;
    let mark_at_seen = mark_at(&mut tx, user_id, &user, query.seen).await?;
    let page = copies_after(&mut tx, user_id, query).await?;
    let remaining = remaining(&mut tx, user_id, &user, &query, &page).await?;
    tx.rollback().await?;
    let Cut { copies, has_more } = page;
    Ok(PageRead { user, mark_at_seen, copies, has_more, remaining })
}

async fn copies_after(connection: &mut PgConnection, user_id: UserId, query: PageQuery<'_>) -> Result<Cut, StoreError> {
    let rows = if query.entity.is_some() { OF_ONE_ENTITY } else { OF_ALL };
    let limit = i64::try_from(query.records_max).unwrap_or(i64::MAX);
    // Asked first, so that a page of large records is not sent whole and cut off here. One more than the page holds
    // tells whether there is more.
    let sql =
        format!("SELECT count(*), coalesce(sum({BYTES}), 0)::bigint FROM (SELECT entity, id, fields {rows}) AS page");
    let sized = sqlx::query_as(&sql).bind(user_id).bind(query.after).bind(limit.saturating_add(1));
    let sized = if let Some(entity) = query.entity { sized.bind(entity) } else { sized };
    let (found, bytes): (i64, i64) = sized.fetch_one(&mut *connection).await?;
    let bytes_max = i64::try_from(query.bytes_max).unwrap_or(i64::MAX);
    let sql = if bytes <= bytes_max {
        format!("SELECT {COLUMNS} {rows}")
    } else {
        format!(
            "SELECT {COLUMNS} FROM (
                SELECT *, row_number() OVER by_seq AS place, sum({BYTES}) OVER by_seq AS bytes
                FROM (SELECT * {rows}) AS page WINDOW by_seq AS (ORDER BY seq ROWS UNBOUNDED PRECEDING)
            ) AS sized WHERE bytes <= {bytes_max} OR place = 1 ORDER BY seq"
        )
    };
    let page = sqlx::query(&sql).bind(user_id).bind(query.after).bind(limit);
    let page = if let Some(entity) = query.entity { page.bind(entity) } else { page };
    let copies = page.fetch_all(connection).await?.iter().map(copy).collect::<Result<Vec<_>, _>>()?;
    Ok(Cut { has_more: copies.len() < usize::try_from(found).unwrap_or_default(), copies })
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

/// In the order in which [`copy`] reads them.
const COLUMNS: &str = "entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields";
const OF_ONE_ENTITY: &str = "FROM records WHERE user_id = $1 AND entity = $4 AND seq > $2 ORDER BY seq LIMIT $3";
const OF_ALL: &str = "FROM records WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
/// As [`StoredCopy::wire_bytes`].
const BYTES: &str = "octet_length(fields) + octet_length(id) + octet_length(entity) + 256";
