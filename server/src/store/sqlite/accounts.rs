//! Users, keys and devices. Never sees a key, only its hash.

use uuid::Uuid;

use super::SqliteStore;
use crate::store::{DeviceId, DeviceRow, KeyOwner, KeyRow, StoreError, UserId, UserRow, new_mark};

pub(super) async fn renew_epoch(store: &SqliteStore, user: UserId, old: i64) -> Result<i64, StoreError> {
    let sql = "UPDATE users SET epoch = CASE WHEN epoch = ?2 THEN ?3 ELSE epoch END WHERE id = ?1 RETURNING epoch";
    let query = sqlx::query_as(sql).bind(user.0).bind(old).bind(new_mark());
    let row: Option<(i64,)> = query.fetch_optional(&store.writer).await?;
    row.map(|(epoch,)| epoch).ok_or(StoreError::NoUser)
}

pub(super) async fn add_user(store: &SqliteStore, user: &UserRow) -> Result<bool, StoreError> {
    let sql = "INSERT INTO users (id, name, created_ms, epoch) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let query = sqlx::query(sql).bind(user.id.0).bind(&user.name).bind(user.created_ms).bind(new_mark());
    Ok(query.execute(&store.writer).await?.rows_affected() == 1)
}

pub(super) async fn user_by_name(store: &SqliteStore, name: &str) -> Result<Option<UserId>, StoreError> {
    let query = sqlx::query_as("SELECT id FROM users WHERE name = ?").bind(name);
    let row: Option<(Uuid,)> = query.fetch_optional(&store.readers).await?;
    Ok(row.map(|(id,)| UserId(id)))
}

pub(super) async fn users(store: &SqliteStore) -> Result<Vec<UserRow>, StoreError> {
    Ok(sqlx::query_as("SELECT id, name, created_ms FROM users ORDER BY name").fetch_all(&store.readers).await?)
}

pub(super) async fn add_key(
    store: &SqliteStore,
    user: UserId,
    key: &KeyRow,
    hash: &[u8; 32],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO api_keys (id, user_id, hash, label, created_ms) VALUES (?, ?, ?, ?, ?)";
    let query = sqlx::query(sql).bind(key.id).bind(user.0).bind(&hash[..]).bind(&key.label).bind(key.created_ms);
    query.execute(&store.writer).await?;
    Ok(())
}

pub(super) async fn key_owner(store: &SqliteStore, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError> {
    let sql = "SELECT id, user_id, last_used_ms FROM api_keys WHERE hash = ? AND revoked_ms IS NULL";
    Ok(sqlx::query_as(sql).bind(&hash[..]).fetch_optional(&store.readers).await?)
}

pub(super) async fn touch_key(store: &SqliteStore, key: Uuid, now_ms: i64) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE api_keys SET last_used_ms = ? WHERE id = ?").bind(now_ms).bind(key);
    query.execute(&store.writer).await?;
    Ok(())
}

pub(super) async fn keys(store: &SqliteStore, user: UserId) -> Result<Vec<KeyRow>, StoreError> {
    let sql = "SELECT id, label, created_ms, last_used_ms, revoked_ms FROM api_keys WHERE user_id = ? ORDER BY id";
    Ok(sqlx::query_as(sql).bind(user.0).fetch_all(&store.readers).await?)
}

pub(super) async fn revoke_key(store: &SqliteStore, key: Uuid, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE api_keys SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL";
    Ok(sqlx::query(sql).bind(now_ms).bind(key).execute(&store.writer).await?.rows_affected() == 1)
}

pub(super) async fn devices(store: &SqliteStore, user: UserId) -> Result<Vec<DeviceRow>, StoreError> {
    let sql = "SELECT id, created_ms, last_push_ms, last_pull_ms, revoked_ms FROM devices
        WHERE user_id = ? ORDER BY created_ms, id";
    Ok(sqlx::query_as(sql).bind(user.0).fetch_all(&store.readers).await?)
}

pub(super) async fn revoke_device(
    store: &SqliteStore,
    user: UserId,
    device: DeviceId,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let sql = "UPDATE devices SET revoked_ms = ? WHERE user_id = ? AND id = ? AND revoked_ms IS NULL";
    let query = sqlx::query(sql).bind(now_ms).bind(user.0).bind(device.0);
    Ok(query.execute(&store.writer).await?.rows_affected() == 1)
}

pub(super) async fn note_pull(
    store: &SqliteStore,
    user: UserId,
    device: DeviceId,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let sql = "SELECT last_pull_ms, revoked_ms IS NULL FROM devices WHERE user_id = ? AND id = ?";
    let query = sqlx::query_as(sql).bind(user.0).bind(device.0);
    let known: Option<(Option<i64>, bool)> = query.fetch_optional(&store.readers).await?;
    // Noted once a minute: a pull is a read and should not wait for the writer.
    if let Some((last_pull_ms, allowed)) = known
        && (!allowed || last_pull_ms.is_some_and(|last| now_ms - last < NOTE_EVERY_MS))
    {
        return Ok(allowed);
    }
    let sql = "INSERT INTO devices (user_id, id, created_ms, last_pull_ms) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT DO UPDATE SET last_pull_ms = ?3 RETURNING revoked_ms IS NULL";
    let query = sqlx::query_as(sql).bind(user.0).bind(device.0).bind(now_ms);
    let (allowed,): (bool,) = query.fetch_one(&store.writer).await?;
    Ok(allowed)
}

const NOTE_EVERY_MS: i64 = 60_000;
