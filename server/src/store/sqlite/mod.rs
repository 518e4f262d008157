//! The store on one SQLite file: one connection writes, a few read. Never answers before the commit is on disk.

mod open;
mod push;
mod read;

use std::path::Path;

use async_trait::async_trait;
use sqlx::SqlitePool;

use super::{PageQuery, PageRead, PushTx, ServerStore, StoreError, UserId, UserState};

/// A store on one SQLite file.
pub struct SqliteStore {
    /// The only connection that writes: SQLite has one writer, and here it waits its turn without polling.
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
    cursor_secret: [u8; 32],
    run_mark: i64,
}

impl SqliteStore {
    /// Writes a consistent copy of the database to a new file, while the server runs.
    ///
    /// # Errors
    /// [`StoreError`], also when the file exists.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        sqlx::query("VACUUM INTO ?").bind(file.to_string_lossy()).execute(&self.readers).await?;
        Ok(())
    }
}

#[async_trait]
impl ServerStore for SqliteStore {
    fn cursor_secret(&self) -> [u8; 32] {
        self.cursor_secret
    }

    async fn begin_push(&self, user: UserId) -> Result<Box<dyn PushTx>, StoreError> {
        push::begin(self, user).await
    }

    async fn page(&self, user: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError> {
        read::page(self, user, query).await
    }

    async fn user_state(&self, user: UserId) -> Result<UserState, StoreError> {
        read::user_state(&mut *self.readers.acquire().await?, user).await
    }
}

/// The ids as a JSON array, which SQLite reads as rows.
fn id_list(ids: &[&str]) -> String {
    serde_json::Value::from(ids).to_string()
}
