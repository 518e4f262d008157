//! Changes that one commit stores, as one value of the outbox. Never leaves a change in two places.
//!
//! A put costs what hundreds of values in one do. So where many are acknowledged, written or found together, they become a
//! bundle, in the outbox beside the entries of their own, under [entity, [number, first id, last id]]: an array sorts after
//! every string.
//! The engine knows nothing of it. Whatever stores or removes a change that lies in a bundle stores the bundle without it.
//! A bundle that cannot be read is shown as one dead letter, "first to last", and stays until that is discarded.

use std::future::IntoFuture;

use idb::{KeyRange, Query};
use js_sys::{Array, Reflect};
use lastword_protocol::json;
use wasm_bindgen::{JsCast, JsValue};

use super::by_id::Passed;
use super::codec;
use super::indexeddb::IndexedDb;
use super::reading::{Request, unreadable};
use super::stores::{ENTITY, ID, OUTBOX};
use super::transaction::{Ended, Running};
use crate::commit::{Found, Read, Write};
use crate::outgoing::outbox::{Change, ChangeState};
use crate::record::{ByEntity, ByKey, Entity, Key};
use crate::stored::{StoredBundle, StoredChange};

/// What a transaction knows of the bundles.
#[derive(Default)]
pub(super) struct Bundles {
    /// The entities of which it knows every bundle.
    listed: Vec<Entity>,
    bundles: Vec<Bundle>,
    /// The changes of the bundles that were read.
    held: ByKey<Held>,
}

struct Bundle {
    entity: Entity,
    number: u32,
    first: String,
    last: String,
    is_read: bool,
    /// One that cannot be read.
    is_damaged: bool,
    is_changed: bool,
}

/// A change in a bundle.
struct Held {
    bundle: usize,
    /// None once it was taken out.
    text: Option<String>,
}

impl Bundles {
    /// Reads the bundles that may hold what these reads ask for, where other requests do not bring them.
    pub(super) async fn load(&mut self, db: &IndexedDb, running: &Running, reads: &[Read]) -> Result<(), Ended> {
        let mut lists: ByEntity<Request> = ByEntity::new();
        for read in reads {
            if let Read::Changes(entity, _) | Read::ChangeIds(entity) = read
                && !self.listed.contains(entity)
                && lists.get(entity).is_none()
            {
                let range = range_of(&db.entity(*entity).name)?;
                lists.insert(*entity, Request::keys(&running.store(OUTBOX)?, Some(range))?);
            }
        }
        let mut failed = None;
        for (entity, request) in lists {
            match request.values(&mut Passed::default()).await {
                Ok(keys) => {
                    for key in keys {
                        let key: Array = key.unchecked_into();
                        self.place(entity, &key.get(1)).ok_or_else(|| unreadable(OUTBOX, NO_BUNDLE))?;
                    }
                    self.listed.push(entity);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let mut unread = Vec::new();
        for bundle in self.bundles.iter().filter(|bundle| !bundle.is_read && failed.is_none()) {
            let is_asked = |read: &Read| {
                if let Read::Changes(entity, ids) = read {
                    *entity == bundle.entity
                        && (ids.iter().any(|id| bundle.may_hold(id)) || ids.contains(&bundle.shown_as()))
                } else {
                    *read == Read::ChangeIds(bundle.entity)
                }
            };
            if reads.iter().any(is_asked) {
                let key = bundle.key(&db.entity(bundle.entity).name);
                unread.push(running.store(OUTBOX)?.get(Query::from(key))?.into_future());
            }
        }
        for request in unread {
            match request.await {
                Ok(value) => value.iter().try_for_each(|value| self.take(db, value))?,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Notes that every bundle of these was among the values taken.
    pub(super) fn knows_all_of(&mut self, entities: impl IntoIterator<Item = Entity>) {
        self.listed.extend(entities);
    }

    /// Takes the value of a bundle.
    pub(super) fn take(&mut self, db: &IndexedDb, value: &JsValue) -> Result<(), Ended> {
        let field = |name: &str| Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED);
        // None of an entity that is no longer declared.
        let Some(entity) = field(ENTITY).as_string().and_then(|name| db.config.find(&name)) else { return Ok(()) };
        let place = self.place(entity, &field(ID)).ok_or_else(|| unreadable(OUTBOX, NO_BUNDLE))?;
        let bundle = &mut self.bundles[place];
        if !std::mem::replace(&mut bundle.is_read, true) {
            let stored = codec::from_js::<StoredBundle>(value);
            bundle.is_damaged = stored.is_err();
            let changes = match stored {
                Ok(stored) => stored.changes,
                // No change can be read from the text of a whole bundle.
                Err(_) => vec![(bundle.shown_as(), codec::raw(value))],
            };
            for (id, text) in changes {
                self.held.insert(entity, id, Held { bundle: place, text: Some(text) });
            }
        }
        Ok(())
    }

    /// Shows what a read asked for. A change that cannot be read is a dead letter, as one with an entry of its own is.
    #[allow(clippy::wildcard_enum_match_arm, reason = "no other read is about the outbox")]
    pub(super) fn show(&self, read: &Read, found: &mut Found) {
        match read {
            Read::Changes(entity, ids) => ids.iter().for_each(|id| self.show_change(*entity, id, found)),
            Read::AllChanges(entity) => self.held.of(*entity).for_each(|(id, _)| self.show_change(*entity, id, found)),
            Read::Outbox => self.held.iter().for_each(|(entity, id, _)| self.show_change(entity, id, found)),
            Read::ChangeIds(entity) => {
                for (id, _) in self.held.of(*entity) {
                    found.change_ids.insert(*entity, id.clone(), ());
                }
            }
            _ => {}
        }
    }

    fn show_change(&self, entity: Entity, id: &str, found: &mut Found) {
        let Some(text) = self.held.value(entity, id).and_then(|held| held.text.as_deref()) else { return };
        let key = Key::new(entity, id);
        let change = match json::from_str::<StoredChange>(text) {
            Ok(stored) => stored.into_change(key),
            Err(error) => Change::unreadable(key, error.to_string(), text.to_owned()),
        };
        found.changes.insert(entity, id.to_owned(), change);
    }

    /// True for a change that lay in a bundle when it was read, so that nothing of its own is in the outbox.
    pub(super) fn held(&self, entity: Entity, id: &str) -> bool {
        self.held.value(entity, id).is_some()
    }

    /// Takes what is about bundles out of the writes, which may remove more entries afterwards; gives what to store in place
    /// of each bundle: none to remove it. `is_absent` is true for a record that is known to have no entry of its own.
    ///
    /// Every bundle that may hold one of the changes must have been loaded.
    pub(super) fn take_writes(
        &mut self,
        db: &IndexedDb,
        writes: &mut Vec<Write>,
        is_absent: impl Fn(Entity, &str) -> bool,
    ) -> Result<Vec<(JsValue, Option<String>)>, String> {
        if writes.contains(&Write::Wipe) {
            *self = Self::default();
            return Ok(Vec::new());
        }
        // What cannot be read cannot be tried again: it stays as it is.
        writes.retain(|write| !matches!(write, Write::PutChange(change) if self.is_damaged(&change.key)));
        let bundled = self.bundled(db, writes)?;
        let mut kept = Vec::with_capacity(writes.len());
        for write in std::mem::take(writes) {
            let Some((entity, id)) = about(&write).map(|key| (key.entity, key.id.clone())) else {
                kept.push(write);
                continue;
            };
            let was_held = self.take_out(entity, &id);
            if bundled.value(entity, &id).is_some() {
                // The entry of its own goes.
                if !self.held(entity, &id) && !is_absent(entity, &id) {
                    kept.push(Write::DeleteChange(Key { entity, id: id.clone() }));
                }
            } else if !matches!(write, Write::DeleteChange(_)) || !was_held {
                kept.push(write);
            }
        }
        *writes = kept;
        let name = |entity: Entity| db.entity(entity).name.as_str();
        let mut stored = Vec::new();
        for (place, bundle) in self.bundles.iter().enumerate().filter(|(_, bundle)| bundle.is_changed) {
            let left = self.held.of(bundle.entity).filter(|(_, held)| held.bundle == place);
            let left: Vec<_> = left.filter_map(|(id, held)| Some((id.clone(), held.text.clone()?))).collect();
            let key = bundle.key(name(bundle.entity));
            let value = if left.is_empty() { None } else { Some(bundle.value(name(bundle.entity), left)?) };
            stored.push((key, value));
        }
        for (entity, ids) in bundled.ids() {
            let numbers = self.bundles.iter().filter(|bundle| bundle.entity == entity).map(|bundle| bundle.number);
            let mut number = numbers.max().unwrap_or(0);
            for ids in ids.chunks(BUNDLE_MAX) {
                number += 1;
                let bundle = Bundle::new(entity, number, ids[0].clone(), ids[ids.len() - 1].clone());
                let text = |id: &String| Some((id.clone(), bundled.value(entity, id)?.clone()));
                let changes = ids.iter().filter_map(text).collect();
                stored.push((bundle.key(name(entity)), Some(bundle.value(name(entity), changes)?)));
            }
        }
        Ok(stored)
    }

    /// What the outbox holds of each change that these writes put into bundles: where they are many of one entity in one state.
    fn bundled(&self, db: &IndexedDb, writes: &[Write]) -> Result<ByKey<String>, String> {
        let mut bundled = ByKey::default();
        for (state, least) in [(ChangeState::Acknowledged, BUNDLE_MIN), (ChangeState::Pending, PENDING_MIN)] {
            let mut many = ByKey::default();
            for write in writes {
                if let Write::PutChange(change) = write
                    && change.state == state
                    && (state == ChangeState::Acknowledged || self.takes_unsent(change.key.entity))
                {
                    many.insert(change.key.entity, change.key.id.clone(), change);
                } else if let Some(key) = about(write) {
                    many.remove(key.entity, &key.id);
                }
            }
            for (entity, ids) in many.ids().into_iter().filter(|(_, ids)| ids.len() >= least) {
                for id in ids {
                    let Some(change) = many.remove(entity, &id) else { continue };
                    let stored = StoredChange::new(&db.entity(entity).name, change.clone());
                    bundled.insert(entity, id, serde_json::to_string(&stored).map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(bundled)
    }

    /// An entity keeps few bundles of unsent changes: every edit of it looks into each that may hold the record.
    fn takes_unsent(&self, entity: Entity) -> bool {
        self.bundles.iter().filter(|bundle| bundle.entity == entity).count() < UNSENT_BUNDLES_MAX
    }

    fn is_damaged(&self, key: &Key) -> bool {
        self.held.value(key.entity, &key.id).is_some_and(|held| self.bundles[held.bundle].is_damaged)
    }

    /// Takes a change out of its bundle, if it lies in one.
    fn take_out(&mut self, entity: Entity, id: &str) -> bool {
        let Some(held) = self.held.value(entity, id) else { return false };
        let bundle = held.bundle;
        let was_there = held.text.is_some();
        if was_there {
            self.bundles[bundle].is_changed = true;
            self.held.insert(entity, id.to_owned(), Held { bundle, text: None });
        }
        was_there
    }

    /// Where the bundle of this id stands in the list, put there where it is new; none for what is no id of a bundle.
    fn place(&mut self, entity: Entity, id: &JsValue) -> Option<usize> {
        let id: &Array = id.dyn_ref()?;
        let number = id.get(0).as_f64()?;
        let (first, last) = (id.get(1).as_string()?, id.get(2).as_string()?);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number that was counted up to")]
        let bundle = Bundle::new(entity, number as u32, first, last);
        let known = self.bundles.iter().position(|known| (known.entity, known.number) == (entity, bundle.number));
        Some(known.unwrap_or_else(|| {
            self.bundles.push(bundle);
            self.bundles.len() - 1
        }))
    }
}

impl Bundle {
    fn new(entity: Entity, number: u32, first: String, last: String) -> Self {
        Self { entity, number, first, last, is_read: false, is_damaged: false, is_changed: false }
    }

    fn may_hold(&self, id: &str) -> bool {
        self.first.as_str() <= id && id <= self.last.as_str()
    }

    /// The id of the dead letter that stands for all of it where it cannot be read.
    fn shown_as(&self) -> String {
        format!("{} to {}", self.first, self.last)
    }

    fn key(&self, name: &str) -> JsValue {
        let id = Array::of3(&self.number.into(), &self.first.as_str().into(), &self.last.as_str().into());
        Array::of2(&name.into(), &id).into()
    }

    fn value(&self, name: &str, changes: Vec<(String, String)>) -> Result<String, String> {
        let id = (self.number, self.first.clone(), self.last.clone());
        codec::to_json(&StoredBundle { entity: name.to_owned(), id, changes })
    }
}

/// True for the value of a bundle.
pub(super) fn is_bundle(value: &JsValue) -> bool {
    Reflect::get(value, &ID.into()).is_ok_and(|id| Array::is_array(&id))
}

/// The keys of the bundles of an entity.
fn range_of(name: &str) -> Result<KeyRange, idb::Error> {
    range_behind(&Array::of2(&name.into(), &Array::new()))
}

/// The keys of an entity's outbox from `first` to the last, bundles and all.
pub(super) fn range_behind(first: &Array) -> Result<KeyRange, idb::Error> {
    KeyRange::bound(first, &Array::of2(&first.get(0), &Array::of1(&Array::new())), None, None)
}

/// What must be known of the outbox before these writes.
pub(super) fn reads(writes: &[Write]) -> Vec<Read> {
    let keys: ByKey<()> = writes.iter().filter_map(about).map(|key| (key.clone(), ())).collect();
    keys.ids().into_iter().map(|(entity, ids)| Read::Changes(entity, ids)).collect()
}

/// The record whose change is written.
fn about(write: &Write) -> Option<&Key> {
    if let Write::PutChange(Change { key, .. }) | Write::DeleteChange(key) = write { Some(key) } else { None }
}

const NO_BUNDLE: &str = "a key that is neither a record's nor a bundle's";
/// Fewer acknowledged changes keep an entry each: an edit of a record in a bundle costs the whole bundle again.
const BUNDLE_MIN: usize = 8;
/// Fewer unsent changes do: they stay for as long as there is no connection, and every read looks into each bundle.
const PENDING_MIN: usize = 64;
/// So do all those that come when their entity has this many bundles.
const UNSENT_BUNDLES_MAX: usize = 16;
/// More make another bundle.
const BUNDLE_MAX: usize = 500;
