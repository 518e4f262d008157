//! What must hold at the end of a world, once no one edits and nothing fails: I1 to I4. Never runs before.

use lastword::config::Config;
use lastword::memory::Tables;
use lastword::outgoing::outbox::{Change, ChangeState};
use lastword::record::Millis;

use crate::backend::{User, entity_of};
use crate::copy::{self, BAD, Copy, KEYS_MAX};
use crate::oracle::{Oracle, row};

impl Oracle {
    /// Checks the end of a world: I1, I2, I3 and I4, once no one edits and nothing fails.
    pub(crate) fn check_end(&mut self, replica: usize, config: &Config, tables: &Tables, backend: &User) {
        let user = self.replicas[replica].user;
        for entity in config.all() {
            for id in 0..copy::IDS_MAX {
                let index = usize::from(entity.0) * copy::IDS_MAX + id;
                let id = copy::id_of(index);
                let held = row(tables, index);
                let there = backend.records[index].as_ref();
                let change = tables.changes.value(entity, id);
                let given_up = change.is_some_and(|change| is_given_up(change, config, tables));
                if let Some(held) = held
                    && self.is_unsent(replica, index, held)
                    && !given_up
                {
                    self.breaks(format!("I3: {held:?} of {index} at {replica} never reached the backend: {change:?}"));
                }
                self.users[user].refused[index] |= given_up;
                if given_up || there.is_some_and(|there| copy::is_poison(&there.record)) {
                    continue;
                }
                if let Some(change) = change {
                    self.breaks(format!("I1: {index} at {replica} is still in the outbox: {change:?}"));
                }
                let visible = |copy: Option<Copy>| copy.filter(|copy| !copy.deleted);
                let there = there.map(|there| Copy::of(&there.record));
                if visible(held) != visible(there) {
                    self.breaks(format!(
                        "I1: {index} is {held:?} at {replica} and {there:?} at the backend (user {user})"
                    ));
                }
            }
        }
    }

    /// Checks that what is in the outbox of a full storage, and due, is at the backend.
    pub(crate) fn check_full(&mut self, replica: usize, config: &Config, tables: &Tables, backend: &User, now: Millis) {
        let user = self.replicas[replica].user;
        for (entity, id, change) in tables.changes.iter().filter(|(_, _, change)| change.is_due(now)) {
            let index = copy::index_of(entity, id);
            let there = backend.records[index].as_ref().map(|there| &there.record);
            let Some(row) = tables.row(entity, id).filter(|row| row.record.client_updated_at == change.stamp) else {
                continue;
            };
            let mut parents =
                config.entity(entity).references.iter().filter_map(|(field, parent)| {
                    Some(copy::index_of(*parent, row.record.fields.get(field)?.as_str()?))
                });
            let waits = !row.record.is_deleted
                && parents.any(|parent| {
                    let local = tables.row(entity_of(parent), copy::id_of(parent));
                    // A child follows its parent, and a parent that is refused goes nowhere.
                    let is_refused = local.is_some_and(|row| row.record.fields.contains_key(BAD));
                    backend.records[parent].is_none() || local.is_none() || is_refused
                });
            let held = Copy::of(&row.record);
            let refused = row.record.fields.contains_key(BAD) || there.is_some_and(copy::is_poison);
            let accepted = &self.users[user].accepted[index];
            // Answered with a newer copy that a restore then took: it goes again once there is room.
            let answered = self.users[user].restored && accepted.iter().any(|copy| *copy > held);
            let arrived = accepted.contains(&held) || answered || there.is_some_and(|there| Copy::of(there) >= held);
            if !waits && !refused && !arrived {
                self.breaks(format!(
                    "section 8: {held:?} of {index} waits at {replica}, whose storage is full: {change:?}"
                ));
            }
        }
    }

    /// Checks that the backend ended with nothing older than what it ever acknowledged.
    pub(crate) fn check_backend(&mut self, user: usize, backend: &User) {
        for index in 0..KEYS_MAX {
            // What a client wrote that is not simulated is held by no replica.
            let restored = self.users[user].restored;
            let kept = |copy: &&Copy| !restored || self.edits[copy.edit].author != usize::MAX;
            let Some(best) = self.users[user].accepted[index].iter().filter(kept).max().copied() else { continue };
            let there = backend.records[index].as_ref().map(|there| Copy::of(&there.record));
            let purged = self.users[user].purged[index];
            // The one replica that held what a restore took may have been edited past it, with something refused.
            let refused = self.users[user].restored && self.users[user].refused[index];
            // Of a copy with the same stamp that no replica can use, a restored backend's word counts.
            let unusable = backend.records[index].as_ref().is_some_and(|there| copy::is_poison(&there.record));
            let tied = self.users[user].restored && unusable && there.is_some_and(|there| there.stamp == best.stamp);
            // What a restore took comes again under the stamp of a clock that was set right meanwhile.
            let moved_back = self.users[user].restored && self.users[user].restamped[index];
            let excused = purged || refused || tied || moved_back;
            // Stamped again, it is the same edit.
            if !excused && there.is_none_or(|there| there < best && !there.same_content(best)) {
                self.breaks(format!("I2: {best:?} of {index} was acknowledged, and the backend ended with {there:?}"));
            }
        }
    }
}

/// True for a change that waits for a person, or for a record that does.
fn is_given_up(change: &Change, config: &Config, tables: &Tables) -> bool {
    if matches!(change.state, ChangeState::FailedPermanently | ChangeState::Conflict) {
        return true;
    }
    let entity = change.key.entity;
    let Some(row) = tables.row(entity, &change.key.id) else { return false };
    config.entity(entity).references.iter().any(|(field, parent)| {
        let Some(id) = row.record.fields.get(field).and_then(serde_json::Value::as_str) else { return false };
        tables.changes.value(*parent, id).is_some_and(|change| is_given_up(change, config, tables))
    })
}
