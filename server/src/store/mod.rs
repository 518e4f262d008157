//! What the server keeps, as one contract for two databases. Holds no rule of the protocol: those are in `replica.rs`.

mod error;
pub mod sqlite;

use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

pub use error::{OpenError, StoreError};

/// Names a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct UserId(pub Uuid);

/// Names a replica of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct DeviceId(pub Uuid);

/// Names a record of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// The entity.
    pub entity: String,
    /// The record's id.
    pub id: String,
}

/// A user's counters. They move only inside a writing transaction that holds the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct UserState {
    /// Names one continuous history of this user's records.
    pub epoch: i64,
    /// Sequence number of the newest accepted copy.
    pub head_seq: i64,
    /// `serverUpdatedAt` of the newest accepted copy, in milliseconds.
    pub head_ms: i64,
    /// Mark of the newest stretch of the history; 0 before the first write.
    pub mark: i64,
    /// First sequence number of that stretch.
    pub mark_seq: i64,
    /// Greatest sequence number of a purged tombstone.
    pub horizon_seq: i64,
    /// Greatest stamp of a purged tombstone.
    pub purged_stamp: Option<i64>,
}

/// A place in a user's history, as a cursor carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The epoch it was cut in.
    pub epoch: i64,
    /// Mark of the commit it was cut from.
    pub mark: i64,
    /// Covers every sequence number up to this one.
    pub seq: i64,
    /// The purge horizon when this pull began from nothing: later positions of the same pull outlive it.
    pub floor: i64,
}

/// The backend's copy of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCopy {
    /// The entity.
    pub entity: String,
    /// The record's id.
    pub id: String,
    /// Place in the user's history.
    pub seq: i64,
    /// `clientCreatedAt`.
    pub created_ms: i64,
    /// `clientUpdatedAt`.
    pub stamp: i64,
    /// True for a tombstone.
    pub deleted: bool,
    /// `serverUpdatedAt`.
    pub server_ms: i64,
    /// Counts accepted copies.
    pub version: i64,
    /// The backend's own id.
    pub server_id: String,
    /// The app's fields, one JSON object.
    pub fields: String,
}

/// What a page read saw, all from one snapshot.
#[derive(Clone, Debug)]
pub struct PageRead {
    /// The user's counters.
    pub user: UserState,
    /// Mark of the history at the sequence the read started after.
    pub mark_at_start: i64,
    /// Mark of the history at the last copy of the page.
    pub mark_at_end: i64,
    /// The copies, in order of their sequence.
    pub copies: Vec<StoredCopy>,
    /// Copies that wait behind this page.
    pub remaining: u64,
}

/// Which page to read.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'a> {
    /// One entity, or all.
    pub entity: Option<&'a str>,
    /// Only copies after this sequence number.
    pub after: i64,
    /// Most copies.
    pub records_max: usize,
    /// Most bytes of encoded copies; one copy is always given.
    pub bytes_max: usize,
}

/// An answer kept under its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of path and body.
    pub body_hash: Vec<u8>,
    /// The part of the answer that a repeat gets again.
    pub answer: String,
}

/// Names the push whose answer is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushName {
    /// The replica that pushes.
    pub device: DeviceId,
    /// Its idempotency key.
    pub key: String,
}

/// What one push writes, all in the transaction that answers it.
#[derive(Debug, Default)]
pub struct PushWrites {
    /// Copies to insert or replace.
    pub copies: Vec<StoredCopy>,
    /// The user's counters afterwards.
    pub user: UserState,
    /// Answer to keep.
    pub keep: Option<(PushName, KeptAnswer)>,
}

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
    /// Its last pull, where it says who it is.
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

/// How many records of an entity a user has.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EntityCount {
    /// The entity.
    pub entity: String,
    /// Live records.
    pub live: i64,
    /// Tombstones.
    pub deleted: i64,
}

/// The database behind the server.
#[async_trait]
pub trait ServerStore: Send + Sync + 'static {
    /// The secret that signs this database's cursors.
    fn cursor_secret(&self) -> [u8; 32];

    /// Opens the one writing transaction for `user`: until it ends, no other push of this user proceeds, on any node.
    async fn begin_push(&self, user: UserId) -> Result<Box<dyn PushTx>, StoreError>;

    /// Reads one page from one snapshot.
    async fn page(&self, user: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError>;

    /// The user's counters.
    async fn user_state(&self, user: UserId) -> Result<UserState, StoreError>;

    /// Gives the user a new epoch if the present one is still `old`; returns the epoch that stands.
    async fn renew_epoch(&self, user: UserId, old: i64) -> Result<i64, StoreError>;

    /// Counts the user's records by entity.
    async fn counts(&self, user: UserId) -> Result<Vec<EntityCount>, StoreError>;

    /// Users with tombstones accepted before `before_ms`, at most `limit` of them.
    async fn users_with_tombstones(&self, before_ms: i64, limit: usize) -> Result<Vec<UserId>, StoreError>;

    /// Removes a user's tombstones accepted before `before_ms` and moves its horizon, in one transaction.
    async fn purge_tombstones(&self, user: UserId, before_ms: i64) -> Result<u64, StoreError>;

    /// Removes answers kept since before `before_ms`, at most `limit` of them.
    async fn purge_answers(&self, before_ms: i64, limit: u64) -> Result<u64, StoreError>;

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

    /// Revokes a device; false when there is none of this id that was not revoked before.
    async fn revoke_device(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError>;

    /// Notes a pull of a device; false when the device is revoked.
    async fn note_pull(&self, user: UserId, device: DeviceId, now_ms: i64) -> Result<bool, StoreError>;

    /// Answers when the database does.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// One push of one user: everything between holding the user and the durable commit.
///
/// Dropped without a commit, it leaves no trace.
#[async_trait]
pub trait PushTx: Send {
    /// The user's counters as this transaction found them.
    fn user(&self) -> UserState;

    /// The mark of this run of the backend: new after each start of the process or of the database.
    fn run_mark(&self) -> i64;

    /// Notes a push of a device; false when the device is revoked.
    async fn note_push(&mut self, device: DeviceId, now_ms: i64) -> Result<bool, StoreError>;

    /// The answer kept under this name.
    async fn kept(&mut self, name: &PushName) -> Result<Option<KeptAnswer>, StoreError>;

    /// The stored copies of one entity's records, in any order.
    async fn copies(&mut self, entity: &str, ids: &[&str]) -> Result<Vec<StoredCopy>, StoreError>;

    /// Which of one entity's records exist and are not deleted.
    async fn live(&mut self, entity: &str, ids: &[&str]) -> Result<HashSet<String>, StoreError>;

    /// Writes and commits durably. A mark that this user's history does not have yet begins a new stretch of it.
    async fn commit(self: Box<Self>, writes: PushWrites, now_ms: i64) -> Result<(), StoreError>;
}

impl StoredCopy {
    /// About how many bytes this copy takes on the wire.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        self.fields.len() + self.id.len() + self.entity.len() + ENVELOPE_BYTES
    }
}

/// A random number that names one run or one history; never 0, which means none.
pub(crate) fn new_mark() -> i64 {
    rand::random::<i64>() | 1
}

/// The envelope's names and numbers, at most.
const ENVELOPE_BYTES: usize = 256;
