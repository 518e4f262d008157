//! One transaction as data: what to read, then what to write. Never runs one; a [`crate::ports::Store`] does.
//!
//! A step is asked what it needs until it can decide. All of it happens inside one transaction, so nothing can change
//! between what was read and what is written.

use std::cell::Cell;

use crate::checkpoint::{Checkpoint, EntityMeta, InFlight, Replica};
use crate::columns::Columns;
use crate::config::Config;
use crate::incoming::conflict::Conflict;
use crate::incoming::validate::Quarantined;
use crate::mutation::{self, Mutation};
use crate::outgoing::outbox::Change;
use crate::record::{ByEntity, ByKey, ByScope, Entity, Key, Millis, Record, Row, Scope, Stamp, StoredRow, Synced};

/// One transaction.
pub trait Step {
    /// What the transaction tells its caller once it has committed.
    type Outcome;

    /// Says what to do next, given all that was read so far. Pure.
    fn next(&self, found: &Found, config: &Config) -> Next<Self::Outcome>;

    /// When the transaction happens, where rows show it in their status columns.
    fn at(&self) -> Option<Millis> {
        None
    }

    /// True when the step never writes.
    fn is_read_only(&self) -> bool {
        false
    }

    /// True when the commit must survive a power cut before anything else happens.
    fn is_strict(&self) -> bool {
        false
    }
}

/// A step without its outcome, which it keeps for its caller: what runs it is not compiled anew for each step.
pub struct Kept<'a, S: Step> {
    step: &'a S,
    outcome: Cell<Option<S::Outcome>>,
}

impl<'a, S: Step> Kept<'a, S> {
    /// Nothing came of it yet.
    #[must_use]
    pub fn new(step: &'a S) -> Self {
        Self { step, outcome: Cell::new(None) }
    }

    /// What the last decision to commit came to, if there was one.
    #[must_use]
    pub fn outcome(self) -> Option<S::Outcome> {
        self.outcome.into_inner()
    }
}

impl<S: Step> Step for Kept<'_, S> {
    type Outcome = ();

    fn next(&self, found: &Found, config: &Config) -> Next<()> {
        match self.step.next(found, config) {
            Next::Read(reads) => Next::Read(reads),
            Next::Refuse(refusal) => Next::Refuse(refusal),
            Next::Commit(writes, outcome) => {
                self.outcome.set(Some(outcome));
                Next::Commit(writes, ())
            }
        }
    }

    fn at(&self) -> Option<Millis> {
        self.step.at()
    }

    fn is_read_only(&self) -> bool {
        self.step.is_read_only()
    }

    fn is_strict(&self) -> bool {
        self.step.is_strict()
    }
}

/// What a transaction does next.
pub enum Next<O> {
    /// Read these, then ask again.
    Read(Vec<Read>),
    /// Write these and commit.
    Commit(Vec<Write>, O),
    /// Abort: nothing is written.
    Refuse(Refusal),
}

/// Why a transaction was given up by its own decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another leader has raised the fence.
    Fenced,
    /// What the decision was based on has changed: decide again.
    Stale,
    /// The replica's own state is gone (evicted or wiped).
    NoReplica,
    /// The database belongs to another account.
    AccountMismatch,
    /// There is no such record.
    NotFound(Key),
    /// The backend's history is another one than the checkpoint's.
    EpochChanged(String),
}

/// One thing to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// The replica's state.
    Replica,
    /// A scope's checkpoint.
    Checkpoint(Scope),
    /// What is kept for an entity.
    EntityMeta(Entity),
    /// The bodies in flight.
    InFlight,
    /// Rows by id.
    Rows(Entity, Vec<String>),
    /// Rows whose stamp is this or greater.
    RowsSince(Entity, Stamp),
    /// Every row of an entity.
    AllRows(Entity),
    /// The ids of every row of an entity.
    RowIds(Entity),
    /// Changes by id.
    Changes(Entity, Vec<String>),
    /// Every change of an entity.
    AllChanges(Entity),
    /// The ids of every change of an entity.
    ChangeIds(Entity),
    /// Every change of every entity.
    Outbox,
    /// Conflicts by id.
    Conflicts(Entity, Vec<String>),
    /// Every conflict.
    AllConflicts,
    /// The ids of an entity's quarantined records.
    QuarantineIds(Entity),
    /// The ids of every entity's quarantined records.
    Quarantine,
    /// What is kept for every entity.
    EntityMetas,
    /// Every scope's checkpoint.
    Checkpoints,
    /// The ids seen by the resync of a scope, in so many lists.
    Seen(Scope, u32),
}

/// What was read so far.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// How many times [`Step::next`] asked to read.
    pub rounds: u32,
    /// The replica's state.
    pub replica: Option<Replica>,
    /// Checkpoints of the scopes asked for.
    pub checkpoints: ByScope<Checkpoint>,
    /// Kept for the entities asked for.
    pub entities: ByEntity<EntityMeta>,
    /// The bodies in flight, in their order.
    pub in_flight: Vec<InFlight>,
    /// The rows found.
    pub rows: ByKey<StoredRow>,
    /// The status columns of the rows found, where they have any.
    pub columns: ByKey<Columns>,
    /// The ids of rows found.
    pub row_ids: ByKey<()>,
    /// The changes found.
    pub changes: ByKey<Change>,
    /// The ids of changes found.
    pub change_ids: ByKey<()>,
    /// The conflicts found.
    pub conflicts: ByKey<Conflict>,
    /// The ids of quarantined records found.
    pub quarantined: ByKey<()>,
    /// Ids seen by a resync.
    pub seen: ByKey<()>,
}

impl Found {
    /// The checkpoint of `scope`; the empty one where none is stored.
    #[must_use]
    pub fn checkpoint(&self, scope: Scope) -> Checkpoint {
        self.checkpoints.get(&scope).cloned().unwrap_or_default()
    }

    /// What is kept for `entity`; nothing where none is stored.
    #[must_use]
    pub fn entity(&self, entity: Entity) -> EntityMeta {
        self.entities.get(&entity).cloned().unwrap_or_default()
    }

    /// The row of a record, if it is there and decodes.
    #[must_use]
    pub fn row(&self, entity: Entity, id: &str) -> Option<&Row> {
        self.rows.value(entity, id)?.row()
    }

    /// The local copy of a record: its row, or the tombstone kept in the outbox.
    #[must_use]
    pub fn local(&self, entity: Entity, id: &str) -> Option<&Record> {
        self.row(entity, id).map(|row| &row.record).or_else(|| self.changes.value(entity, id)?.tombstone.as_ref())
    }

    /// The replica's state, if the caller's `fence` still holds.
    ///
    /// # Errors
    /// [`Refusal::NoReplica`] or [`Refusal::Fenced`].
    pub fn led_by(&self, fence: u64) -> Result<&Replica, Refusal> {
        let replica = self.replica.as_ref().ok_or(Refusal::NoReplica)?;
        if replica.fence == fence || mutation::is(Mutation::FenceNotChecked) {
            Ok(replica)
        } else {
            Err(Refusal::Fenced)
        }
    }
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Stores a row.
    PutRow(Entity, Record, Option<Synced>),
    /// Stores a row with its status columns. Made by [`crate::columns::fill`] alone.
    PutRowWithColumns(Entity, Row, Columns),
    /// Removes a row.
    DeleteRow(Key),
    /// Stores a change.
    PutChange(Change),
    /// Removes a change.
    DeleteChange(Key),
    /// Stores a conflict.
    PutConflict(Conflict),
    /// Removes a conflict.
    DeleteConflict(Key),
    /// Stores a quarantined record.
    PutQuarantined(Quarantined),
    /// Removes a quarantined record.
    DeleteQuarantined(Key),
    /// Stores the replica's state.
    PutReplica(Replica),
    /// Stores a checkpoint.
    PutCheckpoint(Scope, Checkpoint),
    /// Stores what is kept for an entity.
    PutEntityMeta(Entity, EntityMeta),
    /// Stores a body in flight.
    PutInFlight(InFlight),
    /// Removes the body in flight that has this place.
    DeleteInFlight(u8),
    /// Stores one list of ids seen by the resync of a scope.
    PutSeen(Scope, u32, Vec<Key>),
    /// Removes so many lists of seen ids.
    DeleteSeen(Scope, u32),
    /// Removes every row, change, conflict and quarantined record, and all state but the device id.
    Wipe,
}

/// Unwraps a refusal inside [`Step::next`].
#[macro_export]
macro_rules! or_refuse {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusal) => return $crate::commit::Next::Refuse(refusal),
        }
    };
}
