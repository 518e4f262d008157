//! Step 3 of 5: changes to request bodies within the limits, stored before they leave. Never sends, never splits a record.
//!
//! Source: docs/protocol.md, sections 4, 5 and 7 ("In flight"); invariants I12, I14, I23.

use std::rc::Rc;

use lastword_protocol::changeset::{Change as WireChange, UploadRequest};
use lastword_protocol::limits::PAYLOAD_BYTES_MAX;
use lastword_protocol::push::PushRequest;
use lastword_protocol::record::{OnConflict, SyncHint};
use serde_json::value::{RawValue, to_raw_value};

use super::detect::{self, Clock};
use super::outbox::{Change, ChangeError, ChangeState};
use crate::checkpoint::{InFlight, Replica, Sent};
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::{Config, Detect, Policy};
use crate::incoming::conflict::Notice;
use crate::mutation::{self, Mutation};
use crate::or_refuse;
use crate::record::{ByKey, Entity, Key, Millis, Record, Scope, Stamp, StoredRow};

/// Makes bodies that wait for none of each other's answers, and stores them as in flight.
pub struct Stage {
    /// The leader's fence.
    pub fence: u64,
    /// The scope whose endpoint takes the bodies.
    pub scope: Scope,
    /// The records, in the order to send.
    pub keys: Vec<Key>,
    /// `Idempotency-Key` for each body that may be made.
    pub idempotency_keys: Vec<String>,
    /// Most records in a body.
    pub records_max: usize,
    /// Most encoded bytes in a body.
    pub bytes_max: usize,
    /// Entities whose missing parents have been pulled in this cycle: a record that still lacks one has failed.
    pub parents_pulled: Vec<Entity>,
    /// Set while nothing can be stored: what was answered meanwhile. What is made is stored nowhere.
    pub unstored: Option<Rc<ByKey<Answered>>>,
    /// The raw clock.
    pub now: Millis,
}

/// An answer that could not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Stamp of the copy that was sent.
    pub stamp: Stamp,
    /// True when the backend holds the record, in this copy or another.
    pub is_there: bool,
}

/// What was staged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Staged {
    /// The bodies, in the order to send; none when nothing was left to send.
    pub in_flight: Vec<InFlight>,
    /// Records that found no room, or wait for the answer to one of the bodies.
    pub left: Vec<Key>,
    /// Entities of records whose parents are not here, while another pull may help.
    pub orphans: Vec<Entity>,
    /// What the app must hear.
    pub notices: Vec<Notice>,
}

impl Step for Stage {
    type Outcome = Staged;

    fn at(&self) -> Option<Millis> {
        Some(self.now)
    }

    fn next(&self, found: &Found, config: &Config) -> Next<Staged> {
        match found.rounds {
            0 => Next::Read(self.first_reads()),
            1 => {
                or_refuse!(found.led_by(self.fence));
                if !found.in_flight.is_empty() && self.unstored.is_none() && !mutation::is(Mutation::InFlightNotResent)
                {
                    return Next::Refuse(Refusal::Stale);
                }
                Next::Read(self.parent_reads(found, config))
            }
            _ => {
                let replica = or_refuse!(found.led_by(self.fence));
                let mut staging = Staging::new(self, found, config, replica);
                self.keys.iter().for_each(|key| staging.add(key));
                staging.finish()
            }
        }
    }

    fn is_strict(&self) -> bool {
        !mutation::is(Mutation::StagedBodyNotStrict)
    }

    fn is_read_only(&self) -> bool {
        self.unstored.is_some()
    }
}

impl Stage {
    /// The answer to the copy of this stamp, if it came while nothing could be stored.
    fn answered(&self, entity: Entity, id: &str, stamp: Stamp) -> Option<&Answered> {
        self.unstored.as_ref()?.value(entity, id).filter(|answered| answered.stamp == stamp)
    }

    fn first_reads(&self) -> Vec<Read> {
        let keys: ByKey<()> = self.keys.iter().map(|key| (key.clone(), ())).collect();
        let mut reads = vec![Read::Replica, Read::InFlight];
        for (entity, ids) in keys.ids() {
            reads.push(Read::Changes(entity, ids.clone()));
            reads.push(Read::Rows(entity, ids));
        }
        reads
    }

    /// Parents of the live records, to see that they are there and were acknowledged.
    fn parent_reads(&self, found: &Found, config: &Config) -> Vec<Read> {
        let mut parents = ByKey::default();
        for key in &self.keys {
            let Some(record) = found.local(key.entity, &key.id) else { continue };
            for (entity, id) in parents_of(record, key.entity, config) {
                parents.insert(entity, id.to_owned(), ());
            }
        }
        let reads =
            |(entity, ids): (Entity, Vec<String>)| [Read::Changes(entity, ids.clone()), Read::Rows(entity, ids)];
        parents.ids().into_iter().flat_map(reads).collect()
    }
}

/// The records that a live record names.
fn parents_of<'a>(record: &'a Record, entity: Entity, config: &'a Config) -> impl Iterator<Item = (Entity, &'a str)> {
    let references = if record.is_deleted { &[][..] } else { &config.entity(entity).references[..] };
    references.iter().filter_map(|(field, parent)| Some((*parent, record.fields.get(field)?.as_str()?)))
}

struct Staging<'a> {
    step: &'a Stage,
    found: &'a Found,
    config: &'a Config,
    replica: &'a Replica,
    sent: Vec<Sent>,
    /// The body that each record went into.
    bodies: ByKey<usize>,
    records: Vec<Box<RawValue>>,
    bytes: usize,
    writes: Vec<Write>,
    out: Staged,
}

impl<'a> Staging<'a> {
    fn new(step: &'a Stage, found: &'a Found, config: &'a Config, replica: &'a Replica) -> Self {
        Self {
            step,
            found,
            config,
            replica,
            sent: Vec::new(),
            bodies: ByKey::default(),
            records: Vec::new(),
            bytes: 0,
            writes: Vec::new(),
            out: Staged::default(),
        }
    }

    fn add(&mut self, key: &Key) {
        let Some(change) = self.found.changes.value(key.entity, &key.id) else { return };
        let is_answered = self.step.answered(key.entity, &key.id, change.stamp).is_some();
        if !change.is_due(self.step.now) || is_answered || self.bodies.value(key.entity, &key.id).is_some() {
            return;
        }
        if self.sent.len() == self.step.records_max && !self.next_body() {
            return self.out.left.push(key.clone());
        }
        let mut change = change;
        let written = self.writes.len();
        let (edit, edited);
        let record = match self.found.rows.value(key.entity, &key.id) {
            Some(StoredRow::Unreadable(reason)) => return self.fail(change, "invalid", reason, true),
            Some(StoredRow::Row(row)) if self.config.entity(key.entity).detect == Detect::Scan => {
                // The app may have written the row again since it was marked.
                edit = detect::local_edit(key, Some(row), Some(change.clone()), self.clock());
                let Some(edit) = &edit else { return };
                if edit.change != *change {
                    self.writes.push(Write::PutChange(edit.change.clone()));
                    change = &edit.change;
                }
                self.writes.extend(edit.record.clone().map(|record| Write::PutRow(key.entity, record, row.synced)));
                edit.record.as_ref().unwrap_or(&row.record)
            }
            Some(StoredRow::Row(row)) => {
                if change.stamp != row.record.client_updated_at {
                    // A change that could not be read knows no stamp; the row holds the edit.
                    edited = Change { stamp: row.record.client_updated_at, ..change.clone() };
                    self.writes.push(Write::PutChange(edited.clone()));
                    change = &edited;
                }
                &row.record
            }
            None => match &change.tombstone {
                Some(tombstone) => tombstone,
                None => return self.fail(change, "row_missing", "the app removed the row without a tombstone", true),
            },
        };
        match self.parents(record, key.entity) {
            Parents::Ready => {}
            Parents::Waiting => return,
            Parents::Staged => return self.out.left.push(key.clone()),
            Parents::Stuck(parent) => {
                let message = format!("names a record of `{parent}` that could not be pushed");
                return self.wait(change, "parent_failed", message);
            }
            Parents::Missing(_) if may_pull_parents(&self.step.parents_pulled, key.entity) => {
                return self.out.orphans.push(key.entity);
            }
            Parents::Missing(parent) => {
                let message = format!("names a record of `{parent}` that is not here");
                return self.fail(change, "missing_reference", &message, false);
            }
        }
        if self.step.unstored.is_some() && self.writes.len() > written {
            // An edit found only now is not in the outbox: it does not leave.
            return;
        }
        match self.encode(change, record) {
            Err(message) => self.fail(change, "invalid", &message, true),
            Ok(json) if json.get().len() > PAYLOAD_BYTES_MAX => {
                self.fail(change, "too_large", "the record is over the size limit", true);
            }
            Ok(json) if !self.records.is_empty() && self.bytes + json.get().len() > self.step.bytes_max => {
                if !self.next_body() {
                    return self.out.left.push(key.clone());
                }
                self.writes.truncate(written);
                self.add(key);
            }
            Ok(json) => {
                if change.state == ChangeState::Pending && change.error.is_some() {
                    // What it waited for is over.
                    self.writes.push(Write::PutChange(Change { error: None, ..change.clone() }));
                }
                self.bytes += json.get().len();
                self.records.push(json);
                let scan = self.config.entity(key.entity).detect == Detect::Scan;
                let hash = scan.then(|| detect::content_hash(record, self.replica.hash_key));
                let entity = self.config.entity(key.entity).name.clone();
                self.sent.push(Sent { entity, id: key.id.clone(), stamp: record.client_updated_at, hash });
                self.bodies.insert(key.entity, key.id.clone(), self.out.in_flight.len());
            }
        }
    }

    /// I14: a child waits until each parent is acknowledged, or goes in the same body behind it: never in a body staged with
    /// the parent's, which leaves whatever becomes of the parent.
    fn parents(&self, record: &Record, entity: Entity) -> Parents {
        for (parent, id) in parents_of(record, entity, self.config) {
            let stored = self.found.changes.value(parent, id);
            let unsent = |change: &Change| change.is_dirty() && !change.known;
            let unsent = if self.config.entity(parent).detect == Detect::Scan {
                let key = Key::new(parent, id);
                let edit = detect::local_edit(&key, self.found.row(parent, id), stored.cloned(), self.clock());
                edit.is_some_and(|edit| unsent(&edit.change))
            } else {
                stored.is_some_and(unsent)
            };
            if mutation::is(Mutation::ChildBeforeParent) {
                continue;
            }
            let arrived =
                || stored.and_then(|change| self.step.answered(parent, id, change.stamp)).is_some_and(|a| a.is_there);
            let body = self.bodies.value(parent, id);
            if body.is_some_and(|body| *body != self.out.in_flight.len()) {
                return Parents::Staged;
            }
            if unsent && body.is_none() && !arrived() {
                let is_stuck = |change: &Change| change.error.is_some() || change.state == ChangeState::Conflict;
                return if stored.is_some_and(is_stuck) {
                    Parents::Stuck(self.config.entity(parent).name.clone())
                } else {
                    Parents::Waiting
                };
            }
            if self.found.rows.value(parent, id).is_none() && self.found.changes.value(parent, id).is_none() {
                return Parents::Missing(self.config.entity(parent).name.clone());
            }
        }
        Parents::Ready
    }

    fn clock(&self) -> Clock {
        let Replica { hash_key, offset_ms, .. } = *self.replica;
        Clock { hash_key, now: self.step.now, offset_ms }
    }

    fn encode(&self, change: &Change, record: &Record) -> Result<Box<RawValue>, String> {
        let entity = self.config.entity(change.key.entity);
        entity.check(record)?;
        let manual = entity.policy == Policy::Manual;
        let mut copy = record.clone();
        copy.server_updated_at = None;
        copy.version = None;
        copy.sync = Some(SyncHint {
            // One that was sent before may have arrived, without a word of it coming back.
            known: (change.known || !change.sent.is_empty()) && !mutation::is(Mutation::KnownNotSaid),
            replaces: change.base.filter(|_| manual),
            on_conflict: manual.then_some(OnConflict::Manual),
        })
        .filter(|hint| *hint != SyncHint::default());
        let encoded = match self.step.scope {
            Scope::One(_) => to_raw_value(&entity.names.object(copy)),
            Scope::All => to_raw_value(&WireChange::from_record(&entity.name, copy)),
        };
        encoded.map_err(|error| error.to_string())
    }

    /// Keeps a change in the queue, untried, with the reason for it.
    fn wait(&mut self, change: &Change, code: &str, message: String) {
        let reason = ChangeError { code: code.to_owned(), message };
        if change.error.as_ref() != Some(&reason) {
            self.writes.push(Write::PutChange(Change { error: Some(reason), ..change.clone() }));
        }
    }

    fn fail(&mut self, change: &Change, code: &str, message: &str, permanently: bool) {
        let mut change = change.clone();
        change.fail(code, message, if permanently { 0 } else { self.config.tries_max }, self.step.now);
        self.out.notices.push(failed(&change));
        self.writes.push(Write::PutChange(change));
    }

    /// Ends the body where another may follow.
    fn next_body(&mut self) -> bool {
        let is_last = self.out.in_flight.len() + 1 >= self.step.idempotency_keys.len();
        if !is_last {
            self.end_body();
        }
        !is_last
    }

    fn end_body(&mut self) {
        let place = self.out.in_flight.len();
        let (Some(key), false) = (self.step.idempotency_keys.get(place), self.sent.is_empty()) else { return };
        let (device_id, records) = (self.replica.device_id.clone(), std::mem::take(&mut self.records));
        let (entity, body) = match self.step.scope {
            Scope::One(entity) => {
                let name = self.config.entity(entity).name.clone();
                (Some(name), serde_json::to_string(&PushRequest { device_id, records }))
            }
            Scope::All => {
                (None, serde_json::to_string(&UploadRequest { device_id, changes: records, client_cursor: None }))
            }
        };
        self.bytes = 0;
        self.out.in_flight.push(InFlight {
            place: u8::try_from(place).unwrap_or(u8::MAX),
            key: key.clone(),
            entity,
            sent: std::mem::take(&mut self.sent),
            // Encoded records joined by commas always encode.
            body: body.unwrap_or_default(),
        });
    }

    fn finish(mut self) -> Next<Staged> {
        self.end_body();
        if self.step.unstored.is_none() {
            self.writes.extend(self.out.in_flight.iter().cloned().map(Write::PutInFlight));
        } else {
            // What failed here is told once it can be stored.
            self.writes.clear();
            self.out.notices.clear();
        }
        Next::Commit(self.writes, self.out)
    }
}

enum Parents {
    Ready,
    Waiting,
    /// One goes in a body staged with the child's.
    Staged,
    Stuck(String),
    Missing(String),
}

/// True while a pull may still bring the parents of this entity's records: it was not yet done for them in this cycle.
pub(super) fn may_pull_parents(pulled: &[Entity], entity: Entity) -> bool {
    !pulled.contains(&entity) && !mutation::is(Mutation::MissingParentNotPulled)
}

/// Tells the app how a change failed.
pub(super) fn failed(change: &Change) -> Notice {
    let error = change.error.clone();
    Notice::Failed {
        key: change.key.clone(),
        code: error.as_ref().map(|error| error.code.clone()).unwrap_or_default(),
        message: error.map(|error| error.message).unwrap_or_default(),
        permanently: change.state == ChangeState::FailedPermanently,
    }
}
