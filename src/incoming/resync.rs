//! A full pull under a mark: remembers what was seen, and at the end settles what was not. Never removes an unsent edit.
//!
//! Source: docs/protocol.md, section 9; invariants I11, I22.

use super::applying::Applying;
use super::conflict::Conflict;
use super::pull::Arrived;
use crate::checkpoint::{Checkpoint, Resync, ResyncReason};
use crate::commit::{Found, Next, Read, Step, Write};
use crate::config::{Config, Detect};
use crate::mutation::{self, Mutation};
use crate::or_refuse;
use crate::outgoing::detect;
use crate::outgoing::outbox::ChangeState;
use crate::outgoing::retry::GIVEN_UP;
use crate::record::{ByKey, Key, Scope};

/// Drops a scope's cursor and sets the resync mark.
pub struct StartResync {
    /// The leader's fence.
    pub fence: u64,
    /// The scope.
    pub scope: Scope,
    /// Why.
    pub reason: ResyncReason,
    /// The backend's history now, where it said so.
    pub epoch: Option<String>,
}

impl Step for StartResync {
    type Outcome = Checkpoint;

    fn next(&self, found: &Found, config: &Config) -> Next<Checkpoint> {
        let entities = config.entities_of(self.scope);
        if found.rounds == 0 {
            let mut reads = vec![Read::Replica, Read::Checkpoint(self.scope)];
            reads.extend(entities.into_iter().map(Read::AllChanges));
            return Next::Read(reads);
        }
        or_refuse!(found.led_by(self.fence));
        let before = found.checkpoint(self.scope);
        let mut writes = Vec::new();
        if let Some(resync) = before.resync {
            writes.push(Write::DeleteSeen(self.scope, resync.seen_lists));
        }
        // A history that changed stays the stronger reason, also when its cursor then expires.
        let reason = match before.resync {
            Some(Resync { reason: ResyncReason::EpochChanged, .. }) => ResyncReason::EpochChanged,
            Some(Resync { reason: ResyncReason::CursorExpired, .. }) | None => self.reason,
        };
        // What was acknowledged may be what the backend lost; within one history the full pull delivers it.
        let lost = entities.into_iter().filter(|_| reason == ResyncReason::EpochChanged);
        for (_, change) in lost.flat_map(|entity| found.changes.of(entity)) {
            let mut again = change.clone();
            // A time of the history that is gone.
            again.accepted_at = None;
            if again.state == ChangeState::Acknowledged {
                again.requeue();
            }
            if again != *change {
                writes.push(Write::PutChange(again));
            }
        }
        let checkpoint = Checkpoint {
            cursor: None,
            // Where the backend does not say, a page of another history must still be told from this one's.
            epoch: self.epoch.clone().or(before.epoch),
            // Within one history a reader that has not come as far as this replica has lags, and its end is not the end.
            up_to: before.up_to.filter(|_| reason == ResyncReason::CursorExpired),
            resync: Some(Resync { reason, seen_lists: 0 }),
            pulled_at: before.pulled_at,
        };
        writes.push(Write::PutCheckpoint(self.scope, checkpoint.clone()));
        Next::Commit(writes, checkpoint)
    }
}

/// What the last page of a resync must read besides its own records.
pub(super) fn reads(config: &Config, scope: Scope, resync: Resync, found: &Found) -> Vec<Read> {
    let mut reads = vec![Read::Seen(scope, resync.seen_lists), Read::Quarantine];
    for entity in config.entities_of(scope) {
        let needs_rows = resync.reason == ResyncReason::EpochChanged || config.entity(entity).detect == Detect::Scan;
        if needs_rows {
            reads.push(Read::AllRows(entity));
            continue;
        }
        reads.push(Read::RowIds(entity));
        let in_conflict = found.changes.of(entity).filter(|(_, change)| change.state == ChangeState::Conflict);
        reads.push(Read::Rows(entity, in_conflict.map(|(id, _)| id.clone()).collect()));
    }
    reads
}

/// Remembers the page's records as seen; after the last page of a reader that does not lag, settles the rest and ends the resync.
pub(super) fn advance(applying: &mut Applying<'_>, resync: Resync) -> Option<Resync> {
    let page = &applying.step.page;
    let lags = !mutation::is(Mutation::LaggingReaderEndsResync)
        && page.up_to.is_some()
        && page.up_to < applying.found.checkpoint(page.scope).up_to;
    if page.has_more || lags {
        let remembered = page.arrived.iter().filter(|_| !mutation::is(Mutation::ResyncForgetsSeen));
        let seen = remembered.map(key_of).collect();
        applying.writes.push(Write::PutSeen(page.scope, resync.seen_lists, seen));
        return Some(Resync { seen_lists: resync.seen_lists + 1, ..resync });
    }
    let on_this_page: ByKey<()> = page.arrived.iter().map(|arrived| (key_of(arrived), ())).collect();
    for entity in applying.config.entities_of(page.scope) {
        let found = applying.found;
        let ids: Vec<&String> =
            found.row_ids.of(entity).map(|(id, ())| id).chain(found.rows.of(entity).map(|(id, _)| id)).collect();
        for id in ids {
            let key = Key::new(entity, id);
            if found.seen.value(entity, id).is_none() && on_this_page.value(entity, id).is_none() {
                settle_unseen(applying, &key, resync.reason);
            }
        }
        for (id, ()) in found.quarantined.of(entity) {
            let key = Key::new(entity, id);
            if found.seen.value(entity, id).is_none() && on_this_page.value(entity, id).is_none() {
                applying.writes.push(Write::DeleteQuarantined(key));
            }
        }
    }
    applying.writes.push(Write::DeleteSeen(page.scope, resync.seen_lists));
    None
}

/// A clean record that the full pull did not bring: deleted long ago, or lost by the backend.
fn settle_unseen(applying: &mut Applying<'_>, key: &Key, reason: ResyncReason) {
    let found = applying.found;
    let row = found.row(key.entity, &key.id);
    let stored = found.changes.value(key.entity, &key.id).cloned();
    let exact = applying.config.entity(key.entity).detect == Detect::Exact;
    let change =
        if exact { stored } else { detect::local_edit(key, row, stored, applying.clock()).map(|edit| edit.change) };
    if let (Some(change), Some(row)) = (&change, row)
        && change.state == ChangeState::Conflict
    {
        // The copy that the local one met is no longer the backend's.
        let (key, local) = (key.clone(), row.record.clone());
        let found_at = applying.step.now;
        applying.writes.push(Write::PutConflict(Conflict { key, local, remote: None, found_at }));
    }
    let change = change.filter(|_| !mutation::is(Mutation::ResyncRemovesDirty));
    if change.is_some() || found.rows.value(key.entity, &key.id).is_some_and(|stored| stored.row().is_none()) {
        return;
    }
    match (reason, row) {
        (ResyncReason::CursorExpired, _) => remove(applying, key),
        // Not worth healing the backend with: its edit was given up here.
        (ResyncReason::EpochChanged, Some(row)) if row.record.client_updated_at == GIVEN_UP => remove(applying, key),
        (ResyncReason::EpochChanged, Some(row)) => applying.mark(key, &row.record),
        (ResyncReason::EpochChanged, None) => {}
    }
}

fn remove(applying: &mut Applying<'_>, key: &Key) {
    applying.writes.push(Write::DeleteRow(key.clone()));
    applying.out.changed.push(key.clone());
}

fn key_of(arrived: &Arrived) -> Key {
    match arrived {
        Arrived::Good(entity, record) => Key::new(*entity, &record.id),
        Arrived::Bad(bad) => bad.key.clone(),
    }
}
