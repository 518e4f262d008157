//! Step 2 of 5: which rows the app changed by itself since they were last seen. Never scans where writes mark themselves.
//!
//! The stamp index is a hint; contents decide, by a keyed hash in `_synced`. Source: docs/protocol.md, section 7.

use std::hash::Hasher;

use serde_json::Value;
use siphasher::sip::SipHasher13;

use super::outbox::{Change, ChangeState, Operation};
use crate::checkpoint::Replica;
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::{Config, Detect};
use crate::mutation::{self, Mutation};
use crate::or_refuse;
use crate::record::{Entity, Fields, Key, Millis, Record, Row, Stamp, StoredRow, Synced};

/// Marks the rows that the app changed.
pub struct Scan {
    /// The leader's fence.
    pub fence: u64,
    /// The entities.
    pub entities: Vec<Entity>,
    /// The raw clock, read before the scan.
    pub now: Millis,
    /// The backend's estimated lead over the raw clock, in milliseconds.
    pub offset_ms: i64,
    /// True to compare every row, whatever its stamp. The rows of all the entities are then held at once.
    pub deep: bool,
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scanned {
    /// How many rows were newly marked.
    pub marked: usize,
    /// Entities of which every row was compared.
    pub compared: Vec<Entity>,
    /// Entities passed over: stamps say nothing of their rows, which have to be compared.
    pub left: Vec<Entity>,
}

impl Step for Scan {
    type Outcome = Scanned;

    fn next(&self, found: &Found, config: &Config) -> Next<Scanned> {
        let entities = self.entities.iter().copied();
        debug_assert!(entities.clone().all(|entity| config.entity(entity).detect == Detect::Scan));
        if found.rounds == 0 {
            let metas = entities.map(Read::EntityMeta);
            return Next::Read([Read::Replica].into_iter().chain(metas).collect());
        }
        let replica = or_refuse!(found.led_by(self.fence));
        match found.rounds {
            1 if self.deep => {
                return Next::Read(entities.flat_map(|one| [Read::AllRows(one), Read::AllChanges(one)]).collect());
            }
            1 => {
                let since = |one| Some(Read::RowsSince(one, self.since(one, found, replica)?));
                return Next::Read(entities.filter_map(since).collect());
            }
            2 if !self.deep => {
                return Next::Read(found.rows.ids().into_iter().map(|(one, ids)| Read::Changes(one, ids)).collect());
            }
            _ => {}
        }
        let mut replica = replica.clone();
        let mut writes = Vec::new();
        let mut out = Scanned::default();
        for entity in entities {
            if self.deep {
                out.compared.push(entity);
            } else if self.since(entity, found, &replica).is_none() {
                out.left.push(entity);
                continue;
            } else if found.rows.of(entity).next().is_none() {
                // What is stored as scanned may lag behind: nothing lies between.
                continue;
            }
            self.mark(entity, found, &mut replica, &mut writes, &mut out);
            let mut meta = found.entity(entity);
            meta.scanned_to = Some(self.now);
            writes.push(Write::PutEntityMeta(entity, meta));
        }
        if !writes.is_empty() {
            replica.clock_max = self.now;
            writes.push(Write::PutReplica(replica));
        }
        Next::Commit(writes, out)
    }
}

impl Scan {
    /// The stamp from which on rows may have changed; none where every row may have, whatever its stamp.
    fn since(&self, entity: Entity, found: &Found, replica: &Replica) -> Option<Stamp> {
        let scanned_to = found.entity(entity).scanned_to.filter(|to| self.now >= replica.clock_max.max(*to))?;
        Some(Stamp(scanned_to.0.saturating_sub(SCAN_OVERLAP_MS)))
    }

    fn mark(&self, entity: Entity, found: &Found, replica: &mut Replica, writes: &mut Vec<Write>, out: &mut Scanned) {
        let clock = Clock { hash_key: replica.hash_key, now: self.now, offset_ms: self.offset_ms };
        for (id, stored) in found.rows.of(entity) {
            let StoredRow::Row(row) = stored else { continue };
            let before = found.changes.value(entity, id);
            let Some(local) = local_edit(&Key::new(entity, id), Some(row), before.cloned(), clock) else { continue };
            if Some(&local.change) == before {
                continue;
            }
            replica.last_stamp = replica.last_stamp.max(local.change.stamp);
            writes.extend(local.record.map(|record| Write::PutRow(entity, record, row.synced)));
            writes.push(Write::PutChange(local.change));
            out.marked += 1;
        }
    }
}

/// Reads one record's change as a scan would leave it; writes nothing.
pub struct Look {
    /// The record.
    pub key: Key,
    /// The raw clock.
    pub now: Millis,
}

impl Step for Look {
    type Outcome = Option<Change>;

    fn next(&self, found: &Found, _: &Config) -> Next<Option<Change>> {
        let Key { entity, id } = &self.key;
        if found.rounds == 0 {
            let ids = vec![id.clone()];
            return Next::Read(vec![Read::Replica, Read::Changes(*entity, ids.clone()), Read::Rows(*entity, ids)]);
        }
        let Some(replica) = &found.replica else { return Next::Refuse(Refusal::NoReplica) };
        let stored = found.changes.value(*entity, id).cloned();
        let row = found.row(*entity, id);
        Next::Commit(Vec::new(), marked_change(&self.key, row, stored, replica.hash_key, self.now))
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

/// What finding an edit depends on besides the row.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Key of the content hashes.
    pub hash_key: u64,
    /// The raw clock.
    pub now: Millis,
    /// The backend's estimated lead over the raw clock, in milliseconds.
    pub offset_ms: i64,
}

/// An edit that the app made by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalEdit {
    /// Its outbox row.
    pub change: Change,
    /// The row as it must be stored where its own stamp could not stand.
    pub record: Option<Record>,
}

/// The edit that a row written by the app alone stands for; none when the row equals the backend's copy.
///
/// Its stamp is corrected by a large clock offset, and never trails the copy that the edit replaces (I10).
#[must_use]
pub fn local_edit(key: &Key, row: Option<&Row>, stored: Option<Change>, clock: Clock) -> Option<LocalEdit> {
    let before = stored.clone();
    let mut change = marked_change(key, row, stored, clock.hash_key, clock.now)?;
    let Some(row) = row else { return Some(LocalEdit { change, record: None }) };
    let moved = before.as_ref() != Some(&change);
    if !moved && row.synced == Some(mark_of(&row.record, clock.hash_key)) {
        // Acknowledged, or sent again to a backend that lost it: a copy the backend has had keeps its stamp.
        return Some(LocalEdit { change, record: None });
    }
    let own = row.record.client_updated_at;
    let mut stamp = own;
    if moved && clock.offset_ms.abs() >= OFFSET_CORRECTED_MS {
        stamp = Stamp(own.0.min(clock.now.0).saturating_add(clock.offset_ms));
    }
    let earlier = before.filter(|_| moved).and_then(|before| before.replaced());
    let replaced = change.base.max(row.synced.map(|synced| synced.stamp)).max(earlier);
    stamp = stamp.max(replaced.map_or(Stamp(0), Stamp::next));
    if stamp == own {
        return Some(LocalEdit { change, record: None });
    }
    change.stamp = stamp;
    let mut record = row.record.clone();
    record.client_updated_at = stamp;
    Some(LocalEdit { change, record: Some(record) })
}

/// The change that a row written by the app alone stands for: the stored one, renewed if the content moved on, or a new
/// one; none when the row equals the backend's copy.
#[must_use]
fn marked_change(key: &Key, row: Option<&Row>, stored: Option<Change>, hash_key: u64, now: Millis) -> Option<Change> {
    let Some(row) = row else { return stored };
    let mark = mark_of(&row.record, hash_key);
    let clean = row.synced == Some(mark)
        || (mutation::is(Mutation::ContentHashIgnored) && row.synced.is_some_and(|synced| synced.stamp == mark.stamp));
    match stored {
        Some(mut change) => {
            // An app that forgets to stamp shows in the content of what was acknowledged, else in a deletion made or undone.
            let turned = (change.operation == Operation::Delete) != row.record.is_deleted;
            let moved = change.stamp != mark.stamp || turned || (change.state == ChangeState::Acknowledged && !clean);
            if moved {
                change.edited();
                change.stamp = mark.stamp;
                change.operation = operation(&row.record, change.known);
            }
            Some(change)
        }
        None if clean => None,
        None => {
            let known = row.synced.is_some();
            let mut change = Change::new(key.clone(), mark.stamp, operation(&row.record, known), now);
            change.known = known;
            change.base = row.synced.map(|synced| synced.stamp);
            Some(change)
        }
    }
}

fn mark_of(record: &Record, hash_key: u64) -> Synced {
    Synced { stamp: record.client_updated_at, hash: Some(content_hash(record, hash_key)) }
}

/// What a local copy does to a record that the backend has (`known`) or never had.
#[must_use]
pub fn operation(local: &Record, known: bool) -> Operation {
    match (local.is_deleted, known) {
        (true, _) => Operation::Delete,
        (false, true) => Operation::Update,
        (false, false) => Operation::Create,
    }
}

/// The `_synced` mark of a row that holds `record` as the backend has it.
#[must_use]
pub fn synced_mark(detect: Detect, record: &Record, hash_key: u64) -> Synced {
    let hash = (detect == Detect::Scan).then(|| content_hash(record, hash_key));
    Synced { stamp: record.client_updated_at, hash }
}

/// Hashes what a user could have changed: the app's fields and the deletion mark. Keyed, so that no one can aim for a clash.
#[must_use]
pub fn content_hash(record: &Record, hash_key: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(hash_key, 0);
    hasher.write_u8(u8::from(record.is_deleted));
    hash_fields(&record.fields, &mut hasher);
    hasher.finish()
}

fn hash_fields(fields: &Fields, hasher: &mut SipHasher13) {
    hasher.write_u64(fields.len() as u64);
    for (name, value) in fields {
        hash_text(name, hasher);
        hash_value(value, hasher);
    }
}

fn hash_value(value: &Value, hasher: &mut SipHasher13) {
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(value) => hasher.write_u8(1 + u8::from(*value)),
        Value::Number(number) => {
            hasher.write_u8(3);
            // As JavaScript holds it, so that 1 and 1.0 are one number.
            hasher.write_u64(number.as_f64().unwrap_or_default().to_bits());
        }
        Value::String(text) => {
            hasher.write_u8(4);
            hash_text(text, hasher);
        }
        Value::Array(items) => {
            hasher.write_u8(5);
            hasher.write_u64(items.len() as u64);
            items.iter().for_each(|item| hash_value(item, hasher));
        }
        Value::Object(fields) => {
            hasher.write_u8(6);
            hash_fields(fields, hasher);
        }
    }
}

fn hash_text(text: &str, hasher: &mut SipHasher13) {
    hasher.write_u64(text.len() as u64);
    hasher.write(text.as_bytes());
}

/// A row stamped before a scan may be committed after it: each scan looks this far back again.
const SCAN_OVERLAP_MS: i64 = 10_000;
/// A smaller offset is noise of the estimate and corrects nothing.
pub(crate) const OFFSET_CORRECTED_MS: i64 = 2_000;
