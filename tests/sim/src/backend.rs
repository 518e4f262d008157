//! A model of a backend that keeps docs/protocol.md, section 11. Never decides who wins: `protocol::accept` does.

use std::collections::BTreeMap;

use lastword::checkpoint::InFlight;
use lastword::config::Config;
use lastword::incoming::pull::Page;
use lastword::outgoing::push::{Answer, Fate};
use lastword::ports::Failure;
use lastword::protocol::accept::{Verdict, accept};
use lastword::protocol::error::RejectCode;
use lastword::record::{ByKey, Entity, Key, Record, Scope, ServerMillis, Stamp};

use crate::copy::{self, BAD, Copy, PARENT};
use crate::oracle::Oracle;
use crate::rng::Rng;
use crate::timed;
use crate::wire;

/// The backend with all its users.
pub(crate) struct Backend {
    pub(crate) users: Vec<User>,
    /// An older copy that a restore brings back.
    backup: Option<Vec<User>>,
    /// What a reader that lags behind holds.
    pub(crate) standby: Option<Vec<User>>,
    /// Pages that a cache on the way has kept.
    cache: BTreeMap<(usize, Scope, Option<String>), Page>,
    checks_references: bool,
}

/// One user's data.
#[derive(Clone)]
pub(crate) struct User {
    epoch: u64,
    pub(crate) head_seq: i64,
    head_ms: i64,
    /// First sequence and mark of each run's writes.
    marks: Vec<(i64, u64)>,
    mark_due: bool,
    horizon: i64,
    purged_stamp: Option<Stamp>,
    pub(crate) records: Vec<Option<Stored>>,
    answers: BTreeMap<(String, String), (String, Answer)>,
    /// Where it is asked by time: how long before its commit a transaction may begin, which is the time of its copies.
    late_max_ms: Option<i64>,
}

/// A record at its newest sequence.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    pub(crate) seq: i64,
}

/// Where a cursor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    /// Mark of the history at `head`.
    mark: u64,
    pub(crate) seq: i64,
    floor: i64,
    /// Head of the snapshot it was cut from: no older one may answer it, nor a history that has another one there.
    /// A record that had moved past `seq` in that snapshot may stand before it in another.
    head: i64,
}

impl Position {
    pub(crate) fn parse(cursor: &str) -> Option<Self> {
        let mut parts = cursor.split('.');
        Some(Self {
            epoch: parts.next()?.parse().ok()?,
            mark: parts.next()?.parse().ok()?,
            seq: parts.next()?.parse().ok()?,
            floor: parts.next()?.parse().ok()?,
            head: parts.next()?.parse().ok()?,
        })
    }

    fn text(self) -> String {
        format!("{}.{}.{}.{}.{}", self.epoch, self.mark, self.seq, self.floor, self.head)
    }
}

impl Backend {
    pub(crate) fn new(users: usize, checks_references: bool, late_max_ms: Option<i64>, rng: &mut Rng) -> Self {
        let user = |_| User {
            epoch: rng.next() >> 40,
            head_seq: 0,
            head_ms: 0,
            marks: vec![(0, 0)],
            mark_due: true,
            horizon: 0,
            purged_stamp: None,
            records: vec![None; copy::KEYS_MAX],
            answers: BTreeMap::new(),
            late_max_ms,
        };
        Self {
            users: (0..users).map(user).collect(),
            backup: None,
            standby: None,
            cache: BTreeMap::new(),
            checks_references,
        }
    }

    pub(crate) fn restart(&mut self) {
        self.users.iter_mut().for_each(|user| user.mark_due = true);
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = Some(self.users.clone());
    }

    /// Goes back to the backup; false where there is none.
    pub(crate) fn restore(&mut self) -> bool {
        let Some(backup) = self.backup.clone() else { return false };
        self.users = backup;
        self.standby = None;
        self.restart();
        true
    }

    pub(crate) fn feed_standby(&mut self) {
        self.standby = Some(self.users.clone());
    }

    /// Removes every tombstone and moves the horizon past them.
    pub(crate) fn purge(&mut self, user: usize, oracle: &mut Oracle) {
        let state = &mut self.users[user];
        for (index, slot) in state.records.iter_mut().enumerate() {
            if let Some(stored) = slot.take_if(|stored| stored.record.is_deleted) {
                state.horizon = state.horizon.max(stored.seq);
                state.purged_stamp = state.purged_stamp.max(Some(stored.record.client_updated_at));
                oracle.purged(user, index);
            }
        }
    }

    /// The page behind `since`.
    #[allow(clippy::too_many_arguments, reason = "one call; a struct would only rename them")]
    pub(crate) fn pull(
        &mut self,
        user: usize,
        scope: Scope,
        since: Option<&str>,
        limit: usize,
        now: i64,
        reader: Reader,
        rng: &mut Rng,
    ) -> Result<Page, Failure> {
        if reader == Reader::Cache {
            let key = (user, scope, since.map(str::to_owned));
            if let Some(page) = self.cache.get(&key) {
                return Ok(page.clone());
            }
            let page = self.pull(user, scope, since, limit, now, Reader::Primary, rng)?;
            self.cache.insert(key, page.clone());
            return Ok(page);
        }
        let position = match since {
            None => None,
            Some(cursor) => Some(Position::parse(cursor).ok_or_else(|| status(400, None))?),
        };
        let state = match (&self.standby, reader) {
            (Some(standby), Reader::Standby) => {
                let state = &standby[user];
                if position.is_some_and(|position| position.epoch != state.epoch || position.head > state.head_seq) {
                    return Err(status(503, None));
                }
                state
            }
            _ => &self.users[user],
        };
        if let Some(position) = position {
            if position.epoch != state.epoch {
                return Err(status(410, Some(state.epoch)));
            }
            if position.head > state.head_seq || position.mark != state.mark_at(position.head) {
                let epoch = rng.next() >> 40;
                self.users[user].epoch = epoch;
                return Err(status(410, Some(epoch)));
            }
            if state.horizon > position.seq.max(position.floor) {
                return Err(status(410, None));
            }
        }
        Ok(state.page(scope, position, limit, now))
    }

    /// Applies a body; a repeat of one gets the first answer.
    pub(crate) fn push(
        &mut self,
        config: &Config,
        user: usize,
        sent: &InFlight,
        now: i64,
        oracle: &mut Oracle,
        rng: &mut Rng,
    ) -> Result<Answer, Failure> {
        let (device, records) = wire::body(config, sent).ok_or_else(|| status(400, None))?;
        let state = &mut self.users[user];
        let name = (device, sent.key.clone());
        if let Some((body, answer)) = state.answers.get(&name) {
            return if *body == sent.body { Ok(answer.clone()) } else { Err(status(422, None)) };
        }
        let mut results = ByKey::default();
        let mut in_body = Vec::new();
        for (entity, record) in records {
            let key = Key::new(entity, &record.id);
            let index = copy::index(&key);
            oracle.arrived(config, user, entity, &record, &in_body);
            in_body.push(index);
            let fate = state.take(config, entity, record, now, self.checks_references, oracle, user, rng);
            results.insert(key.entity, key.id, fate);
        }
        let answer = Answer { results, server_time: Some(ServerMillis(now)), epoch: Some(state.epoch.to_string()) };
        state.answers.insert(name, (sent.body.clone(), answer.clone()));
        Ok(answer)
    }

    /// An edit by a client that is not simulated.
    pub(crate) fn foreign(&mut self, user: usize, record: Record, entity: Entity, now: i64, rng: &mut Rng) {
        let index = copy::index_of(entity, &record.id);
        self.users[user].store(index, record, now, rng);
    }
}

/// Who answers a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Primary,
    Standby,
    Cache,
}

impl User {
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    fn mark_at(&self, seq: i64) -> u64 {
        self.marks.iter().rev().find(|(first, _)| *first <= seq).map_or(0, |(_, mark)| *mark)
    }

    fn page(&self, scope: Scope, since: Option<Position>, limit: usize, now: i64) -> Page {
        let after = since.map_or(0, |position| position.seq);
        let mut found: Vec<(Entity, &Stored)> = self
            .records
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| Some((entity_of(index), slot.as_ref()?)))
            .filter(|(entity, stored)| stored.seq > after && (scope == Scope::All || scope == Scope::One(*entity)))
            .collect();
        found.sort_by_key(|(_, stored)| stored.seq);
        let remaining = found.len().saturating_sub(limit);
        found.truncate(limit);
        let last = found.last().filter(|_| remaining > 0);
        let (seq, up_to) = last.map_or((self.head_seq, self.head_ms), |(_, stored)| {
            (stored.seq, stored.record.server_updated_at.map_or(0, |time| time.0))
        });
        let floor = since.map_or(self.horizon, |position| position.floor);
        let cursor =
            Position { epoch: self.epoch, mark: self.mark_at(self.head_seq), seq, floor, head: self.head_seq }.text();
        Page {
            scope,
            arrived: found.into_iter().map(|(entity, stored)| wire::arrived(entity, &stored.record)).collect(),
            cursor,
            has_more: remaining > 0,
            up_to: Some(ServerMillis(up_to)),
            server_time: Some(ServerMillis(now)),
            epoch: Some(self.epoch.to_string()),
            remaining: Some(remaining as u64),
            bytes: 0,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one call; a struct would only rename them")]
    fn take(
        &mut self,
        config: &Config,
        entity: Entity,
        record: Record,
        now: i64,
        checks_references: bool,
        oracle: &mut Oracle,
        user: usize,
        rng: &mut Rng,
    ) -> Fate {
        let index = copy::index_of(entity, &record.id);
        if record.fields.contains_key(BAD) && !record.is_deleted {
            return Fate::Rejected { code: RejectCode::Invalid, message: String::new() };
        }
        if checks_references && !record.is_deleted && !config.entity(entity).references.is_empty() {
            let parent = record.fields.get(PARENT).and_then(serde_json::Value::as_str);
            let held = parent.is_none_or(|id| self.records[copy::index_of(Entity(entity.0 - 1), id)].is_some());
            if !held {
                return Fate::Rejected { code: RejectCode::MissingReference, message: String::new() };
            }
        }
        let stored = self.records[index].as_ref().map(|stored| &stored.record);
        match accept(stored, &record, ServerMillis(now), self.purged_stamp) {
            Verdict::Apply => {
                oracle.accepted(user, index, Copy::of(&record));
                self.store(index, record, now, rng);
                self.applied(index)
            }
            Verdict::Same => self.applied(index),
            Verdict::Conflict => match stored {
                Some(stored) if copy::is_poison(stored) => Fate::BadConflict("poison".into()),
                Some(stored) => Fate::Conflict(stored.clone()),
                None => Fate::Gone,
            },
            Verdict::Gone => Fate::Gone,
            Verdict::ClockSkew => Fate::Rejected { code: RejectCode::ClockSkew, message: String::new() },
        }
    }

    fn store(&mut self, index: usize, mut record: Record, now: i64, rng: &mut Rng) {
        self.head_seq += 1;
        self.head_ms = match self.late_max_ms {
            None => now.max(self.head_ms + 1),
            Some(late_max_ms) => self.free_time(index, timed::began(now, late_max_ms, rng)),
        };
        if std::mem::take(&mut self.mark_due) {
            self.marks.push((self.head_seq, rng.next() >> 40));
        }
        let version = self.records[index].as_ref().and_then(|stored| stored.record.version).unwrap_or(0) + 1;
        record.server_updated_at = Some(ServerMillis(self.head_ms));
        record.version = Some(version);
        record.server_id = Some(format!("s{index}"));
        record.sync = None;
        self.records[index] = Some(Stored { record, seq: self.head_seq });
    }

    /// `at`, or a little later: a record's times grow, and no two records share one.
    fn free_time(&self, index: usize, at: i64) -> i64 {
        let time = |stored: &Stored| stored.record.server_updated_at.map_or(0, |time| time.0);
        let mut at = at.max(self.records[index].as_ref().map_or(0, |stored| time(stored) + 1));
        while self.records.iter().flatten().any(|stored| time(stored) == at) {
            at += 1;
        }
        at
    }

    fn applied(&self, index: usize) -> Fate {
        let record = self.records[index].as_ref().map(|stored| &stored.record);
        Fate::Applied {
            server_updated_at: record.and_then(|record| record.server_updated_at),
            version: record.and_then(|record| record.version),
            server_id: record.and_then(|record| record.server_id.clone()),
        }
    }
}

pub(crate) fn entity_of(index: usize) -> Entity {
    Entity(u16::try_from(index / copy::IDS_MAX).unwrap_or(0))
}

pub(crate) fn status(status: u16, epoch: Option<u64>) -> Failure {
    Failure::Status {
        status,
        message: String::new(),
        retry_after_ms: None,
        epoch: epoch.map(|epoch| epoch.to_string()),
    }
}
