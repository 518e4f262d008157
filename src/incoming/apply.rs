//! Step 4 of 4: a page to one commit that also moves the checkpoint. Never commits a cursor without its records.
//!
//! Source: docs/protocol.md, sections 7 and 8; invariants I5, I9, I12, I22.

use super::applying::Applying;
use super::conflict::Notice;
use super::merge::{self, Outcome};
use super::pull::{Arrived, Page};
use super::resync;
use super::validate::Quarantined;
use crate::checkpoint::Checkpoint;
use crate::commit::{Found, Next, Read, Refusal, Step};
use crate::config::{Config, Detect, Policy, Since};
use crate::mutation::{self, Mutation};
use crate::or_refuse;
use crate::outgoing::outbox::Change;
use crate::record::{ByKey, Key, Millis, Record, Scope};

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

    fn at(&self) -> Option<Millis> {
        Some(self.now)
    }

    fn next(&self, found: &Found, config: &Config) -> Next<PageApplied> {
        match found.rounds {
            0 => Next::Read(self.first_reads(config)),
            1 => {
                or_refuse!(self.guard(found));
                Next::Read(self.second_reads(found, config))
            }
            2 => Next::Read(self.third_reads(found, config)),
            _ => {
                let replica = or_refuse!(found.led_by(self.fence));
                let mut applying =
                    Applying { step: self, found, config, replica, writes: Vec::new(), out: PageApplied::default() };
                applying.merge_all();
                if mutation::is(Mutation::CheckpointApartFromRows) && self.page.has_more {
                    applying.writes.clear();
                }
                applying.finish();
                Next::Commit(applying.writes, applying.out)
            }
        }
    }
}

impl ApplyPage {
    fn first_reads(&self, config: &Config) -> Vec<Read> {
        let mut reads = vec![Read::Replica, Read::Checkpoint(self.page.scope)];
        let is_whole = !self.page.has_more && self.page.scope == Scope::All;
        if is_whole {
            reads.push(Read::Outbox);
        }
        for entity in config.entities_of(self.page.scope) {
            if !is_whole {
                reads.push(if self.page.has_more { Read::ChangeIds(entity) } else { Read::AllChanges(entity) });
            }
            // Only a record that arrives, or the end of a full pull, ends a quarantine.
            if !self.page.arrived.is_empty() {
                reads.push(Read::QuarantineIds(entity));
            }
        }
        reads
    }

    fn guard(&self, found: &Found) -> Result<(), Refusal> {
        found.led_by(self.fence)?;
        let checkpoint = found.checkpoint(self.page.scope);
        if checkpoint.cursor != self.since && !mutation::is(Mutation::CursorMovesBeforeCommit) {
            return Err(Refusal::Stale);
        }
        match (&checkpoint.epoch, &self.page.epoch) {
            (Some(known), Some(epoch)) if known != epoch => Err(Refusal::EpochChanged(epoch.clone())),
            _ => Ok(()),
        }
    }

    fn second_reads(&self, found: &Found, config: &Config) -> Vec<Read> {
        let resync = found.checkpoint(self.page.scope).resync;
        let mut reads = Vec::new();
        for (entity, ids) in self.arrived(|_| true).ids() {
            let marked: Vec<String> = ids
                .iter()
                .filter(|id| found.change_ids.value(entity, id).is_some() || found.changes.value(entity, id).is_some())
                .cloned()
                .collect();
            if config.entity(entity).policy == Policy::Manual && !marked.is_empty() {
                reads.push(Read::Conflicts(entity, marked.clone()));
            }
            if !marked.is_empty() && self.page.has_more {
                reads.push(Read::Changes(entity, marked));
            }
            // A backend asked by time repeats itself at each pull.
            let repeats = config.since != Since::Cursor;
            if resync.is_some() || repeats || config.entity(entity).detect == Detect::Scan {
                reads.push(Read::Rows(entity, ids));
            }
        }
        if let Some(resync) = resync.filter(|_| !self.page.has_more) {
            reads.extend(resync::reads(config, self.page.scope, resync, found));
        }
        reads
    }

    /// Reads rows only where the decision needs them: every other row is clean and is written blind, or the outbox says it all.
    fn third_reads(&self, found: &Found, config: &Config) -> Vec<Read> {
        let mut rows = ByKey::default();
        for arrived in &self.page.arrived {
            if let Arrived::Good(entity, remote) = arrived
                && let Some(change) = found.changes.value(*entity, &remote.id)
                && found.rows.value(*entity, &remote.id).is_none()
                && by_stamp(config, change, remote).is_none()
            {
                rows.insert(*entity, remote.id.clone(), ());
            }
        }
        rows.ids().into_iter().map(|(entity, ids)| Read::Rows(entity, ids)).collect()
    }

    /// The page's records, with those of the unusable ones that count.
    pub(super) fn arrived(&self, counts: impl Fn(&Quarantined) -> bool) -> ByKey<()> {
        let mut arrived = ByKey::default();
        for one in &self.page.arrived {
            match one {
                Arrived::Good(entity, record) => arrived.insert(*entity, record.id.clone(), ()),
                Arrived::Bad(bad) if counts(bad) => arrived.insert(bad.key.entity, bad.key.id.clone(), ()),
                Arrived::Bad(_) => None,
            };
        }
        arrived
    }
}

/// What is decided without the row: not where it may hold an edit or must show what the backend says of it, nor where the
/// backend's times are not known to tell its copies apart.
pub(super) fn by_stamp(config: &Config, change: &Change, remote: &Record) -> Option<Outcome> {
    let entity = config.entity(change.key.entity);
    let is_blind = entity.detect == Detect::Exact && !entity.write_back && config.since == Since::Cursor;
    is_blind.then(|| merge::by_stamp(change, remote, entity.policy)).flatten()
}
