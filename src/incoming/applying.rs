//! A page under decision: each record's outcome to writes, and the checkpoint behind them. Never reads the store.
//!
//! Source: docs/protocol.md, sections 7 to 9; invariants I5, I9, I12, I22.

use std::cmp::Ordering;

use lastword_protocol::order;

use super::apply::{self, ApplyPage, PageApplied};
use super::conflict::{Conflict, Notice};
use super::merge::{self, Outcome};
use super::pull::Arrived;
use super::resync;
use super::validate::Quarantined;
use crate::checkpoint::{Replica, ResyncReason};
use crate::commit::{Found, Write};
use crate::config::{Config, Detect};
use crate::mutation::{self, Mutation};
use crate::outgoing::detect::{self, Clock, LocalEdit, OFFSET_CORRECTED_MS};
use crate::outgoing::outbox::{Change, ChangeState};
use crate::outgoing::retry::GIVEN_UP;
use crate::record::{ByKey, Key, Record};

/// One page, what was found for it, and what was decided so far.
pub(super) struct Applying<'a> {
    pub(super) step: &'a ApplyPage,
    pub(super) found: &'a Found,
    pub(super) config: &'a Config,
    pub(super) replica: &'a Replica,
    pub(super) writes: Vec<Write>,
    pub(super) out: PageApplied,
}

impl Applying<'_> {
    pub(super) fn merge_all(&mut self) {
        // A record that stands twice in a page counts as it stands last: pages are in commit order.
        let mut last: ByKey<&Record> = ByKey::default();
        for arrived in &self.step.page.arrived {
            match arrived {
                Arrived::Good(entity, record) => {
                    last.insert(*entity, record.id.clone(), record);
                }
                Arrived::Bad(bad) => {
                    let mut bad = bad.clone();
                    bad.found_at = self.step.now;
                    self.heal_unusable(&bad);
                    if self.ends_wait(&bad) {
                        self.writes.push(Write::DeleteChange(bad.key.clone()));
                    }
                    self.out.notices.push(Notice::Quarantined { key: bad.key.clone(), reason: bad.reason.clone() });
                    self.writes.push(Write::PutQuarantined(bad));
                }
            }
        }
        for (key, remote) in last {
            if self.found.quarantined.value(key.entity, &key.id).is_some() {
                self.writes.push(Write::DeleteQuarantined(key.clone()));
            }
            self.merge_one(key, remote);
        }
    }

    /// A full pull brings a copy that cannot be used here: one that is newer replaces it.
    fn heal_unusable(&mut self, bad: &Quarantined) {
        let local = self.found.row(bad.key.entity, &bad.key.id).map(|row| &row.record);
        let Some(local) = local.filter(|local| self.is_full() && Some(local.client_updated_at) > bad.stamp) else {
            return;
        };
        if bad.stamp.is_some() && self.edit(&bad.key).is_none() && !mutation::is(Mutation::HealSkipped) {
            self.mark(&bad.key, local);
        }
    }

    /// True where a copy that cannot be used here has replaced an acknowledged one, which will not be delivered any more.
    pub(super) fn ends_wait(&self, bad: &Quarantined) -> bool {
        let change = self.found.changes.value(bad.key.entity, &bad.key.id);
        change.is_some_and(|change| {
            change.state == ChangeState::Acknowledged && bad.stamp.is_none_or(|stamp| stamp >= change.stamp)
        })
    }

    fn merge_one(&mut self, key: Key, remote: &Record) {
        let edit = self.edit(&key);
        let change = edit.as_ref().map(|edit| &edit.change);
        let local = edit.as_ref().and_then(|edit| edit.record.as_ref()).or(self.found.local(key.entity, &key.id));
        let policy = self.config.entity(key.entity).policy;
        let outcome = match change {
            None => merge::clean(local, remote, self.heals()),
            Some(change) => apply::by_stamp(self.config, change, remote)
                .unwrap_or_else(|| merge::marked(change, local, remote, policy)),
        };
        match outcome {
            Outcome::TakeRemote => self.take(&key, remote, change.is_some()),
            Outcome::Supersede => {
                if let Some(local) = local.cloned().filter(|_| !mutation::is(Mutation::SupersededUnreported)) {
                    self.out.notices.push(Notice::Superseded { local, remote: remote.clone(), key: key.clone() });
                }
                self.take(&key, remote, true);
            }
            Outcome::Confirm => self.confirm(&key, remote, change.is_some()),
            // All that there is arrives: the reader lags, or the backend lost ours after the pull had begun.
            Outcome::KeepLocal if change.is_none() && self.is_full() => self.send_newer(&key, local, remote),
            Outcome::KeepLocal => {}
            Outcome::KeepEdit => self.keep_edit(edit, remote),
            Outcome::Requeue => self.requeue(&key),
            Outcome::Conflict => {
                if let Some(local) = local.cloned() {
                    self.conflict(edit, local, remote);
                }
            }
            Outcome::Heal => self.send_newer(&key, local, remote),
        }
    }

    fn send_newer(&mut self, key: &Key, local: Option<&Record>, remote: &Record) {
        let newer = local.filter(|local| order::compare(local, remote) == Ordering::Greater);
        if let Some(local) = newer.filter(|_| !mutation::is(Mutation::HealSkipped)) {
            self.mark(key, local);
        }
    }

    /// The unsent edit of a record: its outbox row, or one found only now, where the app writes rows by itself.
    pub(super) fn edit(&self, key: &Key) -> Option<LocalEdit> {
        let stored = self.found.changes.value(key.entity, &key.id).cloned();
        let mut edit = if self.config.entity(key.entity).detect == Detect::Exact {
            stored.map(|change| LocalEdit { change, record: None })
        } else {
            detect::local_edit(key, self.found.row(key.entity, &key.id), stored, self.clock())
        }?;
        let change = &mut edit.change;
        if change.accepted_at.is_none() && change.base.is_some_and(|base| base != GIVEN_UP) {
            // The copy that it replaced came in a pull, and so had all that the backend accepted before.
            change.accepted_at = self.found.checkpoint(self.step.page.scope).up_to;
        }
        Some(edit)
    }

    pub(super) fn clock(&self) -> Clock {
        Clock { hash_key: self.replica.hash_key, now: self.step.now, offset_ms: self.step.offset_ms }
    }

    fn take(&mut self, key: &Key, remote: &Record, was_marked: bool) {
        let synced = detect::synced_mark(self.config.entity(key.entity).detect, remote, self.replica.hash_key);
        let same =
            self.found.row(key.entity, &key.id).is_some_and(|row| row.record == *remote && row.synced == Some(synced));
        if !same {
            self.writes.push(Write::PutRow(key.entity, remote.clone(), Some(synced)));
            self.out.changed.push(key.clone());
        }
        if was_marked {
            self.clear(key);
        }
        if mutation::is(Mutation::PulledRecordEchoed) && !same {
            self.mark(key, remote);
        }
    }

    /// The backend's copy is ours: its server fields are stored where the row must show them.
    fn confirm(&mut self, key: &Key, remote: &Record, was_marked: bool) {
        let entity = self.config.entity(key.entity);
        let is_here = self.found.local(key.entity, &key.id).is_some();
        if is_here && (entity.write_back || entity.detect == Detect::Scan) {
            self.take(key, remote, false);
        }
        if was_marked {
            self.clear(key);
        }
    }

    fn keep_edit(&mut self, edit: Option<LocalEdit>, remote: &Record) {
        let Some(LocalEdit { mut change, record }) = edit else { return };
        change.known = true;
        change.rebase(remote.client_updated_at, remote.server_updated_at);
        if let Some(met) = self.met(&change.key).filter(|_| change.state == ChangeState::Conflict) {
            // The choice is between this copy and the local one now.
            if !self.is_as_new(met, remote) {
                self.writes.push(Write::PutConflict(Conflict { remote: Some(remote.clone()), ..met.clone() }));
            }
        }
        self.put_edit(LocalEdit { change, record });
    }

    /// Stores an edit that may have been found only now: an outbox row left as acknowledged would count as lost.
    fn put_edit(&mut self, edit: LocalEdit) {
        let Key { entity, id } = &edit.change.key;
        if let Some(record) = edit.record {
            let synced = self.found.row(*entity, id).and_then(|row| row.synced);
            self.writes.push(Write::PutRow(*entity, record, synced));
        }
        let stored = self.found.changes.value(*entity, id);
        let left = mutation::is(Mutation::EditFoundLateLeavesAcknowledged)
            && stored.is_some_and(|stored| stored.state == ChangeState::Acknowledged);
        if stored != Some(&edit.change) && !left {
            self.writes.push(Write::PutChange(edit.change));
        }
    }

    fn conflict(&mut self, edit: Option<LocalEdit>, local: Record, remote: &Record) {
        let Some(LocalEdit { mut change, record }) = edit else { return };
        if self.met(&change.key).is_some_and(|met| self.is_as_new(met, remote)) {
            return;
        }
        change.known = true;
        change.accepted_at = remote.server_updated_at;
        change.state = ChangeState::Conflict;
        self.out.notices.push(Notice::Conflict(change.key.clone()));
        self.writes.push(Write::PutConflict(Conflict {
            key: change.key.clone(),
            local,
            remote: Some(remote.clone()),
            found_at: self.step.now,
        }));
        self.put_edit(LocalEdit { change, record });
    }

    fn met(&self, key: &Key) -> Option<&Conflict> {
        self.found.conflicts.value(key.entity, &key.id)
    }

    /// True where the choice is about this copy, or a newer one, already.
    fn is_as_new(&self, met: &Conflict, remote: &Record) -> bool {
        met.remote
            .as_ref()
            .is_some_and(|met| met == remote || merge::clean(Some(met), remote, self.heals()) == Outcome::KeepLocal)
    }

    /// The backend lost what it had acknowledged.
    pub(super) fn requeue(&mut self, key: &Key) {
        let Some(change) = self.found.changes.value(key.entity, &key.id) else { return };
        let mut lost = change.clone();
        lost.requeue();
        self.out.notices.push(Notice::LostByBackend(key.clone()));
        self.out.marked = true;
        self.writes.push(Write::PutChange(lost));
    }

    pub(super) fn clear(&mut self, key: &Key) {
        self.writes.push(Write::DeleteChange(key.clone()));
        if self.found.changes.value(key.entity, &key.id).is_some_and(|change| change.state == ChangeState::Conflict) {
            self.writes.push(Write::DeleteConflict(key.clone()));
        }
    }

    /// Queues a clean record whose copy the backend lost, or shows an older one of to a full pull.
    pub(super) fn mark(&mut self, key: &Key, local: &Record) {
        let mut change =
            Change::new(key.clone(), local.client_updated_at, detect::operation(local, true), self.step.now);
        change.known = true;
        change.held = Some(local.client_updated_at);
        // In one history the reader may only lag: what is sent is a repeat then.
        if self.heals() {
            self.out.notices.push(Notice::LostByBackend(key.clone()));
        }
        self.writes.push(Write::PutChange(change));
        self.out.marked = true;
    }

    /// True in a full pull, of either reason.
    fn is_full(&self) -> bool {
        self.found.checkpoint(self.step.page.scope).resync.is_some()
    }

    fn heals(&self) -> bool {
        self.resyncs_for(ResyncReason::EpochChanged)
    }

    pub(super) fn resyncs_for(&self, reason: ResyncReason) -> bool {
        self.found.checkpoint(self.step.page.scope).resync.is_some_and(|resync| resync.reason == reason)
    }

    /// Moves the checkpoint; after the last page also ends a resync and settles what was acknowledged.
    pub(super) fn finish(&mut self) {
        let page = &self.step.page;
        let mut checkpoint = self.found.checkpoint(page.scope);
        checkpoint.cursor = Some(page.cursor.clone());
        checkpoint.epoch = page.epoch.clone().or(checkpoint.epoch);
        checkpoint.up_to = checkpoint.up_to.max(page.up_to);
        if let Some(resync) = checkpoint.resync {
            checkpoint.resync = resync::advance(self, resync);
        }
        if !page.has_more {
            self.confirm_acknowledged();
            checkpoint.pulled_at = Some(self.step.now);
        }
        if (self.step.offset_ms - self.replica.offset_ms).abs() >= OFFSET_CORRECTED_MS {
            // Every tab stamps its writes by what is stored.
            let offset_ms = self.step.offset_ms;
            self.writes.push(Write::PutReplica(Replica { offset_ms, ..self.replica.clone() }));
        }
        self.writes.push(Write::PutCheckpoint(page.scope, checkpoint.clone()));
        self.out.checkpoint = checkpoint;
    }
}
