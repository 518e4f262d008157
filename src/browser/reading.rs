//! What a step asks for, read in its transaction. Never stops at the first failed request: each has a handler to outlive.
//!
//! Nothing of ours that cannot be read is passed over: a change becomes a dead letter, all else an error with its place.

use std::future::IntoFuture;

use idb::{KeyRange, ObjectStore, Query};
use js_sys::{Array, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

use super::EntityLayout;
use super::bundles::{self, Bundles};
use super::by_id::{ById, Keys, Passed};
use super::codec::{self, row_from_js, time_to_js};
use super::indexeddb::IndexedDb;
use super::packed::{self, LOST, rows_of};
use super::removal::KnownKeys;
use super::stores::{CONFLICTS, ENTITY, ID, META, NAME, OUTBOX, QUARANTINE, UNREADABLE, VALUE, meta};
use super::transaction::{Ended, Running};
use crate::columns::{ColumnNames, Columns};
use crate::commit::{Found, Read};
use crate::incoming::conflict::Conflict;
use crate::outgoing::outbox::Change;
use crate::packed::index::Rows;
use crate::ports::StoreError;
use crate::record::{ByKey, Entity, Fields, Key, Record, Scope, StoredRow};
use crate::stored::{StoredChange, StoredConflict};

/// What a transaction knows of the outbox, besides what its step was shown.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) keys: KnownKeys,
    pub(super) bundles: Bundles,
}

/// Issues every request, then waits for the answers in order.
pub(super) async fn read_all(
    db: &IndexedDb,
    running: &Running,
    reads: &[Read],
    found: &mut Found,
    outbox: &mut Outbox,
) -> Result<(), Ended> {
    let reading = Reading { db, running };
    if reads.iter().any(|read| !running.names(reading.store_of(read))) {
        return Err(Ended::Narrow);
    }
    let mut issued = Vec::with_capacity(reads.len());
    let mut failed = None;
    let (packed, plain): (Vec<&Read>, Vec<&Read>) = reads.iter().partition(|read| reading.is_packed(read));
    for read in plain {
        match reading.request(read) {
            Ok(requests) => issued.push((read, requests)),
            Err(ended) => {
                failed = Some(ended);
                break;
            }
        }
    }
    if failed.is_none() {
        failed = outbox.bundles.load(db, running, reads).await.err();
    }
    for (read, requests) in issued {
        for request in requests {
            let mut passed = Passed::default();
            match request.values(&mut passed).await {
                Ok(mut values) => {
                    outbox.keys.note(read, passed, &db.config);
                    failed = failed.or(reading.take_bundles(read, &mut values, &mut outbox.bundles).err());
                    failed = failed.or(reading.take(read, values, found).err());
                }
                Err(error) => failed = failed.or(Some(error.into())),
            }
        }
    }
    reads.iter().for_each(|read| outbox.bundles.show(read, found));
    if let Some(failed) = failed {
        return Err(failed);
    }
    for read in packed {
        reading.read_packed(read, found).await?;
    }
    Ok(())
}

struct Reading<'a> {
    db: &'a IndexedDb,
    running: &'a Running,
}

impl Reading<'_> {
    fn store_of(&self, read: &Read) -> &str {
        match read {
            Read::Rows(entity, _) | Read::RowsSince(entity, _) | Read::AllRows(entity) | Read::RowIds(entity) => {
                &self.db.entity(*entity).store
            }
            Read::Changes(..) | Read::AllChanges(_) | Read::ChangeIds(_) | Read::Outbox => OUTBOX,
            Read::Conflicts(..) | Read::AllConflicts => CONFLICTS,
            Read::QuarantineIds(_) | Read::Quarantine => QUARANTINE,
            Read::Replica
            | Read::InFlight
            | Read::Checkpoint(_)
            | Read::EntityMeta(_)
            | Read::EntityMetas
            | Read::Checkpoints
            | Read::Seen(..) => META,
        }
    }

    fn is_packed(&self, read: &Read) -> bool {
        rows_of(read).is_some_and(|entity| self.db.entity(entity).packed)
    }

    async fn read_packed(&self, read: &Read, found: &mut Found) -> Result<(), Ended> {
        let Some(entity) = rows_of(read) else { return Ok(()) };
        let layout = self.db.entity(entity);
        let names = &layout.names;
        let store = packed::follow(self.running, entity, layout).await?;
        if let Read::RowIds(_) = read {
            self.running.indexes.of(entity, |index| {
                for id in index.ids() {
                    found.row_ids.insert(entity, id.clone(), ());
                }
            });
            return Ok(());
        }
        let rows = if let Read::Rows(_, ids) = read { Rows::Of(ids) } else { Rows::All };
        let mut take = |_: usize, id: &str, row: Option<&str>| {
            let fields = row.map_or_else(|| Err(LOST.to_owned()), codec::fields_from_json);
            if let Ok(fields) = &fields
                && names.columns != ColumnNames::default()
            {
                found.columns.insert(entity, id.to_owned(), Columns::of(fields, names));
            }
            found.rows.insert(entity, id.to_owned(), codec::row_of(fields, names));
        };
        packed::visit(self.running, entity, &store, rows, &mut take).await
    }

    fn request(&self, read: &Read) -> Result<Vec<Request>, Ended> {
        let store = self.running.store(self.store_of(read))?;
        Ok(match read {
            Read::Replica => vec![Request::one(&store, meta::REPLICA.into())?],
            Read::Checkpoint(scope) => {
                vec![Request::one(&store, meta::scope(self.db.config.scope_name(*scope)).into())?]
            }
            Read::EntityMeta(entity) => vec![Request::one(&store, meta::entity(self.name(*entity)).into())?],
            Read::Seen(scope, lists) => {
                let name = self.db.config.scope_name(*scope);
                let list = |list| Request::one(&store, meta::seen(name, list).into());
                (0..*lists).map(list).collect::<Result<_, _>>()?
            }
            Read::Rows(entity, ids) => {
                let id_field = self.db.entity(*entity).names.id.clone();
                vec![Request::by_id(store, Keys { entity: None, id_field }, ids)?]
            }
            Read::RowsSince(entity, stamp) => vec![self.rows_since(&store, *entity, stamp.0)?],
            Read::AllRows(_) | Read::Outbox | Read::AllConflicts => vec![Request::all(&store, None)?],
            Read::RowIds(_) | Read::Quarantine => vec![Request::keys(&store, None)?],
            Read::InFlight => vec![Request::named(&store, meta::in_flight_range())?],
            Read::EntityMetas => vec![Request::named(&store, meta::entity_range())?],
            Read::Checkpoints => vec![Request::named(&store, meta::scope_range())?],
            Read::Changes(entity, ids) | Read::Conflicts(entity, ids) => {
                let entity = Some(self.name(*entity).to_owned());
                vec![Request::by_id(store, Keys { entity, id_field: ID.to_owned() }, ids)?]
            }
            Read::AllChanges(entity) => {
                let range = bundles::range_behind(&Array::of1(&self.name(*entity).into()))?;
                vec![Request::all(&store, Some(range))?]
            }
            Read::ChangeIds(entity) | Read::QuarantineIds(entity) => {
                vec![Request::keys(&store, Some(self.range(*entity)?))?]
            }
        })
    }

    fn take(&self, read: &Read, values: Vec<JsValue>, found: &mut Found) -> Result<(), Ended> {
        match read {
            Read::Replica => found.replica = one(values)?,
            Read::InFlight => {
                for entry in values {
                    found.in_flight.extend(one(vec![entry])?);
                }
            }
            Read::Checkpoint(scope) => {
                found.checkpoints.insert(*scope, one(values)?.unwrap_or_default());
            }
            Read::EntityMeta(entity) => {
                found.entities.insert(*entity, one(values)?.unwrap_or_default());
            }
            Read::EntityMetas => {
                for entry in values {
                    let entity =
                        name_of(&entry).as_deref().and_then(meta::entity_of).map(|name| self.db.config.find(name));
                    if let Some(entity) = entity.flatten()
                        && let Some(kept) = one(vec![entry])?
                    {
                        found.entities.insert(entity, kept);
                    }
                }
            }
            Read::Checkpoints => {
                for entry in values {
                    let is_of = |scope: &Scope| name_of(&entry) == Some(meta::scope(self.db.config.scope_name(*scope)));
                    if let Some(scope) = self.db.config.scopes().into_iter().find(is_of)
                        && let Some(checkpoint) = one(vec![entry])?
                    {
                        found.checkpoints.insert(scope, checkpoint);
                    }
                }
            }
            Read::Seen(..) => {
                let keys: Vec<(String, String)> = one(values)?.unwrap_or_default();
                for (entity, id) in keys {
                    if let Some(entity) = self.db.config.find(&entity) {
                        found.seen.insert(entity, id, ());
                    }
                }
            }
            Read::Rows(entity, _) | Read::RowsSince(entity, _) | Read::AllRows(entity) => {
                let EntityLayout { names, own_rows, .. } = self.db.entity(*entity);
                let id_name = JsValue::from(names.id.as_str());
                for value in values {
                    let row = row_from_js(&value, names, *own_rows);
                    let id = match &row {
                        StoredRow::Row(row) => Some(row.record.id.clone()),
                        StoredRow::Unreadable(_) => Reflect::get(&value, &id_name).ok().and_then(|id| id.as_string()),
                    };
                    if let Some(id) = id {
                        if let Some(columns) = codec::columns_from_js(&value, names) {
                            found.columns.insert(*entity, id.clone(), columns);
                        }
                        found.rows.insert(*entity, id, row);
                    }
                }
            }
            Read::RowIds(entity) => {
                for id in values.iter().filter_map(JsValue::as_string) {
                    found.row_ids.insert(*entity, id, ());
                }
            }
            Read::Changes(..) | Read::AllChanges(_) | Read::Outbox => {
                for value in values {
                    if let Some(change) = self.change(&value)? {
                        found.changes.insert(change.key.entity, change.key.id.clone(), change);
                    }
                }
            }
            Read::ChangeIds(_) => self.ids(&values, &mut found.change_ids),
            Read::QuarantineIds(_) | Read::Quarantine => self.ids(&values, &mut found.quarantined),
            Read::Conflicts(..) | Read::AllConflicts => {
                for value in values {
                    if let Some(conflict) = self.conflict(&value).map_err(|reason| unreadable(CONFLICTS, &reason))? {
                        found.conflicts.insert(conflict.key.entity, conflict.key.id.clone(), conflict);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the bundles out of what was read of the outbox.
    fn take_bundles(&self, read: &Read, values: &mut Vec<JsValue>, bundles: &mut Bundles) -> Result<(), Ended> {
        let mut taken = Ok(());
        if let Read::AllChanges(_) | Read::Outbox = read {
            values.retain(|value| {
                let is_bundle = bundles::is_bundle(value);
                if is_bundle && taken.is_ok() {
                    taken = bundles.take(self.db, value);
                }
                !is_bundle
            });
        }
        if let Read::AllChanges(entity) = read {
            bundles.knows_all_of([*entity]);
        } else if *read == Read::Outbox {
            bundles.knows_all_of(self.db.config.all());
        }
        taken
    }

    /// Takes the records named by keys of the form [entity, id].
    fn ids(&self, keys: &[JsValue], into: &mut ByKey<()>) {
        for key in keys.iter().filter_map(|key| key.dyn_ref::<Array>()) {
            let entity = key.get(0).as_string().and_then(|name| self.db.config.find(&name));
            if let Some((entity, id)) = entity.zip(key.get(1).as_string()) {
                into.insert(entity, id, ());
            }
        }
    }

    /// A change; none of an entity that is no longer declared. One that cannot be read is given up until the user
    /// retries or discards it, or its record is edited.
    fn change(&self, value: &JsValue) -> Result<Option<Change>, Ended> {
        let reason = match codec::from_js::<StoredChange>(value) {
            Ok(stored) => {
                let entity = self.db.config.find(&stored.entity);
                return Ok(entity.map(|entity| {
                    let key = Key::new(entity, &stored.id);
                    stored.into_change(key)
                }));
            }
            Err(reason) => reason,
        };
        let text = |name: &str| Reflect::get(value, &name.into()).ok().and_then(|text| text.as_string());
        let Some((entity, id)) = text(ENTITY).zip(text(ID)) else { return Err(unreadable(OUTBOX, &reason)) };
        Ok(self
            .db
            .config
            .find(&entity)
            .map(|entity| Change::unreadable(Key::new(entity, &id), reason, codec::raw(value))))
    }

    /// A conflict; none of an entity that is no longer declared.
    fn conflict(&self, value: &JsValue) -> Result<Option<Conflict>, String> {
        let stored: StoredConflict = codec::from_js(value)?;
        let Some(entity) = self.db.config.find(&stored.entity) else { return Ok(None) };
        let record = |fields: Fields| Record::from_object(fields).map_err(|error| error.to_string());
        Ok(Some(Conflict {
            key: Key { entity, id: stored.id },
            local: record(stored.local)?,
            remote: stored.remote.map(record).transpose()?,
            found_at: stored.found_at,
        }))
    }

    fn rows_since(&self, store: &ObjectStore, entity: Entity, stamp: i64) -> Result<Request, idb::Error> {
        let field = &self.db.entity(entity).names.client_updated_at;
        for name in store.index_names() {
            let index = store.index(&name)?;
            if index.key_path()? == Some(idb::KeyPath::new_single(field)) {
                let range = KeyRange::lower_bound(&time_to_js(stamp), None)?;
                return Ok(Request::All(index.get_all(Some(range.into()), None)?.into_future()));
            }
        }
        // No index on the stamp: every row is read, and the step passes over the old ones.
        Request::all(store, None)
    }

    /// Every key of `entity` in a store keyed by [entity, id]: an array sorts after every string.
    fn range(&self, entity: Entity) -> Result<KeyRange, idb::Error> {
        let name = JsValue::from(self.name(entity));
        KeyRange::bound(&Array::of1(&name), &Array::of2(&name, &Array::new()), None, None)
    }

    fn name(&self, entity: Entity) -> &str {
        &self.db.entity(entity).name
    }
}

/// What was issued; the handlers are set, so it may be awaited later.
pub(super) enum Request {
    ById(ById),
    One(idb::request::futures::GetStoreRequestFuture),
    All(idb::request::futures::GetAllStoreRequestFuture),
    Keys(idb::request::futures::GetAllKeysStoreRequestFuture),
}

impl Request {
    pub(super) fn one(store: &ObjectStore, key: JsValue) -> Result<Self, idb::Error> {
        Ok(Self::One(store.get(Query::from(key))?.into_future()))
    }

    fn by_id(store: ObjectStore, keys: Keys, ids: &[String]) -> Result<Self, idb::Error> {
        Ok(Self::ById(ById::begin(store, keys, ids)?))
    }

    fn named(store: &ObjectStore, (first, last): (String, String)) -> Result<Self, idb::Error> {
        Self::all(store, Some(KeyRange::bound(&first.into(), &last.into(), None, None)?))
    }

    pub(super) fn all(store: &ObjectStore, range: Option<KeyRange>) -> Result<Self, idb::Error> {
        Ok(Self::All(store.get_all(range.map(Query::from), None)?.into_future()))
    }

    pub(super) fn keys(store: &ObjectStore, range: Option<KeyRange>) -> Result<Self, idb::Error> {
        Ok(Self::Keys(store.get_all_keys(range.map(Query::from), None)?.into_future()))
    }

    pub(super) async fn values(self, passed: &mut Passed) -> Result<Vec<JsValue>, idb::Error> {
        match self {
            Self::ById(read) => read.values(passed).await,
            Self::One(request) => Ok(request.await?.into_iter().collect()),
            Self::All(request) => request.await,
            Self::Keys(request) => request.await,
        }
    }
}

/// The name of an entry of `_lastword_meta`.
fn name_of(entry: &JsValue) -> Option<String> {
    Reflect::get(entry, &NAME.into()).ok().and_then(|name| name.as_string())
}

/// The value of an entry of `_lastword_meta`, where there is one.
fn one<T: DeserializeOwned>(values: Vec<JsValue>) -> Result<Option<T>, Ended> {
    let Some(entry) = values.into_iter().next() else { return Ok(None) };
    let value = Reflect::get(&entry, &VALUE.into()).unwrap_or(JsValue::UNDEFINED);
    codec::from_js(&value).map(Some).map_err(|reason| unreadable(META, &reason))
}

pub(super) fn unreadable(store: &str, reason: &str) -> Ended {
    Ended::Failed(StoreError::Failed { name: UNREADABLE.into(), message: format!("an entry of `{store}`: {reason}") })
}
