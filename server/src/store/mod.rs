//! What the server keeps, as one contract for two databases. Holds no rule of the protocol: those are in `replica.rs`.

mod accounts;
mod error;
pub mod postgres;
mod shared;
pub mod sqlite;

use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

pub use accounts::{AccountStore, DeviceRow, KeyOwner, KeyRow, UserRow};
pub use error::{OpenError, StoreError};
pub use shared::PurgeStore;

use crate::pokes::Pokes;

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
    /// Covers every sequence number up to this one.
    pub seq: i64,
    /// Head of the snapshot it was cut from. A record may have stood between `seq` and here, and been left to later
    /// pages: a history that lacks this head may have it before `seq`.
    pub head: i64,
    /// Mark of the history at that head.
    pub mark: i64,
    /// The purge horizon when this pull began from nothing: later positions of the same pull outlive it.
    pub floor: i64,
    /// How many copies of its scope waited behind it in that snapshot, where that was counted.
    pub waiting: Option<i64>,
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
    /// Counts accepted copies: [`FIRST_VERSION`] for one that replaces none.
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
    /// Mark of the history at the head that the reader saw before; 0 where the history does not reach it.
    pub mark_at_seen: i64,
    /// The copies, in order of their sequence.
    pub copies: Vec<StoredCopy>,
    /// True when copies wait behind this page.
    pub has_more: bool,
    /// How many, where that was cheap to count.
    pub remaining: Option<i64>,
}

/// Which page to read.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'a> {
    /// One entity, or all.
    pub entity: Option<&'a str>,
    /// Only copies after this sequence number.
    pub after: i64,
    /// The head that the reader saw before.
    pub seen: i64,
    /// What waited after `after` at that head, where that was counted.
    pub counted: Option<Counted>,
    /// Most copies.
    pub records_max: usize,
    /// Most bytes of encoded copies; one copy is always given.
    pub bytes_max: usize,
}

/// A count of waiting copies, and what must not have changed for it to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many waited.
    pub waiting: i64,
    /// The purge horizon then.
    pub horizon: i64,
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
pub trait ServerStore: AccountStore + PurgeStore {
    /// The secret that signs this database's cursors.
    fn cursor_secret(&self) -> [u8; 32];

    /// Opens the one writing transaction for `user`: until it ends, no other push of this user proceeds, on any node.
    async fn begin_push(&self, user: UserId) -> Result<Box<dyn PushTx>, StoreError>;

    /// Reads one page from one snapshot.
    async fn page(&self, user: UserId, query: PageQuery<'_>) -> Result<PageRead, StoreError>;

    /// The user's counters.
    async fn user_state(&self, user: UserId) -> Result<UserState, StoreError>;

    /// Tells the other nodes on this database, soon and perhaps not, that a device moved the user's history.
    fn announce(&self, _user: UserId, _by: DeviceId) {}

    /// Wakes `pokes` for what other nodes announce, until the connection fails. Returns at once where there are none.
    async fn listen(&self, _pokes: &Pokes) -> Result<(), StoreError> {
        Ok(())
    }
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

    /// Writes and commits durably; gives the user's counters as they are then. A mark that this user's history does
    /// not have yet begins a new stretch of it.
    async fn commit(self: Box<Self>, writes: PushWrites, now_ms: i64) -> Result<UserState, StoreError>;
}

impl StoredCopy {
    /// About how many bytes this copy takes on the wire.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        self.fields.len() + self.id.len() + self.entity.len() + ENVELOPE_BYTES
    }
}

impl PageQuery<'_> {
    /// What waits after `after`, where the history is still the one in which it was counted.
    fn waiting(&self, user: &UserState) -> Option<i64> {
        let holds = |counted: &Counted| user.head_seq == self.seen && user.horizon_seq == counted.horizon;
        self.counted.filter(holds).map(|counted| counted.waiting)
    }

    /// How far to count what waits behind the page: at the start of a pull to its end, later only a little way.
    fn count_most(&self) -> i64 {
        if self.after == 0 { i64::MAX } else { COUNT_MOST }
    }
}

/// A random number that names one run or one history; never 0, which means none.
pub(crate) fn new_mark() -> i64 {
    rand::random::<i64>() | 1
}

/// The version of a copy that replaces none.
pub const FIRST_VERSION: i64 = 1;
/// Counting walks an index: this far costs a tenth of reading a page.
const COUNT_MOST: i64 = 10_000;
/// The envelope's names and numbers, at most.
const ENVELOPE_BYTES: usize = 256;
