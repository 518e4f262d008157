//! The user's hand on the outbox: retry or discard what failed, choose between two copies. Never syncs by itself.

use super::detect;
use super::outbox::{Change, ChangeState};
use crate::checkpoint::{Checkpoint, Replica, Resync, ResyncReason};
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::Config;
use crate::incoming::conflict::Conflict;
use crate::mutation::{self, Mutation};
use crate::record::{ByEntity, Fields, Key, Millis, Record, Scope, Stamp, listed};

/// Puts failed changes back into the queue.
pub struct Retry {
    /// The records; none for every failed change.
    pub keys: Option<Vec<Key>>,
}

impl Step for Retry {
    type Outcome = usize;

    fn next(&self, found: &Found, config: &Config) -> Next<usize> {
        if found.rounds == 0 {
            return Next::Read(change_reads(self.keys.as_deref(), config));
        }
        let failed = |change: &&Change| matches!(change.state, ChangeState::Failed | ChangeState::FailedPermanently);
        let mut writes = Vec::new();
        for change in found.changes.iter().map(|(_, _, change)| change).filter(failed) {
            let mut again = change.clone();
            again.requeue();
            writes.push(Write::PutChange(again));
        }
        let count = writes.len();
        Next::Commit(writes, count)
    }
}

/// Gives up a local change. The row stays until a full pull brings the backend's copy; one it never had is removed.
pub struct Discard {
    /// The record.
    pub key: Key,
}

impl Step for Discard {
    type Outcome = Option<Scope>;

    fn next(&self, found: &Found, config: &Config) -> Next<Self::Outcome> {
        let Key { entity, id } = &self.key;
        let scope = config.scope_of(*entity);
        if found.rounds == 0 {
            return Next::Read(vec![
                Read::Replica,
                Read::Changes(*entity, vec![id.clone()]),
                Read::Rows(*entity, vec![id.clone()]),
                Read::Checkpoint(scope),
            ]);
        }
        let Some(replica) = &found.replica else { return Next::Refuse(Refusal::NoReplica) };
        let Some(change) = found.changes.value(*entity, id).filter(|change| change.is_dirty()) else {
            return Next::Refuse(Refusal::NotFound(self.key.clone()));
        };
        let mut writes = vec![Write::DeleteChange(self.key.clone()), Write::DeleteConflict(self.key.clone())];
        // What was given up may be on its way: the next edit of the record must not share its stamp.
        let last_stamp = replica.last_stamp.max(change.stamp).next();
        writes.push(Write::PutReplica(Replica { last_stamp, ..replica.clone() }));
        // One marked as it stood may be there all the same: the full pull shows it.
        if !change.known && change.base.is_none() {
            writes.push(Write::DeleteRow(self.key.clone()));
            return Next::Commit(writes, None);
        }
        if let Some(row) = found.row(*entity, id) {
            // Clean, and older than any copy the backend may have: it claims nothing.
            let mut record = row.record.clone();
            if !mutation::is(Mutation::DiscardKeepsStamp) {
                record.client_updated_at = GIVEN_UP;
            }
            record.server_updated_at = None;
            let mark = detect::synced_mark(config.entity(*entity).detect, &record, replica.hash_key);
            writes.push(Write::PutRow(*entity, record, Some(mark)));
        }
        // The backend's copy has gone by: only a full pull brings it again, or shows that it is gone.
        let before = found.checkpoint(scope);
        if let Some(resync) = before.resync {
            writes.push(Write::DeleteSeen(scope, resync.seen_lists));
        }
        let reason = before.resync.map_or(ResyncReason::CursorExpired, |resync| resync.reason);
        let checkpoint = Checkpoint { cursor: None, resync: Some(Resync { reason, seen_lists: 0 }), ..before };
        writes.push(Write::PutCheckpoint(scope, checkpoint));
        Next::Commit(writes, Some(scope))
    }
}

/// Stamp of a row whose edit was given up: older than every copy.
pub const GIVEN_UP: Stamp = Stamp(0);

/// Settles one conflict by the user's choice.
pub struct Resolve {
    /// The record.
    pub key: Key,
    /// The choice.
    pub choice: Choice,
    /// The raw clock.
    pub now: Millis,
}

/// What to keep of two copies.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// This replica's copy, as a new edit.
    KeepLocal,
    /// The backend's copy.
    KeepRemote,
    /// These fields, as a new edit.
    Merged(Fields),
}

impl Step for Resolve {
    type Outcome = Option<Record>;

    fn at(&self) -> Option<Millis> {
        Some(self.now)
    }

    fn next(&self, found: &Found, config: &Config) -> Next<Option<Record>> {
        let Key { entity, id } = &self.key;
        let ids = vec![id.clone()];
        if found.rounds == 0 {
            return Next::Read(vec![
                Read::Replica,
                Read::Conflicts(*entity, ids.clone()),
                Read::Changes(*entity, ids.clone()),
                Read::Rows(*entity, ids),
            ]);
        }
        let Some(mut replica) = found.replica.clone() else { return Next::Refuse(Refusal::NoReplica) };
        let Some(conflict) = found.conflicts.value(*entity, id) else {
            return Next::Refuse(Refusal::NotFound(self.key.clone()));
        };
        let mut writes = vec![Write::DeleteConflict(self.key.clone())];
        let row = found.local(*entity, id);
        let stored = found.changes.value(*entity, id);
        // Edited while it waited: the row is the local copy now. Without an outbox row it came from the backend since.
        let (local, remote) = match stored {
            Some(_) => (row.unwrap_or(&conflict.local), conflict.remote.as_ref()),
            None => (&conflict.local, row.or(conflict.remote.as_ref())),
        };
        let mark = |record: &Record| detect::synced_mark(config.entity(*entity).detect, record, replica.hash_key);
        let fields = match &self.choice {
            Choice::KeepRemote if stored.is_none_or(|change| change.state != ChangeState::Conflict) => {
                // The local copy has left the row already; what is there now is not what the choice is about.
                return Next::Commit(writes, row.cloned());
            }
            Choice::KeepRemote => {
                writes.push(Write::DeleteChange(self.key.clone()));
                match remote {
                    Some(remote) => writes.push(Write::PutRow(*entity, remote.clone(), Some(mark(remote)))),
                    None => writes.push(Write::DeleteRow(self.key.clone())),
                }
                return Next::Commit(writes, remote.cloned());
            }
            Choice::KeepLocal => local.fields.clone(),
            Choice::Merged(fields) => fields.clone(),
        };
        let record = self.new_edit(local, remote, fields, replica.last_stamp, replica.offset_ms);
        replica.last_stamp = replica.last_stamp.max(record.client_updated_at);
        let known = remote.is_some();
        let mut change = found.changes.value(*entity, id).cloned().unwrap_or_else(|| {
            Change::new(self.key.clone(), record.client_updated_at, detect::operation(&record, known), self.now)
        });
        change.requeue();
        change.stamp = record.client_updated_at;
        change.known = known;
        change.held = change.held.max(change.base);
        change.base = remote.map(|remote| remote.client_updated_at);
        change.accepted_at = remote.and_then(|remote| remote.server_updated_at);
        change.operation = detect::operation(&record, known);
        change.tombstone = None;
        let synced = remote.map(mark);
        writes.push(Write::PutRow(*entity, record.clone(), synced));
        writes.push(Write::PutChange(change));
        writes.push(Write::PutReplica(replica));
        Next::Commit(writes, Some(record))
    }
}

impl Resolve {
    /// A copy newer than both.
    fn new_edit(&self, local: &Record, remote: Option<&Record>, fields: Fields, last: Stamp, offset_ms: i64) -> Record {
        let seen = remote.map_or(Stamp(0), |remote| remote.client_updated_at);
        let stamp =
            Stamp(self.now.0.saturating_add(offset_ms)).max(last).max(local.client_updated_at.next()).max(seen.next());
        let kept_tombstone = self.choice == Choice::KeepLocal && local.is_deleted;
        Record {
            client_updated_at: stamp,
            is_deleted: kept_tombstone,
            fields,
            server_updated_at: None,
            version: None,
            ..local.clone()
        }
    }
}

/// Lists the outbox, the conflicts, and what is known of each scope.
pub struct Overview;

/// Everything that waits.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// The outbox.
    pub changes: Vec<Change>,
    /// Conflicts that wait for the user.
    pub conflicts: Vec<Conflict>,
    /// Quarantined records by entity.
    pub quarantined: ByEntity<usize>,
    /// Last push and pull of each entity.
    pub entities: ByEntity<crate::checkpoint::EntityMeta>,
}

impl Step for Overview {
    type Outcome = Waiting;

    fn next(&self, found: &Found, config: &Config) -> Next<Waiting> {
        if found.rounds == 0 {
            let mut reads = vec![Read::AllConflicts];
            for entity in config.all() {
                reads.extend([Read::AllChanges(entity), Read::QuarantineIds(entity), Read::EntityMeta(entity)]);
            }
            return Next::Read(reads);
        }
        let waiting = Waiting {
            changes: found.changes.iter().map(|(_, _, change)| change.clone()).collect(),
            conflicts: found.conflicts.iter().map(|(_, _, conflict)| conflict.clone()).collect(),
            quarantined: listed(config.all().map(|entity| (entity, found.quarantined.of(entity).count()))),
            entities: found.entities.clone(),
        };
        Next::Commit(Vec::new(), waiting)
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

/// Counts the rows of each entity, tombstones among them.
pub struct Count;

impl Step for Count {
    type Outcome = ByEntity<usize>;

    fn next(&self, found: &Found, config: &Config) -> Next<Self::Outcome> {
        if found.rounds == 0 {
            return Next::Read(config.all().map(Read::RowIds).collect());
        }
        Next::Commit(Vec::new(), listed(config.all().map(|entity| (entity, found.row_ids.of(entity).count()))))
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

/// Removes every row, change and checkpoint of the account; the device id stays. Counts the edits that were never sent.
#[derive(Default)]
pub struct Wipe {
    /// Takes the place of a replica that cannot be read.
    pub instead: Option<Replica>,
}

impl Step for Wipe {
    type Outcome = usize;

    fn next(&self, found: &Found, _: &Config) -> Next<usize> {
        if found.rounds == 0 {
            let replica = if self.instead.is_none() { Some(Read::Replica) } else { None };
            return Next::Read([Read::Outbox].into_iter().chain(replica).collect());
        }
        let unsent = found.changes.iter().filter(|(_, _, change)| change.is_dirty()).count();
        let mut writes = vec![Write::Wipe];
        if let Some(replica) = self.instead.as_ref().or(found.replica.as_ref()) {
            let mut replica = Replica { account: None, ..replica.clone() };
            // A leader that still runs must not write the old account's records into the empty database.
            replica.fence += u64::from(!mutation::is(Mutation::WipeKeepsFence));
            writes.push(Write::PutReplica(replica));
        }
        Next::Commit(writes, unsent)
    }

    fn is_strict(&self) -> bool {
        true
    }
}

fn change_reads(keys: Option<&[Key]>, config: &Config) -> Vec<Read> {
    match keys {
        None => config.all().map(Read::AllChanges).collect(),
        Some(keys) => keys.iter().map(|key| Read::Changes(key.entity, vec![key.id.clone()])).collect(),
    }
}
