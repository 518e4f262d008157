//! The store on Postgres: any number of nodes, each user's row the lock of its writers. Never reads from a standby.

mod announce;
mod open;
mod push;
mod read;

use async_trait::async_trait;
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::{DeviceId, PageQuery, PageRead, PushTx, ServerStore, StoreError, UserId, UserState};
use crate::pokes::Pokes;

/// A store on a Postgres database.
pub struct PostgresStore {
    pub(super) writer: PgPool,
    pub(super) readers: PgPool,
    cursor_secret: [u8; 32],
    /// Names this process; a part of the run mark.
    node: i64,
    announcements: mpsc::Sender<(UserId, DeviceId)>,
}

#[async_trait]
impl ServerStore for PostgresStore {
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

    fn announce(&self, user: UserId, by: DeviceId) {
        // A full queue means that the database is far behind: a lost poke does no harm.
        let _ = self.announcements.try_send((user, by));
    }

    async fn listen(&self, pokes: &Pokes) -> Result<(), StoreError> {
        announce::listen(self, pokes).await
    }
}
