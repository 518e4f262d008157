//! Step 4 of 4: a page to one commit that also moves the checkpoint. Never commits a cursor without its records.
//!
//! Source: docs/protocol.md, sections 7 and 8; invariants I5, I9, I12, I22.

use std::collections::BTreeMap;

use super::conflict::{Conflict, Notice};
use super::merge::{self, Outcome};
use super::pull::{Arrived, Page};
use super::resync;
use crate::checkpoint::{Checkpoint, Replica, ResyncReason};
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::{Config, Detect};
use crate::or_refuse;
use crate::outgoing::detect;
use crate::outgoing::outbox::{Change, ChangeState};
use crate::record::{Entity, Key, Millis, Record};

/// Applies one page.
pub struct ApplyPage {
    /// The leader's fence.
    pub fence: u64,
    /// The cursor the page was asked for with.
    pub since: Option<String>,
    /// The page.
    pub page: Page,
    /// The raw clock.
    pub now: Millis,
    /// The backend's estimated lead over the raw clock, in milliseconds.
    pub offset_ms: i64,
}

/// What a committed page did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageApplied {
    /// Records whose rows changed.
    pub changed: Vec<Key>,
    /// What the app must hear.
    pub notices: Vec<Notice>,
    /// The checkpoint now.
    pub checkpoint: Checkpoint,
    /// True when records were marked to be pushed.
    pub marked: bool,
}

impl Step for ApplyPage {
    type Outcome = PageApplied;

    fn next(&self, found: &Found, config: &Config) -> Next<PageApplied> {
        match found.rounds {
            0 => Next::Read(self.first_reads(config)),
            1 => {
                or_refuse!(self.guard(found));
                Next::Read(self.second_reads(found, config))
            }
            _ => {
                let replica = or_refuse!(found.led_by(self.fence));
                let mut applying =
                    Applying { step: self, found, config, replica, writes: Vec::new(), out: PageApplied::default() };
                applying.merge_all();
                applying.finish();
                Next::Commit(applying.writes, applying.out)
            }
        }
    }
}

impl ApplyPage {
    fn first_reads(&self, config: &Config) -> Vec<Read> {
        let mut reads = vec![Read::Replica, Read::Checkpoint(self.page.scope)];
        for entity in config.entities_of(self.page.scope) {
            reads.push(if self.page.has_more { Read::ChangeIds(entity) } else { Read::AllChanges(entity) });
            reads.push(Read::QuarantineIds(entity));
            if !self.page.has_more {
                reads.push(Read::EntityMeta(entity));
            }
        }
        reads
    }

    fn guard(&self, found: &Found) -> Result<(), Refusal> {
        found.led_by(self.fence)?;
        let checkpoint = found.checkpoint(self.page.scope);
        if checkpoint.cursor != self.since {
            return Err(Refusal::Stale);
        }
        match (&checkpoint.epoch, &self.page.epoch) {
            (Some(known), Some(epoch)) if known != epoch => Err(Refusal::EpochChanged(epoch.clone())),
            _ => Ok(()),
        }
    }

    /// Reads rows only where the decision needs them: every other row is clean and is written blind.
    fn second_reads(&self, found: &Found, config: &Config) -> Vec<Read> {
        let resync = found.checkpoint(self.page.scope).resync;
        let mut reads = Vec::new();
        for (entity, ids) in self.ids() {
            let reads_rows = resync.is_some() || config.entity(entity).detect == Detect::Scan;
            let marked: Vec<String> = ids
                .iter()
                .filter(|id| found.change_ids.value(entity, id).is_some() || found.changes.value(entity, id).is_some())
                .cloned()
                .collect();
            if !marked.is_empty() && self.page.has_more {
                reads.push(Read::Changes(entity, marked.clone()));
            }
            let rows = if reads_rows { ids } else { marked };
            if !rows.is_empty() {
                reads.push(Read::Rows(entity, rows));
            }
        }
        if let Some(resync) = resync.filter(|_| !self.page.has_more) {
            reads.extend(resync::reads(config, self.page.scope, resync));
        }
        reads
    }

    fn ids(&self) -> BTreeMap<Entity, Vec<String>> {
        let mut ids: BTreeMap<Entity, Vec<String>> = BTreeMap::new();
        for arrived in &self.page.arrived {
            if let Arrived::Good(entity, record) = arrived {
                ids.entry(*entity).or_default().push(record.id.clone());
            }
        }
        for ids in ids.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        ids
    }
}

/// One decision under way.
pub(super) struct Applying<'a> {
    pub(super) step: &'a ApplyPage,
    pub(super) found: &'a Found,
    pub(super) config: &'a Config,
    pub(super) replica: &'a Replica,
    pub(super) writes: Vec<Write>,
    pub(super) out: PageApplied,
}

impl Applying<'_> {
    fn merge_all(&mut self) {
        // A record that stands twice in a page counts as it stands last: pages are in commit order.
        let mut last: BTreeMap<(Entity, &str), &Record> = BTreeMap::new();
        for arrived in &self.step.page.arrived {
            match arrived {
                Arrived::Good(entity, record) => {
                    last.insert((*entity, &record.id), record);
                }
                Arrived::Bad(bad) => {
                    let mut bad = bad.clone();
                    bad.found_at = self.step.now;
                    self.out.notices.push(Notice::Quarantined { key: bad.key.clone(), reason: bad.reason.clone() });
                    self.writes.push(Write::PutQuarantined(bad));
                }
            }
        }
        for ((entity, id), remote) in last {
            if self.found.quarantined.value(entity, id).is_some() {
                self.writes.push(Write::DeleteQuarantined(Key::new(entity, id)));
            }
            self.merge_one(Key::new(entity, id), remote);
        }
    }

    fn merge_one(&mut self, key: Key, remote: &Record) {
        let change = self.change(&key);
        let local = self.found.local(key.entity, &key.id);
        let outcome = match &change {
            None => merge::clean(local, remote, self.heals()),
            Some(change) => merge::marked(change, local, remote, self.config.entity(key.entity).policy),
        };
        match outcome {
            Outcome::TakeRemote => {
                self.take(&key, remote, change.is_some());
            }
            Outcome::Supersede => {
                if let Some(local) = local.cloned() {
                    self.out.notices.push(Notice::Superseded { local, remote: remote.clone(), key: key.clone() });
                }
                self.take(&key, remote, true);
            }
            Outcome::Confirm => self.confirm(&key, remote, change.as_ref()),
            Outcome::KeepLocal => {}
            Outcome::KeepEdit => self.keep_edit(change, remote),
            Outcome::Conflict => self.conflict(change, local.cloned(), remote),
            Outcome::Heal => {
                if let Some(local) = local {
                    self.mark(&key, local);
                }
            }
        }
    }

    /// The change of a record: the outbox row, or one found only now, where the app writes rows by itself.
    fn change(&self, key: &Key) -> Option<Change> {
        let stored = self.found.changes.value(key.entity, &key.id).cloned();
        if self.config.entity(key.entity).detect == Detect::Exact {
            return stored;
        }
        let row = self.found.row(key.entity, &key.id);
        detect::marked_change(key, row, stored, self.replica.hash_key, self.step.now)
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
    }

    /// The backend's copy is ours: its server fields are stored where the row must show them.
    fn confirm(&mut self, key: &Key, remote: &Record, change: Option<&Change>) {
        let entity = self.config.entity(key.entity);
        if entity.write_back || entity.detect == Detect::Scan {
            self.take(key, remote, false);
        }
        if change.is_some() {
            self.clear(key);
        }
    }

    fn keep_edit(&mut self, change: Option<Change>, remote: &Record) {
        let Some(mut change) = change else { return };
        change.known = true;
        change.base = Some(remote.client_updated_at);
        // Also when the app's edit was found only now: an outbox row left as acknowledged would count as lost.
        if self.found.changes.value(change.key.entity, &change.key.id) != Some(&change) {
            self.writes.push(Write::PutChange(change));
        }
    }

    fn conflict(&mut self, change: Option<Change>, local: Option<Record>, remote: &Record) {
        let (Some(mut change), Some(local)) = (change, local) else { return };
        change.known = true;
        change.state = ChangeState::Conflict;
        self.out.notices.push(Notice::Conflict(change.key.clone()));
        self.writes.push(Write::PutConflict(Conflict {
            key: change.key.clone(),
            local,
            remote: Some(remote.clone()),
            found_at: self.step.now,
        }));
        self.writes.push(Write::PutChange(change));
    }

    pub(super) fn clear(&mut self, key: &Key) {
        self.writes.push(Write::DeleteChange(key.clone()));
        if self.found.changes.value(key.entity, &key.id).is_some_and(|change| change.state == ChangeState::Conflict) {
            self.writes.push(Write::DeleteConflict(key.clone()));
        }
    }

    /// Queues a clean record whose copy the backend lost.
    pub(super) fn mark(&mut self, key: &Key, local: &Record) {
        let mut change =
            Change::new(key.clone(), local.client_updated_at, detect::operation(local, true), self.step.now);
        change.known = true;
        self.out.notices.push(Notice::LostByBackend(key.clone()));
        self.writes.push(Write::PutChange(change));
        self.out.marked = true;
    }

    fn heals(&self) -> bool {
        self.found.checkpoint(self.step.page.scope).resync.is_some_and(|r| r.reason == ResyncReason::EpochChanged)
    }

    /// Moves the checkpoint; after the last page also ends a resync and settles what was acknowledged.
    fn finish(&mut self) {
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
            for entity in self.config.entities_of(page.scope) {
                let mut meta = self.found.entity(entity);
                meta.last_pull = Some(self.step.now);
                self.writes.push(Write::PutEntityMeta(entity, meta));
            }
        }
        self.writes.push(Write::PutCheckpoint(page.scope, checkpoint.clone()));
        self.out.checkpoint = checkpoint;
    }

    /// What was acknowledged before `upTo` and not delivered was lost by the backend, and is sent again.
    fn confirm_acknowledged(&mut self) {
        let delivered = self.step.ids();
        let is_delivered = |key: &Key| delivered.get(&key.entity).is_some_and(|ids| ids.binary_search(&key.id).is_ok());
        for entity in self.config.entities_of(self.step.page.scope) {
            for (_, change) in self.found.changes.of(entity) {
                if change.state != ChangeState::Acknowledged || is_delivered(&change.key) {
                    continue;
                }
                match (self.step.page.up_to, change.acked_at) {
                    (Some(up_to), Some(acked_at)) if acked_at > up_to => {}
                    (Some(_), Some(_)) => {
                        let mut lost = change.clone();
                        lost.requeue();
                        self.out.notices.push(Notice::LostByBackend(change.key.clone()));
                        self.out.marked = true;
                        self.writes.push(Write::PutChange(lost));
                    }
                    // The backend does not say how far it has come: an acknowledgement is all there will be.
                    _ => self.writes.push(Write::DeleteChange(change.key.clone())),
                }
            }
        }
    }
}
