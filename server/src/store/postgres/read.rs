//! The reading side: each page from one snapshot of the primary. Never writes.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::PostgresStore;
use crate::store::shared::{Cut, LISTED, Listed, snapshot_reads};
use crate::store::{PageQuery, PageRead, StoreError, StoredCopy, UserId, UserState};

pub(super) async fn page(store: &PostgresStore, user_id: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
    let mut tx = store.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let page = read_page(&mut tx, user_id, query).await?;
    tx.rollback().await?;
    Ok(page)
}

async fn list(
    connection: &mut PgConnection,
    user_id: UserId,
    query: &PageQuery<'_>,
) -> Result<Vec<Listed>, StoreError> {
    let sql = format!("SELECT {LISTED} {}", query.rows());
    let rows = sqlx::query(&sql).bind(user_id).bind(query.after).bind(query.limit()).bind(query.large());
    let rows = if let Some(entity) = query.entity { rows.bind(entity) } else { rows };
    let listed = |row: &PgRow| {
        let fields: Option<String> = row.try_get(9)?;
        let fields_bytes: i32 = row.try_get(10)?;
        Ok(Listed { copy: copy_with(row, fields.unwrap_or_default())?, fields_bytes: fields_bytes.into() })
    };
    rows.fetch_all(connection).await?.iter().map(listed).collect()
}

snapshot_reads!(PgConnection);

pub(super) fn copy(row: &PgRow) -> Result<StoredCopy, StoreError> {
    copy_with(row, row.try_get(9)?)
}

fn copy_with(row: &PgRow, fields: String) -> Result<StoredCopy, StoreError> {
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
        fields,
    })
}
