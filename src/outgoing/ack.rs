//! Step 5 of 5: an answer to one commit that clears exactly what was sent. Never touches a newer edit.
//!
//! Source: docs/protocol.md, sections 2, 4 and 8; invariants I2, I7, I12, I24.

use std::cmp::Ordering;

use lastword_protocol::error::RejectCode;
use lastword_protocol::order;

use super::detect::{self, Clock};
use super::encode::{failed, may_pull_parents};
use super::outbox::{Change, ChangeState};
use super::push::{Answer, Fate};
use crate::checkpoint::{InFlight, Replica, Sent};
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::{Config, Detect, Policy};
use crate::incoming::conflict::{Conflict, Notice};
use crate::incoming::merge;
use crate::mutation::{self, Mutation};
use crate::or_refuse;
use crate::record::{ByEntity, Entity, Key, Millis, Record, Scope, ServerMillis, Stamp, Synced};

/// Settles a push that was answered.
pub struct Settle {
    /// The leader's fence.
    pub fence: u64,
    /// The push.
    pub in_flight: InFlight,
    /// Its answer.
    pub answer: Answer,
    /// Entities whose missing parents have been pulled in this cycle: a record that still lacks one has failed.
    pub parents_pulled: Vec<Entity>,
    /// The raw clock.
    pub now: Millis,
}

/// What a settled push did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// Records the backend holds now.
    pub applied: usize,
    /// Records whose rows changed.
    pub changed: Vec<Key>,
    /// What the app must hear.
    pub notices: Vec<Notice>,
    /// True when the backend refused stamps as too far ahead.
    pub clock_skew: bool,
    /// Entities of records whose parents the backend misses, while another pull may help.
    pub orphans: Vec<Entity>,
}

impl Step for Settle {
    type Outcome = Settled;

    fn at(&self) -> Option<Millis> {
        Some(self.now)
    }

    fn next(&self, found: &Found, config: &Config) -> Next<Settled> {
        match found.rounds {
            0 => Next::Read(self.first_reads(config)),
            1 => {
                // Nobody but the leader adds or removes what is in flight.
                or_refuse!(found.led_by(self.fence));
                Next::Read(self.row_reads(found, config))
            }
            _ => {
                let replica = or_refuse!(found.led_by(self.fence));
                let mut settling =
                    Settling { step: self, found, config, replica, writes: Vec::new(), out: Settled::default() };
                self.in_flight.sent.iter().for_each(|sent| settling.settle(sent));
                settling.finish()
            }
        }
    }
}

impl Settle {
    fn sent(&self, config: &Config) -> ByEntity<Vec<String>> {
        let mut ids: ByEntity<Vec<String>> = ByEntity::new();
        for sent in &self.in_flight.sent {
            if let Some(entity) = config.find(&sent.entity) {
                ids.entry(entity).or_default().push(sent.id.clone());
            }
        }
        ids
    }

    fn first_reads(&self, config: &Config) -> Vec<Read> {
        let mut reads = vec![Read::Replica];
        for (entity, ids) in self.sent(config) {
            reads.push(Read::Checkpoint(config.scope_of(entity)));
            reads.push(Read::EntityMeta(entity));
            reads.push(Read::Changes(entity, ids));
        }
        reads
    }

    /// Rows are read only where an answer is more than a plain acknowledgement, or must show in the row.
    fn row_reads(&self, found: &Found, config: &Config) -> Vec<Read> {
        let mut reads = Vec::new();
        for (entity, ids) in self.sent(config) {
            let shows = config.entity(entity).write_back || config.entity(entity).detect == Detect::Scan;
            let needs_row = |id: &String| {
                found.changes.value(entity, id).is_some()
                    && (shows || !matches!(self.answer.results.value(entity, id), Some(Fate::Applied { .. })))
            };
            let ids: Vec<String> = ids.into_iter().filter(needs_row).collect();
            if !ids.is_empty() {
                reads.push(Read::Rows(entity, ids));
            }
        }
        reads
    }
}

struct Settling<'a> {
    step: &'a Settle,
    found: &'a Found,
    config: &'a Config,
    replica: &'a Replica,
    writes: Vec<Write>,
    out: Settled,
}

impl Settling<'_> {
    fn settle(&mut self, sent: &Sent) {
        let Some(entity) = self.config.find(&sent.entity) else { return };
        let fate = self.step.answer.results.value(entity, &sent.id);
        if matches!(fate, Some(Fate::Applied { .. })) {
            self.out.applied += 1;
        }
        // Gone from the outbox: the app discarded it, or a pull brought a newer copy.
        let Some(mut change) = self.found.changes.value(entity, &sent.id).cloned() else { return };
        let as_sent = self.is_as_sent(&change, sent) || mutation::is(Mutation::AckClearsNewerEdit);
        match fate {
            Some(Fate::Applied { server_updated_at, version, server_id }) => {
                let shown = |record: &mut Record| {
                    record.server_updated_at = *server_updated_at;
                    record.version = *version;
                    record.server_id = server_id.clone().or(record.server_id.take());
                };
                self.applied(change, sent, as_sent, *server_updated_at, &shown);
            }
            Some(Fate::Conflict(remote)) => self.conflict(change, sent, as_sent, remote),
            Some(Fate::Gone) if as_sent => self.gone(change),
            Some(Fate::BadConflict(reason)) if as_sent => self.fail(change, "bad_response", reason, false),
            Some(Fate::Rejected { code, message }) if as_sent => self.rejected(change, *code, message),
            None if as_sent => {
                change.was_sent(sent.stamp);
                self.fail(change, "no_result", "the backend gave no result for this record", false);
            }
            // Edited since: the answer is not about this copy, which goes next.
            Some(Fate::Gone | Fate::BadConflict(_) | Fate::Rejected { .. }) | None => {
                self.edited_since(change, sent, None)
            }
        }
    }

    /// I7: the outbox row still names the copy that was sent and, where the app writes alone, so does the row's content.
    fn is_as_sent(&self, change: &Change, sent: &Sent) -> bool {
        let same_stamp = change.stamp == sent.stamp;
        let Some(hash) = sent.hash else { return same_stamp };
        let row = self.found.row(change.key.entity, &change.key.id);
        same_stamp
            && row.is_none_or(|row| {
                row.record.client_updated_at == sent.stamp
                    && detect::content_hash(&row.record, self.replica.hash_key) == hash
            })
    }

    fn applied(
        &mut self,
        change: Change,
        sent: &Sent,
        as_sent: bool,
        accepted_at: Option<ServerMillis>,
        shown: &dyn Fn(&mut Record),
    ) {
        let key = change.key.clone();
        let entity = self.config.entity(key.entity);
        let shows = entity.write_back || entity.detect == Detect::Scan;
        if let Some(row) = self.found.row(key.entity, &key.id).filter(|_| shows) {
            let mut record = row.record.clone();
            if as_sent {
                shown(&mut record);
            }
            // Also under a newer edit the mark says what the backend holds now.
            let mark = Synced { stamp: sent.stamp, hash: sent.hash };
            self.writes.push(Write::PutRow(key.entity, record, Some(mark)));
            self.out.changed.push(key.clone());
        }
        if !as_sent {
            return self.edited_since(change, sent, Some(accepted_at));
        }
        self.acknowledge(change, sent.stamp, accepted_at);
    }

    /// Keeps the outbox row until a pull has come as far as the copy that the row holds now.
    fn acknowledge(&mut self, mut change: Change, sent: Stamp, accepted_at: Option<ServerMillis>) {
        let seen = self.found.checkpoint(self.config.scope_of(change.key.entity)).up_to;
        match accepted_at {
            Some(accepted_at) if Some(accepted_at) > seen && !mutation::is(Mutation::AcknowledgedDroppedAtOnce) => {
                change.requeue();
                change.state = ChangeState::Acknowledged;
                change.accepted_at = Some(accepted_at);
                change.known = true;
                change.sent = vec![sent];
                change.earlier.clear();
                change.last_attempt_at = Some(self.step.now);
                self.writes.push(Write::PutChange(change));
            }
            // Nothing will confirm it, or a pull has been past it already.
            Some(_) | None => self.writes.push(Write::DeleteChange(change.key)),
        }
    }

    /// `applied`: when the backend accepted what was sent, if it did.
    fn edited_since(&mut self, mut change: Change, sent: &Sent, applied: Option<Option<ServerMillis>>) {
        change.was_sent(sent.stamp);
        if let Some(accepted_at) = applied {
            change.known = true;
            change.sent = vec![sent.stamp];
            change.rebase(sent.stamp, accepted_at);
        }
        self.writes.push(Write::PutChange(change));
    }

    fn conflict(&mut self, mut change: Change, sent: &Sent, as_sent: bool, remote: &Record) {
        let Some(local) = self.local(&change) else { return };
        let key = change.key.clone();
        let expected =
            merge::is_expected(&change, &local, remote) || (!as_sent && remote.client_updated_at == sent.stamp);
        change.known = true;
        if self.config.entity(key.entity).policy == Policy::Manual && !expected {
            change.state = ChangeState::Conflict;
            change.accepted_at = remote.server_updated_at;
            self.out.notices.push(Notice::Conflict(key.clone()));
            let remote = Some(remote.clone());
            self.writes.push(Write::PutConflict(Conflict { key, local, remote, found_at: self.step.now }));
            self.writes.push(Write::PutChange(change));
            return;
        }
        // The backend's copy is taken if it is not older than what was sent, whatever rule the backend used.
        let lost = if as_sent {
            remote.client_updated_at >= sent.stamp
        } else {
            order::compare(remote, &local) != Ordering::Less
        };
        if lost {
            let mark = detect::synced_mark(self.config.entity(key.entity).detect, remote, self.replica.hash_key);
            self.writes.push(Write::PutRow(key.entity, remote.clone(), Some(mark)));
            self.out.changed.push(key.clone());
            change.stamp = remote.client_updated_at;
            change.operation = detect::operation(remote, true);
            // This copy runs ahead of the cursor as an acknowledged one does.
            self.acknowledge(change, sent.stamp, remote.server_updated_at);
            if order::compare(remote, &local) != Ordering::Equal {
                self.out.notices.push(Notice::Superseded { local, remote: remote.clone(), key });
            }
        } else if as_sent {
            // The next try says that it replaces this copy: under the manual policy it may be an own one, sent before.
            change.rebase(remote.client_updated_at, remote.server_updated_at);
            self.fail(change, "conflict", "the backend keeps an older copy", false);
        } else {
            change.rebase(remote.client_updated_at, remote.server_updated_at);
            change.was_sent(sent.stamp);
            self.writes.push(Write::PutChange(change));
        }
    }

    /// The local copy; one that the app wrote by itself, with the stamp it will be marked with.
    fn local(&self, change: &Change) -> Option<Record> {
        let Key { entity, id } = &change.key;
        let row = self.found.row(*entity, id);
        if self.config.entity(*entity).detect == Detect::Scan {
            let Replica { hash_key, offset_ms, .. } = *self.replica;
            let clock = Clock { hash_key, now: self.step.now, offset_ms };
            let edit = detect::local_edit(&change.key, row, Some(change.clone()), clock);
            if let Some(record) = edit.and_then(|edit| edit.record) {
                return Some(record);
            }
        }
        self.found.local(*entity, id).cloned()
    }

    fn gone(&mut self, change: Change) {
        let key = change.key;
        if let Some(local) = self
            .found
            .local(key.entity, &key.id)
            .filter(|local| !local.is_deleted && !mutation::is(Mutation::GoneLosesContent))
        {
            self.out.notices.push(Notice::Conflict(key.clone()));
            self.writes.push(Write::PutConflict(Conflict {
                key: key.clone(),
                local: local.clone(),
                remote: None,
                found_at: self.step.now,
            }));
        }
        self.writes.push(Write::DeleteRow(key.clone()));
        self.writes.push(Write::DeleteChange(key.clone()));
        self.out.changed.push(key);
    }

    fn rejected(&mut self, change: Change, code: RejectCode, message: &str) {
        let may_pull = may_pull_parents(&self.step.parents_pulled, change.key.entity);
        if code == RejectCode::MissingReference && may_pull {
            // It goes again behind what a pull brings or finds lost; only then does a try count.
            return self.out.orphans.push(change.key.entity);
        }
        let (name, final_) = match code {
            RejectCode::Invalid => ("invalid", true),
            RejectCode::Forbidden => ("forbidden", true),
            RejectCode::TooLarge => ("too_large", true),
            RejectCode::UnknownEntity => ("unknown_entity", true),
            RejectCode::MissingReference => ("missing_reference", false),
            RejectCode::DuplicateId => ("duplicate_id", false),
            RejectCode::Other => ("rejected", false),
            RejectCode::ClockSkew => {
                self.out.clock_skew = true;
                ("clock_skew", false)
            }
        };
        self.fail(change, name, message, final_);
    }

    fn fail(&mut self, mut change: Change, code: &str, message: &str, final_: bool) {
        change.fail(code, message, if final_ { 0 } else { self.config.tries_max }, self.step.now);
        self.out.notices.push(failed(&change));
        self.writes.push(Write::PutChange(change));
    }

    fn finish(mut self) -> Next<Settled> {
        for (entity, _) in self.step.sent(self.config) {
            let mut meta = self.found.entity(entity);
            meta.last_push = Some(self.step.now);
            self.writes.push(Write::PutEntityMeta(entity, meta));
        }
        self.writes.push(Write::DeleteInFlight(self.step.in_flight.place));
        Next::Commit(self.writes, self.out)
    }
}

/// Gives up what is in flight, where the backend refused the first body as a whole; where `fault` is given, the records of
/// that one become dead letters.
pub struct Unstage {
    /// The leader's fence.
    pub fence: u64,
    /// `Idempotency-Key` of the first body.
    pub idempotency_key: String,
    /// Code and message for every record of the first body.
    pub fault: Option<(String, String)>,
    /// The raw clock.
    pub now: Millis,
}

impl Step for Unstage {
    type Outcome = Vec<Notice>;

    fn next(&self, found: &Found, config: &Config) -> Next<Vec<Notice>> {
        if found.rounds == 0 {
            return Next::Read(vec![Read::Replica, Read::InFlight]);
        }
        or_refuse!(found.led_by(self.fence));
        if found.in_flight.first().map(|first| &first.key) != Some(&self.idempotency_key) {
            return Next::Refuse(Refusal::Stale);
        }
        let sent = found.in_flight.iter().flat_map(|body| &body.sent);
        if found.rounds == 1 {
            let read = |sent: &Sent| Some(Read::Changes(config.find(&sent.entity)?, vec![sent.id.clone()]));
            return Next::Read(sent.filter_map(read).collect());
        }
        let mut writes = Vec::new();
        let mut notices = Vec::new();
        for (body, place) in found.in_flight.iter().zip(0..) {
            writes.push(Write::DeleteInFlight(body.place));
            for sent in &body.sent {
                let change = config.find(&sent.entity).and_then(|entity| found.changes.value(entity, &sent.id));
                let Some(mut change) = change.cloned() else { continue };
                // One behind the first may have left all the same, with the leader before.
                change.was_sent(sent.stamp);
                let fault = self.fault.as_ref().filter(|_| place == 0 && change.stamp == sent.stamp);
                if let Some((code, message)) = fault {
                    change.fail(code, message, 0, self.now);
                    notices.push(failed(&change));
                }
                writes.push(Write::PutChange(change));
            }
        }
        Next::Commit(writes, notices)
    }
}

/// The scope whose endpoint a body goes to.
#[must_use]
pub fn scope_of(in_flight: &InFlight, config: &Config) -> Scope {
    in_flight.entity.as_deref().and_then(|name| config.find(name)).map_or(Scope::All, Scope::One)
}
