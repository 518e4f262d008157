//! Reads records for the app, through rexie, on a connection of its own. Never writes, never upgrades.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::lock::Mutex;
use rexie::{Rexie, Transaction, TransactionMode};
use wasm_bindgen::JsValue;

use super::codec::{self, record_to_js, row_from_js, show_columns};
use super::database::Connection;
use super::indexeddb::IndexedDb;
use super::{EntityLayout, Layout};
use crate::engine::store_error;
use crate::error::Error;
use crate::record::{Entity, StoredRow};

/// A read-only view of the app's rows. Opened at the first read. Packed rows come through the store, which knows where
/// they stand.
#[derive(Clone)]
pub struct Reader {
    store: IndexedDb,
    held: Rc<Mutex<Option<Held>>>,
}

/// rexie does not hear that another tab wants to upgrade or delete the database; a connection beside it does.
struct Held {
    rexie: Rc<RefCell<Option<Rexie>>>,
    watch: Connection,
}

impl Reader {
    /// A reader of the database of `store`.
    #[must_use]
    pub fn new(store: IndexedDb) -> Self {
        Self { store, held: Rc::default() }
    }

    /// The live record of `id`, or its tombstone where `deleted` is asked for; undefined where there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn record(&self, entity: Entity, id: &str, deleted: bool) -> Result<JsValue, Error> {
        let values = self.values(entity, Some(id)).await?;
        let shown = self.shown(entity, values, deleted)?;
        Ok(shown.into_iter().next().unwrap_or(JsValue::UNDEFINED))
    }

    /// Every live record of an entity, in the order of ids; with the tombstones where `deleted` is asked for.
    ///
    /// # Errors
    /// The database's.
    pub async fn records(&self, entity: Entity, deleted: bool) -> Result<Vec<JsValue>, Error> {
        let values = self.values(entity, None).await?;
        self.shown(entity, values, deleted)
    }

    /// Closes the connection, so that it stands in nobody's way; the next read opens it again.
    pub async fn close(&self) {
        self.held.lock().await.take();
    }

    async fn values(&self, entity: Entity, id: Option<&str>) -> Result<Vec<JsValue>, Error> {
        let layout = self.store.entity(entity);
        if layout.packed {
            return self.store.packed_rows(entity, id).await.map_err(|error| store_error(&error));
        }
        let name = &layout.store;
        let transaction = self.begin(name).await?;
        let store = transaction.store(name).map_err(read_error)?;
        match id {
            Some(id) => Ok(store.get(id.into()).await.map_err(read_error)?.into_iter().collect()),
            None => store.get_all(None, None).await.map_err(read_error),
        }
    }

    /// Begins a transaction, on a new connection where the one held was closed under us.
    async fn begin(&self, store: &str) -> Result<Transaction, Error> {
        let mut held = self.held.lock().await;
        if let Some(transaction) = held.as_ref().and_then(|held| held.begin(store)?.ok()) {
            return Ok(transaction);
        }
        *held = None;
        let opened = Held::open(self.store.layout()).await?;
        let begun = opened.begin(store).unwrap_or_else(|| Err(Error::StoreClosed));
        *held = Some(opened);
        begun
    }

    fn shown(&self, entity: Entity, mut values: Vec<JsValue>, deleted: bool) -> Result<Vec<JsValue>, Error> {
        let EntityLayout { names, own_rows, .. } = self.store.entity(entity);
        if *own_rows {
            values.retain(|row| deleted || !codec::is_deleted(row, names));
            values.iter().for_each(codec::take_mark);
            return Ok(values);
        }
        let mut shown = Vec::with_capacity(values.len());
        for value in values {
            // What does not decode is still the app's: it is shown as it stands.
            match row_from_js(&value, names, false) {
                StoredRow::Row(row) if row.record.is_deleted && !deleted => {}
                StoredRow::Row(row) => {
                    let record = record_to_js(row.record, names)
                        .map_err(|message| Error::Store { name: "DataCloneError".into(), message })?;
                    show_columns(&value, &record, names);
                    shown.push(record);
                }
                StoredRow::Unreadable(_) => shown.push(value),
            }
        }
        Ok(shown)
    }
}

impl Held {
    async fn open(layout: &Layout) -> Result<Self, Error> {
        let watch = Connection::open(layout).await?;
        // No version and no stores named: opened as it stands.
        let rexie = Rexie::builder(&layout.database).build().await.map_err(read_error)?;
        let rexie = Rc::new(RefCell::new(Some(rexie)));
        let closing = rexie.clone();
        let close = move || {
            if let Some(rexie) = closing.take() {
                rexie.close();
            }
        };
        if watch.is_open() {
            watch.when_closed(close)
        } else {
            close()
        }
        Ok(Self { rexie, watch })
    }

    /// None where the connection was closed.
    fn begin(&self, store: &str) -> Option<Result<Transaction, Error>> {
        debug_assert!(self.watch.is_open() || self.rexie.borrow().is_none());
        Some(self.rexie.borrow().as_ref()?.transaction(&[store], TransactionMode::ReadOnly).map_err(read_error))
    }
}

fn read_error(error: rexie::Error) -> Error {
    if let rexie::Error::IdbError(error) = error {
        return super::database::idb_error(error);
    }
    Error::Store { name: "IndexedDB".into(), message: error.to_string() }
}
