//! How many records stand where: one full read, then moved on by each commit. Never knows what others have written since.

use super::outbox::ChangeState;
use crate::checkpoint::EntityMeta;
use crate::commit::{Found, Next, Read, Step, Write};
use crate::config::Config;
use crate::record::{ByEntity, ByKey, ByScope, Entity, Key, Millis, Scope};

/// Where the records stand that are not simply clean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The outbox.
    pub changes: ByKey<ChangeState>,
    /// The conflicts that wait for the user.
    pub conflicts: ByKey<()>,
    /// The quarantined records.
    pub quarantined: ByKey<()>,
    /// Kept for each entity.
    pub entities: ByEntity<EntityMeta>,
    /// When a pull of each scope last ended.
    pub pulled_at: ByScope<Millis>,
}

/// Reads all of it.
pub struct ReadStanding;

impl Step for ReadStanding {
    type Outcome = Standing;

    fn next(&self, found: &Found, _: &Config) -> Next<Standing> {
        if found.rounds == 0 {
            let all = [Read::Outbox, Read::AllConflicts, Read::Quarantine, Read::EntityMetas, Read::Checkpoints];
            return Next::Read(all.into());
        }
        let mut standing = Standing { entities: found.entities.clone(), ..Standing::default() };
        for (entity, id, change) in found.changes.iter() {
            standing.changes.insert(entity, id.clone(), change.state);
        }
        for (entity, id, _) in found.conflicts.iter() {
            standing.conflicts.insert(entity, id.clone(), ());
        }
        for (entity, id, ()) in found.quarantined.iter() {
            standing.quarantined.insert(entity, id.clone(), ());
        }
        for (scope, checkpoint) in &found.checkpoints {
            standing.pulled(*scope, checkpoint.pulled_at);
        }
        Next::Commit(Vec::new(), standing)
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

/// What one write does to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// An outbox row stands so, or is gone.
    Change(Key, Option<ChangeState>),
    /// A conflict waits, or no longer.
    Conflict(Key, bool),
    /// A record is quarantined, or no longer.
    Quarantined(Key, bool),
    /// What is kept for an entity.
    Entity(Entity, EntityMeta),
    /// When a pull of a scope last ended.
    Pulled(Scope, Option<Millis>),
    /// Nothing is left.
    Wiped,
}

impl Move {
    /// None for a write that moves nothing.
    #[must_use]
    pub fn of(write: &Write) -> Option<Self> {
        Some(match write {
            Write::PutChange(change) => Self::Change(change.key.clone(), Some(change.state)),
            Write::DeleteChange(key) => Self::Change(key.clone(), None),
            Write::PutConflict(conflict) => Self::Conflict(conflict.key.clone(), true),
            Write::DeleteConflict(key) => Self::Conflict(key.clone(), false),
            Write::PutQuarantined(bad) => Self::Quarantined(bad.key.clone(), true),
            Write::DeleteQuarantined(key) => Self::Quarantined(key.clone(), false),
            Write::PutEntityMeta(entity, meta) => Self::Entity(*entity, meta.clone()),
            Write::Wipe => Self::Wiped,
            Write::PutCheckpoint(scope, checkpoint) => Self::Pulled(*scope, checkpoint.pulled_at),
            Write::PutRow(..)
            | Write::PutRowWithColumns(..)
            | Write::DeleteRow(_)
            | Write::PutReplica(_)
            | Write::PutInFlight(_)
            | Write::DeleteInFlight(_)
            | Write::PutSeen(..)
            | Write::DeleteSeen(..) => return None,
        })
    }
}

impl Standing {
    /// Moves on by one committed write.
    pub fn follow(&mut self, moved: Move) {
        match moved {
            Move::Change(key, state) => set(&mut self.changes, key, state),
            Move::Conflict(key, waits) => set(&mut self.conflicts, key, waits.then_some(())),
            Move::Quarantined(key, is_bad) => set(&mut self.quarantined, key, is_bad.then_some(())),
            Move::Entity(entity, meta) => drop(self.entities.insert(entity, meta)),
            Move::Pulled(scope, at) => self.pulled(scope, at),
            Move::Wiped => *self = Self::default(),
        }
    }

    fn pulled(&mut self, scope: Scope, at: Option<Millis>) {
        match at {
            Some(at) => drop(self.pulled_at.insert(scope, at)),
            None => drop(self.pulled_at.remove(&scope)),
        }
    }
}

fn set<T>(map: &mut ByKey<T>, key: Key, value: Option<T>) {
    match value {
        Some(value) => map.insert(key.entity, key.id, value),
        None => map.remove(key.entity, &key.id),
    };
}
