//! The reading side: each page from one snapshot. Never writes.

use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};

use super::SqliteStore;
use crate::store::shared::{Cut, snapshot_reads};
use crate::store::{PageQuery, PageRead, StoreError, StoredCopy, UserId, UserState};

pub(super) async fn page(store: &SqliteStore, user_id: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
    let mut connection = store.readers.acquire().await?;
    // A deferred transaction reads from the snapshot of its first statement.
    let mut tx = connection.begin().await?;
    let user = user_state(&mut tx, user_id).await?;
    let mark_at_seen = mark_at(&mut tx, user_id, &user, query.seen).await?;
    let page = copies_after(&mut tx, user_id, query).await?;
    let remaining = remaining(&mut tx, user_id, &user, &query, &page).await?;
    tx.rollback().await?;
    let Cut { copies, has_more } = page;
    Ok(PageRead { user, mark_at_seen, copies, has_more, remaining })
}

async fn copies_after(
    connection: &mut SqliteConnection,
    user_id: UserId,
    query: PageQuery<'_>,
) -> Result<Cut, StoreError> {
    let columns =
        "SELECT entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields FROM records";
    let sql = match query.entity {
        Some(_) => format!("{columns} WHERE user_id = ?1 AND seq > ?2 AND entity = ?4 ORDER BY seq LIMIT ?3"),
        None => format!("{columns} WHERE user_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"),
    };
    // One more than the page holds tells whether there is more.
    let limit = i64::try_from(query.records_max).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = sqlx::query(&sql).bind(user_id).bind(query.after).bind(limit);
    if let Some(entity) = query.entity {
        rows = rows.bind(entity);
    }
    let mut rows = rows.fetch(connection);
    let mut copies = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        let copy = copy(&row)?;
        bytes += copy.wire_bytes();
        if copies.len() == query.records_max || (bytes > query.bytes_max && !copies.is_empty()) {
            return Ok(Cut { copies, has_more: true });
        }
        copies.push(copy);
    }
    Ok(Cut { copies, has_more: false })
}

snapshot_reads!(SqliteConnection);

pub(super) fn copy(row: &SqliteRow) -> Result<StoredCopy, StoreError> {
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
