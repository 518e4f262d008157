//! The store over IndexedDB: runs a step in one transaction. Never awaits anything else inside, never decides.
//!
//! Requests are issued together and values are encoded before the first write, so that the transaction neither waits
//! for us nor commits too early.

use std::future::IntoFuture;
use std::rc::Rc;

use futures_util::lock::Mutex;
use idb::{KeyRange, ObjectStore, Query, Transaction};
use js_sys::{Array, Object, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbTransaction};

use super::codec::{self, key_to_js, row_from_js, row_to_js, time_to_js};
use super::database::{Connection, idb_error};
use super::stores::{
    CONFLICTS, META, OUTBOX, QUARANTINE, StoredChange, StoredConflict, StoredQuarantined, VALUE, meta,
};
use super::{EntityLayout, Layout};
use crate::commit::{Found, Next, Read, Step, Write};
use crate::config::Config;
use crate::error::Error;
use crate::incoming::conflict::Conflict;
use crate::ports::{Store, StoreError};
use crate::record::{Entity, Fields, Key};

/// The app's database.
#[derive(Clone)]
pub struct IndexedDb {
    config: Rc<Config>,
    layout: Layout,
    connection: Rc<Mutex<Option<Rc<Connection>>>>,
}

impl IndexedDb {
    /// Opens the database.
    ///
    /// # Errors
    /// See [`Connection::open`].
    pub async fn open(config: Rc<Config>, layout: Layout) -> Result<Self, Error> {
        let connection = Connection::open(&layout).await?;
        Ok(Self { config, layout, connection: Rc::new(Mutex::new(Some(Rc::new(connection)))) })
    }

    /// Closes the connection; the next transaction opens it again.
    pub async fn close(&self) {
        self.connection.lock().await.take();
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The connection, opened again where another tab's upgrade or the browser closed it.
    async fn connection(&self) -> Result<Rc<Connection>, StoreError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| connection.is_open()) {
            return Ok(connection.clone());
        }
        *held = None;
        match Connection::open(&self.layout).await {
            Ok(connection) => {
                let connection = Rc::new(connection);
                *held = Some(connection.clone());
                Ok(connection)
            }
            Err(error) => Err(store_error(&error)),
        }
    }

    fn entity(&self, entity: Entity) -> &EntityLayout {
        &self.layout.entities[usize::from(entity.0)]
    }

    fn store_list(&self) -> impl Iterator<Item = &str> {
        let rows = self.layout.entities.iter().map(|entity| entity.store.as_str());
        rows.chain([OUTBOX, CONFLICTS, QUARANTINE, META])
    }
}

impl Store for IndexedDb {
    async fn run<S: Step>(&self, step: &S) -> Result<S::Outcome, StoreError> {
        let mut outcome = None;
        let mut next = |found: &Found| match step.next(found, &self.config) {
            Next::Read(reads) => Next::Read(reads),
            Next::Refuse(refusal) => Next::Refuse(refusal),
            Next::Commit(writes, came_of_it) => {
                outcome = Some(came_of_it);
                Next::Commit(writes, ())
            }
        };
        let mode = if step.is_read_only() { "readonly" } else { "readwrite" };
        self.transact(mode, step.is_strict(), &mut next).await?;
        outcome.ok_or(StoreError::Closed)
    }
}

impl IndexedDb {
    /// One transaction, whatever the step: a single copy of this code serves them all.
    async fn transact(
        &self,
        mode: &str,
        strict: bool,
        next: &mut dyn FnMut(&Found) -> Next<()>,
    ) -> Result<(), StoreError> {
        let connection = self.connection().await?;
        let stores = self.store_list().map(JsValue::from).collect();
        let raw = begin(connection.database(), &stores, mode, strict)?;
        let running = Running { db: self, transaction: raw.clone().into() };
        let mut found = Found::default();
        loop {
            match next(&found) {
                Next::Read(reads) => {
                    if let Err(error) = running.read_all(&reads, &mut found).await {
                        let _ = raw.abort();
                        return Err(cause(&raw, error));
                    }
                    found.rounds += 1;
                }
                Next::Refuse(refusal) => {
                    let _ = raw.abort();
                    return Err(StoreError::Refused(refusal));
                }
                Next::Commit(writes, ()) => {
                    if let Err(error) = running.write_all(writes) {
                        let _ = raw.abort();
                        return Err(error);
                    }
                    return running.commit(&raw).await;
                }
            }
        }
    }
}

struct Running<'a> {
    db: &'a IndexedDb,
    transaction: Transaction,
}

type Answer = Result<(), idb::Error>;

impl Running<'_> {
    /// Issues every request, then waits for the answers in order.
    async fn read_all(&self, reads: &[Read], found: &mut Found) -> Answer {
        let mut requests = Vec::with_capacity(reads.len());
        for read in reads {
            requests.push(self.request(read)?);
        }
        for (read, requests) in reads.iter().zip(requests) {
            for request in requests {
                let values = request.values().await?;
                self.take(read, values, found);
            }
        }
        Ok(())
    }

    fn request(&self, read: &Read) -> Result<Vec<Request>, idb::Error> {
        Ok(match read {
            Read::Replica => vec![self.meta(meta::REPLICA)?],
            Read::InFlight => vec![self.meta(meta::IN_FLIGHT)?],
            Read::Checkpoint(scope) => vec![self.meta(&meta::scope(self.db.config.scope_name(*scope)))?],
            Read::EntityMeta(entity) => vec![self.meta(&meta::entity(&self.db.entity(*entity).name))?],
            Read::Seen(scope, lists) => {
                let name = self.db.config.scope_name(*scope);
                (0..*lists).map(|list| self.meta(&meta::seen(name, list))).collect::<Result<_, _>>()?
            }
            Read::Rows(entity, ids) => {
                let store = self.rows(*entity)?;
                ids.iter().map(|id| Request::one(&store, JsValue::from(id.as_str()))).collect::<Result<_, _>>()?
            }
            Read::RowsSince(entity, stamp) => vec![self.rows_since(*entity, stamp.0)?],
            Read::AllRows(entity) => vec![Request::all(&self.rows(*entity)?, None)?],
            Read::RowIds(entity) => vec![Request::keys(&self.rows(*entity)?, None)?],
            Read::Changes(entity, ids) => self.by_id(OUTBOX, *entity, ids)?,
            Read::AllChanges(entity) => vec![Request::all(&self.store(OUTBOX)?, Some(self.range(*entity)?))?],
            Read::ChangeIds(entity) => vec![Request::keys(&self.store(OUTBOX)?, Some(self.range(*entity)?))?],
            Read::Conflicts(entity, ids) => self.by_id(CONFLICTS, *entity, ids)?,
            Read::AllConflicts => vec![Request::all(&self.store(CONFLICTS)?, None)?],
            Read::QuarantineIds(entity) => vec![Request::keys(&self.store(QUARANTINE)?, Some(self.range(*entity)?))?],
        })
    }

    fn take(&self, read: &Read, values: Vec<JsValue>, found: &mut Found) {
        match read {
            Read::Replica => found.replica = one(values),
            Read::InFlight => found.in_flight = one(values),
            Read::Checkpoint(scope) => {
                found.checkpoints.insert(*scope, one(values).unwrap_or_default());
            }
            Read::EntityMeta(entity) => {
                found.entities.insert(*entity, one(values).unwrap_or_default());
            }
            Read::Seen(..) => {
                let keys: Vec<(String, String)> = one(values).unwrap_or_default();
                for (entity, id) in keys {
                    if let Some(entity) = self.db.config.find(&entity) {
                        found.seen.insert(entity, id, ());
                    }
                }
            }
            Read::Rows(entity, _) | Read::RowsSince(entity, _) | Read::AllRows(entity) => {
                let names = &self.db.entity(*entity).names;
                let id_name = JsValue::from(names.id.as_str());
                for value in values {
                    if let Some(id) = Reflect::get(&value, &id_name).ok().and_then(|id| id.as_string()) {
                        found.rows.insert(*entity, id, row_from_js(&value, names));
                    }
                }
            }
            Read::RowIds(entity) => {
                for id in values.iter().filter_map(JsValue::as_string) {
                    found.row_ids.insert(*entity, id, ());
                }
            }
            Read::Changes(entity, _) | Read::AllChanges(entity) => {
                for stored in values.into_iter().filter_map(|value| codec::from_js::<StoredChange>(value).ok()) {
                    let key = Key::new(*entity, &stored.id);
                    found.changes.insert(*entity, key.id.clone(), stored.into_change(key));
                }
            }
            Read::ChangeIds(entity) => ids(&values, |id| {
                found.change_ids.insert(*entity, id, ());
            }),
            Read::QuarantineIds(entity) => ids(&values, |id| {
                found.quarantined.insert(*entity, id, ());
            }),
            Read::Conflicts(..) | Read::AllConflicts => {
                for conflict in values.into_iter().filter_map(|value| self.conflict(value)) {
                    found.conflicts.insert(conflict.key.entity, conflict.key.id.clone(), conflict);
                }
            }
        }
    }

    fn conflict(&self, value: JsValue) -> Option<Conflict> {
        let stored: StoredConflict = codec::from_js(value).ok()?;
        let entity = self.db.config.find(&stored.entity)?;
        let names = &self.db.entity(entity).names;
        let record = |fields: Fields| names.record(fields).ok();
        Some(Conflict {
            key: Key { entity, id: stored.id },
            local: record(stored.local)?,
            remote: stored.remote.and_then(record),
            found_at: stored.found_at,
        })
    }

    /// Encodes every value, then issues every request; the answers come with the commit.
    fn write_all(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut encoded: Vec<Encoded> = Vec::with_capacity(writes.len());
        for write in writes {
            if write == Write::Wipe {
                encoded
                    .extend(self.db.store_list().map(|store| Encoded { store: store.to_owned(), what: What::Clear }));
            } else {
                encoded.push(self.encode(write).map_err(unholdable)?);
            }
        }
        let mut stores: Vec<(String, ObjectStore)> = Vec::new();
        for write in encoded {
            let found = stores.iter().find(|(name, _)| *name == write.store);
            let store = match found {
                Some((_, store)) => store,
                None => {
                    let store = self.store(&write.store).map_err(|error| store_error(&idb_error(error)))?;
                    stores.push((write.store.clone(), store));
                    &stores[stores.len() - 1].1
                }
            };
            let issued = match write.what {
                What::Put(value) => store.put(&value, None).map(drop),
                What::Delete(key) => store.delete(Query::from(key)).map(drop),
                What::Clear => store.clear().map(drop),
            };
            issued.map_err(|error| store_error(&idb_error(error)))?;
        }
        Ok(())
    }

    fn encode(&self, write: Write) -> Result<Encoded, String> {
        let config = &self.db.config;
        let name = |entity: Entity| self.db.entity(entity).name.as_str();
        let key = |key: &Key| key_to_js(name(key.entity), &key.id);
        Ok(match write {
            Write::PutRow(entity, record, synced) => {
                let layout = self.db.entity(entity);
                Encoded::put(&layout.store, row_to_js(record, synced, &layout.names)?)
            }
            Write::DeleteRow(key) => Encoded::delete(&self.db.entity(key.entity).store, JsValue::from(key.id.as_str())),
            Write::PutChange(change) => {
                let entity = change.key.entity;
                Encoded::put(OUTBOX, codec::to_js(&StoredChange::new(name(entity), change))?)
            }
            Write::DeleteChange(deleted) => Encoded::delete(OUTBOX, key(&deleted)),
            Write::PutConflict(conflict) => {
                let names = &self.db.entity(conflict.key.entity).names;
                let stored = StoredConflict {
                    entity: name(conflict.key.entity).to_owned(),
                    id: conflict.key.id,
                    local: names.object(conflict.local),
                    remote: conflict.remote.map(|remote| names.object(remote)),
                    found_at: conflict.found_at,
                };
                Encoded::put(CONFLICTS, codec::to_js(&stored)?)
            }
            Write::DeleteConflict(deleted) => Encoded::delete(CONFLICTS, key(&deleted)),
            Write::PutQuarantined(bad) => Encoded::put(
                QUARANTINE,
                codec::to_js(&StoredQuarantined {
                    entity: name(bad.key.entity).to_owned(),
                    id: bad.key.id,
                    remote: bad.remote,
                    reason: bad.reason,
                    found_at: bad.found_at,
                })?,
            ),
            Write::DeleteQuarantined(deleted) => Encoded::delete(QUARANTINE, key(&deleted)),
            Write::PutReplica(replica) => Encoded::meta(meta::REPLICA, &replica)?,
            Write::PutCheckpoint(scope, checkpoint) => {
                Encoded::meta(&meta::scope(config.scope_name(scope)), &checkpoint)?
            }
            Write::PutEntityMeta(entity, kept) => Encoded::meta(&meta::entity(name(entity)), &kept)?,
            Write::PutInFlight(in_flight) => Encoded::meta(meta::IN_FLIGHT, &in_flight)?,
            Write::DeleteInFlight => Encoded::delete(META, meta::IN_FLIGHT.into()),
            Write::PutSeen(scope, list, keys) => {
                let keys: Vec<(&str, &str)> = keys.iter().map(|key| (name(key.entity), key.id.as_str())).collect();
                Encoded::meta(&meta::seen(config.scope_name(scope), list), &keys)?
            }
            Write::DeleteSeen(scope, _) => {
                let name = config.scope_name(scope);
                let (low, high) = (meta::seen(name, 0), format!("seen:{name}:{}", char::MAX));
                let low = low.trim_end_matches('0');
                let range =
                    KeyRange::bound(&low.into(), &high.as_str().into(), None, None).map_err(|e| e.to_string())?;
                Encoded::delete(META, range.into())
            }
            Write::Wipe => return Err("a wipe is not one value".into()),
        })
    }

    /// Waits until everything is on disk (strict) or with the browser (relaxed).
    async fn commit(self, raw: &IdbTransaction) -> Result<(), StoreError> {
        match self.transaction.await {
            Ok(result) if result.is_committed() => Ok(()),
            Ok(_) => Err(cause(raw, idb::Error::DomExceptionNotFound)),
            Err(error) => Err(cause(raw, error)),
        }
    }

    fn store(&self, name: &str) -> Result<ObjectStore, idb::Error> {
        self.transaction.object_store(name)
    }

    fn rows(&self, entity: Entity) -> Result<ObjectStore, idb::Error> {
        self.store(&self.db.entity(entity).store)
    }

    fn rows_since(&self, entity: Entity, stamp: i64) -> Result<Request, idb::Error> {
        let (store, names) = (self.rows(entity)?, &self.db.entity(entity).names);
        // Text of times sorts as the times do, but for their last digits, and the step looks further back than those.
        let since = codec::to_js(&names.time(stamp)).unwrap_or_else(|_| time_to_js(stamp));
        for name in store.index_names() {
            let index = store.index(&name)?;
            if index.key_path()? == Some(idb::KeyPath::new_single(&names.client_updated_at)) {
                let range = KeyRange::lower_bound(&since, None)?;
                return Ok(Request::All(index.get_all(Some(range.into()), None)?.into_future()));
            }
        }
        // No index on the stamp: every row is read, and the step passes over the old ones.
        Request::all(&store, None)
    }

    fn by_id(&self, store: &str, entity: Entity, ids: &[String]) -> Result<Vec<Request>, idb::Error> {
        let (store, name) = (self.store(store)?, &self.db.entity(entity).name);
        ids.iter().map(|id| Request::one(&store, key_to_js(name, id))).collect()
    }

    fn meta(&self, name: &str) -> Result<Request, idb::Error> {
        Request::one(&self.store(META)?, name.into())
    }

    /// Every key of `entity` in a store keyed by [entity, id]: an array sorts after every string.
    fn range(&self, entity: Entity) -> Result<KeyRange, idb::Error> {
        let name = JsValue::from(self.db.entity(entity).name.as_str());
        KeyRange::bound(&Array::of1(&name), &Array::of2(&name, &Array::new()), None, None)
    }
}

/// One issued request; its handlers are set, so it may be awaited later.
enum Request {
    One(idb::request::futures::GetStoreRequestFuture),
    All(idb::request::futures::GetAllStoreRequestFuture),
    Keys(idb::request::futures::GetAllKeysStoreRequestFuture),
}

impl Request {
    fn one(store: &ObjectStore, key: JsValue) -> Result<Self, idb::Error> {
        Ok(Self::One(store.get(Query::from(key))?.into_future()))
    }

    fn all(store: &ObjectStore, range: Option<KeyRange>) -> Result<Self, idb::Error> {
        Ok(Self::All(store.get_all(range.map(Query::from), None)?.into_future()))
    }

    fn keys(store: &ObjectStore, range: Option<KeyRange>) -> Result<Self, idb::Error> {
        Ok(Self::Keys(store.get_all_keys(range.map(Query::from), None)?.into_future()))
    }

    async fn values(self) -> Result<Vec<JsValue>, idb::Error> {
        match self {
            Self::One(request) => Ok(request.await?.into_iter().collect()),
            Self::All(request) => request.await,
            Self::Keys(request) => request.await,
        }
    }
}

/// A write with its value ready.
struct Encoded {
    store: String,
    what: What,
}

enum What {
    Put(JsValue),
    Delete(JsValue),
    Clear,
}

impl Encoded {
    fn put(store: &str, value: JsValue) -> Self {
        Self { store: store.to_owned(), what: What::Put(value) }
    }

    fn delete(store: &str, key: JsValue) -> Self {
        Self { store: store.to_owned(), what: What::Delete(key) }
    }

    fn meta<T: Serialize>(name: &str, value: &T) -> Result<Self, String> {
        let entry = Object::new();
        let held = codec::to_js(value)?;
        // A plain object takes any field.
        let _ = Reflect::set(&entry, &"name".into(), &name.into());
        let _ = Reflect::set(&entry, &VALUE.into(), &held);
        Ok(Self::put(META, entry.into()))
    }
}

fn one<T: DeserializeOwned>(values: Vec<JsValue>) -> Option<T> {
    let entry = values.into_iter().next()?;
    codec::from_js(Reflect::get(&entry, &VALUE.into()).ok()?).ok()
}

/// The ids in keys of the form [entity, id].
fn ids(keys: &[JsValue], mut each: impl FnMut(String)) {
    for key in keys {
        if let Some(id) = key.dyn_ref::<Array>().and_then(|key| key.get(1).as_string()) {
            each(id);
        }
    }
}

fn begin(database: &IdbDatabase, stores: &Array, mode: &str, strict: bool) -> Result<IdbTransaction, StoreError> {
    let options = Object::new();
    let durability = if strict { "strict" } else { "relaxed" };
    let _ = Reflect::set(&options, &"durability".into(), &durability.into());
    database.unchecked_ref::<WithDurability>().transaction(stores, mode, &options).map_err(|error| {
        let exception = error.dyn_into::<web_sys::DomException>().ok();
        match exception {
            Some(exception) if exception.name() == "InvalidStateError" => StoreError::Closed,
            Some(exception) => StoreError::Failed { name: exception.name(), message: exception.message() },
            None => StoreError::Closed,
        }
    })
}

/// Why a transaction failed: its own reason where it has one, else the request's.
fn cause(raw: &IdbTransaction, error: idb::Error) -> StoreError {
    match raw.error() {
        Some(exception) if exception.name() == "QuotaExceededError" => StoreError::Quota,
        Some(exception) => StoreError::Failed { name: exception.name(), message: exception.message() },
        None => store_error(&idb_error(error)),
    }
}

fn store_error(error: &Error) -> StoreError {
    match error {
        Error::QuotaExceeded => StoreError::Quota,
        Error::Store { name, message } => StoreError::Failed { name: name.clone(), message: message.clone() },
        error => StoreError::Failed { name: error.code().to_owned(), message: error.to_string() },
    }
}

fn unholdable(message: String) -> StoreError {
    StoreError::Failed { name: "DataCloneError".into(), message }
}

#[wasm_bindgen]
extern "C" {
    type WithDurability;
    /// `IDBDatabase.transaction` with its third argument.
    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &WithDurability,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}
