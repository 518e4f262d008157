//! Reads records for the app, through rexie, on a connection of its own. Never writes, never upgrades.

use std::rc::Rc;

use futures_util::lock::Mutex;
use rexie::{Rexie, TransactionMode};
use wasm_bindgen::JsValue;

use super::codec::{record_to_js, row_from_js};
use super::{EntityLayout, Layout};
use crate::error::Error;
use crate::record::{Entity, StoredRow};

/// A read-only view of the app's rows. Opened at the first read.
#[derive(Clone)]
pub struct Reader {
    layout: Layout,
    database: Rc<Mutex<Option<Rexie>>>,
}

impl Reader {
    /// A reader of the database of `layout`, which must exist.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self { layout, database: Rc::default() }
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
        if let Some(database) = self.database.lock().await.take() {
            database.close();
        }
    }

    async fn values(&self, entity: Entity, id: Option<&str>) -> Result<Vec<JsValue>, Error> {
        let mut held = self.database.lock().await;
        if held.is_none() {
            // No version and no stores named: opened as it stands.
            *held = Some(Rexie::builder(&self.layout.database).build().await.map_err(read_error)?);
        }
        let Some(database) = held.as_ref() else { return Ok(Vec::new()) };
        let name = &self.entity(entity).store;
        let transaction = match database.transaction(&[name], TransactionMode::ReadOnly) {
            Ok(transaction) => transaction,
            Err(error) => {
                // Closed under us: the next read opens it again.
                if let Some(database) = held.take() {
                    database.close();
                }
                return Err(read_error(error));
            }
        };
        let store = transaction.store(name).map_err(read_error)?;
        match id {
            Some(id) => Ok(store.get(id.into()).await.map_err(read_error)?.into_iter().collect()),
            None => store.get_all(None, None).await.map_err(read_error),
        }
    }

    fn shown(&self, entity: Entity, values: Vec<JsValue>, deleted: bool) -> Result<Vec<JsValue>, Error> {
        let names = &self.entity(entity).names;
        let mut shown = Vec::with_capacity(values.len());
        for value in values {
            // What does not decode is still the app's: it is shown as it stands.
            match row_from_js(&value, names) {
                StoredRow::Row(row) if row.record.is_deleted && !deleted => {}
                StoredRow::Row(row) => shown.push(
                    record_to_js(row.record, names)
                        .map_err(|message| Error::Store { name: "DataCloneError".into(), message })?,
                ),
                StoredRow::Unreadable(_) => shown.push(value),
            }
        }
        Ok(shown)
    }

    fn entity(&self, entity: Entity) -> &EntityLayout {
        &self.layout.entities[usize::from(entity.0)]
    }
}

fn read_error(error: rexie::Error) -> Error {
    match error {
        rexie::Error::IdbError(error) => super::database::idb_error(error),
        error => Error::Store { name: "IndexedDB".into(), message: error.to_string() },
    }
}
