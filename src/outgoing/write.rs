//! Step 1 of 5: a local write, its stamp and its mark in the outbox, in one commit. Any tab; never needs the lead.
//!
//! Source: docs/protocol.md, section 3; invariants I3, I10.

use super::detect;
use super::outbox::Change;
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::{Config, Detect};
use crate::mutation::{self, Mutation};
use crate::record::{ByKey, Entity, Fields, Key, Millis, Record, Row, Stamp, StoredRow};

/// One or more local writes that commit together.
pub struct LocalWrite {
    /// The writes, in order.
    pub edits: Vec<Edit>,
    /// The raw clock.
    pub now: Millis,
}

/// One local write.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The record.
    pub key: Key,
    /// What to do with it.
    pub kind: EditKind,
}

/// What a local write does.
#[derive(Clone, Debug, PartialEq)]
pub enum EditKind {
    /// Stores these fields, all of them; makes the record, or brings it back from a tombstone.
    Put(Fields),
    /// Changes these fields of a live record and keeps the others.
    Patch(Fields),
    /// Makes the record a tombstone. Nothing happens where there is none, or one already.
    Delete,
    /// Marks the record as it stands, to be pushed as if edited.
    MarkDirty,
}

impl Step for LocalWrite {
    type Outcome = Vec<Record>;

    fn next(&self, found: &Found, config: &Config) -> Next<Vec<Record>> {
        if found.rounds == 0 {
            return Next::Read(self.reads());
        }
        let Some(mut replica) = found.replica.clone() else { return Next::Refuse(Refusal::NoReplica) };
        let mut writing = Writing { found, overlay: ByKey::default() };
        let mut written = Vec::new();
        let floor = Stamp(self.now.0.saturating_add(replica.offset_ms)).max(replica.last_stamp);
        for edit in &self.edits {
            let detect = config.entity(edit.key.entity).detect;
            let Ok(record) = writing.edit(edit, floor, self.now, detect) else {
                return Next::Refuse(Refusal::NotFound(edit.key.clone()));
            };
            if let Some(record) = record {
                // A pulled stamp far ahead is beaten for its own record only, and moves no other record's stamp.
                if record.client_updated_at <= floor {
                    replica.last_stamp = replica.last_stamp.max(record.client_updated_at);
                }
                written.push(record);
            }
        }
        let mut writes = writing.into_writes(config);
        if !writes.is_empty() {
            writes.push(Write::PutReplica(replica));
        }
        Next::Commit(writes, written)
    }
}

impl LocalWrite {
    fn reads(&self) -> Vec<Read> {
        let keys: ByKey<()> = self.edits.iter().map(|edit| (edit.key.clone(), ())).collect();
        let mut reads = vec![Read::Replica];
        for (entity, ids) in keys.ids() {
            reads.push(Read::Changes(entity, ids.clone()));
            reads.push(Read::Rows(entity, ids));
        }
        reads
    }
}

struct Writing<'a> {
    found: &'a Found,
    /// Rows and changes as the earlier edits of this commit left them.
    overlay: ByKey<(Row, Change)>,
}

impl Writing<'_> {
    fn edit(&mut self, edit: &Edit, floor: Stamp, now: Millis, detect: Detect) -> Result<Option<Record>, ()> {
        let key = &edit.key;
        let (row, stored) = match self.overlay.value(key.entity, &key.id) {
            Some((row, change)) => (Some(row.clone()), Some(change.clone())),
            None => {
                (self.found.row(key.entity, &key.id).cloned(), self.found.changes.value(key.entity, &key.id).cloned())
            }
        };
        let kept_tombstone = stored.as_ref().and_then(|change| change.tombstone.clone());
        let current = row.as_ref().map(|row| &row.record).or(kept_tombstone.as_ref());
        let synced = row.as_ref().and_then(|row| row.synced).map(|synced| synced.stamp);
        let in_row = current.map(|current| current.client_updated_at);
        // A row that the app wrote by itself may be stamped behind the copy it replaced.
        let replaced = in_row.max(synced).max(stored.as_ref().and_then(Change::replaced));
        let replaced = replaced.filter(|_| !mutation::is(Mutation::StampTrailsReplaced));
        let stamp = floor.max(replaced.map_or(Stamp(0), Stamp::next));
        let Some(record) = edited(edit, current, stamp)? else { return Ok(None) };
        let is_clean = row.is_some() && edit.kind != EditKind::MarkDirty;
        let renewed = stored.map(|mut change| {
            change.edited();
            change
        });
        let mut change = renewed.unwrap_or_else(|| {
            let known = synced.is_some() || (is_clean && detect == Detect::Exact);
            let mut change = Change::new(key.clone(), stamp, detect::operation(&record, known), now);
            change.known = known;
            // Also where it is not known to the backend: if the backend does have it, this is its copy.
            change.base = synced.max(in_row.filter(|_| detect == Detect::Exact));
            change
        });
        change.stamp = record.client_updated_at;
        change.operation = detect::operation(&record, change.known);
        change.tombstone = None;
        let row = Row { record: record.clone(), synced: row.and_then(|row| row.synced) };
        self.overlay.insert(key.entity, key.id.clone(), (row, change));
        Ok(Some(record))
    }

    fn into_writes(self, config: &Config) -> Vec<Write> {
        let mut writes = Vec::with_capacity(self.overlay.len() * 2 + 1);
        for (key, (row, change)) in self.overlay {
            // Where the app writes rows by itself, a scan must not take our own write for a second edit.
            debug_assert!(
                config.entity(key.entity).detect == Detect::Exact || change.stamp == row.record.client_updated_at
            );
            writes.push(Write::PutRow(key.entity, row.record, row.synced));
            writes.push(Write::PutChange(change));
        }
        writes
    }
}

/// The copy that an edit makes of `current`; none where nothing is to be done.
fn edited(edit: &Edit, current: Option<&Record>, stamp: Stamp) -> Result<Option<Record>, ()> {
    let live = current.filter(|current| !current.is_deleted);
    let (is_deleted, fields) = match &edit.kind {
        EditKind::Put(fields) => (false, fields.clone()),
        EditKind::Patch(patch) => {
            let mut fields = live.ok_or(())?.fields.clone();
            fields.extend(patch.iter().map(|(name, value)| (name.clone(), value.clone())));
            (false, fields)
        }
        EditKind::Delete => match live {
            None => return Ok(None),
            Some(live) => (true, live.fields.clone()),
        },
        EditKind::MarkDirty => {
            let current = current.ok_or(())?;
            (current.is_deleted, current.fields.clone())
        }
    };
    Ok(Some(Record {
        id: edit.key.id.clone(),
        client_created_at: current.map_or(stamp, |current| current.client_created_at),
        client_updated_at: stamp,
        is_deleted,
        // What the backend said of its copy is not true of this one; its own id of the record is.
        server_updated_at: None,
        server_id: current.and_then(|current| current.server_id.clone()),
        version: None,
        sync: None,
        fields,
    }))
}

/// Reads records for the app; writes nothing.
pub struct ReadRows {
    /// The entity.
    pub entity: Entity,
    /// The ids; none for every row.
    pub ids: Option<Vec<String>>,
}

impl Step for ReadRows {
    type Outcome = Vec<(String, StoredRow)>;

    fn next(&self, found: &Found, _: &Config) -> Next<Self::Outcome> {
        if found.rounds == 0 {
            return Next::Read(vec![match &self.ids {
                Some(ids) => Read::Rows(self.entity, ids.clone()),
                None => Read::AllRows(self.entity),
            }]);
        }
        Next::Commit(Vec::new(), found.rows.of(self.entity).map(|(id, row)| (id.clone(), row.clone())).collect())
    }

    fn is_read_only(&self) -> bool {
        true
    }
}
