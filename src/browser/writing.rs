//! What a step writes, issued in its transaction. Never waits: every value is encoded first, the answers come with the
//! commit.
//!
//! Values stay text until the browser parses and puts all that go to one store in one call: the way there and back for each
//! costs as much as its encoding.

use idb::{KeyRange, ObjectStore, Query};
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::codec::{key_to_js, row_to_json, to_json};
use super::indexeddb::IndexedDb;
use super::reading::Outbox;
use super::stores::{CONFLICTS, META, NAME, OUTBOX, QUARANTINE, VALUE, meta};
use super::transaction::{Ended, Running};
use crate::commit::{Found, Write};
use crate::ports::StoreError;
use crate::record::{Entity, Key, Record, Row};
use crate::stored::{StoredChange, StoredConflict, StoredQuarantined};

/// Encodes every value, then issues every request; those of `packed` rows last.
pub(super) fn write_all(
    db: &IndexedDb,
    running: &Running,
    mut writes: Vec<Write>,
    packed: Vec<Encoded>,
    found: &Found,
    mut outbox: Outbox,
) -> Result<(), Ended> {
    let Outbox { keys, bundles } = &mut outbox;
    let is_absent = |entity, id: &str| keys.is_absent(found, entity, id);
    let bundles = bundles.take_writes(db, &mut writes, is_absent).map_err(unholdable)?;
    let removed = outbox.keys.take_ranges(found, &outbox.bundles, &mut writes);
    let mut encoded: Vec<Encoded> = Vec::with_capacity(writes.len());
    for write in writes {
        if write == Write::Wipe {
            encoded.extend(db.all_stores().into_iter().map(|store| Encoded { store, what: What::Clear }));
        } else {
            encoded.push(encode(db, write).map_err(unholdable)?);
        }
    }
    for (entity, first, last) in removed {
        let key = |id| key_to_js(&db.entity(entity).name, id);
        let range = KeyRange::bound(&key(&first), &key(&last), None, None)?;
        encoded.push(Encoded::delete(OUTBOX, range.into()));
    }
    encoded.extend(bundles.into_iter().map(|(key, value)| match value {
        Some(value) => Encoded::put(OUTBOX, value),
        None => Encoded::delete(OUTBOX, key),
    }));
    encoded.extend(packed);
    issue(running, encoded)
}

/// Issues every request.
pub(super) fn issue(running: &Running, encoded: Vec<Encoded>) -> Result<(), Ended> {
    let mut stores: Vec<(String, Puts)> = Vec::new();
    for write in encoded {
        let place = match stores.iter().position(|(name, _)| *name == write.store) {
            Some(place) => place,
            None => {
                let store = running.store(&write.store)?;
                stores.push((write.store, Puts { store, json: String::new() }));
                stores.len() - 1
            }
        };
        let puts = &mut stores[place].1;
        match write.what {
            What::Put(json) => puts.add(&json),
            What::PutAt(key, value) => {
                puts.issue()?;
                puts.store.put(&value, Some(&key))?;
            }
            What::Delete(key) => {
                puts.issue()?;
                puts.store.delete(Query::from(key))?;
            }
            What::Clear => {
                puts.issue()?;
                puts.store.clear()?;
            }
        }
    }
    stores.iter_mut().try_for_each(|(_, puts)| puts.issue())
}

fn encode(db: &IndexedDb, write: Write) -> Result<Encoded, String> {
    let config = &db.config;
    let name = |entity: Entity| db.entity(entity).name.as_str();
    let key = |key: &Key| key_to_js(name(key.entity), &key.id);
    Ok(match write {
        Write::PutRow(entity, record, synced) => {
            let layout = db.entity(entity);
            Encoded::put(&layout.store, row_to_json(Row { record, synced }, None, &layout.names)?)
        }
        Write::PutRowWithColumns(entity, row, columns) => {
            let layout = db.entity(entity);
            Encoded::put(&layout.store, row_to_json(row, Some(columns), &layout.names)?)
        }
        Write::DeleteRow(key) => Encoded::delete(&db.entity(key.entity).store, JsValue::from(key.id.as_str())),
        Write::PutChange(change) => {
            let entity = change.key.entity;
            Encoded::put(OUTBOX, to_json(&StoredChange::new(name(entity), change))?)
        }
        Write::DeleteChange(deleted) => Encoded::delete(OUTBOX, key(&deleted)),
        Write::PutConflict(conflict) => Encoded::put(
            CONFLICTS,
            to_json(&StoredConflict {
                entity: name(conflict.key.entity).to_owned(),
                id: conflict.key.id,
                local: conflict.local.into_object(),
                remote: conflict.remote.map(Record::into_object),
                found_at: conflict.found_at,
            })?,
        ),
        Write::DeleteConflict(deleted) => Encoded::delete(CONFLICTS, key(&deleted)),
        Write::PutQuarantined(bad) => Encoded::put(
            QUARANTINE,
            to_json(&StoredQuarantined {
                entity: name(bad.key.entity).to_owned(),
                id: bad.key.id,
                remote: bad.remote,
                reason: bad.reason,
                found_at: bad.found_at,
            })?,
        ),
        Write::DeleteQuarantined(deleted) => Encoded::delete(QUARANTINE, key(&deleted)),
        Write::PutReplica(replica) => Encoded::meta(meta::REPLICA, &replica)?,
        Write::PutCheckpoint(scope, checkpoint) => Encoded::meta(&meta::scope(config.scope_name(scope)), &checkpoint)?,
        Write::PutEntityMeta(entity, kept) => Encoded::meta(&meta::entity(name(entity)), &kept)?,
        Write::PutInFlight(in_flight) => Encoded::meta(&meta::in_flight(in_flight.place), &in_flight)?,
        Write::DeleteInFlight(place) => Encoded::delete(META, meta::in_flight(place).into()),
        Write::PutSeen(scope, list, keys) => {
            let keys: Vec<(&str, &str)> = keys.iter().map(|key| (name(key.entity), key.id.as_str())).collect();
            Encoded::meta(&meta::seen(config.scope_name(scope), list), &keys)?
        }
        Write::DeleteSeen(scope, _) => {
            let (low, high) = meta::seen_range(config.scope_name(scope));
            let range = KeyRange::bound(&low.into(), &high.into(), None, None).map_err(|error| error.to_string())?;
            Encoded::delete(META, range.into())
        }
        Write::Wipe => return Err("a wipe is not one value".into()),
    })
}

/// A write with its value ready.
pub(super) struct Encoded {
    store: String,
    what: What,
}

enum What {
    /// The value as JSON.
    Put(String),
    /// A key and its value, in a store whose values do not hold their keys.
    PutAt(JsValue, JsValue),
    Delete(JsValue),
    Clear,
}

impl Encoded {
    fn put(store: &str, json: String) -> Self {
        Self { store: store.to_owned(), what: What::Put(json) }
    }

    pub(super) fn put_at(store: &str, key: JsValue, value: JsValue) -> Self {
        Self { store: store.to_owned(), what: What::PutAt(key, value) }
    }

    pub(super) fn delete(store: &str, key: JsValue) -> Self {
        Self { store: store.to_owned(), what: What::Delete(key) }
    }

    fn meta<T: Serialize>(name: &str, value: &T) -> Result<Self, String> {
        Ok(Self::named(name, &to_json(value)?))
    }

    /// `name` needs no escapes: entities are called by plain letters.
    fn named(name: &str, value: &str) -> Self {
        Self::put(META, ["{\"", NAME, "\":\"", name, "\",\"", VALUE, "\":", value, "}"].concat())
    }
}

/// Values on their way into one store.
struct Puts {
    store: ObjectStore,
    json: String,
}

impl Puts {
    fn add(&mut self, json: &str) {
        self.json.push(if self.json.is_empty() { '[' } else { ',' });
        self.json.push_str(json);
    }

    /// Puts what was added, before whatever comes behind it.
    fn issue(&mut self) -> Result<(), Ended> {
        if self.json.is_empty() {
            return Ok(());
        }
        let json = std::mem::take(&mut self.json) + "]";
        put_all(&self.store.clone().into(), &json).map_err(|error| idb::Error::UpdateFailed(error).into())
    }
}

#[wasm_bindgen(module = "/src/browser/bulk.js")]
extern "C" {
    #[wasm_bindgen(js_name = putAll, catch)]
    fn put_all(store: &JsValue, json: &str) -> Result<(), JsValue>;
}

/// A value that cannot be stored or read.
pub(super) fn unholdable(message: String) -> Ended {
    Ended::Failed(StoreError::Failed { name: "DataCloneError".into(), message })
}
