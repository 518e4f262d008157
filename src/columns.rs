//! Status columns: what a row shows of its own sync, for apps that ask for it. Never sent, never part of a record.
//!
//! One pass over a commit's writes gives each row its columns: the outbox row that the commit leaves decides them.

use serde::Deserialize;
use serde_json::Value;

use crate::commit::{Found, Read, Write};
use crate::config::Config;
use crate::mapping::FieldNames;
use crate::outgoing::outbox::{Change, ChangeState};
use crate::record::{ByKey, Entity, Fields, Key, Millis, Row};

/// What an app calls the columns; one without a name is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ColumnNames {
    /// When the row last became what the backend has.
    pub last_synced_at: Option<String>,
    /// When it was last tried.
    pub last_sync_attempt_at: Option<String>,
    /// `pending`, `synced`, `failed` or `conflict`.
    pub sync_status: Option<String>,
    /// Why it is not synced.
    pub sync_error_message: Option<String>,
    /// The backend's count of its copies.
    pub sync_version: Option<String>,
}

impl ColumnNames {
    /// All five, written `like_this`.
    #[must_use]
    pub fn snake_case() -> Self {
        Self::all(["last_synced_at", "last_sync_attempt_at", "sync_status", "sync_error_message", "sync_version"])
    }

    /// All five, written `likeThis`.
    #[must_use]
    pub fn camel_case() -> Self {
        Self::all(["lastSyncedAt", "lastSyncAttemptAt", "syncStatus", "syncErrorMessage", "syncVersion"])
    }

    fn all(names: [&str; 5]) -> Self {
        let [last_synced_at, last_sync_attempt_at, sync_status, sync_error_message, sync_version] =
            names.map(|name| Some(name.to_owned()));
        Self { last_synced_at, last_sync_attempt_at, sync_status, sync_error_message, sync_version }
    }

    /// The names in use.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.slots().into_iter().filter_map(Option::as_deref)
    }

    fn slots(&self) -> [&Option<String>; 5] {
        [
            &self.last_synced_at,
            &self.last_sync_attempt_at,
            &self.sync_status,
            &self.sync_error_message,
            &self.sync_version,
        ]
    }

    fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// What the columns of one row hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// When the row last became what the backend has.
    pub synced_at: Option<Millis>,
    /// When it was last tried.
    pub attempt_at: Option<Millis>,
    /// Where it stands.
    pub status: ShownStatus,
    /// Why it is not synced.
    pub error: Option<String>,
    /// The backend's count of its copies.
    pub version: Option<u64>,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShownStatus {
    /// It waits to be sent.
    #[default]
    Pending,
    /// The backend has it.
    Synced,
    /// It was refused.
    Failed,
    /// It waits for the user's choice.
    Conflict,
}

impl ShownStatus {
    /// The word that stands in the row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Failed => "failed",
            Self::Conflict => "conflict",
        }
    }
}

impl Columns {
    /// The columns among the fields of a stored row.
    #[must_use]
    pub fn of(object: &Fields, names: &FieldNames) -> Self {
        let value = |name: &Option<String>| object.get(name.as_deref()?);
        let time = |name| value(name).and_then(|time| names.ms(time)).map(Millis);
        let columns = &names.columns;
        let status = value(&columns.sync_status).and_then(Value::as_str);
        Self {
            synced_at: time(&columns.last_synced_at),
            attempt_at: time(&columns.last_sync_attempt_at),
            status: STATUSES.into_iter().find(|known| status == Some(known.name())).unwrap_or_default(),
            error: value(&columns.sync_error_message).and_then(Value::as_str).map(str::to_owned),
            version: value(&columns.sync_version).and_then(Value::as_u64),
        }
    }

    /// Writes them among the fields of a row.
    pub fn add_to(self, object: &mut Fields, names: &FieldNames) {
        let time = |at: Option<Millis>| at.map_or(Value::Null, |at| names.time(at.0));
        let values = [
            time(self.synced_at),
            time(self.attempt_at),
            self.status.name().into(),
            self.error.map_or(Value::Null, Value::from),
            self.version.map_or(Value::Null, Value::from),
        ];
        for (name, value) in names.columns.slots().into_iter().zip(values) {
            if let Some(name) = name {
                object.insert(name.clone(), value);
            }
        }
    }
}

/// The rows that must be read before [`fill`]: those of which only the outbox row changes.
#[must_use]
pub fn reads(found: &Found, writes: &[Write], config: &Config) -> Vec<Read> {
    let Some(pass) = Pass::new(found, writes, config) else { return Vec::new() };
    let unread: ByKey<()> =
        pass.untouched().into_iter().filter(|(key, ())| found.rows.value(key.entity, &key.id).is_none()).collect();
    unread.ids().into_iter().map(|(entity, ids)| Read::Rows(entity, ids)).collect()
}

/// Gives every row that `writes` change its columns. `at` is when the commit happens.
#[must_use]
pub fn fill(found: &Found, writes: Vec<Write>, config: &Config, at: Option<Millis>) -> Vec<Write> {
    let Some(pass) = Pass::new(found, &writes, config) else { return writes };
    let touched: Vec<Write> = pass.untouched().into_iter().filter_map(|(key, ())| pass.touched(&key, at)).collect();
    let shown: Vec<Option<Columns>> = writes.iter().map(|write| pass.written(write, at)).collect();
    let filled = writes.into_iter().zip(shown).map(|filled| match filled {
        (Write::PutRow(entity, record, synced), Some(columns)) => {
            Write::PutRowWithColumns(entity, Row { record, synced }, columns)
        }
        (write, _) => write,
    });
    filled.chain(touched).collect()
}

/// What one commit does to rows and outbox.
struct Pass<'a> {
    found: &'a Found,
    config: &'a Config,
    /// The outbox rows it leaves, or none where it removes one.
    changes: ByKey<Option<&'a Change>>,
    /// The records that it sends.
    sent: ByKey<()>,
    /// The rows that it writes or removes by itself.
    rows: ByKey<()>,
}

impl<'a> Pass<'a> {
    /// None where no entity has columns.
    #[allow(clippy::wildcard_enum_match_arm, reason = "no other write says where a record stands")]
    fn new(found: &'a Found, writes: &'a [Write], config: &'a Config) -> Option<Self> {
        if config.entities.iter().all(|entity| entity.names.columns.is_empty()) {
            return None;
        }
        let mut pass =
            Self { found, config, changes: ByKey::default(), sent: ByKey::default(), rows: ByKey::default() };
        for write in writes {
            match write {
                Write::PutRow(entity, record, _) => drop(pass.rows.insert(*entity, record.id.clone(), ())),
                Write::DeleteRow(key) => drop(pass.rows.insert(key.entity, key.id.clone(), ())),
                Write::PutChange(change) => {
                    pass.changes.insert(change.key.entity, change.key.id.clone(), Some(change));
                }
                Write::DeleteChange(key) => drop(pass.changes.insert(key.entity, key.id.clone(), None)),
                Write::PutInFlight(in_flight) => {
                    for sent in &in_flight.sent {
                        config.find(&sent.entity).map(|entity| pass.sent.insert(entity, sent.id.clone(), ()));
                    }
                }
                _ => {}
            }
        }
        Some(pass)
    }

    fn shows(&self, entity: Entity) -> bool {
        !self.config.entity(entity).names.columns.is_empty()
    }

    /// Records whose row stays as it is while its columns do not.
    fn untouched(&self) -> ByKey<()> {
        let was_dirty = |entity, id: &str| self.found.changes.value(entity, id).is_some_and(Change::is_dirty);
        let changed = self
            .changes
            .iter()
            .filter(|(entity, id, change)| change.is_some_and(Change::is_dirty) || was_dirty(*entity, id))
            .map(|(entity, id, _)| (entity, id));
        let sent = self.sent.iter().map(|(entity, id, ())| (entity, id));
        let concerned = changed.chain(sent);
        concerned
            .filter(|(entity, id)| self.shows(*entity) && self.rows.value(*entity, id).is_none())
            .map(|(entity, id)| (Key::new(entity, id), ()))
            .collect()
    }

    /// The columns of a row that the commit writes.
    fn written(&self, write: &Write, at: Option<Millis>) -> Option<Columns> {
        let Write::PutRow(entity, record, _) = write else { return None };
        self.shows(*entity).then(|| self.columns(&Key::new(*entity, &record.id), record.version, at))
    }

    /// The row of which only the columns change.
    fn touched(&self, key: &Key, at: Option<Millis>) -> Option<Write> {
        let row = self.found.row(key.entity, &key.id)?;
        Some(Write::PutRowWithColumns(key.entity, row.clone(), self.columns(key, row.record.version, at)))
    }

    fn columns(&self, key: &Key, version: Option<u64>, at: Option<Millis>) -> Columns {
        let old = self.found.columns.value(key.entity, &key.id).cloned().unwrap_or_default();
        let stored = self.found.changes.value(key.entity, &key.id);
        let change = self.changes.value(key.entity, &key.id).copied().unwrap_or(stored);
        let version = version.or(old.version);
        let Some(change) = change.filter(|change| change.is_dirty()) else {
            // A row whose edit was given up waits for the backend's copy: it was not synced just now.
            return Columns {
                synced_at: at.or(old.synced_at),
                attempt_at: at.or(old.attempt_at),
                status: ShownStatus::Synced,
                error: None,
                version,
            };
        };
        let attempt_at = if self.sent.value(key.entity, &key.id).is_some() { at } else { change.last_attempt_at };
        let (status, reason) = match change.state {
            ChangeState::Pending | ChangeState::Acknowledged => (ShownStatus::Pending, None),
            ChangeState::Failed | ChangeState::FailedPermanently => (ShownStatus::Failed, None),
            ChangeState::Conflict => (ShownStatus::Conflict, Some(NEWER.to_owned())),
        };
        let error = change.error.as_ref().map(|error| error.message.clone()).or(reason);
        Columns { synced_at: old.synced_at, attempt_at: attempt_at.or(old.attempt_at), status, error, version }
    }
}

const NEWER: &str = "server version newer";
const STATUSES: [ShownStatus; 4] =
    [ShownStatus::Pending, ShownStatus::Synced, ShownStatus::Failed, ShownStatus::Conflict];
