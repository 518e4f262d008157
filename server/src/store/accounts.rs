//! Users, keys and devices: one text of SQL that both databases understand. Never sees a key, only its hash.

use async_trait::async_trait;
use uuid::Uuid;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{DeviceId, StoreError, UserId, new_mark};

/// A user as listed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_ms: i64,
}

/// An API key as listed: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyRow {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it was last used, to within ten minutes.
    pub last_used_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

/// A device as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeviceRow {
    /// Its id.
    pub id: DeviceId,
    /// When it was first seen.
    pub created_ms: i64,
    /// Its last push.
    pub last_push_ms: Option<i64>,
    /// Its last pull, where it says who it is, to within a minute.
    pub last_pull_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

/// Who a valid API key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyOwner {
    /// The key.
    #[sqlx(rename = "id")]
    pub key: Uuid,
    /// Its user.
    #[sqlx(rename = "user_id")]
    pub user: UserId,
    /// When it was last used.
    pub last_used_ms: Option<i64>,
}

/// Who may sync.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Adds a user; false when the name is taken.
    async fn add_user(&self, user: &UserRow) -> Result<bool, StoreError>;

    /// The user of this name.
    async fn user_by_name(&self, name: &str) -> Result<Option<UserId>, StoreError>;

    /// All users.
    async fn users(&self) -> Result<Vec<UserRow>, StoreError>;

    /// Adds an API key by its hash.
    async fn add_key(&self, user: UserId, key: &KeyRow, hash: &[u8; 32]) -> Result<(), StoreError>;

    /// Who the unrevoked key of this hash belongs to.
    async fn key_owner(&self, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError>;

    /// Notes that a key was used.
    async fn touch_key(&self, key: Uuid, now_ms: i64) -> Result<(), StoreError>;

    /// The keys of a user.
    async fn keys(&self, user: UserId) -> Result<Vec<KeyRow>, StoreError>;

    /// Revokes a key; false when there is none of this id that was not revoked before.
    async fn revoke_key(&self, key: Uuid, now_ms: i64) -> Result<bool, StoreError>;

    /// The devices of a user.
    async fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>, StoreError>;

    /// One device of a user, where it is known.
    async fn device(&self, user: UserId, device: DeviceId) -> Result<Option<DeviceRow>, StoreError>;

    /// Revokes a device; false when there is none of this id that was not revoked before.
    async fn revoke_device(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError>;

    /// Notes a pull of a device, once a minute; false when the device is revoked.
    async fn note_pull(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError>;

    /// Gives the user a new epoch if the present one is still `old`; returns the epoch that stands.
    async fn renew_epoch(&self, user: UserId, old: i64) -> Result<i64, StoreError>;
}

/// Implements [`AccountStore`] for a store with the pools `readers` and `writer`.
///
/// A macro, because sqlx's generics would need a page of bounds to say the same.
macro_rules! account_store {
    ($store:ty) => {
        #[async_trait]
        impl AccountStore for $store {
            async fn add_user(&self, user: &UserRow) -> Result<bool, StoreError> {
                let sql =
                    "INSERT INTO users (id, name, created_ms, epoch) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
                let query = sqlx::query(sql).bind(user.id).bind(&user.name).bind(user.created_ms).bind(new_mark());
                Ok(query.execute(&self.writer).await?.rows_affected() == 1)
            }

            async fn user_by_name(&self, name: &str) -> Result<Option<UserId>, StoreError> {
                let query = sqlx::query_scalar("SELECT id FROM users WHERE name = $1").bind(name);
                Ok(query.fetch_optional(&self.readers).await?)
            }

            async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
                let query = sqlx::query_as("SELECT id, name, created_ms FROM users ORDER BY name");
                Ok(query.fetch_all(&self.readers).await?)
            }

            async fn add_key(&self, user: UserId, key: &KeyRow, hash: &[u8; 32]) -> Result<(), StoreError> {
                let sql = "INSERT INTO api_keys (id, user_id, hash, label, created_ms) VALUES ($1, $2, $3, $4, $5)";
                let query = sqlx::query(sql).bind(key.id).bind(user).bind(&hash[..]).bind(&key.label);
                query.bind(key.created_ms).execute(&self.writer).await?;
                Ok(())
            }

            async fn key_owner(&self, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError> {
                let sql = "SELECT id, user_id, last_used_ms FROM api_keys WHERE hash = $1 AND revoked_ms IS NULL";
                Ok(sqlx::query_as(sql).bind(&hash[..]).fetch_optional(&self.readers).await?)
            }

            async fn touch_key(&self, key: Uuid, now_ms: i64) -> Result<(), StoreError> {
                let query = sqlx::query("UPDATE api_keys SET last_used_ms = $1 WHERE id = $2").bind(now_ms).bind(key);
                query.execute(&self.writer).await?;
                Ok(())
            }

            async fn keys(&self, user: UserId) -> Result<Vec<KeyRow>, StoreError> {
                let sql = "SELECT id, label, created_ms, last_used_ms, revoked_ms FROM api_keys
                    WHERE user_id = $1 ORDER BY created_ms, id";
                Ok(sqlx::query_as(sql).bind(user).fetch_all(&self.readers).await?)
            }

            async fn revoke_key(&self, key: Uuid, now_ms: i64) -> Result<bool, StoreError> {
                let sql = "UPDATE api_keys SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL";
                let query = sqlx::query(sql).bind(now_ms).bind(key);
                Ok(query.execute(&self.writer).await?.rows_affected() == 1)
            }

            async fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>, StoreError> {
                let sql = "SELECT id, created_ms, last_push_ms, last_pull_ms, revoked_ms FROM devices
                    WHERE user_id = $1 ORDER BY created_ms, id";
                Ok(sqlx::query_as(sql).bind(user).fetch_all(&self.readers).await?)
            }

            async fn device(&self, user: UserId, device: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
                let sql = "SELECT id, created_ms, last_push_ms, last_pull_ms, revoked_ms FROM devices
                    WHERE user_id = $1 AND id = $2";
                Ok(sqlx::query_as(sql).bind(user).bind(device).fetch_optional(&self.readers).await?)
            }

            async fn revoke_device(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError> {
                let sql = "UPDATE devices SET revoked_ms = $1 WHERE user_id = $2 AND id = $3 AND revoked_ms IS NULL";
                let query = sqlx::query(sql).bind(now_ms).bind(user).bind(device);
                Ok(query.execute(&self.writer).await?.rows_affected() == 1)
            }

            async fn note_pull(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError> {
                let sql = "SELECT last_pull_ms, revoked_ms IS NULL FROM devices WHERE user_id = $1 AND id = $2";
                let query = sqlx::query_as(sql).bind(user).bind(device);
                let known: Option<(Option<i64>, bool)> = query.fetch_optional(&self.readers).await?;
                // A pull is a read and should not wait for the writer each time.
                if let Some((last_pull_ms, allowed)) = known
                    && (!allowed || last_pull_ms.is_some_and(|last| now_ms - last < NOTE_EVERY_MS))
                {
                    return Ok(allowed);
                }
                let sql = "INSERT INTO devices (user_id, id, created_ms, last_pull_ms) VALUES ($1, $2, $3, $3)
                    ON CONFLICT (user_id, id) DO UPDATE SET last_pull_ms = $3 RETURNING revoked_ms IS NULL";
                let query = sqlx::query_scalar(sql).bind(user).bind(device).bind(now_ms);
                Ok(query.fetch_one(&self.writer).await?)
            }

            async fn renew_epoch(&self, user: UserId, old: i64) -> Result<i64, StoreError> {
                let sql = "UPDATE users SET epoch = CASE WHEN epoch = $2 THEN $3 ELSE epoch END
                    WHERE id = $1 RETURNING epoch";
                let query = sqlx::query_scalar(sql).bind(user).bind(old).bind(new_mark());
                query.fetch_optional(&self.writer).await?.ok_or(StoreError::NoUser)
            }
        }
    };
}

account_store!(SqliteStore);
account_store!(PostgresStore);

const NOTE_EVERY_MS: i64 = 60_000;
