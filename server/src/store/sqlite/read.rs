//! The reading side: each page from one snapshot. Never writes.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};

use super::SqliteStore;
use crate::store::shared::{BYTES, COLUMNS, Cut, Waiting, snapshot_reads};
use crate::store::{PageQuery, PageRead, StoreError, StoredCopy, UserId, UserState};

pub(super) async fn page(store: &SqliteStore, user_id: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
    let mut connection = store.readers.acquire().await?;
    // A deferred transaction reads from the snapshot of its first statement.
    let mut tx = connection.begin().await?;
    // Dropped, the transaction ends when nobody waits for it.
    read_page(&mut tx, user_id, query).await
}

/// The whole page as one row: between SQLite's thread and this one, each row costs more than reading it.
async fn copies(
    connection: &mut SqliteConnection,
    user_id: UserId,
    query: &PageQuery<'_>,
    rows: &str,
) -> Result<Vec<StoredCopy>, StoreError> {
    let sql = format!("SELECT json_group_array(json_array({COLUMNS})) FROM {rows}");
    let page = sqlx::query_scalar(&sql).bind(user_id).bind(query.after).bind(query.limit());
    let page = if let Some(entity) = query.entity { page.bind(entity) } else { page };
    let page: String = page.fetch_one(connection).await?;
    let page: Vec<Listed> =
        serde_json::from_str(&page).map_err(|_| StoreError::Fault("a page of records is not JSON".to_owned()))?;
    let mut copies: Vec<StoredCopy> = page.into_iter().map(listed).collect();
    copies.sort_unstable_by_key(|copy| copy.seq);
    Ok(copies)
}

snapshot_reads!(SqliteConnection);

/// [`COLUMNS`] as one JSON array.
type Listed = (String, String, i64, i64, i64, i64, i64, i64, String, String);

fn listed((entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields): Listed) -> StoredCopy {
    let deleted = deleted != 0;
    StoredCopy { entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields }
}

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
