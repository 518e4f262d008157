//! The server's rules for a batch: who wins, what is refused, which numbers are given. Does no I/O and reads no clock.
//!
//! Source: docs/protocol.md, sections 2 to 4 and 11. The rule for one copy is `lastword_protocol::accept`.

use std::collections::{HashMap, HashSet};
use std::mem::take;

use lastword_protocol::accept::{Verdict, accept};
use lastword_protocol::error::RejectCode;
use lastword_protocol::order::compare_stamps;
use lastword_protocol::push::Reference;
use lastword_protocol::record::Record;
use lastword_protocol::time::{ServerMillis, Stamp};

use crate::prepare::{Candidate, Prepared, Refusal};
use crate::store::{FIRST_VERSION, RecordKey, StoredCopy, UserState};

/// What became of one record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the backend's copy now, or was already.
    Applied {
        /// When it was accepted.
        server_ms: i64,
        /// Counts accepted copies.
        version: i64,
        /// The backend's own id.
        server_id: String,
    },
    /// The backend keeps this other copy.
    Conflict(StoredCopy),
    /// Refused.
    Rejected(Refusal),
    /// Deleted and purged long ago.
    Gone,
}

/// Everything a decision depends on.
pub struct Facts {
    /// The user's counters.
    pub user: UserState,
    /// The backend's clock.
    pub now: ServerMillis,
    /// Stored copies of the records in the batch.
    pub stored: HashMap<RecordKey, StoredCopy>,
    /// Records named by the batch that exist and are live; `None` when references are not checked.
    pub live: Option<HashSet<RecordKey>>,
}

/// The fate of a whole batch.
#[derive(Debug)]
pub struct Decision {
    /// One for each record, in order.
    pub outcomes: Vec<(RecordKey, Outcome)>,
    /// Copies to write.
    pub writes: Vec<StoredCopy>,
    /// The user's counters afterwards.
    pub user: UserState,
}

/// Decides a batch, record by record in its order. Takes out of it what is to be written, and leaves the rest to be
/// dropped when nobody waits.
#[must_use]
pub fn decide(batch: &mut [Prepared], mut facts: Facts) -> Decision {
    let mut seen = HashSet::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut writes = Vec::with_capacity(batch.len());
    for Prepared { key, record } in batch {
        // An item without a readable id is refused for that, and is no one's double.
        let outcome = if key.id.is_empty() || seen.insert(key.clone()) {
            match record {
                Ok(candidate) => decide_one(key, candidate, &mut facts, &mut writes).unwrap_or_else(Outcome::Rejected),
                Err(refusal) => Outcome::Rejected(refusal.clone()),
            }
        } else {
            Outcome::Rejected(Refusal::new(RejectCode::DuplicateId, "the id stands twice in this batch"))
        };
        outcomes.push((key.clone(), outcome));
    }
    Decision { outcomes, writes, user: facts.user }
}

fn decide_one(
    key: &RecordKey,
    candidate: &mut Candidate,
    facts: &mut Facts,
    writes: &mut Vec<StoredCopy>,
) -> Result<Outcome, Refusal> {
    let stored = facts.stored.remove(key);
    let stored_record = stored.as_ref().map(|stored| as_record(stored, &candidate.record)).transpose()?;
    match accept(stored_record.as_ref(), &candidate.record, facts.now, facts.user.purged_stamp.map(Stamp)) {
        Verdict::Apply => {
            candidate.unfit.take().map_or(Ok(()), Err)?;
            check_references(&candidate.references, facts.live.as_ref())?;
            let copy = next_copy(key, candidate, stored.as_ref(), facts);
            let (server_ms, version, server_id) = (copy.server_ms, copy.version, copy.server_id.clone());
            writes.push(copy);
            Ok(Outcome::Applied { server_ms, version, server_id })
        }
        Verdict::ClockSkew => {
            Err(Refusal::new(RejectCode::ClockSkew, "the stamp is too far ahead of the server's clock"))
        }
        Verdict::Gone => Ok(Outcome::Gone),
        Verdict::Same => Ok(stored.map_or(Outcome::Gone, |stored| Outcome::Applied {
            server_ms: stored.server_ms,
            version: stored.version,
            server_id: stored.server_id,
        })),
        Verdict::Conflict => Ok(stored.map_or(Outcome::Gone, Outcome::Conflict)),
    }
}

/// The copy to write, under the next sequence number and a `serverUpdatedAt` after every earlier one of this user.
fn next_copy(key: &RecordKey, candidate: &mut Candidate, stored: Option<&StoredCopy>, facts: &mut Facts) -> StoredCopy {
    let record = &candidate.record;
    facts.user.head_seq += 1;
    facts.user.head_ms = facts.now.0.max(facts.user.head_ms + 1);
    if let Some(live) = &mut facts.live {
        if record.is_deleted {
            live.remove(key);
        } else {
            live.insert(key.clone());
        }
    }
    StoredCopy {
        entity: key.entity.clone(),
        id: key.id.clone(),
        seq: facts.user.head_seq,
        created_ms: record.client_created_at.0,
        stamp: record.client_updated_at.0,
        deleted: record.is_deleted,
        server_ms: facts.user.head_ms,
        version: stored.map_or(FIRST_VERSION, |stored| stored.version + 1),
        server_id: stored.map_or_else(|| take(&mut candidate.server_id), |stored| stored.server_id.clone()),
        fields: take(&mut candidate.fields),
    }
}

fn check_references(named: &[RecordKey], live: Option<&HashSet<RecordKey>>) -> Result<(), Refusal> {
    let Some(live) = live else { return Ok(()) };
    match named.iter().find(|key| !live.contains(key)) {
        None => Ok(()),
        Some(RecordKey { entity, id }) => Err(Refusal {
            reference: Some(Reference { entity: entity.clone(), id: id.clone() }),
            ..Refusal::new(RejectCode::MissingReference, "a record that it names does not exist")
        }),
    }
}

/// The stored copy as the merge order sees it; its fields are read only where they can decide.
fn as_record(stored: &StoredCopy, pushed: &Record) -> Result<Record, Refusal> {
    let order = compare_stamps(pushed.client_updated_at, pushed.is_deleted, Stamp(stored.stamp), stored.deleted);
    let fields = if order.is_eq() {
        serde_json::from_str(&stored.fields)
            .map_err(|_| Refusal::new(RejectCode::Invalid, "the stored copy cannot be read"))?
    } else {
        serde_json::Map::new()
    };
    Ok(Record {
        id: stored.id.clone(),
        client_created_at: Stamp(stored.created_ms),
        client_updated_at: Stamp(stored.stamp),
        is_deleted: stored.deleted,
        server_updated_at: None,
        server_id: None,
        version: None,
        sync: None,
        fields,
    })
}
