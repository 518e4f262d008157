//! Removals from the outbox as ranges of its keys. Never covers a key that the commit does not remove.
//!
//! A request for each removed row costs many times what one for a range does. A range needs to know what lies in it: a
//! transaction that has read every key of an entity's outbox does.

use std::collections::{BTreeMap, BTreeSet};

use super::by_id::key_order;
use crate::commit::{Found, Read, Write};
use crate::record::Entity;

/// The entities of which a transaction has read every key of the outbox.
#[derive(Default)]
pub(super) struct KnownKeys(BTreeSet<Entity>);

/// Ranges of ids, from the first to the last.
pub(super) type Ranges = BTreeMap<Entity, Vec<(String, String)>>;

impl KnownKeys {
    /// Notes what was read.
    pub(super) fn note(&mut self, reads: &[Read]) {
        for read in reads {
            if let Read::AllChanges(entity) | Read::ChangeIds(entity) = read {
                self.0.insert(*entity);
            }
        }
    }

    /// Takes the removals that lie side by side out of `writes`; gives their ranges.
    pub(super) fn take_ranges(&self, found: &Found, writes: &mut Vec<Write>) -> Ranges {
        let mut ranges = Ranges::new();
        for entity in &self.0 {
            let side_by_side = ranges_of(*entity, found, writes);
            writes.retain(|write| !matches!(write, Write::DeleteChange(key) if key.entity == *entity && covers(&side_by_side, &key.id)));
            ranges.insert(*entity, side_by_side);
        }
        ranges
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "no other write is about an outbox row")]
fn ranges_of(entity: Entity, found: &Found, writes: &[Write]) -> Vec<(String, String)> {
    let mut removed: Vec<&str> = Vec::new();
    let mut stored: BTreeSet<&str> = BTreeSet::new();
    for write in writes {
        match write {
            Write::DeleteChange(key) if key.entity == entity => removed.push(&key.id),
            Write::PutChange(change) if change.key.entity == entity => drop(stored.insert(&change.key.id)),
            _ => {}
        }
    }
    // What the same commit stores keeps its place between the removals.
    removed.retain(|id| !stored.contains(id));
    removed.sort_unstable_by(|a, b| key_order(a, b));
    removed.dedup();
    let known = found.changes.of(entity).map(|(id, _)| id).chain(found.change_ids.of(entity).map(|(id, ())| id));
    let is_removed = |id: &str| removed.binary_search_by(|removed| key_order(removed, id)).is_ok();
    let mut kept: Vec<&str> = known.map(String::as_str).chain(stored).filter(|id| !is_removed(id)).collect();
    kept.sort_unstable_by(|a, b| key_order(a, b));

    let passed = |id: &str| kept.partition_point(|kept| key_order(kept, id).is_lt());
    let runs = removed.chunk_by(|a, b| passed(a) == passed(b)).filter(|run| run.len() > 1);
    runs.map(|run| (run[0].to_owned(), run[run.len() - 1].to_owned())).collect()
}

fn covers(ranges: &[(String, String)], id: &str) -> bool {
    let behind = ranges.partition_point(|(first, _)| key_order(first, id).is_le());
    behind > 0 && key_order(id, &ranges[behind - 1].1).is_le()
}
