//! Values by id in few requests. Never reads far more than was asked for.
//!
//! The price of a read is its requests: one for a stretch of the key order costs a quarter of one for each value in it. So
//! the ids are read a stretch at a time for as long as those found in it stand close together, and then each by itself.

use std::future::IntoFuture;

use idb::request::GetStoreRequest;
use idb::request::futures::{GetAllKeysStoreRequestFuture, GetAllStoreRequestFuture, GetStoreRequestFuture};
use idb::{KeyRange, ObjectStore, Query, Request};
use js_sys::Reflect;
use wasm_bindgen::JsValue;

use super::codec::key_to_js;

/// A read of values by id, its first requests issued.
pub(super) struct ById {
    store: ObjectStore,
    keys: Keys,
    /// In order, once each.
    ids: Vec<String>,
    issued: Issued,
}

/// The parts of the key order of which everything was seen.
#[derive(Default)]
pub(super) struct Passed {
    /// The first and the last id of each.
    pub(super) stretches: Vec<(String, String)>,
    /// The ids in them that were not asked for.
    pub(super) others: Vec<String>,
}

/// How a store is keyed.
pub(super) struct Keys {
    /// The entity, in a store keyed by [entity, id].
    pub(super) entity: Option<String>,
    /// The field of a stored value that holds its id.
    pub(super) id_field: String,
}

enum Issued {
    /// One request for each id that is left, the last one apart.
    Each(Vec<GetStoreRequest>, Option<GetStoreRequestFuture>),
    /// The values from the first id that is left to the last, at most so many.
    Stretch(GetAllStoreRequestFuture, usize),
    /// The keys from the first id that is left to the last, at most so many.
    Keys(GetAllKeysStoreRequestFuture, usize),
}

impl ById {
    /// Issues the first requests.
    pub(super) fn begin(store: ObjectStore, keys: Keys, ids: &[String]) -> Result<Self, idb::Error> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let issued = if ids.len() < STRETCH_MIN || !ids.iter().all(|id| sorts_alike(id)) {
            keys.each(&store, &ids)?
        } else {
            keys.stretch(&store, &ids, STRETCH_FIRST.min(2 * ids.len()))?
        };
        Ok(Self { store, keys, ids, issued })
    }

    /// The values found, and what else was seen on the way. Every request issued is waited for, also after one that failed.
    pub(super) async fn values(self, seen: &mut Passed) -> Result<Vec<JsValue>, idb::Error> {
        let mut found = Vec::new();
        let mut left = &self.ids[..];
        let mut issued = self.issued;
        loop {
            let (values, limit) = match issued {
                Issued::Each(requests, last) => {
                    let Some(last) = last else { return Ok(found) };
                    // They are answered in order, and one that fails takes the last with it: only that one is waited for.
                    let last = last.await?;
                    for request in requests {
                        found.extend(Some(request.result()?).filter(|value| !value.is_undefined()));
                    }
                    found.extend(last);
                    return Ok(found);
                }
                Issued::Stretch(request, limit) => (request.await?, limit),
                Issued::Keys(request, limit) => {
                    let keys: Vec<String> = request.await?.iter().filter_map(JsValue::as_string).collect();
                    // An answer that is full says nothing of the ids behind its last key.
                    let end = keys.last().filter(|_| keys.len() == limit);
                    let may_be_there = |id: &String| end.is_some_and(|end| id > end) || keys.binary_search(id).is_ok();
                    let there: Vec<String> = left.iter().filter(|id| may_be_there(id)).cloned().collect();
                    issued = self.keys.each(&self.store, &there)?;
                    continue;
                }
            };
            // Both are in order: each value is one asked for, or stands before the next one asked for.
            let is_all = values.len() < limit;
            let (first, mut last) = (left[0].clone(), left[left.len() - 1].clone());
            let mut passed = 0;
            for (place, value) in values.into_iter().enumerate() {
                let Some(id) = self.keys.id_of(&value) else { continue };
                if place + 1 == limit {
                    last.clone_from(&id);
                }
                while left.get(passed).is_some_and(|asked| *asked < id) {
                    passed += 1;
                }
                if left.get(passed) == Some(&id) {
                    passed += 1;
                    found.push(value);
                } else {
                    seen.others.push(id);
                }
            }
            seen.stretches.push((first, last));
            left = &left[passed..];
            // An answer that is not full says that nothing stands behind its last value.
            if is_all || left.is_empty() {
                return Ok(found);
            }
            issued = if found.is_empty() && self.keys.entity.is_none() {
                // Likely none of them is there, and a key costs far less than a value or a request.
                self.keys.present(&self.store, left)?
            } else if passed * READ_FOR_ONE_MAX >= limit {
                self.keys.stretch(&self.store, left, (limit * STRETCH_GROWTH).min(STRETCH_MAX))?
            } else {
                self.keys.each(&self.store, left)?
            };
        }
    }
}

impl Keys {
    fn key(&self, id: &str) -> JsValue {
        self.entity.as_ref().map_or_else(|| JsValue::from(id), |entity| key_to_js(entity, id))
    }

    fn id_of(&self, value: &JsValue) -> Option<String> {
        Reflect::get(value, &JsValue::from(&self.id_field)).ok()?.as_string()
    }

    fn each(&self, store: &ObjectStore, ids: &[String]) -> Result<Issued, idb::Error> {
        let mut requests = Vec::with_capacity(ids.len());
        for id in ids {
            requests.push(store.get(Query::from(self.key(id)))?);
        }
        let last = requests.pop().map(IntoFuture::into_future);
        Ok(Issued::Each(requests, last))
    }

    fn present(&self, store: &ObjectStore, ids: &[String]) -> Result<Issued, idb::Error> {
        let limit = ids.len() * KEYS_FOR_ONE_MAX;
        let count = u32::try_from(limit).unwrap_or(u32::MAX);
        let range = self.range(ids)?;
        Ok(Issued::Keys(store.get_all_keys(Some(Query::from(range)), Some(count))?.into_future(), limit))
    }

    fn range(&self, ids: &[String]) -> Result<KeyRange, idb::Error> {
        KeyRange::bound(&self.key(&ids[0]), &self.key(&ids[ids.len() - 1]), None, None)
    }

    fn stretch(&self, store: &ObjectStore, ids: &[String], limit: usize) -> Result<Issued, idb::Error> {
        let range = self.range(ids)?;
        let count = u32::try_from(limit).unwrap_or(u32::MAX);
        Ok(Issued::Stretch(store.get_all(Some(Query::from(range)), Some(count))?.into_future(), limit))
    }
}

/// True for an id that IndexedDB sorts among all others as Rust does: it compares UTF-16 code units, Rust compares bytes,
/// and the two part only where both ids have a character behind U+DFFF.
pub(super) fn sorts_alike(id: &str) -> bool {
    id.bytes().all(|byte| byte < FIRST_BYTE_BEHIND_SURROGATES)
}

const FIRST_BYTE_BEHIND_SURROGATES: u8 = 0xee;
/// Fewer ids are read one by one.
const STRETCH_MIN: usize = 4;
/// Most values of the first stretch, which shows whether the ids stand close together.
const STRETCH_FIRST: usize = 64;
const STRETCH_GROWTH: usize = 8;
/// Most values of any stretch: what is held at once.
const STRETCH_MAX: usize = 1_000;
/// Values read for each id asked for, at most: reading four in one request costs what reading one by itself does.
const READ_FOR_ONE_MAX: usize = 4;
/// Keys read for each id that is likely not there, at most: a tenth of what asking for each would cost.
const KEYS_FOR_ONE_MAX: usize = 4;
