//! The store on one SQLite file: one connection writes, a few read. Never answers before the commit is on disk.

mod accounts;
mod open;
mod purge;
mod push;
mod read;

use std::collections::HashSet;
use std::path::Path;

use async_trait::async_trait;
use sqlx::SqlitePool;
use uuid::Uuid;

use super::{
    DeviceId, DeviceRow, EntityCount, KeyOwner, KeyRow, PageQuery, PageRead, PushTx, ServerStore, StoreError, UserId,
    UserRow, UserState,
};

/// A store on one SQLite file.
pub struct SqliteStore {
    /// The only connection that writes: SQLite has one writer, and here it waits its turn without polling.
    writer: SqlitePool,
    readers: SqlitePool,
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

    async fn renew_epoch(&self, user: UserId, old: i64) -> Result<i64, StoreError> {
        accounts::renew_epoch(self, user, old).await
    }

    async fn counts(&self, user: UserId) -> Result<Vec<EntityCount>, StoreError> {
        read::counts(self, user).await
    }

    async fn users_with_tombstones(&self, before_ms: i64, limit: usize) -> Result<Vec<UserId>, StoreError> {
        purge::users_with_tombstones(self, before_ms, limit).await
    }

    async fn purge_tombstones(&self, user: UserId, before_ms: i64) -> Result<u64, StoreError> {
        purge::purge_tombstones(self, user, before_ms).await
    }

    async fn purge_answers(&self, before_ms: i64, limit: u64) -> Result<u64, StoreError> {
        purge::purge_answers(self, before_ms, limit).await
    }

    async fn add_user(&self, user: &UserRow) -> Result<bool, StoreError> {
        accounts::add_user(self, user).await
    }

    async fn user_by_name(&self, name: &str) -> Result<Option<UserId>, StoreError> {
        accounts::user_by_name(self, name).await
    }

    async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        accounts::users(self).await
    }

    async fn add_key(&self, user: UserId, key: &KeyRow, hash: &[u8; 32]) -> Result<(), StoreError> {
        accounts::add_key(self, user, key, hash).await
    }

    async fn key_owner(&self, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError> {
        accounts::key_owner(self, hash).await
    }

    async fn touch_key(&self, key: Uuid, now_ms: i64) -> Result<(), StoreError> {
        accounts::touch_key(self, key, now_ms).await
    }

    async fn keys(&self, user: UserId) -> Result<Vec<KeyRow>, StoreError> {
        accounts::keys(self, user).await
    }

    async fn revoke_key(&self, key: Uuid, now_ms: i64) -> Result<bool, StoreError> {
        accounts::revoke_key(self, key, now_ms).await
    }

    async fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>, StoreError> {
        accounts::devices(self, user).await
    }

    async fn revoke_device(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError> {
        accounts::revoke_device(self, user, device, now_ms).await
    }

    async fn note_pull(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError> {
        accounts::note_pull(self, user, device, now_ms).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM meta LIMIT 1").execute(&self.readers).await?;
        Ok(())
    }
}

/// The ids as a JSON array, which SQLite reads as rows.
fn id_list(ids: &[&str]) -> String {
    serde_json::Value::from(ids).to_string()
}

fn id_set(rows: Vec<(String,)>) -> HashSet<String> {
    rows.into_iter().map(|(id,)| id).collect()
}
