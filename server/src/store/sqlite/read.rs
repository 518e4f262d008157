//! The reading side: each page from one snapshot. Never writes.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};

use super::SqliteStore;
use crate::store::shared::{Cut, LISTED, Listed, snapshot_reads};
use crate::store::{PageQuery, PageRead, StoreError, StoredCopy, UserId, UserState};

pub(super) async fn page(store: &SqliteStore, user_id: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
    let mut connection = store.readers.acquire().await?;
    // A deferred transaction reads from the snapshot of its first statement.
    let mut tx = connection.begin().await?;
    let page = read_page(&mut tx, user_id, query).await?;
    tx.rollback().await?;
    Ok(page)
}

/// All rows as one: between SQLite's thread and this one, each row costs more than reading it.
async fn list(
    connection: &mut SqliteConnection,
    user_id: UserId,
    query: &PageQuery<'_>,
) -> Result<Vec<Listed>, StoreError> {
    let sql = format!("SELECT json_group_array(json_array({LISTED})) FROM (SELECT * {})", query.rows());
    let page = sqlx::query_scalar(&sql).bind(user_id).bind(query.after).bind(query.limit()).bind(query.large());
    let page = if let Some(entity) = query.entity { page.bind(entity) } else { page };
    let page: String = page.fetch_one(connection).await?;
    let rows: Vec<Columns> =
        serde_json::from_str(&page).map_err(|_| StoreError::Fault("a page of records is not JSON".to_owned()))?;
    let mut listed: Vec<Listed> = rows.into_iter().map(listed).collect();
    listed.sort_unstable_by_key(|listed| listed.copy.seq);
    Ok(listed)
}

snapshot_reads!(SqliteConnection);

/// [`LISTED`] as one JSON array.
type Columns = (String, String, i64, i64, i64, i64, i64, i64, String, Option<String>, i64);

fn listed(columns: Columns) -> Listed {
    let (entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields, fields_bytes) = columns;
    let (deleted, fields) = (deleted != 0, fields.unwrap_or_default());
    let copy = StoredCopy { entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields };
    Listed { copy, fields_bytes }
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
