//! The outbox: one row for each record that differs from the backend, kept until step 5 clears it. Never holds a live copy.

use serde::{Deserialize, Serialize};

use crate::engine::backoff;
use crate::mutation::{self, Mutation};
use crate::record::{Key, Millis, Record, ServerMillis, Stamp};

/// One local difference that the backend has not confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The record.
    pub key: Key,
    /// Stamp of the local copy when it was marked.
    pub stamp: Stamp,
    /// What was done to the record.
    pub operation: Operation,
    /// Where the change stands.
    pub state: ChangeState,
    /// Failed tries since the last edit or manual retry; while acknowledged, pulls that ended short of it.
    pub attempts: u32,
    /// When it was last tried.
    pub last_attempt_at: Option<Millis>,
    /// Not before this time again.
    pub next_try_at: Option<Millis>,
    /// Why the last try failed.
    pub error: Option<ChangeError>,
    /// When the record first became different.
    pub queued_at: Millis,
    /// True when the backend has held this record: a pulled or an acknowledged one.
    pub known: bool,
    /// Stamp of the backend's copy that the edits replaced.
    pub base: Option<Stamp>,
    /// The greatest stamp that the backend is known to have held before `base`: a restored one may show an older copy.
    pub held: Option<Stamp>,
    /// Stamps of this record that were sent and may have arrived, the last one last.
    pub sent: Vec<Stamp>,
    /// Stamps that newer edits replaced before they were known to have been sent: while the storage is full, a copy may
    /// leave without a word of it here. The last one last.
    pub earlier: Vec<Stamp>,
    /// When the backend accepted the newest copy that it is known to hold: this one while acknowledged, else `base`.
    pub accepted_at: Option<ServerMillis>,
    /// The tombstone, when the app removed its row.
    pub tombstone: Option<Record>,
    /// What is stored in its place and cannot be read.
    pub raw: Option<String>,
}

/// What was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The backend never had it.
    Create,
    /// The backend has another copy.
    Update,
    /// It is a tombstone now.
    Delete,
}

/// Where a change stands. `syncing` is not among them: it is never durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Waits to be sent.
    Pending,
    /// Accepted by the backend, not yet seen in a pull.
    Acknowledged,
    /// Waits for the user's choice.
    Conflict,
    /// Tried and refused; will be tried again.
    Failed,
    /// Given up on until the user retries, edits or discards: the dead letters.
    FailedPermanently,
}

/// Why a try failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeError {
    /// Stable code.
    pub code: String,
    /// For a person.
    pub message: String,
}

impl Change {
    /// A change of `key` as first marked.
    #[must_use]
    pub fn new(key: Key, stamp: Stamp, operation: Operation, queued_at: Millis) -> Self {
        Self {
            key,
            stamp,
            operation,
            state: ChangeState::Pending,
            attempts: 0,
            last_attempt_at: None,
            next_try_at: None,
            error: None,
            queued_at,
            known: false,
            base: None,
            held: None,
            sent: Vec::new(),
            earlier: Vec::new(),
            accepted_at: None,
            tombstone: None,
            raw: None,
        }
    }

    /// What stands for a stored change that cannot be read: a dead letter, so that it is seen and holds nothing else up.
    ///
    /// It counts as known to the backend: a record that was deleted there is asked about, not brought back.
    #[must_use]
    pub fn unreadable(key: Key, reason: String, raw: String) -> Self {
        Self {
            state: ChangeState::FailedPermanently,
            known: true,
            error: Some(ChangeError { code: "unreadable".to_owned(), message: reason }),
            raw: Some(raw),
            ..Self::new(key, Stamp(0), Operation::Update, Millis(0))
        }
    }

    /// True while the local copy holds something that the backend has not accepted.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.state != ChangeState::Acknowledged
    }

    /// True when the change may be sent now.
    ///
    /// A next try further away than the longest delay is a clock that jumped, and does not count.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        match self.state {
            ChangeState::Pending => true,
            ChangeState::Failed => {
                self.next_try_at.is_none_or(|at| at <= now || at.0 > now.0.saturating_add(backoff::DELAY_MAX_MS))
            }
            ChangeState::Acknowledged | ChangeState::Conflict | ChangeState::FailedPermanently => false,
        }
    }

    /// Back to the queue, as if never tried: after an edit, a manual retry or a lost acknowledgement.
    pub fn requeue(&mut self) {
        if self.state == ChangeState::Acknowledged {
            self.held = self.held.max(Some(self.stamp));
        }
        self.state = ChangeState::Pending;
        self.attempts = 0;
        self.next_try_at = None;
        self.error = None;
    }

    /// The edits replace this copy of the backend's from now on.
    pub fn rebase(&mut self, stamp: Stamp, accepted_at: Option<ServerMillis>) {
        self.held = self.held.max(self.base);
        self.base = Some(stamp);
        self.accepted_at = accepted_at;
    }

    /// Remembers that this copy left the replica: it may have arrived, whatever was heard of it.
    pub fn was_sent(&mut self, stamp: Stamp) {
        remember(&mut self.sent, stamp);
    }

    /// Remembers its stamp before another takes its place.
    pub fn remember_stamp(&mut self) {
        if !mutation::is(Mutation::EarlierStampForgotten) {
            remember(&mut self.earlier, self.stamp);
        }
    }

    /// Stamps of this record that the backend may hold, whatever was heard of them.
    pub fn left(&self) -> impl Iterator<Item = Stamp> {
        self.sent.iter().chain(&self.earlier).copied()
    }

    /// The stamp that any new one of this record must exceed, besides the row's, which the app may have written over: that of
    /// the copy marked last, and the greatest that the backend held, or may hold for all that is known.
    #[must_use]
    pub fn replaced(&self) -> Option<Stamp> {
        Some(self.stamp).max(self.base).max(self.held).max(self.left().max())
    }

    /// Back to the queue after an edit; one that waits for the user's choice goes on waiting. Call it while the change
    /// still names the stamp that the edit replaced.
    pub fn edited(&mut self) {
        match self.state {
            ChangeState::Conflict => {}
            ChangeState::Acknowledged => {
                self.known = true;
                self.rebase(self.stamp, self.accepted_at);
                self.requeue();
            }
            ChangeState::Pending | ChangeState::Failed | ChangeState::FailedPermanently => {
                self.remember_stamp();
                self.requeue();
            }
        }
    }

    /// Counts a failed try; the change gives up after `tries_max`, with 0 at once.
    pub fn fail(&mut self, code: &str, message: &str, tries_max: u32, now: Millis) {
        self.attempts = self.attempts.saturating_add(1);
        self.last_attempt_at = Some(now);
        self.error = Some(ChangeError { code: code.to_owned(), message: message.to_owned() });
        if self.attempts >= tries_max {
            self.state = ChangeState::FailedPermanently;
            self.next_try_at = None;
        } else {
            self.state = ChangeState::Failed;
            self.next_try_at = Some(Millis(now.0.saturating_add(backoff::delay_ms(self.attempts))));
        }
    }
}

fn remember(stamps: &mut Vec<Stamp>, stamp: Stamp) {
    stamps.retain(|held| *held != stamp);
    stamps.push(stamp);
    if stamps.len() > SENT_MAX {
        stamps.remove(0);
    }
}

/// In the order of stamps; changes of one stamp by record.
pub(super) fn by_stamp(changes: &mut [&Change]) {
    changes.sort_unstable_by(|a, b| (a.stamp, &a.key).cmp(&(b.stamp, &b.key)));
}

/// Copies sent and unanswered that are remembered for a record; an older one met again counts as someone else's.
const SENT_MAX: usize = 32;
