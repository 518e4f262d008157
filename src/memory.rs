//! The store in memory: reference behaviour of the [`Store`] contract, for tests, the simulation and private windows.
//!
//! Never keeps anything beyond its own life. Can undo what a power cut would: relaxed commits since the last strict one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::checkpoint::{Checkpoint, EntityMeta, InFlight, Replica};
use crate::columns::{self, Columns};
use crate::commit::{Found, Next, Read, Step, Write};
use crate::config::Config;
use crate::incoming::conflict::Conflict;
use crate::incoming::validate::Quarantined;
use crate::outgoing::outbox::Change;
use crate::ports::{Store, StoreError};
use crate::record::{ByKey, Entity, Key, Row, Scope, StoredRow};

/// A database in memory.
#[derive(Clone)]
pub struct MemoryStore {
    config: Rc<Config>,
    tables: Rc<RefCell<Tables>>,
}

/// The contents.
#[derive(Clone, Default)]
pub struct Tables {
    /// The app's rows.
    pub rows: ByKey<StoredRow>,
    /// The status columns of the rows that have any.
    pub columns: ByKey<Columns>,
    /// The outbox.
    pub changes: ByKey<Change>,
    /// Conflicts that wait for the user.
    pub conflicts: ByKey<Conflict>,
    /// Remote copies that failed validation.
    pub quarantined: ByKey<Quarantined>,
    /// The replica.
    pub replica: Option<Replica>,
    /// How far each scope has been pulled.
    pub checkpoints: BTreeMap<Scope, Checkpoint>,
    /// Kept for each entity.
    pub entities: BTreeMap<Entity, EntityMeta>,
    /// The bodies in flight, by their places.
    pub in_flight: BTreeMap<u8, InFlight>,
    /// Ids seen by a resync.
    pub seen: BTreeMap<(Scope, u32), Vec<Key>>,
    /// How to take back each commit since the last strict one.
    undo: Vec<Vec<Undo>>,
}

impl MemoryStore {
    /// An empty database.
    #[must_use]
    pub fn new(config: Rc<Config>) -> Self {
        Self { config, tables: Rc::default() }
    }

    /// Looks at the contents.
    pub fn look<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.tables.borrow())
    }

    /// Changes the contents as an app does that writes its rows by itself.
    pub fn write_rows(&self, entity: Entity, rows: impl IntoIterator<Item = (String, Option<StoredRow>)>) {
        let mut tables = self.tables.borrow_mut();
        let mut undo = Vec::new();
        for (id, row) in rows {
            let key = Key { entity, id };
            let before = match row {
                Some(row) => tables.rows.insert(entity, key.id.clone(), row),
                None => tables.rows.remove(entity, &key.id),
            };
            let columns = tables.columns.remove(entity, &key.id);
            undo.push(Undo::Row(key, before, columns));
        }
        tables.undo.push(undo);
    }

    /// Runs one transaction at once.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the step gives up; nothing is written then.
    pub fn run_now<S: Step>(&self, step: &S) -> Result<S::Outcome, StoreError> {
        self.run_watched(step, |_, _| Ok(()))
    }

    /// Runs one transaction at once and shows what it is about to write, with the contents before it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the step gives up, or what `watch` says; nothing is written then.
    pub fn run_watched<S: Step>(
        &self,
        step: &S,
        watch: impl FnOnce(&Tables, &[Write]) -> Result<(), StoreError>,
    ) -> Result<S::Outcome, StoreError> {
        let mut found = Found::default();
        loop {
            match step.next(&found, &self.config) {
                Next::Read(reads) => {
                    let tables = self.tables.borrow();
                    reads.iter().for_each(|read| tables.read(read, &mut found));
                    found.rounds += 1;
                }
                Next::Refuse(refusal) => return Err(StoreError::Refused(refusal)),
                Next::Commit(writes, outcome) => {
                    for read in columns::reads(&found, &writes, &self.config) {
                        self.tables.borrow().read(&read, &mut found);
                    }
                    let writes = columns::fill(&found, writes, &self.config, step.at());
                    watch(&self.tables.borrow(), &writes)?;
                    let mut tables = self.tables.borrow_mut();
                    if !writes.is_empty() {
                        let undo = writes.into_iter().map(|write| tables.write(write)).collect();
                        tables.undo.push(undo);
                    }
                    if step.is_strict() {
                        tables.undo.clear();
                    }
                    return Ok(outcome);
                }
            }
        }
    }

    /// How many commits a power cut could still take back.
    #[must_use]
    pub fn relaxed_commits(&self) -> usize {
        self.tables.borrow().undo.len()
    }

    /// Takes back the last `commits` relaxed commits.
    pub fn lose_power(&self, commits: usize) {
        let mut tables = self.tables.borrow_mut();
        for _ in 0..commits {
            let Some(undo) = tables.undo.pop() else { break };
            undo.into_iter().rev().for_each(|undo| tables.take_back(undo));
        }
        // What survived is on disk.
        tables.undo.clear();
    }
}

impl Store for MemoryStore {
    async fn run<S: Step>(&self, step: &S) -> Result<S::Outcome, StoreError> {
        self.run_now(step)
    }
}

impl Tables {
    /// The row of a record, if it decodes.
    #[must_use]
    pub fn row(&self, entity: Entity, id: &str) -> Option<&Row> {
        self.rows.value(entity, id)?.row()
    }

    fn read(&self, read: &Read, found: &mut Found) {
        match read {
            Read::Replica => found.replica.clone_from(&self.replica),
            Read::Checkpoint(scope) => {
                found.checkpoints.insert(*scope, self.checkpoints.get(scope).cloned().unwrap_or_default());
            }
            Read::EntityMeta(entity) => {
                found.entities.insert(*entity, self.entities.get(entity).cloned().unwrap_or_default());
            }
            Read::InFlight => found.in_flight = self.in_flight.values().cloned().collect(),
            Read::Rows(entity, ids) => {
                copy(&self.rows, *entity, ids, &mut found.rows);
                copy(&self.columns, *entity, ids, &mut found.columns);
            }
            Read::RowsSince(entity, since) => {
                for (id, stored) in self.rows.of(*entity) {
                    if stored.row().is_some_and(|row| row.record.client_updated_at >= *since) {
                        found.rows.insert(*entity, id.clone(), stored.clone());
                    }
                }
                copy_all(&self.columns, *entity, &mut found.columns);
            }
            Read::AllRows(entity) => {
                copy_all(&self.rows, *entity, &mut found.rows);
                copy_all(&self.columns, *entity, &mut found.columns);
            }
            Read::RowIds(entity) => names(&self.rows, *entity, &mut found.row_ids),
            Read::Changes(entity, ids) => copy(&self.changes, *entity, ids, &mut found.changes),
            Read::AllChanges(entity) => copy_all(&self.changes, *entity, &mut found.changes),
            Read::ChangeIds(entity) => names(&self.changes, *entity, &mut found.change_ids),
            Read::Outbox => found.changes = self.changes.clone(),
            Read::Conflicts(entity, ids) => copy(&self.conflicts, *entity, ids, &mut found.conflicts),
            Read::AllConflicts => found.conflicts = self.conflicts.clone(),
            Read::QuarantineIds(entity) => names(&self.quarantined, *entity, &mut found.quarantined),
            Read::Quarantine => {
                for (entity, id, _) in self.quarantined.iter() {
                    found.quarantined.insert(entity, id.clone(), ());
                }
            }
            Read::EntityMetas => {
                for (entity, meta) in &self.entities {
                    found.entities.insert(*entity, meta.clone());
                }
            }
            Read::Checkpoints => {
                for (scope, checkpoint) in &self.checkpoints {
                    found.checkpoints.insert(*scope, checkpoint.clone());
                }
            }
            Read::Seen(scope, lists) => {
                for key in (0..*lists).filter_map(|list| self.seen.get(&(*scope, list))).flatten() {
                    found.seen.insert(key.entity, key.id.clone(), ());
                }
            }
        }
    }

    fn write(&mut self, write: Write) -> Undo {
        match write {
            Write::PutRow(entity, record, synced) => {
                self.put_row(Key::new(entity, &record.id), Some(Row { record, synced }), None)
            }
            Write::PutRowWithColumns(entity, row, columns) => {
                self.put_row(Key::new(entity, &row.record.id), Some(row), Some(columns))
            }
            Write::DeleteRow(key) => self.put_row(key, None, None),
            Write::PutChange(change) => {
                let key = change.key.clone();
                Undo::Change(key.clone(), self.changes.insert(key.entity, key.id, change))
            }
            Write::DeleteChange(key) => {
                let before = self.changes.remove(key.entity, &key.id);
                Undo::Change(key, before)
            }
            Write::PutConflict(conflict) => {
                let key = conflict.key.clone();
                Undo::Conflict(key.clone(), self.conflicts.insert(key.entity, key.id, conflict))
            }
            Write::DeleteConflict(key) => {
                let before = self.conflicts.remove(key.entity, &key.id);
                Undo::Conflict(key, before)
            }
            Write::PutQuarantined(bad) => {
                let key = bad.key.clone();
                Undo::Quarantined(key.clone(), self.quarantined.insert(key.entity, key.id, bad))
            }
            Write::DeleteQuarantined(key) => {
                let before = self.quarantined.remove(key.entity, &key.id);
                Undo::Quarantined(key, before)
            }
            Write::PutReplica(replica) => Undo::Replica(self.replica.replace(replica)),
            Write::PutCheckpoint(scope, checkpoint) => {
                Undo::Checkpoint(scope, self.checkpoints.insert(scope, checkpoint))
            }
            Write::PutEntityMeta(entity, meta) => Undo::EntityMeta(entity, self.entities.insert(entity, meta)),
            Write::PutInFlight(in_flight) => {
                let place = in_flight.place;
                Undo::InFlight(place, self.in_flight.insert(place, in_flight))
            }
            Write::DeleteInFlight(place) => Undo::InFlight(place, self.in_flight.remove(&place)),
            Write::PutSeen(scope, list, keys) => {
                Undo::Seen(vec![((scope, list), self.seen.insert((scope, list), keys))])
            }
            Write::DeleteSeen(scope, lists) => {
                Undo::Seen((0..lists).map(|list| ((scope, list), self.seen.remove(&(scope, list)))).collect())
            }
            Write::Wipe => Undo::Everything(Box::new(Tables { undo: Vec::new(), ..std::mem::take(self) })),
        }
    }

    fn put_row(&mut self, key: Key, row: Option<Row>, columns: Option<Columns>) -> Undo {
        let before = self.rows.remove(key.entity, &key.id);
        let columns_before = self.columns.remove(key.entity, &key.id);
        set(&mut self.rows, key.clone(), row.map(StoredRow::Row));
        set(&mut self.columns, key.clone(), columns);
        Undo::Row(key, before, columns_before)
    }

    fn take_back(&mut self, undo: Undo) {
        match undo {
            Undo::Row(key, before, columns) => {
                set(&mut self.rows, key.clone(), before);
                set(&mut self.columns, key, columns);
            }
            Undo::Change(key, before) => set(&mut self.changes, key, before),
            Undo::Conflict(key, before) => set(&mut self.conflicts, key, before),
            Undo::Quarantined(key, before) => set(&mut self.quarantined, key, before),
            Undo::Replica(before) => self.replica = before,
            Undo::Checkpoint(scope, before) => set_in(&mut self.checkpoints, scope, before),
            Undo::EntityMeta(entity, before) => set_in(&mut self.entities, entity, before),
            Undo::InFlight(place, before) => set_in(&mut self.in_flight, place, before),
            Undo::Seen(lists) => lists.into_iter().for_each(|(list, before)| set_in(&mut self.seen, list, before)),
            Undo::Everything(before) => {
                let undo = std::mem::take(&mut self.undo);
                *self = Tables { undo, ..*before };
            }
        }
    }
}

/// A list of seen ids and what it held.
type SeenBefore = ((Scope, u32), Option<Vec<Key>>);

#[derive(Clone)]
enum Undo {
    Row(Key, Option<StoredRow>, Option<Columns>),
    Change(Key, Option<Change>),
    Conflict(Key, Option<Conflict>),
    Quarantined(Key, Option<Quarantined>),
    Replica(Option<Replica>),
    Checkpoint(Scope, Option<Checkpoint>),
    EntityMeta(Entity, Option<EntityMeta>),
    InFlight(u8, Option<InFlight>),
    Seen(Vec<SeenBefore>),
    Everything(Box<Tables>),
}

fn copy<T: Clone>(from: &ByKey<T>, entity: Entity, ids: &[String], to: &mut ByKey<T>) {
    for id in ids {
        if let Some(value) = from.value(entity, id) {
            to.insert(entity, id.clone(), value.clone());
        }
    }
}

fn copy_all<T: Clone>(from: &ByKey<T>, entity: Entity, to: &mut ByKey<T>) {
    for (id, value) in from.of(entity) {
        to.insert(entity, id.clone(), value.clone());
    }
}

fn names<T>(from: &ByKey<T>, entity: Entity, to: &mut ByKey<()>) {
    for (id, _) in from.of(entity) {
        to.insert(entity, id.clone(), ());
    }
}

fn set<T>(map: &mut ByKey<T>, key: Key, value: Option<T>) {
    match value {
        Some(value) => map.insert(key.entity, key.id, value),
        None => map.remove(key.entity, &key.id),
    };
}

fn set_in<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}
