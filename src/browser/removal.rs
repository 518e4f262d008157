//! Removals from the outbox as ranges of its keys. Never covers a key that the commit does not remove.
//!
//! A request for each removed row costs many times what one for a range does. A range needs to know what lies in it: a
//! transaction that has read every key of an entity's outbox does.

use super::by_id::sorts_alike;
use crate::commit::{Found, Read, Write};
use crate::record::{ByKey, Entity, Key};

/// The entities of which a transaction has read every key of the outbox.
#[derive(Default)]
pub(super) struct KnownKeys(Vec<Entity>);

/// The ids of an entity from the first to the last.
pub(super) type Range = (Entity, String, String);

impl KnownKeys {
    /// Notes what was read.
    pub(super) fn note(&mut self, reads: &[Read]) {
        for read in reads {
            if let Read::AllChanges(entity) | Read::ChangeIds(entity) = read {
                self.0.push(*entity);
            }
        }
    }

    /// Takes the removals that lie side by side out of `writes`; gives their ranges.
    pub(super) fn take_ranges(&self, found: &Found, writes: &mut Vec<Write>) -> Vec<Range> {
        let mut ranges = Vec::new();
        for entity in &self.0 {
            let ids: Vec<(Key, bool)> = in_order(*entity, found, writes).into_iter().collect();
            let mut covered: Vec<&str> = Vec::new();
            let mut from = 0;
            while from < ids.len() {
                let run = ids[from..].iter().take_while(|(_, is_removed)| *is_removed).count();
                if run > 1 {
                    ranges.push((*entity, ids[from].0.id.clone(), ids[from + run - 1].0.id.clone()));
                    covered.extend(ids[from..from + run].iter().map(|(key, _)| key.id.as_str()));
                }
                from += run.max(1);
            }
            let is_covered = |write: &Write| matches!(write, Write::DeleteChange(key) if key.entity == *entity && covered.binary_search(&key.id.as_str()).is_ok());
            writes.retain(|write| !is_covered(write));
        }
        ranges
    }
}

/// The ids of every outbox row of an entity that is there or removed, and whether the commit removes it.
#[allow(clippy::wildcard_enum_match_arm, reason = "no other write is about an outbox row")]
fn in_order(entity: Entity, found: &Found, writes: &[Write]) -> ByKey<bool> {
    let mut ids = ByKey::default();
    for write in writes {
        match write {
            Write::DeleteChange(key) if key.entity == entity && sorts_alike(&key.id) => {
                ids.insert(entity, key.id.clone(), true);
            }
            _ => {}
        }
    }
    if ids.is_empty() {
        return ids;
    }
    for write in writes {
        match write {
            // What the same commit stores keeps its place between the removals.
            Write::PutChange(change) if change.key.entity == entity => {
                ids.insert(entity, change.key.id.clone(), false);
            }
            _ => {}
        }
    }
    let there = found.changes.of(entity).map(|(id, _)| id).chain(found.change_ids.of(entity).map(|(id, ())| id));
    for id in there {
        if ids.value(entity, id).is_none() {
            ids.insert(entity, id.clone(), false);
        }
    }
    ids
}
