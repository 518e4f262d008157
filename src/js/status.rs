//! What the app is shown: status, changes, conflicts, failures, events. Never holds record contents but in conflicts.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::driver::Told;
use crate::engine::state::{Halt, Mode, Report};
use crate::engine::{Progress, View};
use crate::error::Error;
use crate::incoming::conflict::{Conflict, Notice};
use crate::outgoing::outbox::{Change, ChangeError, ChangeState, Operation};
use crate::outgoing::retry::Waiting;
use crate::outgoing::standing::Standing;
use crate::record::{ByEntity, Entity, Millis, Record};

/// The state of syncing, as a whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status<'a> {
    state: &'static str,
    leader: bool,
    reachable: Option<bool>,
    pending: usize,
    failed: usize,
    conflicts: usize,
    quarantined: usize,
    last_sync_at: Option<Millis>,
    next_try_at: Option<Millis>,
    error: Option<ShownError>,
    progress: Option<ShownProgress>,
    #[serde(serialize_with = "by_name")]
    entities: Vec<(&'a str, EntityStatus)>,
}

/// The state of one entity.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct EntityStatus {
    pending: usize,
    failed: usize,
    conflicts: usize,
    quarantined: usize,
    last_push_at: Option<Millis>,
    last_pull_at: Option<Millis>,
}

#[derive(Serialize)]
struct ShownError {
    code: &'static str,
    message: String,
    retryable: bool,
}

#[derive(Serialize)]
struct ShownProgress {
    phase: &'static str,
    done: usize,
    total: Option<usize>,
    bytes: Option<usize>,
}

impl<'a> Status<'a> {
    pub(super) fn new(config: &'a Config, view: &View, standing: &Standing, now: Millis) -> Self {
        let mut entities = Vec::with_capacity(config.entities.len());
        for entity in config.all() {
            let meta = standing.entities.get(&entity);
            let mut status = EntityStatus {
                last_push_at: meta.and_then(|meta| meta.last_push),
                last_pull_at: standing.pulled_at.get(&config.scope_of(entity)).copied(),
                quarantined: standing.quarantined.of(entity).count(),
                conflicts: standing.conflicts.of(entity).count(),
                ..EntityStatus::default()
            };
            for (_, state) in standing.changes.of(entity) {
                match state {
                    ChangeState::Pending => status.pending += 1,
                    ChangeState::Failed | ChangeState::FailedPermanently => status.failed += 1,
                    ChangeState::Acknowledged | ChangeState::Conflict => {}
                }
            }
            entities.push((config.entity(entity).name.as_str(), status));
        }
        let sum = |of: fn(&EntityStatus) -> usize| entities.iter().map(|(_, status)| of(status)).sum();
        Self {
            state: state(view),
            leader: view.mode == Mode::Leader,
            reachable: view.is_reachable,
            pending: sum(|entity| entity.pending),
            failed: sum(|entity| entity.failed),
            conflicts: sum(|entity| entity.conflicts),
            quarantined: sum(|entity| entity.quarantined),
            last_sync_at: view.last_sync_at,
            next_try_at: view.next_try_in_ms.map(|ms| Millis(now.0 + ms)),
            error: view.error.as_ref().map(shown_error),
            progress: view.progress.map(shown_progress),
            entities,
        }
    }
}

/// A list of names and values as a JSON object.
fn by_name<T: Serialize, S: Serializer>(entries: &[(&str, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

fn state(view: &View) -> &'static str {
    match (view.mode, view.halt, view.is_syncing, &view.error) {
        (Mode::Stopped, ..) => "stopped",
        (_, Some(Halt::AuthNeeded), ..) => "auth_needed",
        (_, Some(Halt::UpgradeRequired | Halt::AccountMismatch | Halt::StoreClosed), ..) => "failed",
        (_, None, true, _) => "syncing",
        (_, None, false, Some(Error::Network | Error::Timeout { .. })) => "offline",
        (_, None, false, Some(_)) => "failed",
        (_, None, false, None) => "idle",
    }
}

fn shown_error(error: &Error) -> ShownError {
    ShownError { code: error.code(), message: error.to_string(), retryable: error.retryable() }
}

fn shown_progress(progress: Progress) -> ShownProgress {
    let phase = if progress.is_push { "push" } else { "pull" };
    ShownProgress { phase, done: progress.done, total: progress.total, bytes: progress.bytes }
}

/// How many records stand where.
#[derive(Default, Serialize)]
struct Counts {
    records: usize,
    synced: usize,
    pending: usize,
    failed: usize,
    conflict: usize,
    quarantined: usize,
}

/// The counts of a replica.
#[derive(Serialize)]
pub(super) struct Stats<'a> {
    #[serde(flatten)]
    all: Counts,
    #[serde(serialize_with = "by_name")]
    entities: Vec<(&'a str, Counts)>,
}

impl<'a> Stats<'a> {
    pub(super) fn new(config: &'a Config, rows: &ByEntity<usize>, waiting: &Waiting) -> Self {
        let mut all = Counts::default();
        let mut entities = Vec::with_capacity(config.entities.len());
        for entity in config.all() {
            let states = |of: &[ChangeState]| {
                let changes = waiting.changes.iter().filter(|change| change.key.entity == entity);
                changes.filter(|change| of.contains(&change.state)).count()
            };
            let pending = states(&[ChangeState::Pending]);
            let failed = states(&[ChangeState::Failed, ChangeState::FailedPermanently]);
            let conflict = states(&[ChangeState::Conflict]);
            let records = rows.get(&entity).copied().unwrap_or(0);
            let quarantined = waiting.quarantined.get(&entity).copied().unwrap_or(0);
            // A change whose row the app removed has no row to count.
            let synced = records.saturating_sub(pending + failed + conflict);
            let counts = Counts { records, synced, pending, failed, conflict, quarantined };
            all.add(&counts);
            entities.push((config.entity(entity).name.as_str(), counts));
        }
        Self { all, entities }
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.synced += other.synced;
        self.pending += other.pending;
        self.failed += other.failed;
        self.conflict += other.conflict;
        self.quarantined += other.quarantined;
    }
}

/// What one cycle did.
#[derive(Serialize)]
pub(super) struct SyncResult {
    pushed: usize,
    pulled: usize,
    conflicts: usize,
    rejected: usize,
    quarantined: usize,
}

impl From<Report> for SyncResult {
    fn from(report: Report) -> Self {
        Self {
            pushed: report.pushed,
            pulled: report.pulled,
            conflicts: report.conflicts,
            rejected: report.rejected,
            quarantined: report.quarantined,
        }
    }
}

/// One outbox row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownChange<'a> {
    entity: &'a str,
    id: String,
    operation: Operation,
    state: ChangeState,
    attempts: u32,
    queued_at: Millis,
    last_attempt_at: Option<Millis>,
    next_try_at: Option<Millis>,
    error: Option<ChangeError>,
}

impl<'a> ShownChange<'a> {
    pub(super) fn new(config: &'a Config, change: Change) -> Self {
        Self {
            entity: &config.entity(change.key.entity).name,
            id: change.key.id,
            operation: change.operation,
            state: change.state,
            attempts: change.attempts,
            queued_at: change.queued_at,
            last_attempt_at: change.last_attempt_at,
            next_try_at: change.next_try_at,
            error: change.error,
        }
    }
}

/// Where one record stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordStatus {
    state: &'static str,
    attempts: u32,
    last_attempt_at: Option<Millis>,
    error: Option<ChangeError>,
}

impl RecordStatus {
    /// By its outbox row, or by whether there is a row at all.
    pub(super) fn new(change: Option<&Change>, exists: bool) -> Self {
        let state = match change.map(|change| change.state) {
            Some(ChangeState::Pending) => "pending",
            // The backend has it: that it has not been seen in a pull yet is our business.
            Some(ChangeState::Acknowledged) => "synced",
            Some(ChangeState::Conflict) => "conflict",
            Some(ChangeState::Failed) => "failed",
            Some(ChangeState::FailedPermanently) => "failed_permanently",
            None if exists => "synced",
            None => "unknown",
        };
        Self {
            state,
            attempts: change.map_or(0, |change| change.attempts),
            last_attempt_at: change.and_then(|change| change.last_attempt_at),
            error: change.and_then(|change| change.error.clone()),
        }
    }
}

/// A change that failed.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    entity: &'a str,
    id: String,
    code: String,
    message: String,
    attempts: u32,
}

impl<'a> Failure<'a> {
    pub(super) fn new(config: &'a Config, change: Change) -> Option<Self> {
        let failed = matches!(change.state, ChangeState::Failed | ChangeState::FailedPermanently);
        let error = change.error.filter(|_| failed)?;
        Some(Self {
            entity: &config.entity(change.key.entity).name,
            id: change.key.id,
            code: error.code,
            message: error.message,
            attempts: change.attempts,
        })
    }
}

/// A conflict with both copies, in the app's own field names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownConflict<'a> {
    entity: &'a str,
    id: String,
    local: Map<String, Value>,
    remote: Option<Map<String, Value>>,
    found_at: Millis,
}

impl<'a> ShownConflict<'a> {
    pub(super) fn new(config: &'a Config, conflict: Conflict) -> Self {
        let entity = config.entity(conflict.key.entity);
        let shown = |record: Record| entity.names.object(record);
        Self {
            entity: &entity.name,
            id: conflict.key.id,
            local: shown(conflict.local),
            remote: conflict.remote.map(shown),
            found_at: conflict.found_at,
        }
    }
}

/// An event of the app's.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum SyncEvent<'a> {
    /// Rows changed.
    Change { entity: &'a str, ids: Vec<String>, source: &'static str },
    /// Both sides changed a record and the user decides.
    Conflict { entity: &'a str, id: String },
    /// A push of a record failed.
    Failure { entity: &'a str, id: String, code: String, message: String },
    /// A local edit lost to a newer copy.
    Superseded { entity: &'a str, id: String },
    /// The backend does not accept the token.
    AuthNeeded,
    /// Anything else worth telling a developer.
    Log { level: &'static str, message: String },
}

impl<'a> SyncEvent<'a> {
    /// The events that `told` makes. The view itself is told by the status.
    pub(super) fn all(config: &'a Config, told: Told) -> Vec<Self> {
        match told {
            Told::Notices(notices) => notices.into_iter().map(|notice| Self::of_notice(config, notice)).collect(),
            Told::Changed(keys) => {
                let mut by_entity: ByEntity<Vec<String>> = ByEntity::new();
                for key in keys {
                    by_entity.entry(key.entity).or_default().push(key.id);
                }
                let change =
                    |(entity, ids)| Self::Change { entity: &config.entity(entity).name, ids, source: "remote" };
                by_entity.into_iter().map(change).collect()
            }
            Told::Ended(Err(Error::AuthNeeded)) => vec![Self::AuthNeeded],
            Told::Ended(Err(error)) => vec![Self::Log { level: "warn", message: error.to_string() }],
            Told::Ended(Ok(_)) | Told::View => Vec::new(),
        }
    }

    fn of_notice(config: &'a Config, notice: Notice) -> Self {
        let name = |entity: Entity| config.entity(entity).name.as_str();
        match notice {
            Notice::Superseded { key, .. } => Self::Superseded { entity: name(key.entity), id: key.id },
            Notice::Conflict(key) => Self::Conflict { entity: name(key.entity), id: key.id },
            Notice::Failed { key, code, message, .. } => {
                Self::Failure { entity: name(key.entity), id: key.id, code, message }
            }
            Notice::Quarantined { key, reason } => Self::Log {
                level: "warn",
                message: format!("a record of `{}` from the backend was set aside: {reason}", name(key.entity)),
            },
            Notice::Restamped { count } => Self::Log {
                level: "warn",
                message: format!(
                    "this device's clock was ahead: {count} edits were stamped again by the backend's clock"
                ),
            },
            Notice::LostByBackend(key) => Self::Log {
                level: "warn",
                message: format!("the backend lost a record of `{}`: it is sent again", name(key.entity)),
            },
        }
    }
}
